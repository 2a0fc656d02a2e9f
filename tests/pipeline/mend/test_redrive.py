"""What lies undelivered comes into the history: all of it, once, on its own day; or it is said why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from histlib.rules.coverage.coverage import Hole
from pipeline.common.errors import DeploymentError
from pipeline.common.landing import Folder
from pipeline.functions.recorder.redact import Redaction
from pipeline.mend.redrive import History, redrive, undelivered_files
from tests.support.pipeline.capture import STREAM
from tests.support.pipeline.undelivered_aws import (
    DAY,
    FIRST,
    KEY,
    MAPPING,
    PREFIX,
    SHAPES,
    TABLE,
    Deployed,
    batch,
    change,
    deployed,
    line,
    run,
)

LAMBDA = f"aws/lambda/{MAPPING}/shard/2020/10/26/x"
LATER = "2020-10-26T02:32"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Deployed]:
    """A deployment whose landing lacks the second of three changes."""
    with deployed(tmp_path) as found:
        second = {"todoId": {"S": "t1"}, "title": {"S": "2"}}
        found.land(change(1, "1"), change(5, "5", OldImage=second))
        yield found


def undelivered(aws: Deployed, shape: str = "record") -> str:
    key, make = SHAPES[shape]
    aws.put(key, make(change(2, "2")))
    return key


def holes(aws: Deployed) -> list[Hole]:
    return list(aws.history()._facts().coverage.holes)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_lands_on_the_day_of_its_event(aws: Deployed, shape: str) -> None:
    """Before, the state is told with a hole; after, it is the redriven change, the hole is gone, the object in done."""
    key = undelivered(aws, shape)
    before = aws.history()
    state = before.state_at(KEY, LATER)
    assert (state.get("title"), "outside_coverage" in str(state.caveats)) == ("1", True)
    (hole,) = holes(aws)
    assert (hole.start, hole.end) == ((FIRST + 120) * 1_000_000, (FIRST + 121) * 1_000_000 - 1)
    assert run("redrive", "--table", TABLE, "--yes") == 0
    for history in (before, aws.history()):
        state = history.state_at(KEY, LATER)
        assert (state.get("title"), tuple(state.caveats)) == ("2", ())
    assert holes(aws) == []
    assert aws.listed("aws/") == []
    done = f"{PREFIX}failed/done/{key.removeprefix(PREFIX)}"
    assert aws.listed(f"{PREFIX}failed/") == [done]
    (landed,) = [one for one in aws.listed(f"{PREFIX}changes/{DAY}/") if "redrive-" in one]
    assert re.search(r"/redrive-[0-9a-f]{32}\.gz$", landed)


def test_a_change_of_a_batch_lands_on_its_own_day(aws: Deployed) -> None:
    """A batch over midnight makes an object on each day."""
    midnight = change(3, "3", ApproximateCreationDateTime=1_603_756_800)
    aws.put(LAMBDA, batch(change(2, "2"), midnight))
    assert run("redrive", "--table", TABLE, "--yes") == 0
    days = [key.split("/redrive-")[0][-10:] for key in aws.listed(f"{PREFIX}changes/") if "redrive-" in key]
    assert days == ["2020/10/26", "2020/10/27"]


def test_run_twice_writes_the_same(aws: Deployed) -> None:
    """The second finds nothing; the same object once more writes the same landing object."""
    key, make = SHAPES["lambda"]
    undelivered(aws, "lambda")
    assert run("redrive", "--table", TABLE, "--yes") == 0
    first = aws.listed()
    assert run("redrive", "--table", TABLE, "--yes") == 0
    aws.put(key, make(change(2, "2")))
    assert run("redrive", "--table", TABLE, "--yes") == 0
    assert aws.listed() == first
    assert len(aws.landed()) == 3


def test_killed_at_each_call_and_run_again(tmp_path: Path) -> None:
    """Wherever it is killed: nothing is lost, nothing lies twice, and the next run ends it."""
    killed_at = 0
    while True:
        with deployed(tmp_path / str(killed_at)) as aws:
            aws.land(change(1, "1"), change(5, "5"))
            undelivered(aws)
            aws.put(LAMBDA, batch(change(3, "3"), change(4, "4")))
            aws.calls.clear()
            aws.kill = killed_at
            try:
                assert len(list(redrive(aws.opened(), undelivered_files(aws.opened())))) == 2
                break
            except KeyboardInterrupt:
                pass
            kept = {key.rpartition("failed/done/")[2] for key in aws.listed()}
            assert {f"failed/records/{2:040}", LAMBDA} <= {one.removeprefix(PREFIX) for one in kept}
            aws.kill = None
            assert len(list(redrive(aws.opened(), undelivered_files(aws.opened())))) in (0, 1, 2)
            assert sorted(int(one["sequence_number"]) for one in aws.landed()) == [1, 2, 3, 4, 5]
            assert undelivered_files(aws.opened()) == []
            assert aws.history().state_at(KEY, "2020-10-26T02:32:30").get("title") == "4"
        killed_at += 1
    assert killed_at > 12


def test_readers_are_told(aws: Deployed) -> None:
    """A history that was asked before sees the change, on a day long past, since the revision was replaced."""
    aws.put(f"{PREFIX}changes/_revision", b"old")
    undelivered(aws)
    history = aws.history()
    assert history.state_at(KEY, LATER).get("title") == "1"
    assert run("redrive", "--table", TABLE, "--yes") == 0
    assert aws.get(f"{PREFIX}changes/_revision") != b"old"
    assert history.state_at(KEY, LATER).get("title") == "2"


BAD = {
    "dynamodb.NewImage.title: no attribute as DynamoDB writes it": {"NewImage": {"title": {"Q": "SECRET"}}},
    "dynamodb.NewImage.m.…[1]: an N is no number": {
        "NewImage": {"m": {"M": {"SECRET": {"L": [{"N": "1"}, {"N": "SECRET"}]}}}}
    },
    "dynamodb.SequenceNumber is no number of at most 40 digits": {"SequenceNumber": "SECRET"},
    "dynamodb.ApproximateCreationDateTime is no time": {"ApproximateCreationDateTime": "SECRET"},
    "dynamodb.StreamViewType is none of NEW_AND_OLD_IMAGES": {"StreamViewType": "SECRET"},
    "dynamodb.Keys is empty": {"Keys": {}},
    "an image that the stream's view promises is missing": {"NewImage": None},
}


@pytest.mark.parametrize("problem", BAD)
def test_what_cannot_be_converted_is_explained(aws: Deployed, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By change and field, without a value; it stays, the rest of its batch lands, and quarantine is named."""
    aws.put(LAMBDA, batch(change(2, "2"), change(3, "3", **BAD[problem])))
    assert run("redrive", "--table", TABLE, "--yes") == 1
    told = capsys.readouterr()
    assert f"not converted: change 2: {problem}" in told.out
    assert f"python -m pipeline quarantine --table {TABLE} {LAMBDA}" in told.err
    assert "SECRET" not in told.out + told.err
    assert aws.listed("aws/") == [LAMBDA]
    assert sorted(int(one["sequence_number"]) for one in aws.landed()) == [1, 2, 5]
    assert len(holes(aws)) == 1
    assert run("redrive", "--table", TABLE, "--yes") == 1
    assert len(aws.landed()) == 3


@pytest.mark.parametrize(
    ("name", "raw", "problem"),
    [
        (LAMBDA, b"{half", "no JSON"),
        (LAMBDA, b'{"version": "1.0"}', "expected a Lambda event"),
        (f"{PREFIX}failed/records/x", b"\x1f\x8bgone", "damaged gzip"),
        (f"{PREFIX}failed/firehose/x", b'{"rawData": "?"}', "Firehose's error records in it are damaged"),
        (f"{PREFIX}failed/firehose/x", b'{"rawData": "e30="}', "line 1: no record: Object missing required field"),
    ],
)
def test_objects_that_are_none(
    aws: Deployed, name: str, raw: bytes, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They stay, and are told."""
    aws.put(name, raw)
    assert run("redrive", "--table", TABLE, "--yes") == 1
    assert problem in capsys.readouterr().out
    assert name in aws.listed()


def test_changes_of_another_table_are_never_written(aws: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """In our own places they are explained; what Lambda keeps for another table's mapping is left alone."""
    other = change(2, "2") | {"eventSourceARN": STREAM.replace(TABLE, "others")}
    aws.put(LAMBDA, batch(other))
    aws.put(LAMBDA.replace(MAPPING, "another-mapping"), batch(other))
    aws.put(f"{PREFIX}failed/firehose/x", SHAPES["firehose"][1](other))
    assert run("redrive", "--table", TABLE, "--yes") == 1
    out = capsys.readouterr().out
    assert out.count("it is of table") == 2
    assert "another-mapping" not in out
    assert len(aws.landed()) == 2


def test_what_an_earlier_mapping_left_is_redriven(aws: Deployed) -> None:
    """A mapping that was made anew has another id; its failures are of the same table."""
    aws.put(LAMBDA.replace(MAPPING, "earlier"), batch(change(2, "2")))
    assert run("redrive", "--table", TABLE, "--yes") == 0
    assert (aws.listed("aws/"), len(aws.landed())) == ([], 3)


def test_lambdas_objects_are_redacted(tmp_path: Path) -> None:
    """Lambda keeps what REDACT never saw: neither the landing nor failed/done/ has it."""
    with deployed(tmp_path, redact="title") as aws:
        aws.land(change(1, "1"), redact="title")
        aws.put(LAMBDA, batch(change(2, "SECRET")))
        assert run("redrive", "--table", TABLE, "--yes") == 0
        assert aws.listed("aws/") == []
        assert [one["redaction"] for one in aws.landed()] == [Redaction("title").id] * 2
        done = json.loads(aws.get(f"{PREFIX}failed/done/{LAMBDA}"))
        (kept,) = json.loads(done["payload"])["Records"]
        assert kept["dynamodb"]["NewImage"] == {"todoId": {"S": "t1"}}
        assert not any(b"SECRET" in aws.get(key) for key in aws.listed())


@pytest.mark.parametrize(("now", "label"), [("", "{old}"), ("title", "{old}"), ("done", "{old}+{new}")])
def test_a_record_redacted_before_says_so(tmp_path: Path, now: str, label: str) -> None:
    """By whatever rules it is redriven: without the old rules' name its image would pass for whole."""
    old = Redaction("title")
    with deployed(tmp_path, redact=now) as aws:
        aws.put(f"{PREFIX}failed/records/2", json.dumps(old.apply_to_raw(change(2, "2"))).encode())
        assert run("redrive", "--table", TABLE, "--yes") == 0
        (landed,) = aws.landed()
        assert landed["redaction"] == label.format(old=old.id, new=Redaction(now).id)


def test_dry_run_says_exactly_what_is_done(aws: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """Objects, changes, times, where they land and go; nothing is changed, and then just that is."""
    undelivered(aws)
    aws.put(LAMBDA, batch(change(3, "3"), {}))
    before = aws.listed()
    assert run("redrive", "--table", TABLE, "--dry-run") == 1
    told = capsys.readouterr()
    assert aws.listed() == before
    assert run("redrive", "--table", TABLE, "--yes") == 1
    new = [key.removeprefix(PREFIX) for key in aws.listed(f"{PREFIX}changes/{DAY}/redrive-")]
    lines = told.out.splitlines()
    record = f"failed/records/{2:040}"
    assert lines == [
        f"{record}: 1 change of 2020-10-26 02:30:24+00:00 to 2020-10-26 02:30:24+00:00",
        lines[1],
        f"  then to failed/done/{record}",
        f"{LAMBDA}: 1 change of 2020-10-26 02:31:24+00:00 to 2020-10-26 02:31:24+00:00",
        lines[4],
        "  not converted: change 2: eventID is no text",
        "  stays where it is",
        "would be written: 2 changes in 2 landing objects; moved to failed/done/: 1 object",
    ]
    assert sorted((lines[1], lines[4])) == [f"  to {name}" for name in new]


def test_a_change_that_landed_as_well_counts_once(aws: Deployed) -> None:
    """A batch that failed in part holds changes that Firehose had taken already."""
    aws.land(change(2, "2"), name="b.gz")
    aws.put(LAMBDA, batch(change(2, "2"), change(3, "3")))
    assert run("redrive", "--table", TABLE, "--yes") == 0
    frame = aws.history().timeline(KEY, end="2020-10-26T02:32")
    assert list(frame["event_id"]) == ["event-1", "event-2", "event-3"]
    assert not frame["caveats"].str.contains("conflict").any()


def test_a_batch_without_changes_is_done(aws: Deployed) -> None:
    """Nothing of it is missing."""
    aws.put(LAMBDA, batch())
    assert run("redrive", "--table", TABLE, "--yes") == 0
    assert (aws.listed("aws/"), len(aws.landed())) == ([], 2)


class _Lossy(Folder):
    """A place that loses the end of what is put below failed/done/."""

    def put(self, name: str, data: bytes) -> None:
        super().put(name, data[:-1] if name.startswith("failed/done/") else data)


def test_what_was_not_copied_is_not_deleted(tmp_path: Path) -> None:
    """The copy is read again first."""
    folder = _Lossy(tmp_path)
    folder.put("failed/records/2", json.dumps(change(2, "2")).encode())
    history = History(folder, folder, MAPPING, STREAM.partition("/stream/")[0], Redaction())
    with pytest.raises(DeploymentError, match="failed/done/failed/records/2 is not what was just written"):
        list(redrive(history, ["failed/records/2"]))
    assert undelivered_files(history) == ["failed/records/2"]


def test_nothing_undelivered(aws: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """Is said; what is done or set aside, and Lambda's asynchronous invocations, count for nothing."""
    for key in (f"{PREFIX}failed/done/x", f"{PREFIX}failed/unreadable/x", "aws/lambda/async/f/x"):
        aws.put(key, b"x")
    assert run("redrive", "--table", TABLE) == 0
    assert "nothing lies undelivered" in capsys.readouterr().out


def test_without_consent_nothing_is_done(aws: Deployed) -> None:
    """Nobody can be asked here."""
    undelivered(aws)
    before = aws.listed()
    assert run("redrive", "--table", TABLE) == 2
    assert aws.listed() == before


def test_a_folder_is_redriven_by_the_same_code(tmp_path: Path) -> None:
    """What a replay left undelivered on disk."""
    folder = Folder(tmp_path)
    folder.put("failed/records/2", json.dumps(change(2, "2")).encode())
    history = History(folder, folder, MAPPING, STREAM.partition("/stream/")[0], Redaction())
    (done,) = redrive(history, undelivered_files(history))
    assert [change.line for change in done.changes] == [line(change(2, "2"))]
    assert list(folder.names("failed/")) == ["failed/done/failed/records/2"]
