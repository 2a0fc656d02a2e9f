"""Reading a segment of the table: a part at a time, each some pages long.

Reads are strongly consistent: an item then was so while its page's call lasted, which an eventually consistent read
does not promise. A scan gives each item once that is there all the time (developer guide, "Scanning tables").
Permission: dynamodb:Scan on the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .progress import Segment
from .rate import ReadBucket
from .rows import RowMaker, Window, as_text, key_from_text, window_of

#: A part is written once it has so many bytes of rows (about a tenth when compressed), or took so many seconds.
PART_BYTES = 16 << 20
PART_SECONDS = 60.0


@dataclass
class Part:
    """The rows of one or more pages, and where the segment goes on."""

    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    window: Window | None = None
    after: dict[str, Any] | None = None
    done: bool = False

    def add(self, lines: list[bytes], window: Window) -> None:
        """Take in a page."""
        self.lines += lines
        self.size += sum(map(len, lines))
        seen = self.window or window
        self.window = Window(min(seen.begin, window.begin), max(seen.end, window.end))


@dataclass(frozen=True)
class Scan:
    """How the table is read. ``page_items``: at most so many items a page, None for as many as 1 MB holds."""

    dynamodb: Any
    table: str
    segments: int
    rows: RowMaker
    bucket: ReadBucket
    clock: Callable[[], float]
    page_items: int | None = None

    def read_part(self, number: int, segment: Segment, goes_on: Callable[[float], bool]) -> Part:
        """The segment's next part, as far as ``goes_on(seconds to wait)`` lets it; without a window: nothing read.

        Raises:
            ClientError, BotoCoreError: DynamoDB cannot be asked.
        """
        part, begun = Part(after=segment.after), self.clock()
        while not part.done and part.size < PART_BYTES and self.clock() - begun < PART_SECONDS:
            if not self.bucket.wait(goes_on):
                break
            self._read_page(number, part)
        return part

    def _read_page(self, number: int, part: Part) -> None:
        before = self.clock()
        answer = self.dynamodb.scan(**self._asked(number, part.after))
        window = window_of(answer, before, self.clock())
        self.bucket.spend(answer["ConsumedCapacity"]["CapacityUnits"])
        part.add([self.rows.row(as_text(item), window) for item in answer["Items"]], window)
        last = answer.get("LastEvaluatedKey")
        part.after, part.done = (as_text(last), False) if last else (None, True)

    def _asked(self, number: int, after: dict[str, Any] | None) -> dict[str, Any]:
        asked: dict[str, Any] = {"TableName": self.table, "Segment": number, "TotalSegments": self.segments}
        asked |= {"ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
        asked |= {"Limit": self.page_items} if self.page_items else {}
        return asked | ({"ExclusiveStartKey": key_from_text(after)} if after else {})


def page_items(read_units: float, items: int, size: int) -> int | None:
    """How many items a page may have so that it costs about a second's read units (one for each 4 KB); None where that
    is more than the 1 MB that a page has at most, or where DescribeTable does not yet count ``items`` and ``size``."""
    bytes_a_second = read_units * 4096
    if not items or not size or bytes_a_second >= 1 << 20:
        return None
    return max(1, int(bytes_a_second / (size / items)))
