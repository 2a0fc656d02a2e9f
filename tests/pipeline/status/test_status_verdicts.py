"""The verdicts of ``status`` by themselves: each threshold at the value, just below and just above."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

import pipeline
from histlib.values.times import DAY, HOUR, MINUTE, SECOND
from pipeline.status.checks import Unanswered
from pipeline.status.seen.metrics import Series
from pipeline.status.seen.objects import Attestations, Baselines, Landed, Objects
from pipeline.status.seen.resources import DeliveryStream, Stack
from pipeline.status.verdicts.alarms import ALARMS
from tests.support.pipeline.status_facts import (
    DEPLOYMENT,
    FACTS,
    MANIFEST,
    MAPPING,
    METRICS,
    NOW,
    attested,
    check_of,
    measured,
    report_of,
    series,
    set_otherwise,
)


def baselines(age: int, retention_days: str) -> dict[str, Any]:
    manifest = msgspec.structs.replace(MANIFEST, read_begin=NOW - age, read_end=NOW - age)
    deployment = replace(DEPLOYMENT, retention_days=retention_days)
    return {"baselines": Baselines((manifest,), ()), "deployment": deployment}


def attested_ago(age: int, minutes: str = "15") -> dict[str, Any]:
    return {**attested(attested_at=NOW - age), "stack": Stack("CREATE_COMPLETE", "", {"AttestMinutes": minutes})}


def written(ago: int) -> dict[str, Any]:
    """First written to so long ago, after what landed last."""
    return {**measured(writes=series(1, ago=ago)), "landed": Landed("x", NOW - 20 * HOUR)}


@pytest.mark.parametrize(
    ("name", "other", "verdict"),
    [
        ("iterator_age", measured(iterator_age=series(1_800_000)), "ok"),
        ("iterator_age", measured(iterator_age=series(1_800_001)), "warn"),
        ("iterator_age", measured(iterator_age=series(43_200_000)), "warn"),
        ("iterator_age", measured(iterator_age=series(43_200_001)), "bad"),
        ("firehose_freshness", measured(freshness=series(3_600)), "ok"),
        ("firehose_freshness", measured(freshness=series(3_601)), "warn"),
        ("firehose_freshness", measured(freshness=series(43_200)), "warn"),
        ("firehose_freshness", measured(freshness=series(43_201)), "bad"),
        ("firehose_throttled", measured(throttled_records=series(0)), "ok"),
        ("firehose_throttled", measured(throttled_records=series(1)), "warn"),
        ("firehose_throttled", measured(throttled_records=series(1, ago=HOUR)), "warn"),
        ("firehose_throttled", measured(throttled_records=series(1, ago=HOUR + 1)), "ok"),
        ("recorder", measured(recorder_errors=series(1)), "warn"),
        ("recorder", measured(recorder_errors=series(11)), "warn"),
        ("recorder", measured(recorder_errors=series(12)), "bad"),
        ("recorder", measured(recorder_throttles=series(100)), "warn"),
        ("recorder", measured(recorder_throttles=series(1), recorder_invocations=Series()), "bad"),
        ("attester", measured(attester_errors=series(1)), "bad"),
        ("landing", written(HOUR - 1), "ok"),
        ("landing", written(HOUR), "ok"),
        ("landing", written(HOUR + 1), "warn"),
        ("landing", written(20 * HOUR), "warn"),
        ("landing", written(20 * HOUR + 1), "ok"),
        ("undelivered", {"undelivered": Objects(1, NOW)}, "bad"),
        ("attestation", attested_ago(30 * MINUTE), "ok"),
        ("attestation", attested_ago(30 * MINUTE + 1), "warn"),
        ("attestation", attested_ago(120 * MINUTE, "60"), "ok"),
        ("attestation", attested_ago(120 * MINUTE + 1, "60"), "warn"),
        ("attestation", attested_ago(DAY), "warn"),
        ("attestation", attested_ago(DAY + 1), "bad"),
        ("losses", attested(losses=0), "ok"),
        ("losses", attested(losses=1), "warn"),
        ("baseline", baselines(15 * DAY, "30"), "ok"),
        ("baseline", baselines(15 * DAY + 1, "30"), "warn"),
        ("baseline", baselines(30 * DAY, "30"), "warn"),
        ("baseline", baselines(30 * DAY + 1, "30"), "bad"),
        ("baseline", baselines(3_000 * DAY, "0"), "ok"),
    ],
)
def test_thresholds(name: str, other: dict[str, Any], verdict: str) -> None:
    """A value at its threshold is still good, one above it no more."""
    assert check_of(name, **other).verdict == verdict


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("CREATE_COMPLETE", "ok"),
        ("UPDATE_COMPLETE", "ok"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "warn"),
        ("UPDATE_ROLLBACK_COMPLETE", "warn"),
        ("UPDATE_ROLLBACK_FAILED", "bad"),
        ("ROLLBACK_COMPLETE", "bad"),
        ("DELETE_IN_PROGRESS", "bad"),
    ],
)
def test_stacks(status: str, verdict: str) -> None:
    """What runs is ok, what changes or was undone a warning, what is broken or goes is bad."""
    assert check_of("stack", stack=Stack(status, "why", {})).verdict == verdict


@pytest.mark.parametrize(
    ("state", "result", "verdict"),
    [
        ("Enabled", "OK", "ok"),
        ("Enabled", "No records processed", "ok"),
        ("Enabled", "PROBLEM: Function call failed", "bad"),
        ("Updating", "OK", "warn"),
        ("Enabling", "OK", "warn"),
        ("Disabling", "OK", "bad"),
        ("Disabled", "OK", "bad"),
    ],
)
def test_mappings(state: str, result: str, verdict: str) -> None:
    """Reading, on its way to it, or not reading, or in vain."""
    assert check_of("mapping", mapping=replace(MAPPING, state=state, result=result)).verdict == verdict


@pytest.mark.parametrize(
    ("settings", "verdict", "why"),
    [
        ({"FunctionResponseTypes": []}, "bad", "ReportBatchItemFailures is off"),
        ({"DestinationConfig": {}}, "bad", "no on-failure destination"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, "bad", "a filter leaves changes out"),
        ({"StartingPosition": "LATEST"}, "warn", "did not start at TRIM_HORIZON"),
        ({"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1}, "warn", "is tried for ever"),
        ({"MaximumRecordAgeInSeconds": 21_600}, "warn", "are set aside raw long before"),
        ({"MaximumRetryAttempts": -1}, "ok", ""),
        ({"BatchSize": 500}, "ok", ""),
    ],
)
def test_settings_that_lose_changes(settings: dict[str, Any], verdict: str, why: str) -> None:
    """A setting by which changes can be lost is named; others may be chosen."""
    check = check_of("mapping_settings", **set_otherwise(**settings))
    assert (check.verdict, why in check.meaning) == (verdict, True)


def test_a_stream_of_one_image_is_a_warning() -> None:
    """Its changes are captured, but losses cannot be noticed."""
    assert check_of("stream", table=replace(FACTS.table, view="NEW_IMAGE")).verdict == "warn"


def test_a_delivery_to_another_bucket_is_bad() -> None:
    """What lands elsewhere is not in the history."""
    assert check_of("delivery_stream", delivery_stream=DeliveryStream("ACTIVE", "other")).verdict == "bad"


def test_an_attestation_of_a_table_that_is_no_more_says_nothing_of_this_one() -> None:
    """Made anew under its name, the table has another id."""
    check = check_of("attestation", **attested(table_id="table-0"))
    assert (check.verdict, check.facts["problems"]) == ("bad", ["it is of a table that is no more (id table-0)"])


def test_a_baseline_of_a_table_that_is_no_more_is_none() -> None:
    """Its items are those of another table."""
    old = msgspec.structs.replace(MANIFEST, table_id="table-0")
    assert check_of("baseline", baselines=Baselines((old,), ())).shown == "none"


def test_an_attestation_that_is_not_whole_says_why() -> None:
    """Its own words, or where it has none what is not as it should be."""
    told = check_of("attestation", **attested(healthy=False, problems=["Firehose is full", "a loss"]))
    assert told.facts["problems"] == ["Firehose is full", "a loss"]
    mute = check_of("attestation", **attested(healthy=False, mapping_state="Disabled", undelivered=2))
    assert mute.facts["problems"] == [
        "the mapping was Disabled",
        "2 objects undelivered",
        "the attester found the pipeline not healthy",
    ]


def test_the_age_of_now_is_the_highest_of_the_newest_quarter_of_an_hour() -> None:
    """Shards that get on do not hide one that is stuck; what was stuck before and got on is past."""
    assert check_of("iterator_age", **measured(iterator_age=series(1_000, 1_000, 50_000_000))).verdict == "bad"
    assert check_of("iterator_age", **measured(iterator_age=series(1_000, 1_000, 1_000, 50_000_000))).verdict == "ok"
    assert check_of("iterator_age", **measured(iterator_age=series(50_000_000, ago=HOUR + 1))).value is None


def test_whether_a_table_is_quiet_is_not_known_without_its_writes() -> None:
    """What landed within the hour needs no writes to be judged; older is unknown, not ok."""
    lost = {"metrics": Unanswered("cloudwatch:GetMetricData is denied")}
    assert check_of("landing", landed=Landed("x", NOW - HOUR), **lost).verdict == "ok"
    assert check_of("landing", landed=Landed("x", NOW - HOUR - SECOND), **lost).verdict == "unknown"
    assert check_of("landing", landed=None, **lost).verdict == "unknown"


def test_a_clock_behind_aws_is_no_negative_age() -> None:
    """Ages are at least 0."""
    check = check_of("attestation", **attested(attested_at=NOW + MINUTE))
    assert (check.verdict, check.value) == ("ok", 0)


def test_alarms_say_what_they_mean_and_what_was_measured() -> None:
    """The description is the template's, the reason CloudWatch's without its preamble."""
    measured_was = "1 datapoint [3.0] was greater than the threshold (0.0)"
    reason = f"Threshold Crossed: {measured_was} (minimum 1 datapoint for OK -> ALARM transition)."
    raised = replace(FACTS.alarms[0], state="ALARM", reason=reason)
    check = check_of("alarms", alarms=(raised, *FACTS.alarms[1:]))
    assert check.shown == "in ALARM: iterator-age"
    assert check.meaning == (
        f"iterator-age: What iterator-age means ({measured_was}). More on each stands in docs/operations.md."
    )


def test_these_are_the_alarms_of_the_template() -> None:
    """One that the template makes is looked at, and none that it does not make is missed."""
    template = (Path(pipeline.__file__).parent / "template.yaml").read_text(encoding="utf-8")
    assert re.findall(r"AlarmName: !Sub \$\{AWS::StackName\}-(\S+)", template) == list(ALARMS)


def test_only_the_alarm_of_the_baseline_may_be_missing() -> None:
    """It is there only where objects expire."""
    assert ALARMS[-1] == "baseline-errors"
    assert check_of("alarms", alarms=FACTS.alarms[:-1]).verdict == "ok"
    assert check_of("alarms", alarms=FACTS.alarms[1:]).verdict == "warn"


def test_headlines() -> None:
    """Whole, not whole, or not known; worst first, and through when all is captured."""
    through = "captured through 2026-11-26 02:01:59 UTC (8 min ago)"
    assert report_of().headline == f"whole: {through}"
    warned = measured(throttled_records=series(1))
    assert report_of(**warned).headline == f"whole: 1 warning; {through}"
    lost = {"alarms": Unanswered("no")}
    assert report_of(**lost, **warned).headline == f"not known: 1 unanswered question, 1 warning; {through}"
    waiting = {"undelivered": Objects(2, NOW)}
    assert report_of(**lost, **waiting).headline == f"not whole: 1 problem, 1 unanswered question; {through}"
    none = {"attestations": Attestations(None, None)}
    assert report_of(**none).headline == ("not whole: 1 problem, 1 unanswered question; captured through: not known")


def test_the_writes_are_of_this_day_only() -> None:
    """What is said of quiet never reaches further than CloudWatch was asked."""
    quiet = measured(writes=Series())
    assert METRICS.writes.total == 50
    assert check_of("landing", landed=Landed("x", NOW - DAY), **quiet).shown == (
        "newest object 1 d ago; no writes since: a quiet table is quiet"
    )
    assert check_of("landing", landed=None, **quiet).shown == (
        "nothing today or yesterday; no writes in 24 h: a quiet table is quiet"
    )
