"""The verdicts of what the history itself tells: attestations, losses, baselines. Pure: facts in, a check out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from histlib.rules.coverage.baselines import Manifest
from histlib.rules.coverage.coverage import Attestation
from histlib.values.times import DAY, SECOND
from pipeline.common.words import ago, duration, iso, many, seconds_between
from pipeline.status.checks import Check, Commands, Limits, Unanswered, Verdict, unknown
from pipeline.status.seen.facts import Facts
from pipeline.status.seen.resources import Stack, Table

#: Attestations prove silence between them only where they are at most this far apart, in seconds.
ATTESTATION_BAD: Final = DAY // SECOND
#: Of the whole attesting job, in seconds, where the stack does not say.
_INTERVAL: Final = 900
#: How often changes were lost for good.
LOSSES: Final = Limits(warn=0, unit="times")


def attestation(facts: Facts, commands: Commands) -> Check:
    """Of the last attestation: it is recent, of what is deployed, and whole."""
    found, limits = facts.attestations, attestation_limits(facts)
    threshold = limits.threshold | {"bad_if": "not whole"}
    if isinstance(found, Unanswered):
        return unknown("attestation", found, threshold)
    log, last = commands.log(facts.attester_log), found.last
    if last is None:
        none = Check("attestation", Verdict.BAD, None, "none yet", threshold)
        return none.advise(
            "Nothing proves that the history is whole: the first comes some minutes after deploy; if it does not, see "
            "the attester's log.",
            log,
        )
    age, problems = seconds_between(last.attested_at, facts.now), list(_problems(last, facts))
    seen = {
        "attested_at": iso(last.attested_at),
        "healthy": last.healthy,
        "undelivered": last.undelivered,
        "problems": problems,
        "captured_through": None if found.last_whole is None else iso(found.last_whole.captured_through),
    }
    verdict = Verdict.BAD if problems else limits.verdict(age)
    shown = f"{ago(last.attested_at, facts.now)}, {'not whole' if problems else 'whole'}"
    said = Check("attestation", verdict, age, shown, threshold, seen)
    if problems:
        return said.advise(
            f"The last attestation is not whole: {'; '.join(problems)}. Mend that; the next one tells.", log
        )
    often = duration(limits.warn / 2) if limits.warn else ""
    return said.advise(
        f"The attester, which should attest every {often}, does not: without it silence proves nothing; see its log.",
        log,
    )


def losses(facts: Facts, commands: Commands) -> Check:
    """Of changes that were lost for good, as the last attestation counts them."""
    found = facts.attestations
    if isinstance(found, Unanswered):
        return unknown("losses", found, LOSSES.threshold)
    if found.last is None:
        return unknown("losses", Unanswered("there is no attestation yet"), LOSSES.threshold)
    count = found.last.losses
    said = Check("losses", LOSSES.verdict(count), count, many(count, "time") if count else "none", LOSSES.threshold)
    return said.advise(
        f"Changes were lost for good, {many(count, 'time')}: coverage says when, and answers know of it; a baseline "
        "shows what the items are since.",
        commands.coverage(facts.deployment.source),
    )


def baseline(facts: Facts, commands: Commands) -> Check:
    """Of the last full picture of the table: it has to be renewed before what it is made of expires."""
    found, limits = facts.baselines, baseline_limits(facts.deployment.retention_days)
    if isinstance(found, Unanswered):
        return unknown("baseline", found, limits.threshold)
    take = commands.pipeline("baseline")
    ours = [one for one in found.manifests if _is_of(one, facts.table)]
    if not ours:
        none = Check("baseline", Verdict.WARN, None, "none", limits.threshold, {"unreadable": list(found.unreadable)})
        return none.advise("Items that have not changed since the capture began are not known: take a baseline.", take)
    last = max(ours, key=lambda one: one.read_begin)
    age = seconds_between(last.read_begin, facts.now)
    verdict = limits.verdict(age)
    shown = f"{many(last.items, 'item')}, {ago(last.read_begin, facts.now)}"
    worse = Verdict.WARN if verdict is Verdict.OK and found.unreadable else verdict
    said = Check("baseline", worse, age, shown, limits.threshold, _seen_of(last, found.unreadable))
    if verdict is Verdict.OK:
        unreadable = "; ".join(found.unreadable)
        return said.advise(f"Of these baselines the manifest cannot be read, so they do not exist: {unreadable}.", take)
    days = facts.deployment.retention_days
    return said.advise(
        f"The landing's objects expire after {days} days, and with them what is known of items that do not change: "
        "take a new baseline.",
        take,
    )


def attestation_limits(facts: Facts) -> Limits:
    """Two intervals, in seconds, and a day."""
    minutes = facts.stack.parameters.get("AttestMinutes", "") if isinstance(facts.stack, Stack) else ""
    return Limits(2 * (int(minutes) * 60 if minutes.isdigit() else _INTERVAL), ATTESTATION_BAD)


def baseline_limits(retention_days: str) -> Limits:
    """Half the retention, in seconds, and all of it; none where nothing expires."""
    retention = int(retention_days) * (DAY // SECOND)
    return Limits(retention / 2, retention) if retention else Limits()


def _problems(last: Attestation, facts: Facts) -> Iterator[str]:
    """Why an attestation does not say that what is deployed is whole."""
    if last.stream != facts.deployment.stream_arn:
        yield f"it is of another stream ({last.stream.rpartition('/stream/')[2]})"
    if last.mapping != facts.deployment.mapping_id:
        yield f"it is of another mapping ({last.mapping})"
    if isinstance(facts.table, Table) and _differ(last.table_id, facts.table.table_id):
        yield f"it is of a table that is no more (id {last.table_id})"
    if last.whole:
        return
    if last.problems:
        yield from last.problems
        return
    if last.mapping_state != "Enabled":
        yield f"the mapping was {last.mapping_state}"
    if last.undelivered:
        yield f"{many(last.undelivered, 'object')} undelivered"
    if not last.healthy:
        yield "the attester found the pipeline not healthy"


def _seen_of(last: Manifest, unreadable: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": last.id,
        "items": last.items,
        "read_begin_at": iso(last.read_begin),
        "read_end_at": iso(last.read_end),
        "unreadable": list(unreadable),
    }


def _is_of(manifest: Manifest, table: Table | Unanswered | None) -> bool:
    """Whether it is of this very table, and not of one of its name before it."""
    return not (isinstance(table, Table) and _differ(manifest.table_id, table.table_id))


def _differ(one: str | None, other: str | None) -> bool:
    """Whether two ids are known, and not the same."""
    return one is not None and other is not None and one != other
