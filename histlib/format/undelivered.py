"""Changes that are known but lie outside the landing: under ``failed/``, and in Lambda's own on-failure objects.

``failed/done/<file>`` was put back into the landing; ``failed/unreadable/<file>`` was given up by a person, and stays
a hole (``<file>`` is where it lay before, below the history's root).
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from contextlib import suppress
from typing import Any, Final

from histlib.errors import ValueNotValidError
from histlib.format.folders import AWS, FAILED
from histlib.format.rows import decode_line
from histlib.markup import plural
from histlib.values.image_json import encode_image, item_from_dynamodb
from histlib.values.times import SECOND

DONE: Final = f"{FAILED}/done/"
SET_ASIDE: Final = f"{FAILED}/unreadable/"
#: Changes that could not be converted, raw.
RECORDS: Final = f"{FAILED}/records/"
#: Why changes below ``failed/records/`` could not be converted, where a replay tells it: JSON lines with ``reasons``.
#: Its name (``_``) hides it from all that read what is undelivered.
UNCONVERTED_TOLD: Final = f"{FAILED}/_unconverted.jsonl"

_GZIP: Final = b"\x1f\x8b"


def content(raw: bytes) -> bytes:
    """The content of a file that may be gzip; of a damaged one nothing."""
    if not raw.startswith(_GZIP):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        return b""


def original(file: str) -> str:
    """Where an object lay before it was set aside; others lie where they lay."""
    return file.removeprefix(SET_ASIDE)


def was_landing(file: str) -> bool:
    """Whether it was set aside out of the landing."""
    before = original(file)
    return before != file and not before.startswith((f"{FAILED}/", f"{AWS}/"))


def firehose_lines(raw: bytes) -> list[bytes] | None:
    """The lines in an object of Firehose's error prefix; None where it is none of those.

    Each line of it is a JSON object with what Firehose was given as base64 in ``rawData`` (Firehose developer guide,
    "Handle failure in data transformation" and "Handling errors for data format conversion").

    Raises:
        ValueError: it is one, and damaged.
    """
    if b'"rawData"' not in raw.partition(b"\n")[0]:
        return None
    errors = [json.loads(line) for line in raw.splitlines() if line.strip()]
    try:
        given = b"".join(base64.b64decode(error["rawData"], validate=True).rstrip(b"\n") + b"\n" for error in errors)
    except (LookupError, TypeError) as error:
        raise ValueError("a line has no rawData") from error
    return [line for line in given.split(b"\n") if line.strip()]


def hole(kind: str, file: str, raw: bytes) -> dict[str, Any]:
    """What is missing while this object waits: the time of its changes (epoch µs), their key and their table, where
    readable and one."""
    changes = _changes(content(raw))
    seconds = [second for second, _, _ in changes or ()]
    times = [second for second in seconds if second is not None]
    known = bool(times) and len(times) == len(seconds)
    keys = {key for _, key, _ in changes or ()}
    tables = {table for _, _, table in changes or ()}
    return {
        "kind": kind,
        "start": min(times) * SECOND if known else None,
        "end": max(times) * SECOND + SECOND - 1 if known else None,
        "detail": f"{plural(len(changes), 'change')} not in the history"
        if changes
        else "not readable as stream records",
        "file": file,
        "line": None,
        "keys": keys.pop() if len(keys) == 1 else None,
        "table": tables.pop() if len(tables) == 1 else None,
    }


def _changes(raw: bytes) -> list[tuple[int | None, str | None, str | None]] | None:
    """(second, key, table) of each change in an object: a stream record, an event, Lambda's object around one, or lines
    that Firehose could not deliver."""
    try:
        lines = firehose_lines(raw)
        if lines is not None:
            return [(one["timestamp"], one["keys"], one["table"]) for one in map(decode_line, lines)]
        found = json.loads(raw)
        if "payload" in found:
            found = json.loads(found["payload"])
        return [_change(record) for record in found.get("Records", [found])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _change(record: dict[str, Any]) -> tuple[int | None, str | None, str | None]:
    return _second(record["dynamodb"]), _key(record["dynamodb"]), _table(record.get("eventSourceARN"))


def _table(stream: Any) -> str | None:
    """The table's ARN, of its stream's."""
    return stream.partition("/stream/")[0] if isinstance(stream, str) and "/stream/" in stream else None


def _second(change: dict[str, Any]) -> int | None:
    with suppress(ValueError, KeyError, TypeError, OverflowError):
        number = float(change["ApproximateCreationDateTime"])
        if 0 < number < 10**11:  # ms and µs, as emulators give them, or no time at all: it may be of any time
            return int(number)
    return None


def _key(change: dict[str, Any]) -> str | None:
    with suppress(ValueNotValidError, ValueError, KeyError, TypeError, AttributeError):
        return encode_image(item_from_dynamodb(change["Keys"])) if change["Keys"] else None
    return None
