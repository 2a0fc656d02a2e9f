"""The bundled incidents: the same everywhere, valid as AWS would send them, and with the troubles they promise."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from histlib import samples
from histlib.errors import RequestError
from histlib.format.record import COLUMNS, NULLABLE
from histlib.samples import landing
from histlib.samples.stream import SECOND, image_size, micros_of
from histlib.values.numbers import canonical_number
from pipeline.replay.replay import replay
from tests.support.cases.sample_facts import LOST, NAMES, delivered_once, events, initial, number, records, text, truth

PINNED = {
    "products": "1b29961e6054fbb5",
    "orders": "8e7607653988307e",
    "todo": "97c6a515a96da54c",
}

# --- the same everywhere ---


@pytest.mark.parametrize("name", NAMES)
def test_events_are_the_same_on_every_run_and_python(name: str) -> None:
    """A sample is one fixed history: what the README quotes is what everybody gets."""
    lines = "".join(json.dumps(event) + "\n" for event in events(name))
    assert blake2b(lines.encode(), digest_size=8).hexdigest() == PINNED[name]


def test_names() -> None:
    """The three samples have a line each, and no name means products."""
    assert NAMES == ["products", "orders", "todo"]
    assert all(title and "\n" not in title for title in samples.SAMPLES.values())
    assert samples.story("") is samples.story("products")
    assert next(samples.events("")) == events("products")[0]


def test_unknown_name_is_refused_with_the_known_ones() -> None:
    """A name that is none says which there are."""
    with pytest.raises(RequestError, match=r"'shop'.*sample:products, sample:orders, sample:todo"):
        samples.story("shop")


def test_stories_cannot_be_changed() -> None:
    """Facts stay facts: neither a field nor a mapping of a story can be written to."""
    story = samples.story("products")
    with pytest.raises(dataclasses.FrozenInstanceError):
        story.region = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        story.numbers["affected"] = 0  # type: ignore[index]


# --- valid as AWS would send them ---


@pytest.mark.parametrize("name", NAMES)
def test_records_have_the_shape_that_lambda_delivers(name: str) -> None:
    """Every record could be one of AWS: fields, stamps in whole seconds, images by action, key in both."""
    story = samples.story(name)
    names = {part["AttributeName"] for part in samples.key_schema(name)}
    for record in records(name):
        change = record["dynamodb"]
        assert record["eventSourceARN"] == story.stream and story.stream.startswith(story.table + "/stream/")
        assert (record["awsRegion"], record["eventSource"], record["eventVersion"]) == (
            story.region, "aws:dynamodb", "1.1",
        )  # fmt: skip
        assert len(record["eventID"]) == 32 and change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        stamp = change["ApproximateCreationDateTime"]
        assert isinstance(stamp, float) and stamp.is_integer()
        images = {side for side in ("NewImage", "OldImage") if side in change}
        assert images == {
            "INSERT": {"NewImage"}, "MODIFY": {"NewImage", "OldImage"}, "REMOVE": {"OldImage"},
        }[record["eventName"]]  # fmt: skip
        assert change.get("NewImage") != change.get("OldImage")
        assert all({n: change[side][n] for n in names} == change["Keys"] for side in images)
        assert change["SizeBytes"] == image_size(change["Keys"]) + sum(image_size(change[side]) for side in images)


def test_sizes_are_those_of_the_documentation() -> None:
    """SizeBytes follows AWS: the three records of the Lambda guide's example event have 26, 59 and 38 bytes."""
    key = {"Id": {"N": "101"}}
    old = {"Message": {"S": "New item!"}, **key}
    new = {"Message": {"S": "This item has changed"}, **key}
    sizes = [image_size(image) for image in (key, old, new)]
    assert (sizes[0] + sizes[1], sum(sizes), sizes[0] + sizes[2]) == (26, 59, 38)


def check_value(attribute: dict[str, Any], seen: Counter[str]) -> None:
    ((kind, value),) = attribute.items()
    seen[kind] += 1
    match kind:
        case "S":
            assert isinstance(value, str)
        case "N":
            assert canonical_number(value) == value, "DynamoDB gives numbers back trimmed"
        case "B":
            assert base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
        case "BOOL":
            assert isinstance(value, bool)
        case "NULL":
            assert value is True
        case "SS" | "NS" | "BS":
            assert value and len(set(value)) == len(value)
            for member in value:
                check_value({kind[0]: member}, Counter())
        case _:
            for member in value if kind == "L" else value.values():
                check_value(member, seen)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_values_of_dynamodb(name: str) -> None:
    """Every image is one that DynamoDB could hold and send; products has all ten types."""
    seen: Counter[str] = Counter()
    for _, _, image in truth(name):
        for attribute in (image or {}).values():
            check_value(attribute, seen)
    if name == "products":
        assert set(seen) == {"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"}
        assert any(len(i["supplier_ref"]["N"]) == 38 for _, _, i in truth(name) if i and "supplier_ref" in i)


@pytest.mark.parametrize("name", NAMES)
def test_sequence_numbers_grow_in_number_but_not_in_text(name: str) -> None:
    """21 digits and more, increasing, never consecutive, of several lengths: who sorts them as text is wrong."""
    numbers = [number(record) for record in delivered_once(name)]
    assert all(later - earlier > 1 for earlier, later in pairwise(numbers))
    lengths = {len(str(value)) for value in numbers}
    assert len(lengths) > 1 and min(lengths) == 21 and max(lengths) <= 26
    assert sorted(map(str, numbers)) != list(map(str, numbers))


# --- the truth ---


@pytest.mark.parametrize("name", NAMES)
def test_truth_is_in_order_and_agrees_with_what_was_delivered(name: str) -> None:
    """The truth, less what was lost, is what was delivered: same order, keys, images, stamps floored to a second."""
    true = truth(name)
    assert [micros for micros, _, _ in true] == sorted({micros for micros, _, _ in true})
    lost = micros_of(LOST) if name == "products" else None
    told = [(m // SECOND, key, image) for m, key, image in true if m != lost]
    assert told == [
        (int(r["dynamodb"]["ApproximateCreationDateTime"]), r["dynamodb"]["Keys"], r["dynamodb"].get("NewImage"))
        for r in delivered_once(name)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_the_story_are_those_of_the_truth(name: str) -> None:
    """What a story counts is so."""
    story, schema = samples.story(name), [part["AttributeName"] for part in samples.key_schema(name)]
    items = {text({n: item[n] for n in schema}): item for item in initial(name)}
    assert len(items) == story.numbers["items_before"]
    for _, key, image in truth(name):
        items[text(key)] = image
    assert sum(image is not None for image in items.values()) == story.numbers["items_at_end"]
    assert len(truth(name)) == story.numbers["changes"]
    assert len(records(name)) == story.numbers["delivered"]


@pytest.mark.parametrize("name", NAMES)
def test_capture_lies_within_the_story(name: str) -> None:
    """All changes happen between start and end, after the stream was enabled; the times to ask lie there too."""
    story = samples.story(name)
    first, last = truth(name)[0][0], truth(name)[-1][0]
    assert micros_of(story.stream.rpartition("/")[2]) < first
    assert micros_of(story.start) <= first < last < micros_of(story.end) + SECOND
    assert all(micros_of(story.start) <= micros_of(time) <= micros_of(story.end) for time in story.ask.values())


# --- written down ---


@pytest.mark.parametrize("name", ["orders", "todo"])
def test_events_written_read_back(name: str, tmp_path: Path) -> None:
    """The event files, read by name, are the events in delivery order."""
    files = samples.write_events(name, tmp_path)
    assert files == sorted(tmp_path.iterdir())
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).decode().split("\n") if line]
    assert [json.loads(line) for line in lines] == events(name)


@pytest.mark.parametrize("name", NAMES)
def test_landing_holds_every_record_by_day_of_arrival(name: str, tmp_path: Path) -> None:
    """The folder has a line of format 1 for each record delivered, duplicates too, under the day it arrived."""
    landing.write_landing(name, tmp_path / "history")
    found: list[tuple[str, str]] = []
    for file in sorted((tmp_path / "history" / "changes").rglob("*.gz")):
        day = "-".join(file.relative_to(tmp_path / "history" / "changes").parts[:3])
        found += [(day, line) for line in gzip.decompress(file.read_bytes()).decode().split("\n") if line]
    sent = [(landing.arrival(event)[:10], record) for event in events(name) for record in event["Records"]]
    assert len(found) == len(sent)
    for (day, line), (sent_day, record) in zip(found, sent, strict=True):
        value, change = json.loads(line), record["dynamodb"]
        assert (day, value["event_id"]) == (sent_day, record["eventID"])
        assert list(value) == list(COLUMNS)
        assert all(value[field] is not None for field in COLUMNS if field not in NULLABLE)
        assert value["sequence_number"] == change["SequenceNumber"].zfill(40)
        for field, side in (("keys", "Keys"), ("new_image", "NewImage"), ("old_image", "OldImage")):
            assert value[field] == (text(change[side]) if side in change else None)
        assert (value["actor"] is not None) == ("userIdentity" in record)


def test_landing_line_to_the_letter() -> None:
    """A line is the record, format 1, to the letter."""
    day, line = list(landing.lines("todo"))[4]
    assert day == "2020/10/26"
    stamp = datetime(2020, 10, 26, 2, 49, 7, tzinfo=UTC)
    first = records("todo")[4]
    stream = "arn:aws:dynamodb:ap-northeast-1:111122223333:table/todo-sample-table/stream/2020-10-26T02:10:33.117"
    assert line == (
        f'{{"format":1,"event_id":"{first["eventID"]}",'
        '"table":"arn:aws:dynamodb:ap-northeast-1:111122223333:table/todo-sample-table",'
        f'"stream":"{stream}","view":"NEW_AND_OLD_IMAGES","action":"REMOVE","keys":"{{\\"todoId\\":\\"t0001\\"}}",'
        '"new_image":null,"old_image":"{\\"done\\":false,\\"title\\":\\"いますぐ寝る!!!\\",\\"todoId\\":\\"t0001\\"}",'
        f'"timestamp":{int(stamp.timestamp())},"timestamp_utc":"2020-10-26 02:49:07",'
        f'"timestamp_micros":{int(stamp.timestamp())}000000,"precision":"s",'
        f'"sequence_number":"{first["dynamodb"]["SequenceNumber"]:0>40}","actor":null,"redaction":null,'
        f'"size_bytes":{first["dynamodb"]["SizeBytes"]},"read_begin":null,"read_end":null}}\n'
    )


def test_landing_is_never_mixed_with_what_is_there(tmp_path: Path) -> None:
    """A folder that holds something is refused and left as it is."""
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(RequestError, match="holds something"):
        landing.write_landing("todo", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_landing_is_what_the_recorder_writes(name: str, tmp_path: Path) -> None:
    """Without the pipeline package a sample has the very lines that the Lambda's own handler makes of its events."""
    replay(samples.events(name), tmp_path)
    recorded = {
        line
        for file in (tmp_path / "changes").rglob("*.gz")
        for line in gzip.decompress(file.read_bytes()).decode().split("\n")[:-1]
    }
    assert {line.removesuffix("\n") for _, line in landing.lines(name)} == recorded
