"""The timeline: the changes of items in order, as columns of a table.

Pure; :mod:`histlib.answers.frames` makes the DataFrame.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from histlib.format.streams import is_net, is_old_format
from histlib.rules import doubt
from histlib.rules.actor import actor_of
from histlib.rules.caveats import Caveat, to_cell
from histlib.rules.chain.chain import Link, Step
from histlib.rules.chain.images import Image
from histlib.rules.coverage.coverage import Coverage
from histlib.values.article_text import same_value_as_old_format
from histlib.values.diff import Difference, diff
from histlib.values.image_json import MISSING, decode_image, encode_image, encode_value
from histlib.values.paths import Path, format_path, get
from histlib.values.times import TimeRange

#: Columns of a timeline after the key's: name → what it holds.
COLUMNS: Final[dict[str, str]] = {
    "time": "effective time of the change, datetime64[us, tz of the history]",
    "action": "INSERT, MODIFY or REMOVE; NA: a change that is missing, shown by the images around it",
    "actor": "ttl, the value of the history's actor_attribute, or the service; NA where not known",
    "event_id": "the stream's eventID",
    "path": "what changed; empty: the whole item",
    "before": "Python value, or MISSING",
    "before_json": "the same as image JSON; NA where missing",
    "after": "Python value, or MISSING",
    "after_json": "the same as image JSON; NA where missing",
    "caveats": "names of caveats, space-separated; empty if none",
}

#: Columns of a table of changes after the key's: name → what it holds.
CHANGE_COLUMNS: Final[dict[str, str]] = {
    "time": "effective time of the change, datetime64[us, tz of the history]",
    "action": "INSERT, MODIFY or REMOVE",
    "actor": "ttl, the value of the history's actor_attribute, or the service; NA where not known",
    "event_id": "the stream's eventID",
    "old_image": "the item before as a dict of Python values; MISSING where there was none, or not seen",
    "old_image_json": "the same as image JSON; NA where missing",
    "new_image": "the item after as a dict of Python values; MISSING where there is none, or not seen",
    "new_image_json": "the same as image JSON; NA where missing",
    "paths": "list of the paths that changed; an empty path: the whole item",
    "caveats": "names of caveats, space-separated; empty if none",
}

#: Rows turned into columns at once: few enough that Python's garbage collector does not mind them.
_ROWS_AT_ONCE: Final = 4_096

#: Whether a change is asked for, by its step and its actor.
Wanted = Callable[[Step, str | None], bool]


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
    change whose images do not show what changed. Where a change is missing, rows without action and actor show
    what it must have changed; its time is at the latest that of the change which revealed it.
    """
    rows: Iterator[tuple[Any, ...]] = (
        row for keys, steps in items.items() for row in _item_rows(keys, steps, coverage, options)
    )
    if len(items) > 1:
        rows = iter(sorted(rows, key=lambda row: (row[1], row[0])))
    columns: dict[str, list[Any]] = {name: [] for name in ("keys", *COLUMNS)}
    while part := list(islice(rows, _ROWS_AT_ONCE)):
        for column, cells in zip(columns.values(), zip(*part, strict=True), strict=True):
            column.extend(cells)
    return columns


def change_columns(
    items: Mapping[str, Sequence[Step]], coverage: Coverage, options: TimelineOptions, wanted: Wanted | None = None
) -> dict[str, list[Any]]:
    """The columns ``keys`` and :data:`CHANGE_COLUMNS`, a row per change, ordered as a timeline; time in epoch µs.

    Only changes at or below the paths of the options, where given, and those that are ``wanted``.
    """
    rows = [
        row for keys, steps in items.items() for row in _change_rows(keys, steps, coverage, options, wanted or _any)
    ]
    rows.sort(key=lambda row: (row[1], row[0]))
    names = ("keys", *CHANGE_COLUMNS)
    cells = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: list(column) for name, column in zip(names, cells, strict=True)}


def _item_rows(
    keys: str, steps: Sequence[Step], coverage: Coverage, options: TimelineOptions
) -> Iterator[tuple[Any, ...]]:
    images = _Images()
    whole = _covered_whole(steps, coverage)
    for position in _inside(steps, options.window):
        step, change = steps[position], steps[position].change
        known = None if whole else coverage
        caveats = "" if whole and _sound(step) else to_cell(_row_caveats(steps, position, known, options.window.start))
        if step.link is Link.GAP:
            old = is_old_format(steps[position - 1].change.stream) or is_old_format(change.stream)
            unseen = _differences(images.of(steps[position - 1].after), images.of(step.before), options.paths)
            for difference in _as_old_format(unseen) if old else unseen:
                yield (keys, step.effective, None, None, change.event_id, *_cells(difference), caveats)
        before, after = map(images.of, _sides(steps, position))
        actor = actor_of(change, after, options.actor_attribute)
        shown = _differences(before, after, options.paths, own=True)
        own = () if options.paths else (before, after)
        for difference in _as_old_format(shown, *own) if is_old_format(change.stream) else shown:
            yield (keys, step.effective, change.action, actor, change.event_id, *_cells(difference), caveats)


def _change_rows(
    keys: str, steps: Sequence[Step], coverage: Coverage, options: TimelineOptions, wanted: Wanted
) -> Iterator[tuple[Any, ...]]:
    images = _Images()
    whole = _covered_whole(steps, coverage)
    for position in _inside(steps, options.window):
        step, change = steps[position], steps[position].change
        sides = _sides(steps, position)
        before, after = map(images.of, sides)
        actor = actor_of(change, after, options.actor_attribute)
        if not wanted(step, actor):
            continue
        paths = [format_path(path) for path, _, _ in _differences(before, after, options.paths, own=True)]
        if not paths:
            continue
        if not options.paths and change.action != "MODIFY":
            paths = [""]
        known = None if whole else coverage
        caveats = "" if whole and _sound(step) else to_cell(_row_caveats(steps, position, known, options.window.start))
        shown = (_image_cells(image, text) for image, text in ((before, sides[0]), (after, sides[1])))
        yield (
            keys,
            step.effective,
            change.action,
            actor,
            change.event_id,
            *(c for pair in shown for c in pair),
            paths,
            caveats,
        )


def _any(_step: Step, _actor: str | None) -> bool:
    return True


def _image_cells(image: Any, text: str | Image) -> tuple[Any, str | None]:
    return (image, text) if isinstance(text, str) else (MISSING, None)


def _as_old_format(differences: Iterable[Difference], *own: Any) -> Iterator[Difference]:
    """Those that format 0 tells apart: its sets have any order. With ``own`` images a change never vanishes."""
    found = False
    for path, before, after in differences:
        if not path or not same_value_as_old_format(before, after):
            found = True
            yield path, before, after
    if own and not found:
        yield (), *own


def _cells(difference: Difference) -> tuple[Any, ...]:
    path, before, after = difference
    encode = encode_value if path else encode_image
    before_json = None if before is MISSING else encode(before)
    return format_path(path), before, before_json, after, None if after is MISSING else encode(after)


class _Images:
    """Decodes images; the last one is kept, since an old image is as a rule the new image before it."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._image: Any = MISSING

    def of(self, image: str | Image) -> Any:
        """The item; MISSING where there was none; the Image itself where it was not seen."""
        if isinstance(image, Image):
            return MISSING if image is Image.NONE else image
        if image != self._text:
            self._text, self._image = image, decode_image(image)
        return self._image


def _sides(steps: Sequence[Step], position: int) -> tuple[str | Image, str | Image]:
    """The images before and after a change; what its view lacks is taken from its neighbour, where it has it."""
    before, after = steps[position].before, steps[position].after
    if before is Image.UNSEEN and position > 0 and steps[position - 1].after is not Image.NONE:
        before = steps[position - 1].after
    if after is Image.UNSEEN and position + 1 < len(steps) and steps[position + 1].before is not Image.NONE:
        after = steps[position + 1].before
    return before, after


def _differences(before: Any, after: Any, paths: tuple[Path, ...], *, own: bool = False) -> Iterator[Difference]:
    """The differing paths. With ``own`` a change never vanishes: one that shows no path is a row of the whole item."""
    if before is Image.UNSEEN or after is Image.UNSEEN:
        if own:
            yield (), _seen(before), _seen(after)
        return
    if paths:
        for path in paths:
            yield from diff(get(before, path), get(after, path), path)
        return
    found = False
    for difference in diff(before, after):
        found = True
        yield difference
    if own and not found:
        yield (), before, after


def _seen(image: Any) -> Any:
    return MISSING if image is Image.UNSEEN else image


def _inside(steps: Sequence[Step], window: TimeRange) -> range:
    """The positions of the steps in the window."""
    first = bisect_left(steps, window.start, key=lambda step: step.effective)
    return range(first, bisect_left(steps, window.end, lo=first, key=lambda step: step.effective))


def _covered_whole(steps: Sequence[Step], coverage: Coverage) -> bool:
    """Whether one span, without holes, covers all of the item's changes: the usual case, told once for all."""
    if not steps:
        return True
    start, end, stream = steps[0].effective, steps[-1].effective, steps[-1].change.stream
    broken = any(step.new_stream for step in steps) or coverage.holes_in(start, end, steps[0].change.keys)
    return not broken and coverage.covers(start, end, stream)


def _sound(step: Step) -> bool:
    """Whether a change by itself carries no caveat: as nearly all do, told without more ado."""
    change = step.change
    return (
        step.link is Link.PROVEN
        and not step.conflict
        and step.sure
        and not is_old_format(change.stream)
        and not is_net(change.stream)
        and change.redaction is None
        and (change.new_image is not None or change.action == "REMOVE")
    )


def _row_caveats(steps: Sequence[Step], position: int, coverage: Coverage | None, start: int) -> list[Caveat]:
    """The caveats of one change; ``coverage`` is None where it is known to be whole. Of the time before it counts what
    lies after ``start``."""
    found = doubt.of_row(steps[position])
    if position == 0 or coverage is None:
        return found
    return [*found, *doubt.before_row(steps[position - 1], steps[position], coverage, start)]


def chain_caveats(
    steps: Sequence[Step], coverage: Coverage, window: TimeRange, wanted: Wanted | None = None
) -> set[Caveat]:
    """The caveats of all changes of one item in a window, and of the first one after it; of changes that are not wanted
    only what may hide one that is."""
    inside = _inside(steps, window)
    found: set[Caveat] = set()
    for position in inside:
        own = _row_caveats(steps, position, coverage, window.start)
        shown = wanted is None or wanted(steps[position], None)
        found.update(own if shown else filter(doubt.hides_changes, own))
    return found.union(doubt.after_window(steps[inside.stop]) if 0 < inside.stop < len(steps) else ())


def timeline_caveats(
    items: Mapping[str, Sequence[Step]],
    columns: Mapping[str, Sequence[Any]],
    coverage: Coverage,
    options: TimelineOptions,
    *,
    wide: bool = False,
) -> tuple[Caveat, ...]:
    """The caveats of a timeline as a whole: of its window (``wide``: for other items too), of its rows, of changes in
    the window that have none, and of what comes after it."""
    changes, start = set(columns["event_id"]), options.window.start
    counted: Counter[str] = Counter()
    later: list[Caveat] = []
    for steps in items.values():
        inside = _inside(steps, options.window)
        whole = _covered_whole(steps, coverage)
        for position in inside:
            if steps[position].change.event_id not in changes and not (whole and _sound(steps[position])):
                counted[to_cell(_row_caveats(steps, position, None if whole else coverage, start))] += 1
        if 0 < inside.stop < len(steps):
            later += doubt.after_window(steps[inside.stop])
    window = doubt.of_range(options.window, None if wide else items, coverage)
    return doubt.told(window, doubt.of_rows(Counter(columns["caveats"])), doubt.of_changes(counted), later)
