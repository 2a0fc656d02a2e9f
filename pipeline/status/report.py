"""All checks of one moment: in a sentence, and as JSON. The text for a terminal is in ``text``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment
from pipeline.common.words import ago, clock, iso, many
from pipeline.status.checks import Check, Commands, Unanswered, Verdict
from pipeline.status.seen.facts import Facts, ask
from pipeline.status.verdicts import alarms, capture, delivery, history, reading

#: Each answers one question about the facts; in the order of the changes' way.
JUDGES: Final[tuple[Callable[[Facts, Commands], Check], ...]] = (
    capture.stack,
    capture.table,
    capture.stream,
    reading.mapping,
    reading.mapping_settings,
    reading.iterator_age,
    reading.recorder,
    delivery.delivery_stream,
    delivery.firehose_freshness,
    delivery.firehose_throttled,
    delivery.landing,
    delivery.undelivered,
    delivery.quarantined,
    history.attestation,
    history.losses,
    reading.attester,
    history.baseline,
    alarms.alarms,
)


@dataclass(frozen=True)
class Report:
    """What was found at ``now``; ``captured_through``: all changes up to then are in the history (both epoch µs)."""

    deployment: Deployment
    region: str | None
    now: int
    captured_through: int | None
    checks: tuple[Check, ...]

    def count(self, verdict: Verdict) -> int:
        """How many checks came out so."""
        return Counter(one.verdict for one in self.checks)[verdict]

    @property
    def whole(self) -> bool:
        """Nothing is bad, and nothing unknown; there may be warnings."""
        return not (self.count(Verdict.BAD) or self.count(Verdict.UNKNOWN))

    @property
    def headline(self) -> str:
        """It in a sentence."""
        return "; ".join(self.headlines)

    @property
    def headlines(self) -> tuple[str, ...]:
        """The sentence in one part, or in two where there is something to count."""
        counts = [
            many(self.count(verdict), word)
            for verdict, word in (
                (Verdict.BAD, "problem"),
                (Verdict.UNKNOWN, "unanswered question"),
                (Verdict.WARN, "warning"),
            )
            if self.count(verdict)
        ]
        state = "whole" if self.whole else "not whole" if self.count(Verdict.BAD) else "not known"
        return (f"{state}: {', '.join(counts)}", self._through) if counts else (f"{state}: {self._through}",)

    @property
    def _through(self) -> str:
        if self.captured_through is None:
            return "captured through: not known"
        return f"captured through {clock(self.captured_through)} ({ago(self.captured_through, self.now)})"


def look(aws: Aws, deployment: Deployment, commands: Commands, now: int) -> Report:
    """Ask AWS, and judge. ``now`` in epoch µs."""
    return judge(ask(aws, deployment, now), aws.region, commands)


def judge(facts: Facts, region: str | None, commands: Commands) -> Report:
    """The report of these facts."""
    attested = facts.attestations
    whole = None if isinstance(attested, Unanswered) else attested.last_whole
    through = None if whole is None else whole.captured_through
    checks = tuple(one(facts, commands) for one in JUDGES)
    return Report(facts.deployment, region, facts.now, through, checks)


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs: names stay as they are, times are ISO 8601 in UTC, durations seconds."""
    return {
        "format": 1,
        "table": report.deployment.table_name,
        "stack": report.deployment.stack,
        "region": report.region,
        "history": report.deployment.location,
        "dashboard": report.deployment.dashboard or None,
        "checked_at": iso(report.now),
        "whole": report.whole,
        "headline": report.headline,
        "captured_through": iso(report.captured_through),
        "checks": [_check(one) for one in report.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "verdict": str(check.verdict),
        "value": check.value,
        "threshold": dict(check.threshold),
        "facts": dict(check.facts),
        "meaning": check.meaning or None,
        "command": check.command or None,
    }
