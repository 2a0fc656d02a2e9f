"""What cannot be read is set aside: only what is damaged is lost, and every answer of its time says so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import histlib
from histlib.format.days import event_window
from histlib.rules.coverage.coverage import Hole
from pipeline.functions.recorder.redact import Redaction
from pipeline.mend.quarantine import finish, locate, look, set_aside
from pipeline.mend.redrive import undelivered_files
from tests.support.pipeline.capture import STREAM
from tests.support.pipeline.undelivered_aws import (
    BUCKET,
    DAY,
    KEY,
    MAPPING,
    PREFIX,
    SOURCE,
    TABLE,
    Deployed,
    batch,
    change,
    deployed,
    line,
    run,
)

FILE = f"changes/{DAY}/bad.gz"
ASIDE = f"failed/unreadable/{FILE}"
NOW = "2020-10-26T02:40"
LAMBDA = f"aws/lambda/{MAPPING}/shard/2020/10/26/x"
LINES = [line(change(number, str(number))) for number in (2, 3, 4)]
WHOLE = gzip.compress(b"".join(LINES), mtime=0)
#: How an object is damaged → it, and the changes that can be read.
DAMAGES = {
    "a line is no record": (gzip.compress(LINES[0] + b'{"format":2}\n' + LINES[2], mtime=0), [2, 4]),
    "a line is no JSON": (gzip.compress(LINES[0] + b"{half\n" + LINES[2], mtime=0), [2, 4]),
    "cut off": (gzip.compress(LINES[0], mtime=0) + WHOLE[:-9], [2, 2, 3, 4]),
    "no gzip at all": (b"\x1f\x8bnothing", []),
}


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Deployed]:
    """A deployment with a first and a last change, and with nothing damaged yet."""
    with deployed(tmp_path) as found:
        found.land(change(1, "1"), change(20, "20"))
        found.put(f"{PREFIX}changes/_revision", b"old")
        yield found


def holes(aws: Deployed) -> list[Hole]:
    return list(aws.history()._facts().coverage.holes)


def landed(aws: Deployed) -> list[int]:
    return sorted(int(one["sequence_number"]) for one in aws.landed())


@pytest.mark.parametrize("damage", DAMAGES)
def test_only_what_is_damaged_is_lost(aws: Deployed, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest stays in the landing; the hole is as wide as the object's day allows, and readers are told."""
    raw, readable = DAMAGES[damage]
    aws.put(PREFIX + FILE, raw)
    assert run("quarantine", f"{SOURCE}/{FILE}", "--yes") == 0
    assert aws.listed(f"{PREFIX}failed/") == [PREFIX + ASIDE]
    assert aws.get(PREFIX + ASIDE) == raw
    assert landed(aws) == sorted([1, 20, *readable])
    assert aws.get(f"{PREFIX}changes/_revision") != b"old"
    (hole,) = holes(aws)
    assert (hole.kind, hole.file, (hole.start, hole.end)) == ("unreadable", ASIDE, event_window(FILE))
    told = capsys.readouterr().out
    assert f"{FILE}: {len(raw):,} bytes, damaged" in told
    assert (
        "a hole: changes of 2020-10-24 00:00:00+00:00 to 2020-10-27 01:00:00+00:00 may be missing, and answers" in told
    )
    state = aws.history().state_at(KEY, NOW)
    assert state.get("title") == str(max([1, *readable]))
    assert "unreadable_files" in str(state.caveats)


def test_outside_the_window_nothing_is_caveated(aws: Deployed) -> None:
    """The hole ends where no change of that object can be; just inside it is told."""
    last = change(30, "30", ApproximateCreationDateTime=1_603_846_800)  # 2020-10-28 01:00
    aws.land(last, day="2020/10/28")
    aws.put(PREFIX + FILE, b"\x1f\x8bnothing")
    assert run("quarantine", f"{SOURCE}/{FILE}", "--yes") == 0
    frame = aws.history().timeline(KEY)
    assert aws.history().state_at(KEY, "2020-10-28T01:00").caveats == ()
    assert "unreadable_files" in str(aws.history().state_at(KEY, "2020-10-27T00:59:59").caveats)
    assert len(frame)


def test_a_readable_object_is_refused(aws: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless it is given up by force: then all of it is a hole."""
    aws.put(PREFIX + FILE, WHOLE)
    assert run("quarantine", f"{SOURCE}/{FILE}", "--yes") == 2
    assert "can be read, all 3 of its changes: nothing is wrong" in capsys.readouterr().err
    assert landed(aws) == [1, 2, 3, 4, 20]
    assert run("quarantine", f"{SOURCE}/{FILE}", "--yes", "--force") == 0
    assert (landed(aws), len(holes(aws))) == ([1, 20], 1)


def test_what_only_athena_cannot_read_is_packed_anew(aws: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain text under a name of gzip: nothing is lost, so there is no hole."""
    aws.put(PREFIX + FILE, b"".join(LINES))
    assert run("quarantine", f"{SOURCE}/{FILE}", "--yes") == 0
    assert "no hole: nothing is lost" in capsys.readouterr().out
    assert (landed(aws), holes(aws)) == ([1, 2, 3, 4, 20], [])
    assert aws.listed(f"{PREFIX}failed/") == [f"{PREFIX}failed/done/{FILE}"]


def test_an_articles_object(aws: Deployed) -> None:
    """Its landing lies right below the root, without changes/."""
    old = b'{"action":"INSERT","keys":{"todoId":"t1"},"new_image":{"todoId":"t1"},"timestamp":1603679304}\n'
    aws.put("article/2020/10/26/02/x.gz", gzip.compress(old + b"{half\n", mtime=0))
    assert run("quarantine", f"s3://{BUCKET}/article/2020/10/26/02/x.gz", "--yes") == 0
    assert [key[: len("article/2020/10/26/02/redrive-")] for key in aws.listed("article/2020")] == [
        "article/2020/10/26/02/redrive-"
    ]
    assert aws.listed("article/failed/") == ["article/failed/unreadable/2020/10/26/02/x.gz"]
    assert aws.get("article/changes/_revision") != b""


def test_dry_run_says_exactly_what_is_done(aws: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is changed; then just that is."""
    raw, _ = DAMAGES["a line is no JSON"]
    aws.put(PREFIX + FILE, raw)
    before = aws.listed()
    assert run("quarantine", f"{SOURCE}/{FILE}", "--dry-run") == 0
    told = capsys.readouterr().out.splitlines()
    assert aws.listed() == before
    assert run("quarantine", "--table", TABLE, FILE, "--yes") == 0
    (kept,) = [key.removeprefix(PREFIX) for key in aws.listed(f"{PREFIX}changes/{DAY}/redrive-")]
    assert told == [
        f"{FILE}: {len(raw):,} bytes, damaged",
        "  line 2: no record: JSON is malformed: object keys must be strings (byte 1)",
        f"  2 changes can be read: kept in {kept}",
        f"  then to {ASIDE}",
        "  a hole: changes of 2020-10-24 00:00:00+00:00 to 2020-10-27 01:00:00+00:00 may be missing, and answers will "
        "tell of it",
    ]
    assert [*before, PREFIX + ASIDE, PREFIX + kept, PREFIX + FILE].count(PREFIX + FILE) == 2
    assert sorted(aws.listed()) == sorted({*before, PREFIX + ASIDE, PREFIX + kept} - {PREFIX + FILE})


def test_killed_at_each_call_and_run_again(tmp_path: Path) -> None:
    """Wherever it is killed: nothing readable is lost, the next run ends it, and once more is no error."""
    raw, _ = DAMAGES["a line is no JSON"]
    killed_at = 0
    while True:
        with deployed(tmp_path / str(killed_at)) as aws:
            aws.land(change(1, "1"), change(20, "20"))
            aws.put(PREFIX + FILE, raw)
            history, file = locate(aws.aws, f"{SOURCE}/{FILE}", None)
            aws.calls.clear()
            aws.kill = killed_at
            try:
                set_aside(history, look(history, file))
                break
            except KeyboardInterrupt:
                pass
            aws.kill = None
            assert raw in (aws.get(key) for key in aws.listed())
            revision = aws.listed(f"{PREFIX}changes/_revision") and aws.get(f"{PREFIX}changes/_revision")
            assert run("quarantine", f"{SOURCE}/{FILE}", "--yes") == 0
            assert landed(aws) == [1, 2, 4, 20]
            assert aws.listed(f"{PREFIX}failed/") == [PREFIX + ASIDE]
            assert aws.get(f"{PREFIX}changes/_revision") != revision
            assert run("quarantine", f"{SOURCE}/{FILE}", "--yes") == 0
            assert len(holes(aws)) == 1
        killed_at += 1
    assert killed_at > 6


def test_readers_are_told_of_an_object_set_aside(aws: Deployed) -> None:
    """A history that was asked before counts no line of it any more, on a day long past."""
    aws.put(PREFIX + FILE, WHOLE)
    history = aws.history()
    assert history.state_at(KEY, NOW).get("title") == "4"
    assert run("quarantine", f"{SOURCE}/{FILE}", "--yes", "--force") == 0
    state = history.state_at(KEY, NOW)
    assert (state.get("title"), "unreadable_files" in str(state.caveats)) == ("1", True)


def test_an_undelivered_object_is_accepted_as_a_hole(aws: Deployed) -> None:
    """What redrive cannot convert is undelivered no more, but a hole of its changes' times; the rest of it lands."""
    poison = change(3, "3", NewImage={"todoId": {"Q": "x"}})
    aws.put(LAMBDA, batch(change(2, "2"), poison))
    assert run("quarantine", "--table", TABLE, LAMBDA, "--yes") == 0
    assert undelivered_files(aws.opened()) == []
    (hole,) = holes(aws)
    assert (hole.kind, hole.file) == ("undelivered", f"failed/unreadable/{LAMBDA}")
    assert hole.end - hole.start == 61_000_000 - 1
    assert landed(aws) == [1, 2, 20]
    assert run("redrive", "--table", TABLE) == 0


def test_a_record_that_redrive_can_write_is_refused(aws: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    """The error says so."""
    key = f"{PREFIX}failed/records/2"
    aws.put(key, json.dumps(change(2, "2")).encode())
    assert run("quarantine", "--table", TABLE, key, "--yes") == 2
    assert "redrive writes it into the history" in capsys.readouterr().err
    assert key in aws.listed()


def test_lambdas_objects_are_redacted(tmp_path: Path) -> None:
    """What could not be read could not be redacted, and is not kept; the hole is."""
    with deployed(tmp_path, redact="title") as aws:
        aws.land(change(1, "1"), redact="title")
        poison = change(3, "SECRET", ApproximateCreationDateTime="x")
        aws.put(LAMBDA, batch(poison))
        aws.put(f"{LAMBDA}y", b"{SECRET")
        assert run("quarantine", "--table", TABLE, LAMBDA, f"s3://{BUCKET}/{LAMBDA}y", "--yes") == 0
        assert not any(b"SECRET" in aws.get(key) for key in aws.listed())
        assert [hole.file for hole in holes(aws)] == [f"failed/unreadable/{LAMBDA}", f"failed/unreadable/{LAMBDA}y"]
        kept = json.loads(json.loads(aws.get(f"{PREFIX}failed/unreadable/{LAMBDA}"))["payload"])["Records"]
        assert [one["redaction"] for one in kept] == [Redaction("title").id]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([FILE], "without --table, expected the address of a landing object"),
        ([f"s3://{BUCKET}/{LAMBDA}"], "without --table"),
        ([f"{SOURCE}/{ASIDE}"], "without --table"),
        ([f"s3://{BUCKET}/{PREFIX}coverage/2020/10/26/attestations.json"], "without --table"),
        ([f"s3://{BUCKET}/{PREFIX}failed/firehose/2020/10/26/x"], "without --table"),
        ([f"{SOURCE}/{FILE}"], "there is no such object"),
        (["--table", TABLE, f"s3://other/{FILE}"], "expected an object below"),
        (["--table", TABLE, "changes/_revision"], "expected an object below"),
        (["--table", TABLE, "coverage/2020/10/26/attestations.json"], "expected an object below"),
        (["--table", TABLE, ASIDE], "expected an object below"),
    ],
)
def test_other_objects_are_refused(
    aws: Deployed, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is changed; the error says what was expected."""
    before = aws.listed()
    assert run("quarantine", *arguments, "--yes") == 2
    assert message in capsys.readouterr().err
    assert aws.listed() == before


def test_one_refused_object_refuses_all(aws: Deployed) -> None:
    """Nothing is done before all are looked at."""
    aws.put(PREFIX + FILE, DAMAGES["no gzip at all"][0])
    before = aws.listed()
    assert run("quarantine", f"{SOURCE}/{FILE}", f"{SOURCE}/changes/{DAY}/a.gz", "--yes") == 2
    assert aws.listed() == before


def test_without_consent_nothing_is_done(aws: Deployed) -> None:
    """Nobody can be asked here."""
    aws.put(PREFIX + FILE, b"\x1f\x8bnothing")
    before = aws.listed()
    assert run("quarantine", f"{SOURCE}/{FILE}") == 2
    assert aws.listed() == before


def test_a_folder_tells_the_same_holes(tmp_path: Path) -> None:
    """A folder's source: a landing object by its day, an undelivered one by its changes, done ones not at all."""
    for name, raw in {
        f"changes/{DAY}/a.gz": gzip.compress(line(change(1, "1")), mtime=0),
        ASIDE: b"x",
        "failed/unreadable/failed/records/2": json.dumps(change(2, "2")).encode(),
        f"failed/unreadable/{LAMBDA}": batch(change(3, "3") | {"eventSourceARN": STREAM}),
        "failed/done/failed/records/4": json.dumps(change(4, "4")).encode(),
    }.items():
        (tmp_path / "h" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "h" / name).write_bytes(raw)
    found = histlib.connect(str(tmp_path / "h"), cache=tmp_path / "cache")._facts().coverage.holes
    assert {(hole.kind, hole.file) for hole in found} == {
        ("undelivered", f"failed/unreadable/{LAMBDA}"),
        ("unreadable", ASIDE),
        ("unconverted", "failed/unreadable/failed/records/2"),
    }
    starts = {hole.kind: hole.start for hole in found if hole.kind != "unreadable"}
    assert starts == {"undelivered": 1_603_679_484_000_000, "unconverted": 1_603_679_424_000_000}


def test_finish_is_harmless(aws: Deployed) -> None:
    """Readers are told once more; nothing else changes."""
    history, file = locate(aws.aws, f"{SOURCE}/{FILE}", None)
    before = aws.listed()
    finish(history, file)
    assert aws.listed() == before
