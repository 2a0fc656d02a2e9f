"""Was anything lost? What coverage() says of a time, in rows and in words."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import histlib
from histlib.answers.coverage import COLUMNS
from histlib.errors import TimeNotValidError
from histlib.rules.coverage.coverage import Attestation, Coverage, Hole, Span
from histlib.rules.coverage.rows import KINDS, Row, missing_rows, span_rows
from histlib.values.times import DAY, HOUR, SECOND
from tests.support.history.baselines import attest, put_baseline
from tests.support.history.landings import NOON, STREAM, put, record


@pytest.fixture
def folder(tmp_path) -> Path:
    """A change a minute from noon to 13:00."""
    put(tmp_path, [record(n, seconds=NOON + 60 * n) for n in range(61)])
    return tmp_path


def kinds(report) -> list[str]:
    return report.holes["kind"].tolist()


def test_losses_and_problems_are_told_in_the_attestations_own_words(folder):
    """A span that a loss ended says so, with the problems of the attestation that noticed it; sick ones say theirs."""
    attest(folder, NOON - 60, NOON + 600)
    attest(folder, NOON + 1_200, losses=1, problems=["2 changes dropped"], healthy=False)
    attest(folder, NOON + 1_800, NOON + 3_600, losses=1)
    report = histlib.connect(folder).coverage("2026-01-01T12:00", "2026-01-01T13:00")
    assert (report.complete, kinds(report)) == (False, ["not_covered"])
    told = "attested at 2026-01-01 12:20:00+00:00 that changes were lost for good: 2 changes dropped"
    assert report.holes["detail"].tolist() == [told]
    later = histlib.connect(folder).coverage("2026-01-01T12:30", "2026-01-01T12:59")
    assert (later.complete, later.completeness) == (True, "attested")


# --- in words ---


def test_an_attested_time_was_captured_whole(folder):
    """Attestations cover it: nothing was lost, said so; the spans name what covers it."""
    attest(folder, NOON - 60, NOON + 3_600)
    report = histlib.connect(folder, tz="Asia/Tokyo").coverage("2026-01-01T21:00", "2026-01-01T22:00")
    assert (report.complete, report.completeness, report.caveats) == (True, "attested", ())
    assert len(report.holes) == 0
    assert report.spans["kind"].tolist() == ["attested"]
    assert report.spans["detail"].tolist() == [STREAM]
    assert report.captured_through.isoformat() == "2026-01-01T22:00:00+09:00"
    text = repr(report)
    assert "coverage of things from 2026-01-01 21:00:00+09:00 to 2026-01-01 22:00:00+09:00: complete" in text
    assert "nothing was lost" in text
    assert "as its caveat gap: it is not counted here" in text


def test_without_attestations_nothing_is_proven(folder):
    """Nothing is known to be missing, which proves nothing: the words and completeness say so."""
    report = histlib.connect(folder).coverage("2026-01-01T12:00", "2026-01-01T12:30")
    assert (report.complete, report.completeness) == (True, "observed")
    assert "nothing is known to be missing, but no attestation proves it" in repr(report)
    assert "nothing was lost" not in repr(report)


def test_a_damaged_file_is_told_with_file_and_line(folder):
    """Where it may hold changes of the time asked for; not elsewhere."""
    put(folder, json.dumps(record(9)).encode() + b"\njunk\n", name="bad.gz")
    history = histlib.connect(folder)
    report = history.coverage("2026-01-01T12:00", "2026-01-01T12:30")
    assert (report.complete, report.completeness, report.caveats) == (False, "observed", ("unreadable_files",))
    (row,) = report.holes.to_dict("records")
    assert (row["kind"], row["file"], row["line"]) == ("unreadable", "changes/2026/01/01/bad.gz", 2)
    assert "a damaged file or line (1)" in repr(report)
    assert "changes/2026/01/01/bad.gz" in repr(report)


def test_undelivered_and_unconverted_changes_are_told(folder):
    """By kind, with the item where it is known; at their time only."""
    change = {"dynamodb": {"Keys": {"id": {"S": "a"}}, "ApproximateCreationDateTime": NOON + 600}}
    (folder / "failed/records").mkdir(parents=True)
    (folder / "failed/records/17").write_text(json.dumps(change))
    history = histlib.connect(folder)
    report = history.coverage("2026-01-01T12:00", "2026-01-01T12:30")
    assert kinds(report) == ["unconverted"]
    assert 'of {"id":"a"}' in report.holes["detail"].iloc[0]
    assert report.caveats == ("outside_coverage",)
    assert history.coverage("2026-01-01T12:30", "2026-01-01T12:40").complete


def test_times_outside_all_spans_are_not_covered(folder):
    """Before, and past what is captured: told from where to where, and why."""
    report = histlib.connect(folder).coverage("2026-01-01T11:00", "2026-01-01T14:00")
    assert kinds(report) == ["not_covered", "not_covered"]
    assert report.holes["detail"].tolist()[0] == "before the first change"
    assert "captured through 2026-01-01 13:00:00+00:00" in report.holes["detail"].tolist()[1]
    assert report.holes["end"].tolist()[0].isoformat() == "2026-01-01T12:00:00+00:00"
    assert set(report.caveats) == {"outside_coverage", "not_settled"}


def test_by_default_it_is_all_that_was_captured(folder):
    """From the first change through what has been captured: complete, where all of it is covered."""
    report = histlib.connect(folder).coverage()
    assert (report.start.isoformat(), report.end.isoformat()) == (
        "2026-01-01T12:00:00+00:00",
        "2026-01-01T13:00:00+00:00",
    )
    assert (report.complete, report.caveats) == (True, ())
    attest(folder, NOON + 60, NOON + 3_600)
    late = histlib.connect(folder).coverage()
    assert (late.complete, kinds(late)) == (False, ["not_covered"])
    early = histlib.connect(folder).coverage(end="2026-01-01T12:00")
    assert not early.complete
    assert not histlib.connect(folder).coverage(start="2026-01-02").complete


def test_a_history_of_baselines_alone_covers_nothing(tmp_path):
    """Before the first change of a stream: nothing is covered, and the states that a baseline gives say so."""
    put_baseline(tmp_path, "n1", [{"id": "a"}], NOON + 600, NOON + 700)
    history = histlib.connect(tmp_path)
    report = history.coverage("2026-01-01T12:00", "2026-01-01T12:30")
    assert (report.complete, kinds(report)) == (False, ["not_covered"])
    assert report.holes["detail"].tolist() == ["the history holds no change of a stream"]
    assert not history.coverage().complete
    state = history.state_at("a", "2026-01-01T12:30")
    assert (state.status, state.caveats) == ("present", ("not_settled", "outside_coverage"))


def test_an_incomplete_baseline_is_told_and_counts_for_nothing_else(folder):
    """With its file and why; the time it was read is none the less complete."""
    put_baseline(folder, "n1", [{"id": "a"}], NOON + 600, NOON + 700, items=5)
    report = histlib.connect(folder).coverage("2026-01-01T12:00", "2026-01-01T12:30")
    assert (report.complete, kinds(report), report.caveats) == (True, ["baseline"], ())
    assert report.holes["file"].tolist() == ["baseline/n1.json"]
    assert "not complete: the landing holds 1 of its items, the manifest says 5" in repr(report)
    assert kinds(histlib.connect(folder).coverage("2026-01-01T12:30", "2026-01-01T12:40")) == []


def test_an_attestation_that_is_not_whole_is_named_as_the_reason(folder):
    """Why a time is not covered: what the attestation in it says."""
    attest(folder, NOON, NOON + 600)
    attest(folder, NOON + 1_200, undelivered=3, healthy=False)
    attest(folder, NOON + 1_800, NOON + 3_600, mapping="m2")
    report = histlib.connect(folder).coverage("2026-01-01T12:00", "2026-01-01T12:50")
    assert kinds(report) == ["not_covered"]
    assert "12:20:00+00:00: 3 undelivered, not healthy" in report.holes["detail"].iloc[0]


def test_the_frames_have_documented_columns_and_go_into_files(folder, tmp_path):
    """dtypes, attrs, NaT and NA; a file gives the same table back."""
    put(folder, json.dumps(record(9)).encode() + b"\njunk\n", name="bad.gz")
    (folder / "failed").mkdir()
    (folder / "failed/x").write_text("junk")
    report = histlib.connect(folder, tz="Asia/Tokyo").coverage()
    for frame in (report.spans, report.holes):
        assert list(frame.columns) == list(COLUMNS)
        assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
            "kind": "str",
            "start": "datetime64[us, Asia/Tokyo]",
            "end": "datetime64[us, Asia/Tokyo]",
            "detail": "str",
            "file": "str",
            "line": "Int64",
        }
        assert frame.attrs["histlib"]["complete"] is False
        for suffix in ("csv", "parquet"):
            again = histlib.read(histlib.write(frame, tmp_path / f"x.{suffix}"))
            assert again.equals(frame) and again.attrs == frame.attrs
        histlib.write(frame, tmp_path / "x.xlsx")
    assert set(kinds(report)) == {"undelivered", "unreadable"} <= set(KINDS)
    assert report.holes["start"].isna().tolist()[0]
    assert report.attrs == report.holes.attrs


def test_markup_is_escaped(folder):
    """Names of files and details cannot break out of the HTML."""
    put(folder, b"junk\n", name="<script>alert(1)</script>.gz")
    report = histlib.connect(folder).coverage()
    page = report._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "not complete" in page


def test_ranges_that_are_none(folder):
    """As for all questions."""
    with pytest.raises(TimeNotValidError):
        histlib.connect(folder).coverage("2026-01-02", "2026-01-01")


# --- rows, at the instant and just beside it ---


def covered(*spans: Span, holes: tuple[Hole, ...] = (), through: int | None = None, attested: bool = True) -> Coverage:
    return Coverage(spans, holes, through or max((span.end for span in spans), default=None), attested)


def missing(coverage: Coverage, first: int, last: int, attestations: tuple[Attestation, ...] = ()) -> list[Row]:
    return missing_rows(coverage, attestations, (), first, last)


def brief(rows: list[Row]) -> list[tuple[str, int | None, int | None]]:
    return [(row.kind, row.start, row.end) for row in rows]


S = SECOND


def test_the_edges_of_a_span():
    """Both ends included; one instant beyond is not covered."""
    coverage = covered(Span(10 * S, 20 * S, "s"))
    assert missing(coverage, 10 * S, 20 * S) == []
    assert brief(missing(coverage, 10 * S - 1, 20 * S)) == [("not_covered", 10 * S - 1, 10 * S)]
    assert missing(coverage, 10 * S, 21 * S - 1) == []
    assert brief(missing(coverage, 10 * S, 21 * S)) == [("not_covered", 20 * S, 21 * S)]
    assert brief(missing(coverage, 30 * S, 40 * S)) == [("not_covered", 30 * S, 40 * S)]
    assert brief(missing(coverage, 0, 5 * S)) == [("not_covered", 0, 5 * S)]
    assert brief(missing(covered(), 0, 5 * S)) == [("not_covered", 0, 5 * S)]


def test_boundaries_between_spans():
    """Another table, another stream, or only no attestation; touching spans of two streams have a boundary too."""
    one, hour = Span(0, 10 * S, "x/stream/1", "t1"), HOUR
    for later, kind in (
        (Span(hour, 2 * hour, "x/stream/2", "t2"), "table"),
        (Span(hour, 2 * hour, "x/stream/2", "t1"), "stream"),
        (Span(hour, 2 * hour, "x/stream/1", "t1"), "not_covered"),
    ):
        assert brief(missing(covered(one, later), 0, 2 * hour)) == [(kind, 10 * S, hour)]
        assert brief(missing(covered(one, later), 20 * S, 30 * S)) == [(kind, 20 * S, 30 * S)]
        assert missing(covered(one, later), hour + 1, 2 * hour) == []
    touching = Span(10 * S, hour, "x/stream/2", "t1")
    assert brief(missing(covered(one, touching), 0, hour)) == [("stream", 10 * S, 10 * S)]
    assert missing(covered(one, touching), 11 * S, hour) == []


def test_why_a_time_is_not_covered():
    """No attestation, ones too far apart, a mapping replaced, files gone."""
    whole = Attestation(0, "t", "s", "v", "m", "Enabled", 0, 0, 0, True)
    spans = (Span(0, HOUR, "s"), Span(40 * HOUR, 41 * HOUR, "s"))
    (row,) = missing(covered(*spans), HOUR + 1, 40 * HOUR - 1)
    assert row.detail == "no attestation"
    gone = Coverage((Span(DAY, 2 * DAY, "s"),), (), 2 * DAY, attested=True, horizon=DAY)
    (row,) = missing(gone, HOUR, 2 * DAY, (whole,))
    assert "no longer there" in row.detail


def test_the_last_instant_of_a_span_is_covered():
    """What comes after it is not asked for; nor, from the first instant of the next one, what came before."""
    coverage = covered(Span(0, 10 * S, "a"), Span(20 * S, 30 * S, "a"))
    assert missing(coverage, 5 * S, 10 * S) == missing(coverage, 20 * S, 25 * S) == []
    assert brief(missing(coverage, 5 * S, 11 * S)) == [("not_covered", 10 * S, 11 * S)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from("ab")), max_size=5), st.data())
def test_complete_is_what_one_span_covers(drawn, data):
    """No row is missing just where one span holds all of the time, for any spans."""
    spans = tuple(Span(min(a, b) * S, max(a, b) * S, stream) for a, b, stream in drawn)
    first, last = sorted(data.draw(st.tuples(st.integers(0, 60), st.integers(0, 60))))
    coverage = covered(*spans)
    whole = coverage.settled(last * S - 1) and coverage.covers(first * S, last * S)
    rows = missing(coverage, first * S, last * S)
    if not rows:
        assert whole
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    if whole and all(one.end < other.start for one, other in pairwise(ordered)):
        assert rows == []
    assert all(first * S <= row.start <= row.end <= last * S for row in rows)
    for row in span_rows(coverage, first * S, last * S):
        assert first * S <= row.start <= row.end <= last * S
