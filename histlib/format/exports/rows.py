"""Lines of DynamoDB exports as records of format 1. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from histlib.errors import ValueNotValidError
from histlib.format.record import FORMAT
from histlib.values.image_json import encode_image, item_from_dynamodb
from histlib.values.times import SECOND, from_micros


class Redaction(Protocol):
    """Rules for what must not be stored of an item; ``id`` names them in each row, None where there are none."""

    id: str | None

    def apply(self, image: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
        """The image (DynamoDB JSON) without what the rules name, but with the key's attributes."""


class Origin(NamedTuple):
    """What all rows of an export have in common: its id, the table's ARN, its view."""

    export: str
    table: str
    view: str


class LineNotValidError(ValueError):
    """A line that is none of an export; the message says why."""


def baseline_row(line: bytes, export: str, table: str, moment: int, names: Sequence[str]) -> dict[str, Any]:
    """The record of an item in a full export of ``moment`` (epoch µs); ``names`` are the key's attributes.

    Raises:
        LineNotValidError: not ``{"Item": {…}}``, or an item without its key.
    """
    item = _object(line).get("Item")
    if not isinstance(item, dict):
        raise LineNotValidError(f"no Item in {_shown(line)}")
    if lacking := [name for name in names if name not in item]:
        raise LineNotValidError(f"no {', '.join(lacking)} in {_shown(line)}: expected in every item, as its key")
    keys = _image({name: item[name] for name in names}, line)
    row = _row(f"baseline:{export}", table, keys, moment)
    return row | {"action": "BASELINE", "new_image": _image(item, line), "read_begin": moment, "read_end": moment}


def window_row(line: bytes, origin: Origin, names: Sequence[str], redaction: Redaction | None = None) -> dict[str, Any]:
    """The record of an item's net change in an incremental export, without what the rules drop.

    With the view NEW_IMAGE an old image is absent whether or not there was an item: such a change is a MODIFY.

    Raises:
        LineNotValidError: not ``{"Metadata": {…}, "Keys": {…}, …}``, or another key.
    """
    told = _object(line)
    keys, new, old = (None if told.get(name) == {} else told.get(name) for name in ("Keys", "NewImage", "OldImage"))
    if not isinstance(keys, dict) or set(keys) != set(names):
        raise LineNotValidError(f"Keys in {_shown(line)}: expected {', '.join(names)}")
    images = {"new_image": _kept(new, names, redaction, line), "old_image": _kept(old, names, redaction, line)}
    inserted = old is None and origin.view != "NEW_IMAGE"
    action = "REMOVE" if new is None else "INSERT" if inserted else "MODIFY"
    row = _row(f"backfill:{origin.export}", origin.table, _image(keys, line), _written(told, line))
    return row | {"action": action, "view": origin.view, **images, "redaction": redaction.id if redaction else None}


def key_names(line: bytes) -> tuple[str, ...]:
    """The names of the key's attributes in a line of an incremental export; two of them in no certain order.

    Raises:
        LineNotValidError: it has no keys.
    """
    keys = _object(line).get("Keys")
    if not isinstance(keys, dict) or not 1 <= len(keys) <= 2:
        raise LineNotValidError(f"no Keys in {_shown(line)}")
    return tuple(sorted(keys))


def kind_of(line: bytes) -> str:
    """What a line seems to be of, in words."""
    try:
        told = _object(line)
    except LineNotValidError:
        return "no JSON lines"
    if "Item" in told:
        return "items of a full export"
    return "changes of an incremental export" if "Keys" in told else "JSON lines, but none of an export"


def _row(stream: str, table: str, keys: str, micros: int) -> dict[str, Any]:
    digest = hashlib.blake2b(f"{stream} {keys}".encode(), digest_size=12).hexdigest()
    return {
        "format": FORMAT,
        "event_id": f"{stream}:{digest}",
        "table": table,
        "stream": stream,
        "view": "NEW_AND_OLD_IMAGES",
        "action": "",
        "keys": keys,
        "new_image": None,
        "old_image": None,
        "timestamp": micros // SECOND,
        "timestamp_utc": f"{from_micros(micros, UTC):%Y-%m-%d %H:%M:%S}",
        "timestamp_micros": micros,
        "precision": "us",
        "sequence_number": None,
        "actor": None,
        "redaction": None,
        "size_bytes": None,
        "read_begin": None,
        "read_end": None,
    }


def _written(told: Mapping[str, Any], line: bytes) -> int:
    """``WriteTimestampMicros``: AWS writes it as a text, and as ``{"N": "…"}``."""
    metadata = told.get("Metadata")
    given = metadata.get("WriteTimestampMicros") if isinstance(metadata, dict) else None
    try:
        return int(given["N"] if isinstance(given, dict) else given)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise LineNotValidError(f"no WriteTimestampMicros in {_shown(line)}") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = _decoder.decode(line.removeprefix(b"\xef\xbb\xbf"))  # an editor's mark
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LineNotValidError(f"{error}: {_shown(line)}") from error
    if not isinstance(found, dict):
        raise LineNotValidError(f"no JSON object: {_shown(line)}")
    return found


def _kept(image: dict[str, Any] | None, names: Sequence[str], redaction: Redaction | None, line: bytes) -> str | None:
    """The text of an image without what the rules drop, after a check of the whole of it."""
    if image is None:
        return None
    whole = _image(image, line)
    return _image(redaction.apply(image, names), line) if redaction and redaction.id else whole


def _image(item: Mapping[str, Any], line: bytes) -> str:
    try:
        return encode_image(item_from_dynamodb(item))
    except ValueNotValidError as error:
        raise LineNotValidError(f"{error} in {_shown(line)}") from error


def _shown(line: bytes) -> str:
    return line[:120].decode("utf-8", "replace")


_decoder: Final = msgspec.json.Decoder()
