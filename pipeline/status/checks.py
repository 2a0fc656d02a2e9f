"""What a check is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from histlib.values.times import HOUR, SECOND


class Verdict(StrEnum):
    """How it stands; ``unknown`` where AWS could not be asked."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


#: The worst first.
BY_SEVERITY: Final = (Verdict.BAD, Verdict.UNKNOWN, Verdict.WARN, Verdict.OK)

#: Above how many seconds of delay it is time to look, and when it is urgent: a stream holds its records for 24 h, and
#: Firehose what S3 refuses (DynamoDB developer guide, "Change data capture for DynamoDB Streams"; Data Firehose
#: developer guide, "Data delivery failure handling").
LATE_WARN: Final = HOUR // SECOND
LATE_BAD: Final = 12 * HOUR // SECOND


@dataclass(frozen=True)
class Limits:
    """A number up to ``warn`` is good, above it a warning, above ``bad`` bad; None: never. ``unit`` is that of all."""

    warn: float | None = None
    bad: float | None = None
    unit: str = "seconds"

    def verdict(self, value: float) -> Verdict:
        """Of this value."""
        if self.bad is not None and value > self.bad:
            return Verdict.BAD
        return Verdict.WARN if self.warn is not None and value > self.warn else Verdict.OK

    @property
    def threshold(self) -> dict[str, Any]:
        """As a check's threshold."""
        return {"warn_above": self.warn, "bad_above": self.bad, "unit": self.unit}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    ``value`` is held against ``threshold``, and is a duration in seconds, a count, a word, or None where there is
    none; ``shown`` says it for people. ``facts`` are what else was seen: names end in ``_seconds`` for durations and
    in ``_at`` or ``_through`` for times (ISO 8601, UTC). Where the verdict is not ok, ``meaning`` is one sentence, and
    ``command`` what to run next (empty where no command helps).
    """

    name: str
    verdict: Verdict
    value: str | float | None
    shown: str
    threshold: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    meaning: str = ""
    command: str = ""

    def advise(self, meaning: str, command: str = "") -> Check:
        """With what it means and what to do, unless all is well."""
        return self if self.verdict is Verdict.OK else replace(self, meaning=meaning, command=command)


@dataclass(frozen=True)
class Unanswered:
    """What AWS did not tell, and why: the reason names the action."""

    reason: str


@dataclass(frozen=True)
class Commands:
    """The commands to run next, for this table with the options that were given: ``place`` is all of them."""

    place: str
    account: str = ""

    def pipeline(self, command: str) -> str:
        """``python -m pipeline …``."""
        return f"python -m pipeline {command} {self.place}"

    def log(self, group: str | Unanswered | None) -> str:
        """How to see what a Lambda function logged into its log group; empty where it is not known."""
        return f"aws logs tail {group} --since 1d{self.account}" if isinstance(group, str) else ""

    def firehose_log(self, stack: str) -> str:
        """How to see what Firehose could not deliver, and why."""
        return f"aws logs tail /aws/kinesisfirehose/{stack} --since 1d{self.account}"

    def coverage(self, source: str) -> str:
        """How to see what the history covers."""
        return f"python -m histlib coverage --source '{source}'{self.account}"


def unknown(name: str, why: Unanswered, threshold: Mapping[str, Any]) -> Check:
    """The check of what AWS did not tell."""
    meaning = f"This could not be asked, so nothing is known of it: {why.reason}."
    return Check(name, Verdict.UNKNOWN, None, "not known", threshold, meaning=meaning)
