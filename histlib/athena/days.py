"""Which datedays an answer needs: the rules of the design, section 4, "Which files"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from histlib.index.landing import EARLIER, LATER, MAX_LATENESS
from histlib.times import DAY, HOUR, from_micros, to_micros

#: A file may hold changes so much newer than its day (µs): its prefix is its oldest record's arrival (FACTS 3).
FILE_SPAN: Final = HOUR


class Days(NamedTuple):
    """Datedays from first to last, both included, ``yyyy/MM/dd`` (UTC)."""

    first: str
    last: str

    @property
    def sql(self) -> str:
        """The condition that bounds a scan on both sides; dateday's text order is the order of time."""
        return f"dateday BETWEEN '{self.first}' AND '{self.last}'"

    def within(self, other: Days) -> Days | None:
        """The days that are in both; None where there are none."""
        found = Days(max(self.first, other.first), min(self.last, other.last))
        return found if found.first <= found.last else None


def day_of(micros: int) -> str:
    """The dateday of a time (epoch µs)."""
    return f"{from_micros(micros, UTC):%Y/%m/%d}"


def shifted(day: str, days: int) -> str:
    """The day so many days later."""
    return day_of(day_begin(day) + days * DAY)


def day_begin(day: str) -> int:
    """The begin of a dateday, epoch µs.

    Raises:
        ValueError: not a day as ``yyyy/MM/dd``.
    """
    return to_micros(datetime.strptime(day, "%Y/%m/%d").replace(tzinfo=UTC))


def landed(start: int, end: int, *, local: bool = False) -> Days:
    """The datedays in which changes stamped in [start, end] (epoch µs) may have landed; ``local``: days of any zone."""
    before, after = (LATER, EARLIER) if local else (0, 0)
    return Days(day_of(max(start - FILE_SPAN - before, 0)), day_of(end + MAX_LATENESS + after))
