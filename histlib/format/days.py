"""Which datedays an answer needs: the rules of the design, section 4, "Which files"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from histlib.values.times import DAY, HOUR, from_micros, to_micros

_DAY_OF_FILE: Final = re.compile(r"[^/]+/(\d{4}/\d{2}/\d{2})/", re.ASCII)
#: How late a change may land: 24 h in the stream, 24 h in Firehose.
MAX_LATENESS: Final = 2 * DAY
#: How much earlier and later than in UTC a day may begin and end where it is one of another zone (UTC+14, UTC-12):
#: Firehose's ``CustomTimeZone``, of which nothing in the article's files or table tells.
EARLIER: Final = 14 * HOUR
LATER: Final = 12 * HOUR
_DATEDAY: Final = re.compile(r"(?:[^/]+/)?(\d{4})/(\d{2})/(\d{2})/")
_DATEDAY_LENGTH: Final = len("changes/2026/01/01/")

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


def day_of_file(file: str) -> str | None:
    """The dateday of a landing file, as the table has it."""
    found = _DAY_OF_FILE.match(file)
    return found[1] if found else None


def event_window(file: str) -> tuple[int | None, int | None]:
    """The times (epoch µs) of the changes that a landing file may hold, by its dateday; None where it has none.

    The dateday is the arrival of the oldest record (allow 1 h), and a change lands up to :data:`MAX_LATENESS` late.
    """
    day = dateday(file)
    return (None, None) if day is None else (day - MAX_LATENESS, day + DAY + HOUR)


def dateday(file: str) -> int | None:
    """The begin (epoch µs) of the day that a landing file lies in; None where its folder is no day."""
    match = _DATEDAY.match(file)
    if not match:
        return None
    try:
        return to_micros(datetime(*map(int, match.groups()), tzinfo=UTC))  # type: ignore[misc, arg-type]
    except ValueError:
        return None


def first_day(files: Iterable[str]) -> int | None:
    """The begin of the first dateday of all files; None where there is none."""
    folders = {file[:_DATEDAY_LENGTH] for file in files}
    return min((day for day in map(dateday, folders) if day is not None), default=None)
