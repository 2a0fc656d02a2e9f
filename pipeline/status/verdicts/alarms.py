"""The verdict of the stack's alarms. Pure: facts in, a check out."""

from __future__ import annotations

import re
from typing import Final

from pipeline.status.checks import Check, Commands, Limits, Unanswered, Verdict, unknown
from pipeline.status.seen.facts import Facts
from pipeline.status.seen.resources import Alarm

#: What the stack's alarms are called after its name; the last is there only where objects expire.
ALARMS: Final = (
    "iterator-age", "recorder-errors", "unrecorded", "failing", "recorder-throttles", "dropped", "set-aside",
    "firehose-freshness", "firehose-throttled", "undelivered", "unhealthy", "attestation-missing", "attester-errors",
    "baseline-errors",
)  # fmt: skip
IN_ALARM: Final = Limits(bad=0, unit="alarms")


def alarms(facts: Facts, commands: Commands) -> Check:
    """Of the stack's alarms."""
    if isinstance(facts.alarms, Unanswered):
        return unknown("alarms", facts.alarms, IN_ALARM.threshold)
    begin = f"{facts.deployment.stack}-"
    found = {name: one for one in facts.alarms if (name := one.name.removeprefix(begin)) in ALARMS}
    raised = {name: one for name, one in found.items() if one.state == "ALARM"}
    gone = [name for name in ALARMS[:-1] if name not in found]
    told = [{"name": one.name, "reason": one.reason, "meaning": one.description} for one in raised.values()]
    seen = {"in_alarm": told, "missing": gone, "all": len(found)}
    verdict = Verdict.WARN if gone and not raised else IN_ALARM.verdict(len(raised))
    shown = f"in ALARM: {', '.join(raised)}" if raised else f"none of {len(found)} in ALARM"
    said = Check("alarms", verdict, len(raised), shown, IN_ALARM.threshold, seen)
    if raised:
        why = " ".join(_why(name, one) for name, one in raised.items())
        return said.advise(f"{why} More on each stands in docs/operations.md.")
    return said.advise(
        f"Nothing would tell of it: the alarms {', '.join(gone)} are missing.", commands.pipeline("deploy --drift")
    )


def _why(name: str, alarm: Alarm) -> str:
    """``undelivered: what it means (what was measured).``"""
    measured = re.sub(r"^Threshold Crossed: | \(minimum .*\)\.?$", "", alarm.reason).rstrip(".")
    return f"{name}: {alarm.description.rstrip('.') or 'in ALARM'} ({measured})."
