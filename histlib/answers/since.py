"""The answer to ``since``: from when to when a path of an item held a value, and how we know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from histlib import markup
from histlib.answers.state import Origin, StateChange, json_text, json_time, shorten
from histlib.rules.caveats import Caveat
from histlib.values.image_json import MISSING, Item, encode_value

Span = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, repr=False)
class Since:
    """Since when a path of an item has held a value.

    Attributes:
        keys, path, value, time: what was asked (time aware, in the history's zone; the path as the images have it).
        status: ``holds`` (at that time), ``held`` (before; the last time is told), ``never`` (up to then, as far as
            captured), ``unknown``.
        since: when it began, the earliest it may have (aware); None: before the history tells.
        from_latest: it was so at the latest from then on; equal to ``since`` where that is exact.
        until: when it ended, the latest it may have; None: not ended.
        before: the value before; MISSING where there was none, or where the history does not tell.
        change: the change that set it; None where it is missing, or came before the history.
        ended_by: the change that ended it; None likewise, or where it has not ended.
        earlier: (since, until) of each earlier period with this value, in order.
        caveats, completeness, origin: as for a state.
        reason: why the status is unknown; else empty.
        notices: what else is to be told: a path that no image of the item has.
    """

    keys: Item
    path: str
    value: Any
    time: datetime
    status: str
    since: datetime | None
    from_latest: datetime | None
    until: datetime | None
    before: Any
    change: StateChange | None
    ended_by: StateChange | None
    earlier: tuple[Span, ...]
    completeness: str
    caveats: tuple[Caveat, ...]
    origin: Origin
    reason: str = ""
    notices: tuple[str, ...] = ()

    @property
    def from_earliest(self) -> datetime | None:
        """The same as ``since``: the earliest that it may have begun."""
        return self.since

    def as_json(self) -> str:
        """One JSON object: all attributes, values as image JSON and left out where missing, times as ISO 8601."""
        members = {
            "keys": encode_value(dict(self.keys)),
            "path": json_text(self.path),
            **_json_value("value", self.value),
            "time": json_time(self.time),
            "status": json_text(self.status),
            "since": json_time(self.since),
            "from_latest": json_time(self.from_latest),
            "until": json_time(self.until),
            **_json_value("before", self.before),
            "change": _json_change(self.change),
            "ended_by": _json_change(self.ended_by),
            "earlier": "[" + ",".join(f"[{json_time(begin)},{json_time(end)}]" for begin, end in self.earlier) + "]",
            "completeness": json_text(self.completeness),
            "caveats": json_text([caveat.as_json() for caveat in self.caveats]),
            "reason": json_text(self.reason),
            "notices": json_text(list(self.notices)),
            "origin": self.origin.as_json(),
        }
        return "{" + ",".join(f"{json_text(name)}:{text}" for name, text in members.items()) + "}"

    def attrs(self) -> dict[str, Any]:
        """What a table of this answer says of itself."""
        heading = f"{self._title()} at {_time(self.time)}"
        attrs = self.origin.attrs(heading, self.time.tzinfo or UTC, self.completeness, self.caveats)
        return attrs | ({"notices": list(self.notices)} if self.notices else {})

    def __repr__(self) -> str:
        lines = [f"{self._title()}: {self.status}", *(f"  {line}" for line in self._lines())]
        return "\n".join([*lines, *(f"  ! {caveat!r}" for caveat in self.caveats)])

    def _repr_html_(self) -> str:
        return markup.card(self._title(), self.status, self._lines(), [], [repr(caveat) for caveat in self.caveats])

    def _title(self) -> str:
        keys = ", ".join(f"{name}={encode_value(value)}" for name, value in self.keys.items())
        return markup.one_line(f"{self.origin.table} {keys} {self.path} = {_shown(self.value)}")

    def _lines(self) -> list[str]:
        lines = [markup.one_line(self.reason)] if self.reason else []
        if self.status in ("holds", "held"):
            begun = self._begun()
            ended = "not ended" if self.until is None else f"until {_time(self.until)}"
            lines += [f"since {begun} · {ended}"]
            lines += [markup.one_line(f"before it {_shown(self.before)}")] if self.since else []
            lines += [markup.one_line(f"set by {self.change}")] if self.change else []
            lines += [markup.one_line(f"ended by {self.ended_by}")] if self.ended_by else []
        lines += [f"also {_time(begin)} to {_time(end)}" for begin, end in self.earlier[-_MOST:]]
        if len(self.earlier) > _MOST:
            lines.append(f"and {len(self.earlier) - _MOST:,} times earlier")
        through = self.origin.captured_through
        lines.append(f"asked for {_time(self.time)} · {self.completeness} · captured through {_time(through)}")
        return [*lines, str(self.origin), *self.notices]

    def _begun(self) -> str:
        if self.since == self.from_latest:
            return _time(self.since)
        earliest = "before the history tells" if self.since is None else _time(self.since)
        return f"some time between {earliest} and {_time(self.from_latest)}"


#: Earlier periods that are shown.
_MOST = 5


def _time(moment: datetime | None) -> str:
    return "not known" if moment is None else moment.isoformat(sep=" ")


def _shown(value: Any) -> str:
    return "(missing)" if value is MISSING else shorten(encode_value(value))


def _json_value(name: str, value: Any) -> dict[str, str]:
    return {} if value is MISSING else {name: encode_value(value)}


def _json_change(change: StateChange | None) -> str:
    return "null" if change is None else change.as_json()
