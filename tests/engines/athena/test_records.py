"""Landing objects that are not what they should be, asked through Athena: the answer says so, or is right."""

from __future__ import annotations

import json
import re

import pytest

import histlib
from histlib.errors import MixedTablesError, SourceError
from pipeline.cli import main
from pipeline.common.aws import Aws
from pipeline.common.landing import Bucket
from pipeline.functions.recorder.redact import Redaction
from pipeline.mend.redrive import History, redrive, undelivered_files
from tests.support.athena.equal_answers import differences
from tests.support.athena.records import MIDDLE, QUESTIONS, WITHIN, connected, dated, landing
from tests.support.history.landings import NOON, STREAM, TABLE, put


def without(name: str) -> dict:
    return {key: value for key, value in dated(11, "b").items() if key != name}


BAD = {
    "no keys": without("keys"),
    "no event_id": without("event_id"),
    "no precision": without("precision"),
    "format 2": dated(11, "b") | {"format": 2},
    "lower case": dated(11, "b", action="modify"),
    "other view": dated(11, "b", view="ALL"),
    "short number": dated(11, "b", sequence_number="11"),
    "image of no object": dated(11, "b", new_image="[1]"),
    "keys with a space": dated(11, "b", keys='{"id": "b"}'),
    "keys in another order": dated(11, "b", keys='{"id":"b","a":1}'),
    "keys with an escape": dated(11, "b", keys='{"id":"\\u0062"}'),
    "keys with another number": dated(11, "b", keys='{"id":1.0}'),
    "keys of no attribute": dated(11, "b", keys="{}"),
    "no object of keys": dated(11, "b", keys="{}}"),
}


def raw(fields: dict) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@pytest.mark.parametrize("bad", BAD)
def test_a_line_that_is_no_record_is_told(athena, tmp_path, bad):
    """Every question that reads its day names its object and the command that sets it aside."""
    landing(tmp_path / "h")
    put(tmp_path / "h", raw(BAD[bad]), MIDDLE, "bad.gz")
    history = connected(tmp_path / "h", tmp_path / "cache")
    for name, ask in QUESTIONS.items():
        with pytest.raises(SourceError, match=rf"python -m pipeline quarantine s3://\S+/changes/{MIDDLE}/bad\.gz"):
            pytest.fail(f"{name}: {ask(history)}")


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_object_of_another_table_is_told(athena, tmp_path, question):
    """In the middle of the days, where few are looked at to know the streams: whoever reads it says so."""
    landing(tmp_path / "h")
    other = TABLE.replace("things", "others")
    foreign = dated(11, "b", table=other, stream=STREAM.replace("things", "others"))
    put(tmp_path / "h", [foreign], MIDDLE, "foreign.gz")
    history = connected(tmp_path / "h", tmp_path / "cache")
    if question in ("state", "timeline"):
        ask = {"state": lambda h: h.state_at({"id": "b"}, WITHIN), "timeline": lambda h: h.timeline({"id": "b"})}
    else:
        ask = QUESTIONS
    with pytest.raises(MixedTablesError, match="others"):
        ask[question](history)


@pytest.mark.parametrize("name", ["empty.gz", "more.gz"])
def test_what_does_no_harm(athena, tmp_path, name):
    """An empty object, and fields that nobody knows yet."""
    landing(tmp_path / "h")
    lines = {"empty.gz": b"", "more.gz": raw(dated(11) | {"later": {"a": [1]}, "x": None})}
    put(tmp_path / "h", lines[name], MIDDLE, name)
    history = connected(tmp_path / "h", tmp_path / "cache")
    embedded = histlib.connect(str(tmp_path / "h"), cache=tmp_path / "embedded")
    assert differences(embedded, history, list(QUESTIONS.items())) == []


def test_an_object_that_athena_does_not_see_is_told(athena, tmp_path):
    """Outside of yyyy/MM/dd: a hole that the report names."""
    landing(tmp_path / "h")
    (tmp_path / "h" / "changes" / "stray.gz").write_bytes(b"")
    history = connected(tmp_path / "h", tmp_path / "cache")
    assert "changes/stray.gz" in str(history.coverage().holes.to_dict("records"))


def test_an_object_that_was_set_aside_as_told(athena, tmp_path):
    """Then the question is answered, says what may be missing when, and still has the object's readable lines."""
    landing(tmp_path / "h")
    put(tmp_path / "h", raw(dated(11, "z")) + b'{"format":2}\n', day=MIDDLE, name="bad.gz")
    history = connected(tmp_path / "h", tmp_path / "cache")
    with pytest.raises(SourceError) as caught:
        history.snapshot_at(WITHIN)
    address = re.search(r"python -m pipeline quarantine (s3://\S+)", str(caught.value))[1]
    assert main(["quarantine", address, "--yes"]) == 0
    for again in (history, histlib.connect(history._opened.name, cache=tmp_path / "another")):
        frame = again.snapshot_at(WITHIN)
        assert '{"id":"z"}' in set(frame["keys"])
        assert "unreadable_files" in frame["caveats"].iloc[0]
        (hole,) = again.coverage().holes.query("kind == 'unreadable'").to_dict("records")
        assert hole["file"] == f"failed/unreadable/changes/{MIDDLE}/bad.gz"
        assert (hole["end"] - hole["start"]).total_seconds() == (3 * 24 + 1) * 3_600


def test_a_change_that_is_redriven_into_a_day_long_past(athena, tmp_path):
    """Rows kept of that day and results of earlier queries are not used again: the next question has the change."""
    landing(tmp_path / "h")
    key = {"id": {"S": "late"}}
    stream = {"ApproximateCreationDateTime": NOON + 10 * 86_400 + 60, "Keys": key, "NewImage": key}
    stream |= {"SequenceNumber": str(10**23), "StreamViewType": "NEW_AND_OLD_IMAGES"}
    change = {"eventID": "late", "eventName": "INSERT", "eventSourceARN": STREAM, "dynamodb": stream}
    file = tmp_path / "h/failed/records/1"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(change))
    history = connected(tmp_path / "h", tmp_path / "cache")
    assert history.state_at({"id": "late"}, WITHIN).status == "unknown"
    here = Bucket(Aws(), "histories", "things/")
    deployed = History(here, Bucket(Aws(), "histories"), "mapping", TABLE, Redaction())
    assert len(list(redrive(deployed, undelivered_files(deployed)))) == 1
    state = history.state_at({"id": "late"}, WITHIN)
    assert (state.status, "outside_coverage" in str(state.caveats)) == ("present", False)
