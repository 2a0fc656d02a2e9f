"""Reconstruction: what one item was at one time, and how we know.

Pure: knows neither engines nor SQL. The rules are the design's, section 4 ("Status of a state"); which caveats a state
carries :mod:`histlib.rules.doubt` says, from what it rests on. All times are epoch µs; images are image JSON text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC

from histlib.format.streams import is_net
from histlib.rules import doubt
from histlib.rules.caveats import Caveat, in_order
from histlib.rules.chain.chain import Link, Step
from histlib.rules.chain.images import Image, image_after, image_before, says_nothing_before
from histlib.rules.coverage.baselines import Sighting, Sightings, follows, sightings_around
from histlib.rules.coverage.coverage import Coverage
from histlib.rules.doubt import Basis, Silence
from histlib.values.times import SECOND, format_time


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one item was at one time.

    ``status`` is present, deleted, absent or unknown; ``evidence`` change, next_change, baseline or None; ``step``
    the change that set the state; ``sighting`` the baseline's, where it is the evidence. ``candidates`` are images
    it may have had where the history cannot decide (None: no item). ``until_known`` false: it ended at some time
    within the window of an export. ``basis`` is what it rests on.
    """

    status: str
    basis: Basis = field(repr=False)
    completeness: str = "observed"
    caveats: tuple[Caveat, ...] = ()
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
    last = coverage.last_instant(moment)
    position = bisect_right(steps, last, key=lambda step: step.effective)
    around = _Around(
        keys,
        last,
        coverage,
        steps[position - 1] if position else None,
        steps[position] if position < len(steps) else None,
        sightings_around(steps, sightings, position, last, coverage),
    )
    finding = around.judge()
    own = doubt.of_moment(_of_second(steps, moment), moment, coverage)
    caveats = in_order((*own, *doubt.of_state(finding.basis, keys, coverage)))
    ends_in_window = around.following is not None and is_net(around.following.change.stream)
    finding = replace(finding, until=None, until_known=False) if ends_in_window else finding
    return replace(finding, caveats=caveats, completeness=_completeness(finding, caveats, coverage))


def state_after(steps: Sequence[Step], position: int, coverage: Coverage) -> Finding:
    """The state right after one change: what its new image says, whatever else came in that second."""
    step = steps[position]
    following = steps[position + 1] if position + 1 < len(steps) else None
    silence = Silence(step.effective, step.effective, step.change.stream)
    caveats = in_order(doubt.of_change(step))
    known = _known(step.after, "deleted")
    finding = Finding(
        basis=Basis(silence=silence, steps=(step,)),
        caveats=caveats,
        step=step,
        since=step.effective,
        until=following.effective if following and not is_net(following.change.stream) else None,
        until_known=following is None or not is_net(following.change.stream),
        reason="" if known else f"the change left an item, but {doubt.no_image(step)}",
        status=known[0] if known else "unknown",
        image=known[1] if known else None,
        evidence="change" if known else None,
        candidates=_copies(step, known[1]) if known else (),
    )
    return replace(finding, completeness=_completeness(finding, caveats, coverage))


def _completeness(finding: Finding, caveats: Sequence[Caveat], coverage: Coverage) -> str:
    silence = finding.basis.silence
    proven = finding.status != "unknown" and coverage.attests(silence.start, silence.end, silence.stream)
    return doubt.completeness(caveats, proven=proven)


@dataclass(frozen=True)
class _Around:
    """One item around one moment, the last instant of a whole second: ``current`` is its last change ≤ it,
    ``following`` its first after."""

    keys: str
    moment: int
    coverage: Coverage
    current: Step | None
    following: Step | None
    seen: Sightings

    def judge(self) -> Finding:
        """From what is known before the moment; where that is cut off, from what a baseline anchors after it."""
        finding = self._forwards()
        if not self._cut_off(finding) or (self.seen.last is None and self.seen.upcoming is None):
            return finding
        backwards = replace(self, current=None, seen=replace(self.seen, last=None))._backwards()
        if backwards.status == "unknown" or self._cut_off(backwards):
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
        basis = Basis(silence=Silence(self.moment, self.moment))
        return Finding(status="unknown", basis=basis, reason="the history holds no change of this key")

    def _after_change(self, current: Step) -> Finding:
        known = _known(current.after, "deleted")
        if known is None and self.seen.upcoming is not None:
            return self._unseen_until(current, self.seen.upcoming)
        if known is None:
            return self._between_unseen(current)
        status, image = known
        upcoming = self._contradiction(current)
        return Finding(
            status=status,
            basis=Basis(
                silence=Silence(current.effective, self.moment, current.change.stream),
                steps=(current,),
                following=None if upcoming else self.following,
                rivals=(upcoming,) if upcoming else (),
            ),
            image=image,
            evidence="change",
            step=current,
            since=current.effective,
            until=upcoming.read_end if upcoming else self._until(),
            candidates=_either(
                (image, upcoming.image) if upcoming else self._both_sides(image), _copies(current, image)
            ),
        )

    def _before_change(self, following: Step) -> Finding:
        """No change ≤ the moment: the first one after it tells, if nothing was missed between."""
        silence = Silence(self.moment, following.effective, following.change.stream)
        when = f"the first known change is later, at {_utc(following.effective)}"
        unproven = Basis(silence=silence, steps=(following,), unseen=following)
        known = _known(following.before, "absent")
        if says_nothing_before(following.change):
            reason = f"{when}, in an export without old images: whether the item was there before is not known"
            return Finding(status="unknown", basis=unproven, reason=reason)
        if known is None:
            reason = f"{when}, when the item was there, but {doubt.no_image(following)}"
            return Finding(status="unknown", basis=unproven, reason=reason)
        status, image = known
        basis = Basis(silence=silence, steps=(following,))
        if self._is_outside(silence):
            reason = f"{when}, and the time between is not covered"
            return Finding(
                status="unknown", basis=basis, reason=reason, candidates=_either((image,), _found(following))
            )
        return Finding(
            status=status,
            basis=basis,
            image=image,
            evidence="next_change",
            until=following.effective,
            candidates=_either((image,), _found(following)) if _found(following) else (),
        )

    def _between_unseen(self, current: Step) -> Finding:
        """The last change left an image that the view does not hold; the next change may show it."""
        following = self.following
        shown = following.before if following else Image.UNSEEN
        silence = Silence(current.effective, self._until() or self.moment, current.change.stream)
        if not isinstance(shown, str) or following is None or self._is_outside(silence):
            return self._left_unseen(current, silence, (shown,) if isinstance(shown, str) else ())
        return Finding(
            status="present",
            basis=Basis(silence=silence, steps=(following,), unseen=current),
            image=shown,
            candidates=_either((shown,), _found(following)) if _found(following) else (),
            evidence="next_change",
            step=current,
            since=current.effective,
            until=following.effective,
        )

    def _left_unseen(
        self,
        current: Step,
        silence: Silence,
        candidates: tuple[str | None, ...],
        rivals: tuple[Sighting, ...] = (),
    ) -> Finding:
        """Nothing shows what the last change left."""
        return Finding(
            status="unknown",
            basis=Basis(silence=silence, steps=(current,), rivals=rivals, unseen=current),
            step=current,
            since=current.effective,
            until=self._until(),
            reason=f"the last change, at {_utc(current.effective)}, left an item, but {doubt.no_image(current)}",
            candidates=candidates,
        )

    def _after_sighting(self, seen: Sighting) -> Finding:
        """A baseline saw the item after its last change: it anchors, and nothing before it matters any more."""
        after = self.current.change.stream if self.current else None
        silence = Silence(seen.read_begin, max(self.moment, seen.read_end), seen=seen, after=after)
        others = [one for one in (*self.seen.unsure, self.seen.upcoming) if one is not None]
        rivals = [one for one in others if one.contradicts(seen) and not self._in_windows(seen.read_end, one)]
        candidates = (seen.image, *(one.image for one in rivals)) if rivals else self._sides_of(seen)
        step = self._set_by(seen)
        status = "present" if seen.image is not None else "deleted" if self._lived_before() else "absent"
        return Finding(
            status=status,
            basis=Basis(silence=silence, following=self.following, seen=seen, rivals=tuple(rivals)),
            image=seen.image,
            evidence="change" if step and step.after is not Image.UNSEEN else "baseline",
            step=step,
            since=step.effective if step else None,
            until=rivals[-1].read_end if rivals and rivals[-1] is self.seen.upcoming else self._until(),
            candidates=candidates,
            sighting=seen,
        )

    def _before_sighting(self, upcoming: Sighting) -> Finding:
        """No change ≤ the moment, and a baseline saw the item before any after it: it tells, if nothing was missed."""
        silence = Silence(self.moment, upcoming.read_end, seen=upcoming)
        basis = Basis(silence=silence, seen=upcoming)
        if self._is_outside(silence):
            reason = (
                f"the first that is known of it is a baseline read later, at {_utc(upcoming.read_begin)}, "
                "and the time between is not covered"
            )
            return Finding(status="unknown", basis=basis, reason=reason, candidates=(upcoming.image,))
        return Finding(
            status="absent" if upcoming.image is None else "present",
            basis=basis,
            image=upcoming.image,
            evidence="baseline",
            until=self._until(),
            sighting=upcoming,
        )

    def _unseen_until(self, current: Step, upcoming: Sighting) -> Finding:
        """The last change left an image that the view does not hold; a baseline read after the moment may show it."""
        silence = Silence(current.effective, upcoming.read_end, current.change.stream, upcoming)
        rival = self._contradiction(current)
        rivals = (rival,) if rival else ()
        if upcoming.image is None or self._is_outside(silence):
            return self._left_unseen(current, silence, (upcoming.image,), rivals)
        return Finding(
            status="present",
            basis=Basis(silence=silence, seen=upcoming, rivals=rivals, unseen=current),
            image=upcoming.image,
            evidence="baseline",
            step=current,
            since=current.effective,
            until=self._until(),
            sighting=upcoming,
        )

    def _contradiction(self, current: Step) -> Sighting | None:
        """The upcoming sighting, where it saw another state than the last change left, and no export's window lies
        between, within which the item may have changed."""
        other = self.seen.contradiction(current)
        own = current.change.stream
        return None if other is None or self._in_windows(current.effective, other, own) else other

    def _in_windows(self, moment: int, sighting: Sighting, own: str | None = None) -> bool:
        """Whether a window other than a net change's own lies between."""
        return any(window.stream != own for window in self.coverage.net_windows(moment, sighting.read_end))

    def _set_by(self, seen: Sighting) -> Step | None:
        """The last change, where it surely set what was seen later: nothing may have come between."""
        current = self.current
        if current is None or current.conflict or any(one.contradicts(seen) for one in self.seen.earlier):
            return None
        agrees = seen.agrees(current.after, current.change)
        if agrees is False or (agrees is None and current.after is not Image.UNSEEN):
            return None
        between = Silence(current.effective, seen.read_end, current.change.stream)
        return None if doubt.is_cut_off(between, self.keys, self.coverage) else current

    def _lived_before(self) -> bool:
        seen = (*self.seen.earlier, self.seen.last)
        return self.current is not None or any(one is not None and one.image is not None for one in seen)

    def _until(self) -> int | None:
        return self.following.effective if self.following else None

    def _both_sides(self, image: str | None) -> tuple[str | None, ...]:
        """Both sides of a gap: what the last change left, what the next one found."""
        if self.following is None or self.following.link is not Link.GAP:
            return ()
        return _sides(image, self.following)

    def _sides_of(self, seen: Sighting) -> tuple[str | None, ...]:
        """The same, where a baseline saw what the next change did not find."""
        if self.following is None or follows(self.following, seen) is not Link.GAP:
            return ()
        return _sides(seen.image, self.following)

    def _is_outside(self, silence: Silence) -> bool:
        return doubt.is_outside(silence, self.keys, self.coverage)

    def _cut_off(self, finding: Finding) -> bool:
        return doubt.is_cut_off(finding.basis.silence, self.keys, self.coverage)


def _known(image: str | Image, without: str) -> tuple[str, str | None] | None:
    """(status, image), where ``without`` is the status of no item; None where the image is unseen."""
    if image is Image.UNSEEN:
        return None
    return ("present", image) if isinstance(image, str) else (without, None)


def _sides(image: str | None, following: Step) -> tuple[str | None, ...]:
    """What was known, and what the next change found."""
    before = following.before
    return (image,) if before is Image.UNSEEN else (image, before if isinstance(before, str) else None)


def _copies(step: Step, image: str | None) -> tuple[str | None, ...]:
    """What deliveries of one change that differ say that it left; empty where they agree in that."""
    left = _items(map(image_after, step.others))
    return _either((image,), left) if any(one != image for one in left) else ()


def _found(step: Step) -> tuple[str | None, ...]:
    """What the other deliveries of a change say that it found."""
    return _items(map(image_before, step.others))


def _items(images: Iterable[str | Image]) -> tuple[str | None, ...]:
    return tuple(image if isinstance(image, str) else None for image in images if image is not Image.UNSEEN)


def _either(*images: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return tuple(dict.fromkeys(image for some in images for image in some))


def _of_second(steps: Sequence[Step], moment: int) -> Sequence[Step]:
    """The item's changes in the second of a moment."""
    start = moment - moment % SECOND
    first = bisect_right(steps, start - 1, key=lambda step: step.effective)
    return steps[first : bisect_right(steps, start + SECOND - 1, lo=first, key=lambda step: step.effective)]


def _utc(micros: int) -> str:
    return format_time(micros, UTC)
