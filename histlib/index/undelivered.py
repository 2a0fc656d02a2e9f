"""Changes that are known but lie outside the landing: under ``failed/``, and in Lambda's own on-failure objects."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import suppress
from typing import Any, Final

from histlib.errors import ValueNotValidError
from histlib.times import SECOND
from histlib.values import encode_image, item_from_dynamodb

_GZIP: Final = b"\x1f\x8b"


def content(raw: bytes) -> bytes:
    """The content of a file that may be gzip; of a damaged one nothing."""
    if not raw.startswith(_GZIP):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        return b""


def hole(kind: str, file: str, raw: bytes) -> dict[str, Any]:
    """What is missing while this object waits: the time of its changes (epoch µs), their key and their table, where
    readable and one."""
    changes = _changes(content(raw))
    seconds = [second for second, _, _ in changes or ()]
    known = bool(seconds) and None not in seconds
    keys = {key for _, key, _ in changes or ()}
    tables = {table for _, _, table in changes or ()}
    return {
        "kind": kind,
        "start": min(filter(None, seconds)) * SECOND if known else None,
        "end": max(filter(None, seconds)) * SECOND + SECOND - 1 if known else None,
        "detail": f"{len(changes)} changes not in the history" if changes else "not readable as stream records",
        "file": file,
        "line": None,
        "keys": keys.pop() if len(keys) == 1 else None,
        "table": tables.pop() if len(tables) == 1 else None,
    }


def _changes(raw: bytes) -> list[tuple[int | None, str | None, str | None]] | None:
    """(second, key, table) of each stream record in an object: one record, an event, or Lambda's object around one."""
    try:
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
        return int(float(change["ApproximateCreationDateTime"]))
    return None


def _key(change: dict[str, Any]) -> str | None:
    with suppress(ValueNotValidError, ValueError, KeyError, TypeError, AttributeError):
        return encode_image(item_from_dynamodb(change["Keys"]))
    return None
