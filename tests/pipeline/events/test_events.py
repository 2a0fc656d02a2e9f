"""Recorded events are read from whatever they were kept in; what is none is named by file and line."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.errors import EventsError
from pipeline.events.files import read_events
from pipeline.functions.recorder.record import convert
from pipeline.functions.recorder.redact import Redaction
from tests.support.pipeline.capture import EVENTS, event, record

ONE, TWO = event("insert"), event("modify")
LINES = f"{json.dumps(ONE)}\n\n{json.dumps(TWO)}\n".encode()


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (json.dumps(ONE).encode(), [ONE]),
        (json.dumps(ONE, indent=2).encode(), [ONE]),
        (json.dumps([ONE, TWO], indent=2).encode(), [ONE, TWO]),
        (LINES, [ONE, TWO]),
        (LINES.rstrip(), [ONE, TWO]),
        (gzip.compress(LINES, mtime=0), [ONE, TWO]),
        (gzip.compress(json.dumps(ONE, indent=2).encode(), mtime=0) + gzip.compress(b"\n", mtime=0), [ONE]),
        (b"\xef\xbb\xbf" + json.dumps(ONE, indent=2).encode(), [ONE]),
        (json.dumps({"payload": json.dumps(TWO)}).encode(), [TWO]),
        (json.dumps({"version": "1.0", "payload": TWO}).encode(), [TWO]),
        (json.dumps({"requestPayload": TWO, "responsePayload": None}).encode(), [TWO]),
        (json.dumps({"payload": json.dumps({"detail": json.dumps(TWO)})}).encode(), [TWO]),
        (json.dumps({"source": "Pipe x", "detail-type": "y", "detail": ONE["Records"][0]}).encode(), [ONE]),
        ((json.dumps(ONE) + json.dumps(TWO)).encode(), [ONE, TWO]),
        ((json.dumps(ONE, indent=2) + json.dumps(TWO, indent=2)).encode(), [ONE, TWO]),
        ((json.dumps(ONE, indent=2) + "\n" + json.dumps(TWO)).encode(), [ONE, TWO]),
        (json.dumps([ONE["Records"][0], TWO["Records"][0]], indent=1).encode(), [ONE, TWO]),
        (json.dumps(ONE, indent=2).encode("utf-16"), [ONE]),
        (json.dumps({**ONE, "NextShardIterator": "x"}).encode(), [{**ONE, "NextShardIterator": "x"}]),
        (json.dumps(ONE["Records"][0]).encode(), [ONE]),
        (b'{"Records": []}', [{"Records": []}]),
    ],
)
def test_kinds_of_files(tmp_path: Path, data: bytes, events: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON, lists, lines, gzip, Lambda's on-failure objects and single records give the same events; so does stdin."""
    file = tmp_path / "events"
    file.write_bytes(data)
    assert list(read_events([str(file)])) == events
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
    monkeypatch.setattr("sys.stdin", stdin)
    assert list(read_events(["-"])) == events


def test_on_failure_object_of_lambda() -> None:
    """The object that Lambda writes to S3 for a batch it gave up holds that batch."""
    assert list(read_events([str(EVENTS / "on_failure.json")])) == [event("modify")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no JSON"),
        (b"hello", "no JSON"),
        (b'{"Records": [', "no JSON"),
        (LINES + b"{half", r"line 4: no JSON"),
        (b"[1]", "line 1 entry 1: expected a Lambda event.* got int"),
        (b'{"name": "x", "age": 3}', "got dict with age, name"),
        (b'{"payload": "{half"}', "payload: no JSON"),
        (b'{"payload": {"a": 1}}', "got dict with a"),
        (b'{"detail": [{"a": 1}]}', "entry 1: expected .* got dict with a"),
        (b'{"format":1,"action":"INSERT","keys":"{}"}', "a line of a history, which is asked as it is"),
        (b'{"action":"INSERT","keys":{"id":"a"},"new_image":{}}', "a line of a history, which is asked as it is"),
        (b'{"Item":{"id":{"S":"a"}}}', "of an export of DynamoDB, .* --source export:"),
        (b'{"Records": "none"}', "got dict with Records"),
        (b"\x1f\x8bnot gzip", "file"),
        (gzip.compress(LINES, mtime=0)[:-10], "damaged gzip"),
        (gzip.compress(b"x" * 9, mtime=0)[:12] + b"\xff" * 9, "damaged gzip|no JSON|cannot be read"),
        (b"\xff\xfe{", "no JSON"),
    ],
)
def test_what_is_none_is_named(tmp_path: Path, data: bytes, message: str) -> None:
    """A damaged or foreign file is an error with its name and line."""
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(EventsError, match=message) as told:
        list(read_events([str(file)]))
    assert str(file) in str(told.value)


def test_events_before_damage_are_given(tmp_path: Path) -> None:
    """What can be read comes before the error tells of the rest."""
    file = tmp_path / "file"
    file.write_bytes(LINES + b"{half")
    events = read_events([str(file)])
    assert [next(events), next(events)] == [ONE, TWO]
    with pytest.raises(EventsError):
        next(events)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is an error, not an empty history."""
    with pytest.raises(EventsError, match=r"gone\.json: cannot be read: No such file"):
        list(read_events([str(tmp_path / "gone.json")]))


def test_a_folder_is_all_its_files_in_order(tmp_path: Path) -> None:
    """At any depth, gzip or not, by path; what is hidden is passed over, and so is what is written into."""
    records = [record(number) for number in range(1, 6)]
    kept = [{"Records": [one]} for one in records]
    (tmp_path / "2026/11/08").mkdir(parents=True)
    (tmp_path / "2026/11/08/b.gz").write_bytes(gzip.compress(json.dumps(kept[1]).encode()))
    (tmp_path / "2026/11/08/a").write_text(json.dumps(kept[0]))
    (tmp_path / "2026/11/10.json").write_text(json.dumps(kept[2], indent=1) + json.dumps(records[3]))
    (tmp_path / "later.jsonl").write_text(json.dumps(kept[4]) + "\n")
    for hidden in (".DS_Store", "_SUCCESS"):
        (tmp_path / hidden).write_bytes(b"\0")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("x")
    (tmp_path / "history/changes").mkdir(parents=True)
    (tmp_path / "history/changes/x").write_text("x")
    assert list(read_events([str(tmp_path)], tmp_path / "history")) == kept


def test_events_know_their_places(tmp_path: Path) -> None:
    """File, line, and entry of a list."""
    file = tmp_path / "x"
    file.write_text(json.dumps(ONE) + "\n" + json.dumps([TWO, TWO]) + json.dumps(ONE))
    found = [event.place.removeprefix(f"{file} ") for event in read_events([str(file)])]
    assert found == ["line 1", "line 2 entry 1", "line 2 entry 2", "line 2 object 2"]


def test_folders_that_hold_no_events(tmp_path: Path) -> None:
    """One without files, and a history: each with what to do; a folder of raw records laid out as one is none."""
    with pytest.raises(EventsError, match="no files in this folder"):
        list(read_events([str(tmp_path)]))
    day = tmp_path / "changes/2026/11/08"
    day.mkdir(parents=True)
    (day / "a.gz").write_bytes(gzip.compress(convert(ONE["Records"][0], Redaction()).data))
    with pytest.raises(EventsError, match=r"is a history, no stream records: .* --source "):
        list(read_events([str(tmp_path)]))
    with pytest.raises(EventsError, match="line 1: .* a line of a history"):
        list(read_events([str(tmp_path / "changes/2026")]))
    (day / "a.gz").write_bytes(gzip.compress(json.dumps(ONE).encode()))
    assert list(read_events([str(tmp_path)])) == [ONE]
