"""Changes of Kinesis Data Streams for DynamoDB become history, without a number, as fine as their stamps."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import histlib
from histlib.format.record import COLUMNS
from histlib.format.rows import decode_line
from pipeline.cli import main
from pipeline.events.files import read_events
from pipeline.replay.replay import ReplayError, ReplayOptions, replay
from tests.support.pipeline.capture import lines_in

FIRST = 1_767_265_200_123  # 2026-01-01T11:00:00.123Z
ARN = "arn:aws:kinesis:eu-west-1:111122223333:stream/changes"
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"


def change(number: int, old: int | None, new: int | None, **dynamodb: Any) -> dict[str, Any]:
    """A change as the developer guide shows it; the images hold a version."""
    images = {"NewImage": new, "OldImage": old}
    told = {"ApproximateCreationDateTime": FIRST + number * 1_000, "Keys": {"id": {"S": "a"}}, "SizeBytes": 10}
    told |= {name: {"id": {"S": "a"}, "v": {"N": str(v)}} for name, v in images.items() if v is not None}
    return {
        "awsRegion": "eu-west-1",
        "eventID": f"uuid-{number}",
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "orders",
        "dynamodb": {**told, **dynamodb},
        "eventSource": "aws:dynamodb",
    }


CHANGES = [change(1, None, 1), change(2, 1, 2), change(3, 2, 3), change(4, 3, None)]


def data(one: Any) -> str:
    return base64.b64encode(json.dumps(one).encode()).decode()


AROUND = {"eventSource": "aws:kinesis", "eventSourceARN": ARN}
WRITTEN = {
    "firehose": "".join(map(json.dumps, CHANGES)),
    "lambda": json.dumps({"Records": [{"kinesis": {"data": data(one)}, **AROUND} for one in CHANGES]}),
    "pipes": json.dumps([{"data": data(one), **AROUND} for one in CHANGES]),
    "get-records": json.dumps({"Records": [{"Data": data(one), "PartitionKey": "x"} for one in CHANGES]}, indent=2),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_history_of_what_kinesis_had(tmp_path: Path, kind: str) -> None:
    """In each shape they come in the states are what the images say; the account is there where anything tells it."""
    (tmp_path / "in").write_text(WRITTEN[kind])
    assert main(["replay", str(tmp_path / "in"), "--into", str(tmp_path / "h")]) == 0
    history = histlib.connect(tmp_path / "h")
    states = [history.state_at("a", f"2026-01-01T11:00:0{n}.5Z") for n in range(1, 5)]
    assert [state.get("v") for state in states[:3]] == [1, 2, 3]
    assert [(state.status, state.caveats) for state in states] == [("present", ())] * 3 + [
        ("deleted", ("not_settled",))
    ]
    assert history.account == ("111122223333" if kind in ("lambda", "pipes") else "")
    assert (history.table, history.region) == ("orders", "eu-west-1")


@pytest.mark.parametrize(
    ("stamp", "micros", "precision"),
    [
        (FIRST, FIRST * 1_000, "ms"),
        (FIRST * 1_000 + 4, FIRST * 1_000 + 4, "us"),
        (FIRST // 1_000, 1767265200000000, "s"),
    ],
)
def test_lines_are_of_format_1(tmp_path: Path, stamp: int, micros: int, precision: str) -> None:
    """Without stream and number, which Kinesis does not tell; the time as fine as it is."""
    replay([{"Records": [change(0, None, 1, ApproximateCreationDateTime=stamp)]}], tmp_path)
    (line,) = lines_in(tmp_path)
    assert list(line) == list(COLUMNS)
    assert (line["stream"], line["sequence_number"]) == (None, None)
    assert (line["timestamp_micros"], line["precision"], line["timestamp"]) == (micros, precision, micros // 10**6)
    (raw,) = [gzip.decompress(file.read_bytes()) for file in tmp_path.glob("changes/*/*/*/*")]
    decode_line(raw.rstrip(b"\n"))


def test_the_account_is_told_by_the_tables_arn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without it, what to give is said; another table's is refused and leaves nothing."""
    file = tmp_path / "in"
    file.write_text(WRITTEN["firehose"])
    assert main(["replay", str(file), "--into", str(tmp_path / "none")]) == 0
    assert (
        "the account of arn:aws:dynamodb:eu-west-1::table/orders is not known: --stream-arn" in capsys.readouterr().err
    )
    for arn in (TABLE, f"{TABLE}/stream/2026-01-01T00:00:00.000"):
        assert main(["replay", str(file), "--into", str(tmp_path / "h"), "--stream-arn", arn]) == 0
        assert {line["table"] for line in lines_in(tmp_path / "h")} == {TABLE}
    for other in (f"{TABLE}2", TABLE.replace("eu-west-1", "eu-west-2")):
        assert main(["replay", str(file), "--into", str(tmp_path / "x"), "--stream-arn", other]) == 2
    assert not (tmp_path / "x").exists()
    file.write_text(WRITTEN["pipes"].replace("111122223333", "444455556666"))
    assert main(["replay", str(file), "--into", str(tmp_path / "h")]) == 2
    assert "is of arn:aws:dynamodb:eu-west-1:444455556666:table/orders, but" in capsys.readouterr().err


def test_what_is_no_change_of_a_table_is_refused_or_kept(tmp_path: Path) -> None:
    """Other data in the Kinesis stream is an error that names the record; a change that lacks a field is kept."""
    other = {"kinesis": {"data": data({"hello": 1})}, "eventSource": "aws:kinesis"}
    with pytest.raises(ReplayError, match=r"event 1: eventSource 'aws:kinesis': the data of record 2 is no change"):
        replay([{"Records": [CHANGES[0], other]}], tmp_path / "h")
    assert not (tmp_path / "h").exists()
    lacking = [change(1, None, 1, Keys={}), change(2, 1, 2, NewImage=None), change(3, 1, 2)]
    del lacking[2]["tableName"]
    result = replay([{"Records": lacking}], tmp_path / "h", ReplayOptions())
    assert dict(result.reasons) == {
        "dynamodb.Keys is empty": 1,
        "an image that the stream's view promises is missing: dynamodb.NewImage": 1,
        "tableName is missing": 1,
    }


def test_twice_is_once_and_a_retry_too(tmp_path: Path) -> None:
    """Kinesis may give a record twice: it is the same change by its eventID."""
    replay([{"Records": [*CHANGES, CHANGES[1]]}], tmp_path)
    assert len(histlib.connect(tmp_path).timeline("a")) == 4


def test_unwrapped_records_keep_what_they_say(tmp_path: Path) -> None:
    """The change within is the record; nothing of it is lost."""
    (tmp_path / "in").write_text(WRITTEN["get-records"])
    (event,) = read_events([str(tmp_path / "in")])
    assert event["Records"] == CHANGES


def test_numbers_within_keep_their_digits(tmp_path: Path) -> None:
    """Also where they stand as JSON numbers in base64."""
    text = json.dumps(change(1, None, 1)).replace('{"N": "1"}', '{"N": 1.1000000000000000000000000000000000017}')
    packed = base64.b64encode(text.encode()).decode()
    (tmp_path / "in").write_text(json.dumps({"Records": [{"kinesis": {"data": packed}, **AROUND}]}))
    assert main(["replay", str(tmp_path / "in"), "--into", str(tmp_path / "h")]) == 0
    (line,) = lines_in(tmp_path / "h")
    assert line["new_image"] == '{"id":"a","v":1.1000000000000000000000000000000000017}'
