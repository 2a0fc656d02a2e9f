"""What complete baselines say of many items at once: which sightings lie between the last change up to a moment and the
first after it, and which of them decides; by the rules of :mod:`histlib.rules.coverage.baselines`.

Pure: rows are numbers, an item's changes have stamps that never run backwards. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.bulk.arrays import Mask, mask
from histlib.engines.queries import Around, CompleteBaseline
from histlib.rules.coverage.baselines import NEAR
from histlib.values.times import SECOND

Numbers = np.ndarray[Any, np.dtype[np.int64]]

#: In place of a time that is not there.
NEVER = np.iinfo(np.int64).min
OPEN = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Seen:
    """One baseline: of each item its row (−1: the baseline lacks it) and when it was read."""

    baseline: CompleteBaseline
    row: Numbers
    begin: Numbers
    end: Numbers


@dataclass(frozen=True)
class Neighbours:
    """Of each item the times of the changes on both sides; :data:`NEVER` and :data:`OPEN` where there is none."""

    before: Numbers
    after: Numbers

    def anchors(self, seen: Seen) -> tuple[Mask, Mask]:
        """The items whose sighting lies between, with no change near it; and those where a stamp's precision decides.

        A stamp stands for all instants down to its precision, a second at the most.
        """
        between = (seen.begin > self.before) & (seen.end < self.after)
        between &= (self.after == OPEN) | (self.after - NEAR > seen.end)
        far = (self.before == NEVER) | (self.before < seen.begin - NEAR - (SECOND - 1))
        return between & far, between & ~far & (self.before < seen.begin - NEAR)


@dataclass(frozen=True)
class Chosen:
    """Of each item the sighting that decides: the last up to the moment, or where nothing is known before it the first
    after it.

    ``by``: the number of its baseline, −1 where none decides; ``row``, ``begin`` and ``end`` of it. ``anchors``: for
    each baseline the items of which it tells. ``upcoming``: one lies after the moment. ``unsure``: the stamps'
    precision would have to decide.
    """

    by: Numbers
    row: Numbers
    begin: Numbers
    end: Numbers
    anchors: Sequence[Mask]
    upcoming: Mask
    unsure: Mask


def choose(seen: Sequence[Seen], beside: Neighbours, last_instant: int) -> Chosen:
    """The sightings that decide at a moment that ends with ``last_instant``; ``seen`` is in order of baselines."""
    found = [beside.anchors(one) for one in seen]
    anchors, unsure = [one for one, _ in found], np.logical_or.reduce([one for _, one in found])
    up_to = [one & (told.begin <= last_instant) for one, told in zip(anchors, seen, strict=True)]
    after = [one & (told.begin > last_instant) for one, told in zip(anchors, seen, strict=True)]
    last, first = _extreme(seen, up_to, latest=True), _extreme(seen, after, latest=False)
    by = np.where(last >= 0, last, np.where(beside.before == NEVER, first, -1))
    return Chosen(
        by,
        _of(by, [one.row for one in seen], -1),
        _of(by, [one.begin for one in seen], 0),
        _of(by, [one.end for one in seen], 0),
        anchors,
        first >= 0,
        unsure,
    )


def _extreme(seen: Sequence[Seen], among: Sequence[Mask], *, latest: bool) -> Numbers:
    """The number of the latest or earliest sighting of each item among some, −1 where there is none."""
    found = np.full(len(among[0]), -1, dtype=np.int64)
    begin, end = np.zeros(len(found), dtype=np.int64), np.zeros(len(found), dtype=np.int64)
    for number, (one, inside) in enumerate(zip(seen, among, strict=True)):
        sign = 1 if latest else -1
        further, tie = sign * one.begin > sign * begin, one.begin == begin
        better = further | (tie & (sign * one.end > sign * end)) | (tie & (one.end == end) & latest)
        better = inside & ((found < 0) | better)
        found[better] = number
        begin, end = np.where(better, one.begin, begin), np.where(better, one.end, end)
    return found


def _of(by: Numbers, values: Sequence[Numbers], without: int) -> Numbers:
    """Of each item the value of its baseline."""
    found = np.full(len(by), without, dtype=np.int64)
    for number, value in enumerate(values):
        found = np.where(by == number, value, found)
    return found


@dataclass(frozen=True)
class Items:
    """The rows of a fold, in order: of each item from ``starts`` to ``change_ends`` its changes, then its sightings.

    ``take`` gives values of a column at some rows, null where a mask is false. ``current`` and ``following`` are the
    last change up to the moment and the first after it, −1 where there is none.
    """

    take: Callable[[str, Numbers, Mask], pa.Array]
    starts: Numbers
    change_ends: Numbers
    item: Numbers
    effective: Numbers
    is_seen: Mask
    current: Numbers
    following: Numbers
    odd: Mask


@dataclass(frozen=True)
class _Side:
    """Images to compare: ``none`` where there is no item; null where an image is not known."""

    none: Mask
    redaction: pa.Array
    images: pa.Array

    def agrees(self, other: _Side) -> Mask:
        """Where both surely are the same."""
        alike = mask(pc.equal(self.images, other.images)) & mask(pc.equal(self.redaction, other.redaction))
        return (self.none & other.none) | (~self.none & ~other.none & alike)


@dataclass(frozen=True)
class Sighted:
    """What complete baselines (in order of their ids) say of the items of a fold."""

    items: Items
    baselines: Sequence[CompleteBaseline]
    query: Around

    @cached_property
    def chosen(self) -> Chosen:
        """The sightings that decide."""
        before = _times(self.items.effective, self.items.current, NEVER)
        after = _times(self.items.effective, self.items.following, OPEN)
        return choose(self._seen, Neighbours(before, after), self.query.last)

    @cached_property
    def odd(self) -> Mask:
        """Items of which sightings, or sightings and the changes beside them, do not surely agree."""
        return self._strange | self.chosen.unsure | self._disagreeing | self._broken_within

    @cached_property
    def set_by_current(self) -> Mask:
        """Items that were seen as their last change had left them."""
        at = np.flatnonzero((self.chosen.by >= 0) & (self.items.current >= 0))
        return self._where(at, self._after(at, self.items.current).agrees(self._sighting(at, self.chosen.row)))

    @cached_property
    def _seen(self) -> list[Seen]:
        rows = np.flatnonzero(self.items.is_seen)
        streams = self._texts("stream", rows)
        begins, ends = (self.items.take(name, rows, _all(rows)) for name in ("read_begin", "read_end"))
        return [self._seen_by(one, rows, mask(pc.equal(streams, one.stream)), begins, ends) for one in self.baselines]

    def _seen_by(self, baseline: CompleteBaseline, rows: Numbers, own: Mask, begins: pa.Array, ends: pa.Array) -> Seen:
        row = np.full(len(self.items.starts), -1, dtype=np.int64)
        begin, end = np.full_like(row, baseline.read_begin), np.full_like(row, baseline.read_end)
        items = self.items.item[rows[own]]
        row[items] = rows[own]
        begin[items] = pc.fill_null(begins, baseline.read_begin).to_numpy()[own]
        end[items] = pc.fill_null(ends, baseline.read_end).to_numpy()[own]
        return Seen(baseline, row, begin, np.maximum(begin, end))

    @cached_property
    def _strange(self) -> Mask:
        """Items with rows without an image, or with rows of one baseline that differ."""
        rows = np.flatnonzero(self.items.is_seen)
        found = self._where(self.items.item[rows[_nulls(self._texts("new_image", rows))]])
        twice = np.flatnonzero(self.items.item[rows[1:]] == self.items.item[rows[:-1]])
        one, other = rows[twice], rows[twice + 1]
        same_baseline = mask(pc.equal(self._texts("stream", one), self._texts("stream", other)))
        one, other = one[same_baseline], other[same_baseline]
        for name in ("new_image", "redaction", "read_begin", "read_end"):
            left, right = (self.items.take(name, at, _all(at)) for at in (one, other))
            differ = ~mask(pc.or_(pc.equal(left, right), pc.and_(pc.is_null(left), pc.is_null(right))))
            found |= self._where(self.items.item[one[differ]])
        return found

    @cached_property
    def _disagreeing(self) -> Mask:
        """Items whose sightings do not all show what the one that decides does, or else the last change; or from which
        the next change did not start."""
        chosen, found = self.chosen, np.zeros(len(self.items.starts), dtype=bool)
        decided, known = chosen.by >= 0, ~self.items.odd
        for number, (seen, anchors) in enumerate(zip(self._seen, chosen.anchors, strict=True)):
            other = np.flatnonzero(anchors & decided & known & (chosen.by != number))
            found |= self._where(other, ~self._sighting(other, seen.row).agrees(self._sighting(other, chosen.row)))
            left = np.flatnonzero(anchors & ~decided & known)
            found |= self._where(left, ~self._sighting(left, seen.row).agrees(self._after(left, self.items.current)))
        at = np.flatnonzero(decided & known & (self.items.following >= 0))
        return found | self._where(at, ~self._sighting(at, chosen.row).agrees(self._before(at, self.items.following)))

    @cached_property
    def _broken_within(self) -> Mask:
        """Items with a change in the time that the query looks through, of which a sighting after it does not agree
        with the changes beside it."""
        found = np.zeros(len(self.items.starts), dtype=bool)
        if self.query.through is None:
            return found
        first = _times(self.items.effective, self.items.following, OPEN)
        for seen in self._seen:
            at = np.flatnonzero((first <= self.query.through) & (seen.begin > first) & ~self.items.odd)
            found |= self._breaks(seen, at)
        return found

    def _breaks(self, seen: Seen, at: Numbers) -> Mask:
        """Of some items, those whose sighting does not agree with the changes beside it."""
        items = self.items
        begin = seen.begin[items.item]
        earlier = (items.effective < begin) & ~items.is_seen
        position = items.starts + np.add.reduceat(earlier.astype(np.int64), items.starts)
        after = np.where(position < items.change_ends, position, -1)
        until = _times(items.effective, after, OPEN)
        late = until[at] > np.minimum(seen.end[at], OPEN - 1)
        at = at[late & (items.effective[position[at] - 1] <= (self.query.through or 0))]
        near = (items.effective[position[at] - 1] >= seen.begin[at] - NEAR) | (until[at] - NEAR <= seen.end[at])
        at = at[~near]
        broken = self._where(at, ~self._sighting(at, seen.row).agrees(self._after(at, position - 1)))
        at = at[after[at] >= 0]
        return broken | self._where(at, ~self._sighting(at, seen.row).agrees(self._before(at, after)))

    # --- what is compared ---

    def _sighting(self, at: Numbers, row: Numbers) -> _Side:
        rows = row[at]
        return self._side(rows < 0, rows, "new_image")

    def _after(self, at: Numbers, change: Numbers) -> _Side:
        rows = change[at]
        return self._side(mask(pc.equal(self._texts("action", rows), "REMOVE")), rows, "new_image")

    def _before(self, at: Numbers, change: Numbers) -> _Side:
        rows = change[at]
        side = self._side(np.zeros(len(rows), dtype=bool), rows, "old_image")
        inserted = mask(pc.equal(self._texts("action", rows), "INSERT"))
        return _Side(inserted & _nulls(side.images), side.redaction, side.images)

    def _side(self, none: Mask, rows: Numbers, name: str) -> _Side:
        there, rows = ~none, np.maximum(rows, 0)
        redaction = pc.fill_null(self.items.take("redaction", rows, there), "\0")
        return _Side(none, redaction, self.items.take(name, rows, there))

    def _texts(self, name: str, rows: Numbers) -> pa.Array:
        return self.items.take(name, rows, _all(rows))

    def _where(self, at: Numbers, chosen: Mask | None = None) -> Mask:
        """The items of some numbers, or of those chosen among them."""
        found = np.zeros(len(self.items.starts), dtype=bool)
        found[at if chosen is None else at[chosen]] = True
        return found


def _times(effective: Numbers, rows: Numbers, without: int) -> Numbers:
    return np.where(rows >= 0, effective[np.maximum(rows, 0)], without)


def _all(rows: Numbers) -> Mask:
    return np.ones(len(rows), dtype=bool)


def _nulls(values: pa.Array) -> Mask:
    found: Mask = pc.is_null(values).to_numpy(zero_copy_only=False)
    return found
