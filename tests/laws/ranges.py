"""Law 1 for answers about changes: what may lie unseen in the range that they speak of, and laws 3 and 6 there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.laws.answers import Answer, Asked
from tests.laws.conditions import Condition
from tests.laws.due import UNSEEN
from tests.laws.faults import Fault, lacking
from tests.laws.history import SILENCE, Told
from tests.laws.questions import Question
from tests.laws.worlds import SECOND


def silence_told(asked: Asked) -> Iterator[Fault]:
    """What lies in the range: holes, the time not covered or not settled, windows of exports."""
    for question, answer in asked.of("changes", "activity", "timeline", "coverage"):
        needed = of_range(asked, question)
        yield from lacking(f"1 {question.kind} range", question, needed, answer.names, "by first principles")


def as_absent_keys(asked: Asked) -> Iterator[Fault]:
    """What ``state_at`` of a key that never was tells of the silence at each second of the range; a baseline would tell
    of the time before it, too."""
    ghost = asked.world.never[0]
    if any(one.whole for one in asked.world.scans):
        return
    for question, answer in asked.of("changes", "activity", "timeline"):
        start, end = question.range or (None, None)
        if start is None or end is None:
            continue
        found = [one for one in asked.world.moments() if start <= one <= end - SECOND and one % SECOND == 0]
        for moment in found[:: max(1, len(found) // 6)]:
            needed = asked.state(ghost, moment).names & (SILENCE | {"net_change"})
            yield from lacking(
                f"1 {question.kind} as a key that never was", question, needed, answer.names, f"at {moment}"
            )


def broken_chains_told(asked: Asked) -> Iterator[Fault]:
    """Law 2: where images tell that a change is missing in the range, or do not tell, or copies differ."""
    for question, answer in asked.of("changes", "activity", "timeline"):
        if dict(question.options).get("paths"):
            continue
        for item in question.scope(asked.world):
            needed = chain_facts(asked, question, item)
            detail = f"the chain of {item}"
            yield from lacking(f"2 {question.kind} chain", question, needed, answer.names, detail)


def windows_listed(asked: Asked) -> Iterator[Fault]:
    """Law 6: ``coverage`` lists windows as spans of kind ``net``, and is not complete where the range cuts into one."""
    for question, answer in asked.of("coverage"):
        start, end = question.range or (None, None)
        if start is None or end is None:
            continue
        spans = answer.told.spans
        for one in asked.known.windows:
            if max(start, one.start) < min(end, one.end) and "net" not in set(spans["kind"]):
                yield Fault("6 coverage lists windows", question, ("net",), f"window {one.id}")
            cut = one.start < start < one.end or one.start < end < one.end
            if cut and answer.told.complete and asked.known.cuts_a_window(start, end):
                yield Fault("6 coverage cuts a window", question, ("net_change",), f"window {one.id}, complete")


def of_range(asked: Asked, question: Question) -> set[str]:
    """The caveats of a range by first principles; of a side left open nothing is said."""
    known, (start, end) = asked.known, question.range or (None, None)
    found: set[str] = set()
    earliest = min((one.start for one in known.spans), default=None)
    first, last = (earliest or 0) if start is None else start, (known.through or 0) if end is None else end - 1
    items = question.scope(asked.world) if not question.wide or question.partition else [None]
    found |= {hole.name for hole in known.holes for item in items if hole.touches(first, last, item)}
    if end is not None and not known.settled(last - last % SECOND):
        found.add("not_settled")
    if start is not None and end is not None and not known.covered(first, last):
        found.add("outside_coverage")
    if known.cuts_a_window(first, last + 1):
        found.add("net_change")
    return found


def chain_facts(asked: Asked, question: Question, item: str) -> set[str]:
    """Of one item: what its changes in the range tell of themselves, and whether images show that one is missing."""
    (start, end), where, needed = question.range or (None, None), question.where, set[str]()
    first, last = start or 0, 1 << 62 if end is None else end
    if where is not None and not where.by_key(asked.world.keys[item]):
        return needed
    chain = asked.known.chains[item]
    for one in chain:
        if first <= one.effective < last:
            needed |= _of_change(asked, where, one)
    for before, one in pairwise(chain):
        inside = one.effective >= first and before.effective < last
        if inside and _contradicts(before, one):
            needed.add("gap")
    return needed


def _of_change(asked: Asked, where: Condition | None, one: Told) -> set[str]:
    """What a change in the range tells of itself, where it is a row, or may be one."""
    keys, needed = asked.world.keys[one.item], set[str]()
    may = where is None or any(image is UNSEEN or where.holds(keys, image) for image in (one.after, one.rival))
    if one.conflict and (where is None or where.holds(keys, one.rival) or where.holds(keys, one.after)):
        needed.add("conflict")
    if may and UNSEEN in (one.after, one.before) and (where is None or one.after is UNSEEN):
        needed.add("chain_unproven")
    if one.redaction and (where is None or "secret" in where.names):
        needed.add("redacted")
    return needed


def _contradicts(before: Told, one: Told) -> bool:
    left, found = before.after, one.before
    if (left is None) != (found is None):
        return True
    if UNSEEN in (left, found) or left is None or before.redaction != one.redaction:
        return False
    return {n: str(v) for n, v in left.items()} != {n: str(v) for n, v in found.items()}


__all__ = ["Answer", "chain_facts", "of_range"]
