"""Since when a value holds, and which change set each: against the truth, and against the timeline."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.errors import KeyNotValidError, PathNotValidError
from histlib.values.image_json import MISSING, equal
from tests.support.effort import examples
from tests.support.history.landings import NOON, put, record
from tests.support.history.world_histories import at, history_of, items_of, micros, rows_of
from tests.support.history.worlds import SECOND, World, any_worlds, moments, worlds


def second(moment: Any) -> int | None:
    found = micros(moment)
    return None if found is None else found // SECOND - NOON


@pytest.fixture
def history(tmp_path):
    """An item whose price goes 5, 0, 5, is removed, comes back as NULL; then it is deleted and made again with 0."""

    def image(**values):
        return {"id": "a", **values}

    images = [None, image(price=5, n=[1, {"x": 1}]), image(price=0, n=[1, {"x": 2}]), image(price=5, n=[1, {"x": 2}]),
              image(n=[1, {"x": 2}]), image(price=None, n=[]), None, image(price=0)]  # fmt: skip
    actions = ["INSERT", "MODIFY", "MODIFY", "MODIFY", "MODIFY", "REMOVE", "INSERT"]
    put(tmp_path, [record(10 * n, action=action, old_image=images[n], new_image=images[n + 1])
                   for n, action in enumerate(actions)])  # fmt: skip
    return histlib.connect(tmp_path)


def t(seconds: int) -> str:
    return f"2026-01-01T12:{seconds // 60:02}:{seconds % 60:02}"


# --- since ---


def test_since_when_it_has_the_value_that_it_has(history):
    """The period around the time asked for: begun and ended by which changes, what was before it."""
    found = history.since("a", "price", time=t(15))
    assert (found.status, found.value, second(found.since), second(found.until)) == ("holds", 0, 10, 20)
    assert (found.before, found.change.event_id, found.ended_by.event_id) == (5, "event-10", "event-20")
    assert (found.from_latest, found.earlier, found.caveats, found.completeness) == (found.since, (), (), "observed")


def test_a_value_that_came_back(history):
    """Each earlier period is told, and the last one is the answer."""
    found = history.since("a", "price", time=t(25))
    assert (found.status, second(found.since), second(found.until)) == ("holds", 20, 30)
    assert [(second(begin), second(end)) for begin, end in found.earlier] == [(0, 10)]


def test_a_value_that_it_has_no_more(history):
    """``held``, with the last time it did; one that it never had, ``never``."""
    held = history.since("a", "price", value=0, time=t(25))
    assert (held.status, second(held.since), second(held.until)) == ("held", 10, 20)
    assert history.since("a", "price", value=1, time=t(25)).status == "never"
    assert history.since("a", "price", value="0", time=t(25)).status == "never"
    assert history.since("a", "price", value=False, time=t(25)).status == "never"


def test_missing_and_null_are_values(history):
    """Since when nothing is there; since when NULL: told apart."""
    missing = history.since("a", "price", time=t(35))
    assert (missing.value, missing.status, second(missing.since)) == (MISSING, "holds", 30)
    null = history.since("a", "price", value=None, time=t(45))
    assert (null.status, second(null.since), null.before) == ("holds", 40, MISSING)


def test_a_delete_ends_a_period_and_a_new_life_begins_one(history):
    """The same value before and after a delete is not one period."""
    found = history.since("a", "price", value=0, time=t(65))
    assert (found.status, second(found.since), found.until, found.before) == ("holds", 60, None, MISSING)
    assert [(second(begin), second(end)) for begin, end in found.earlier] == [(10, 20)]


def test_the_bounds_of_what_a_lost_change_began(tmp_path):
    """Between the change before and the change that shows it, with gap; the value before is known."""
    put(
        tmp_path,
        [
            record(0, action="INSERT", old_image=None, new_image={"id": "a", "price": 5}),
            record(10, old_image={"id": "a", "price": 0}, new_image={"id": "a", "price": 0, "x": 1}),
        ],
    )
    found = histlib.connect(tmp_path).since("a", "price", time=t(10))
    assert (found.status, second(found.from_earliest), second(found.from_latest)) == ("holds", 0, 10)
    assert (found.before, found.change, found.caveats) == (5, None, ("gap",))
    assert "some time between 2026-01-01 12:00:00+00:00 and 2026-01-01 12:00:10+00:00" in repr(found)


def test_what_was_so_before_the_history_tells(tmp_path):
    """No beginning is made up: None, and outside_coverage says why."""
    put(tmp_path, [record(5, new_image={"id": "a", "version": 4, "x": 1})])
    found = histlib.connect(tmp_path).since("a", "version", time=t(5))
    assert (found.status, found.since, found.change, found.caveats) == ("holds", None, None, ("outside_coverage",))
    never = histlib.connect(tmp_path).since("a", "x", value=7, time=t(5))
    assert (never.status, never.caveats) == ("never", ("outside_coverage",))


def test_since_in_html_and_json(tmp_path):
    """Everything is escaped in the page; the JSON holds values as image JSON."""
    evil = "<script>'"
    put(tmp_path, [record(0, action="INSERT", old_image=None, new_image={"id": "a", evil: evil}, event_id=evil)])
    found = histlib.connect(tmp_path).since("a", '"<script>\'"', time=t(0))
    assert found.value == evil
    assert "<script" not in found._repr_html_()
    assert '"value":"<script>\'"' in found.as_json()


def test_what_cannot_be_asked(history):
    """A part of a key, an empty path, a path that no image has."""
    with pytest.raises(KeyNotValidError):
        history.since({"x": 1}, "price")
    for path in ("", "prise", "a..b"):
        with pytest.raises(PathNotValidError):
            history.since("a", path)


@settings(max_examples=examples(60))
@given(world=worlds(trouble=False), data=st.data())
def test_without_trouble_since_is_the_truth(tmp_path_factory, world: World, data):
    """Each value at each time: the period of a plain replay."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    item = data.draw(st.sampled_from(items_of(world)))
    if history is None or not any("price" in (w.after or {}) for w in world.of(item)):
        return
    moment = data.draw(st.sampled_from([m for m in moments(world) if m >= world.effective(item)[0][0]] or [None]))
    if moment is None:
        return
    found = history.since(item, "price", time=at(moment))
    last = moment + SECOND - 1 if moment % SECOND == 0 else moment
    assert equal(found.value, (world.truth(item, moment) or {}).get("price", MISSING))
    assert found.status == "holds"
    assert (micros(found.since), micros(found.until)) == true_period(world, item, found.value, last)


def true_period(world: World, item: str, value: Any, last: int) -> tuple[int | None, int | None]:
    begun: int | None = None
    so = equal((world.before.get(item) or {}).get("price", MISSING), value)
    for effective, write in world.effective(item):
        now = equal((write.after or {}).get("price", MISSING), value)
        if so and not now and effective > last:
            return begun, effective
        if now and not so:
            begun = effective
        so = now
    return begun, None


def sure(state: histlib.ItemState) -> bool:
    """Whether a state says what the item was."""
    return state.status != "unknown" and not {"gap", "same_second", "chain_unproven", "not_settled"} & set(
        state.caveats
    )


@settings(max_examples=examples(80))
@given(world=any_worlds(scanned=True), data=st.data())
def test_with_baselines_values_are_those_of_the_state(tmp_path_factory, world: World, data):
    """What an item was at a time, since says to hold then, and blame names it or says why it may not be."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None:
        return
    for item in world.items:
        for moment in data.draw(st.permutations(moments(world)))[:3]:
            state = history.state_at(item, at(moment))
            try:
                found = history.since(item, "price", time=at(moment))
                blamed = rows_of(history.blame(item, at(moment), paths="price"))
            except PathNotValidError:
                continue
            if not sure(state):
                continue
            assert (found.status, equal(found.value, state.get("price", MISSING))) == ("holds", True)
            last = moment + SECOND - 1 if moment % SECOND == 0 else moment
            assert found.since is None or micros(found.since) <= last
            assert found.until is None or micros(found.until) > last
            told = {"gap", "chain_unproven", "outside_coverage"}
            assert all(equal(row["value"], found.value) or told & set(row["caveats"].split()) for row in blamed)
            assert blamed or found.value is MISSING


# --- blame ---


def test_blame_names_the_change_of_each_value(history):
    """Values in maps and lists one by one, removed ones too, each with what was before."""
    frame = history.blame("a", t(35))
    told = {row["path"]: (row["event_id"], row["value"], row["before"], second(row["since"])) for row in rows_of(frame)}
    assert told == {
        "id": ("event-0", "a", MISSING, 0),
        "n[0]": ("event-0", 1, MISSING, 0),
        "n[1].x": ("event-10", 2, 1, 10),
        "price": ("event-30", MISSING, 5, 30),
    }
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "keys": "str", "keys.id": "object", "path": "str", "time": "datetime64[us, UTC]", "action": "str",
        "actor": "str", "event_id": "str", "value": "object", "value_json": "str", "before": "object",
        "before_json": "str", "since": "datetime64[us, UTC]", "caveats": "str",
    }  # fmt: skip


def test_blame_of_paths_as_wholes(history):
    """A path asked for is one value, whatever is in it."""
    frame = history.blame("a", t(15), paths=["n", "price"])
    assert [(row["path"], row["event_id"], row["value"]) for row in rows_of(frame)] == [
        ("n", "event-10", [1, {"x": 2}]),
        ("price", "event-10", 0),
    ]


def test_blame_shows_what_a_missing_change_did(tmp_path):
    """No action and no actor are made up; the bounds and gap are told."""
    put(
        tmp_path,
        [
            record(0, action="INSERT", old_image=None, new_image={"id": "a", "price": 5}),
            record(10, old_image={"id": "a", "price": 0}, new_image={"id": "a", "price": 0, "x": 1}),
        ],
    )
    rows = {row["path"]: row for row in rows_of(histlib.connect(tmp_path).blame("a", t(10)))}
    price = rows["price"]
    assert (price["action"], price["actor"], price["event_id"], price["caveats"]) == (None, None, "event-10", "gap")
    assert (second(price["since"]), second(price["time"]), price["before"]) == (0, 10, 5)
    assert rows["x"]["action"] == "MODIFY"


@settings(max_examples=examples(50))
@given(world=worlds(), data=st.data())
def test_blame_agrees_with_the_timeline(tmp_path_factory, world: World, data):
    """For each path it names the last change of the path's timeline up to that time.

    Not where two deliveries of a change differ, or two changes do not compare: a timeline tells each change by its own
    images, blame goes from one image to the next, and says so with a caveat.
    """
    if world.view != "NEW_AND_OLD_IMAGES":
        return
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None:
        return
    item = data.draw(st.sampled_from(items_of(world)))
    moment = data.draw(st.sampled_from(moments(world)))
    last = moment + SECOND - 1 if moment % SECOND == 0 else moment
    for row in rows_of(history.blame(item, at(moment))):
        if {"redacted", "conflict", "chain_unproven"} & set(row["caveats"].split()):
            continue
        changes = [one for one in rows_of(history.timeline(item, paths=row["path"])) if micros(one["time"]) <= last]
        if row["time"] is None:
            assert changes == []
        else:
            assert (row["event_id"], row["action"]) == (changes[-1]["event_id"], changes[-1]["action"])
            assert equal(row["value"], changes[-1]["after"])
