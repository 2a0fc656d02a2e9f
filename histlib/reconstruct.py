"""Reconstruction: what one item was at one time, and how we know.

Pure: knows neither engines nor SQL. The rules are the design's, section 4 ("Status of a state", "Caveats").
All times are epoch µs; images are image JSON text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from histlib.baselines import Follows, Sighting, Sightings, contradicted, follows, sightings_around
from histlib.caveats import Caveat, in_order
from histlib.chain import Image, Link, Step
from histlib.coverage import Coverage
from histlib.format0 import is_old_format, told_of
from histlib.images import says_nothing_before
from histlib.net_windows import is_net
from histlib.record import PRECISIONS
from histlib.times import SECOND, end_of_second, format_time


@dataclass(frozen=True)
class Finding:
    """What one item was at one time.

    ``status`` is present, deleted, absent or unknown; ``evidence`` change, next_change, baseline or None; ``step``
    the change that set the state; ``sighting`` the baseline's, where it is the evidence. ``candidates`` are images
    it may have had where the history cannot decide (None: no item). ``until_known`` false: it ended at some time
    within the window of an export.
    """

    status: str
    completeness: str
    caveats: tuple[Caveat, ...]
    image: str | None = None
    evidence: str | None = None
    step: Step | None = None
    since: int | None = None
    until: int | None = None
    reason: str = ""
    candidates: tuple[str | None, ...] = ()
    sighting: Sighting | None = None
    until_known: bool = True


def state_at(
    steps: Sequence[Step], keys: str, moment: int, coverage: Coverage, sightings: Sequence[Sighting] = ()
) -> Finding:
    """The state after all changes with effective time ≤ ``moment``; a whole second means its end.

    ``sightings`` are the item's, by complete baselines.
    """
    last_instant = coverage.last_instant(moment)
    position = bisect_right(steps, last_instant, key=lambda step: step.effective)
    around = _Around(
        keys,
        moment,
        coverage,
        steps[position - 1] if position else None,
        steps[position] if position < len(steps) else None,
        sightings_around(steps, sightings, position, last_instant),
    )
    finding = around.judge()
    own = (*_same_second(steps, moment), *_net_change(coverage, moment))
    ends_in_window = around.following is not None and is_net(around.following.change.stream)
    finding = replace(finding, until=None, until_known=False) if ends_in_window else finding
    return replace(finding, caveats=in_order((*own, *finding.caveats)))


def state_after(steps: Sequence[Step], position: int, coverage: Coverage) -> Finding:
    """The state right after one change: what its new image says, whatever else came in that second."""
    step = steps[position]
    following = steps[position + 1] if position + 1 < len(steps) else None
    stream = step.change.stream
    proven = coverage.attests(step.effective, step.effective, stream)
    known = _known(step.after, "deleted")
    return Finding(
        completeness="attested" if proven else "observed",
        caveats=in_order(own_caveats(step)),
        step=step,
        since=step.effective,
        until=following.effective if following and not is_net(following.change.stream) else None,
        until_known=following is None or not is_net(following.change.stream),
        reason="" if known else f"the change left an item, but {_no_image(step)}",
        status=known[0] if known else "unknown",
        image=known[1] if known else None,
        evidence="change" if known else None,
    )


@dataclass(frozen=True)
class _Around:
    """One item around one moment: ``current`` is its last change ≤ it, ``following`` its first after."""

    keys: str
    moment: int
    coverage: Coverage
    current: Step | None
    following: Step | None
    seen: Sightings

    def judge(self) -> Finding:
        """From what is known before the moment; where that is cut off, from what a baseline anchors after it."""
        finding = self._forwards()
        if not _cut_off(finding) or (self.seen.last is None and self.seen.upcoming is None):
            return finding
        backwards = replace(self, current=None, seen=replace(self.seen, last=None))._backwards()
        if backwards.status == "unknown" or _cut_off(backwards):
            return finding
        deleted = backwards.status == "absent" and self._lived_before()
        return replace(backwards, status="deleted") if deleted else backwards

    def _forwards(self) -> Finding:
        if self.seen.last is not None:
            return self._after_sighting(self.seen.last)
        if self.current is not None:
            return self._after_change(self.current)
        return self._backwards()

    def _backwards(self) -> Finding:
        if self.seen.upcoming is not None:
            return self._before_sighting(self.seen.upcoming)
        if self.following is not None:
            return self._before_change(self.following)
        caveats = tuple(self._silence(self.moment, self.moment, None))
        return Finding("unknown", "observed", caveats, reason="the history holds no change of this key")

    def _after_change(self, current: Step) -> Finding:
        known = _known(current.after, "deleted")
        if known is None and self.seen.upcoming is not None:
            return self._unseen_until(current, self.seen.upcoming)
        if known is None:
            return self._between_unseen(current)
        status, image = known
        upcoming = self.seen.contradiction(current)
        caveats = (
            *own_caveats(current),
            *_guess(current),
            *([contradicted(upcoming)] if upcoming else ()),
            *self._chain_caveats(),
            *self._silence(current.effective, self.moment, current.change.stream),
        )
        return Finding(
            status,
            self._completeness(caveats, current.effective, self.moment, current.change.stream),
            caveats,
            image,
            "change",
            current,
            current.effective,
            upcoming.read_end if upcoming else self._until(),
            candidates=(image, upcoming.image) if upcoming else self._both_sides(image),
        )

    def _before_change(self, following: Step) -> Finding:
        """No change ≤ the moment: the first one after it tells, if nothing was missed between."""
        stream = following.change.stream
        silence = tuple(self._silence(self.moment, following.effective, stream))
        caveats = (*own_caveats(following), *_guess(following), *silence)
        when = f"the first known change is later, at {_utc(following.effective)}"
        known = _known(following.before, "absent")
        if says_nothing_before(following.change):
            reason = f"{when}, in an export without old images: whether the item was there before is not known"
            return Finding(
                "unknown", "observed", (*caveats, Caveat("chain_unproven", _no_image(following))), reason=reason
            )
        if known is None:
            reason = f"{when}, when the item was there, but {_no_image(following)}"
            unproven = Caveat("chain_unproven", _no_image(following))
            return Finding("unknown", "observed", (*caveats, unproven), reason=reason)
        status, image = known
        if "outside_coverage" in silence:
            reason = f"{when}, and the time between is not covered"
            return Finding("unknown", "observed", caveats, reason=reason, candidates=(image,))
        completeness = self._completeness(caveats, self.moment, following.effective, stream)
        return Finding(status, completeness, caveats, image, "next_change", until=following.effective)

    def _between_unseen(self, current: Step) -> Finding:
        """The last change left an image that the view does not hold; the next change may show it."""
        stream = current.change.stream
        silence = tuple(self._silence(current.effective, self._until() or self.moment, stream))
        caveats = (*own_caveats(current), *_guess(current), *silence)
        shown = self.following.before if self.following else Image.UNSEEN
        if isinstance(shown, str) and self.following and "outside_coverage" not in silence:
            return Finding(
                "present",
                self._completeness(caveats, current.effective, self.following.effective, stream),
                (*caveats, *own_caveats(self.following)),
                shown,
                "next_change",
                current,
                current.effective,
                self.following.effective,
            )
        return self._left_unseen(current, caveats, (shown,) if isinstance(shown, str) else ())

    def _left_unseen(self, current: Step, caveats: Sequence[Caveat], candidates: tuple[str | None, ...]) -> Finding:
        """Nothing shows what the last change left."""
        return Finding(
            "unknown",
            "observed",
            (*caveats, Caveat("chain_unproven", _no_image(current))),
            step=current,
            since=current.effective,
            until=self._until(),
            reason=f"the last change, at {_utc(current.effective)}, left an item, but {_no_image(current)}",
            candidates=candidates,
        )

    def _after_sighting(self, seen: Sighting) -> Finding:
        """A baseline saw the item after its last change: it anchors, and nothing before it matters any more."""
        start, end = seen.read_begin, max(self.moment, seen.read_end)
        rivals = [one for one in (*self.seen.unsure, self.seen.upcoming) if one and one.contradicts(seen)]
        follows_on = follows(self.following, seen) if self.following else Follows()
        caveats = (
            *_redacted(seen.redaction),
            *map(contradicted, rivals),
            *follows_on.caveats,
            *self._silence(start, end, None, seen),
        )
        step = self._set_by(seen)
        status = "present" if seen.image is not None else "deleted" if self._lived_before() else "absent"
        return Finding(
            status,
            self._completeness(caveats, start, end, None),
            caveats,
            seen.image,
            "change" if step and step.after is not Image.UNSEEN else "baseline",
            step,
            step.effective if step else None,
            rivals[-1].read_end if rivals and rivals[-1] is self.seen.upcoming else self._until(),
            candidates=(seen.image, *(one.image for one in rivals)) if rivals else follows_on.candidates,
            sighting=seen,
        )

    def _before_sighting(self, upcoming: Sighting) -> Finding:
        """No change ≤ the moment, and a baseline saw the item before any after it: it tells, if nothing was missed."""
        silence = tuple(self._silence(self.moment, upcoming.read_end, None, upcoming))
        caveats = (*_redacted(upcoming.redaction), *silence)
        if "outside_coverage" in silence:
            reason = (
                f"the first that is known of it is a baseline read later, at {_utc(upcoming.read_begin)}, "
                "and the time between is not covered"
            )
            return Finding("unknown", "observed", caveats, reason=reason, candidates=(upcoming.image,))
        return Finding(
            "absent" if upcoming.image is None else "present",
            self._completeness(caveats, self.moment, upcoming.read_end, None),
            caveats,
            upcoming.image,
            "baseline",
            until=self._until(),
            sighting=upcoming,
        )

    def _unseen_until(self, current: Step, upcoming: Sighting) -> Finding:
        """The last change left an image that the view does not hold; a baseline read after the moment may show it."""
        start, end, stream = current.effective, upcoming.read_end, current.change.stream
        caveats = (
            *_conflict(current),
            *_redacted(upcoming.redaction),
            *([contradicted(upcoming)] if self.seen.contradiction(current) else ()),
            *self._silence(start, end, stream, upcoming),
        )
        if upcoming.image is None or "outside_coverage" in caveats:
            return self._left_unseen(current, caveats, (upcoming.image,))
        completeness = self._completeness(caveats, start, end, stream)
        return Finding(
            "present",
            completeness,
            caveats,
            upcoming.image,
            "baseline",
            current,
            current.effective,
            self._until(),
            sighting=upcoming,
        )

    def _set_by(self, seen: Sighting) -> Step | None:
        """The last change, where it surely set what was seen later: nothing may have come between."""
        current = self.current
        if current is None or current.conflict or any(one.contradicts(seen) for one in self.seen.earlier):
            return None
        agrees = seen.agrees(current.after, current.change)
        if agrees is False or (agrees is None and current.after is not Image.UNSEEN):
            return None
        silent = not self.coverage.holes_in(current.effective, seen.read_end, self.keys)
        covered = self.coverage.covers(current.effective, seen.read_end, current.change.stream)
        return current if silent and covered else None

    def _lived_before(self) -> bool:
        seen = (*self.seen.earlier, self.seen.last)
        return self.current is not None or any(one is not None and one.image is not None for one in seen)

    def _until(self) -> int | None:
        return self.following.effective if self.following else None

    def _chain_caveats(self) -> Iterator[Caveat]:
        if self.following is None:
            return
        when = f"the next change, at {_utc(self.following.effective)},"
        if self.following.link is Link.GAP:
            yield Caveat("gap", f"{when} started from another state: a change between is missing")
        elif self.following.link is Link.UNPROVEN:
            yield Caveat("chain_unproven", f"{when} cannot be compared with the image before it")

    def _both_sides(self, image: str | None) -> tuple[str | None, ...]:
        """Both sides of a gap: what the last change left, what the next one found."""
        if self.following is None or self.following.link is not Link.GAP:
            return ()
        before = self.following.before
        return (image,) if before is Image.UNSEEN else (image, before if isinstance(before, str) else None)

    def _silence(self, start: int, end: int, stream: str | None, seen: Sighting | None = None) -> Iterator[Caveat]:
        """Why it is not certain that the item did not change within [start, end], where ``seen`` tells of it."""
        first, last = (start, end) if seen is None else seen.widen(start, end)
        for hole in self.coverage.holes_in(first, end_of_second(last), self.keys):
            yield Caveat("unreadable_files" if hole.kind == "unreadable" else "outside_coverage", str(hole))
        if not self.coverage.settled(end):
            through = self.coverage.captured_through
            known = "nothing is known to have landed" if through is None else f"captured through {_utc(through)}"
            yield Caveat("not_settled", f"{known}: later changes may be missing")
        if not self.coverage.covers(start, end, stream) and not _same(start, end, seen or self.current):
            yield Caveat("outside_coverage", f"no one covered span holds {_utc(start)} to {_utc(end)}")

    def _completeness(self, caveats: Sequence[Caveat], start: int, end: int, stream: str | None) -> str:
        doubtful = {"outside_coverage", "unreadable_files", "gap", "not_settled"} & set(map(str, caveats))
        return "attested" if not doubtful and self.coverage.attests(start, end, stream) else "observed"


def _cut_off(finding: Finding) -> bool:
    return any(caveat in ("outside_coverage", "unreadable_files") for caveat in finding.caveats)


def _same(start: int, end: int, known: Step | Sighting | None) -> bool:
    """Asked for the very second of the last change or sighting: no silence to prove."""
    return known is not None and start // SECOND == end // SECOND


def _known(image: str | Image, without: str) -> tuple[str, str | None] | None:
    """(status, image), where ``without`` is the status of no item; None where the image is unseen."""
    if image is Image.UNSEEN:
        return None
    return ("present", image) if isinstance(image, str) else (without, None)


def own_caveats(step: Step) -> Iterator[Caveat]:
    """The caveats that a change carries whatever is around it."""
    yield from _conflict(step)
    yield from _redacted(step.change.redaction)
    if is_old_format(step.change.stream):
        yield Caveat("old_format", told_of(step.change.stream))


def _conflict(step: Step) -> Iterator[Caveat]:
    if step.conflict:
        yield Caveat("conflict", f"the deliveries of change {step.change.event_id} differ")


def _redacted(rules: str | None) -> Iterator[Caveat]:
    if rules is not None:
        yield Caveat("redacted", f"by the redaction rules {rules}")


def _guess(step: Step) -> Iterator[Caveat]:
    """Whether the step may not be the last, or first, of its second."""
    if not step.sure:
        when = f"the item's changes of the second {_utc(step.effective)} do not tell their order"
        yield Caveat("chain_unproven" if Image.UNSEEN in (step.before, step.after) else "gap", when)


def _no_image(step: Step) -> str:
    return f"the stream's view {step.change.view} holds no such image"


def _same_second(steps: Sequence[Step], moment: int) -> Iterator[Caveat]:
    start = moment - moment % SECOND
    first = bisect_right(steps, start - 1, key=lambda step: step.effective)
    last = bisect_right(steps, start + SECOND - 1, key=lambda step: step.effective)
    sharing = steps[first:last]
    if len(sharing) > 1 or any(_coarser(step, moment) for step in sharing):
        ids = ", ".join(step.change.event_id for step in sharing)
        yield Caveat("same_second", f"changes in that second: {ids}; change=event_id asks for one")


def _net_change(coverage: Coverage, moment: int) -> Iterator[Caveat]:
    window = coverage.net_window(moment)
    if window is not None:
        yield Caveat("net_change", f"inside the export {window.id}, {_utc(window.start)} to {_utc(window.end)}")


def _coarser(step: Step, moment: int) -> bool:
    """Whether the moment is finer than the stamp, so that the two cannot be ordered."""
    unit = PRECISIONS[step.change.precision]
    return moment % unit != 0 and step.effective // unit == moment // unit


def _utc(micros: int) -> str:
    return format_time(micros, UTC)
