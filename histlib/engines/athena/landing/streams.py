"""Which streams a landing holds, and from when to when, found by looking at few of its days.

A stream's ARN never comes back once the stream is disabled, so one that is alone at both ends of some days is alone on
all of them. Where the ends differ, the days between are halved until the change is found.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from histlib.format.days import FILE_SPAN, MAX_LATENESS, day_begin, shifted
from histlib.format.key_forms import key_form
from histlib.format.streams import BASELINE_PREFIX as STREAM_PREFIX
from histlib.format.streams import is_net

Row = dict[str, Any]
#: Asks some days; gives the rows of :func:`histlib.engines.athena.statements.selects.streams_by_day` of each.
Ask = Callable[[Sequence[str]], Mapping[str, Sequence[Row]]]

#: How many days after a day's first change others of the same time may land (two days late, one for the file).
_LATE: Final = 3


def stream_rows(days: Sequence[str], ask: Ask) -> list[Row]:
    """The rows of :class:`histlib.engines.queries.Streams` for a landing that has objects on these days (ascending).

    First and last stamps of each stream are exact; ``changes`` counts only the days that were looked at.
    """
    looked = _Looked(days, ask)
    looked.at([*looked.near(days[0], 0, _LATE - 1), days[-1]])
    if not looked.holds_ends(days[0], days[-1]):
        looked.at([*looked.near(days[0], 0, _LATE), *looked.near(days[-1], 1, 0)])
    boundaries = looked.halve([(days[0], days[-1])])
    looked.at(day for one, other in boundaries for day in looked.near_both(one, other))
    return looked.together()


class _Looked:
    """What has been seen so far."""

    def __init__(self, days: Sequence[str], ask: Ask) -> None:
        self._days = days
        self._ask = ask
        self._rows: dict[str, Sequence[Row]] = {}

    def at(self, days: Iterable[str]) -> None:
        """Look at these days, all at once."""
        unseen = sorted(set(days) - self._rows.keys())
        if unseen:
            self._rows.update(self._ask(unseen))

    def holds_ends(self, first: str, last: str) -> bool:
        """Whether one stream is alone on all days and no day unseen can hold an earlier or a later change of it.

        What landed on a day happened at most :data:`MAX_LATENESS` before it began; what landed before a day, at most
        :data:`FILE_SPAN` after that began.
        """
        streams = self._streams(first)
        if len(streams) != 1 or not self._constant(first, last):
            return False
        ((_, stream, _),) = streams
        rows = [row for rows in self._rows.values() for row in rows if (row["stream"] or "") == stream]
        earliest: int = min(row["first_micros"] for row in rows)
        latest: int = max(row["last_micros"] for row in rows)
        return earliest <= day_begin(shifted(first, _LATE)) - MAX_LATENESS and latest >= day_begin(last) + FILE_SPAN

    def near(self, day: str, before: int, after: int) -> Sequence[str]:
        """The landing's days from so many days before a day to so many after it."""
        first, last = shifted(day, -before), shifted(day, after)
        return self._days[bisect_left(self._days, first) : bisect_right(self._days, last)]

    def near_both(self, one: str, other: str) -> list[str]:
        """The days on which changes from around a boundary between two days may have landed."""
        return [*self.near(one, 1, _LATE), *self.near(other, 1, _LATE)]

    def halve(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The neighbouring days between which the streams change."""
        boundaries: list[tuple[str, str]] = []
        while pairs := [pair for pair in pairs if not self._constant(*pair)]:
            middles = {pair: self._middle(*pair) for pair in pairs}
            boundaries += [pair for pair, middle in middles.items() if middle is None]
            halves = [(pair, middle) for pair, middle in middles.items() if middle is not None]
            self.at(middle for _, middle in halves)
            pairs = [half for (one, other), middle in halves for half in ((one, middle), (middle, other))]
        return boundaries

    def _constant(self, one: str, other: str) -> bool:
        """Whether the same single stream is on both days, and so on all between."""
        streams = self._streams(one)
        return one == other or (
            len(streams) == 1 and streams == self._streams(other) and all(s[1].startswith("arn:") for s in streams)
        )

    def _streams(self, day: str) -> set[tuple[str, str, str]]:
        return {
            (row["table"] or "", row["stream"] or "", row["view"] or "")
            for row in self._rows[day]
            if not is_net(row["stream"]) and not (row["stream"] or "").startswith(STREAM_PREFIX)
        }

    def _middle(self, one: str, other: str) -> str | None:
        first, last = bisect_left(self._days, one), bisect_left(self._days, other)
        return self._days[(first + last) // 2] if last - first > 1 else None

    def together(self) -> list[Row]:
        """One row for each table, stream, view and form of keys."""
        found: dict[tuple[Any, ...], Row] = {}
        for row in (row for day in sorted(self._rows) for row in self._rows[day]):
            key = (row["table"], row["stream"], row["view"], key_form(row["keys"]))
            known = found.get(key, row)
            latest = max((known, row), key=lambda one: one["last_micros"])
            found[key] = {
                **row,
                "keys": latest["keys"],
                "first_micros": min(known["first_micros"], row["first_micros"]),
                "last_micros": latest["last_micros"],
                "changes": row["changes"] + (known["changes"] if known is not row else 0),
            }
        return list(found.values())
