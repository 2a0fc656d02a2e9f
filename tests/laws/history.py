"""What a history says, by first principles: what landed of each item, what was seen of it, and which times are silent.

Made from a world, not from files and not by histlib; the rules are the design's ("Completeness", "Which files",
"Baselines"). All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from tests.laws.landing import conflicting, net_changes
from tests.laws.worlds import DAY, HOUR, MINUTE, SECOND, Image, Scan, World, Write, redacted

#: An image that the view does not hold.
UNSEEN: Final = "unseen"
#: The lane of all windows of exports: where they join nothing is missing.
NET: Final = "backfill:"
OLD: Final = "format0:"
SILENCE: Final = frozenset({"not_settled", "outside_coverage", "unreadable_files"})


@dataclass(frozen=True)
class Told:
    """A change as the history tells it; images are UNSEEN where its view lacks them, ``rival``: another copy's."""

    item: str
    effective: int
    before: Any
    after: Any
    lane: str
    redaction: str | None
    unit: int
    rival: Any = UNSEEN

    @property
    def conflict(self) -> bool:
        return self.rival is not UNSEEN


@dataclass(frozen=True)
class Seen:
    """What a whole baseline saw of an item at some instant from ``begin`` to ``end``."""

    begin: int
    end: int
    image: Image
    redaction: str | None


@dataclass(frozen=True)
class Span:
    """A time over which silence means that nothing happened, in one lane (a stream's name)."""

    start: int
    end: int
    lane: str


@dataclass(frozen=True)
class Hole:
    """Something that is known to be missing: of any time where None, of any item where None."""

    name: str
    start: int | None
    end: int | None
    item: str | None = None

    def touches(self, start: int, end: int, item: str | None) -> bool:
        """``item`` None: of any."""
        if self.item is not None and item is not None and item != self.item:
            return False
        return (self.start is None or self.start <= end) and (self.end is None or self.end >= start)


class History:
    """What a world's history says."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.windows = [one for one in world.windows if one.whole]
        self.attested = world.attestations is not None
        self.chains = {item: list(_chain(world, item)) for item in world.items}
        self.seen = {item: sorted(_sightings(world, item), key=lambda one: one.begin) for item in world.items}

    @cached_property
    def spans(self) -> list[Span]:
        observed = [*self._observed(), *self._joined()]
        if not self.attested:
            return observed
        return [*(one for one in observed if one.lane in (NET, OLD)), *_attested(self.world)]

    @cached_property
    def through(self) -> int | None:
        """Up to when all has landed."""
        if self.attested:
            whole = [one for one in self.world.attestations or () if one.whole]
            return max(whole, key=lambda one: one.attested_at).captured_through if whole else None
        ends = [one.end for one in self.spans] or [one.end for one in self.world.scans if one.whole]
        return max(ends, default=None)

    @cached_property
    def holes(self) -> list[Hole]:
        found = []
        for one in self.world.writes:
            if one.fate in ("failed", "given_up"):
                start = self.world.stamp(one) // SECOND * SECOND
                found.append(Hole("outside_coverage", start, start + SECOND - 1, one.item))
        days = [self.world.arrival_day(one) for one in self.world.writes if one.fate == "damaged"]
        days += [_begin(day) for day in self.world.junk if day != "failed"]
        found += [Hole("unreadable_files", day - 2 * DAY, day + DAY + HOUR) for day in days]
        if "failed" in self.world.junk:
            found.append(Hole("outside_coverage", None, None))
        return found

    def last_instant(self, moment: int) -> int:
        return self.world.last_instant(moment)

    def settled(self, last: int) -> bool:
        """Without attestations the last change's second counts."""
        if self.through is None:
            return False
        streamed = any(one.end == self.through and one.lane != NET for one in self.spans)
        return last <= (_end_of_second(self.through) if streamed and not self.attested else self.through)

    def covered(self, start: int, last: int, lane: str | None = None) -> bool:
        """Whether one span holds it; what lies past ``through`` is a matter of :meth:`settled`."""
        if self.through is None:
            return False
        start, last = min(start, self.through), min(last, self.through)
        return any(
            one.start <= start and last <= self._end(one) for one in self.spans if lane is None or one.lane == lane
        )

    def is_proven(self, start: int, last: int) -> bool:
        """Whether attestations prove that nothing came in that time but what landed."""
        spans = [one for one in self.spans if self._is_attested(one)]
        holes = any(one.touches(start, last, None) for one in self.holes)
        return self.settled(last) and not holes and any(one.start <= start and last <= one.end for one in spans)

    def unsilent(self, start: int, last: int, item: str | None, lane: str | None = None, near: int = 0) -> set[str]:
        """Why a change of the item may lie in [start, last] unseen; ``near``: how far around it one would matter."""
        found = {one.name for one in self.holes if one.touches(start - near, _end_of_second(last) + near, item)}
        if not self.settled(last):
            found.add("not_settled")
        if not self.covered(start, last, lane):
            found.add("outside_coverage")
        return found

    def inside_a_window(self, moment: int) -> bool:
        """Strictly, where no stream tells of that moment."""
        streamed = any(one.start <= moment <= one.end for one in self.spans if one.lane not in (NET, OLD))
        return not streamed and any(one.start < moment < one.end for one in self.windows)

    def cuts_a_window(self, start: int, end: int) -> bool:
        """Whether a range shares more than an end with a window, where no stream tells of that time."""
        shared = [(max(start, one.start), min(end, one.end)) for one in self.windows]
        return any(first < last and not self._streamed(first, last - 1) for first, last in shared)

    def all_known(self, moment: int, *, settled: bool = True) -> bool:
        """Whether all keys of a moment are known: a whole baseline, and silence between it and the moment.

        Not ``settled``: what lies past all that was captured is not asked for.
        """
        if not settled and self.through is not None:
            moment = min(moment, self.through)
        return any(one.whole and self._vouches(one, moment, settled=settled) for one in self.world.scans)

    def _vouches(self, scan: Scan, moment: int, *, settled: bool) -> bool:
        """Whether nothing can have come or gone between a baseline and a moment."""
        last = self.last_instant(moment) if settled else moment
        start, end = min(scan.begin, moment), max(scan.end, last if last > scan.end else moment)
        if any(w.start < scan.end and scan.begin < w.end and moment <= w.start for w in self.windows):
            return False  # read inside a window, it says nothing of the window's start
        return not self.unsilent(start, end, None, near=MINUTE) - (set() if settled else {"not_settled"})

    def _streamed(self, first: int, last: int) -> bool:
        return any(one.start <= first and last <= one.end for one in self.spans if one.lane not in (NET, OLD))

    def _end(self, span: Span) -> int:
        """Of a stream that nothing attests, its last change's second counts; windows and attestations end exactly."""
        return span.end if span.lane == NET or self._is_attested(span) else _end_of_second(span.end)

    def _is_attested(self, span: Span) -> bool:
        return self.attested and span.lane not in (NET, OLD)

    def _observed(self) -> Iterable[Span]:
        lanes: dict[str, list[int]] = {}
        for chain in self.chains.values():
            for one in chain:
                stamp = one.effective
                lanes.setdefault(one.lane, []).append(stamp)
        for write in self.world.writes:  # spans go by stamps, which may lie before effective times
            if write.landed and write.era is not None and self.world.eras[write.era].kind == "stream":
                lanes.setdefault(self.world.eras[write.era].name, []).append(self.world.stamp(write))
        return [Span(min(times), max(times), lane) for lane, times in sorted(lanes.items()) if lane != NET]

    def _joined(self) -> Iterable[Span]:
        runs: list[tuple[int, int]] = []
        for one in sorted(self.windows, key=lambda one: one.start):
            if runs and one.start <= runs[-1][1]:
                runs[-1] = runs[-1][0], max(one.end, runs[-1][1])
            else:
                runs.append((one.start, one.end))
        return [Span(start, end, NET) for start, end in runs]


def _attested(world: World) -> Iterable[Span]:
    whole = sorted((one for one in world.attestations or () if one.whole), key=lambda one: one.attested_at)
    begun: int | None = None
    for earlier, later in pairwise(whole):
        same = all(
            getattr(earlier, name) == getattr(later, name)
            for name in ("table", "table_id", "stream", "view", "mapping", "losses")
        )
        if not same or later.attested_at - earlier.captured_through > DAY:
            begun = None
            continue
        begun = earlier.attested_at if begun is None else begun
        if begun <= later.captured_through:
            yield Span(begun, later.captured_through, later.stream)


def _chain(world: World, item: str) -> Iterable[Told]:
    net = {
        micros: (old, new, window)
        for window in world.windows
        for micros, one, old, new in net_changes(world, window)
        if one == item
    }
    latest = 0
    for micros, (old, new, _) in sorted(net.items()):
        latest = max(latest, micros)
        yield Told(item, latest, old, new, NET, None, 1)
    for write in world.of(item):
        if not write.landed or write.era is None or world.eras[write.era].kind == "windows":
            continue
        latest = max(latest, world.stamp(write))
        yield _told(world, write, latest)


def _told(world: World, write: Write, effective: int) -> Told:
    assert write.era is not None
    era, before, after = world.eras[write.era], world.image_before(write), write.after
    if write.redaction:
        before, after = redacted(before), redacted(after)
    shown_before = before if before is None or "OLD" in era.view else UNSEEN
    shown_after = after if after is None or "NEW" in era.view else UNSEEN
    clashes = write.fate == "conflict" and isinstance(shown_after, dict)
    lane = OLD if era.kind == "old" else era.name
    return Told(
        write.item,
        effective,
        shown_before,
        shown_after,
        lane,
        write.redaction,
        SECOND,
        conflicting(write) if clashes else UNSEEN,
    )


def _sightings(world: World, item: str) -> Iterable[Seen]:
    for scan in world.scans:
        if scan.whole:
            yield _seen(world, scan, item)


def _seen(world: World, scan: Scan, item: str) -> Seen:
    image = world.scanned(scan).get(item)
    if image is None:
        return Seen(scan.begin, scan.end, None, scan.redaction)
    first, _, last = scan.reads[item]
    return Seen(first, last, redacted(image) if scan.redaction else image, scan.redaction)


def _begin(day: str) -> int:
    return int(datetime.strptime(day, "%Y/%m/%d").replace(tzinfo=UTC).timestamp()) * SECOND


def _end_of_second(micros: int) -> int:
    return micros - micros % SECOND + SECOND - 1
