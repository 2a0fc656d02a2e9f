"""What a stream sent is told from a history: it is to be replayed first."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

import histlib
from histlib.cli import main
from histlib.errors import NotAHistoryError, RequestError
from histlib.format.stream_records import holds_stream_records
from tests.support.history.landings import put, record

CHANGE = {
    "eventID": "1",
    "eventName": "INSERT",
    "dynamodb": {"Keys": {"id": {"S": "a"}}, "SequenceNumber": "1"},
}
KINESIS = {"kinesis": {"data": base64.b64encode(json.dumps(CHANGE).encode()).decode(), "partitionKey": "x"}}
SHAPES = {
    "event": json.dumps({"Records": [CHANGE]}),
    "pretty": json.dumps({"Records": [CHANGE]}, indent=4),
    "payload": json.dumps({"version": "1.0", "payload": json.dumps({"Records": [CHANGE]})}),
    "detail": json.dumps({"detail-type": "x", "detail": CHANGE}),
    "kinesis": json.dumps({"Records": [KINESIS]}),
    "in a row": json.dumps(CHANGE) * 3,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", ["events.json", "2026/01/01/00/part-1", "changes/2026/01/01/a"])
def test_stream_records_are_to_be_replayed_first(tmp_path, shape, place):
    """In a folder, laid out by hours as Firehose does, even where a history's changes lie; gzip or not."""
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    for pack in (str.encode, lambda text: gzip.compress(text.encode())):
        (tmp_path / place).write_bytes(pack(SHAPES[shape]))
        with pytest.raises(NotAHistoryError, match=r"replay them first, from a clone of histlib: python -m pipeline"):
            histlib.connect(tmp_path)


def test_a_file_as_a_source(tmp_path, monkeypatch, capsys):
    """Of stream records, or of something else: each with what to do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.json").write_text(SHAPES["event"])
    (tmp_path / "notes").write_text("hello")
    for name in ("events.json", "./events.json"):
        with pytest.raises(NotAHistoryError, match="replay them first"):
            histlib.connect(name)
    with pytest.raises(NotAHistoryError, match="it is a file; expected the folder of one"):
        histlib.connect("notes")
    with pytest.raises(RequestError, match="neither a folder here nor a name"):
        histlib.connect("nowhere")
    assert main(["state-at", "a", "--source", "events.json"]) == 3
    assert "these are stream records: replay them first" in capsys.readouterr().err


def test_a_history_is_none_of_these(tmp_path):
    """Whatever its items hold: also the changes of a table that stores stream records."""
    told = {"id": "a", "eventName": "INSERT", "record": json.dumps(CHANGE), "dynamodb": CHANGE["dynamodb"]}
    put(tmp_path, [record(1, new_image=told)])
    assert not holds_stream_records(tmp_path)
    assert histlib.connect(tmp_path).state_at("a").status == "present"
