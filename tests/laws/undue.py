"""Caveats that are not due: on answers that are right, though no truth that fits the history would give another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.laws.answers import Answer, Asked
from tests.laws.due import UNSEEN
from tests.laws.faults import Fault
from tests.laws.history import OLD
from tests.laws.questions import Question
from tests.laws.ranges import chain_facts, of_range
from tests.laws.worlds import SECOND


@dataclass
class Tally:
    """How many answers were checked, how many of them were right, and of those how many had a caveat not due."""

    checked: int = 0
    right: int = 0
    undue: int = 0

    @property
    def ratio(self) -> float:
        return self.undue / max(1, self.right)

    def __str__(self) -> str:
        return f"{self.checked:,} answers checked, {self.right:,} right, {self.undue:,} with a caveat not due"


def undue(asked: Asked, tally: Tally) -> Iterator[Fault]:
    """Of all that was answered; call it after :mod:`tests.laws.oracle` has told what is wrong."""
    for question, answer in asked.answered:
        tally.checked += 1
        if question in asked.wrong or _is_unknown(question, answer):
            continue
        tally.right += 1
        names = answer.names - due(asked, question, answer)
        if names:
            tally.undue += 1
            yield Fault("D not due", question, tuple(sorted(names)))


def due(asked: Asked, question: Question, answer: Answer) -> set[str]:
    """All names that are due on an answer, of any item in its scope."""
    found: set[str] = {"old_format"} if _has_old_format(asked) else set()
    if question.kind in ("changes", "activity", "timeline", "coverage"):
        return found | _of_range(asked, question)
    items, world = question.scope(asked.world), asked.world
    items += list(world.never) if question.wide else []
    if question.kind == "affected":
        moments = world.moments()  # periods are told whole
        found |= _of_range(asked, question)
    elif question.kind in ("since", "blame"):
        moments = [*world.moments(), *question.moments]  # periods are told whole
        found |= _of_range(
            asked, Question("changes", range=(moments[0], question.moments[0] + 1), items=question.items)
        )
        found |= {"outside_coverage"}  # how it was before the history tells
    else:
        moments = [*question.moments]
    for moment in moments:
        for item in items:
            found |= asked.judge.of(item, moment).due
    sure = all(asked.judge.of(item, moment).certain for moment in moments for item in items)
    known = all(map(asked.known.all_known, moments)) if question.wide else True
    return found | (set() if sure and known else {"unknown_keys"})


def _of_range(asked: Asked, question: Question) -> set[str]:
    (start, end), known = question.range or (None, None), asked.known
    found = of_range(asked, question)
    first = min((one.start for one in known.spans), default=0) if start is None else start
    last = (known.through or first) if end is None else end - 1
    last = last - last % SECOND + SECOND - 1  # stamps are floored: all of its last second
    found |= known.unsilent(first, max(first, last), None) - ({"not_settled"} if end is None else set())
    if question.kind == "coverage" and not known.settled(last):
        found |= {"outside_coverage", "not_settled"}
    for item in question.scope(asked.world):
        found |= chain_facts(asked, Question(question.kind, range=question.range, items=(item,)), item)
        found |= _between_changes(asked, question, item)
    return found


def _between_changes(asked: Asked, question: Question, item: str) -> set[str]:
    """What rows of changes in the range say of the time since the change before."""
    (start, end), found = question.range or (None, None), set[str]()
    first, last = start or 0, 1 << 62 if end is None else end
    for before, one in pairwise(asked.known.chains[item]):
        if first <= one.effective < last:
            found |= asked.known.unsilent(before.effective, one.effective, item, one.lane) - {"not_settled"}
            found |= {"chain_unproven"} if UNSEEN in (before.after, one.before, one.after) else set()
            found |= {"chain_unproven"} if before.redaction != one.redaction else set()
            found |= {"gap", "chain_unproven", "same_second"} if one.lane == OLD else set()
    return found


def _is_unknown(question: Question, answer: Answer) -> bool:
    """An answer that says that it does not know is neither right nor wrong."""
    if question.kind in ("state_at", "since"):
        return bool(answer.told.status == "unknown")
    return ": unknown" in answer.heading if question.kind == "blame" else False


def _has_old_format(asked: Asked) -> bool:
    return any(one.kind == "old" for one in asked.world.eras)
