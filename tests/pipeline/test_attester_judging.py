"""What was observed → an attestation: each fault by itself, at its boundary, and then all of them at random."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histlib.coverage import Attestation, build_coverage
from pipeline.functions.attester.judging import KEPT, RECENT, SILENT, SLACK, Previous, judge
from pipeline.functions.attester.observing import RECENTLY, Observed
from pipeline.functions.attester.settings import Settings

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/things/stream/2026-01-01T00:00:00.000"
SETTINGS = Settings("things", STREAM, "m", "recorder", "delivery", "history", redact="email", retention_days=30)
NOW = 1_800_000_000 // 60 * 60
TABLE = {
    "TableId": "i",
    "LatestStreamArn": STREAM,
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}
MAPPING = {
    "State": "Enabled",
    "EventSourceArn": STREAM,
    "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:recorder",
    "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::history"}},
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "LastProcessingResult": "OK",
}


def observed(**metrics: dict[int, float]) -> Observed:
    """A pipeline at work: polled two minutes ago, a second behind."""
    seen = {NOW - 120: 1.0}
    told = {"polled": seen, "iterator_age": {NOW - 120: 1_000.0}, "freshness": {NOW - 120: 60.0}, "success": seen}
    return Observed(NOW, NOW - 1_000, TABLE, MAPPING, told | metrics, 0)


def problems(seen: Observed) -> list[str]:
    return judge(SETTINGS, seen, None)["problems"]


def test_an_attestation_is_what_histlib_reads():
    """Its fields are those of the reader, with the redaction as the recorder names it; nothing is wrong with it."""
    made = judge(SETTINGS, observed(), Previous(3))
    read = msgspec.convert(made, Attestation)
    assert (read.whole, read.losses, read.problems, read.table_id, read.retention_days) == (True, 3, [], "i", 30)
    assert read.table == STREAM.partition("/stream/")[0]
    assert read.key_schema == TABLE["KeySchema"]
    assert len(read.redaction or "") == 12
    assert read.captured_through == (NOW - (120 + 1 + 10 + SLACK) - (300 + SLACK)) * 1_000_000


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
        ({"failures": ["CloudWatch cannot be asked: AccessDenied"]}, "CloudWatch cannot be asked"),
    ],
)
def test_each_fault_alone_is_not_healthy(changed: dict[str, Any], said: str):
    """One fault, one problem, in words; nothing of it counts as a loss."""
    found = judge(SETTINGS, replace(observed(), **changed), None)
    assert len(found["problems"]) == 1 and said in found["problems"][0]
    assert (found["healthy"], found["losses"]) == (False, 0)


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
    """No metric tells how many: what is attested does not reach over that time, though it is mended afterwards."""
    faulty = judge(SETTINGS, replace(observed(), mapping={**MAPPING, **changed}), None)
    assert len(faulty["problems"]) == 1 and said in faulty["problems"][0]
    mended = judge(SETTINGS, observed(), Previous(faulty["losses"]))
    before, after = (msgspec.convert(one, Attestation) for one in (judge(SETTINGS, observed(), None), mended))
    assert (before.whole, faulty["healthy"], after.whole) == (True, False, True)
    assert not after.continues(before)


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
    found = judge(SETTINGS, observed(**metrics), Previous(4))
    assert (found["losses"], found["healthy"]) == (4 + lost, not lost)


def test_how_far_behind_is_never_less_than_what_is_shown():
    """Polls show that nothing waits; calls show how old what they took was; while throttled polls show nothing."""

    def lag(**metrics: dict[int, float]) -> int:
        return judge(SETTINGS, observed(**metrics), None)["iterator_age_ms"] // 1_000 - 10 - SLACK

    assert lag(iterator_age={}) == 120
    assert lag(polled={}, iterator_age={NOW - 600: 5_000.0}) == 605
    every = {NOW - 660 + 60 * minute: 0.0 for minute in range(11)}
    assert lag(polled=every, iterator_age={NOW - 600: 5_000.0}) == 60 + 5 + 60
    assert lag(throttles={NOW - 60: 1}, iterator_age={NOW - 600: 5_000.0}) == 605
    assert lag(polled={}, iterator_age={}) == 1_000
    earlier = Previous(seen_at=(NOW - 7_000) * 1_000_000, behind_ms=5_000)
    found = judge(SETTINGS, observed(polled={}, iterator_age={}), earlier)
    assert found["iterator_age_ms"] // 1_000 - 10 - SLACK == 7_005
    assert (found["seen_at"], found["behind_ms"]) == (earlier.seen_at, earlier.behind_ms)


def test_what_waited_while_the_mapping_was_away_counts_for_as_long_as_firehose_may_hold_it():
    """IteratorAge is that of a batch's last record: the first may have waited since the sign before."""
    recent = {NOW - 600 + 60 * minute: 0.0 for minute in range(10)}
    calls, before = {NOW - 600: 5_000.0}, {NOW - 4_200: 0.0}

    def behind(previous: Previous | None = None, **metrics: dict[int, float]) -> int:
        return judge(SETTINGS, observed(iterator_age=calls, **metrics), previous)["behind_ms"] // 1_000

    assert behind(polled={**before, **recent}) == 3_605
    assert behind(Previous(seen_at=(NOW - 4_200) * 1_000_000), polled=recent) == 3_605
    assert behind(Previous(seen_at=(NOW - 120) * 1_000_000, behind_ms=3_605_000), polled=recent) == 3_610
    later = {NOW - 1_800 + 60 * minute: 0.0 for minute in range(30)}
    assert behind(polled={NOW - 5_400: 0.0, **later}) == 65
    assert behind(polled={NOW - 5_400: 0.0, **later}, freshness={NOW - 60: 900.0}) == 3_605


def test_a_mapping_that_shows_no_sign_is_not_healthy():
    """After an hour; before, only less is captured."""
    long, short = NOW - SILENT - 60, NOW - SILENT
    quiet = {"polled": {short: 0.0}, "iterator_age": {}}
    assert problems(observed(**quiet)) == []
    assert "not been seen" in problems(observed(**{**quiet, "polled": {long: 0.0}}))[0]


def test_throttled_and_never_called_is_not_healthy():
    """Throttles alone only move back what is captured; without any call the recorder is stopped."""
    assert problems(observed(throttles={NOW - 60: 9})) == []
    assert "throttles" in problems(observed(throttles={NOW - 60: 9}, iterator_age={}))[0]


def test_delivery_must_be_told_of():
    """S3 that refuses, or records that came and of which no more is heard, are not healthy."""
    assert "S3 refuses" in problems(observed(success={NOW - 60: 0.5}))[0]
    assert problems(observed(success={NOW - 2_000: 0.0})) == []
    came = NOW - 300 - RECENT - 60
    assert "does not tell" in problems(observed(incoming={came: 2}, freshness={}))[0]
    assert problems(observed(incoming={came: 2}, freshness={came: 1})) == []
    assert problems(observed(incoming={came + 60: 2}, freshness={})) == []


def test_undelivered_is_counted_beside_health():
    """The count is the reader's to judge: the attestation is healthy, but not whole."""
    made = judge(SETTINGS, replace(observed(), undelivered=2), None)
    assert (made["healthy"], made["undelivered"]) == (True, 2)
    assert not msgspec.convert(made, Attestation).whole


# --- at random: no change that was lost lies in an attested time ---

TICK = 300
DAY = 86_400


@dataclass
class World:
    """A pipeline in steps of five minutes; ``mapping``, ``s3`` and ``attester`` are (begin, end) of when each stands
    still. Changes wait in the stream for 24 h, then in Firehose for 24 h, then they are gone."""

    changes: list[int]
    stops: dict[str, list[tuple[int, int]]]
    waiting: list[int] = field(default_factory=list)
    held: list[tuple[int, int]] = field(default_factory=list)
    landed: set[int] = field(default_factory=set)
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)

    def run(self, end: int) -> list[Attestation]:
        made = sorted(self.changes)
        for now in range(NOW, NOW + end, TICK):
            while made and made[0] < now:
                self.waiting.append(made.pop(0))
            self._record(now)
            self._deliver(now)
            if now % 900 == 0 and not self._stopped("attester", now):
                self._attest(now)
        return [msgspec.convert(one, Attestation) for one in self.said]

    def _stopped(self, what: str, now: int) -> bool:
        return any(begin <= now - NOW < end for begin, end in self.stops.get(what, ()))

    def _tell(self, name: str, now: int, value: float) -> None:
        self.metrics.setdefault(name, {})[now // 60 * 60] = value

    def _record(self, now: int) -> None:
        self.waiting = [moment for moment in self.waiting if now - moment < DAY]
        if self._stopped("throttled", now):
            self._tell("polled", now, 0)
            if self.waiting:
                self._tell("throttles", now, 1)
        elif not self._stopped("mapping", now):
            self._tell("polled", now, len(self.waiting))
            if self.waiting:
                self._tell("iterator_age", now, (now - min(self.waiting)) * 1_000)
                self._tell("incoming", now, len(self.waiting))
            self.held += [(now, moment) for moment in self.waiting]
            self.waiting = []

    def _deliver(self, now: int) -> None:
        if self.held:
            self._tell("freshness", now, now - min(self.held)[0])
        self.held = [(came, moment) for came, moment in self.held if now - came < DAY]
        due = [one for one in self.held if now - one[0] >= 300]
        if due and self._stopped("s3", now):
            self._tell("success", now, 0)
        else:
            self.landed |= {moment for _, moment in due}
            self.held = [one for one in self.held if one not in due]

    def _attest(self, now: int) -> None:
        last = self.said[-1] if self.said else None
        since = max(last["attested_at"] / 1e6 - 300, now - 2 * DAY) if last else now - DAY
        begin = min(since, now - RECENTLY)
        seen = {
            name: {minute: value for minute, value in points.items() if begin // 60 * 60 <= minute < now - 60}
            for name, points in self.metrics.items()
        }
        previous = Previous(last["losses"], last["attested_at"], last["seen_at"], last["behind_ms"]) if last else None
        self.said.append(judge(SETTINGS, Observed(now, since, TABLE, MAPPING, seen, 0), previous))


stops = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 60)).map(lambda pair: (pair[0] * 3_600, (pair[0] + pair[1]) * 3_600)),
    max_size=2,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.integers(0, 4 * DAY), min_size=1, max_size=12),
    st.fixed_dictionaries(dict.fromkeys(("mapping", "throttled", "s3", "attester"), stops)),
)
def test_what_is_attested_has_landed(changes: list[int], stopped: dict[str, list[tuple[int, int]]]):
    """Whatever stands still, and for how long: a change in an attested time had landed by then. In quiet, all is."""
    world = World([NOW + moment for moment in changes], stopped)
    attestations = world.run(5 * DAY)
    coverage = build_coverage([], attestations, ())
    for moment in world.changes:
        if coverage.attests(moment * 1_000_000, moment * 1_000_000):
            assert moment in world.landed
    if not any(stopped.values()):
        assert coverage.attests((NOW + 900) * 1_000_000, (NOW + 4 * DAY) * 1_000_000)
