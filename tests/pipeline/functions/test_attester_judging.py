"""What was observed → an attestation: each fault by itself, at its boundary. ``test_attester_truth`` has them at
random."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from histlib.rules.coverage.coverage import Attestation
from pipeline.functions.attester.judging import KEPT, RECENT, SILENT, STARTING, Previous, judge
from pipeline.functions.attester.observing import Observed, Points
from pipeline.functions.attester.reach import CALL, LATE, PATIENCE, QUIET, SKEW, UNREAD, Shards
from pipeline.functions.attester.settings import Settings
from tests.support.pipeline.attester.simulated import BEGIN as NOW
from tests.support.pipeline.attester.simulated import MAPPING, SETTINGS, STREAM, TABLE

RULES: Settings = replace(SETTINGS, redact="email", retention_days=30)
#: Seconds in which each shard is read and recorded.
SPAN = UNREAD + SETTINGS.window_seconds + CALL
#: What is captured of a pipeline in which nothing is wrong and nothing is written.
REACH = NOW - LATE - SPAN - SKEW


def minutes(value: float, begin: float = NOW - 5_400, end: float = NOW - 120) -> dict[int, float]:
    """The same in each minute."""
    return dict.fromkeys(range(int(begin) // 60 * 60, int(end) + 1, 60), value)


def observed(**metrics: Points) -> Observed:
    """A quiet pipeline at work for an hour and a half."""
    return Observed(NOW, NOW - 1_000, TABLE, MAPPING, {"polled": minutes(0)} | metrics, 0, ["1"])


def judged(seen: Observed, previous: Previous | None = None) -> dict[str, Any]:
    return judge(RULES, seen, previous)


def problems(seen: Observed, previous: Previous | None = None) -> list[str]:
    found: list[str] = judged(seen, previous)["problems"]
    return found


def captured(seen: Observed, previous: Previous | None = None) -> float | None:
    found = judged(seen, previous)["captured"]
    return None if found is None else found / 1_000_000


def test_an_attestation_is_what_histlib_reads():
    """Its fields are those of the reader, with the redaction as the recorder names it; nothing is wrong with it. The
    reader comes to the time that was proven, and not past it."""
    made = judged(observed(), Previous(3))
    read = msgspec.convert(made, Attestation)
    assert (read.whole, read.losses, read.problems, read.table_id, read.retention_days) == (True, 3, [], "i", 30)
    assert read.table == STREAM.partition("/stream/")[0]
    assert read.key_schema == TABLE["KeySchema"]
    assert len(read.redaction or "") == 12
    assert made["captured"] == REACH * 1_000_000
    assert REACH * 1_000_000 - 2_000 <= read.captured_through <= REACH * 1_000_000
    assert read.firehose_freshness_s == LATE
    assert made["shards"]["open"] == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"table": None}, "the table things is not there"),
        ({"table": {**TABLE, "StreamSpecification": {}}}, "the table's stream is off"),
        ({"table": {**TABLE, "LatestStreamArn": STREAM[:-1] + "9"}}, "another stream"),
        (
            {"table": {**TABLE, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}},
            "view is KEYS_ONLY",
        ),
        ({"mapping": None}, "mapping that reads the stream is not there"),
        ({"mapping": {**MAPPING, "State": "Disabled"}}, "mapping is Disabled"),
        ({"mapping": {**MAPPING, "EventSourceArn": "arn:other"}}, "reads another stream"),
        ({"mapping": {**MAPPING, "DestinationConfig": {}}}, "no destination"),
        ({"mapping": {**MAPPING, "LastProcessingResult": "PROBLEM: Function call failed"}}, "PROBLEM"),
    ],
)
def test_each_fault_alone_is_not_healthy(changed: dict[str, Any], said: str):
    """One fault, one problem, in words; nothing of it counts as a loss."""
    found = judged(replace(observed(), **changed))
    assert len(found["problems"]) == 1 and said in found["problems"][0]
    assert (found["healthy"], found["losses"]) == (False, 0)


def test_what_aws_did_not_tell_proves_nothing():
    """Not healthy, and what was proven before stays as it was, however much time went by."""
    unknown = replace(observed(), failures=["CloudWatch cannot be asked: AccessDenied"], metrics={})
    before = Previous(0, captured=NOW - 5_000.0, landed=NOW - 4_000.0)
    found = judged(unknown, before)
    assert found["problems"] == ["CloudWatch cannot be asked: AccessDenied"]
    assert (found["captured"], found["landed"]) == ((NOW - 5_000) * 1_000_000, (NOW - 4_000) * 1_000_000)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"FunctionArn": MAPPING["FunctionArn"] + "2"}, "calls another function"),
        ({"FunctionResponseTypes": []}, "does not report batch item failures"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, "has a filter"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::other"}}}, "where it is not counted"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:q"}}}, "not counted"),
    ],
)
def test_changes_may_pass_by_a_mapping_that_is_set_otherwise(changed: dict[str, Any], said: str):
    """No metric tells how many. What is attested does not reach over that time, and begins anew only where it was seen
    mended: changes passed by until then."""
    faulty = judged(replace(observed(), mapping={**MAPPING, **changed}))
    assert len(faulty["problems"]) == 1 and said in faulty["problems"][0]
    mended = judged(observed(), Previous(faulty["losses"], lost_at=NOW - 900.0, passing=faulty["passing"]))
    assert not mended["healthy"] and "changes were lost by" in mended["problems"][0]
    later = replace(observed(polled=minutes(0, end=NOW + 2_000)), now=NOW + 2_000)
    after = judged(later, Previous(mended["losses"], lost_at=mended["lost_at"] / 1e6))
    assert (after["healthy"], after["losses"]) == (True, 1)
    first, last = (msgspec.convert(one, Attestation) for one in (judged(observed()), after))
    assert last.captured_through >= NOW * 1_000_000
    assert not last.continues(first)


@pytest.mark.parametrize("result", ["OK", "No records processed", None, ""])
def test_a_mapping_that_has_had_nothing_to_do_is_fine(result: str | None):
    """A quiet table, or one whose stream was just turned on."""
    assert problems(replace(observed(), mapping={**MAPPING, "LastProcessingResult": result})) == []


@pytest.mark.parametrize(
    ("metrics", "lost"),
    [
        ({"dropped": {NOW - 900: 1}}, True),
        ({"dropped": {NOW - 900: 0}}, False),
        ({"dropped": {NOW - 2_000: 5}}, False),
        ({"lost_by_destination": {NOW - 900: 1}}, True),
        ({"iterator_age": {NOW - 120: KEPT * 1_000.0}}, True),
        ({"iterator_age": {NOW - 120: KEPT * 1_000.0 - 1}}, False),
        ({"freshness": {NOW - 120: float(KEPT)}}, True),
        ({"freshness": {NOW - 120: KEPT - 1.0}}, False),
    ],
)
def test_what_may_be_lost_for_good_counts(metrics: dict[str, dict[int, float]], lost: bool):
    """Dropped, not taken by the destination, or held nearly as long as it is kept: one more loss; not healthy."""
    found = judged(observed(**metrics), Previous(4))
    assert (found["losses"], found["healthy"]) == (4 + lost, not lost)


def test_a_loss_counts_once_and_nothing_is_attested_until_it_has_passed():
    """However often the metric that tells of it is seen again; a later one counts again."""
    loss = {"dropped": {NOW - 900: 1.0}}
    found = judged(observed(**loss), Previous(4))
    seen = Previous(5, lost_at=found["lost_at"] / 1e6)
    again = judged(observed(**loss), seen)
    assert (again["losses"], again["healthy"]) == (5, False)
    assert "changes were lost by" in again["problems"][0]
    assert judged(observed(dropped={NOW - 900: 1.0, NOW - 300: 1.0}), seen)["losses"] == 6
    later = replace(observed(polled=minutes(0, end=NOW + 900), **loss), now=NOW + 900)
    assert judged(later, seen)["healthy"]


def test_a_failure_keeps_what_is_captured_where_it_is():
    """Whatever else looks alive: fresh batches, polls, OK as the last result. By each of the metrics that tell of it;
    it goes on when there has been none for longer than a batch can wait for its next try."""
    calls = {"iterator_age": minutes(0), "polled": minutes(5)}
    before = Previous(0, captured=NOW - 4_000.0, landed=NOW - 4_000.0)
    reached = captured(observed(**calls), before)
    assert reached is not None and reached > NOW - 4_000
    for name in ("failed", "errors", "throttles", "refused"):
        assert captured(observed(**calls, **{name: minutes(1)}), before) == NOW - 4_000
        assert captured(observed(**calls, **{name: minutes(0)}), before) == reached
        last = NOW - LATE - QUIET
        assert captured(observed(**calls, **{name: {last: 1.0}}), before) == reached
        assert captured(observed(**calls, **{name: {last + 60: 1.0}}), before) != reached


def test_failures_are_a_problem_once_they_last():
    """A call that fails now and then is tried again; an hour of it without anything new captured is told."""
    failing = {"failed": minutes(1), "iterator_age": minutes(0)}
    recent = Previous(0, captured=NOW - SILENT + 60.0, landed=NOW - 600.0)
    assert problems(observed(**failing), recent) == []
    old = replace(recent, captured=NOW - SILENT - 60.0)
    assert "calls of the recorder fail" in problems(observed(**failing), old)[0]


def test_how_far_the_recorder_is_behind_counts():
    """IteratorAge is that of a batch's last record: no shard is further than its last batch in that time."""
    at = NOW - LATE
    took = SETTINGS.window_seconds + CALL
    assert captured(observed(iterator_age={at - SPAN: 5_000_000.0})) == at - SPAN - 5_000 - took - SKEW
    assert captured(observed(iterator_age={at - SPAN - 120: 5_000_000.0})) == REACH


def test_a_mapping_that_stood_still_begins_anew():
    """Only when it has been at work for as long as Lambda may need to read all of its shards."""
    on = NOW - LATE - PATIENCE - SPAN
    paused = minutes(0, end=on - UNREAD - 60)
    assert captured(observed(polled=paused | minutes(0, on // 60 * 60))) == REACH
    later = minutes(0, on // 60 * 60 + 60)
    assert captured(observed(polled=paused | later)) == max(paused) - SPAN - SKEW


def test_a_shard_that_came_lately_may_not_be_read_yet():
    """Of a shard that DescribeStream did not tell of at the run before, nothing is captured until it has been there
    long enough; each attestation tells how many are open."""
    before = Shards(1, judged(observed())["shards"]["known"], NOW - 4_000.0)
    two = replace(observed(), shards=["1", "2"])
    found = judged(two, Previous(0, shards=before))
    assert found["captured"] == (NOW - 4_000 - SKEW) * 1_000_000
    assert (found["shards"]["open"], found["shards"]["changes"]) == (2, [[(NOW - 4_000) * 1_000_000, NOW * 1_000_000]])
    assert captured(observed(), Previous(0, shards=before)) == REACH
    known = Shards(2, found["shards"]["known"], NOW - 60.0, ((NOW - 4_000.0, NOW - LATE - PATIENCE - SPAN - 60.0),))
    assert captured(two, Previous(0, shards=known)) == REACH


def test_what_firehose_holds_is_not_captured():
    """What is older than DataFreshness has been delivered, by its definition; where nothing more came, so is all."""
    came = NOW - 1_800
    held = observed(incoming={came: 1.0}, freshness={came + 600: 600.0})
    assert judged(held)["landed"] == came * 1_000_000
    assert captured(held) == came - SPAN - SKEW
    delivered = observed(incoming={came: 1.0}, freshness={came + 600: 500.0})
    assert judged(delivered)["landed"] == (NOW - LATE) * 1_000_000
    more = observed(incoming={came: 1.0, NOW - 900: 3.0}, freshness={came + 600: 500.0})
    assert judged(more)["landed"] == (NOW - 900) * 1_000_000
    silent = observed(incoming={NOW - 20_000: 1.0}, freshness={NOW - 21_000: 300.0})
    assert judged(silent)["landed"] == (NOW - 20_000) * 1_000_000


def test_a_mapping_that_shows_no_sign_is_not_healthy():
    """After an hour; before, only less is captured."""
    assert problems(observed(polled=minutes(0, NOW - 9_000, NOW - SILENT))) == []
    last = minutes(0, NOW - 9_000, NOW - SILENT - 60)
    old = replace(observed(polled=last), mapping={**MAPPING, "LastModified": datetime.fromtimestamp(NOW - 86_400, UTC)})
    assert "not been seen" in problems(old)[0]
    assert "not been seen" in problems(replace(old, metrics={}))[0]


def test_a_pipeline_that_just_starts_is_not_healthy_and_has_nothing_wrong():
    """Nothing is proven, so nothing is attested; but there is nothing to ring about, for an hour."""

    def seen(ago: float, **changed: Any) -> dict[str, Any]:
        made = datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=ago)
        return judged(
            replace(observed(polled=minutes(0, NOW - 300)), mapping={**MAPPING, "LastModified": made}, **changed)
        )

    assert (seen(600)["healthy"], seen(600)["starting"]) == (False, True)
    assert (seen(STARTING)["healthy"], seen(STARTING)["starting"]) == (False, False)
    assert not seen(600, table=None)["starting"]


def test_throttled_and_never_called_is_not_healthy():
    """Throttles alone only keep what is captured; without any call the recorder is stopped."""
    assert problems(observed(throttles={NOW - 60: 9}, iterator_age={NOW - 120: 0})) == []
    assert "throttles" in problems(observed(throttles={NOW - 60: 9}))[0]


def test_delivery_must_be_told_of():
    """S3 that refuses, or records that came and of which no more is heard, are not healthy."""
    assert "S3 refuses" in problems(observed(success={NOW - 60: 0.5}))[0]
    assert problems(observed(success={NOW - 2_000: 0.0})) == []
    came = NOW - 300 - RECENT - 60
    assert "does not tell" in problems(observed(incoming={came: 2}))[0]
    assert problems(observed(incoming={came: 2}, freshness={came: 1})) == []
    assert problems(observed(incoming={came + 60: 2})) == []


def test_undelivered_is_counted_beside_health():
    """The count is the reader's to judge: the attestation is healthy, but not whole."""
    made = judged(replace(observed(), undelivered=2))
    assert (made["healthy"], made["undelivered"]) == (True, 2)
    assert not msgspec.convert(made, Attestation).whole
