"""Inputs on which answers were wrong or silent, each standing for a kind, with what is right."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

import histlib
from histlib.rules.coverage.coverage import Attestation
from tests.support.history.baselines import put_baseline
from tests.support.history.exports import full_export, incremental_export
from tests.support.history.landings import NOON, STREAM, TABLE, put, record
from tests.support.history.world_histories import at, rows_of

SECOND = 1_000_000


def clock(minutes: float) -> Any:
    """A time so many minutes after noon."""
    return at(round((NOON + 60 * minutes) * SECOND))


def told(answer: Any) -> set[str]:
    """The names of an answer's caveats."""
    attrs = answer.attrs() if callable(answer.attrs) else answer.attrs["histlib"]
    return {caveat["name"] for caveat in attrs["caveats"]}


def cells(frame: Any) -> list[str]:
    return frame["caveats"].tolist()


def values(frame: Any, column: str = "item") -> list[Any]:
    return [row[column]["v"] for row in rows_of(frame)]


# --- images that the view does not hold ---


@pytest.fixture
def old_images(tmp_path):
    """An OLD_IMAGE stream: v is 1, 2, 3 (that change is lost) and 4, ten minutes each."""
    images = [(0, "INSERT", None), (10, "MODIFY", 1), (30, "MODIFY", 3), (60, "MODIFY", 4)]
    put(tmp_path, [
        record(n, action=action, seconds=NOON + 60 * minutes, view="OLD_IMAGE", new_image=None,
               old_image=None if old is None else {"id": "a", "v": old})
        for n, (minutes, action, old) in enumerate(images)
    ])  # fmt: skip
    return histlib.connect(tmp_path)


def test_a_state_over_changes_that_do_not_show_what_they_left_is_not_proven(old_images):
    """What the next change found may have been left by one that is missing."""
    assert "chain_unproven" in told(old_images.state_at("a", clock(15)))
    assert cells(old_images.snapshot_at(clock(15))) == ["chain_unproven"]
    assert all("chain_unproven" in cell for cell in cells(old_images.affected("item.v = 3", clock(11), clock(29))))


def test_what_a_view_does_not_show_is_never_left_out_in_silence(old_images):
    """Of the last change nothing shows what it left: it is counted, where a condition may hold of it."""
    for frame in (
        old_images.snapshot_at(clock(60), where="item.v = 9"),
        old_images.affected("item.v = 9", clock(59), clock(60.5)),
        old_images.changes(clock(59), clock(60.01), where="new_image.v = 9"),
        old_images.activity(clock(59), clock(60.01), where="new_image.v = 9"),
    ):
        assert (len(frame), "chain_unproven" in told(frame)) == (0, True)


# --- windows of exports ---


@pytest.fixture
def full_inside(tmp_path):
    """A full export five minutes into a window, in which v goes from 1 over 2 to 3."""
    full_export(tmp_path, [{"id": "a", "v": 2}], (NOON + 300) * SECOND)
    net = [((NOON + 480) * SECOND, {"id": "a"}, {"id": "a", "v": 1}, {"id": "a", "v": 3})]
    incremental_export(tmp_path, net, NOON * SECOND, (NOON + 600) * SECOND)
    return histlib.connect(f"export:{tmp_path}")


def test_at_the_ends_of_a_window_its_own_images_decide(full_inside):
    """A baseline read strictly inside it anchors nothing at its start."""
    assert full_inside.state_at("a", clock(0)).get("v") == 1
    assert told(full_inside.state_at("a", clock(0))) == set()
    assert values(full_inside.snapshot_at(clock(0))) == [1]
    assert full_inside.state_at("a", clock(10)).get("v") == 3
    assert [(row["before"], row["after"]) for row in rows_of(full_inside.diff(clock(0), clock(10)))] == [(1, 3)]


def test_an_item_that_only_the_baseline_inside_saw_may_have_come_and_gone(tmp_path):
    """Of an item that the window tells nothing of nothing is known at its start, and it may be gone at its end."""
    full_export(tmp_path, [{"id": "a", "v": 2}, {"id": "b", "v": 7}], (NOON + 300) * SECOND)
    net = [((NOON + 480) * SECOND, {"id": "a"}, {"id": "a", "v": 1}, {"id": "a", "v": 3})]
    incremental_export(tmp_path, net, NOON * SECOND, (NOON + 600) * SECOND)
    history = histlib.connect(f"export:{tmp_path}")
    assert history.state_at("b", clock(0)).status == "unknown"
    assert "unknown_keys" in told(history.snapshot_at(clock(0)))
    after = history.state_at("b", clock(10))
    assert (after.get("v"), told(after)) == (7, {"outside_coverage"})
    rows = {row["keys.id"]: row["caveats"] for row in rows_of(history.snapshot_at(clock(10)))}
    assert rows == {"a": "", "b": "outside_coverage"}


@pytest.fixture
def between(tmp_path):
    """A full export, and the quarter of an hour after it, in which a goes from 1 over 99 to 2, and n comes and goes."""
    full_export(tmp_path, [{"id": "a", "v": 1}, {"id": "b", "v": 1}], NOON * SECOND)
    net = [((NOON + 600) * SECOND, {"id": "a"}, {"id": "a", "v": 1}, {"id": "a", "v": 2})]
    incremental_export(tmp_path, net, NOON * SECOND, (NOON + 900) * SECOND)
    return histlib.connect(f"export:{tmp_path}")


def test_inside_a_window_every_answer_says_so(between):
    """Whatever it found, and where it found nothing."""
    answers = [
        between.state_at("a", clock(3)),
        between.state_at("n", clock(3)),
        between.diff(clock(1), clock(3)),
        between.snapshot_at(clock(3)),
        between.snapshot_at(clock(3), where="item.v = 99"),
        between.snapshot_at(clock(3), keys=["n"]),
        between.changes(clock(1), clock(9)),
        between.activity(clock(1), clock(9)),
        between.timeline("a", clock(1), clock(9)),
        between.affected("item.v = 99", clock(0), clock(14)),
        between.since("a", "v", value=99, time=clock(15)),
        between.blame("a", clock(3)),
        between.coverage(clock(1), clock(9)),
    ]
    assert ["net_change" in told(answer) for answer in answers] == [True] * len(answers)


def test_coverage_lists_windows_and_is_not_complete_within_one(between):
    """As spans of kind net; a time that begins and ends with windows is whole, one that cuts into one is not."""
    whole, part = between.coverage(clock(0), clock(15)), between.coverage(clock(1), clock(9))
    assert (whole.complete, part.complete) == (True, False)
    assert [report.spans["kind"].tolist() for report in (whole, part)] == [["net"], ["net"]]
    assert part.holes["kind"].tolist() == ["net"]


def test_at_the_ends_of_windows_there_is_no_doubt(between):
    """There all is known, also of what never changed."""
    for moment in (0, 15):
        assert told(between.snapshot_at(clock(moment))) == set()
    assert told(between.diff(clock(0), clock(15))) == set()
    assert values(between.snapshot_at(clock(15))) == [2, 1]


# --- a second ends at its end ---


def test_the_rest_of_the_second_of_a_change_must_be_covered(tmp_path):
    """A loss is attested between two attestations: a change that came later in the very second may be among it."""
    put(tmp_path, [
        record(0, "b", action="INSERT", old_image=None, seconds=NOON - 900),
        record(1, "a", action="INSERT", old_image=None, seconds=NOON),
        record(3, "b", seconds=NOON + 1_800, old_image={"id": "b", "version": 0}),
    ])  # fmt: skip
    folder = tmp_path / "coverage"
    folder.mkdir()
    for minutes, losses in ((-30, 0), (-10, 0), (15, 1), (45, 1)):
        (folder / f"{minutes}.json").write_bytes(msgspec.json.encode(attestation(minutes, losses)))
    history = histlib.connect(tmp_path)
    for moment in (0, 1 / 60):
        assert told(history.state_at("a", clock(moment))) == {"outside_coverage"}
        assert rows_of(history.snapshot_at(clock(moment), keys=["a"]))[0]["caveats"] == "outside_coverage"
        assert "outside_coverage" in told(history.snapshot_at(clock(moment), where="item.version = 9"))


def attestation(minutes: int, losses: int) -> Attestation:
    return Attestation(
        attested_at=(NOON + 60 * minutes) * SECOND,
        table=TABLE,
        stream=STREAM,
        view="NEW_AND_OLD_IMAGES",
        mapping="m",
        mapping_state="Enabled",
        iterator_age_ms=0,
        firehose_freshness_s=0,
        undelivered=0,
        healthy=True,
        losses=losses,
    )


# --- scopes wider than one key ---


@pytest.fixture
def orders(tmp_path):
    """One order of c1 changed, the other never since the capture began; of c2 nothing is known."""
    key = {"customerId": "c1", "orderId": "o1"}
    other = {"customerId": "c9", "orderId": "o9"}
    put(tmp_path, [
        record(0, keys=key, new_image={**key, "status": "paid"}, old_image={**key, "status": "new"}, seconds=NOON),
        record(1, keys=other, new_image=other, old_image=None, action="INSERT", seconds=NOON + 3_600),
    ])  # fmt: skip
    return tmp_path


@pytest.mark.parametrize("damaged", [False, True])
def test_a_partition_key_is_in_doubt_as_the_condition_on_it(orders, damaged):
    """Items that nobody saw may be under it; also with a condition, at a time past the capture, with a damaged file."""
    if damaged:
        put(orders, b"not a record\n", name="damaged.gz")
    history = histlib.connect(orders)
    for moment in (clock(30), clock(90)):
        for customer in ("c1", "c2"):
            keys, where = {"customerId": customer}, f"keys.customerId = '{customer}'"
            by_key = history.snapshot_at(moment, keys=keys)
            assert told(by_key) == told(history.snapshot_at(moment, where=where))
            assert "unknown_keys" in told(by_key)
            assert ("unreadable_files" in told(by_key)) == damaged
            assert ("not_settled" in told(by_key)) == (moment == clock(90))
            assert told(by_key) <= told(history.snapshot_at(moment, keys=keys, where="item.status = 'paid'"))
            assert told(by_key) <= told(history.diff(clock(10), moment, key=keys))


def test_a_whole_key_is_in_no_doubt_of_others(orders):
    """What is not known of other items does not matter to it."""
    history = histlib.connect(orders)
    frame = history.snapshot_at(clock(30), keys=[{"customerId": "c1", "orderId": "o1"}])
    assert (told(frame), cells(frame)) == (set(), [""])


# --- candidates ---


def test_an_item_of_which_only_the_other_candidate_satisfies_is_counted(tmp_path):
    """After a gap it may have been what the next change found; of copies that differ it may be the other."""
    put(tmp_path, [
        record(0, "a", action="INSERT", old_image=None, new_image={"id": "a", "v": 1}),
        record(20, "a", old_image={"id": "a", "v": 2}, new_image={"id": "a", "v": 3}),
        record(1, "b", action="INSERT", old_image=None, new_image={"id": "b", "v": 1}),
        record(1, "b", action="INSERT", old_image=None, new_image={"id": "b", "v": 2}),
        record(2, "c", action="INSERT", old_image=None, new_image={"id": "c", "v": 2}),
    ])  # fmt: skip
    history = histlib.connect(tmp_path)
    moment = at((NOON + 10) * SECOND)
    frame = history.snapshot_at(moment, where="item.v = 2")
    details = {one["name"]: one["detail"] for one in frame.attrs["histlib"]["caveats"]}
    assert frame["keys.id"].tolist() == ["c"]
    assert details["gap"] == details["conflict"] == "of 1 item left out, which may belong here"
    assert frame.attrs["histlib"]["heading"].startswith("1 item at ")
    assert {"gap", "conflict"} <= told(history.diff(moment, moment, where="item.v = 2"))
    assert {"gap", "conflict"} <= told(history.affected("item.v = 2", at(NOON * SECOND), at((NOON + 15) * SECOND)))


def test_what_was_redacted_may_be_what_is_asked_for(tmp_path):
    """A condition that names a path which an image lacks, where attributes were dropped, may hold all the same."""
    put(tmp_path, [
        record(0, "a", action="INSERT", old_image=None, new_image={"id": "a", "v": 1}, redaction="r1"),
        record(1, "b", action="INSERT", old_image=None, new_image={"id": "b", "v": 1, "secret": 1}),
    ])  # fmt: skip
    history = histlib.connect(tmp_path)
    range_ = (at(NOON * SECOND), at((NOON + 2) * SECOND))
    for frame in (
        history.snapshot_at(at((NOON + 1) * SECOND), where="item.secret = 2"),
        history.affected("item.secret = 2", *range_),
        history.changes(*range_, where="new_image.secret = 2"),
        history.activity(*range_, where="new_image.secret = 2"),
    ):
        assert (len(frame), "redacted" in told(frame)) == (0, True)
    assert "redacted" not in told(history.snapshot_at(at((NOON + 1) * SECOND), where="item.v = 2"))


# --- reasons ---


def test_what_is_not_known_has_a_reason(tmp_path):
    """since of an unknown state, and the timeline of a key that was never seen."""
    put(tmp_path, [record(0, action="INSERT", old_image=None)])
    history = histlib.connect(tmp_path)
    assert history.since("ghost", "version", time=clock(0)).reason == "the history holds no change of this key"
    assert "no change of this key" in json.dumps(history.timeline("ghost").attrs["histlib"]["notices"])
    assert "no change of this key" in repr(history.timeline("ghost"))


def test_a_baseline_that_covers_the_table_knows_all_keys(tmp_path):
    """With one there is no unknown_keys, for any scope."""
    put(tmp_path, [record(n, "clock", seconds=NOON + 60 * n) for n in range(61)])
    put_baseline(tmp_path, "n1", [{"id": "a", "version": 1}], NOON + 1_800, NOON + 1_810)
    history = histlib.connect(tmp_path)
    for frame in (
        history.snapshot_at(clock(40)),
        history.snapshot_at(clock(40), where="item.version = 99"),
        history.affected("item.version = 99", clock(35), clock(40)),
        history.diff(clock(35), clock(40)),
    ):
        assert told(frame) == set()
