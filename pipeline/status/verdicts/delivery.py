"""The verdicts of what brings the changes to S3. Pure: facts in, a check out."""

from __future__ import annotations

from typing import Any, Final

from histlib.values.times import DAY, HOUR, SECOND
from pipeline.common.words import ago, clock, duration, iso, many, seconds_between
from pipeline.status.checks import LATE_BAD, LATE_WARN, Check, Commands, Limits, Unanswered, Verdict, unknown
from pipeline.status.seen.facts import Facts
from pipeline.status.seen.metrics import Metrics

#: Seconds.
FRESHNESS: Final = Limits(LATE_WARN, LATE_BAD)
#: In an hour.
THROTTLED: Final = Limits(warn=0, unit="records")
#: Seconds that the table has been written to with nothing landed since.
UNLANDED: Final = Limits(warn=LATE_WARN)
UNDELIVERED: Final = Limits(bad=0, unit="objects")


_STATUS: Final = {"expected": "ACTIVE"}


def delivery_stream(facts: Facts, commands: Commands) -> Check:
    """Of Firehose's delivery stream: it is there, and writes to the history's bucket."""
    found, bucket = facts.delivery_stream, facts.deployment.history_bucket
    if isinstance(found, Unanswered):
        return unknown("delivery_stream", found, _STATUS)
    deploy = commands.pipeline("deploy")
    if found is None:
        gone = Check("delivery_stream", Verdict.BAD, None, "is not there", _STATUS)
        return gone.advise(
            "The recorder has nowhere to put changes, and after 24 h they are lost: deploy again.", deploy
        )
    seen = {"bucket": found.bucket}
    if found.bucket != bucket:
        other = Check("delivery_stream", Verdict.BAD, found.status, f"writes to {found.bucket}", _STATUS, seen)
        drift = commands.pipeline("deploy --drift")
        return other.advise(
            f"Changes land in another bucket than the history's, {bucket}: see what was changed.", drift
        )
    verdict = Verdict.OK if found.status == "ACTIVE" else Verdict.WARN if found.status == "CREATING" else Verdict.BAD
    said = Check("delivery_stream", verdict, found.status, found.status, _STATUS, seen)
    return said.advise(f"Firehose says that it is {found.status}: see the stack's events, then deploy again.", deploy)


def firehose_freshness(facts: Facts, commands: Commands) -> Check:
    """Of how long the oldest change has waited in Firehose."""
    metrics = facts.metrics
    if isinstance(metrics, Unanswered):
        return unknown("firehose_freshness", metrics, FRESHNESS.threshold)
    age = metrics.freshness.since(facts.now - HOUR).current
    if age is None:
        return Check("firehose_freshness", Verdict.OK, None, "nothing waited in the last hour", FRESHNESS.threshold)
    shown = f"oldest change waits {duration(age)}"
    said = Check("firehose_freshness", FRESHNESS.verdict(age), age, shown, FRESHNESS.threshold)
    return said.advise(
        "S3 does not take what Firehose has, which is gone for good after 24 h: see its log, mostly for a bucket, key "
        "or role that refuses it.",
        commands.firehose_log(facts.deployment.stack),
    )


def firehose_throttled(facts: Facts, commands: Commands) -> Check:
    """Of the records that Firehose did not take at once."""
    metrics = facts.metrics
    if isinstance(metrics, Unanswered):
        return unknown("firehose_throttled", metrics, THROTTLED.threshold)
    last_hour, last_day = metrics.throttled_records.since(facts.now - HOUR).total, metrics.throttled_records.total
    shown = f"{many(last_hour, 'record')} in 1 h; in 24 h: {last_day:,.0f}" if last_day else "no record in 24 h"
    seen = {"last_day": last_day}
    said = Check("firehose_throttled", THROTTLED.verdict(last_hour), last_hour, shown, THROTTLED.threshold, seen)
    return said.advise(
        "Firehose has no room for all that is written, so the recorder sends it again and falls behind: ask AWS for a "
        "higher quota of the delivery stream."
    )


def landing(facts: Facts, commands: Commands) -> Check:
    """Of what landed last: nothing new is a fault only where the table was written to since.

    The value is for how long the table has been written to with nothing landed since. Writes that change nothing
    are counted by CloudWatch too, and are no changes: so it is never worse than a warning.
    """
    found, metrics, now = facts.landed, facts.metrics, facts.now
    if isinstance(found, Unanswered):
        return unknown("landing", found, UNLANDED.threshold)
    lag = None if found is None else seconds_between(found.at, now)
    newest = "nothing today or yesterday" if found is None else f"newest object {ago(found.at, now)}"
    seen: dict[str, Any] = {
        "newest_at": None if found is None else iso(found.at),
        "newest_key": None if found is None else found.key,
        "lag_seconds": lag,
    }
    if isinstance(metrics, Unanswered):
        if lag is not None and lag <= LATE_WARN:
            return Check("landing", Verdict.OK, None, newest, UNLANDED.threshold, seen)
        quiet = Unanswered(f"{newest}, and whether the table was quiet since: {metrics.reason}")
        return unknown("landing", quiet, UNLANDED.threshold)
    written = _written_since(metrics, found.at if found else 0)
    waiting = 0.0 if written is None else seconds_between(written, now)
    shown = f"{newest}{_quiet(lag)}" if written is None else newest
    said = Check("landing", UNLANDED.verdict(waiting), waiting, shown, UNLANDED.threshold, seen)
    since = "" if written is None else f" since {clock(written)}"
    return said.advise(
        f"The table was written to{since}, and nothing landed: if those writes changed something, the recorder or "
        "Firehose holds it.",
        commands.log(facts.recorder_log),
    )


def undelivered(facts: Facts, commands: Commands) -> Check:
    """Of the changes that wait to be delivered again."""
    found = facts.undelivered
    if isinstance(found, Unanswered):
        return unknown("undelivered", found, UNDELIVERED.threshold)
    oldest = "" if found.oldest is None else f", the oldest {ago(found.oldest, facts.now)}"
    seen = {"oldest_at": iso(found.oldest)}
    shown = f"{many(found.count, 'object')}{oldest}"
    said = Check("undelivered", UNDELIVERED.verdict(found.count), found.count, shown, UNDELIVERED.threshold, seen)
    return said.advise(
        "Changes lie beside the history, answers tell of them as holes, and no attestation is whole: find why in the "
        "recorder's log, then redrive.",
        commands.pipeline("redrive"),
    )


def quarantined(facts: Facts, _: Commands) -> Check:
    """Of what was set aside for good: it is only told."""
    found = facts.quarantined
    if isinstance(found, Unanswered):
        return unknown("quarantined", found, {})
    known = " (holes that answers tell of)" if found.count else ""
    seen = {"oldest_at": iso(found.oldest)}
    return Check("quarantined", Verdict.OK, found.count, f"{many(found.count, 'object')}{known}", {}, seen)


def _written_since(metrics: Metrics, moment: int) -> int | None:
    """When the table was first written to after that, as far as CloudWatch was asked; None where it was not."""
    return metrics.writes.since(moment).first_above_0


def _quiet(lag: float | None) -> str:
    """What is said of a table that was not written to since; CloudWatch was asked of a day."""
    if lag is not None and lag <= LATE_WARN:
        return ""
    since = "since" if lag is not None and lag <= DAY // SECOND else "in 24 h"
    return f"; no writes {since}: a quiet table is quiet"
