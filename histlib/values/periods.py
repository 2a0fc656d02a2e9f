"""Periods of equal length, in which changes are counted; days are those of a zone's calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from histlib.values.times import DAY, first_instant, from_micros


@dataclass(frozen=True)
class Periods:
    """Whole days are dates of ``zone``, each from its first to its last instant, whether it has 23, 24 or 25 hours;
    several days together are counted from the date of ``since`` (epoch µs). Of any other ``length`` (µs) the periods
    begin at its full multiples since 1970-01-01T00:00:00Z."""

    length: int
    zone: tzinfo
    since: int

    def starts(self, first: int, last: int) -> Sequence[int]:
        """Where the periods begin from that of one moment to that of another, in order, epoch µs; perhaps one more.

        A range, but for days: a date that the zone left out begins with the next one.
        """
        if self.length % DAY:
            return range(first - first % self.length, last + 1, self.length)
        step, origin = self.length // DAY, self._day(self.since)
        begin = self._day(first) - (self._day(first) - origin) % step
        return [first_instant(date.fromordinal(day), self.zone) for day in range(begin, self._day(last) + 2, step)]

    def _day(self, moment: int) -> int:
        return from_micros(moment, self.zone).toordinal()
