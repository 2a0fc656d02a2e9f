"""Baselines in a folder: complete by their manifest or not there at all, and what questions make of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.engines.folder import baselines as baseline_facts
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Baselines, Streams
from histlib.errors import MixedTablesError
from histlib.questions.facts import Facts, current_facts
from histlib.values.image_json import encode_image
from tests.support.effort import examples
from tests.support.history.baselines import attest, baseline_row, put_baseline
from tests.support.history.landings import NOON, TABLE, put, record
from tests.support.history.states import ask_with_sightings as ask
from tests.support.history.worlds import SECOND, World, moments, worlds

A, B = {"id": "a", "version": 7}, {"id": "b", "version": 1}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A history of changes of ``other`` from noon to an hour later; a and b never change."""
    put(tmp_path, [record(n, "other", seconds=NOON + 60 * n) for n in range(61)])
    return tmp_path


def facts(folder: Path) -> Facts:
    return current_facts(EmbeddedSource(folder), None)


def why(folder: Path) -> str:
    """Why there is no complete baseline."""
    found = facts(folder)
    assert found.baselines == ()
    (unfinished,) = found.unfinished
    return unfinished.detail


def test_a_complete_baseline_tells_of_items_that_never_changed(folder):
    """Present with what it saw, by which baseline and when; what it lacks is absent."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830, files=2)
    history = histlib.connect(folder, tz="Asia/Tokyo")
    for clock in ("21:00:00", "21:30:10", "22:00:00"):
        state = history.state_at("a", f"2026-01-01T{clock}")
        assert (state.status, state.item, state.evidence, state.caveats) == ("present", A, "baseline", ())
        assert (state.since, state.until, state.change, state.completeness) == (None, None, None, "observed")
        assert history.state_at("ghost", f"2026-01-01T{clock}").status == "absent"
    assert (state.seen.baseline, state.seen.begin.isoformat()) == ("n1", "2026-01-01T21:30:00+09:00")
    assert "as seen by baseline n1, read 2026-01-01 21:30:00+09:00 to 2026-01-01 21:30:30+09:00" in repr(state)
    assert json.loads(state.as_json())["seen"] == {
        "baseline": "n1",
        "begin": "2026-01-01T21:30:00+09:00",
        "end": "2026-01-01T21:30:30+09:00",
    }
    assert len(history.timeline("a")) == 0


def test_rows_without_a_manifest_are_nothing(folder):
    """Until the manifest is there, the rows do not exist; with it, the open history sees them."""
    put_baseline(folder, "n1", [A], NOON + 1_800, NOON + 1_830, manifest=False)
    history = histlib.connect(folder)
    assert history.state_at("a", "2026-01-01T12:30").status == "unknown"
    put_baseline(folder, "n1", [A], NOON + 1_800, NOON + 1_830)
    assert history.state_at("a", "2026-01-01T12:30").status == "present"
    (folder / "baseline/n1.json").unlink()
    assert history.state_at("a", "2026-01-01T12:30").status == "unknown"


def test_rows_delivered_twice_count_once(folder):
    """The number of items is that of different keys."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830)
    put(folder, [baseline_row("n1", A, NOON + 1_800, NOON + 1_830)], day="2026/01/02", name="again.gz")
    assert [one.id for one in facts(folder).baselines] == ["n1"]
    assert facts(folder).unfinished == ()


def test_an_empty_table_has_a_baseline_too(folder):
    """No rows, no files, no items: everything is absent."""
    put_baseline(folder, "n1", [], NOON + 1_800, NOON + 1_830, files=0)
    assert histlib.connect(folder).state_at("a", "2026-01-01T12:30").status == "absent"


@pytest.mark.parametrize(("items", "told"), [(1, "holds 2"), (3, "holds 2")])
def test_a_manifest_that_counts_other_items(folder, items, told):
    """Fewer rows or more than it says: the baseline does not exist."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830, items=items)
    assert told in why(folder)
    assert histlib.connect(folder).state_at("a", "2026-01-01T12:30").status == "unknown"


def test_a_file_that_is_missing(folder):
    """Named; whether or not the count would fit."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830, files=3)
    (folder / "changes/2026/01/01/baseline-n1-0002.gz").unlink()
    assert "changes/2026/01/01/baseline-n1-0002.gz is not in the landing" in why(folder)


def test_a_file_that_is_damaged(folder):
    """A line of it that cannot be read: the baseline is not complete, although the count fits."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830, files=2)
    rows = [baseline_row("n1", B, NOON + 1_800, NOON + 1_830)]
    put(folder, json.dumps(rows[0]).encode() + b"\njunk\n", name="baseline-n1-0001.gz")
    assert "changes/2026/01/01/baseline-n1-0001.gz cannot be read in full" in why(folder)
    put(folder, b"junk\n", name="baseline-n1-0001.gz")
    assert "changes/2026/01/01/baseline-n1-0001.gz cannot be read in full" in why(folder)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"format": 2}, "format 2, this histlib reads 1"),
        ({"kind": "dream"}, "kind 'dream'"),
        ({"id": "n2"}, "its id is 'n2', which belongs into baseline/n2.json"),
        ({"read_end": "soon"}, "read_end"),
    ],
)
def test_a_manifest_that_is_none(folder, fields, told):
    """Said, with its file; it touches no answer."""
    put_baseline(folder, "n1", [A], NOON + 1_800, NOON + 1_830, **fields)
    assert told in why(folder)
    assert histlib.connect(folder).state_at("other", "2026-01-01T12:30").caveats == ()


def test_manifests_of_other_exports_and_other_files_are_left_alone(folder):
    """An incremental export's manifest is for others; what is no .json is no manifest."""
    (folder / "baseline").mkdir()
    (folder / "baseline/i1.json").write_text('{"kind":"incremental","format":1}')
    (folder / "baseline/notes.txt").write_text("x")
    found = facts(folder)
    assert (found.baselines, found.unfinished) == ((), ())


def test_a_baseline_of_another_table_is_an_error(folder):
    """As changes of another table are, complete or not."""
    put_baseline(folder, "n1", [A], NOON + 1_800, NOON + 1_830, table=TABLE.replace("things", "others"), items=9)
    with pytest.raises(MixedTablesError, match=r"table/others.*table/things"):
        histlib.connect(folder).state_at("a", "2026-01-01T12:30")


def test_a_baseline_covers_nothing(folder):
    """Read before or after all changes, it does not widen what is covered."""
    before = facts(folder).coverage
    put_baseline(folder, "n1", [A], NOON - 7_200, NOON - 7_100)
    put_baseline(folder, "n2", [A], NOON + 7_200, NOON + 7_230)
    assert facts(folder).coverage == before
    history = histlib.connect(folder)
    assert history.state_at("a", "2026-01-01T11:00").caveats == ("outside_coverage",)
    assert history.state_at("a", "2026-01-01T12:30").caveats == ("not_settled",)


def test_the_key_schema_comes_with_a_baseline(tmp_path):
    """Which of two key attributes is the partition key."""
    item = {"z": "1", "a": "2"}
    put(tmp_path, [record(1, keys=item, new_image=item, old_image=item)])
    schema = [{"AttributeName": "z", "KeyType": "HASH"}, {"AttributeName": "a", "KeyType": "RANGE"}]
    assert not histlib.connect(tmp_path).key_schema.ordered
    put_baseline(tmp_path, "n1", [], NOON, NOON, files=0, key_schema=schema)
    assert histlib.connect(tmp_path).key_schema.names == ("z", "a")


def test_attested_states_from_baselines(folder):
    """Attested where attestations cover all from the reading on."""
    attest(folder, NOON - 10, NOON + 3_600)
    put_baseline(folder, "n1", [A], NOON + 1_800, NOON + 1_830)
    history = histlib.connect(folder)
    assert [history.state_at("a", f"2026-01-01T{clock}").completeness for clock in ("12:10", "12:50")] == [
        "attested",
        "attested",
    ]
    assert history.state_at("a", "2026-01-01T13:00:01").completeness == "observed"


def test_unchanged_facts_come_as_the_same_objects(folder):
    """Nothing new: the same table; a change elsewhere does not count the rows of a baseline again."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830)
    source = EmbeddedSource(folder)
    known = current_facts(source, None)
    assert current_facts(source, known) is known
    counted = dict(source._baselines._counted)
    put(folder, [record(99)], day="2026/01/02")
    source.fetch(Streams())
    assert source.fetch(Baselines()).column("keys").to_pylist() == [2]
    assert source._baselines._counted["n1"] is counted["n1"]


def test_counts_are_kept_for_the_next_process(folder, monkeypatch):
    """A new process does not count again; it does where what was kept is damaged, or not what is there now."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830)
    assert len(facts(folder).baselines) == 1
    counted, counting = [], baseline_facts._distinct_keys

    def count(*args: Any) -> int:
        counted.append(1)
        return counting(*args)

    monkeypatch.setattr("histlib.engines.folder.baselines._distinct_keys", count)
    assert len(facts(folder).baselines) == 1
    assert counted == []
    kept = folder / ".histlib/baselines.json"
    kept.write_bytes(kept.read_bytes().replace(b",2]", b",3]"))
    assert len(facts(folder).baselines) == 1
    assert counted == [1]
    put(folder, [baseline_row("n1", B, NOON, NOON)], day="2026/01/02")
    assert len(facts(folder).baselines) == 1
    assert counted == [1, 1]


def test_a_baseline_that_changed_is_counted_again(folder):
    """Rows that come or go later make or unmake it."""
    put_baseline(folder, "n1", [A, B], NOON + 1_800, NOON + 1_830)
    source = EmbeddedSource(folder)
    assert len(current_facts(source, None).baselines) == 1
    put(folder, [baseline_row("n1", {"id": "c"}, NOON, NOON)], day="2026/01/02")
    assert "holds 3" in current_facts(source, None).unfinished[0].detail


@settings(max_examples=examples(25))
@given(world=worlds(scanned=True), data=st.data())
def test_files_on_disk_give_the_answers_of_the_pure_rules(tmp_path_factory, world: World, data):
    """However rows and changes land, and whether or not manifests are complete, answers are those of the rules."""
    changes = world.changes()
    if not changes:
        return
    folder = tmp_path_factory.mktemp("world")
    rows = {
        scan.id: [row for row in world.baseline_rows() if row.stream == f"baseline:{scan.id}"] for scan in world.scans
    }
    for number, one in enumerate(data.draw(st.permutations(changes))):
        put(folder, [line(one)], day=f"2026/01/{data.draw(st.integers(1, 3)):02}", name=f"{number}.gz")
    for scan in world.scans:
        put(folder, [line(row) for row in rows[scan.id]], name=f"baseline-{scan.id}-0000.gz")
        incomplete = (
            {} if scan.complete else data.draw(st.sampled_from(({"items": 99}, {"format": 2}, {"manifest": False})))
        )
        count = len({row.keys for row in rows[scan.id]})
        times = {"read_begin": scan.begin // SECOND, "read_end": scan.end // SECOND}
        put_manifest(folder, scan.id, **{"items": count, "redaction": scan.redaction, **times, **incomplete})
    history = histlib.connect(folder)
    for item in world.items:
        for moment in moments(world)[::3]:
            state = history.state_at(item, datetime.fromtimestamp(0).astimezone() + timedelta(microseconds=moment))
            finding = ask(world, item, moment)
            assert (state.status, state.evidence, state.caveats, state.completeness, state.reason) == (
                finding.status,
                finding.evidence,
                finding.caveats,
                finding.completeness,
                finding.reason,
            )
            assert (state.item and encode_image(state.item)) == finding.image


def line(change) -> dict:
    """The record of a change or baseline row."""
    fields = {name: getattr(change, name) for name in change.__struct_fields__ if name != "file"}
    seconds = change.timestamp_micros // SECOND
    return record(0, **fields, timestamp=seconds, seconds=seconds)


def put_manifest(folder: Path, id: str, **fields: object) -> None:
    """Only the manifest, of rows that are there already."""
    file = folder / f"changes/2026/01/01/baseline-{id}-0000.gz"
    rows = file.read_bytes()
    begin, end = fields.pop("read_begin"), fields.pop("read_end")
    put_baseline(folder, id, [], begin, end, **fields)
    file.write_bytes(rows)


# --- a landing whose first days have expired ---


def test_nothing_is_told_of_days_that_have_expired(tmp_path):
    """Attested from day 1, files of days 1 to 30 gone: before them nothing counts, from an hour into the 31st all does.

    An item that truly lived on day 20 and was deleted on day 25 has no change left but its INSERT on day 50.
    """
    day = 86_400
    first = NOON - 12 * 3_600
    attest(tmp_path, *(first + 3_600 + n * day for n in range(61)))
    for number in range(30, 60):
        put(tmp_path, [record(number, "other", seconds=first + number * day + 60)], day=dateday(first + number * day))
    insert = record(99, action="INSERT", old_image=None, seconds=first + 50 * day)
    put(tmp_path, [insert], day=dateday(first + 50 * day), name="insert.gz")
    changed = record(98, "b", seconds=first + 52 * day)
    put(tmp_path, [changed], day=dateday(first + 52 * day), name="changed.gz")
    history = histlib.connect(tmp_path)

    def told(item: str, seconds: int) -> tuple[str, tuple[str, ...]]:
        state = history.state_at(item, datetime.fromtimestamp(first + seconds, UTC))
        return state.status, state.caveats

    edge = 30 * day + 3_600
    assert told("a", 20 * day) == ("unknown", ("outside_coverage",))
    assert told("a", edge - 1) == ("unknown", ("outside_coverage",))
    assert told("a", edge) == ("absent", ())
    assert told("a", 40 * day) == ("absent", ())
    assert told("b", 20 * day) == ("unknown", ("outside_coverage",))
    assert told("b", 40 * day) == ("present", ())
    report = history.coverage(datetime.fromtimestamp(first + day, UTC), datetime.fromtimestamp(first + 50 * day, UTC))
    assert report.holes["kind"].tolist() == ["not_covered"]
    assert "no longer there" in report.holes["detail"].iloc[0]
    assert report.holes["end"].iloc[0] == datetime.fromtimestamp(first + edge, UTC)


def dateday(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y/%m/%d")
