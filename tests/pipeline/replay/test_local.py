"""The stand-ins keep Firehose's and S3's contract, so what works here is allowed there."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from pipeline.common.landing import write_whole
from pipeline.replay.local import Faults, LocalClock, LocalContext, LocalFirehose, LocalS3

NOON = 1_603_713_600.0  # 2020-10-26 12:00:00 UTC
MIDNIGHT = 1_603_756_800.0  # 2020-10-27 00:00:00 UTC


def firehose_in(folder: Path, now: float = NOON, **options: float) -> LocalFirehose:
    return LocalFirehose(LocalS3(folder), LocalClock(now), **options)


def put(firehose: LocalFirehose, *data: bytes) -> dict:
    return firehose.put_record_batch(DeliveryStreamName="replay", Records=[{"Data": one} for one in data])


def objects(folder: Path) -> dict[str, bytes]:
    files = sorted(folder.glob("changes/*/*/*/*"))
    return {file.relative_to(folder / "changes").as_posix(): gzip.decompress(file.read_bytes()) for file in files}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ([b"x\n"] * 501, "ValidationException"),
        ([], "ValidationException"),
        ([b"x" * 1_024_001], "ValidationException"),
        ([b"x" * 1_000_000] * 4 + [b"x" * 194_305], "InvalidArgumentException"),
    ],
)
def test_over_the_limits_is_refused(tmp_path: Path, data: list[bytes], code: str) -> None:
    """One over any of Firehose's limits is AWS's own error, and nothing is taken."""
    firehose = firehose_in(tmp_path)
    with pytest.raises(ClientError) as refused:
        put(firehose, *data)
    assert refused.value.response["Error"]["Code"] == code
    firehose.flush()
    assert objects(tmp_path) == {}


@pytest.mark.parametrize("data", [[b"x\n"] * 500, [b"x" * 1_024_000], [b"x" * 1_000_000] * 4 + [b"x" * 194_304]])
def test_at_the_limits_is_taken(tmp_path: Path, data: list[bytes]) -> None:
    """Exactly at each limit all is taken."""
    firehose = firehose_in(tmp_path)
    assert put(firehose, *data)["FailedPutCount"] == 0
    firehose.flush()
    assert b"".join(objects(tmp_path).values()) == b"".join(data)


def test_unknown_stream_is_refused(tmp_path: Path) -> None:
    """Another stream's name is AWS's error."""
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        firehose_in(tmp_path).put_record_batch(DeliveryStreamName="other", Records=[{"Data": b"x"}])


def test_day_and_name_are_of_the_oldest_record(tmp_path: Path) -> None:
    """What comes after midnight into an object begun before lies in the day before."""
    firehose = firehose_in(tmp_path, MIDNIGHT - 1)
    put(firehose, b"before\n")
    firehose.clock.seconds = MIDNIGHT
    put(firehose, b"after\n")
    firehose.flush()
    ((name, data),) = objects(tmp_path).items()
    assert data == b"before\nafter\n"
    assert re.fullmatch(r"2020/10/26/replay-1-2020-10-26-23-59-59-[0-9a-f]{8}-[0-9a-f-]{27}\.gz", name)


@pytest.mark.parametrize(("wait", "count"), [(299.9, 1), (300, 2)])
def test_buffers_by_time(tmp_path: Path, wait: float, count: int) -> None:
    """An object holds what came within the buffer's time of its oldest record, and not a moment more."""
    firehose = firehose_in(tmp_path, buffer_seconds=300)
    put(firehose, b"one\n")
    firehose.clock.sleep(wait)
    put(firehose, b"two\n")
    firehose.flush()
    assert len(objects(tmp_path)) == count


@pytest.mark.parametrize(("size", "count"), [(499, 0), (500, 1)])
def test_buffers_by_size(tmp_path: Path, size: int, count: int) -> None:
    """An object is written when the buffer is full, not before."""
    firehose = firehose_in(tmp_path, buffer_bytes=1_000)
    put(firehose, b"x" * 500, b"y" * size)
    assert len(objects(tmp_path)) == count


def test_same_data_same_object(tmp_path: Path) -> None:
    """The same records at the same time again leave the folder as it is, to the byte and its times."""
    stamps = []
    for _ in range(2):
        firehose = firehose_in(tmp_path)
        put(firehose, b"one\n")
        firehose.flush()
        (file,) = tmp_path.glob("changes/*/*/*/*")
        stamps.append(file.stat().st_mtime_ns)
    assert stamps[0] == stamps[1]
    assert (firehose.s3.written, len(firehose.s3.unchanged)) == (set(), 1)


def test_faults_are_firehoses_own(tmp_path: Path) -> None:
    """A throttled call raises; a partial failure is an answer whose entries stand in the order of the records."""
    firehose = firehose_in(tmp_path)
    firehose.faults = Faults(throttle=1)
    with pytest.raises(ClientError, match="ServiceUnavailableException"):
        put(firehose, b"x\n")
    firehose.faults = Faults(refuse=0.5, seed=3)
    data = [b"%d\n" % number for number in range(20)]
    answer = put(firehose, *data)
    firehose.flush()
    taken = [one for one, said in zip(data, answer["RequestResponses"], strict=True) if "ErrorCode" not in said]
    assert 0 < answer["FailedPutCount"] == 20 - len(taken) < 20
    assert b"".join(objects(tmp_path).values()) == b"".join(taken)


def test_no_half_file_and_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until an object is whole it has a name that readers pass over; a failed write leaves the old one."""
    seen = []
    monkeypatch.setattr(Path, "replace", lambda self, target: seen.append(self.name))
    write_whole(tmp_path / "a.gz", b"data")
    assert [name[0] for name in seen] == ["_"]
    assert not (tmp_path / "a.gz").exists()


def test_revision_is_replaced_by_writes_into_the_past_only(tmp_path: Path) -> None:
    """Whoever writes into a day that is over replaces _revision, before and after; others leave it alone."""
    s3, revision = LocalS3(tmp_path), tmp_path / "changes" / "_revision"
    s3.put("changes/2999/01/01/a.gz", b"a")
    s3.close()
    assert not revision.exists()
    s3 = LocalS3(tmp_path)
    s3.put("changes/2998/12/31/b.gz", b"b")
    before = revision.read_text()
    s3.close()
    after = revision.read_text()
    assert before != after
    s3 = LocalS3(tmp_path)
    s3.put("changes/2998/12/31/b.gz", b"b")
    s3.put("changes/2999/01/02/c.gz", b"c")
    s3.put("failed/records/1", b"d")
    s3.close()
    assert revision.read_text() == after


def test_context_counts_down() -> None:
    """The time left is the timeout less what has gone by, never below zero."""
    clock = LocalClock(NOON)
    context = LocalContext(clock, 60)
    clock.sleep(10.5)
    assert context.get_remaining_time_in_millis() == 49_500
    clock.sleep(100)
    assert context.get_remaining_time_in_millis() == 0
