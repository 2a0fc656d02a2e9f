"""Histories as the article's Lambda and Firehose left them, for tests: its own code, and its own lines."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer

from histlib.format.record import Change
from histlib.format.streams import STREAM
from histlib.values.article_text import to_format0
from histlib.values.image_json import item_to_dynamodb
from tests.support.history.worlds import Write

#: As the article shows them, to the letter; it leaves out the others.
ARTICLE_LINES = {
    "2020/10/26/02": [
        r'{"action": "INSERT", "keys": {"todoId": "t0001"}, "new_image": {"todoId": "t0001"}, "old_image": null, "timestamp": 1603679304, "timestamp_utc": "2020-10-26 02:28:24"}',  # noqa: E501
    ],
    "2020/10/27/01": [
        r'{"action": "INSERT", "keys": {"todoId": "t8888"}, "new_image": {"title": "\u304a\u7c73\u3092\u8cb7\u3046", "todoId": "t8888", "done": false}, "old_image": null, "timestamp": 1603763256, "timestamp_utc": "2020-10-27 01:47:36"}',  # noqa: E501
        r'{"action": "MODIFY", "keys": {"todoId": "t2222"}, "new_image": {"title": "iPhone 12 Pro Max\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "old_image": {"title": "iPhone 12 mini\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "timestamp": 1603763317, "timestamp_utc": "2020-10-27 01:48:37"}',  # noqa: E501
        r'{"action": "MODIFY", "keys": {"todoId": "t2222"}, "new_image": {"memo": "Apple Store\u30aa\u30f3\u30e9\u30a4\u30f3\u3067\u4e88\u7d04\u3059\u308b", "title": "iPhone 12 Pro Max\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "old_image": {"title": "iPhone 12 Pro Max\u3092\u4e88\u7d04\u3059\u308b", "todoId": "t2222", "done": false}, "timestamp": 1603763890, "timestamp_utc": "2020-10-27 01:58:10"}',  # noqa: E501
        r'{"action": "MODIFY", "keys": {"todoId": "t8888"}, "new_image": {"memo": "\u3042\u304d\u305f\u3053\u307e\u3061\uff01", "title": "\u304a\u7c73\u3092\u8cb7\u3046", "todoId": "t8888", "done": false}, "old_image": {"title": "\u304a\u7c73\u3092\u8cb7\u3046", "todoId": "t8888", "done": false}, "timestamp": 1603764087, "timestamp_utc": "2020-10-27 02:01:27"}',  # noqa: E501
    ],
}
#: The writes of the first day that it tells of without their lines; only their times are made up.
FIRST_DAY = [
    ("t2222", 1603679314, None, {"title": "iPhone 12 miniを買う"}),
    ("t0001", 1603679700, {}, {"title": "いますぐ寝る!!!", "done": False}),
    ("t2222", 1603679720, {"title": "iPhone 12 miniを買う"}, {"title": "iPhone 12 miniを予約する", "done": False}),
    ("t0001", 1603680000, {"title": "いますぐ寝る!!!", "done": False}, None),
]

_deserializer = TypeDeserializer()


def old_line(
    action: str, keys: Any, images: tuple[Any, Any], seconds: int, *, dice: random.Random | None = None
) -> str:
    """What the article's handler writes of a stream record (``images``: old, new); sets in any order with ``dice``.

    Raises:
        TypeError: a binary attribute, on which that handler fails.
    """
    old, new = (None if image is None else _deserialize(item_to_dynamodb(image)) for image in images)
    line = {
        "action": action,
        "keys": _deserialize(item_to_dynamodb(keys)),
        "new_image": new,
        "old_image": old,
        "timestamp": seconds,
        "timestamp_utc": datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None),
    }
    return json.dumps(line, default=lambda value: _str(value, dice)) + "\n"


def put_old(
    folder: Path, lines: str, hour: str = "2020/10/26/02", name: str = "stream-1-2020-10-26-02-28-24-x"
) -> Path:
    """Write lines as a file of the article's Firehose: plain, in its hour's folder."""
    path = folder / hour / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines, encoding="utf-8")
    return path


def put_article(folder: Path) -> Path:
    """The history that one has after following the article to its end."""
    first_day = "".join(ARTICLE_LINES["2020/10/26/02"]) + "\n"
    for item, seconds, old, new in FIRST_DAY:
        action = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        images = tuple(image if image is None else {"todoId": item, **image} for image in (old, new))
        first_day += old_line(action, {"todoId": item}, images, seconds)
    put_old(folder, first_day)
    put_old(folder, "\n".join(ARTICLE_LINES["2020/10/27/01"]) + "\n", "2020/10/27/01", "stream-1-2020-10-27-01-47-36-y")
    return folder


def _deserialize(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: _deserializer.deserialize(attribute) for name, attribute in attributes.items()}


def _str(value: Any, dice: random.Random | None) -> str:
    if dice is None or not isinstance(value, set):
        return str(value)
    members = sorted(map(repr, value))
    dice.shuffle(members)
    return "{" + ", ".join(members) + "}"


def in_old_format(change: Change) -> Change:
    """The change as the article's Lambda and the index would have it, were binaries no trouble."""
    old, new = (image and to_format0(image) for image in (change.old_image, change.new_image))
    told = json.dumps([change.action, change.keys, old, new, change.timestamp_micros])
    return msgspec.structs.replace(
        change, old_image=old, new_image=new, event_id=told, stream=STREAM, sequence_number=None, table=""
    )


def as_line(write: Write, before: dict | None, dice: random.Random) -> str | None:
    """The line of a write; None where the article's Lambda failed."""
    action = "REMOVE" if write.after is None else "INSERT" if before is None else "MODIFY"
    images = tuple(None if image is None else {"id": write.item, **image} for image in (before, write.after))
    try:
        return old_line(action, {"id": write.item}, images, write.stamp // 1_000_000, dice=dice)
    except TypeError:
        return None
