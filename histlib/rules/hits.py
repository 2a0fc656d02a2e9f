"""Who was hit: the periods of items in which a condition held, as columns of a table.

Pure; :mod:`histlib.answers.frames` makes the DataFrame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from histlib.rules import doubt
from histlib.rules.actor import actor_of
from histlib.rules.caveats import Caveat, to_cell
from histlib.rules.chain.chain import Step
from histlib.rules.chain.images import Image, image_after, image_before
from histlib.rules.conditions import ItemCondition
from histlib.rules.coverage.baselines import ItemHistory, Sighting
from histlib.rules.coverage.coverage import Coverage
from histlib.rules.doubt import Silence
from histlib.rules.stretches import Period, Stretch, periods
from histlib.values.image_json import MISSING, decode_image
from histlib.values.times import TimeRange

#: Columns after the key's: name → what it holds.
COLUMNS: Final[dict[str, str]] = {
    "since": "when it began to be so, datetime64[us, tz]; the earliest it may have; NaT: before the history tells",
    "until": "when it ended; the latest it may have; NaT: not ended",
    "from_latest": "it was so at the latest from then on; equal to since where that is exact",
    "to_earliest": "it was so at the least until then; equal to until where that is exact; NaT: not ended",
    "set_by": "actor of the change that began it; NA where not known",
    "set_event": "that change's event_id; NA where it is missing, or came before the history",
    "ended_by": "actor of the change that ended it; NA where not known or not ended",
    "ended_action": "MODIFY or REMOVE; NA where not ended, or where that change is missing",
    "ended_event": "that change's event_id; NA likewise",
    "still": "bool: whether it is so to the last that is captured",
}

#: Whether something holds of an image; None where the image does not tell.
Holds = Callable[[str, str | Image], bool | None]


@dataclass(frozen=True)
class Hit:
    """One item's period in which it was so."""

    keys: str
    period: Period
    caveats: str


def find_hits(
    keys: str, stretches: Sequence[Stretch], window: TimeRange, coverage: Coverage, holds: Holds
) -> list[Hit]:
    """The periods of an item that touch a window, in order of time."""
    found = periods(stretches, lambda stretch: holds(keys, stretch.image))
    return [
        Hit(keys, period, to_cell({*period.caveats, *_open_ends(keys, period, window, coverage)}))
        for period in found
        if period.touches(window.start, window.end)
    ]


def in_doubt(
    keys: str, stretches: Sequence[Stretch], window: TimeRange, coverage: Coverage, condition: ItemCondition
) -> str:
    """The caveats of an item at times within a window at which a condition did not hold, as far as is known, but may
    have; empty where it surely did not."""
    found: set[str] = set()
    for one in stretches:
        if one.touches(window.start, window.end) and not _holds(condition, keys, one.image):
            cell = to_cell({*one.caveats, *_open_ends(keys, one, window, coverage)})
            if doubt.leaves_open(cell) or _may_have_held(condition, keys, one):
                found.update(cell.split())
    return to_cell(found)


def may_show(item: ItemHistory, window: TimeRange, condition: ItemCondition) -> bool:
    """Whether a change of an item within a window left what a condition holds of, or may."""
    return any(
        doubt.may_hold(condition, item.keys, step.after, redacted=step.change.redaction is not None)
        for step in item.steps
        if window.start <= step.effective < window.end
    )


def _holds(condition: ItemCondition, keys: str, image: str | Image) -> bool:
    return isinstance(image, str) and condition.item(keys, image)


def _may_have_held(condition: ItemCondition, keys: str, stretch: Stretch) -> bool:
    """Whether it may hold of the image, or of another copy of it."""
    left = [image_after(one) for one in stretch.begun_by.others] if stretch.begun_by is not None else []
    found = [image_before(one) for one in stretch.ended_by.others] if stretch.ended_by is not None else []
    if any(doubt.may_hold(condition, keys, one, redacted=False) for one in (*left, *found)):
        return True
    return doubt.may_hold(condition, keys, stretch.image, redacted=doubt.is_redacted(stretch.caveats))


def hit_columns(hits: Sequence[Hit], actor_attribute: str | None) -> dict[str, list[Any]]:
    """The columns ``keys``, :data:`COLUMNS`, ``image`` (text, at since) and ``caveats``; times in epoch µs."""
    columns: dict[str, list[Any]] = {name: [] for name in ("keys", *COLUMNS, "image", "caveats")}
    for hit in hits:
        for column, value in zip(columns.values(), _row(hit, actor_attribute), strict=True):
            column.append(value)
    return columns


def _row(hit: Hit, actor_attribute: str | None) -> tuple[Any, ...]:
    period = hit.period
    begun, ended = period.begun_by, period.ended_by
    return (
        hit.keys,
        period.from_earliest,
        period.to_latest,
        period.from_latest,
        period.to_earliest,
        _actor(begun, actor_attribute),
        None if begun is None else begun.change.event_id,
        _actor(ended, actor_attribute),
        None if ended is None else ended.change.action,
        None if ended is None else ended.change.event_id,
        period.to_latest is None,
        period.first.image,
        hit.caveats,
    )


def _actor(step: Step | None, attribute: str | None) -> str | None:
    if step is None:
        return None
    return actor_of(step.change, decode_image(step.after) if isinstance(step.after, str) else MISSING, attribute)


def _open_ends(keys: str, period: Stretch, window: TimeRange, coverage: Coverage) -> set[Caveat]:
    """What is not certain about a period, as far as it lies in the window, beside what its stretches carry."""
    first, last = max(window.start, period.from_earliest or 0), min(window.end - 1, period.to_latest or window.end)
    found = set(doubt.of_windows(first, last, coverage))
    if period.from_earliest is None and period.from_latest > window.start:
        stream = period.ended_by.change.stream if period.ended_by is not None else None
        silence = Silence(window.start, min(period.from_latest, window.end - 1), stream)
        found.update(doubt.of_silence(silence, keys, coverage))
    last_one = period.last if isinstance(period, Period) else period
    if last_one.to_latest is None:
        found.update(doubt.of_silence(_silence_since(last_one, window.end - 1), keys, coverage))
    return found


def _silence_since(stretch: Stretch, last: int) -> Silence:
    """The time since a change or baseline last told of an open stretch."""
    stream = None if stretch.begun_by is None else stretch.begun_by.change.stream
    if stretch.seen_at is None and stretch.begun_by is not None:
        return Silence(stretch.from_latest, max(stretch.from_latest, last), stream)
    at = stretch.from_latest if stretch.seen_at is None else stretch.seen_at
    image = stretch.image if isinstance(stretch.image, str) else None
    return Silence(at, max(at, last), seen=Sighting(at, at, image, None, ""), after=stream)


def condition_on_images(condition: ItemCondition) -> Holds:
    """A condition on items as :data:`Holds`: of no item it does not hold."""
    known: Mapping[Image, bool | None] = {Image.NONE: False, Image.UNSEEN: None}
    return lambda keys, image: known[image] if isinstance(image, Image) else condition.item(keys, image)
