"""A stream record → a line of the landing (format 1; the fields are pinned to ``histlib.record`` by a test)."""

import json
import time
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring as quote

from .images import NotConvertibleError, image

ACTIONS = {"INSERT", "MODIFY", "REMOVE"}
VIEWS = {"NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"}
SEQUENCE_DIGITS = 40


def line(record, redaction):
    """The line of one stream record as bytes, newline included.

    Raises NotConvertibleError for whatever keeps it from being one; the message names no value of an item.
    """
    try:
        return _line(record, redaction).encode()
    except NotConvertibleError:
        raise
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise NotConvertibleError(f"{type(error).__name__} in a record of another shape") from error


def _line(record, redaction):
    change = record["dynamodb"]
    keys = change["Keys"]
    action, view = _known(record["eventName"], ACTIONS), _known(change["StreamViewType"], VIEWS)
    seconds, micros, precision = stamps(change["ApproximateCreationDateTime"])
    size = change.get("SizeBytes")
    return (
        f'{{"format":1,"event_id":{quote(record["eventID"])},{_table_and_stream(record["eventSourceARN"])}'
        f',"view":"{view}","action":"{action}","keys":{quote(_keys(keys))}'
        f',"new_image":{_image(change.get("NewImage"), keys, redaction)}'
        f',"old_image":{_image(change.get("OldImage"), keys, redaction)}'
        f',"timestamp":{seconds},"timestamp_utc":"{_utc(seconds)}"'
        f',"timestamp_micros":{micros},"precision":"{precision}"'
        f',"sequence_number":"{sequence(change["SequenceNumber"])}","actor":{_actor(record.get("userIdentity"))}'
        f',"redaction":{quote(redaction.id) if redaction.id else "null"}'
        f',"size_bytes":{"null" if size is None else int(size)},"read_begin":null,"read_end":null}}\n'
    )


def sequence(text):
    """The sequence number, padded so that text order is number order."""
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= SEQUENCE_DIGITS):
        raise NotConvertibleError("SequenceNumber is no number of at most 40 digits")
    return text.zfill(SEQUENCE_DIGITS)


def stamps(moment):
    """(whole epoch seconds, epoch µs, precision ``s``, ``ms`` or ``us``) of an ApproximateCreationDateTime.

    It comes as an integer, a float ending in .0, or a string; emulators give milliseconds.
    """
    if isinstance(moment, bool) or moment is None:
        raise NotConvertibleError("ApproximateCreationDateTime is no time")
    if isinstance(moment, int) or (isinstance(moment, float) and moment.is_integer()):
        seconds = int(moment)
        micros = seconds * 1_000_000
    else:
        micros = int(Decimal(str(moment)) * 1_000_000)
        seconds = micros // 1_000_000
    if not 0 < seconds < 32_503_680_000:
        raise NotConvertibleError("ApproximateCreationDateTime is not in epoch seconds")
    return seconds, micros, "us" if micros % 1_000 else "ms" if micros % 1_000_000 else "s"


def _known(word, words):
    if word not in words:
        raise NotConvertibleError(f"the record has none of {', '.join(sorted(words))}")
    return word


def _keys(keys):
    if not keys:
        raise NotConvertibleError("Keys is empty")
    return image(keys)


def _image(item, keys, redaction):
    if item is None:
        return "null"
    return quote(image(redaction.apply(item, keys) if redaction.id else item))


@lru_cache(maxsize=64)
def _table_and_stream(arn):
    table, marker, _ = arn.partition("/stream/")
    if not marker:
        raise NotConvertibleError("eventSourceARN is no stream's")
    return f'"table":{quote(table)},"stream":{quote(arn)}'


@lru_cache(maxsize=64)
def _utc(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def _actor(identity):
    """userIdentity as JSON text; GetRecords spells its names with capitals."""
    if not identity:
        return "null"
    named = {name[:1].lower() + name[1:]: value for name, value in identity.items()}
    return quote(json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
