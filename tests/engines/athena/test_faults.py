"""Faults in the middle of whole questions asked through Athena: the right answer or one right error, nothing left."""

from __future__ import annotations

import threading

import boto3
import pytest

import histlib
from histlib.errors import HistlibError, RequestError, SourceError
from histlib.format.days import day_begin
from tests.support.athena.aws import OUTPUT_BUCKET
from tests.support.athena.equal_answers import told
from tests.support.athena.histories import put_history
from tests.support.athena.records import MIDDLE, QUESTIONS, WITHIN, connected, dated, landing
from tests.support.history.landings import put, record

ASKED = {**QUESTIONS, "coverage": lambda h: h.coverage(), "sql": lambda h: h.sql("SELECT count(*) AS n FROM t")}


def left() -> list[str]:
    """What lies in the bucket of results."""
    found = boto3.client("s3").list_objects_v2(Bucket=OUTPUT_BUCKET).get("Contents", [])
    return [one["Key"] for one in found]


def answers(history: histlib.History) -> dict:
    return {name: told(history, ask) for name, ask in ASKED.items()}


@pytest.fixture
def right(athena, tmp_path):
    """What is right, by the embedded source; and a history of the same by Athena."""
    landing(tmp_path / "h")
    embedded = histlib.connect(str(tmp_path / "h"), cache=tmp_path / "embedded")
    return answers(embedded), connected(tmp_path / "h", tmp_path / "cache")


@pytest.mark.parametrize("reason", ["HIVE_CURSOR_ERROR: broken", "HIVE_BAD_DATA: Error", "Query timeout", ""])
def test_failed_queries(athena, right, reason):
    """An object, the limit of time, no reason at all: an error each; the object by its name in the history."""
    expected, history = right
    name = f"changes/{MIDDLE}/a.gz"
    text = f"{reason} s3://histories/things/{name}: line 1" if "HIVE" in reason else reason
    history._facts()
    for question, ask in QUESTIONS.items():
        athena.standin.faults.fail(text)
        with pytest.raises(SourceError) as caught:
            pytest.fail(f"{question}: {ask(history)}")
        assert "HIVE" not in reason or f"pipeline quarantine s3://histories/things/{name}" in str(caught.value)
        assert "\n" not in str(caught.value)
    athena.standin.faults.clear()
    assert answers(history) == expected
    assert not any("/rows/" in key for key in left())


def test_cancelled_by_someone_else(athena, right):
    """The error says so, for every question; the next one is answered."""
    expected, history = right
    history._facts()
    for ask in QUESTIONS.values():
        athena.standin.faults.fail("", state="CANCELLED")
        with pytest.raises(SourceError, match="someone else cancelled"):
            ask(history)
    assert answers(history) == expected


@pytest.mark.parametrize("operation", ["StartQueryExecution", "GetQueryExecution", "GetQueryResults"])
def test_throttled_once(athena, right, operation):
    """Asked again, and right."""
    expected, history = right
    athena.standin.faults.throttle(operation)
    assert answers(history) == expected


@pytest.mark.parametrize("kind", ["token", "wrong_token", "body"])
def test_pages_that_are_cut(athena, right, kind):
    """A right answer or an error, never a part of the rows."""
    expected, history = right
    for question, ask in ASKED.items():
        athena.standin.faults.cut(kind)
        found = told(history, ask)
        athena.standin.faults.clear()
        assert "error" in found or found == expected[question]
    assert answers(history) == expected


def test_more_than_may_be_scanned(athena, tmp_path):
    """Refused before any query begins, with how to allow it."""
    landing(tmp_path / "h")
    with pytest.raises(RequestError, match=r"max_scan_bytes=\d+"):
        connected(tmp_path / "h", tmp_path / "cache", max_scan_bytes=1).snapshot_at(WITHIN)
    assert athena.standin.queries == []


def test_data_that_comes_into_a_settled_day(athena, tmp_path):
    """A history that has just listed all sees it at once by ``_revision``; one that is opened anew does so too."""
    folder = landing(tmp_path / "h")
    history = connected(folder, tmp_path / "cache")
    answers(history)
    put(folder, [dated(11, "b", action="INSERT", old_image=None)], MIDDLE, "b.gz")
    (folder / "changes" / "_revision").write_text("1")
    again = connected(folder, tmp_path / "cache")
    embedded = histlib.connect(str(folder), cache=tmp_path / "embedded")
    expected = answers(embedded)
    assert answers(history) == expected
    assert answers(again) == expected


def test_a_failed_unload_leaves_nothing(athena, right):
    """Files and threads are gone; the next answer is right."""
    expected, history = right
    history._facts()
    before = {one.name for one in threading.enumerate() if not one.daemon}
    athena.standin.faults.fail("Query cancelled by a limit", matching="UNLOAD")
    with pytest.raises(HistlibError):
        history.snapshot_at(WITHIN)
    assert not any("/rows/" in key for key in left())
    assert {one.name for one in threading.enumerate() if not one.daemon} <= before
    assert told(history, ASKED["snapshot"]) == expected["snapshot"]


def test_a_limit_counts_only_the_days_that_are_read(athena, tmp_path):
    """Of a long history a question about one item needs a few days: a limit just above their size allows it, though
    the first of its statements looks at both ends of the history."""
    days = [f"2026/{month:02}/{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    for number, day in enumerate(days):
        put(tmp_path / "h", [record(number, seconds=day_begin(day) // 1_000_000 + 40_000)], day=day)
    one = len((tmp_path / "h/changes" / days[0] / "a.gz").read_bytes()) + 20
    address = put_history(tmp_path / "h")
    history = histlib.connect(address, cache=tmp_path / "cache", max_scan_bytes=14 * one)
    assert history.state_at("a", "2026-03-28T12:00").status == "present"
    with pytest.raises(RequestError, match="over the limit"):
        history.snapshot_at("2026-03-28T12:00")
