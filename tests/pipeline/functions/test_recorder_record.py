"""One stream record becomes one line of format 1, or is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from histlib.format.record import COLUMNS
from histlib.format.rows import decode_line
from pipeline.functions.recorder.images import NotConvertibleError
from pipeline.functions.recorder.record import convert, read_stamp
from pipeline.functions.recorder.redact import Redaction
from tests.support.pipeline.capture import STREAM, event, record

CONVERTIBLE = ["insert", "modify", "remove", "ttl_delete", "every_type", "times_and_identities", "duplicates"]
VIEWS = ["view_new_image", "view_old_image", "view_keys_only"]


def line_of(record: dict[str, Any]) -> dict[str, Any]:
    return json.loads(convert(record, Redaction()).data)


def test_line_to_the_letter() -> None:
    """A MODIFY of the article's table is this very line."""
    line = convert(event("modify")["Records"][0], Redaction())
    assert line.data.decode() == (
        '{"format":1,"event_id":"9706c0ca3f54ac86b49aec00c8aab625",'
        '"table":"arn:aws:dynamodb:ap-northeast-1:111122223333:table/todo-sample-table",'
        f'"stream":"{STREAM}","view":"NEW_AND_OLD_IMAGES","action":"MODIFY","keys":"{{\\"todoId\\":\\"t0001\\"}}",'
        '"new_image":"{\\"done\\":false,\\"title\\":\\"いますぐ寝る!!!\\",\\"todoId\\":\\"t0001\\"}",'
        '"old_image":"{\\"todoId\\":\\"t0001\\"}","timestamp":1603679400,"timestamp_utc":"2020-10-26 02:30:00",'
        '"timestamp_micros":1603679400000000,"precision":"s",'
        '"sequence_number":"0000000000000001357900000000014310582207","actor":null,"redaction":null,'
        '"size_bytes":140,"read_begin":null,"read_end":null}\n'
    )
    assert line.sequence == 1357900000000014310582207


@pytest.mark.parametrize("name", CONVERTIBLE + VIEWS)
def test_fields_are_those_of_histlib(name: str) -> None:
    """Whatever the event, a line has the fields of histlib's record, in its order, and histlib takes it."""
    for one in event(name)["Records"]:
        data = convert(one, Redaction()).data
        assert list(json.loads(data)) == list(COLUMNS)
        assert data.count(b"\n") == 1 and data.endswith(b"\n")
        assert set(decode_line(data)) == set(COLUMNS)


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("view_new_image", [(True, False), (True, False), (False, False)]),
        ("view_old_image", [(False, False), (False, True), (False, True)]),
        ("view_keys_only", [(False, False), (False, False), (False, False)]),
    ],
)
def test_views(name: str, images: list[tuple[bool, bool]]) -> None:
    """Each view's images are there, and those that it has not are null."""
    lines = [line_of(one) for one in event(name)["Records"]]
    assert [(line["new_image"] is not None, line["old_image"] is not None) for line in lines] == images


def test_ttl_delete_names_its_actor() -> None:
    """A deletion by TTL tells so; without a userIdentity the actor is null; GetRecords' capitals are brought down."""
    ttl = '{"principalId":"dynamodb.amazonaws.com","type":"Service"}'
    assert line_of(event("ttl_delete")["Records"][0])["actor"] == ttl
    lines = [line_of(one) for one in event("times_and_identities")["Records"]]
    assert [line["actor"] for line in lines] == [None] * 5 + [ttl]


@pytest.mark.parametrize(
    ("value", "micros", "precision"),
    [
        (1603679304, 1603679304000000, "s"),
        (1603679304.0, 1603679304000000, "s"),
        ("1603679304", 1603679304000000, "s"),
        ("1.603679304E9", 1603679304000000, "s"),
        (1603679304.5, 1603679304500000, "ms"),
        (1603679304.123456, 1603679304123456, "us"),
        ("1603679304.1234569", 1603679304123456, "us"),
        (1603679304123, 1603679304123000, "ms"),
        (1603679304000, 1603679304000000, "ms"),
        (1603679304123456, 1603679304123456, "us"),
    ],
)
def test_times(value: float | str, micros: int, precision: str) -> None:
    """Seconds in every spelling, and the finer times of emulators, are read exactly and floored to the second."""
    stamp = read_stamp(value)
    assert (stamp.micros, stamp.precision, stamp.seconds) == (micros, precision, 1603679304)
    assert stamp.utc == "2020-10-26 02:28:24"


def changed(path: str, value: Any) -> dict[str, Any]:
    """A record with one field replaced, or removed where the value is None."""
    one = record(271300000000000104729)
    place = one
    *above, last = path.split(".")
    for step in above:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return one


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("eventID", None),
        ("eventID", 7),
        ("eventName", "UPSERT"),
        ("eventName", None),
        ("eventSourceARN", None),
        ("eventSourceARN", "arn:aws:dynamodb:eu-west-1:111122223333:table/todo"),
        ("dynamodb", "gone"),
        ("dynamodb.ApproximateCreationDateTime", None),
        ("dynamodb.ApproximateCreationDateTime", "yesterday"),
        ("dynamodb.ApproximateCreationDateTime", "NaN"),
        ("dynamodb.ApproximateCreationDateTime", 0),
        ("dynamodb.ApproximateCreationDateTime", -5),
        ("dynamodb.ApproximateCreationDateTime", True),
        ("dynamodb.ApproximateCreationDateTime", [1603679304]),
        ("dynamodb.ApproximateCreationDateTime", 10**20),
        ("dynamodb.Keys", None),
        ("dynamodb.Keys", {}),
        ("dynamodb.Keys", ["todoId"]),
        ("dynamodb.NewImage", None),
        ("dynamodb.NewImage", {"a": {"S": "\ud800"}}),
        ("dynamodb.NewImage", "gone"),
        ("dynamodb.OldImage", {"a": {"Q": "?"}}),
        ("dynamodb.SequenceNumber", None),
        ("dynamodb.SequenceNumber", ""),
        ("dynamodb.SequenceNumber", "12a"),
        ("dynamodb.SequenceNumber", "１２"),
        ("dynamodb.SequenceNumber", "1" * 41),
        ("dynamodb.StreamViewType", "EVERYTHING"),
        ("dynamodb.StreamViewType", ["NEW_IMAGE"]),
        ("userIdentity", {"type": 5}),
    ],
)
def test_what_is_no_change_is_refused(path: str, value: Any) -> None:
    """A record that lacks or spoils a field is refused, and the message gives away no value of the item."""
    with pytest.raises(NotConvertibleError) as refused:
        convert(changed(path, value), Redaction())
    assert "t271300000000000104729" not in str(refused.value)


@pytest.mark.parametrize(("action", "lacks"), [("MODIFY", "NewImage"), ("MODIFY", "OldImage"), ("REMOVE", "OldImage")])
def test_a_missing_image_is_no_removal(action: str, lacks: str) -> None:
    """An image that the view promises and that is not there is refused: null would read as an item that is gone."""
    one = record(7)
    one["eventName"] = action
    one["dynamodb"]["OldImage"] = one["dynamodb"]["NewImage"]
    del one["dynamodb"][lacks]
    with pytest.raises(NotConvertibleError, match="missing"):
        convert(one, Redaction())


def test_sizes_that_are_none_are_null() -> None:
    """SizeBytes is for information: without it the change is kept."""
    one = record(7)
    del one["dynamodb"]["SizeBytes"]
    assert line_of(one)["size_bytes"] is None
