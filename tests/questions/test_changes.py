"""Changes between two times: each of them once, and counted."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.errors import ConditionNotValidError, PathNotValidError, RequestError, TimeNotValidError
from histlib.values.image_json import MISSING, encode_image
from tests.support.effort import examples
from tests.support.history.landings import NOON, put, record
from tests.support.history.world_histories import at, history_of, items_of, micros, rows_of
from tests.support.history.worlds import SECOND, World, moments, worlds


@pytest.fixture
def shop(tmp_path):
    """Three items: one made and changed, one changed by a service, one deleted by TTL; one delivery came twice."""
    ttl = '{"principalId":"dynamodb.amazonaws.com","type":"Service"}'
    lines = [
        record(0, "a", action="INSERT", old_image=None, new_image={"id": "a", "price": 5, "tag": "x"}),
        record(10, "a", old_image={"id": "a", "price": 5, "tag": "x"}, new_image={"id": "a", "price": None}),
        record(20, "b", old_image={"id": "b"}, new_image={"id": "b", "price": 0}),
        record(70, "b", old_image={"id": "b", "price": 0}, new_image={"id": "b", "price": 0, "tag": "O'Brien"}),
        record(80, "c", action="REMOVE", old_image={"id": "c", "price": 1}, new_image=None, actor=ttl),
        record(90, "a", action="REMOVE", old_image={"id": "a", "price": None}, new_image=None),
    ]
    put(tmp_path, [*lines, lines[1]])
    return histlib.connect(tmp_path)


def ids(frame) -> list[str]:
    return frame["event_id"].tolist()


def test_a_row_for_each_change(shop):
    """In order of time, each once, with both images and the paths that changed."""
    frame = shop.changes("2026-01-01", "2026-01-02")
    assert ids(frame) == ["event-0", "event-10", "event-20", "event-70", "event-80", "event-90"]
    assert frame["paths"].tolist() == [[""], ["price", "tag"], ["price"], ["tag"], [""], [""]]
    assert frame["old_image"].tolist()[:2] == [MISSING, {"id": "a", "price": 5, "tag": "x"}]
    assert frame["new_image_json"].tolist()[1] == '{"id":"a","price":null}'
    assert frame["actor"].tolist()[4] == "ttl"
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "keys": "str", "keys.id": "object", "time": "datetime64[us, UTC]", "action": "str", "actor": "str",
        "event_id": "str", "old_image": "object", "old_image_json": "str", "new_image": "object",
        "new_image_json": "str", "paths": "object", "caveats": "str",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("action = 'REMOVE' AND actor <> 'ttl'", [90]),
        ("new_image.price <> old_image.price", [0, 10, 20, 80, 90]),
        ("new_image.price = 0", [20, 70]),
        ("new_image.tag = 'O''Brien'", [70]),
        ("keys.id = 'b' AND timestamp < '2026-01-01T12:01'", [20]),
        ("new_image.price IS NULL", [10]),
    ],
)
def test_conditions_on_changes(shop, where, expected):
    """About both images, the action, the actor and the time; missing differs from any value."""
    assert ids(shop.changes("2026-01-01", "2026-01-02", where=where)) == [f"event-{n}" for n in expected]


def test_paths_of_changes(shop):
    """Only changes at or below a path, made and removed values among them."""
    assert ids(shop.changes("2026-01-01", "2026-01-02", paths="tag")) == ["event-0", "event-10", "event-70"]
    both = shop.changes("2026-01-01", "2026-01-02", paths=["tag"], where="action = 'MODIFY'")
    assert ids(both) == ["event-10", "event-70"]
    assert both["paths"].tolist() == [["tag"], ["tag"]]
    with pytest.raises(PathNotValidError, match="tagg"):
        shop.changes("2026-01-01", "2026-01-02", paths="tagg")


def test_keys_of_changes(shop):
    """Only the items asked for."""
    assert ids(shop.changes("2026-01-01", "2026-01-02", keys=["c", "b"])) == ["event-20", "event-70", "event-80"]


def test_bounds_of_changes(shop):
    """start ≤ time < end: at the instant, just before and just after."""
    assert ids(shop.changes("2026-01-01T12:00:10", "2026-01-01T12:01:10")) == ["event-10", "event-20"]
    assert ids(shop.changes("2026-01-01T12:00:11", "2026-01-01T12:01:11")) == ["event-20", "event-70"]


def test_too_many_changes_are_an_error_with_their_number(shop):
    """Never a cut table."""
    with pytest.raises(RequestError, match=r"6 changes, more than limit=5"):
        shop.changes("2026-01-01", "2026-01-02", limit=5)
    assert len(shop.changes("2026-01-01", "2026-01-02", limit=6)) == 6


def test_a_condition_on_items_is_refused(shop):
    """The other subject's names are an error that says which there are."""
    with pytest.raises(ConditionNotValidError, match="new_image"):
        shop.changes("2026-01-01", "2026-01-02", where="item.price = 0")


def test_a_missing_change_shows_on_the_next(tmp_path):
    """A change whose old image is not the image before it carries gap, in its row and for the table."""
    put(tmp_path, [record(0, action="INSERT", old_image=None), record(2)])
    frame = histlib.connect(tmp_path).changes("2026-01-01", "2026-01-02")
    assert frame["caveats"].tolist() == ["", "gap"]
    assert "gap" in [caveat["name"] for caveat in frame.attrs["histlib"]["caveats"]]


def test_missing_changes_of_items_that_were_not_selected_are_told(tmp_path):
    """A condition cannot select what is missing: how many items lack a change that it may hold of is said."""
    put(
        tmp_path,
        [record(0, action="INSERT", old_image=None), record(2), record(30, "b", action="INSERT", old_image=None)],
    )
    history = histlib.connect(tmp_path)
    frame = history.changes("2026-01-01T12:00:00", "2026-01-01T12:00:31", where="new_image.version = 30")
    assert ids(frame) == ["event-30"]
    details = {caveat["name"]: caveat["detail"] for caveat in frame.attrs["histlib"]["caveats"]}
    assert "1 more item" in details["gap"]
    of_one = history.changes("2026-01-01T12:00:00", "2026-01-01T12:00:31", where="keys.id = 'b'")
    assert (ids(of_one), of_one.attrs["histlib"]["caveats"]) == (["event-30"], [])


@settings(max_examples=examples(40))
@given(world=worlds(), data=st.data())
def test_changes_are_those_that_were_captured(tmp_path_factory, world: World, data):
    """However they land: each captured change of the window once, at its effective time, as a timeline orders it."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None:
        return
    start, end = sorted(data.draw(st.sampled_from(moments(world))) for _ in range(2))
    if start == end:
        return
    frame = history.changes(at(start), at(end))
    told = [(row["event_id"], micros(row["time"])) for row in rows_of(frame)]
    assert sorted(told) == sorted(
        (f"e{write.number}", effective)
        for item in items_of(world)
        for effective, write in captured_effective(world, item)
        if start <= effective < end
    )


def captured_effective(world: World, item: str) -> list:
    found, latest = [], 0
    for write in world.captured(item):
        latest = max(latest, write.stamp)
        found.append((latest, write))
    return found


# --- activity ---


def test_activity_counts_each_change_once(shop):
    """By period, action and top-level attribute; a change of two counts in two rows, a delivery more in none."""
    frame = shop.activity("2026-01-01", "2026-01-02")
    told = [
        (micros(r["period"]) // SECOND - NOON, r["action"], r["path"], r["changes"], r["items"]) for r in rows_of(frame)
    ]
    assert told == [
        (0, "INSERT", "", 1, 1),
        (0, "MODIFY", "price", 2, 2),
        (0, "MODIFY", "tag", 1, 1),
        (60, "MODIFY", "tag", 1, 1),
        (60, "REMOVE", "", 2, 2),
    ]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "period": "datetime64[us, UTC]", "action": "str", "path": "str", "changes": "int64", "items": "int64",
    }  # fmt: skip


def test_activity_of_changes_that_landed_one_by_one(tmp_path):
    """What is taken in at different times is counted as what is taken in at once: no change twice, none swallowed."""
    history = None
    for name, some in enumerate(([1], [2], [2], [2, 3], [])):
        put(tmp_path, [record(number, item=f"i{number}") for number in some], name=f"{name}.gz")
        history = history or histlib.connect(tmp_path)
        history.activity("2026-01-01", "2026-01-02")
    (row,) = rows_of(history.activity("2026-01-01", "2026-01-02", by="1d"))
    assert (row["changes"], row["items"]) == (3, 3)


def test_activity_where_a_file_has_only_a_baseline(tmp_path):
    """Rows of a baseline are no changes, also where there is nothing else."""
    put(tmp_path, [record(1)], name="a.gz")
    history = histlib.connect(tmp_path)
    seen = {"stream": "baseline:b1", "action": "BASELINE", "sequence_number": None, "old_image": None}
    put(tmp_path, [record(2, **seen, read_begin=0, read_end=1)], name="b.gz")
    (row,) = rows_of(history.activity("2026-01-01", "2026-01-02", by="1d"))
    assert (row["action"], row["changes"]) == ("MODIFY", 1)


def test_activity_with_a_condition_and_other_periods(shop):
    """By hour; only the changes of which the condition is true."""
    frame = shop.activity("2026-01-01", "2026-01-02", by="1h", where="actor <> 'ttl' AND action = 'REMOVE'")
    assert [(r["action"], r["changes"], r["items"]) for r in rows_of(frame)] == [("REMOVE", 1, 1)]
    for wrong in ("minute", "0h", "1mo", 5):
        with pytest.raises(TimeNotValidError, match="period"):
            shop.activity("2026-01-01", "2026-01-02", by=wrong)


@settings(max_examples=examples(30))
@given(world=worlds(), data=st.data())
def test_activity_agrees_with_changes(tmp_path_factory, world: World, data):
    """The numbers are those of the changes, counted one by one by their stamps."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None:
        return
    start, end = moments(world)[0], moments(world)[-1]
    seconds = data.draw(st.sampled_from((1, 60, 3_600)))
    stamps = {f"e{write.number}": write.stamp for write in world.writes}
    expected: dict[tuple, list[str]] = defaultdict(list)
    for row in rows_of(history.changes(at(start), at(end))):
        period = stamps[row["event_id"]] // (seconds * SECOND) * seconds
        tops = {"" if path == "" else path.split(".")[0].split("[")[0] for path in row["paths"]}
        for top in tops if world.view == "NEW_AND_OLD_IMAGES" else {""}:
            expected[period, row["action"], top].append(row["keys"])
    frame = history.activity(at(start), at(end), by=f"{seconds}s")
    told = {(micros(r["period"]) // SECOND, r["action"], r["path"]): (r["changes"], r["items"]) for r in rows_of(frame)}
    assert told == {key: (len(keys), len(set(keys))) for key, keys in expected.items()} or any(
        write.twin == "conflict" for write in world.writes
    )


def test_an_answer_says_what_its_window_lacks(shop):
    """Beyond what is captured: not_settled or outside_coverage, for changes and for counts."""
    for ask in (shop.changes, shop.activity):
        names = [caveat["name"] for caveat in ask("2025-12-01", "2026-02-01").attrs["histlib"]["caveats"]]
        assert names == ["not_settled", "outside_coverage"]
        assert ask("2026-01-01T12:00:00", "2026-01-01T12:01:31").attrs["histlib"]["caveats"] == []


def test_values_are_compared_exactly(tmp_path):
    """1 and true, and numbers that a float would round to one, are different values to all who look for changes."""
    values = [1, True, "1", 0, False, None]
    fine = ["0.1000000000000000055511151231257827", "0.1"]
    images = [encode_image({"id": "a", "v": value}) for value in values]
    images += [f'{{"id":"a","v":{text}}}' for text in fine]
    lines = [record(n, old_image=images[n - 1] if n else None, new_image=images[n], action="MODIFY" if n else "INSERT")
             for n in range(len(images))]  # fmt: skip
    put(tmp_path, lines)
    history = histlib.connect(tmp_path)
    assert [row["path"] for row in rows_of(history.activity("2026-01-01", "2026-01-02", by="1s"))] == ["", *["v"] * 7]
    assert len(history.changes("2026-01-01", "2026-01-02", where="new_image.v <> old_image.v", paths="v")) == 8
    assert len(history.affected(f"item.v = {fine[0]}", "2026-01-01", "2026-01-02")) == 1
    assert len(history.affected("item.v = 0", "2026-01-01", "2026-01-02")) == 1
    assert len(history.affected("item.v = TRUE", "2026-01-01", "2026-01-02")) == 1
