"""Where values come from: since when a path has held a value, and which change last set each path of an item.

Pure. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from histlib.rules import doubt
from histlib.rules.actor import actor_of
from histlib.rules.caveats import Caveat, to_cell
from histlib.rules.chain.images import Image
from histlib.rules.coverage.coverage import Coverage
from histlib.rules.stretches import Period, Stretch, periods
from histlib.values.article_text import same_value_as_old_format
from histlib.values.image_json import MISSING, decode_image, equal, with_json
from histlib.values.paths import Path, format_path, get

#: Columns of blame after the key's: name → what it holds.
COLUMNS: Final[dict[str, str]] = {
    "path": "path of a value that is no map or list, or of an empty one",
    "time": "effective time of the change that last set or removed it; NaT: before the history tells",
    "action": "INSERT, MODIFY or REMOVE; NA: a change that is missing, or before the history",
    "actor": "ttl, the value of the history's actor_attribute, or the service; NA where not known",
    "event_id": "the stream's eventID; of a missing change that of the change which revealed it, NA: a baseline did",
    "value": "Python value then, or MISSING: removed",
    "value_json": "the same as image JSON; NA where missing",
    "before": "Python value before that change, or MISSING",
    "before_json": "the same as image JSON; NA where missing",
    "since": "since when it is so, the earliest it may have been; equal to time but where a change is missing",
    "caveats": "names of caveats, space-separated; empty if none",
}


@dataclass(frozen=True)
class Spell:
    """Of a value at a path: the period asked about, and those before it."""

    status: str
    period: Period | None
    earlier: tuple[Period, ...]


@dataclass(frozen=True)
class Sought:
    """A value to look for at a path; ``old_format``: it was read from an image in format 0."""

    path: Path
    value: Any
    old_format: bool = False


def find_spell(stretches: Sequence[Stretch], sought: Sought, moment: int) -> Spell:
    """Whether a path holds a value at a moment (``holds``), has held it before (``held``, the last time), or ``never``.

    ``unknown``: it has not as far as images tell, and some of them do not tell. An item that is not there has MISSING
    everywhere. Where an image or the value is in format 0, they compare as that format's text.
    """
    values = _Values(sought.path)

    def holds(stretch: Stretch) -> bool | None:
        if stretch.image is Image.UNSEEN:
            return None
        same = same_value_as_old_format if stretch.old_format or sought.old_format else equal
        return same(values.of(stretch.image), sought.value)

    known = [stretch for stretch in stretches if stretch.from_earliest is None or stretch.from_earliest <= moment]
    found = [one for one in periods(stretches, holds) if one.from_earliest is None or one.from_earliest <= moment]
    if found:
        last = found[-1]
        still = last.to_latest is None or last.to_latest > moment
        return Spell("holds" if still else "held", last, tuple(found[:-1]))
    untold = any(holds(stretch) is None for stretch in known)
    return Spell("unknown" if untold or not known else "never", None, ())


def is_told(stretches: Sequence[Stretch], moment: int) -> bool:
    """Whether rows that tell of a moment and all before it tell of its stretches what all rows do.

    They do not where the stretch that the first change after it began may have begun before: how that one went on they
    do not say.
    """
    at = _begun_after(stretches, moment)
    begun = stretches[at].from_earliest if at < len(stretches) else None
    return at == len(stretches) or (begun is not None and begun > moment)


def is_spell_told(stretches: Sequence[Stretch], spell: Spell, moment: int) -> bool:
    """The same of a spell: its period must have ended before the first change after the moment, or by it all that can
    be known of one that began unseen."""
    at = _begun_after(stretches, moment)
    if at == len(stretches):
        return True
    open_ones = stretches[max(at - 1, 0) :]
    ended = spell.period is None or not any(spell.period.last is one for one in open_ones)
    return ended and open_ones[0].image is not Image.UNSEEN and is_told(stretches, moment)


def _begun_after(stretches: Sequence[Stretch], moment: int) -> int:
    """The position of the first stretch that a change after a moment began."""
    begun = (at for at, one in enumerate(stretches) if one.begun_by and one.begun_by.effective > moment)
    return next(begun, len(stretches))


def spoken_of(stretches: Sequence[Stretch], spell: Spell, moment: int, coverage: Coverage) -> list[Caveat]:
    """The caveats of the time that an answer speaks of: from the begin of the period it tells, or if it tells of none
    from where the history begins, up to a moment."""
    period = spell.period
    at = 0 if period is None else next(at for at, one in enumerate(stretches) if one is period.first)
    told = [one for one in stretches[at:] if one.from_earliest is None or one.from_earliest <= moment]
    found = [caveat for one in told for caveat in one.caveats]
    found += () if period is None else period.caveats
    first = coverage.earliest if period is None else period.from_earliest
    found += doubt.of_windows(coverage.earliest or 0 if first is None else first, moment, coverage)
    return [*found, doubt.before_all()] if period is None or period.from_earliest is None else found


def value_before(period: Period, path: Path) -> Any:
    """What the path held right before a period; MISSING where nothing, or no item, or not known."""
    return MISSING if period.before is None else _Values(path).of(period.before.image)


@dataclass(frozen=True)
class Origination:
    """Of one path: the stretch in which its value began, that value and the one before it."""

    value: Any
    before: Any
    stretch: Stretch
    from_earliest: int | None
    caveats: set[Caveat] = field(default_factory=set)
    """Of that stretch and all since."""


def up_to(stretches: Sequence[Stretch], moment: int, image: str | Image) -> Sequence[Stretch]:
    """The stretches up to a moment, at which the item's state is ``image``.

    Where bounds are wide, the last that may have begun by then and has this image; else those that surely have.
    """
    may_have = [
        at
        for at, one in enumerate(stretches)
        if one.image == image and (one.from_earliest is None or one.from_earliest <= moment)
    ]
    return stretches[: may_have[-1] + 1] if may_have else [one for one in stretches if _begun(one, moment)]


def blame_columns(
    keys: str, stretches: Sequence[Stretch], paths: Sequence[Path], actor_attribute: str | None
) -> dict[str, list[Any]]:
    """The columns ``keys`` and :data:`COLUMNS` of an item after its stretches, by path; times in epoch µs, or None.

    A row for each value of the item then, and for each that it had before; or for each of ``paths``.
    """
    found = _originations(stretches, tuple(paths))
    rows = [
        _row(keys, path, one, actor_attribute) for path, one in sorted(found.items(), key=lambda pair: _order(pair[0]))
    ]
    names = ("keys", *COLUMNS)
    cells = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: list(column) for name, column in zip(names, cells, strict=True)}


def _originations(stretches: Sequence[Stretch], paths: tuple[Path, ...]) -> dict[Path, Origination]:
    found: dict[Path, Origination] = {}
    last: dict[Path, Any] = {}
    old = False
    unseen: Stretch | None = None
    for stretch in stretches:
        if stretch.image is Image.UNSEEN:
            unseen = unseen or stretch
            for one in found.values():
                one.caveats.update(stretch.caveats)
            continue
        image = decode_image(stretch.image) if isinstance(stretch.image, str) else {}
        values = {path: get(image, path) for path in paths} if paths else dict(_leaves(image))
        earliest = stretch.from_earliest if unseen is None else unseen.from_earliest
        same = same_value_as_old_format if old or stretch.old_format else equal
        for path in last.keys() | values.keys():
            before, value = last.get(path, MISSING), values.get(path, MISSING)
            if (path not in found and value is not MISSING) or not same(before, value):
                found[path] = Origination(value, before, stretch, earliest)
        for one in found.values():
            one.caveats.update(stretch.caveats)
        last, old, unseen = values, stretch.old_format, None
    return found


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The values that are no map or list, or an empty one, with their paths."""
    if isinstance(value, dict) and (value or not path):
        for name, member in value.items():
            yield from _leaves(member, (*path, name))
    elif isinstance(value, list) and value:
        for position, member in enumerate(value):
            yield from _leaves(member, (*path, position))
    else:
        yield path, value


def _row(keys: str, path: Path, one: Origination, actor_attribute: str | None) -> tuple[Any, ...]:
    step, stretch = one.stretch.begun_by, one.stretch
    shows = stretch.from_earliest is not None and stretch.from_latest == stretch.to_latest
    revealed = stretch.ended_by if shows else None
    shown = step or revealed
    exact = one.from_earliest == stretch.from_latest
    return (
        keys,
        format_path(path),
        None if stretch.from_earliest is None else stretch.from_latest,
        None if step is None else step.change.action,
        None if step is None else actor_of(step.change, _item_of(stretch), actor_attribute),
        None if shown is None else shown.change.event_id,
        *with_json(one.value),
        *with_json(one.before),
        one.from_earliest,
        to_cell(one.caveats if exact or step is None else {*one.caveats, doubt.widened()}),
    )


def _item_of(stretch: Stretch) -> Any:
    return decode_image(stretch.image) if isinstance(stretch.image, str) else MISSING


def _begun(stretch: Stretch, moment: int) -> bool:
    begun = stretch.from_latest if stretch.shown_from is None else stretch.shown_from
    return stretch.from_earliest is None or begun <= moment


def _order(path: Path) -> tuple[tuple[bool, str | int], ...]:
    return tuple((isinstance(step, int), step) for step in path)


class _Values:
    """The values at a path of images, each decoded once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = {}

    def of(self, image: str | Image) -> Any:
        if isinstance(image, Image):
            return MISSING
        if image not in self._known:
            self._known[image] = get(decode_image(image), self._path)
        return self._known[image]
