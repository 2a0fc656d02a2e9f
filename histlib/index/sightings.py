"""What complete baselines say of many items at once: which sightings lie between the last change up to a moment and the
first after it, and which of them decides; by the rules of :mod:`histlib.baselines`.

Pure: rows are numbers, an item's changes have stamps that never run backwards. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from histlib.baselines import NEAR
from histlib.masks import Mask
from histlib.queries import CompleteBaseline
from histlib.times import SECOND

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
