"""Stretches: the consecutive images of one item with the bounds of their times, and periods of them for which something
holds.

Pure. A stretch begins and ends with a change, exactly, or somewhere between two changes where one is missing. All times
are epoch µs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from histlib.baselines import ItemHistory
from histlib.chain import Image, Link, Step
from histlib.coverage import Coverage
from histlib.format0 import is_old_format
from histlib.net_windows import is_net
from histlib.reconstruct import own_caveats


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """A time in which the item was one ``image`` (``Image.NONE``: not there, ``Image.UNSEEN``: not known).

    It began between ``from_earliest`` (None: before the history tells) and ``from_latest``, and ended between
    ``to_earliest`` and ``to_latest`` (None: open). Both bounds are one where a known change set them: ``begun_by`` and
    ``ended_by``. ``caveats`` are names.
    """

    image: str | Image
    from_earliest: int | None
    from_latest: int
    to_earliest: int | None
    to_latest: int | None
    begun_by: Step | None
    ended_by: Step | None
    caveats: frozenset[str] = frozenset()

    @property
    def old_format(self) -> bool:
        """Whether its image is in format 0: what it holds compares as that format's text."""
        shown = self.begun_by or self.ended_by
        return shown is not None and is_old_format(shown.change.stream)

    def touches(self, start: int, end: int) -> bool:
        """Whether it may lie in part in start ≤ t < end."""
        begun = self.from_earliest is None or self.from_earliest < end
        at_once = self.from_earliest == self.to_latest == start
        return begun and (self.to_latest is None or self.to_latest > start or at_once)


class Period(Stretch, frozen=True, gc=False, kw_only=True):
    """An unbroken run of stretches in which something held, from ``first`` to ``last``; ``image`` is the first one's.

    ``before`` is what was before it, where that is known.
    """

    first: Stretch
    last: Stretch
    before: Stretch | None


def build_stretches(item: ItemHistory, coverage: Coverage) -> list[Stretch]:
    """The stretches of an item, in order; none where nothing is known of it."""
    steps = item.steps
    if not steps:
        return []
    begins = [_begin(step, before, coverage) for before, step in zip([None, *steps], steps, strict=False)]
    found = [_first(steps[0], begins[0], coverage)]
    for position, step in enumerate(steps):
        following = steps[position + 1] if position + 1 < len(steps) else None
        found += _after(step, following, begins[position : position + 2], coverage)
    return found


def periods(stretches: Iterable[Stretch], holds: Callable[[Stretch], bool | None]) -> Iterator[Period]:
    """The periods of the stretches for which ``holds`` is true; None means that it cannot be told.

    A stretch that cannot be told before or after a period widens its bounds.
    """
    run: list[Stretch] = []
    before: Stretch | None = None
    for stretch in stretches:
        verdict = holds(stretch)
        if verdict:
            run.append(stretch)
            continue
        if run:
            yield _period(run, before, stretch if verdict is None else None)
            run = []
        before = stretch if verdict is not None else _untold(before, stretch)
    if run:
        yield _period(run, before, None)


def _begin(step: Step, before: Step | None, coverage: Coverage) -> int:
    """The earliest that what a change left may have begun: earlier than the change where it is only the last of
    several in an export's window, or where one before it may be missing and its view does not show what it found."""
    earliest = step.effective
    window = coverage.net_window(step.effective) if is_net(step.change.stream) else None
    if window is not None:
        earliest = window.start
    if before is None:
        return earliest
    if step.before is Image.UNSEEN and {"outside_coverage", "unreadable_files"} & _between(before, step, coverage):
        return before.effective
    return max(earliest, before.effective)


def _first(step: Step, begin: int, coverage: Coverage) -> Stretch:
    """What was before the first known change: so at the latest since the span began in which it came."""
    span = coverage.span_around(step.effective, step.change.stream)
    latest = begin if span is None else min(span, begin)
    return Stretch(step.before, None, latest, begin, step.effective, None, step)


def _after(step: Step, following: Step | None, begins: Sequence[int], coverage: Coverage) -> Iterator[Stretch]:
    """The stretch that a change began; where the next one started from another image, that one too."""
    begun = begins[0], step.effective
    caveats = set(map(str, own_caveats(step))) | ({"net_change"} if is_net(step.change.stream) else set())
    if following is None:
        yield Stretch(step.after, *begun, None, None, step, None, frozenset(caveats))
        return
    caveats |= _between(step, following, coverage)
    ended = begins[1], following.effective
    if following.link is Link.GAP:
        broken = frozenset({*caveats, "gap"})
        yield Stretch(step.after, *begun, step.effective, following.effective, step, None, broken)
        yield Stretch(
            following.before, step.effective, following.effective, *ended, None, following, frozenset({"gap"})
        )
        return
    shown = following.before if step.after is Image.UNSEEN else step.after
    yield Stretch(shown, *begun, *ended, step, following, frozenset(caveats))


def _between(step: Step, following: Step, coverage: Coverage) -> set[str]:
    """Why it is not certain that nothing came between two changes that follow each other."""
    found = {"chain_unproven"} if following.link is Link.UNPROVEN else set()
    start, end = step.effective, following.effective
    if following.new_stream or not coverage.covers(start, end, following.change.stream):
        found.add("outside_coverage")
    for hole in coverage.holes_in(start, end, step.change.keys):
        found.add("unreadable_files" if hole.kind == "unreadable" else "outside_coverage")
    return found


def _untold(before: Stretch | None, stretch: Stretch) -> Stretch:
    """A stretch of which nothing can be told, together with such ones before it."""
    if before is None or before.image is not Image.UNSEEN or stretch.image is not Image.UNSEEN:
        return stretch
    return msgspec.structs.replace(stretch, from_earliest=before.from_earliest)


def _period(run: Sequence[Stretch], before: Stretch | None, after: Stretch | None) -> Period:
    first, last = run[0], run[-1]
    widened = before is not None and before.image is Image.UNSEEN
    caveats = frozenset().union(*(stretch.caveats for stretch in run))
    if widened or after is not None:
        caveats |= {"chain_unproven"}
    return Period(
        image=first.image,
        first=first,
        last=last,
        from_earliest=before.from_earliest if before is not None and widened else first.from_earliest,
        from_latest=first.from_latest,
        to_earliest=last.to_earliest,
        to_latest=last.to_latest if after is None else after.to_latest,
        begun_by=first.begun_by,
        ended_by=last.ended_by,
        before=None if widened else before,
        caveats=caveats,
    )
