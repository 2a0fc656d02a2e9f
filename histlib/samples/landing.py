"""A bundled incident as a history folder: the lines that the recorder would have written, by day of arrival.

People who installed by pip have no ``pipeline``; a test pins these lines to what its replay yields.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from histlib.errors import RequestError
from histlib.format.record import COLUMNS, FORMAT, SEQUENCE_DIGITS
from histlib.samples import events, story
from histlib.samples.stream import SECOND, Event, Image, Record, iso
from histlib.values.image_json import encode_image, item_from_dynamodb

DELAY: Final = 60  # seconds from a batch's first change to its arrival, unless the event says otherwise


def lines(name: str) -> Iterator[tuple[str, str]]:
    """(day of arrival as ``yyyy/MM/dd``, line of format 1 with its newline) of every record delivered."""
    encode = _Images()
    for event in events(name):
        day = arrival(event)[:10].replace("-", "/")
        for record in event["Records"]:
            yield day, _line(record, encode)


def write_landing(name: str, folder: str | Path) -> Path:
    """Write the history of a bundled incident into a folder that is new or empty, and return the folder.

    Raises:
        RequestError: there is no such sample, or the folder holds something.
    """
    folder, name = Path(folder), story(name).name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} holds something; expected a folder that is new or empty: name another", folder)
    for day, group in groupby(lines(name), key=lambda pair: pair[0]):
        data = "".join(line for _, line in group).encode()
        file = folder / "changes" / day / f"sample-{name}-1-{day.replace('/', '-')}-00-00-00.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(gzip.compress(data, compresslevel=5, mtime=0))
    return folder


def arrival(event: Event) -> str:
    """When an event arrived (ISO text, UTC): as it says, else :data:`DELAY` after its first change."""
    told: str | None = event.get("arrival")
    stamp = int(event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"])
    return told or iso((stamp + DELAY) * SECOND)


def _line(record: Record, encode: _Images) -> str:
    change = record["dynamodb"]
    stamp = int(change["ApproximateCreationDateTime"])
    identity: Mapping[str, str] | None = record.get("userIdentity")
    values: dict[str, Any] = {
        "format": FORMAT,
        "event_id": record["eventID"],
        "table": record["eventSourceARN"].partition("/stream/")[0],
        "stream": record["eventSourceARN"],
        "view": change["StreamViewType"],
        "action": record["eventName"],
        "keys": encode_image(item_from_dynamodb(change["Keys"])),
        "new_image": encode(change.get("NewImage")),
        "old_image": encode(change.get("OldImage")),
        "timestamp": stamp,
        "timestamp_utc": datetime.fromtimestamp(stamp, UTC).isoformat(" ")[:19],
        "timestamp_micros": stamp * SECOND,
        "precision": "s",
        "sequence_number": change["SequenceNumber"].zfill(SEQUENCE_DIGITS),
        "actor": encode_image(identity) if identity else None,
        "size_bytes": change["SizeBytes"],
    }
    whole = {field: values.get(field) for field in COLUMNS}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"


class _Images:
    """Image JSON of images, each encoded once: a change's old image is, as object, the new one before it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Image, str]] = {}

    def __call__(self, image: Image | None) -> str | None:
        if image is None:
            return None
        known = self._known.pop(id(image), None)
        if known is not None:
            return known[1]
        text = encode_image(item_from_dynamodb(image))
        self._known[id(image)] = (image, text)
        return text
