"""Recorded events are read from whatever they were kept in; what is none is named by file and line."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from capture import EVENTS, event

from pipeline.events import EventsError, read_events

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
