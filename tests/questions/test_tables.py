"""Questions about the whole table: the laws that bind them to states of single items, and to the truth."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.engines.queries import ItemChanges
from histlib.engines.where import Subject
from histlib.errors import ConditionNotValidError, RequestError, TimeNotValidError
from histlib.questions.asking import hidden_keys
from histlib.rules.caveats import to_cell
from histlib.rules.doubt import leaves_open
from histlib.rules.state import state_at
from histlib.values.image_json import MISSING, decode_image, encode_image, equal
from tests.support.cases.conditions import CONDITIONS
from tests.support.effort import examples
from tests.support.history.baselines import put_baseline
from tests.support.history.landings import NOON, STREAM, TABLE, put, record
from tests.support.history.world_histories import at, history_of, item_of, items_of, micros, put_holes, rows_of
from tests.support.history.worlds import SECOND, World, any_worlds, moments, worlds


def key_text(item: str) -> str:
    return encode_image({"id": item})


def attributes_known(world: World, where: str) -> bool:
    """Whether the images that landed have what a condition names: an unknown name is an error."""
    captured = " ".join(text for one in world.changes() for text in (one.new_image, one.old_image) if text)
    return all(f'"{name}":' in captured for name in ("price", "secret", "deep") if f"item.{name}" in where)


# --- snapshot_at ---


@settings(max_examples=examples(60))
@given(world=worlds(), data=st.data())
def test_a_snapshot_is_the_state_of_each_item(tmp_path_factory, world: World, data):
    """The whole table at a time: a row for each present item, as state_at tells it, caveats, bounds and all."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None:
        return
    for moment in data.draw(st.permutations(moments(world)))[:4]:
        frame = history.snapshot_at(at(moment))
        rows = {row["keys"]: row for row in rows_of(frame)}
        states = {key_text(item): history.state_at(item, at(moment)) for item in items_of(world)}
        assert sorted(rows) == sorted(text for text, state in states.items() if state.status == "present")
        unknown = sum(state.status == "unknown" for state in states.values())
        about = {caveat["name"]: caveat["detail"] for caveat in frame.attrs["histlib"]["caveats"]}
        told = f"of {unknown:,} known item{'s'[: unknown != 1]} the state"
        assert (told in about["unknown_keys"]) == (unknown > 0)
        for text, row in rows.items():
            state = states[text]
            told = (row["item_json"], row["evidence"], micros(row["since"]), micros(row["until"]), row["caveats"])
            expected = (
                item_of(state),
                state.evidence,
                micros(state.since),
                micros(state.until),
                to_cell(state.caveats),
            )
            assert told == expected, (text, moment)


@settings(max_examples=examples(60))
@given(world=any_worlds(), data=st.data())
def test_all_states_at_once_are_those_of_each_item(tmp_path_factory, world: World, data):
    """Of every item that the history knows, whatever its status: every column as reconstruct alone would say it."""
    folder = tmp_path_factory.mktemp("world")
    history = history_of(world, folder, data)
    if history is None:
        return
    put_holes(folder, data, world.items)
    known = sorted(map(key_text, known_items(world)))
    for moment in data.draw(st.permutations(moments(world)))[:6]:
        facts = history._facts()
        table = history._table_states(facts, moment, None)
        expected = history._states_of(facts, moment, sorted({*known, *hidden_keys(facts)}), None)
        assert table.to_pylist() == expected.to_pylist(), moment


@settings(max_examples=examples(80))
@given(world=any_worlds(scanned=True), data=st.data())
def test_all_states_at_once_count_baselines_as_each_item_does(tmp_path_factory, world: World, data):
    """Several baselines, complete or not, near changes or far, redacted like them or not; and with a condition, all of
    which it holds, or may hold, or that are in doubt."""
    folder = tmp_path_factory.mktemp("world")
    history = history_of(world, folder, data)
    if history is None:
        return
    if data.draw(st.booleans()):
        put_holes(folder, data, world.items)
    facts = history._facts()
    known = sorted({*map(key_text, known_items(world)), *hidden_keys(facts)})
    where = data.draw(st.sampled_from(list(CONDITIONS)))
    for moment in data.draw(st.permutations(moments(world)))[:6]:
        expected = history._states_of(facts, moment, known, None).to_pylist()
        assert history._table_states(facts, moment, None).to_pylist() == expected, moment
        if attributes_known(world, where):
            condition = history._condition(where, None, Subject.ITEM, facts)
            some = history._table_states(facts, moment, condition).to_pylist()
            anyway = {str(one) for one in state_at((), "", moment, facts.coverage).caveats}
            each = history._states_of(facts, moment, known, condition).to_pylist()
            assert [row for row in each if row in some] == some
            for row in each:
                own = " ".join(set(row["caveats"].split()) - anyway)
                assert row in some or not (row["holds"] or row["may"] or leaves_open(own)), row
            held = [row for row in expected if row["image"] and CONDITIONS[where](decode_image(row["image"]))]
            assert [row | {"may": True} for row in some if row["holds"]] == held


def known_items(world: World) -> set[str]:
    """The items with a change that landed, or a row in a complete baseline."""
    return {*items_of(world), *(item for scan in world.scans if scan.complete for item in world.scanned(scan))}


@settings(max_examples=examples(40))
@given(world=worlds(), data=st.data(), where=st.sampled_from(list(CONDITIONS)))
def test_a_condition_selects_the_items_of_which_it_is_true(tmp_path_factory, world: World, data, where):
    """A snapshot with a condition holds just the rows of the whole snapshot of which plain Python says so."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None or not attributes_known(world, where):
        return
    for moment in data.draw(st.permutations(moments(world)))[:3]:
        selected = history.snapshot_at(at(moment), where=where)
        whole = history.snapshot_at(at(moment))
        expected = whole[[bool(CONDITIONS[where](item)) for item in whole["item"]]].reset_index(drop=True)
        assert rows_of(selected) == rows_of(expected)


@settings(max_examples=examples(25))
@given(world=worlds(), data=st.data())
def test_a_snapshot_of_keys_has_a_row_for_each_key(tmp_path_factory, world: World, data):
    """Whatever the status, in the order asked for, and as state_at tells it; keys that nobody knows are unknown."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None:
        return
    keys = data.draw(st.permutations([*items_of(world), "nobody"]))
    moment = data.draw(st.sampled_from(moments(world)))
    columns = ["price"] if attributes_known(world, "item.price") else []
    frame = history.snapshot_at(at(moment), keys=keys, columns=columns)
    assert frame["keys.id"].tolist() == list(keys)
    for key, row in zip(keys, rows_of(frame), strict=True):
        state = history.state_at(key, at(moment))
        assert (row["status"], row["item_json"]) == (state.status, item_of(state))
        assert all(equal(row[f"item.{name}"], state.get(name)) for name in columns)
        assert row["caveats"] == to_cell(state.caveats)


# --- affected ---


def so_at(history: histlib.History, item: str, moment: int, where: str) -> bool | None:
    """Whether a condition holds of an item at a time; None where that is not sure."""
    state = history.state_at(item, at(moment))
    if state.status == "unknown" or {"gap", "same_second", "chain_unproven"} & set(state.caveats):
        return None
    return state.item is not None and bool(CONDITIONS[where](state.item))


@settings(max_examples=examples(150))
@given(
    world=st.booleans().flatmap(lambda scanned: any_worlds(scanned=scanned)),
    data=st.data(),
    where=st.sampled_from(list(CONDITIONS)),
)
def test_affected_agrees_with_states_at_every_boundary(tmp_path_factory, world: World, data, where):
    """Inside a period it is so, right before and right after it is not: at each time that matters, by state_at, also
    of items that baselines alone tell of; whatever part of the time is asked for."""
    folder = tmp_path_factory.mktemp("world")
    history = history_of(world, folder, data)
    if history is None or not attributes_known(world, where):
        return
    if data.draw(st.booleans()):
        put_holes(folder, data, world.items)
    times = moments(world)
    start, end = times[0] - SECOND, times[-1] + SECOND
    if data.draw(st.booleans()):
        start, end = sorted(data.draw(st.lists(st.sampled_from(times), min_size=2, max_size=2, unique=True)))
    frame = history.affected(where, at(start), at(end))
    for item in known_items(world):
        rows = [row for row in rows_of(frame) if row["keys"] == key_text(item)]
        for moment in (moment for moment in times if start <= moment < end):
            so = so_at(history, item, moment, where)
            inside = [row for row in rows if covers(row, moment)]
            sure = [row for row in rows if covers(row, moment, surely=True)]
            assert so is not True or inside, (item, moment, rows)
            assert so is not False or not sure, (item, moment, rows)


def covers(row: dict, moment: int, *, surely: bool = False) -> bool:
    """Whether a period may hold a moment; or surely does."""
    last = moment + SECOND - 1 if moment % SECOND == 0 else moment
    begun = micros(row["from_latest"] if surely else row["since"])
    ended = micros(row["to_earliest"] if surely else row["until"])
    return (begun is None or begun <= last) and (ended is None or last < ended)


@settings(max_examples=examples(50))
@given(world=worlds(trouble=False), data=st.data(), where=st.sampled_from(list(CONDITIONS)))
def test_without_trouble_affected_is_the_truth(tmp_path_factory, world: World, data, where):
    """All captured by one stream: the periods are those of a plain replay, no more and no fewer."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None or not attributes_known(world, where):
        return
    start, end = moments(world)[0], moments(world)[-1]
    frame = history.affected(where, at(start), at(end), columns="price")
    told = [(row["keys"], micros(row["since"]), micros(row["until"]), row["still"]) for row in rows_of(frame)]
    assert sorted(told, key=repr) == sorted(true_periods(world, where, start), key=repr)
    for row in rows_of(frame):
        assert (row["since"], row["until"]) == (row["from_latest"], row["to_earliest"]) or row["since"] is None


def true_periods(world: World, where: str, start: int) -> list[tuple]:
    found = []
    for item in items_of(world):
        begun: int | None = None
        so = item in world.before and bool(CONDITIONS[where]({"id": item, **world.before[item]}))
        for effective, write in world.effective(item):
            now = write.after is not None and bool(CONDITIONS[where]({"id": item, **write.after}))
            if so and not now:
                found.append((key_text(item), begun, effective, False))
            if now and not so:
                begun = effective
            so = now
        if so:
            found.append((key_text(item), begun, None, True))
    return [row for row in found if row[2] is None or row[2] > start]


def test_affected_tells_who_and_what(tmp_path):
    """Actor and event of the changes that began and ended it, values at the beginning, whether it is still so."""
    wrong = {"id": "a", "price": 0, "by": "job"}
    put(tmp_path, [
        record(0, action="INSERT", old_image=None, new_image={"id": "a", "price": 5, "by": "ann"}),
        record(1, old_image={"id": "a", "price": 5, "by": "ann"}, new_image=wrong),
        record(2, old_image=wrong, new_image=None, action="REMOVE"),
        record(3, old_image=None, new_image=wrong, action="INSERT"),
    ])  # fmt: skip
    (tmp_path / "histlib.toml").write_text(f'[history.it]\nsource = "{tmp_path}"\nactor_attribute = "by"\n')
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        frame = histlib.connect("it").affected("item.price = 0", "2026-01-01", "2026-01-02", columns=["price", "by"])
    rows = rows_of(frame)
    assert [(row["set_by"], row["set_event"], row["ended_action"], row["ended_event"]) for row in rows] == [
        ("job", "event-1", "REMOVE", "event-2"),
        ("job", "event-3", None, None),
    ]
    assert [(row["still"], row["item.price"], row["item.by"]) for row in rows] == [(False, 0, "job"), (True, 0, "job")]
    assert [micros(row["since"]) for row in rows] == [(NOON + 1) * SECOND, (NOON + 3) * SECOND]


def test_a_missing_change_widens_the_bounds(tmp_path):
    """Where the change that began or ended it is lost, both ends of what it may have been are told, with gap."""
    put(tmp_path, [
        record(0, action="INSERT", old_image=None, new_image={"id": "a", "price": 5}),
        record(10, old_image={"id": "a", "price": 0}, new_image={"id": "a", "price": 7}),
        record(20, old_image={"id": "a", "price": 7}, new_image={"id": "a", "price": 0}),
        record(30, old_image={"id": "a", "price": 9}, new_image={"id": "a", "price": 8}),
    ])  # fmt: skip
    history = histlib.connect(tmp_path)
    first, second = rows_of(history.affected("item.price = 0", "2026-01-01", "2026-01-02"))
    bounds = [[None if (m := micros(row[name])) is None else m // SECOND - NOON for name in
               ("since", "from_latest", "to_earliest", "until")] for row in (first, second)]  # fmt: skip
    assert bounds == [[0, 10, 10, 10], [20, 20, 20, 30]]
    assert (first["caveats"], second["caveats"]) == ("gap", "gap")
    assert (first["set_event"], second["ended_event"]) == (None, None)


def test_items_whose_missing_change_may_have_hit_them_are_counted(tmp_path):
    """An item that was right before and after a missing change has no row, and is told of."""
    put(tmp_path, [
        record(0, action="INSERT", old_image=None, new_image={"id": "a", "price": 5}),
        record(10, old_image={"id": "a", "price": 6}, new_image={"id": "a", "price": 7}),
    ])  # fmt: skip
    frame = histlib.connect(tmp_path).affected("item.price = 0", "2026-01-01T12:00:05", "2026-01-01T12:00:08")
    assert len(frame) == 0
    gaps = [caveat["detail"] for caveat in frame.attrs["histlib"]["caveats"] if caveat["name"] == "gap"]
    assert gaps == ["of 1 item left out, which may belong here"]


def test_what_a_change_redacted_by_other_rules_shows_is_found(tmp_path):
    """It need not have changed what the condition asks for: a change before it may be missing."""
    put(tmp_path, [
        record(0, action="INSERT", old_image=None, new_image={"id": "a", "price": 5, "s": 1}),
        record(10, old_image={"id": "a", "price": 0}, new_image={"id": "a", "price": 0, "x": 2}, redaction="r1"),
    ])  # fmt: skip
    (row,) = rows_of(histlib.connect(tmp_path).affected("item.price = 0", "2026-01-01T12:00:05", "2026-01-01T12:00:20"))
    assert (row["set_event"], row["still"]) == ("event-10", True)
    assert "redacted" in row["caveats"]


# --- diff ---


@settings(max_examples=examples(40))
@given(world=worlds(), data=st.data())
def test_a_diff_makes_the_later_snapshot_of_the_earlier(tmp_path_factory, world: World, data):
    """Applied to the first snapshot, path by path, it gives the second: for each item whose state is known at both."""
    history = history_of(world, tmp_path_factory.mktemp("world"), data)
    if history is None:
        return
    first, second = (data.draw(st.sampled_from(moments(world))) for _ in range(2))
    states = [{item: history.state_at(item, at(moment)) for item in items_of(world)} for moment in (first, second)]
    frame = history.diff(at(first), at(second))
    for item in items_of(world):
        before, after = (one[item] for one in states)
        rows = [row for row in rows_of(frame) if row["keys"] == key_text(item)]
        if "unknown" in (before.status, after.status):
            assert rows == []
            continue
        assert applied(item_of(before), rows) == item_of(after)
        assert all(row["caveats"] == to_cell({*before.caveats, *after.caveats}) for row in rows)


def applied(image: str | None, rows: list[dict]) -> str | None:
    """An image after the differences of an item, applied by text paths of top-level names only (deeper: as a whole)."""
    from histlib.values.paths import parse_path

    item = None if image is None else decode_image(image)
    for row in rows:
        if row["kind"] == "added":
            assert item is None
            item = row["after"]
        elif row["kind"] == "removed":
            assert encode_image(item) == row["before_json"]
            item = None
        else:
            set_at(item, parse_path(row["path"]), row["before"], row["after"])
    return None if item is None else encode_image(item)


def set_at(item: dict, path: tuple, before: object, after: object) -> None:
    *way, last = path
    for step in way:
        item = item[step]
    assert equal(item.get(last, MISSING) if isinstance(item, dict) else item[last], before)
    if after is MISSING:
        del item[last]
    else:
        item[last] = after


def test_a_diff_with_a_condition_holds_items_of_which_it_is_true_at_either_time(tmp_path):
    """Items that came to be so, and items that ceased to be so; no others."""
    put(tmp_path, [
        record(0, "a", action="INSERT", old_image=None, new_image={"id": "a", "price": 0}),
        record(1, "b", action="INSERT", old_image=None, new_image={"id": "b", "price": 1}),
        record(2, "c", action="INSERT", old_image=None, new_image={"id": "c", "price": 1}),
        record(3, "a", old_image={"id": "a", "price": 0}, new_image={"id": "a", "price": 1}),
        record(4, "b", old_image={"id": "b", "price": 1}, new_image={"id": "b", "price": 0}),
        record(5, "c", old_image={"id": "c", "price": 1}, new_image={"id": "c", "price": 2}),
    ])  # fmt: skip
    frame = histlib.connect(tmp_path).diff("2026-01-01T12:00:02", "2026-01-01T12:00:05", where="item.price = 0")
    assert [(row["keys.id"], row["path"], row["before"], row["after"]) for row in rows_of(frame)] == [
        ("a", "price", 0, 1),
        ("b", "price", 1, 0),
    ]


# --- baselines ---


@pytest.fixture
def observed(tmp_path):
    """Changes of ``other`` from noon to an hour later; a, b and c never change, a baseline at half past saw them."""
    put(tmp_path, [record(n, "other", seconds=NOON + 60 * n) for n in range(61)])
    items = [{"id": name, "price": price} for name, price in (("a", 0), ("b", 1), ("c", 0))]
    put_baseline(tmp_path, "n1", [*items, {"id": "other", "version": 30}], NOON + 1_800, NOON + 1_810)
    return tmp_path


def names_of_caveats(frame) -> list[str]:
    return [caveat["name"] for caveat in frame.attrs["histlib"]["caveats"]]


def test_items_that_never_changed_are_affected(observed):
    """A baseline alone tells of them: since before the history tells, not ended; no keys are unknown."""
    frame = histlib.connect(observed).affected("item.price = 0", "2026-01-01T12:10", "2026-01-01T12:50")
    names = ("keys.id", "since", "until", "still", "set_event", "caveats")
    told = [tuple(row[name] for name in names) for row in rows_of(frame)]
    assert told == [("a", None, None, True, None, ""), ("c", None, None, True, None, "")]
    assert {micros(row["from_latest"]) for row in rows_of(frame)} == {NOON * SECOND}
    assert names_of_caveats(frame) == []


@pytest.mark.parametrize("clock", ["12:10:00", "12:30:05", "12:50:00"])
def test_with_a_baseline_no_keys_are_unknown(observed, clock):
    """Before, within and after it, as far as the time between is covered: a snapshot has no caveat to make."""
    frame = histlib.connect(observed).snapshot_at(f"2026-01-01T{clock}")
    assert frame["keys.id"].tolist() == ["a", "b", "c", "other"]
    assert names_of_caveats(frame) == []


@pytest.mark.parametrize("moment", ["2026-01-01T11:59:59", "2026-01-01T13:00:01"])
def test_beyond_the_covered_time_it_is_said(observed, moment):
    """Before it, keys may be unknown; after it, changes may not have landed."""
    names = names_of_caveats(histlib.connect(observed).snapshot_at(moment))
    assert names == (["outside_coverage", "unknown_keys"] if "11:" in moment else ["not_settled"])


def test_without_a_complete_baseline_keys_are_unknown(observed):
    """One row too few in the landing: the baseline is not there, and neither are its keys."""
    manifest = observed / "baseline/n1.json"
    manifest.write_text(manifest.read_text().replace('"items": 4', '"items": 5'))
    history = histlib.connect(observed)
    frame = history.snapshot_at("2026-01-01T12:50")
    assert (frame["keys.id"].tolist(), names_of_caveats(frame)) == (["other"], ["unknown_keys"])
    hit = history.affected("item.price = 0", "2026-01-01T12:10", "2026-01-01T12:50")
    assert (len(hit), names_of_caveats(hit)) == (0, ["unknown_keys"])


def test_a_hole_on_the_way_from_the_baseline_may_hide_keys(observed):
    """What could not be converted may be of an item that nothing else tells of; before the baseline it matters not."""
    (observed / "failed/records").mkdir(parents=True)
    change = {"dynamodb": {"Keys": {"id": {"S": "new"}}, "ApproximateCreationDateTime": NOON + 2_400}}
    (observed / "failed/records/1").write_text(json.dumps(change))
    history = histlib.connect(observed)
    assert names_of_caveats(history.snapshot_at("2026-01-01T12:50")) == ["outside_coverage", "unknown_keys"]
    assert names_of_caveats(history.snapshot_at("2026-01-01T12:10")) == []
    assert names_of_caveats(history.diff("2026-01-01T12:10", "2026-01-01T12:35")) == []
    both = history.diff("2026-01-01T12:10", "2026-01-01T12:50")
    assert names_of_caveats(both) == ["outside_coverage", "unknown_keys"]


def test_a_lost_change_between_a_baseline_and_a_change_hits(tmp_path):
    """An item that was seen with one price and changed from another, or the other way round: the bounds lie between the
    two, with gap; also where only what is seen after the time asked for shows it."""
    put(tmp_path, [record(n, "other", seconds=NOON + 60 * n) for n in range(61)])
    for item, second, old, new in (("a", 3_000, 0, 2), ("b", 600, 4, 2)):
        images = ({"id": item, "price": price} for price in (old, new))
        put(tmp_path, [record(1, item, old_image=next(images), new_image=next(images), seconds=NOON + second)],
            name=f"{item}.gz")  # fmt: skip
    put_baseline(tmp_path, "n1", [{"id": "a", "price": 1}, {"id": "b", "price": 0}], NOON + 2_000, NOON + 2_010)
    for start in ("12:05", "12:15", "12:35"):
        frame = histlib.connect(tmp_path).affected("item.price = 0", f"2026-01-01T{start}", "2026-01-01T12:36")
        bounds = {
            row["keys.id"]: [None if (m := micros(row[name])) is None else m // SECOND - NOON for name in BOUNDS]
            for row in rows_of(frame)
        }
        assert bounds == {"a": [2_000, 3_000, 3_000, 3_000], "b": [600, 2_010, None, None]}, start
        assert {row["caveats"] for row in rows_of(frame)} == {"gap"}


BOUNDS = ("since", "from_latest", "to_earliest", "until")


def test_all_at_once_across_streams_too(tmp_path):
    """Two streams with an hour between, baselines in the first, between and in the second: what the last change or
    sighting cannot tell, the next one tells, and a change is named only where nothing can have come after it."""
    second = f"{TABLE}/stream/2026-01-01T13:59:00.000"
    rows = [record(n, "clock", seconds=NOON + 60 * n) for n in range(61)]
    rows += [record(n, "clock", seconds=NOON + 60 * n, stream=second) for n in range(120, 181)]
    seen = [{"id": name, "version": 2} for name in ("never", "early", "late", "both")]
    for item, moment, stream in (("early", 1_000, STREAM), ("both", 1_000, STREAM), ("both", 9_000, second),
                                 ("late", 9_000, second), ("gone", 1_000, STREAM)):  # fmt: skip
        number = 2 if stream is STREAM else 3
        removed = {"action": "REMOVE", "new_image": None} if item == "gone" else {}
        rows.append(record(number, item, seconds=NOON + moment, stream=stream, **removed))
    put(tmp_path, rows)
    later = [{"id": "never", "version": 2}, {"id": "early", "version": 2}]
    put_baseline(tmp_path, "n1", seen, NOON + 1_800, NOON + 1_810)
    put_baseline(tmp_path, "n2", seen, NOON + 5_000, NOON + 5_010)
    put_baseline(
        tmp_path, "n3", [*later, *({"id": i, "version": 3} for i in ("both", "late"))], NOON + 9_600, NOON + 9_610
    )
    (tmp_path / "failed/records").mkdir(parents=True)
    change = {"dynamodb": {"Keys": {"id": {"S": "early"}}, "ApproximateCreationDateTime": NOON + 1_200}}
    (tmp_path / "failed/records/1").write_text(json.dumps(change))
    history = histlib.connect(tmp_path)
    facts, evidence = history._facts(), set()
    keys = sorted(key_text(item) for item in ("never", "early", "late", "both", "gone", "clock"))
    for moment in (500, 1_500, 2_000, 4_000, 5_500, 7_300, 8_000, 9_500, 10_000):
        expected = history._states_of(facts, (NOON + moment) * SECOND, keys, None).to_pylist()
        assert history._table_states(facts, (NOON + moment) * SECOND, None).to_pylist() == expected, moment
        evidence |= {(row["keys"], row["evidence"]) for row in expected if moment == 8_000}
    assert {(key_text("never"), "baseline"), (key_text("late"), "next_change")} <= evidence


@pytest.mark.parametrize("clock", ["12:00:01", "12:20:00", "12:30:05", "12:55:00"])
def test_in_a_plain_table_no_item_is_decided_by_itself(tmp_path, clock):
    """2,000 items, some changed before or after one baseline, some made or deleted: all are told of at once, which is
    what makes whole tables fast; with a condition too."""
    changed = [("before", 300), ("after", 2_400)]
    rows = [record(60 * n, "clock", seconds=NOON + 60 * n) for n in range(61)]
    items = [{"id": f"still-{n}", "price": n % 7} for n in range(1_700)]
    for name, second in changed:
        for n in range(100):
            key, before, after = f"{name}-{n}", {"id": f"{name}-{n}", "price": 1}, {"id": f"{name}-{n}", "price": 2}
            rows.append(record(n, key, old_image=before, new_image=after, seconds=NOON + second, event_id=key))
            items.append(after if name == "before" else before)
    for n in range(50):
        key = f"made-{n}"
        rows.append(record(n, key, action="INSERT", old_image=None, new_image={"id": key, "price": 3},
                           seconds=NOON + 2_700, event_id=key))  # fmt: skip
        gone = f"gone-{n}"
        rows.append(record(n, gone, action="REMOVE", old_image={"id": gone, "price": 3}, new_image=None,
                           seconds=NOON + 600, event_id=gone))  # fmt: skip
    put(tmp_path, rows)
    put_baseline(tmp_path, "n1", items, NOON + 1_800, NOON + 1_860)
    history = histlib.connect(tmp_path)
    by_itself = watch(history)
    for where in (None, "item.price = 3"):
        history.snapshot_at(f"2026-01-01T{clock}", where=where)
    assert by_itself <= {'{"id":"clock"}'}


def watch(history) -> set[str]:
    """The keys that the history comes to decide one by one."""
    seen: set[str] = set()
    source, fetch = history._opened.source, history._opened.source.fetch

    def watched(query):
        if isinstance(query, ItemChanges):
            seen.update(query.keys)
        return fetch(query)

    source.fetch = watched
    return seen


# --- what is refused ---


def test_questions_that_cannot_be_put(tmp_path):
    """Times in the future, ranges the wrong way round, names that nothing has, parameters without a condition."""
    put(tmp_path, [record(0, action="INSERT", old_image=None)])
    history = histlib.connect(tmp_path)
    with pytest.raises(TimeNotValidError):
        history.snapshot_at("2100-01-01")
    with pytest.raises(TimeNotValidError, match="is not before end"):
        history.affected("item.version = 1", "2026-01-02", "2026-01-01")
    with pytest.raises(ConditionNotValidError, match="version"):
        history.snapshot_at("2026-01-01T12:00:00", where="item.versoin = 1")
    with pytest.raises(RequestError, match="params without where"):
        history.snapshot_at("2026-01-01T12:00:00", params={"x": 1})
    with pytest.raises(RequestError, match="two columns would be named"):
        history.snapshot_at("2026-01-01T12:00:00", columns=["version", "version"])
