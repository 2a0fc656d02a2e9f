"""DynamoDB exports: a baseline of each full one, a window of net changes of each incremental one, whole or a hole."""

from __future__ import annotations

import errno
import gzip
import json
import os
from datetime import UTC
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histlib
from histlib.engines.queries import Holes, ItemChanges, Streams
from histlib.errors import KeyNotValidError, MixedTablesError, NotAHistoryError, RequestError, SourceError
from histlib.history import History
from histlib.stores.cache import entries
from histlib.values.image_json import encode_image
from histlib.values.times import from_micros
from tests.support.effort import examples
from tests.support.history.exports import SECOND, TABLE, full_export, incremental_export, net_changes
from tests.support.history.worlds import IMAGES

T0 = 1_767_268_800 * SECOND  # 2026-01-01T12:00:00Z
HOUR = 3_600 * SECOND
ITEMS = [{"id": name, "v": Decimal("1.5"), "tags": frozenset({"x", "y"}), "raw": b"\0"} for name in "abc"]


def ask(place: Path | str, cache: Path, key: str = "") -> History:
    return histlib.connect(f"export:{place}{key}", cache=cache)


def state(history: History, item: str, micros: int) -> Any:
    return history.state_at(item, from_micros(micros, UTC))


def rows(history: History, item: str) -> list[dict[str, Any]]:
    source = history._opened.source
    source.fetch(Streams())
    return source.fetch(ItemChanges((f'{{"id":"{item}"}}',))).to_pylist()


def manifests(cache: Path) -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text()) for path in cache.glob("exports/*/baseline/*.json")}


def two_windows(folder: Path, **told: Any) -> None:
    """a changes in both windows, b comes in the second, c goes in the first."""
    incremental_export(
        folder,
        [(T0 + 60 * SECOND + 7, {"id": "a"}, {"id": "a", "v": 1}, {"id": "a", "v": 2}),
         (T0 + 90 * SECOND, {"id": "c"}, {"id": "c"}, None)],
        T0, T0 + HOUR, bare=True, **told,
    )  # fmt: skip
    incremental_export(
        folder,
        [(T0 + HOUR + 60 * SECOND, {"id": "a"}, {"id": "a", "v": 2}, {"id": "a", "v": 3}),
         (T0 + HOUR + 90 * SECOND, {"id": "b"}, None, {"id": "b"})],
        T0 + HOUR, T0 + 2 * HOUR, **told,
    )  # fmt: skip


# --- full exports ---


@pytest.mark.parametrize("inside", ["", "AWSDynamoDB"])
def test_a_full_export_becomes_a_baseline(tmp_path, inside):
    """Each item a BASELINE row, exact in every type; a complete manifest; what the key is comes from the caller."""
    made = full_export(tmp_path / "in", ITEMS, T0 + 28_000)
    history = ask(tmp_path / "in" / inside, tmp_path / "cache", "?key=id")
    assert (history.table, history.account, history.region) == ("things", "111122223333", "eu-west-1")
    (row,) = rows(history, "b")
    assert (row["action"], row["stream"], row["new_image"]) == (
        "BASELINE",
        f"baseline:{made.name}",
        encode_image(ITEMS[1]),
    )
    assert row["read_begin"] == row["read_end"] == T0 + 28_000
    (manifest,) = manifests(tmp_path / "cache").values()
    files = manifest.pop("files")
    assert len(files) == 2
    assert manifest == {
        "format": 1, "id": made.name, "kind": "export", "table": TABLE,
        "table_id": "12345a12-abcd-123a-ab12-1234abc12345", "read_begin": T0 + 28_000, "read_end": T0 + 28_000,
        "items": 3, "redaction": None, "key_schema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }  # fmt: skip


def test_the_key_must_be_told(tmp_path):
    """A full export alone does not say it; half a key or another one is seen; an incremental export tells it."""
    items = [{"pk": "x", "sk": number} for number in range(3)]
    full_export(tmp_path / "in", items, T0)
    for key, error in [("", "like export:./folder"), ("?key=pk", "share their pk"), ("?key=a,b,c", "name them")]:
        with pytest.raises(RequestError, match=error):
            ask(tmp_path / "in", tmp_path / "cache", key)
    with pytest.raises(SourceError, match="expected in every item, as its key"):
        ask(tmp_path / "in", tmp_path / "cache", "?key=other")
    assert ask(tmp_path / "in", tmp_path / "cache", "?key=pk,sk").key_schema.ordered
    incremental_export(tmp_path / "in", [(T0 + 5, items[0], None, items[0])], T0, T0 + HOUR)
    history = ask(tmp_path / "in", tmp_path / "cache")
    assert (set(history.key_schema.names), history.key_schema.ordered) == ({"pk", "sk"}, False)
    with pytest.raises(RequestError, match="these exports have the key pk, sk"):
        ask(tmp_path / "in", tmp_path / "cache", "?key=pk")


# --- incremental exports ---


def test_windows_are_true_at_their_ends(tmp_path):
    """At the end of a window every state is known and bears no net_change; strictly inside it is one, for all keys."""
    two_windows(tmp_path)
    history = ask(tmp_path, tmp_path / "cache")
    for moment, versions in [(T0, {"a": 1}), (T0 + HOUR, {"a": 2}), (T0 + 2 * HOUR, {"a": 3})]:
        for item in "abc":
            found = state(history, item, moment)
            assert found.caveats == (), (item, moment)
            if item in versions:
                assert found.item["v"] == versions[item]
    for moment in (T0 + SECOND, T0 + HOUR - SECOND, T0 + HOUR + SECOND, T0 + 2 * HOUR - SECOND):
        for item in ("a", "b", "c", "never"):
            assert "net_change" in state(history, item, moment).caveats
    assert state(history, "c", T0).status == "present"
    assert state(history, "c", T0 + HOUR).status == "deleted"
    assert state(history, "b", T0 + HOUR).status == "absent"
    assert state(history, "b", T0 + 2 * HOUR).item == {"id": "b"}
    first = state(history, "a", T0 + HOUR)
    assert (first.since, first.until, first.until_known) == (from_micros(T0 + 60 * SECOND + 7, UTC), None, False)
    late = state(history, "a", T0 + 2 * HOUR + SECOND)
    assert set(late.caveats) == {"not_settled"}


def test_a_timeline_of_windows(tmp_path):
    """Each change bears net_change; where windows join there is neither a gap nor a boundary; times are exact."""
    two_windows(tmp_path)
    timeline = ask(tmp_path, tmp_path / "cache").timeline("a")
    assert list(timeline["caveats"]) == ["net_change"] * 2
    assert list(timeline["after"]) == [2, 3]
    assert timeline["time"].iloc[0].isoformat() == "2026-01-01T12:01:00.000007+00:00"


def test_a_window_that_is_missing_between(tmp_path):
    """What lies between two windows is not covered, and no state goes over it unsaid."""
    two_windows(tmp_path)
    change = (T0 + 3 * HOUR + 1, {"id": "a"}, {"id": "a", "v": 3}, {"id": "a", "v": 4})
    incremental_export(tmp_path, [change], T0 + 3 * HOUR, T0 + 4 * HOUR)
    history = ask(tmp_path, tmp_path / "cache")
    assert "outside_coverage" in state(history, "a", T0 + 2 * HOUR + 60 * SECOND).caveats
    assert state(history, "a", T0 + 2 * HOUR).caveats == ()
    assert state(history, "a", T0 + 4 * HOUR).caveats == ()
    assert "outside_coverage" in state(history, "b", T0 + 4 * HOUR).caveats
    assert list(history.timeline("a")["caveats"]) == ["net_change", "net_change", "outside_coverage net_change"]


def test_an_old_image_that_does_not_follow_is_a_gap(tmp_path):
    """Between windows of one item the images must agree."""
    first = (T0 + 1, {"id": "a"}, None, {"id": "a", "v": 1})
    second = (T0 + HOUR + 1, {"id": "a"}, {"id": "a", "v": 7}, {"id": "a", "v": 8})
    incremental_export(tmp_path, [first], T0, T0 + HOUR)
    incremental_export(tmp_path, [second], T0 + HOUR, T0 + 2 * HOUR)
    assert "gap" in state(ask(tmp_path, tmp_path / "cache"), "a", T0 + HOUR).caveats


def test_without_old_images_nothing_is_claimed_of_before(tmp_path):
    """The view NEW_IMAGE does not tell an insert from a change: what was before is unknown, and makes no gap."""
    incremental_export(
        tmp_path,
        [(T0 + 1, {"id": "a"}, None, {"id": "a", "v": 1}), (T0 + 1, {"id": "b"}, {"id": "b"}, None)],
        T0, T0 + HOUR, view="NEW_IMAGE",
    )  # fmt: skip
    incremental_export(
        tmp_path,
        [(T0 + HOUR + 9, {"id": "b"}, None, {"id": "b", "v": 1})],
        T0 + HOUR, T0 + 2 * HOUR, view="NEW_IMAGE",
    )  # fmt: skip
    history = ask(tmp_path, tmp_path / "cache")
    before = state(history, "a", T0)
    assert (before.status, "was there before is not known" in before.reason) == ("unknown", True)
    assert state(history, "a", T0 + HOUR).item == {"id": "a", "v": 1}
    assert "gap" not in " ".join(history.timeline("b")["caveats"])
    assert [row["action"] for row in rows(history, "a")] == ["MODIFY"]


def test_windows_that_overlap_are_refused_and_one_given_twice_counts_once(tmp_path):
    """Net changes of overlapping windows do not add up; the same window exported again is no second one."""
    two_windows(tmp_path)
    change = (T0 + 60 * SECOND + 7, {"id": "a"}, {"id": "a", "v": 1}, {"id": "a", "v": 2})
    incremental_export(tmp_path, [change], T0, T0 + HOUR, name="00000000000001-again000")
    assert list(ask(tmp_path, tmp_path / "cache").timeline("a")["after"]) == [2, 3]
    incremental_export(tmp_path, [change], T0 - HOUR, T0 + 100 * SECOND, name="00000000000002-overlap0")
    with pytest.raises(SourceError, match="overlap"):
        ask(tmp_path, tmp_path / "cache")


@settings(deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 7_199), st.sampled_from("abc"), st.sampled_from([None, *IMAGES])), max_size=12),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(IMAGES)),
    st.booleans(),
)
def test_exports_of_random_writes(tmp_path_factory, drawn, before, bare):
    """At each end of a window the state is the truth, without a caveat; inside it is the truth or bears net_change.

    No write is drawn in the very microsecond in which a window begins: whether it came before or after is not known.
    """
    folder = tmp_path_factory.mktemp("exports")
    writes = sorted((T0 + second * SECOND + at + 1, item, after) for at, (second, item, after) in enumerate(drawn))
    if not drawn or all(after is None for _, _, after in drawn):
        return
    edges = [T0, T0 + HOUR // 2, T0 + HOUR, T0 + 2 * HOUR]
    for start, end in pairwise(edges):
        incremental_export(folder, net_changes(writes, before, start, end), start, end, bare=bare)
    try:
        history = ask(folder, folder / "cache")
    except (RequestError, SourceError):  # all came and went within their windows
        assert not any(net_changes(writes, before, *ends) for ends in pairwise(edges))
        return
    for item in "abc":
        for moment in [*edges, *(at + by * SECOND for at, _, _ in writes for by in (0, 1, -1)), T0 + 1_000 * SECOND]:
            found = state(history, item, moment)
            image = before.get(item)
            for at, written, after in writes:
                if written == item and (
                    at <= moment if moment in edges else at <= moment - moment % SECOND + SECOND - 1
                ):
                    image = after
            truth = None if image is None else {"id": item, **image}
            if moment in edges:
                assert not found.caveats
                if found.status != "unknown":
                    assert found.item == truth
            elif found.item != truth and found.status != "unknown":
                assert found.caveats


# --- damage ---


def test_a_full_export_that_is_not_whole_is_no_baseline(tmp_path):
    """A missing, changed or short file, or a wrong count: no manifest, no rows, and a hole that names the file."""
    for number, damage in enumerate((lambda p: p.unlink(), change_byte, fewer, truncate)):
        place, cache = tmp_path / str(number), tmp_path / f"cache{number}"
        made = full_export(place, ITEMS, T0)
        two_windows(place)
        path = sorted((made / "data").iterdir())[0]
        damage(path)
        history = ask(place, cache)
        assert not [name for name in manifests(cache) if not name.startswith("backfill")]
        assert "BASELINE" not in {row["action"] for row in rows(history, "a")}
        (hole,) = history._opened.source.fetch(Holes()).to_pylist()
        assert (hole["kind"], hole["start"], hole["end"]) == ("unreadable", T0, T0)
        assert hole["file"].endswith(path.name)


def test_a_window_that_is_not_whole_is_a_hole(tmp_path):
    """What its good files hold is told, with a caveat over the whole window, also for keys that they lack."""
    two_windows(tmp_path)
    first = sorted((tmp_path / "AWSDynamoDB").glob("*-i*"))[0]
    files = [json.loads(line)["dataFileS3Key"] for line in (first / "manifest-files.json").read_text().splitlines()]
    (tmp_path / "AWSDynamoDB" / "data" / files[1].rpartition("/")[2]).unlink()
    history = ask(tmp_path, tmp_path / "cache")
    assert len(manifests(tmp_path / "cache")) == 1
    for item in "ac":
        assert "unreadable_files" in state(history, item, T0 + HOUR // 2).caveats
    assert state(history, "a", T0 + 2 * HOUR).caveats == ()


def test_mended_exports_are_converted_again(tmp_path):
    """The cache is of the files as they were, and nobody else's to read."""
    made = full_export(tmp_path / "in", ITEMS, T0)
    path = sorted((made / "data").iterdir())[0]
    raw = path.read_bytes()
    path.unlink()
    with pytest.raises(SourceError, match="missing"):
        ask(tmp_path / "in", tmp_path / "cache", "?key=id")
    path.write_bytes(raw)
    first, again = (ask(tmp_path / "in", tmp_path / "cache", "?key=id") for _ in range(2))
    assert rows(first, "a") == rows(again, "a") != []
    assert len(list((tmp_path / "cache" / "exports").iterdir())) == 1
    assert (tmp_path / "cache" / "exports").stat().st_mode & 0o777 == 0o700


def change_byte(path: Path) -> None:
    items = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(items.replace(b'"a"', b'"z"')))


def fewer(path: Path) -> None:
    """One item less, and a manifest that knows the file's MD5, but not its count."""
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[1:])))
    manifest = path.parent.parent / "manifest-files.json"
    told = [json.loads(line) for line in manifest.read_text().splitlines()]
    manifest.write_text("".join(json.dumps(one | {"md5Checksum": None}) + "\n" for one in told))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def test_what_is_no_export_is_refused(tmp_path):
    """Nothing there, ION, two tables, unfinished: each says what it is."""
    for place in ("", "s3://bucket/prefix"):
        with pytest.raises(RequestError, match="expected a folder"):
            ask(place, tmp_path / "cache")
    (tmp_path / "none").mkdir()
    with pytest.raises(NotAHistoryError, match="no finished export"):
        ask(tmp_path / "none", tmp_path / "cache")
    full_export(tmp_path / "ion", ITEMS, T0, outputFormat="ION")
    with pytest.raises(SourceError, match="ION"):
        ask(tmp_path / "ion", tmp_path / "cache")
    full_export(tmp_path / "two", ITEMS, T0)
    full_export(tmp_path / "two", ITEMS, T0, name="x", tableArn=f"{TABLE}2")
    with pytest.raises(MixedTablesError, match="things2"):
        ask(tmp_path / "two", tmp_path / "cache", "?key=id")


@pytest.mark.parametrize("key", ["?key=id", "?key=id,sk"])
def test_an_export_without_an_item_is_an_answer(tmp_path, key):
    """The table was empty: no item was there, of whatever type its key is; every question has an answer."""
    full_export(tmp_path / "in", [], T0)
    history = ask(tmp_path / "in", tmp_path / "cache", key)
    assert (history.table, history.account, history.region) == ("things", "111122223333", "eu-west-1")
    start, end = from_micros(T0, UTC), from_micros(T0 + HOUR, UTC)
    for value in ("x", 5, b"y", {"S": "z"}):
        whole = {"id": value, "sk": 1} if "sk" in key else {"id": value}
        absent = history.state_at(whole, start)
        assert (absent.status, absent.evidence, absent.caveats) == ("absent", "baseline", ())
        assert history.snapshot_at(start, keys=[whole])["status"].tolist() == ["absent"]
    assert len(history.snapshot_at(start)) == len(history.changes(start, end)) == len(history.timeline(whole)) == 0
    assert len(history.diff(start, end)) == len(history.activity(start, end)) == len(history.blame(whole, start)) == 0
    assert history.sql("SELECT count(*) AS n FROM t")["n"].tolist() == [0]
    assert history.captured_through == history.coverage().end == start
    with pytest.raises(KeyNotValidError, match="id of a type not known|id .of a type not known."):
        history.state_at({"other": "x"}, start)
    incremental_export(tmp_path / "in", [], T0, T0 + HOUR)
    later = ask(tmp_path / "in", tmp_path / "cache", key).state_at(whole, end)
    assert (later.status, later.caveats) == ("absent", ())
    item = {"id": "x", "sk": 1}
    names = {name: item[name] for name in history.key_schema.names}
    incremental_export(tmp_path / "in", [(T0 + HOUR + 9, names, None, item)], T0 + HOUR, T0 + 2 * HOUR)
    grown = ask(tmp_path / "in", tmp_path / "cache", key)
    assert grown.state_at(names, end).status == "absent"
    assert grown.state_at(names, from_micros(T0 + 2 * HOUR, UTC)).item == item


def test_windows_in_which_nothing_changed(tmp_path):
    """Alone they say that nothing is known, and are covered."""
    incremental_export(tmp_path / "in", [], T0, T0 + HOUR)
    with pytest.raises(RequestError, match="name them"):
        ask(tmp_path / "in", tmp_path / "cache")
    history = ask(tmp_path / "in", tmp_path / "cache", "?key=id")
    assert state(history, "x", T0 + HOUR).status == "unknown"
    assert (history.coverage().complete, history.table) == (True, "things")


def test_half_a_key_is_seen_across_files(tmp_path):
    """Items that share it may lie in different files of the export: each partition of a table is one."""
    items = [{"pk": pk, "sk": sk} for sk in "12" for pk in "xyz"]
    made = full_export(tmp_path / "in", [items[0], items[3], items[1], items[2]], T0)
    files = [{json.loads(line)["Item"]["pk"]["S"] for line in lines_of(path)} for path in (made / "data").iterdir()]
    assert sorted(map(sorted, files)) == [[], ["x", "y"], ["x", "z"]]  # no file has one twice
    with pytest.raises(RequestError, match=r"1 of 4 items share their pk with another.*name it, like export:"):
        ask(tmp_path / "in", tmp_path / "cache", "?key=pk")
    assert not list((tmp_path / "cache" / "exports").iterdir())
    assert len(ask(tmp_path / "in", tmp_path / "cache", "?key=pk,sk").snapshot_at(from_micros(T0, UTC))) == 4


def test_an_item_twice_in_a_window_is_damage(tmp_path):
    """A window has one net change of an item, whichever file it lies in: with two of them it is a hole."""
    two_windows(tmp_path)
    twice = [(T0 + 3 * HOUR + at, {"id": "a"}, {"id": "a", "v": 3}, {"id": "a", "v": 4 + at}) for at in (0, 1)]
    incremental_export(tmp_path, twice, T0 + 3 * HOUR, T0 + 4 * HOUR)
    history = ask(tmp_path, tmp_path / "cache")
    assert "unreadable_files" in state(history, "a", T0 + 4 * HOUR).caveats
    (hole,) = history._opened.source.fetch(Holes()).to_pylist()
    assert "1 of 2 changes are of an item that has another in this window" in hole["detail"]


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def flat(folder: Path, made: Path) -> Path:
    """All files of an export right in one folder, as downloaded one by one."""
    folder.mkdir()
    names = [json.loads(line)["dataFileS3Key"] for line in (made / "manifest-files.json").read_text().splitlines()]
    found = {path.name: path for path in made.parent.rglob("*.json.gz")}
    for path in (*made.glob("manifest-*"), *(found[name.rpartition("/")[2]] for name in names)):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("inside", [True, False])
def test_a_flat_folder(tmp_path, monkeypatch, inside):
    """Manifests and data files in one folder, whatever its name, also as the folder one is in: all is checked."""
    place = flat(tmp_path / "downloads", full_export(tmp_path / "in", ITEMS, T0))
    monkeypatch.chdir(place if inside else tmp_path)
    history = ask("." if inside else place, tmp_path / "cache", "?key=id")
    assert state(history, "a", T0).item == ITEMS[0]
    assert state(history, "a", T0).caveats == ()
    change_byte(next(path for path in sorted(place.glob("*.json.gz")) if b'"a"' in gzip.decompress(path.read_bytes())))
    with pytest.raises(SourceError, match="not the file that was exported"):
        ask(place, tmp_path / "cache", "?key=id")


def test_a_flat_folder_of_a_window(tmp_path):
    """The same of an incremental export."""
    two_windows(tmp_path / "in")
    made = sorted((tmp_path / "in" / "AWSDynamoDB").glob("*-i*"))[0]
    history = ask(flat(tmp_path / "flat", made), tmp_path / "cache")
    assert (state(history, "a", T0 + HOUR).get("v"), state(history, "a", T0 + HOUR).caveats) == (2, ())


@pytest.mark.parametrize("renamed", [True, False])
@pytest.mark.parametrize("place", ["nested", "flat"])
def test_unpacked_data_files(tmp_path, renamed, place):
    """Read, with a caveat: their checksums are of what they were; one with fewer items is no export's."""
    made = full_export(tmp_path / "in", ITEMS, T0)
    made = flat(tmp_path / "flat", made) if place == "flat" else made
    packed = [path for path in sorted(made.rglob("*.json.gz")) if lines_of(path)]
    paths = [path.with_suffix("") if renamed else path for path in packed]
    for path, target in zip(packed, paths, strict=True):
        raw = gzip.decompress(path.read_bytes())
        path.unlink()
        target.write_bytes(raw)
    history = ask(made, tmp_path / "cache", "?key=id")
    for item in ITEMS:
        found = state(history, item["id"], T0)
        assert (found.item, found.caveats) == (item, ("unreadable_files",))
        assert "unpacked, so that its MD5 tells nothing" in found.caveats[0].detail
    assert "unreadable_files" in state(history, "never", T0).caveats
    paths[0].write_bytes(b"")
    with pytest.raises(SourceError, match="0 items, the manifest says"):
        ask(made, tmp_path / "cache", "?key=id")


@pytest.mark.parametrize("place", ["nested", "flat"])
def test_data_files_without_their_list(tmp_path, place):
    """With the summary, which tells how many items there are, they are read with a caveat; one too few, and not."""
    made = full_export(tmp_path / "in", ITEMS, T0)
    made = flat(tmp_path / "flat", made) if place == "flat" else made
    (made / "manifest-files.json").unlink()
    history = ask(made, tmp_path / "cache", "?key=id")
    found = state(history, "a", T0)
    assert (found.item, found.caveats) == (ITEMS[0], ("unreadable_files",))
    assert "manifest-files.json is missing" in found.caveats[0].detail
    next(path for path in sorted(made.rglob("*.json.gz")) if lines_of(path)).unlink()
    with pytest.raises(SourceError, match=r"items in its files, the manifest says 3"):
        ask(made, tmp_path / "cache", "?key=id")


def test_a_window_without_its_list_names_what_is_missing(tmp_path):
    """Its files lie with those of other windows, so which are its own is not known: a hole."""
    two_windows(tmp_path)
    (sorted((tmp_path / "AWSDynamoDB").glob("*-i*"))[0] / "manifest-files.json").unlink()
    history = ask(tmp_path, tmp_path / "cache")
    (hole,) = history._opened.source.fetch(Holes()).to_pylist()
    assert "manifest-files.json" in hole["file"]
    assert "missing, and which data files are of this export is not known" in hole["detail"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b'{"Item":{"id":{"S":"a"}}}'], r"1 data files \(x\.json\.gz: items of a full export\)"),
        ([b'{"Metadata":{},"Keys":{"id":{"S":"a"}}}'], "changes of an incremental export"),
        ([b'{"id":"a"}'], "JSON lines, but none of an export"),
        ([b"$ion_1_0"], "no JSON lines"),
    ],
)
def test_data_without_a_summary_says_what_is_there_and_what_is_missing(tmp_path, lines, said):
    """The table, and the time or window, stand only there; how to get it is told."""
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(b"\n".join(lines)))
    with pytest.raises(
        NotAHistoryError, match=f"no manifest-summary.json .*which tells the table.*{said}.*aws s3 sync"
    ):
        ask(tmp_path, tmp_path / "cache", "?key=id")


def test_an_export_that_did_not_end(tmp_path):
    """What it began with is there, and nothing else."""
    (tmp_path / "AWSDynamoDB" / "0-a").mkdir(parents=True)
    (tmp_path / "AWSDynamoDB" / "0-a" / "_started").touch()
    with pytest.raises(NotAHistoryError, match=r"no data file; it was started \(_started\), and did not end"):
        ask(tmp_path, tmp_path / "cache", "?key=id")


def test_a_name_for_exports(tmp_path, monkeypatch):
    """A folder of exports in histlib.toml is relative to that file, key and all."""
    full_export(tmp_path / "in", ITEMS, T0)
    (tmp_path / "histlib.toml").write_text('[history.old]\nsource = "export:./in?key=id"\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert histlib.connect("old", cache=tmp_path / "cache").table == "things"


def test_a_full_export_and_the_windows_from_then_on(tmp_path):
    """Items that never changed are known at each end of a window, without a caveat, in every question."""
    items = [{"id": name, "v": 1} for name in "abc"]
    full_export(tmp_path / "in", items, T0)
    change = (T0 + 60 * SECOND, {"id": "a"}, {"id": "a", "v": 1}, {"id": "a", "v": 2})
    incremental_export(tmp_path / "in", [change], T0, T0 + HOUR)
    history = ask(tmp_path / "in", tmp_path / "cache")
    for name, version, evidence in (("a", 2, "change"), ("b", 1, "baseline")):
        found = state(history, name, T0 + HOUR)
        assert (found.status, found.get("v"), found.evidence, found.caveats) == ("present", version, evidence, ())
        assert state(history, name, T0).get("v") == 1
        assert state(history, name, T0).caveats == ()
    end = found.time
    frame = history.snapshot_at(end)
    assert frame["keys.id"].tolist() == ["a", "b", "c"]
    assert frame.attrs["histlib"]["caveats"] == []
    assert history.diff(state(history, "a", T0).time, end)["path"].tolist() == ["v"]
    hit = history.affected("item.v = 2", state(history, "a", T0).time, end)
    assert (hit["from_latest"] - hit["since"]).dt.total_seconds().tolist() == [60]
    assert "net_change" in hit["caveats"].iloc[0]


def test_a_full_export_alone_tells_its_own_time(tmp_path):
    """At the export's time without a caveat; before and after, nothing is claimed without one."""
    full_export(tmp_path / "in", ITEMS, T0)
    history = ask(tmp_path / "in", tmp_path / "cache", "?key=id")
    assert state(history, ITEMS[0]["id"], T0).caveats == ()
    for moment in (T0 - HOUR, T0 + HOUR):
        assert state(history, ITEMS[0]["id"], moment).caveats != ()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_cache_without_room_is_no_damage_of_the_export(tmp_path, monkeypatch, number):
    """Told as what it is, and not kept as a hole: with room the export is whole."""
    full_export(tmp_path / "in", ITEMS, T0)

    def refused(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("histlib.format.exports.convert._Conversion._write_rows", refused)
        with pytest.raises(SourceError, match=r"cannot write exports in the cache .*connect\(cache=…\)"):
            ask(tmp_path / "in", tmp_path / "cache", "?key=id")
    history = ask(tmp_path / "in", tmp_path / "cache", "?key=id")
    assert (state(history, "a", T0).status, state(history, "a", T0).caveats) == ("present", ())
    assert {entry.name.partition("/")[0] for entry in entries(tmp_path / "cache")} == {"exports"}
