"""How far a baseline is: one JSON object in the bucket, under a name that readers pass over."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .rows import Window

#: Of the progress of the one baseline that is under way in a history, or was the last.
NAME = "baseline/_progress.json"
#: The version of this JSON.
FORMAT = 1
RUNNING, COMPLETE, ABANDONED = "running", "complete", "abandoned"


@dataclass(frozen=True)
class Table:
    """The table as DescribeTable tells it; ``identity`` differs from that of any other table, of this name as well."""

    arn: str
    identity: str
    table_id: str | None
    key_schema: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Segment:
    """A segment of the scan: its next part goes to ``day`` (yyyy/MM/dd) and begins after the key ``after`` (DynamoDB
    JSON; None: at the segment's begin). ``files`` are those written."""

    day: str
    after: dict[str, Any] | None = None
    done: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """A baseline under way. ``owner`` works on it and is not to be disturbed until ``lease_until`` (epoch seconds).

    ``read_begin`` and ``read_end`` (epoch µs) span all pages read so far.
    """

    id: str
    table: Table
    redaction: str | None
    segments: tuple[Segment, ...]
    state: str = RUNNING
    owner: str = ""
    lease_until: float = 0.0
    items: int = 0
    read_begin: int | None = None
    read_end: int | None = None
    saves: int = 0
    format: int = field(default=FORMAT)

    @property
    def done(self) -> bool:
        """Whether all of the table is read."""
        return all(segment.done for segment in self.segments)

    @property
    def files(self) -> tuple[str, ...]:
        """The files written, relative to the history."""
        return tuple(file for segment in self.segments for file in segment.files)

    def part_name(self, number: int) -> str:
        """The name of a segment's next part, relative to the history: the same for whoever writes it."""
        segment = self.segments[number]
        return f"changes/{segment.day}/baseline-{self.id}-{number:03}-{len(segment.files):05}.gz"

    def with_part(self, number: int, items: int, window: Window, segment: Segment) -> Progress:
        """After a segment's next part is written: ``segment`` says how it goes on."""
        segments = (*self.segments[:number], segment, *self.segments[number + 1 :])
        return replace(
            self,
            segments=segments,
            items=self.items + items,
            read_begin=min(window.begin, self.read_begin or window.begin),
            read_end=max(window.end, self.read_end or 0),
        )

    def manifest(self) -> dict[str, Any]:
        """What ``baseline/<id>.json`` says; a test pins the fields to those that histlib reads."""
        return {
            "format": 1,
            "id": self.id,
            "kind": "scan",
            "table": self.table.arn,
            "table_id": self.table.table_id,
            "read_begin": self.read_begin,
            "read_end": self.read_end,
            "items": self.items,
            "files": list(self.files),
            "redaction": self.redaction,
            "key_schema": list(self.table.key_schema),
        }


def to_json(progress: Progress) -> bytes:
    """The progress as its object has it."""
    return json.dumps(asdict(progress), separators=(",", ":")).encode()


def from_json(raw: bytes) -> Progress:
    """The progress in an object.

    Raises:
        ValueError: it is of another version; says what to do.
    """
    told = json.loads(raw)
    if told.get("format") != FORMAT:
        raise ValueError(
            f"{NAME} is of format {told.get('format')!r}, expected {FORMAT}: it was begun by another version; go on "
            "with that one, or delete the object to begin anew"
        )
    table = told["table"]
    return Progress(
        **told
        | {
            "table": Table(**table | {"key_schema": tuple(table["key_schema"])}),
            "segments": tuple(Segment(**one | {"files": tuple(one["files"])}) for one in told["segments"]),
        }
    )
