"""Answers against the truth: never wrong without a caveat, and what is ``attested`` never wrong at all.

An answer that is wrong without one is excused only where the history itself knows no better: a loss that left no trace
where nothing attests (:mod:`tests.laws.due` then is certain of the same wrong answer).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from histlib.values.image_json import MISSING
from tests.laws.answers import Answer, Asked, micros
from tests.laws.due import TOLD_ANYHOW, UNSEEN, Verdict
from tests.laws.faults import Fault
from tests.laws.questions import Question
from tests.laws.ranges import chain_facts, of_range
from tests.laws.worlds import SECOND, Image

#: Refusals that are right: a name that no image has.
_IS_A_NAME = re.compile("no image (of this item )?has")
_SAYS_LESS = TOLD_ANYHOW - {"old_format"}


def crashes(asked: Asked) -> Iterator[Fault]:
    """What is asked is answered, or refused with a reason: nothing else is raised."""
    for question, answer in asked.refused:
        if answer.error.startswith("CRASH") or not _IS_A_NAME.search(answer.error):
            yield Fault("T no answer", question, (), answer.error)


def states(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("state_at"):
        item, (moment,), state = question.scope(asked.world)[0], question.moments, answer.told
        verdict = asked.judge.of(item, moment)
        if state.status == "unknown":
            if not state.reason:
                yield Fault("T unknown, no reason", question, ())
            continue
        truth = asked.world.truth(item, moment)
        if not _equal(asked, item, state.item, truth, answer.names):
            known = verdict.certain and _equal(asked, item, state.item, verdict.image, answer.names)
            yield from _wrong(asked, question, answer, answer.names, f"{state.item}, truly {truth}", known=known)
        elif not verdict.certain and not answer.names - _SAYS_LESS:
            yield Fault("T due, not told", question, tuple(sorted(verdict.due)), f"{state.status} {state.item}")


def proofs(asked: Asked) -> Iterator[Fault]:
    """``attested`` only where attestations cover it: not by the article's files, nor by exports."""
    for question, answer in asked.of("changes", "activity", "timeline", "coverage", "affected"):
        start, end = question.range or (None, None)
        if answer.attested and start is not None and end is not None and not asked.known.is_proven(start, end - 1):
            yield Fault("T attested, unproven", question, tuple(sorted(answer.names)))
    for question, answer in asked.of("state_at"):
        if answer.attested and not asked.known.attested:
            yield Fault("T attested, unproven", question, tuple(sorted(answer.names)))


def snapshots(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("snapshot_at"):
        for item in _named(asked, question):
            yield from _snapshot_of(asked, question, answer, item)


def _snapshot_of(asked: Asked, question: Question, answer: Answer, item: str) -> Iterator[Fault]:
    (moment,), keys, where = question.moments, asked.world.keys[item], question.where
    truth, verdict = asked.world.truth(item, moment), asked.judge.of(item, moment)

    def row_of(image: Image) -> bool:
        return image is not None and (where is None or where.holds(keys, image))

    rows = [row for row in answer.of(asked.keys(item)) if row["status"] in ("present", "unknown")]
    if rows and rows[0]["status"] == "unknown":
        return
    if rows:
        cell = {*rows[0]["caveats"].split()}
        found = rows[0]["item"]
        if not (row_of(truth) and _equal(asked, item, found, truth, cell)):
            known = verdict.certain and _equal(asked, item, found, verdict.image, cell)
            yield from _wrong(asked, question, answer, cell, f"{item}: {found}, truly {truth}", known=known)
    elif row_of(truth):
        told = {*answer.names} | {name for row in answer.of(asked.keys(item)) for name in row["caveats"].split()}
        hidden = where is not None and "secret" in where.names and "redacted" in told
        known = verdict.certain and not row_of(verdict.image)
        doubts = told | ({"hidden"} if hidden else set())
        yield from _wrong(asked, question, answer, doubts, f"{item} is missing, truly {truth}", known=known)


def diffs(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("diff"):
        for item in _named(asked, question):
            rows, where, keys = answer.of(asked.keys(item)), question.where, asked.world.keys[item]
            told = {*answer.names} | {name for row in rows for name in row["caveats"].split()}
            sides = [asked.world.truth(item, moment) for moment in question.moments]
            verdicts = [asked.judge.of(item, moment) for moment in question.moments]

            def expected(pair: list[Any], where: Any = where, keys: Any = keys, told: Any = told) -> set[Any]:
                if where is not None and not any(where.holds(keys, one) for one in pair):
                    return set()
                return _differences(pair, without={"secret"} if "redacted" in told else set())

            found = {(row["kind"], row["path"]) for row in rows if not (row["path"] == "secret" and "redacted" in told)}
            if found != expected(sides):
                known = all(one.certain for one in verdicts) and found == expected([one.image for one in verdicts])
                doubts = told | ({"hidden"} if where and "secret" in where.names and "redacted" in told else set())
                yield from _wrong(
                    asked, question, answer, doubts, f"{item}: {found}, truly {expected(sides)}", known=known
                )


def changes(asked: Asked) -> Iterator[Fault]:
    """Every change that landed in the range is a row, none else; one that did not is told."""
    for question, answer in asked.of("changes", "timeline"):
        if question.options:
            continue
        (start, end), where = question.range or (None, None), question.where
        first, last = start or 0, 1 << 62 if end is None else end
        found = {(row["keys"], row["event_id"]) for row in answer.rows}
        found |= {(row["keys"], micros(row["time"])) for row in answer.rows}
        for item in _named(asked, question):
            inside = [w for at, w in asked.world.effective(item) if first <= at < last]
            true = [w for w in inside if where is None or where.holds(asked.world.keys[item], w.after)]
            missing = [w for w in true if not _is_shown(asked, w, found)]
            streamed = [w for w in missing if w.landed and asked.world.eras[w.era or 0].kind == "stream"]
            for write in streamed:
                if _shows(asked, write, question):
                    yield Fault("T a change is missing", question, (), f"{write}")
            if missing:
                known = not of_range(asked, question) and not chain_facts(asked, question, item)
                yield from _wrong(asked, question, answer, {*answer.names}, f"{missing[0]} is missing", known=known)


def affecteds(asked: Asked) -> Iterator[Fault]:
    """At each whole second: who truly was hit is in a row that may cover it; a row that surely covers it is true."""
    for question, answer in asked.of("affected"):
        (start, end), where = question.range or (None, None), question.where
        assert where is not None and start is not None and end is not None
        moments = [one for one in asked.world.moments() if start <= one <= end - SECOND and one % SECOND == 0]
        for moment in moments[:: max(1, len(moments) // 8)]:
            last = asked.world.last_instant(moment)
            for item in asked.world.items:
                keys, verdict = asked.world.keys[item], asked.judge.of(item, moment)
                truly = where.holds(keys, asked.world.truth(item, moment))
                rows = answer.of(asked.keys(item))
                sure = [row for row in rows if _covers(row, "from_latest", "to_earliest", last)]
                may = [row for row in rows if _covers(row, "since", "until", last)]
                known = verdict.certain and where.holds(keys, verdict.image) is not truly
                if truly and not may:
                    doubts = set(answer.names)
                    doubts |= {"hidden"} if "secret" in where.names and "redacted" in doubts else set()
                    yield from _wrong(asked, question, answer, doubts, f"{item} is missing at {moment}", known=known)
                if sure and not truly:
                    cell = {name for row in sure for name in row["caveats"].split()}
                    cell |= {"hidden"} if "secret" in where.names and "redacted" in cell else set()
                    yield from _wrong(asked, question, answer, cell, f"{item} was not so at {moment}", known=known)


def blames(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("blame"):
        item, (moment,) = question.scope(asked.world)[0], question.moments
        if ": unknown" in answer.heading:
            continue
        found = {row["path"]: row["value"] for row in answer.rows if row["value"] is not MISSING} or None
        truth, verdict = asked.world.truth(item, moment), asked.judge.of(item, moment)
        if not _equal(asked, item, found, truth, answer.names):
            known = verdict.certain and _equal(asked, item, found, verdict.image, answer.names)
            yield from _wrong(asked, question, answer, {*answer.names}, f"{found}, truly {truth}", known=known)


def sinces(asked: Asked) -> Iterator[Fault]:
    for question, answer in asked.of("since"):
        item, (moment,), told = question.scope(asked.world)[0], question.moments, answer.told
        if told.status == "unknown":
            if not (answer.names or getattr(told, "reason", "")):
                yield Fault("T unknown, no reason", question, ())
            continue
        truth = asked.world.truth(item, moment)
        last, value = asked.world.last_instant(moment), told.value
        past = [asked.world.before.get(item)] + [w.after for at, w in asked.world.effective(item) if at <= last]
        holds = _value(truth) == _plain(value)
        ever = any(_value(image) == _plain(value) for image in past)
        right = {"holds": holds, "held": ever and not holds, "never": not ever}[told.status]
        if not right:
            verdict = asked.judge.of(item, moment)
            spans = [one.start for one in asked.known.spans]
            silent = not asked.known.unsilent(min(spans, default=0), last, item)
            known = verdict.certain and not asked.known.attested and (silent or told.status != "never")
            yield from _wrong(
                asked, question, answer, {*answer.names}, f"{told.status} {value!r}, truly {past}", known=known
            )


def coverages(asked: Asked) -> Iterator[Fault]:
    """``complete``: nothing of the range is missing, as far as the history can know; attested, nothing at all."""
    for question, answer in asked.of("coverage"):
        start, end = question.range or (None, None)
        if start is None or end is None:
            continue
        lost = [
            write
            for write in asked.world.writes
            if not write.landed and start <= asked.world.stamp(write) < end
        ]  # fmt: skip
        due = of_range(asked, question)
        if answer.attested and lost:
            yield Fault("T attested and wrong", question, (), f"{lost[0]} is missing")
        if answer.told.complete and due - {"net_change"}:
            yield Fault("T complete, though", question, tuple(sorted(due)))
        cut = any(one.start < edge < one.end for one in asked.known.windows for edge in (start, end))
        if not answer.told.complete and not due and not cut:
            yield Fault("D not complete, though nothing is missing", question, tuple(sorted(answer.names)))


#: What each of them checks, in order.
LAWS: tuple[Callable[[Asked], Iterator[Fault]], ...] = (
    states, proofs, snapshots, diffs, changes, affecteds, blames, sinces, coverages, crashes,
)  # fmt: skip


def _wrong(asked: Asked, question: Question, answer: Answer, told: Any, detail: str, *, known: bool) -> Iterator[Fault]:
    """A wrong answer: a fault where it is attested, or where nothing says so and the history could know better."""
    asked.wrong.add(question)
    doubts = {*told} - _SAYS_LESS
    if answer.attested and not doubts & {"unknown_keys", "hidden"}:
        yield Fault("T attested and wrong", question, tuple(sorted(told)), detail)
    elif not doubts and (not known or asked.world.calm):
        yield Fault("T wrong without a caveat", question, tuple(sorted(told)), detail)


def _named(asked: Asked, question: Question) -> list[str]:
    """The items of the scope, by what the text of the condition demands of the key too."""
    found = question.scope(asked.world)
    if question.text is None:
        return found
    return [
        item
        for item in found
        if all(f"'{value}'" in question.text for value in asked.world.keys[item].values())
        or (question.partition is not None and question.partition in asked.world.keys[item].values())
    ]


def _equal(asked: Asked, item: str, found: Mapping[str, Any] | None, truth: Any, told: Any) -> bool:
    """Whether an item is the truth, as far as rules and formats that are told let it be."""
    if truth is UNSEEN:
        return False
    full = asked.world.full(item, truth)
    if found is None or full is None:
        return found is full
    without = {"secret"} if "redacted" in told else set()
    text = str if "old_format" in told else _plain
    return {n: text(v) for n, v in found.items() if n not in without} == {
        n: text(v) for n, v in full.items() if n not in without
    }


def _differences(pair: list[Any], without: set[str]) -> set[tuple[str, str]]:
    one, other = ({n: str(v) for n, v in x.items() if n not in without} if x is not None and x is not UNSEEN else x
                  for x in pair)  # fmt: skip
    if one is None or other is None:
        return set() if one is other else {("added" if one is None else "removed", "")}
    if UNSEEN in (one, other):
        return {("unseen", "")}
    return {("changed", name) for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def _shows(asked: Asked, write: Any, question: Question) -> bool:
    """Whether the record has the new image that a condition would need."""
    era = asked.world.eras[write.era or 0]
    hidden = question.where is not None and write.redaction and "secret" in question.where.names
    return question.where is None or ("NEW" in era.view and not hidden)


def _is_shown(asked: Asked, write: Any, found: set[Any]) -> bool:
    """By its id, or, where records have ids of their own, by its time."""
    keys = asked.keys(write.item)
    streamed = write.era is not None and asked.world.eras[write.era].kind == "stream"
    return (keys, f"e{write.number}" if streamed else asked.world.stamp(write)) in found


def _covers(row: Mapping[str, Any], begin: str, end: str, last: int) -> bool:
    start, stop = micros(row[begin]), micros(row[end])
    return (start is None or start <= last) and (stop is None or stop > last)


def _value(image: Image) -> Any:
    return "nothing" if image is None or "v" not in image else str(image["v"])


def _plain(value: Any) -> Any:
    return "nothing" if value is MISSING else str(value)


__all__ = ["LAWS", "Verdict"]
