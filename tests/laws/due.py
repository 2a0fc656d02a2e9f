"""The judge: which caveats of an answer are due, by first principles.

A caveat is due when some truth that is consistent with the history would give another answer: a change of the item
that was not recorded may lie where it matters, or an image was not seen, or two things that were told contradict each
other. ``redacted``, ``old_format`` and ``same_second`` are due where the design says that they stand, whatever follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.laws.history import MINUTE, NET, OLD, SECOND, UNSEEN, History, Seen, Told
from tests.laws.worlds import Image

#: What does not say that the answer may be wrong.
TOLD_ANYHOW: Final = frozenset({"redacted", "old_format", "same_second"})


@dataclass(frozen=True)
class Verdict:
    """Of one item at one moment: the caveats that are ``due``; whether the state is ``certain``, and then which.

    ``candidates``: images that it may have had, as far as any was told; UNSEEN among them: it may be any.
    """

    due: frozenset[str]
    certain: bool
    image: Any = UNSEEN
    candidates: tuple[Any, ...] = (UNSEEN,)


@dataclass
class _Side:
    """What is known from one side of the moment: an image, why it may not be that, and the names to say so with."""

    image: Any = UNSEEN
    due: set[str] = field(default_factory=set)
    doubts: set[str] = field(default_factory=set)
    others: list[Any] = field(default_factory=list)

    def doubt(self, *names: str) -> None:
        self.due |= {*names}
        self.doubts |= {*names}


class Judge:
    """Judges the items of one history."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._known: dict[tuple[str, int], Verdict] = {}

    def of(self, item: str, moment: int) -> Verdict:
        """The verdict on an item at a moment."""
        if (item, moment) not in self._known:
            self._known[item, moment] = self._judge(item, moment)
        return self._known[item, moment]

    def _judge(self, item: str, moment: int) -> Verdict:
        chain, last = self.history.chains[item], self.history.last_instant(moment)
        past = [one for one in chain if one.effective <= last]
        following = chain[len(past)] if len(past) < len(chain) else None
        current = past[-1] if past else None
        seen = [one for one in self._anchors(item) if _between(current, one, following)]
        before = [one for one in seen if one.begin <= last]
        after = [one for one in seen if one.begin > last]
        own = self._own(chain, moment)
        if self.history.inside_a_window(moment):
            return Verdict(frozenset({*own, "net_change", *self._everything(item, moment)}), certain=False)
        backward = self._backward(item, moment, current, before, after, following) if current or before else None
        forward = self._forward(item, moment, after, following)
        broken = backward.doubts & {"gap", "chain_unproven"} if backward else set()
        if forward and broken and not self._proven_up_to(moment, after, following):
            forward.doubt(*broken)  # a change is missing, and where is not known
        first = backward or forward
        if first is None:
            names = self.history.unsilent(moment, last, item) | {"unknown_keys"}
            return Verdict(frozenset(own | names), certain=False)
        if backward and backward.doubts and forward:  # either side may have told
            first = _Side(backward.image, backward.due | forward.due, backward.doubts, backward.others)
        sure = next((one for one in (backward, forward) if one is not None and not one.doubts), None)
        other = [forward.image, *forward.others] if forward and (not backward or forward.image is not UNSEEN) else []
        candidates = [first.image, *first.others, *other]  # that what comes next is unseen is no other candidate
        if first.doubts & {"outside_coverage", "unreadable_files", "not_settled"}:
            candidates.append(UNSEEN)
        return Verdict(
            frozenset(own | first.due), sure is not None, sure.image if sure else UNSEEN, tuple(_once(candidates))
        )

    def _backward(
        self,
        item: str,
        moment: int,
        current: Told | None,
        before: list[Seen],
        after: list[Seen],
        following: Told | None,
    ) -> _Side:
        """From what the last change left, or a baseline saw since."""
        side, last = _Side(), self.history.last_instant(moment)
        if before:
            seen = before[-1]
            side.image = seen.image
            side.due |= {"redacted"} if seen.redaction else set()
            side.doubt(*self.history.unsilent(seen.begin, max(last, seen.end), item, near=MINUTE))
            if self._comes_and_goes(seen, moment, current):
                side.doubt("net_change", "outside_coverage")
            for one in (*before[:-1], *after[:1]):
                self._compare(side, seen.image, seen.redaction, one.image, one.redaction, chain=False)
            if following is not None:
                self._compare(side, seen.image, seen.redaction, following.before, following.redaction, chain=False)
            return side
        assert current is not None
        self._left(side, current)
        if current.after is UNSEEN:
            side.doubt("chain_unproven")
            shown = after[0].image if after else following.before if following else UNSEEN
            side.others.append(shown)
            side.image = UNSEEN
            side.due |= self.history.unsilent(current.effective, last, item, current.lane)
            if after or following:
                until = after[0].end if after else following.effective if following else last
                side.due |= self.history.unsilent(current.effective, until, item, current.lane, near=MINUTE)
            return side
        side.doubt(*self.history.unsilent(current.effective, last, item, current.lane))
        if after:
            self._compare(side, current.after, current.redaction, after[0].image, after[0].redaction, chain=False)
        if following is not None:
            self._compare(side, current.after, current.redaction, following.before, following.redaction)
        return side

    def _forward(self, item: str, moment: int, after: list[Seen], following: Told | None) -> _Side | None:
        """From what the next change found, or a baseline saw before it."""
        after = [one for one in after if not self._too_late(one, moment)]
        last = self.history.last_instant(moment)
        side = _Side()
        if after:
            seen = after[0]
            side.image = seen.image
            side.due |= {"redacted"} if seen.redaction else set()
            side.doubt(*self.history.unsilent(moment, seen.end, item, near=MINUTE))
            return side
        if following is None:
            return None
        side.image = following.before
        side.due |= {"redacted"} if following.redaction else set()
        side.due |= {"old_format"} if following.lane == OLD else set()
        start = min(moment, following.effective) if last >= following.effective else moment
        side.doubt(*self.history.unsilent(start, following.effective, item, following.lane))
        if following.before is UNSEEN:
            side.doubt("chain_unproven")
        if following.conflict:
            side.doubt("conflict")
        if following.lane == OLD and self._unsure(item, following):
            side.doubt("gap")
        return side

    def _left(self, side: _Side, current: Told) -> None:
        side.image = current.after
        side.due |= {"redacted"} if current.redaction else set()
        side.due |= {"old_format"} if current.lane == OLD else set()
        if current.conflict:
            side.doubt("conflict")
            side.others.append(current.rival)
        if current.lane == OLD and self._unsure(current.item, current):
            side.doubt("gap")

    def _compare(
        self, side: _Side, image: Any, rules: str | None, other: Any, others: str | None, *, chain: bool = True
    ) -> None:
        """Whether two things told of one time agree; only in the ``chain`` of changes must they be comparable."""
        if image is UNSEEN or other is UNSEEN:
            known_apart = (image is None and other is not UNSEEN) or (other is None and image is not UNSEEN)
            if known_apart:
                side.doubt("gap")
                return
            side.due.add("chain_unproven")
            if chain and not self.history.attested:
                side.doubt("chain_unproven")
            return
        same = _same(image, other)
        if (image is None) != (other is None) or (rules == others and not same):
            side.doubt("gap")
            side.due.add("chain_unproven")
            side.others.append(other)
        elif rules != others and not (image is None and other is None):
            side.due.add("chain_unproven")
            if chain and not self.history.attested:
                side.doubt("chain_unproven")

    def _proven_up_to(self, moment: int, after: list[Seen], following: Told | None) -> bool:
        """Whether attestations prove the silence from a moment to what is next known."""
        until = after[0].end if after else following.effective if following else moment
        return self.history.is_proven(moment, until)

    def _own(self, chain: Iterable[Told], moment: int) -> set[str]:
        second = moment // SECOND
        sharing = [one for one in chain if one.effective // SECOND == second]
        finer = any(moment % one.unit and moment // one.unit == one.effective // one.unit for one in sharing)
        return {"same_second"} if len(sharing) > 1 or finer else set()

    def _everything(self, item: str, moment: int) -> set[str]:
        """Inside a window all that may be said is due."""
        last = self.history.last_instant(moment)
        found = self.history.unsilent(moment, last, item)
        for one in self.history.chains[item]:
            found |= {"redacted"} if one.redaction else set()
        return found | {"outside_coverage", "gap", "chain_unproven", "unknown_keys", "not_settled"}

    def _unsure(self, item: str, one: Told) -> bool:
        """Without sequence numbers several changes of one second have no order."""
        same = [other for other in self.history.chains[item] if other.lane == OLD and other.effective == one.effective]
        return len(same) > 1

    def _anchors(self, item: str) -> list[Seen]:
        """Sightings with no change stamped within a minute."""
        stamps = [(one.effective, one.effective + one.unit - 1) for one in self.history.chains[item]]
        return [
            one
            for one in self.history.seen[item]
            if not any(first <= one.end + MINUTE and last >= one.begin - MINUTE for first, last in stamps)
        ]

    def _comes_and_goes(self, seen: Seen, moment: int, current: Told | None) -> bool:
        """An item seen strictly inside a window that tells nothing of it may have come and gone within; one whose last
        write in the window is told was then as that left it."""
        return seen.image is not None and any(
            one.start < seen.end and seen.begin < one.end <= moment
            and (current is None or current.effective < one.start)
            for one in self.history.windows
        )  # fmt: skip

    def _too_late(self, seen: Seen, moment: int) -> bool:
        """A baseline read strictly inside a window tells nothing of the window's start and what was before."""
        return any(
            one.start < seen.end and seen.begin < one.end and moment <= one.start for one in self.history.windows
        )


def _between(current: Told | None, seen: Seen, following: Told | None) -> bool:
    after = current is None or seen.begin > current.effective
    return after and (following is None or seen.end < following.effective)


def _same(one: Image, other: Image) -> bool:
    """As the article's format has values, which is text: no two of a world's are equal but for that."""
    if one is None or other is None:
        return one is other
    return {name: str(value) for name, value in one.items()} == {name: str(value) for name, value in other.items()}


def _once(images: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for image in images:
        if not any(image is one or (image is not UNSEEN and one is not UNSEEN and image == one) for one in found):
            found.append(image)
    return found


__all__ = ["NET", "TOLD_ANYHOW", "UNSEEN", "Judge", "Verdict"]
