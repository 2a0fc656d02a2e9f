"""The record, format 1: what one line of the landing holds (one JSON object, UTF-8, gzip).

The Lambda writes the same fields (``pipeline/recorder``) and the Glue table has the same columns; one test
pins the three to each other.
"""

from __future__ import annotations

from typing import Final

FORMAT: Final = 1

#: Field name → Glue type, in the order in which they are written.
COLUMNS: Final[dict[str, str]] = {
    "format": "int",
    "event_id": "string",
    "table": "string",
    "stream": "string",
    "view": "string",
    "action": "string",
    "keys": "string",
    "new_image": "string",
    "old_image": "string",
    "timestamp": "bigint",
    "timestamp_utc": "timestamp",
    "timestamp_micros": "bigint",
    "precision": "string",
    "sequence_number": "string",
    "actor": "string",
    "redaction": "string",
    "size_bytes": "bigint",
    "read_begin": "bigint",
    "read_end": "bigint",
}

#: Fields that a record may leave null (or leave out).
NULLABLE: Final = frozenset(
    {
        "stream",
        "new_image",
        "old_image",
        "sequence_number",
        "actor",
        "redaction",
        "size_bytes",
        "read_begin",
        "read_end",
    }
)

ACTIONS: Final = ("INSERT", "MODIFY", "REMOVE", "BASELINE")
VIEWS: Final = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
PRECISIONS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
SEQUENCE_DIGITS: Final = 40
