"""A stream record → a line of the landing (format 1; a test pins the fields to those that histlib reads)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring as quote
from typing import Any, Final, NamedTuple

from .images import MALFORMED, Image, NotConvertibleError, encode_image
from .redact import Redaction

Record = dict[str, Any]

SEQUENCE_DIGITS: Final = 40
_SECOND: Final = 1_000_000
#: (new, old) image that a record of each view and action has. One that lacks it must not pass for a removed item.
IMAGES: Final = {
    "NEW_AND_OLD_IMAGES": {"INSERT": (True, False), "MODIFY": (True, True), "REMOVE": (False, True)},
    "NEW_IMAGE": {"INSERT": (True, False), "MODIFY": (True, False), "REMOVE": (False, False)},
    "OLD_IMAGE": {"INSERT": (False, False), "MODIFY": (False, True), "REMOVE": (False, True)},
    "KEYS_ONLY": {"INSERT": (False, False), "MODIFY": (False, False), "REMOVE": (False, False)},
}


class Line(NamedTuple):
    """A line of the landing with its newline, and the sequence number of the change in it."""

    sequence: int
    data: bytes


class Stamp(NamedTuple):
    """A stream's time: whole epoch seconds (floored), these as text in UTC, epoch µs, and ``s``, ``ms`` or ``us``."""

    seconds: int
    utc: str
    micros: int
    precision: str


def convert(record: Record, redaction: Redaction) -> Line:
    """The line of a stream record, without what the rules drop.

    Raises:
        NotConvertibleError: whatever keeps it from being one; the message names no value of an item.
    """
    try:
        return _convert(record, redaction)
    except NotConvertibleError:
        raise
    except MALFORMED as error:
        raise NotConvertibleError(f"{type(error).__name__} in a record of another shape") from error


def sequence_text(record: Record) -> str | None:
    """The sequence number as the stream gave it; None where the record has none that is one."""
    try:
        text = record["dynamodb"]["SequenceNumber"]
    except (LookupError, TypeError):
        return None
    valid = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= SEQUENCE_DIGITS
    return text if valid else None


@lru_cache(maxsize=256)
def read_stamp(value: float | str) -> Stamp:
    """What an ``ApproximateCreationDateTime`` means: seconds, or ms or µs by their magnitude (as emulators give them).

    Raises:
        NotConvertibleError: no such time.
        ArithmeticError: no number.
    """
    number = Decimal(str(value))
    if isinstance(value, bool) or not 0 < number < 10**17:
        raise NotConvertibleError("ApproximateCreationDateTime is no time")
    precision, scale = ("us", 1) if number >= 10**14 else ("ms", 1_000) if number >= 10**11 else ("s", _SECOND)
    micros = int(number * scale)
    if micros % scale:
        precision = "us" if micros % 1_000 else "ms"
    seconds = micros // _SECOND
    return Stamp(seconds, datetime.fromtimestamp(seconds, UTC).isoformat(" ")[:19], micros, precision)


def _convert(record: Record, redaction: Redaction) -> Line:
    sequence = sequence_text(record)
    if sequence is None:
        raise NotConvertibleError(f"SequenceNumber is no number of at most {SEQUENCE_DIGITS} digits")
    change = record["dynamodb"]
    keys, action, view = change["Keys"], record["eventName"], change["StreamViewType"]
    if not keys:
        raise NotConvertibleError("Keys is empty")
    needs_new, needs_old = IMAGES[view][action]
    table, stream = _source(record["eventSourceARN"])
    seconds, utc, micros, precision = read_stamp(change["ApproximateCreationDateTime"])
    size = change.get("SizeBytes")
    text = (
        f'{{"format":1,"event_id":{quote(record["eventID"])},"table":{table},"stream":{stream},"view":"{view}"'
        f',"action":"{action}","keys":{quote(encode_image(keys))}'
        f',"new_image":{_image(change.get("NewImage"), needs_new, keys, redaction)}'
        f',"old_image":{_image(change.get("OldImage"), needs_old, keys, redaction)}'
        f',"timestamp":{seconds},"timestamp_utc":"{utc}","timestamp_micros":{micros},"precision":"{precision}"'
        f',"sequence_number":"{sequence.zfill(SEQUENCE_DIGITS)}","actor":{_actor(record.get("userIdentity"))}'
        f',"redaction":{quote(redaction.id) if redaction.id else "null"}'
        f',"size_bytes":{size if type(size) is int else "null"},"read_begin":null,"read_end":null}}\n'
    )
    return Line(int(sequence), text.encode())


def _image(image: Image | None, needed: bool, keys: Image, redaction: Redaction) -> str:
    if image is None or image == {}:  # an item has its key: others write what DynamoDB leaves out
        if needed:
            raise NotConvertibleError("an image that the stream's view promises is missing")
        return "null"
    return quote(encode_image(redaction.apply(image, keys) if redaction.id else image))


@lru_cache(maxsize=16)
def _source(arn: str) -> tuple[str, str]:
    """The table's and the stream's ARN as JSON text."""
    table, _, label = arn.partition("/stream/")
    if not label:
        raise NotConvertibleError("eventSourceARN is no stream's")
    return quote(table), quote(arn)


def _actor(identity: dict[str, str] | None) -> str:
    """``userIdentity`` as JSON text, named as in Lambda's events (GetRecords begins the names with capitals)."""
    if not identity:
        return "null"
    members = (f"{quote(name[:1].lower() + name[1:])}:{quote(value)}" for name, value in identity.items())
    return quote("{" + ",".join(sorted(members)) + "}")
