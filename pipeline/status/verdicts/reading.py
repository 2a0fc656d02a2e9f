"""The verdicts of what reads the stream: mapping, recorder, and the attester beside it. Pure: facts in, a check out."""

from __future__ import annotations

from typing import Any, Final

from histlib.values.times import HOUR
from pipeline.common.words import duration, many
from pipeline.status.checks import LATE_BAD, LATE_WARN, Check, Commands, Limits, Unanswered, Verdict, unknown
from pipeline.status.seen.facts import Facts
from pipeline.status.seen.metrics import Series
from pipeline.status.seen.resources import Mapping

#: Seconds; the warning is that of the stack's alarm.
ITERATOR_AGE: Final = Limits(LATE_WARN / 2, LATE_BAD)
#: In an hour.
FAILURES: Final = Limits(warn=0, unit="errors and throttles")

#: Seconds; what the template sets is longer, and what an earlier one set was not.
RECORD_AGE: Final = 23 * 3_600

_MAPPING: Final = {"expected": "Enabled"}
_SETTINGS: Final = {"expected": "as deployed"}
_FAILURES: Final = FAILURES.threshold | {"bad_if": "every call failed"}


def mapping(facts: Facts, commands: Commands) -> Check:
    """Of the event source mapping: it reads, and what it read last was recorded."""
    found = facts.mapping
    if isinstance(found, Unanswered):
        return unknown("mapping", found, _MAPPING)
    if found is None:
        gone = Check("mapping", Verdict.BAD, None, "is not there", _MAPPING)
        return gone.advise(
            "Nothing reads the stream, and after 24 h its changes are lost: deploy again.", commands.pipeline("deploy")
        )
    seen = {"last_processing_result": found.result}
    failed = found.result.startswith("PROBLEM")
    good = Verdict.OK if found.state == "Enabled" else _of_mapping(found.state)
    shown = f"{found.state}, last batch: {found.result or 'none yet'}"
    said = Check("mapping", Verdict.BAD if failed else good, found.state, shown, _MAPPING, seen)
    if failed:
        meaning = "The last batch failed and is tried again while what comes after it waits: see the recorder's log."
        return said.advise(meaning, commands.log(facts.recorder_log))
    if said.verdict is Verdict.WARN:
        return said.advise(f"Lambda says that the mapping is {found.state}: look again.", commands.pipeline("status"))
    enable = f"aws lambda update-event-source-mapping --uuid {facts.deployment.mapping_id} --enabled{commands.account}"
    return said.advise("Nothing reads the stream, and after 24 h its changes are lost: enable the mapping.", enable)


def mapping_settings(facts: Facts, commands: Commands) -> Check:
    """Of those settings of the mapping without which changes are lost."""
    found = facts.mapping
    if isinstance(found, Unanswered):
        return unknown("mapping_settings", found, _SETTINGS)
    if found is None:
        gone = Check("mapping_settings", Verdict.BAD, None, "there are none", _SETTINGS)
        return gone.advise("There is no mapping: deploy again.", commands.pipeline("deploy"))
    wrong, weak = _wrong_settings(found, facts.deployment.recorder_function), _weak_settings(found.settings)
    verdict = Verdict.BAD if wrong else Verdict.WARN if weak else Verdict.OK
    value, seen = "; ".join(wrong + weak) or "as deployed", _settings(found.settings)
    batch = f"{value}, batches of {seen['batch_size']} or {seen['batching_window_seconds']} s"
    shown = batch if verdict is Verdict.OK else many(len(wrong + weak), "setting") + " changed"
    said = Check("mapping_settings", verdict, value, shown, _SETTINGS, seen)
    return said.advise(
        f"Changes can be lost: {value}; see what was changed, and undo it.", commands.pipeline("deploy --drift")
    )


def iterator_age(facts: Facts, commands: Commands) -> Check:
    """Of how far the recorder is behind the stream."""
    metrics = facts.metrics
    if isinstance(metrics, Unanswered):
        return unknown("iterator_age", metrics, ITERATOR_AGE.threshold)
    current = metrics.iterator_age.since(facts.now - HOUR).current
    if current is None:
        return Check("iterator_age", Verdict.OK, None, "no batch in the last hour", ITERATOR_AGE.threshold)
    age = current / 1_000
    said = Check("iterator_age", ITERATOR_AGE.verdict(age), age, f"{duration(age)} behind", ITERATOR_AGE.threshold)
    return said.advise(
        "The recorder is behind the stream, which loses changes after 24 h: see its log, and if it does not fail, "
        "deploy with a larger ParallelizationFactor.",
        commands.log(facts.recorder_log),
    )


def recorder(facts: Facts, commands: Commands) -> Check:
    """Of the calls of the recorder."""
    metrics = facts.metrics
    if isinstance(metrics, Unanswered):
        return unknown("recorder", metrics, _FAILURES)
    calls = metrics.recorder_invocations, metrics.recorder_errors, metrics.recorder_throttles
    said = _of_calls("recorder", calls, facts.now)
    log = commands.log(facts.recorder_log)
    return said.advise("Calls of the recorder failed; Lambda repeats them, but see its log for why.", log)


def attester(facts: Facts, commands: Commands) -> Check:
    """Of the calls of the attester."""
    metrics = facts.metrics
    if isinstance(metrics, Unanswered):
        return unknown("attester", metrics, _FAILURES)
    calls = metrics.attester_invocations, metrics.attester_errors, metrics.attester_throttles
    said = _of_calls("attester", calls, facts.now)
    log = commands.log(facts.attester_log)
    return said.advise("Calls of the attester failed, so attestations are missing: see its log for why.", log)


def _of_mapping(state: str) -> Verdict:
    return Verdict.WARN if state in ("Creating", "Enabling", "Updating") else Verdict.BAD


def _of_calls(name: str, calls: tuple[Series, Series, Series], now: int) -> Check:
    """Of invocations, errors and throttles."""
    invocations, errors, throttles = (series.since(now - HOUR).total for series in calls)
    failures = errors + throttles
    seen = {
        "invocations_last_hour": invocations,
        "errors_last_hour": errors,
        "throttles_last_hour": throttles,
        "errors_last_day": calls[1].total,
        "throttles_last_day": calls[2].total,
    }
    all_failed = failures > 0 and errors >= invocations
    verdict = Verdict.BAD if all_failed else FAILURES.verdict(failures)
    in_a_day = f"in 24 h: {many(calls[1].total, 'error')}, {many(calls[2].total, 'throttle')}"
    quiet = not (calls[1].total or calls[2].total)
    shown = "no error or throttle in 24 h" if quiet else f"{failures:,.0f} in 1 h; {in_a_day}"
    return Check(name, verdict, failures, shown, _FAILURES, seen)


def _wrong_settings(found: Mapping, recorder_function: str) -> list[str]:
    """Those that lose changes."""
    settings, wrong = found.settings, []
    if recorder_function not in found.function.split(":"):
        wrong.append(f"it calls {found.function}, not the recorder")
    if "ReportBatchItemFailures" not in settings.get("FunctionResponseTypes", ()):
        wrong.append("ReportBatchItemFailures is off, so what the recorder could not store is not sent again")
    if not settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
        wrong.append("no on-failure destination, so what Lambda gives up is gone")
    if settings.get("FilterCriteria", {}).get("Filters"):
        wrong.append("a filter leaves changes out")
    return wrong


def _weak_settings(settings: dict[str, Any]) -> list[str]:
    """Those that may."""
    weak = []
    if settings.get("StartingPosition", "TRIM_HORIZON") != "TRIM_HORIZON":
        weak.append("it did not start at TRIM_HORIZON, so changes from before it ran may be missing")
    if settings.get("MaximumRetryAttempts", -1) == -1 and settings.get("MaximumRecordAgeInSeconds", -1) == -1:
        weak.append("a batch that fails is tried for ever and holds up its shard until the stream loses changes")
    if 0 <= settings.get("MaximumRecordAgeInSeconds", -1) < RECORD_AGE:
        weak.append("changes that wait are set aside raw long before the stream lets them go")
    return weak


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "batch_size": settings.get("BatchSize"),
        "batching_window_seconds": settings.get("MaximumBatchingWindowInSeconds"),
        "parallelization_factor": settings.get("ParallelizationFactor"),
        "maximum_retry_attempts": settings.get("MaximumRetryAttempts"),
        "maximum_record_age_seconds": settings.get("MaximumRecordAgeInSeconds"),
        "bisect_batch_on_function_error": settings.get("BisectBatchOnFunctionError"),
        "starting_position": settings.get("StartingPosition"),
        "on_failure": settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
    }
