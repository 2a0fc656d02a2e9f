"""Result objects: the state of one item, with how we know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from histlib import markup
from histlib.rules.caveats import Caveat
from histlib.values.diff import Difference, diff
from histlib.values.image_json import MISSING, Item, encode_image, encode_value
from histlib.values.paths import format_path, get, parse_path

_SHOWN = 100


@dataclass(frozen=True)
class Origin:
    """What an answer speaks of: the table, and where its history was read. Account and Region are empty where no
    change says them.

    ``captured_through`` is None where nothing is known to have landed.
    """

    source: str
    table: str
    account: str
    region: str
    captured_through: datetime | None

    def __str__(self) -> str:
        account = self.account and f"account {self.account}"
        return " · ".join(filter(None, (self.table, account, self.region, self.source)))

    def as_json(self) -> str:
        """One JSON object."""
        through = self.captured_through
        return json_text({**vars(self), "captured_through": through and through.isoformat()})

    def attrs(self, heading: str, tz: tzinfo, completeness: str, caveats: Sequence[Caveat]) -> dict[str, Any]:
        """What a frame says of itself: plain JSON values only, so that every writer can keep them."""
        through = self.captured_through
        return {
            "heading": heading,
            "source": self.source,
            "table": self.table,
            "account": self.account,
            "region": self.region,
            "tz": str(tz),
            "completeness": completeness,
            "captured_through": through and through.isoformat(sep=" "),
            "caveats": [caveat.as_json() for caveat in caveats],
        }


@dataclass(frozen=True)
class StateChange:
    """The change that set a state. ``file`` is the landing object that it was read from."""

    time: datetime
    action: str
    actor: str | None
    event_id: str
    sequence_number: str | None
    file: str

    def as_json(self) -> str:
        """One JSON object."""
        return json_text({**vars(self), "time": self.time.isoformat()})

    def __str__(self) -> str:
        by = f" by {self.actor}" if self.actor else ""
        return f"{self.action} {self.time.isoformat(sep=' ')}{by} (event {self.event_id})"


@dataclass(frozen=True)
class Seen:
    """By which baseline an item was seen, at some instant between ``begin`` and ``end``."""

    baseline: str
    begin: datetime
    end: datetime

    def __str__(self) -> str:
        span = " to ".join(dict.fromkeys(moment.isoformat(sep=" ") for moment in (self.begin, self.end)))
        return f"baseline {self.baseline}, read {span}"


@dataclass(frozen=True, repr=False)
class ItemState:
    """What one item was at one time.

    Attributes:
        keys: the key as a dict.
        time: the time asked for (aware, in the history's zone).
        status: ``present``, ``deleted``, ``absent`` (not in the table, no earlier life known) or ``unknown``.
        item: the item as a dict of Python values; None unless present.
        evidence: ``change``, ``next_change``, ``baseline`` or None.
        since, until: when the state began and ended (aware); None where open or not known.
        until_known: false where the search for the next change stopped at its look-ahead, or where all that is known
            of it is an export's net change, which may sum up earlier ones.
        change: the change that set the state, or None.
        completeness: ``attested`` or ``observed``.
        caveats: the named reasons why this may differ from the truth, each with a ``detail``.
        reason: why the status is unknown; else empty.
        candidates: items it may have been where the history cannot decide (None: no item).
        origin: the table and the source.
        seen: the baseline that saw it so, where one did.
    """

    keys: Item
    time: datetime
    status: str
    item: Item | None
    evidence: str | None
    since: datetime | None
    until: datetime | None
    until_known: bool
    change: StateChange | None
    completeness: str
    caveats: tuple[Caveat, ...]
    reason: str
    candidates: tuple[Item | None, ...]
    origin: Origin
    seen: Seen | None = None

    def get(self, path: str, default: Any = MISSING) -> Any:
        """The value at a path such as ``address.zip``; ``default`` where the state has nothing there.

        Raises:
            PathNotValidError: not a path.
        """
        value = get(self.item, parse_path(path)) if self.item is not None else MISSING
        return default if value is MISSING else value

    def as_json(self) -> str:
        """One JSON object: status, item (image JSON as JSON), evidence, since, until, completeness, caveats, change.

        Times are ISO 8601 with offset; ``candidates`` and ``reason`` are added for what cannot be decided.
        """
        members = {
            "keys": encode_image(self.keys),
            "time": json_time(self.time),
            "status": json.dumps(self.status),
            "item": _json_item(self.item),
            "evidence": json.dumps(self.evidence),
            "since": json_time(self.since),
            "until": json_time(self.until),
            "until_known": json.dumps(self.until_known),
            "completeness": json.dumps(self.completeness),
            "caveats": json_text([caveat.as_json() for caveat in self.caveats]),
            "reason": json_text(self.reason),
            "candidates": f"[{','.join(map(_json_item, self.candidates))}]",
            "change": self._json_change(),
            "origin": self.origin.as_json(),
            "seen": self._json_seen(),
        }
        return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"

    def attrs(self) -> dict[str, Any]:
        """What a table of this state says of itself."""
        return self.origin.attrs(self._title(), self.time.tzinfo or UTC, self.completeness, self.caveats)

    def __repr__(self) -> str:
        lines = [f"{self._title()}: {self.status}"]
        lines += [f"  {name:<{self._width()}}  {value}" for name, value in self._rows()]
        lines += [f"  {line}" for line in self._lines()]
        lines += [f"  ! {warning}" for warning in self._warnings()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return markup.card(self._title(), self.status, self._lines(), self._rows(), self._warnings())

    def _title(self) -> str:
        keys = ", ".join(f"{name}={encode_value(value)}" for name, value in self.keys.items())
        return markup.one_line(f"{self.origin.table} {keys} at {self.time.isoformat(sep=' ')}")

    def _rows(self) -> list[tuple[str, str]]:
        item = self.item or {}
        return [(markup.one_line(name), shorten(encode_value(value))) for name, value in item.items()]

    def _width(self) -> int:
        return max((len(name) for name, _ in self._rows()), default=0)

    def _lines(self) -> list[str]:
        known = {
            "change": f"set by {self.change}",
            "next_change": "known from the next change's old image",
            "baseline": f"as seen by {self.seen}",
        }
        lines = [self.reason] if self.reason else [markup.one_line(known[self.evidence or ""])]
        if self.since or self.until:
            until = _plain_time(self.until) if self.until_known else "not known"
            lines.append(f"since {_plain_time(self.since)} · until {until}")
        through = _plain_time(self.origin.captured_through, "nothing known")
        lines += [f"{self.completeness} · captured through {through}", str(self.origin)]
        return lines

    def _warnings(self) -> list[str]:
        warnings = [repr(caveat) for caveat in self.caveats]
        if len(self.candidates) == 2 and None not in self.candidates:
            return [*warnings, *map(_either, diff(*self.candidates))]
        return [*warnings, *(f"it may have been {_candidate(candidate)}" for candidate in self.candidates)]

    def _json_change(self) -> str:
        return "null" if self.change is None else self.change.as_json()

    def _json_seen(self) -> str:
        if self.seen is None:
            return "null"
        return json_text({**vars(self.seen), "begin": self.seen.begin.isoformat(), "end": self.seen.end.isoformat()})


def _candidate(candidate: Item | None) -> str:
    return "no item" if candidate is None else shorten(encode_image(candidate))


def _either(difference: Difference) -> str:
    """What the two sides of a gap differ in."""
    path, left, right = difference
    values = ("missing" if value is MISSING else shorten(encode_value(value)) for value in (left, right))
    return f"it may have been {markup.one_line(format_path(path))} {' or '.join(values)}"


def json_text(value: Any) -> str:
    """A plain value as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json_item(item: Item | None) -> str:
    return "null" if item is None else encode_image(item)


def json_time(moment: datetime | None) -> str:
    """A time as JSON, ISO 8601."""
    return "null" if moment is None else json.dumps(moment.isoformat())


def _plain_time(moment: datetime | None, otherwise: str = "open") -> str:
    return otherwise if moment is None else moment.isoformat(sep=" ")


def shorten(text: str) -> str:
    """A text in one line that is not long."""
    text = markup.one_line(text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
