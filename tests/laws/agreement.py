"""Laws 3 to 8: answers that speak of the same say the same, and say it once, with right numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tests.laws.answers import Answer, Asked
from tests.laws.faults import Fault, lacking
from tests.laws.history import UNSEEN
from tests.laws.questions import Question
from tests.laws.worlds import SECOND

_COUNT = re.compile(r"\bon ([\d,]+) (row|change|item|period)(s?)\b")
_ONE = re.compile(r"(?<![\d,.:-])1 (items|rows|changes|periods|more items|known items|damaged files)\b")


def counting_is_answering(asked: Asked) -> Iterator[Fault]:
    """Law 4: ``activity`` tells what ``changes`` over the same range tells."""
    for question, answer in asked.of("activity"):
        changes = asked.answer(replace(question, kind="changes"))
        if changes.error:
            continue
        yield from lacking("4 activity tells less", question, changes.names, answer.names, "than changes")
        yield from lacking("4 activity tells more", question, answer.names, changes.names, "than changes")


def a_difference_tells_of_both(asked: Asked) -> Iterator[Fault]:
    """Law 4: ``diff`` tells what both its snapshots tell."""
    for question, answer in asked.of("diff"):
        if question.items is not None:
            continue
        for moment in question.moments:
            one = asked.answer(replace(question, kind="snapshot_at", moments=(moment,)))
            if not one.error:
                needed = one.names - ({"redacted"} if question.where else set())
                yield from lacking("4 diff tells less", question, needed, answer.names, f"than snapshot_at {moment}")


def keys_as_their_condition(asked: Asked) -> Iterator[Fault]:
    """Law 4: ``snapshot_at(keys=…)`` tells what the condition on the same keys tells."""
    for question, answer in asked.of("snapshot_at"):
        if question.text is None:
            continue
        names = answer.names - {"old_format"}
        if question.partition is not None:
            keys = asked.answer(Question("snapshot_at", question.moments, partition=question.partition))
            condition = asked.answer(replace(question, partition=None))
            if keys.error or condition.error:
                continue
            told = keys.names - {"old_format"}
            names = condition.names - {"old_format"}
        else:
            item = next(one for one in asked.world.items if _names(asked, one) == question.text)
            keys = asked.answer(Question("snapshot_at", question.moments, items=(item,)))
            if keys.error:
                continue
            told, names = keys.names - {"old_format", "unknown_keys"}, names - {"unknown_keys"}
        yield from lacking("4 keys tell less", question, names, told, "than their condition")
        yield from lacking("4 keys tell more", question, told, names, "than their condition")


def a_wide_scope_knows_its_keys(asked: Asked) -> Iterator[Fault]:
    """Law 3: a scope wider than named keys has ``unknown_keys`` unless a whole baseline covers it; answers about
    changes never have it."""
    for question, answer in asked.of("snapshot_at", "diff"):
        by_whole_key = question.text is not None and question.partition is None
        known = all(asked.known.all_known(one, settled=False) for one in question.moments)
        if question.wide and not by_whole_key and not known:
            yield from lacking("3 unknown keys", question, {"unknown_keys"}, answer.names, "no whole baseline")
    for question, answer in asked.of("changes", "activity", "timeline"):
        if "unknown_keys" in answer.names:
            yield Fault("3 changes know no keys", question, ("unknown_keys",))


def a_second_ends_at_its_end(asked: Asked) -> Iterator[Fault]:
    """Law 5: the rest of a whole second must be covered, also when the item changed in it; an end of a window is meant
    as that instant, where nothing is in doubt."""
    for question, answer in asked.of("state_at"):
        item, (moment,) = question.scope(asked.world)[0], question.moments
        last = asked.known.last_instant(moment)
        if moment % SECOND == 0 and last == moment and "net_change" in answer.names:
            yield Fault("6 net_change at an end", question, ("net_change",))
        past = [one for one in asked.known.chains[item] if one.effective <= last]
        if past and past[-1].effective // SECOND == moment // SECOND and asked.known.attested:
            needed = asked.known.unsilent(past[-1].effective, last, item, past[-1].lane)
            told = answer.names & {"outside_coverage", "not_settled", "unreadable_files"}
            verdict = asked.judge.of(item, moment)
            if needed and not told and not verdict.certain:
                yield Fault("5 the rest of the second", question, tuple(sorted(needed)))


def unseen_images(asked: Asked) -> Iterator[Fault]:
    """Law 7: where nothing hides what came after a change whose image its view does not hold, a state that only what
    came later tells says that this is not proven."""
    for question, answer in asked.of("state_at"):
        item, (moment,) = question.scope(asked.world)[0], question.moments
        last = asked.known.last_instant(moment)
        past = [one for one in asked.known.chains[item] if one.effective <= last]
        if not past or past[-1].after is not UNSEEN or answer.told.evidence in (None, "change"):
            continue
        anchored = any(past[-1].effective <= seen.end and seen.begin <= last for seen in asked.known.seen[item])
        if not anchored and not asked.known.unsilent(past[-1].effective, last, item, past[-1].lane):
            yield from lacking("7 unseen image", question, {"chain_unproven"}, answer.names, "told by what came later")


def inside_windows(asked: Asked) -> Iterator[Fault]:
    """Law 6: strictly inside a window every answer carries ``net_change``, whatever it found."""
    for question, answer in asked.of("state_at", "snapshot_at", "diff", "blame", "since"):
        if any(map(asked.known.inside_a_window, question.moments)):
            yield from lacking("6 inside a window", question, {"net_change"}, answer.names, "inside a window")
    for question, answer in asked.of("affected"):
        start, end = question.range or (None, None)
        if asked.known.cuts_a_window(start or 0, end or 0):
            yield from lacking("6 inside a window", question, {"net_change"}, answer.names, "over a part of a window")


def told_once(asked: Asked) -> Iterator[Fault]:
    """Law 8: each caveat once on the frame, those of rows among them; counts are those of the rows shown."""
    for question, answer in asked.of("snapshot_at", "diff", "affected", "changes", "activity", "timeline", "blame"):
        names = [name for name, _ in answer.caveats]
        if len(names) != len(set(names)):
            yield Fault("8 told twice", question, tuple(sorted({one for one in names if names.count(one) > 1})))
        rows = {name for row in answer.rows for name in str(row.get("caveats", "")).split()}
        yield from lacking("8 rows not on the frame", question, rows, names, "")
        yield from _counts(question, answer)


def _counts(question: Question, answer: Answer) -> Iterator[Fault]:
    for name, detail in [*answer.caveats, ("heading", answer.heading)]:
        if _ONE.search(detail):
            yield Fault("8 one of several", question, (name,), detail)
        for number, what, plural in _COUNT.findall(detail):
            count, having = int(number.replace(",", "")), [r for r in answer.rows if name in r["caveats"].split()]
            shown = len({row["event_id"] for row in having}) if what == "change" else len(having)
            if what == "item":
                shown = len({row["keys"] for row in having})
            if bool(plural) != (count != 1):
                yield Fault("8 one of several", question, (name,), detail)
            if question.kind not in ("activity",) and count != shown:
                yield Fault("8 wrong count", question, (name,), f"{detail}: {shown} shown")


def _names(asked: Asked, item: str) -> str:
    return " AND ".join(f"keys.{name} = '{value}'" for name, value in asked.world.keys[item].items())
