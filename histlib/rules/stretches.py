"""Stretches: the consecutive images of one item with the bounds of their times, and periods of them for which something
holds.

Pure. A stretch begins and ends with a change, exactly, or somewhere between two changes where one is missing. Sightings
by baselines confirm a stretch, or show that a change is missing between. All times are epoch µs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from histlib.format.streams import is_net, is_old_format
from histlib.rules import doubt
from histlib.rules.caveats import Caveat
from histlib.rules.chain.chain import Link, Step
from histlib.rules.chain.images import Image
from histlib.rules.coverage.baselines import NEAR, ItemHistory, Sighting, sightings_between
from histlib.rules.coverage.coverage import Coverage
from histlib.rules.doubt import Silence
from histlib.values.article_text import same_as_old_format
from histlib.values.times import SECOND


class Stretch(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A time in which the item was one ``image`` (``Image.NONE``: not there, ``Image.UNSEEN``: not known).

    It began between ``from_earliest`` (None: before the history tells) and ``from_latest``, and ended between
    ``to_earliest`` and ``to_latest`` (None: open). Both bounds are one where a known change set them: ``begun_by`` and
    ``ended_by``. ``caveats`` are those of all states in it. ``seen_at``: of an open one, when a baseline last confirmed
    it; ``shown_from``: of one that a baseline revealed, when it began to read the item, from which on states tell it.
    """

    image: str | Image
    from_earliest: int | None
    from_latest: int
    to_earliest: int | None
    to_latest: int | None
    begun_by: Step | None
    ended_by: Step | None
    caveats: frozenset[Caveat] = frozenset()
    seen_at: int | None = None
    shown_from: int | None = None

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
    if not steps and not item.sightings:
        return []
    begins = [_begin(step, before, coverage) for before, step in zip([None, *steps], steps, strict=False)]
    between = sightings_between(steps, item.sightings, coverage)
    seconds = Counter(step.effective // SECOND for step in steps)
    found: list[Stretch] = []
    for position, seen in enumerate(between):
        step = steps[position - 1] if position else None
        following = steps[position] if position < len(steps) else None
        if seen:
            beside = (begins[position - 1] if position else None, begins[position] if position < len(steps) else None)
            shared = step is not None and seconds[step.effective // SECOND] > 1
            found += _confirmed(_Between(item.keys, step, seen, following, coverage, beside, shared))
        elif step is not None:
            own = doubt.of_what_it_left(step, coverage, shared=seconds[step.effective // SECOND] > 1)
            if position > 1 and begins[position - 1] < step.effective:  # what is before it may be as it left it
                own += doubt.between(steps[position - 2], step, coverage)
            found += _after(step, following, begins[position - 1 : position + 1], own, coverage)
        elif following is not None:
            found.append(_first(following, begins[0], coverage))
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
    silence = Silence(before.effective, step.effective, step.change.stream)
    cut_off = step.new_stream or doubt.is_cut_off(silence, step.change.keys, coverage)
    if step.before is Image.UNSEEN and cut_off:
        return before.effective
    return max(earliest, before.effective)


def _first(step: Step, begin: int, coverage: Coverage) -> Stretch:
    """What was before the first known change: so at the latest since the span began in which it came."""
    span = coverage.span_around(step.effective, step.change.stream)
    begun = begin if span is None else min(span, begin)
    latest = _since_hole(begun, (begin, step.effective), coverage, step.change.keys)
    way, stream = (latest, step.effective), step.change.stream
    return Stretch(
        image=step.before,
        from_earliest=None,
        from_latest=latest,
        to_earliest=begin,
        to_latest=step.effective,
        begun_by=None,
        ended_by=step,
        caveats=frozenset(
            [*doubt.of_first(step, coverage), *doubt.of_way(way, way, stream, step.change.keys, coverage)]
        ),
    )


def _since_hole(begun: int, known: tuple[int, int], coverage: Coverage, keys: str) -> int:
    """From when on it was so at the latest, if nothing is missing since ``begun``: later where a hole lies between."""
    first, last = known
    ends = [first if hole.end is None else hole.end + 1 for hole in coverage.holes_in(begun, last, keys)]
    return min(first, max([begun, *ends]))


def _after(
    step: Step, following: Step | None, begins: Sequence[int], own: Sequence[Caveat], coverage: Coverage
) -> Iterator[Stretch]:
    """The stretch that a change began; where the next one started from another image, that one too."""
    begun = Stretch(
        image=step.after,
        from_earliest=begins[0],
        from_latest=step.effective,
        to_earliest=None,
        to_latest=None,
        begun_by=step,
        ended_by=None,
        caveats=frozenset(own),
    )
    if following is None:
        yield begun
        return
    between = doubt.between(step, following, coverage)
    to_earliest, to_latest = begins[1], following.effective
    caveats = frozenset([*own, *between])
    if following.link is Link.GAP:
        yield _replace(begun, to_earliest=step.effective, to_latest=to_latest, caveats=caveats)
        yield Stretch(
            image=following.before,
            from_earliest=step.effective,
            from_latest=to_latest,
            to_earliest=to_earliest,
            to_latest=to_latest,
            begun_by=None,
            ended_by=following,
            caveats=frozenset([*between, *doubt.of_first(following, coverage)]),
        )
        return
    shown = following.before if step.after is Image.UNSEEN else step.after
    yield _replace(
        begun, image=shown, to_earliest=to_earliest, to_latest=to_latest, ended_by=following, caveats=caveats
    )


class _Point(msgspec.Struct, frozen=True, gc=False):
    """What the item was at some instant in [``first``, ``last``]: right after a change, right before one, or seen."""

    image: str | Image
    redaction: str | None
    first: int
    last: int
    seen: bool
    old_format: bool = False


class _Between(msgspec.Struct, frozen=True):
    """What is known of an item from one change to the next, or before the first, or after the last."""

    keys: str
    step: Step | None
    seen: Sequence[Sighting]
    following: Step | None
    coverage: Coverage
    begins: tuple[int | None, int | None]
    """The earliest that what each of the two changes left may have begun."""
    shared: bool
    """Whether the item has other changes of the first one's second."""


def _confirmed(between: _Between) -> Iterator[Stretch]:
    """The stretches where baselines saw the item: one, if all that is known agrees."""
    points = _points(between)
    runs, breaks = [[points[0]]], [set[Caveat]()]
    for earlier, later in pairwise(points):
        broken, caveats = _compared(between, earlier, later)
        if broken:
            runs.append([])
            breaks.append(set(caveats))
        runs[-1].append(later)
        for at in range(len(runs) - 1 - broken, len(runs)):
            breaks[at] |= caveats
    for at, run in enumerate(runs):
        before, after = runs[at - 1][-1] if at else None, runs[at + 1][0] if at + 1 < len(runs) else None
        yield _confirmed_run(between, run, (before, after), breaks[at])


def _points(between: _Between) -> list[_Point]:
    step, following = between.step, between.following
    begun, ended = between.begins
    found = []
    if step is not None and begun is not None:
        found.append(
            _Point(step.after, step.change.redaction, begun, step.effective, seen=False, old_format=_is_old(step))
        )
    for one in between.seen:
        image = Image.NONE if one.image is None else one.image
        found.append(_Point(image, one.redaction, one.read_begin, one.read_end, seen=True))
    if following is not None and ended is not None:
        old, rules = _is_old(following), following.change.redaction
        found.append(_Point(following.before, rules, ended, following.effective, seen=False, old_format=old))
    return found


def _compared(between: _Between, earlier: _Point, later: _Point) -> tuple[bool, set[Caveat]]:
    """Whether two points that follow each other belong to different stretches, and what is not certain between."""
    link = between.following.link if between.following is not None and not later.seen else None
    agrees = _agree(earlier, later)
    broken = agrees is False or (agrees is None and link is Link.GAP)
    unseen = Image.UNSEEN in (earlier.image, later.image)
    apart = broken or (agrees is None and not unseen and earlier.image != later.image)
    judged = Link.GAP if broken else Link.UNPROVEN if agrees is None and (link is Link.UNPROVEN or apart) else None
    return apart, {*_unsure(between, earlier, later), *doubt.of_link(judged, later.last)}


def _agree(earlier: _Point, later: _Point) -> bool | None:
    """Whether two images are one; None where they cannot be compared."""
    if Image.NONE in (earlier.image, later.image):
        return earlier.image is later.image
    if Image.UNSEEN in (earlier.image, later.image) or earlier.redaction != later.redaction:
        return None
    if earlier.old_format or later.old_format:
        return same_as_old_format(str(earlier.image), str(later.image))
    return earlier.image == later.image


def _is_old(step: Step) -> bool:
    return is_old_format(step.change.stream)


def _unsure(between: _Between, earlier: _Point, later: _Point) -> set[Caveat]:
    """Why it is not certain that nothing came between two points."""
    stream = between.step.change.stream if between.step is not None and not earlier.seen else None
    near = (earlier.first - NEAR * earlier.seen, later.last + NEAR * later.seen)
    return set(doubt.of_way((earlier.first, later.last), near, stream, between.keys, between.coverage))


def _confirmed_run(
    between: _Between, run: Sequence[_Point], beside: tuple[_Point | None, _Point | None], caveats: set[Caveat]
) -> Stretch:
    """A stretch from points that agree; ``beside``: the points before and after it that do not."""
    (before, after), first, last = beside, run[0], run[-1]
    step = None if first.seen or before is not None else between.step
    ends = after is None and between.following is not None
    own = [] if step is None else doubt.of_what_it_left(step, between.coverage, shared=between.shared)
    own += [
        caveat
        for one in run
        if one.seen and one.image is not Image.NONE
        for caveat in doubt.of_redaction(one.redaction)
    ]
    own += [] if step is not None or between.following is None else doubt.of_first(between.following, between.coverage)
    shown, latest = (first.first, first.last) if before is None else _revealed(between, before, first)
    ended = None if after is None else _revealed(between, last, after)[1]
    return Stretch(
        image=next((one.image for one in run if one.image is not Image.UNSEEN), first.image),
        from_earliest=before.first if before is not None else None if step is None else between.begins[0],
        from_latest=latest if before is not None else _known_since(between, first) if step is None else step.effective,
        to_earliest=last.first if ends or after is not None else None,
        to_latest=last.last if ends else ended,
        begun_by=step,
        ended_by=between.following if ends else None,
        caveats=frozenset([*caveats, *own]),
        seen_at=last.first if last.seen and not ends and after is None else None,
        shown_from=shown if before is not None and shown != latest else None,
    )


def _revealed(between: _Between, before: _Point, first: _Point) -> tuple[int, int]:
    """From when on states tell what a point shows that does not follow the one before it, and from when on it was so at
    the latest: where the time between is covered only in part, all the way that is covered up to it."""
    since = max(_known_since(between, first), before.last)
    if not _unsure(between, before, first) or since >= first.first:
        return first.first, first.last
    return since, since


def _known_since(between: _Between, first: _Point) -> int:
    """From when on it was so at the latest, of what is first known: as far back as one covered span reaches."""
    coverage = between.coverage
    through = first.last if coverage.captured_through is None else coverage.captured_through
    begin, end = min(first.first, through), min(first.last, through)
    stream = between.following.change.stream if between.following is not None and not first.seen else None
    known = [span for span in coverage.spans if stream is None or span.stream == stream]
    spans = [span.start for span in known if span.start <= begin and end <= span.end]
    begun = min([first.first, *spans])
    return _since_hole(begun, (first.first, first.last + NEAR), coverage, between.keys)


def _replace(stretch: Stretch, **changes: Any) -> Stretch:
    return msgspec.structs.replace(stretch, **changes)


def _untold(before: Stretch | None, stretch: Stretch) -> Stretch:
    """A stretch of which nothing can be told, together with such ones before it."""
    if before is None or before.image is not Image.UNSEEN or stretch.image is not Image.UNSEEN:
        return stretch
    return _replace(stretch, from_earliest=before.from_earliest)


def _period(run: Sequence[Stretch], before: Stretch | None, after: Stretch | None) -> Period:
    first, last = run[0], run[-1]
    widened = before is not None and before.image is Image.UNSEEN
    caveats = frozenset().union(*(stretch.caveats for stretch in run))
    if widened or after is not None:
        caveats |= {doubt.widened()}
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
