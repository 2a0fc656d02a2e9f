"""Time cut into the windows of incremental exports. Pure; all times are epoch µs and whole seconds.

Source of the limits: DynamoDB developer guide, "Requesting a table export": 15 minutes to 24 hours, the start
included, the end not, within the point-in-time recovery of at most 35 days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from histlib.values.times import DAY, MINUTE

SHORTEST: Final = 15 * MINUTE
LONGEST: Final = DAY
FURTHEST: Final = 35 * DAY

#: start ≤ write < end.
Window = tuple[int, int]


def split(window: Window, length: int, cuts: Iterable[int] = ()) -> list[Window]:
    """Windows that follow one another and fill this one, each of ``length`` but for the last.

    A rest shorter than an export may be is joined to the window before; where that would be too long, the two are cut
    so that the last is as short as may be. At each of ``cuts`` a window ends, where both sides are long enough.
    """
    edges = [window[0]]
    for cut in sorted(cuts):
        if cut - edges[-1] >= SHORTEST and window[1] - cut >= SHORTEST:
            edges.append(cut)
    return [piece for part in pairwise([*edges, window[1]]) for piece in _split(part, length)]


def without(window: Window, done: Iterable[Window]) -> list[Window]:
    """What of a window is in none of those that are done, in order."""
    left, at = [], window[0]
    for start, end in sorted(done):
        if start > at:
            left.append((at, min(start, window[1])))
        at = max(at, end)
        if at >= window[1]:
            break
    return [one for one in [*left, (at, window[1])] if one[0] < one[1]]


def _split(window: Window, length: int) -> Iterator[Window]:
    edges = [*range(window[0], window[1], length), window[1]]
    return pairwise(_mended(edges))


def _mended(edges: Sequence[int]) -> list[int]:
    """The edges without a last window that is too short."""
    if len(edges) < 3 or edges[-1] - edges[-2] >= SHORTEST:
        return list(edges)
    if edges[-1] - edges[-3] <= LONGEST:
        return [*edges[:-2], edges[-1]]
    return [*edges[:-2], edges[-1] - SHORTEST, edges[-1]]
