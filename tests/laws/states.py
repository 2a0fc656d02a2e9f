"""Laws 1 and 2 for answers about states: no less than ``state_at`` of each key in the scope tells."""

from __future__ import annotations

from collections.abc import Iterator

from tests.laws.answers import Answer, Asked, micros
from tests.laws.conditions import Condition
from tests.laws.due import UNSEEN
from tests.laws.faults import Fault, lacking
from tests.laws.history import SILENCE
from tests.laws.questions import Question
from tests.laws.worlds import SECOND

#: What may hide any change of the item, so that any condition may hold of it.
_HIDING = SILENCE | {"net_change"}
_REDACTED = frozenset({"secret"})


def snapshots(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("snapshot_at"):
        yield from _of_moments(asked, question, answer)


def diffs(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("diff"):
        yield from _of_moments(asked, question, answer)


def blames(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("blame"):
        state = asked.state(question.scope(asked.world)[0], question.moments[0])
        yield from lacking("1 blame", question, state.names, answer.names, "what state_at tells")


def sinces(asked: Asked) -> Iterator[Fault]:
    """What it tells reaches from when it began, or from the first that is known, to the time asked for."""
    for question, answer in asked.of("since"):
        item, moment, told = question.scope(asked.world)[0], question.moments[0], answer.told
        state = asked.state(item, moment)
        yield from lacking("1 since", question, state.names, answer.names, f"{told.status}: what state_at tells")
        if told.status == "unknown":
            continue
        begin = micros(told.from_latest) or 0
        for one in _whole_seconds(asked, begin, moment):
            needed = asked.state(item, one).names - {"same_second"}
            yield from lacking(
                "1 since, before", question, needed, answer.names, f"{told.status}: what state_at tells at {one}"
            )


def affecteds(asked: Asked) -> Iterator[Fault]:
    """At each whole second of the range: on the row that tells of it, else, where it may have been so, on the frame."""
    for question, answer in asked.of("affected"):
        assert question.range is not None and None not in question.range
        start, end = question.range
        for moment in _whole_seconds(asked, start or 0, (end or 0) - SECOND):
            for item in question.scope(asked.world):
                yield from _of_item(asked, question, answer, item, [moment], _rows_at(asked, answer, item, moment))


def _of_moments(asked: Asked, question: Question, answer: Answer) -> Iterator[Fault]:
    for item in question.scope(asked.world):
        yield from _of_item(asked, question, answer, item, question.moments, answer.of(asked.keys(item)))


def _of_item(
    asked: Asked,
    question: Question,
    answer: Answer,
    item: str,
    moments: tuple[int, ...] | list[int],
    rows: list[dict[str, str]],
) -> Iterator[Fault]:
    names = {name for one in moments for name in asked.state(item, one).names}
    detail = f"what state_at({item}) tells at {'/'.join(map(str, moments))}"
    if rows:
        cells = set.intersection(*({*row["caveats"].split()} for row in rows))
        yield from lacking(f"1 {question.kind} row", question, names, cells, detail)
        return
    if question.where is None and question.text is None:
        yield from lacking(f"1 {question.kind} without row", question, names, answer.names, detail)
        return
    if question.where is None:  # the text names the scope itself
        partial = question.partition is None
        if not partial or all(f"'{value}'" in (question.text or "") for value in asked.world.keys[item].values()):
            yield from lacking(f"1 {question.kind} without row", question, names - {"old_format"}, answer.names, detail)
        return
    needed = _of_condition(asked, question.where, item, names, moments)
    yield from lacking(f"2 {question.kind} may hold", question, needed, answer.names, detail)


def _of_condition(
    asked: Asked, where: Condition, item: str, names: set[str], moments: tuple[int, ...] | list[int]
) -> set[str]:
    """What must be told of an item that is no row: it may satisfy the condition all the same."""
    keys = asked.world.keys[item]
    if not where.by_key(keys):
        return set()
    needed = names & _HIDING
    if any(may_hold(asked, where, item, one) for one in moments):
        needed |= names & {"gap", "conflict", "chain_unproven"}
    if where.names & _REDACTED:
        needed |= names & {"redacted"}
    return needed


def may_hold(asked: Asked, where: Condition, item: str, moment: int) -> bool:
    """Whether it holds of some candidate, or one is not seen."""
    keys = asked.world.keys[item]
    candidates = asked.judge.of(item, moment).candidates
    return any(one is UNSEEN or where.holds(keys, one) for one in candidates)


def _rows_at(asked: Asked, answer: Answer, item: str, moment: int) -> list[dict[str, str]]:
    """The rows that tell of an item at a moment."""
    found, last = [], asked.world.last_instant(moment)
    for row in answer.of(asked.keys(item)):
        since, until = micros(row["since"]), micros(row["until"])
        if (since is None or since <= last) and (until is None or until > last):
            found.append(row)
    return found


def _whole_seconds(asked: Asked, start: int, last: int) -> list[int]:
    """Moments worth asking, of those in [start, last]; not all, where they are many."""
    found = [one for one in asked.world.moments() if start <= one <= last and one % SECOND == 0]
    return found[:: max(1, len(found) // 8)]
