"""The timeline: the changes of items in order, as columns of a table.

Pure; :mod:`histlib.frames` makes the DataFrame.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from histlib.caveats import Caveat, in_order, to_cell
from histlib.chain import Link, Step
from histlib.coverage import Coverage
from histlib.diff import Difference, diff
from histlib.paths import Path, format_path, get
from histlib.record import Change
from histlib.times import SECOND, TimeRange, format_time
from histlib.values import MISSING, decode_image, encode_image, encode_value

#: Columns of a timeline after the key's: name → what it holds.
COLUMNS: Final[dict[str, str]] = {
    "time": "effective time of the change, datetime64[us, tz of the history]",
    "action": "INSERT, MODIFY or REMOVE",
    "actor": "ttl, the value of the history's actor_attribute, or the service; NA where not known",
    "event_id": "the stream's eventID",
    "path": "what changed; empty: the whole item",
    "before": "Python value, or MISSING",
    "before_json": "the same as image JSON; NA where missing",
    "after": "Python value, or MISSING",
    "after_json": "the same as image JSON; NA where missing",
    "caveats": "names of caveats, space-separated; empty if none",
}

_TTL = "dynamodb.amazonaws.com"


@dataclass(frozen=True)
class TimelineOptions:
    """Which rows: within ``window``; only ``paths`` where given; ``actor_attribute`` names who wrote."""

    window: TimeRange
    paths: tuple[Path, ...] = ()
    actor_attribute: str | None = None


def timeline_columns(
    items: Mapping[str, Sequence[Step]], coverage: Coverage, options: TimelineOptions
) -> dict[str, list[Any]]:
    """The columns ``keys`` and :data:`COLUMNS`, ordered by time, then key, then the item's own order.

    ``time`` is in epoch µs here. INSERT and REMOVE are one row with path ``""`` unless paths are asked for; so is a
    change whose images do not show what changed.
    """
    rows = [row for keys, steps in items.items() for row in _item_rows(keys, steps, coverage, options)]
    if len(items) > 1:
        rows.sort(key=lambda row: (row[1], row[0]))
    names = ("keys", *COLUMNS)
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {n: [] for n in names}


def actor_of(change: Change, after: Any, attribute: str | None) -> str | None:
    """Who made a change: ``ttl``, the service named by the stream, or what an attribute of the item after it says.

    A REMOVE leaves no image to say, so its actor is not known unless the stream names a service.
    """
    if change.actor is not None:
        identity = json.loads(change.actor)
        principal = str(identity.get("principalId", change.actor))
        return "ttl" if principal == _TTL else principal
    written_by = get(after, (attribute,)) if attribute is not None else None
    if written_by is MISSING or written_by is None:
        return None
    return written_by if isinstance(written_by, str) else encode_value(written_by)


def _item_rows(
    keys: str, steps: Sequence[Step], coverage: Coverage, options: TimelineOptions
) -> Iterator[tuple[Any, ...]]:
    images = _Images()
    for position, step in enumerate(steps):
        if not options.window.start <= step.effective < options.window.end:
            continue
        change = step.change
        before, after = images.of(change.old_image), images.of(change.new_image)
        actor = actor_of(change, after, options.actor_attribute)
        caveats = to_cell(_row_caveats(steps, position, coverage))
        for path, old, new in _differences(before, after, options.paths):
            encode = encode_value if path else encode_image
            yield (
                keys,
                step.effective,
                change.action,
                actor,
                change.event_id,
                format_path(path),
                old,
                None if old is MISSING else encode(old),
                new,
                None if new is MISSING else encode(new),
                caveats,
            )


class _Images:
    """Decodes images; the last one is kept, since an old image is as a rule the new image before it."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._image: Any = MISSING

    def of(self, text: str | None) -> Any:
        if text is None:
            return MISSING
        if text != self._text:
            self._text, self._image = text, decode_image(text)
        return self._image


def _differences(before: Any, after: Any, paths: tuple[Path, ...]) -> Iterator[Difference]:
    if paths:
        for path in paths:
            for inner, old, new in diff(get(before, path), get(after, path)):
                yield (*path, *inner), old, new
        return
    found = False
    if before is not MISSING and after is not MISSING:
        for difference in diff(before, after):
            found = True
            yield difference
    if not found:
        yield (), before, after


def _row_caveats(steps: Sequence[Step], position: int, coverage: Coverage) -> Iterator[str]:
    step = steps[position]
    if step.link is Link.GAP:
        yield "gap"
    elif step.link is Link.UNPROVEN:
        yield "chain_unproven"
    if step.conflict:
        yield "conflict"
    if step.change.redaction is not None:
        yield "redacted"
    if position == 0:
        return
    start, stream = steps[position - 1].effective, step.change.stream
    if step.new_stream or not coverage.covers(start, step.effective, stream):
        yield "outside_coverage"
    for hole in coverage.holes_in(start, step.effective, step.change.keys):
        yield "unreadable_files" if hole.kind == "unreadable" else "outside_coverage"


def timeline_caveats(
    columns: Mapping[str, Sequence[Any]], keys: Sequence[str], coverage: Coverage, options: TimelineOptions
) -> tuple[Caveat, ...]:
    """The caveats of a timeline as a whole, those of its rows counted."""
    found = list(_window_caveats(keys, coverage, options.window))
    cells = Counter(name for cell in columns["caveats"] for name in cell.split())
    found += [Caveat(name, f"on {count:,} row{'s'[: count > 1]}") for name, count in cells.items()]
    return in_order(found)


def _window_caveats(keys: Sequence[str], coverage: Coverage, window: TimeRange) -> Iterator[Caveat]:
    last = window.end - 1
    if window.explicit_end and not coverage.settled(last - last % SECOND):
        through = coverage.captured_through
        yield Caveat("not_settled", f"captured through {_utc(through) if through else 'no known time'}")
    start = window.start if window.explicit_start else coverage.earliest
    if start is None or not coverage.covers(start, last):
        spans = ", ".join(f"{_utc(span.start)} to {_utc(span.end)}" for span in coverage.spans) or "nothing"
        yield Caveat("outside_coverage", f"covered is only {spans}")
    for hole in coverage.holes:
        if any(hole.touches(start or 0, last, key) for key in keys or ("",)):
            yield Caveat("unreadable_files" if hole.kind == "unreadable" else "outside_coverage", str(hole))


def _utc(micros: int) -> str:
    return format_time(micros, UTC)
