"""Lines of format 0, as the article's Lambda wrote them, as records of the index.

Their images become image JSON of just what the line says: numbers and sets had become text, and stay text. Equal
lines get an equal event id, so that a Lambda's retry is no second change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

import msgspec
import pyarrow as pa

from histlib.errors import ValueNotValidError
from histlib.format.record import FORMAT
from histlib.format.rows import RECORD_SCHEMA, NotARecordError
from histlib.format.streams import STREAM
from histlib.values.article_text import to_format0
from histlib.values.image_json import encode_image
from histlib.values.numbers import fraction_from_text
from histlib.values.times import SECOND, to_micros

#: event_id, action, keys, new_image, old_image, timestamp_micros, precision, view
OldRecord = tuple[str, str, str, str | None, str | None, int, str, str]

_COLUMNS: Final = ("event_id", "action", "keys", "new_image", "old_image", "timestamp_micros", "precision", "view")
_ACTIONS: Final = ("INSERT", "MODIFY", "REMOVE")
_KEYS_OBJECT: Final = re.compile(rb'"keys"\s*:\s*\{')
#: Types of a key's attribute.
_KEY_TYPES: Final = ("S", "N", "B")
#: Later than any change: a timestamp in ms would be.
_LATEST: Final = 1 << 33


class _Line(msgspec.Struct, gc=False):
    action: str
    keys: dict[str, Any]
    new_image: dict[str, Any] | None = None
    old_image: dict[str, Any] | None = None
    timestamp: Any = None
    timestamp_utc: Any = None
    format: Any = msgspec.UNSET


def _plain(depth: int) -> Any:
    """The type of what the article's own Lambda wrote, down to a depth: no numbers."""
    scalar: Any = str | bool | None
    array: Any = list
    mapping: Any = dict
    if depth == 0:
        return scalar
    member = _plain(depth - 1)
    return scalar | array[member] | mapping[str, member]


Plain: Any = _plain(4)


class _PlainLine(_Line, gc=False):
    keys: dict[str, Plain]
    new_image: dict[str, Plain] | None = None
    old_image: dict[str, Plain] | None = None


_decoder: Final = msgspec.json.Decoder(_Line, float_hook=fraction_from_text)
_plain_decoder: Final = msgspec.json.Decoder(_PlainLine)
_encoder: Final = msgspec.json.Encoder(order="sorted")
#: Names that sort by their characters as they do by their texts in quotes.
_USUAL: Final = re.compile(r"[^\x00-\x22\\]*")


def seems_old(line: bytes) -> bool:
    """Whether a line has keys that are an object, as format 0 has them, and not a text; says nothing of the rest."""
    return _KEYS_OBJECT.search(line) is not None


def decode_old_lines(line: bytes) -> list[OldRecord]:
    """The records of a line: one, or several that were put one after another without the end of a line.

    Raises:
        NotARecordError: any of them is none of format 0; says why.
    """
    try:
        return [_record(_decoded(line))]
    except (msgspec.DecodeError, UnicodeDecodeError, ValueNotValidError) as error:
        if b"}{" in line or b"} {" in line:
            return _several(line)
        raise NotARecordError(f"format 0: {error}") from error


def decode_old_fields(
    action: Any, keys: dict[str, Any] | None, images: tuple[Any, Any], timestamp: int | None, utc: str | None
) -> OldRecord:
    """The record of a line's fields, as another reader of its JSON found them; ``images``: new, old.

    Raises:
        NotARecordError: they are none of format 0; says why.
    """
    return _record(
        _PlainLine(
            action=action,
            keys=keys or {},
            new_image=images[0],
            old_image=images[1],
            timestamp=timestamp,
            timestamp_utc=utc,
        )
    )


def old_table(records: Sequence[OldRecord], stream: str = STREAM) -> pa.Table:
    """The records as a table like those of format 1."""
    if not records:
        return RECORD_SCHEMA.empty_table()
    columns: dict[str, Any] = dict(zip(_COLUMNS, zip(*records, strict=True), strict=True))
    same = {"format": FORMAT, "table": "", "stream": stream, "timestamp_utc": ""}
    columns["timestamp"] = [micros // SECOND for micros in columns["timestamp_micros"]]
    return pa.table(
        [
            pa.array(columns[field.name], field.type)
            if field.name in columns
            else pa.repeat(pa.scalar(same.get(field.name), field.type), len(records))
            for field in RECORD_SCHEMA
        ],
        schema=RECORD_SCHEMA,
    )


def _decoded(line: bytes | str) -> _Line:
    found: _Line
    try:
        found = _plain_decoder.decode(line)
    except msgspec.ValidationError:
        found = _decoder.decode(line)
    found.new_image, found.old_image = found.new_image or None, found.old_image or None  # an empty image is none
    return found


def _several(line: bytes) -> list[OldRecord]:
    try:
        return [_record(_decoded(text)) for text in _objects(line)]
    except (msgspec.DecodeError, ValueNotValidError) as error:
        raise NotARecordError(f"format 0: {error}") from error


def _objects(line: bytes) -> Iterator[str]:
    """The texts of JSON objects that stand one after another."""
    decoder = json.JSONDecoder()
    try:
        text = line.decode().strip()
        at = 0
        while at < len(text):
            _, end = decoder.raw_decode(text, at)
            yield text[at:end]
            at = end
            while at < len(text) and text[at].isspace():
                at += 1
    except (ValueError, RecursionError) as error:
        raise NotARecordError(f"format 0: {error}") from error


def _record(line: _Line) -> OldRecord:
    if line.format is not msgspec.UNSET:
        raise NotARecordError(f"format {line.format!r} with keys that are no text")
    if line.action not in _ACTIONS:
        raise NotARecordError(f"action {line.action!r}, expected one of {', '.join(_ACTIONS)}")
    if not line.keys:
        raise NotARecordError("keys are empty")
    _check_keys(line)
    micros = _micros(line)
    try:
        keys, new_image, old_image = (
            _encode(image, plain=type(line) is _PlainLine) for image in (line.keys, line.new_image, line.old_image)
        )
        assert keys is not None
        told = [keys, *(image and to_format0(image) for image in (new_image, old_image))]
    except ValueNotValidError as error:
        raise NotARecordError(f"format 0: {error}") from error
    event_id = _hash([line.action, *told, micros])
    view = _view(line.action, new_image is not None, old_image is not None)
    return event_id, line.action, keys, new_image, old_image, micros, _precision(micros), view


def _check_keys(line: _Line) -> None:
    """That keys, in the images too, are texts or numbers, as DynamoDB's are once they are decoded (or base64 text)."""
    for where, image in (("keys", line.keys), ("new_image", line.new_image), ("old_image", line.old_image)):
        for name in line.keys:
            value = image.get(name, "") if image else ""
            if isinstance(value, bool | dict | list | None):
                raise NotARecordError(f"{where}.{name} is {_shown(value)}: {not_decoded(value)}")


def not_decoded(value: Any) -> str:
    """Why a value, or the text of one, is none of a key in format 0, and what to do."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)).upper() in _KEY_TYPES:
        return (
            'DynamoDB JSON that was not decoded, where format 0 has plain values, like {"id": "a"}; write the file '
            "anew with keys and images decoded (boto3's TypeDeserializer), or replay the stream's own records instead "
            "(from a clone of histlib: python -m pipeline replay)"
        )
    return "expected a text or a number, as a key has"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:80]


def _encode(image: dict[str, Any] | None, *, plain: bool) -> str | None:
    """:func:`encode_image` of an image, at a third of the time for nearly all."""
    if image is None:
        return None
    if plain and _names_usual(image):
        text = _encoder.encode(image).decode()
        if '"$' not in text and "\\u" not in text:
            return text
    return encode_image(image)


def _names_usual(value: Any) -> bool:
    """Whether all names in a plain value are usual ones."""
    inner = value
    if type(value) is dict:
        if not all(map(_is_usual, value)):
            return False
        inner = value.values()
    return all(_names_usual(member) for member in inner if type(member) is dict or type(member) is list)


@lru_cache(maxsize=4_096)
def _is_usual(name: str) -> bool:
    return _USUAL.fullmatch(name) is not None


def _hash(told: list[Any]) -> str:
    return "old-" + hashlib.blake2b(msgspec.json.encode(told), digest_size=16).hexdigest()


def _view(action: str, new: bool, old: bool) -> str:
    """The stream's view, as far as a line shows it: the article's holds both images."""
    if (new or action == "REMOVE") and (old or action == "INSERT"):
        return "NEW_AND_OLD_IMAGES"
    return "NEW_IMAGE" if new or action == "REMOVE" else "OLD_IMAGE" if old else "KEYS_ONLY"


def _precision(micros: int) -> str:
    if micros % SECOND == 0:
        return "s"
    return "us" if micros % 1_000 else "ms"


def _micros(line: _Line) -> int:
    """The time of a line: its seconds as number or text, else its text, in UTC where that has no offset."""
    given = line.timestamp
    if type(given) is int and 0 <= given < _LATEST:
        return given * SECOND
    try:
        if given is None and len(line.timestamp_utc) > len("2026-01-01"):
            moment = datetime.fromisoformat(line.timestamp_utc)
            return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        seconds = Decimal(str(given)) if isinstance(given, str | float | Decimal) else None
        if seconds is not None and 0 <= seconds < _LATEST:
            return int(seconds * SECOND)
    except (InvalidOperation, ValueError, TypeError):
        pass
    raise NotARecordError(
        f"timestamp {given!r}, timestamp_utc {line.timestamp_utc!r}: expected the seconds since 1970, "
        "or a text like 2026-01-01 10:00:00"
    )
