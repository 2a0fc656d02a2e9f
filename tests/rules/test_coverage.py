"""Coverage: what attestations prove, at the instant and just beside it."""

from __future__ import annotations

import json
from itertools import permutations

import msgspec
import pytest

from histlib.rules.coverage.coverage import (
    Attestation,
    Hole,
    Span,
    Stream,
    build_coverage,
    read_attestation,
    read_attestations,
    retention_horizon,
)
from histlib.values.times import DAY, HOUR, SECOND

HEALTHY = Attestation(0, "t", "s", "v", "m", "Enabled", 0, 0, 0, True)


def attested(*moments: int, **changed) -> list[Attestation]:
    return [msgspec.structs.replace(HEALTHY, attested_at=moment, **changed) for moment in moments]


def spans(*attestations: Attestation) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in build_coverage([], attestations, ()).spans]


def test_a_span_reaches_from_attestation_to_attestation():
    """Healthy ones at most 24 h apart make one span; one alone proves nothing."""
    assert spans(*attested(0, DAY, 2 * DAY)) == [(0, 2 * DAY)]
    assert spans(*attested(0, DAY + 1)) == []
    assert spans(*attested(0, HOUR), *attested(10 * DAY, 10 * DAY + HOUR)) == [(0, HOUR), (10 * DAY, 10 * DAY + HOUR)]
    assert spans(*attested(5)) == []


def test_a_span_does_not_go_on_over_another_pipeline_that_was_as_far():
    """Two in a row of different streams may have the same captured_through, where neither has seen anything since."""
    old, new = attested(0, HOUR), attested(2 * HOUR, iterator_age_ms=3_600_000, stream="s2")
    assert new[0].captured_through == old[-1].captured_through
    assert spans(*old, *new, *attested(3 * HOUR, stream="s2")) == [(0, HOUR), (2 * HOUR, 3 * HOUR)]


@pytest.mark.parametrize(
    "changed",
    [{"table_id": "other"}, {"stream": "s2"}, {"view": "KEYS_ONLY"}, {"mapping": "m2"}, {"table": "t2"}],
)
def test_another_pipeline_does_not_continue_a_span(changed):
    """Table id, stream, view and mapping must be the same."""
    assert spans(*attested(0), *attested(HOUR, **changed)) == []


@pytest.mark.parametrize("changed", [{"healthy": False}, {"undelivered": 1}, {"mapping_state": "Disabled"}])
def test_what_is_not_whole_attests_nothing(changed):
    """Unhealthy, or with something undelivered: no span ends there; a later whole one within a day heals it."""
    assert spans(*attested(0), *attested(HOUR, **changed)) == []
    assert spans(*attested(0), *attested(HOUR, **changed), *attested(2 * HOUR)) == [(0, 2 * HOUR)]


def test_what_lags_is_not_yet_captured():
    """Iterator age and Firehose's freshness come off the time that is attested."""
    coverage = build_coverage([], attested(0, HOUR, iterator_age_ms=2_000, firehose_freshness_s=300), ())
    through = HOUR - 302 * SECOND
    assert coverage.captured_through == through
    assert coverage.settled(through - 1) and coverage.settled(through - SECOND)
    assert not coverage.settled(through + 1)
    assert coverage.attests(0, through - SECOND)
    assert not coverage.attests(0, through + 1)
    assert not coverage.attests(-1, through - SECOND)


def test_a_second_that_was_not_over_is_not_settled():
    """A whole second means its end, and a change made in it after the attestation bears its stamp: it may be missing.
    Where nothing attests, the second of the last change is the last that is known of."""
    coverage = build_coverage([], attested(0, HOUR + SECOND // 2), ())
    assert not coverage.settled(HOUR) and not coverage.attests(0, HOUR)
    assert coverage.settled(HOUR - SECOND) and coverage.attests(0, HOUR - SECOND)
    assert build_coverage([], attested(0, HOUR + SECOND - 1), ()).settled(HOUR)
    assert build_coverage([Stream("s", 0, HOUR)], None, ()).settled(HOUR)


def test_without_attestations_each_stream_covers_its_own_changes():
    """Observed: from a stream's first change to the end of its last one's second, and never more than observed."""
    streams = [Stream("s1", 0, 100 * SECOND), Stream("s2", 200 * SECOND, 300 * SECOND)]
    coverage = build_coverage(streams, None, ())
    assert coverage.spans == (Span(0, 100 * SECOND, "s1"), Span(200 * SECOND, 300 * SECOND, "s2"))
    assert coverage.captured_through == 300 * SECOND
    assert coverage.covers(0, 100 * SECOND) and coverage.covers(250 * SECOND, 900 * SECOND, "s2")
    assert coverage.covers(50 * SECOND, 101 * SECOND - 1, "s1") and not coverage.covers(50 * SECOND, 101 * SECOND, "s1")
    assert not coverage.covers(50 * SECOND, 250 * SECOND)
    assert coverage.settled(301 * SECOND - 1) and not coverage.settled(301 * SECOND)
    assert not coverage.attests(0, 100 * SECOND)


def test_spans_come_in_order_of_time_however_streams_are_told():
    """What caveats say of them is the same for every engine."""
    streams = [Stream("s1", 0, 100), Stream("s2", 200, 300), Stream("s0", 0, 90)]
    told = {build_coverage(order, None, ()).spans for order in permutations(streams)}
    assert told == {(Span(0, 90, "s0"), Span(0, 100, "s1"), Span(200, 300, "s2"))}


def test_attestations_that_say_nothing_cover_nothing():
    """A history that attests, but never that it was whole, is covered nowhere: its changes do not cover it."""
    coverage = build_coverage([Stream("s1", 0, 100)], [], ())
    assert (coverage.spans, coverage.captured_through, coverage.attested) == ((), None, True)
    assert not coverage.settled(0)


def test_holes_touch_what_they_may_hide():
    """Both ends included; an unknown time touches all; another item's does not."""
    hole = Hole("unreadable", 10, 20, "d", "f", 3)
    assert [hole.touches(a, b, "k") for a, b in ((0, 9), (0, 10), (20, 30), (21, 30))] == [False, True, True, False]
    assert Hole("undelivered", None, None, "d", "f").touches(0, 1, "k")
    assert not Hole("unconverted", 10, 20, "d", "f", keys="other").touches(0, 100, "k")
    assert str(hole) == "unreadable: f line 3 (d)"


def test_an_attestation_reads_back_and_junk_is_an_error():
    """The file's fields are those of the design; anything else is no attestation."""
    fields = {**msgspec.to_builtins(HEALTHY), "format": 1, "table_id": "x"}
    assert read_attestation(json.dumps(fields)) == msgspec.structs.replace(HEALTHY, table_id="x")
    for junk in ("", "{}", json.dumps({**fields, "undelivered": "none"})):
        with pytest.raises(ValueError, match=r"."):
            read_attestation(junk)


def test_an_object_holds_one_attestation_or_one_a_line():
    """The attesting job appends a line each time; a line that is damaged attests nothing, the others do."""
    one, two = (msgspec.json.encode(msgspec.structs.replace(HEALTHY, attested_at=at)).decode() for at in (1, 2))
    assert [a.attested_at for a in read_attestations(f"{one}\n{two}\n")] == [1, 2]
    assert [a.attested_at for a in read_attestations(f"{one[:-9]}\n\n{two}")] == [2]
    assert [a.attested_at for a in read_attestations(json.dumps(json.loads(one), indent=1))] == [1]
    assert read_attestations("junk") == []


def test_what_had_not_landed_must_have_outlived_in_the_stream():
    """The 24 h count from what had been captured, not from when that was attested: what waited longer is gone."""
    behind = attested(2 * HOUR, iterator_age_ms=3_600_000, firehose_freshness_s=600)
    through = behind[0].captured_through
    assert spans(*behind, *attested(through + DAY)) == [(2 * HOUR, through + DAY)]
    assert spans(*behind, *attested(through + DAY + 1)) == []


def test_a_loss_for_good_ends_a_span():
    """Between two healthy attestations of which the later knows of a loss, nothing is covered; after it, all is."""
    before, after = attested(0, HOUR), attested(2 * HOUR, 3 * HOUR, losses=1)
    coverage = build_coverage([], [*before, *after], ())
    assert coverage.spans == (Span(0, HOUR, "s"), Span(2 * HOUR, 3 * HOUR, "s"))
    assert not coverage.covers(HOUR, 2 * HOUR)
    sick = attested(HOUR + 1, healthy=False, losses=1)
    assert build_coverage([], [*before, *sick, *after], ()).spans == coverage.spans


def test_a_loss_ends_a_span_where_nothing_has_been_captured_since():
    """While the mapping stands still two attestations are captured through the same instant: that joins no spans."""
    before = attested(0, 10 * HOUR)
    still = attested(11 * HOUR, losses=1, iterator_age_ms=3_600_000)
    after = attested(12 * HOUR, losses=1)
    assert still[0].captured_through == before[-1].captured_through
    assert spans(*before, *still, *after) == [(0, 10 * HOUR), (11 * HOUR, 12 * HOUR)]


# --- files of the landing that have expired ---


def horizon(first_day: int | None, *attestations: Attestation) -> int | None:
    return retention_horizon(list(attestations), first_day)


def test_a_day_before_the_landings_first_may_have_expired():
    """Coverage begins an hour into the first day that has a file: the file of the day before may reach so far."""
    daily = attested(*range(5 * HOUR, 60 * DAY, DAY))
    assert horizon(30 * DAY, *daily) == 30 * DAY + HOUR
    coverage = build_coverage([], daily, (), first_day=30 * DAY)
    assert coverage.spans == (Span(30 * DAY + HOUR, daily[-1].attested_at, "s"),)
    assert coverage.covers(30 * DAY + HOUR, 40 * DAY)
    assert not coverage.covers(30 * DAY + HOUR - 1, 40 * DAY)


def test_a_capture_that_began_on_the_landings_first_day_has_lost_nothing():
    """No file can have been there before; so coverage begins with the attestations."""
    daily = attested(*range(5 * HOUR, 60 * DAY, DAY))
    assert horizon(0, *daily) is None
    assert horizon(-3 * DAY, *daily) is None
    assert horizon(None, *daily) is None
    assert build_coverage([], daily, (), first_day=0).earliest == 5 * HOUR


def test_an_attested_retention_counts():
    """Objects older than that are gone or going, whatever was written into an old day later; 0: none ever expires."""
    daily = [*attested(*range(0, 60 * DAY, DAY)), *attested(60 * DAY, retention_days=30)]
    assert horizon(0, *daily) == 30 * DAY
    assert horizon(40 * DAY, *daily) == 40 * DAY + HOUR
    assert horizon(40 * DAY, *daily, *attested(61 * DAY, retention_days=0)) is None
    assert horizon(40 * DAY, *daily, *attested(61 * DAY)) == 40 * DAY + HOUR
    young = [*attested(*range(0, 5 * DAY, DAY)), *attested(5 * DAY, retention_days=30)]
    assert horizon(0, *young) is None


def test_spans_that_have_expired_whole_are_gone():
    """Only what is left of them counts; what is captured through stays."""
    found = build_coverage([], [*attested(0, HOUR), *attested(10 * DAY, 10 * DAY + 9 * HOUR)], (), first_day=10 * DAY)
    assert [(span.start, span.end) for span in found.spans] == [(10 * DAY + HOUR, 10 * DAY + 9 * HOUR)]
    assert found.captured_through == 10 * DAY + 9 * HOUR


def test_without_attestations_there_is_no_horizon():
    """The first change there is begins the span: what is observed claims no more."""
    assert build_coverage([Stream("s", 0, 9 * DAY)], None, (), first_day=5 * DAY).horizon is None
