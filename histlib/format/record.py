"""The record, format 1: what one line of the landing holds (one JSON object, UTF-8, gzip).

The Lambda writes the same fields (``pipeline/functions/recorder``) and the Glue table has the same columns; one test
pins the three to each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa

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
#: Pattern of an image's text that is no image: an item has its key, so one without attributes was not there.
EMPTY_IMAGE: Final = r"^\{\s*\}$"


class Change(msgspec.Struct, frozen=True, gc=False):
    """One change as the landing holds it; images and keys as image JSON text, times in epoch µs.

    Of a line in format 0 ``table`` is empty, ``stream`` is ``format0:``, and ``event_id`` a hash of what it says.
    """

    event_id: str
    table: str
    stream: str | None
    view: str
    action: str
    keys: str
    new_image: str | None
    old_image: str | None
    timestamp_micros: int
    precision: str
    sequence_number: str | None
    actor: str | None
    redaction: str | None
    read_begin: int | None
    read_end: int | None
    file: str

    @property
    def identity(self) -> tuple[str | None, ...]:
        """What makes two deliveries the same change: stream and sequence number, else the event id, else all."""
        if self.stream and self.sequence_number:
            return (self.stream, self.sequence_number)
        return (self.event_id,) if self.event_id else ("", *map(str, self.content))

    @property
    def content(self) -> tuple[Any, ...]:
        """What two copies of one change agree in."""
        return (
            self.action,
            self.keys,
            self.new_image,
            self.old_image,
            self.timestamp_micros,
            self.actor,
        )


def changes_of(table: pa.Table) -> list[Change]:
    """The changes in the rows of an engine's answer (the columns of :class:`Change`)."""
    columns = [table.column(name).to_pylist() for name in Change.__struct_fields__]
    return [Change(*row) for row in zip(*columns, strict=True)]
