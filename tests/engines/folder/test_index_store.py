"""The index takes in what is new and what has changed, and stays small to read."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histlib.engines.folder.index.builder import Builder
from histlib.engines.folder.index.segments import NARROW_COLUMNS
from histlib.engines.folder.index.store import Store
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Holes, Streams
from histlib.errors import NotAHistoryError
from tests.support.effort import examples
from tests.support.history.landings import everything, ids, lines, make_indexed, numbers, put, record


@pytest.fixture
def indexed(tmp_path):
    """A history with an index of several segments."""
    return make_indexed(tmp_path)


def test_new_files_are_in_the_next_answer(tmp_path):
    """What has landed since the last question is in the next one, in old days and new ones."""
    put(tmp_path, [record(1)])
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1)
    put(tmp_path, [record(2)], name="b.gz")
    assert numbers(source) == ids(1, 2)
    put(tmp_path, [record(3)], day="2026/02/01")
    assert numbers(source) == ids(1, 2, 3)
    put(tmp_path, [record(4)], day="2025/12/31", name="late")
    assert numbers(source) == ids(1, 2, 3, 4)


def test_nothing_new_costs_no_work(tmp_path, monkeypatch):
    """Facts that have not changed come as the same objects, and nothing is read again."""
    put(tmp_path, [record(1)])
    source = EmbeddedSource(tmp_path)
    before = source.fetch(Streams()), source.fetch(Holes())
    monkeypatch.setattr(Store, "_update", lambda self: pytest.fail("the index was written"))
    assert all(new is old for new, old in zip((source.fetch(Streams()), source.fetch(Holes())), before, strict=True))


@pytest.mark.parametrize("small_rows", [0, 65_536])
@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_way_of_arriving_gives_the_same_rows(tmp_path_factory, monkeypatch, small_rows, data):
    """However the lines are split over files, and the files over extensions, the rows are those of one build."""
    monkeypatch.setattr("histlib.engines.folder.index.segments.SMALL_ROWS", small_rows)
    folder = tmp_path_factory.mktemp("history")
    records = [record(number, item=f"i{number % 7}") for number in range(60)]
    shuffled = data.draw(st.permutations(records))
    cuts = sorted(data.draw(st.sets(st.integers(1, 59), max_size=8)))
    source = None
    for at, (start, end) in enumerate(zip([0, *cuts], [*cuts, 60], strict=True)):
        put(folder, shuffled[start:end], day=f"2026/01/{1 + at % 3:02}", name=f"{at}.gz")
        if data.draw(st.booleans()) or source is None:
            source = source or EmbeddedSource(folder)
            source.fetch(Streams())
    for item in range(7):
        assert numbers(source, f"i{item}") == ids(*range(item, 60, 7))
    assert source.fetch(Streams()).column("changes").to_pylist() == [60]
    assert len(source._store._snapshot.readers) <= 4


def test_buckets_and_spilling_change_nothing(tmp_path, monkeypatch):
    """Little memory means many buckets, by way of the disk: the rows are the same, and few segments stay."""
    records = [record(number, item=f"i{number % 501}") for number in range(4_000)]
    put(tmp_path, records[:3_500])
    monkeypatch.setattr("histlib.engines.folder.landing.PIECE_BYTES", 20_000)
    monkeypatch.setattr("histlib.engines.folder.index.segments.SMALL_ROWS", 0)
    monkeypatch.setattr("histlib.engines.folder.index.segments.ROW_GROUP_ROWS", 8)
    source = EmbeddedSource(tmp_path, memory=1 << 20)
    assert sum(len(numbers(source, f"i{item}")) for item in range(501)) == 3_500
    put(tmp_path, records[3_500:], name="b.gz")
    assert numbers(source, "i7") == ids(*range(7, 4_000, 501))
    assert sum(len(numbers(source, f"i{item}")) for item in range(501)) == 4_000
    assert [path.name for path in (tmp_path / ".histlib").glob("*.spill")] == []


def test_a_landing_file_that_changes_or_goes_is_noticed(indexed):
    """A replaced file counts as it is now, a removed one no more."""
    put(indexed, [record(7_777, "i0")], name="2.gz")
    assert "event-7777" in numbers(EmbeddedSource(indexed), "i0")
    assert "event-1800" not in numbers(EmbeddedSource(indexed), "i0")
    source = EmbeddedSource(indexed)
    source.fetch(Streams())
    (indexed / "changes/2026/01/01/2.gz").unlink()
    assert "event-7777" not in numbers(source, "i0")


def segments(folder: Path) -> set[str]:
    return {path.name for path in (folder / ".histlib").glob("segment-*")}


def make_old(*paths: Path) -> None:
    """As if written an hour ago."""
    for path in paths:
        os.utime(path, (time.time() - 3_600,) * 2)


@pytest.fixture
def built(monkeypatch):
    """The names of the files that were read into the index, as it goes."""
    names: list[str] = []
    real = Builder.build

    def build(self, root, files, name):
        names.extend(file.rpartition("/")[2] for file in files)
        return real(self, root, files, name)

    monkeypatch.setattr(Builder, "build", build)
    return names


def test_a_file_still_being_written_costs_no_rebuild(indexed, built):
    """Of a file whose end is missing the lines count at once; when whole it is read again, and nothing else is."""
    path = put(indexed, [record(n, "new") for n in range(5_000, 5_400)], day="2026/01/02", name="more.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    seconds_ago = (time.time() - 10,) * 2
    os.utime(path, seconds_ago)
    os.utime(path.parent, seconds_ago)
    source = EmbeddedSource(indexed)
    assert 0 < len(numbers(source, "new")) < 400
    assert [hole["file"] for hole in source.fetch(Holes()).to_pylist()] == ["changes/2026/01/02/more.gz"]
    assert source.fetch(Streams()).column("changes").to_pylist() == [1_005 + len(numbers(source, "new"))]
    with path.open("ab") as stream:
        stream.write(whole[len(whole) // 2 :])
    for again in (source, EmbeddedSource(indexed)):
        assert numbers(again, "new") == ids(*range(5_000, 5_400))
        assert again.fetch(Holes()).num_rows == 0
        assert again.fetch(Streams()).column("changes").to_pylist() == [1_405]
    assert set(built) == {"more.gz"}


def test_a_temporary_file_that_is_renamed_costs_no_rebuild(indexed, built):
    """Copying tools write under another name first: what was read of it goes with it."""
    path = put(indexed, [record(5_000, "new")], name="more.gz")
    whole = path.read_bytes()
    temporary = path.rename(path.with_name("more.gz.x1y2"))
    temporary.write_bytes(whole[:-3])
    source = EmbeddedSource(indexed)
    assert numbers(source, "new") == ids(5_000)
    temporary.unlink()
    assert numbers(source, "new") == []
    path.write_bytes(whole)
    assert numbers(source, "new") == ids(5_000)
    assert set(built) == {"more.gz.x1y2", "more.gz"}


def test_a_replaced_revision_makes_an_open_source_look_again(tmp_path):
    """A file rewritten in place shows nowhere in its directory: _revision tells that days past have changed."""
    path = put(tmp_path, [record(1)], name="a.jsonl")
    make_old(path, *path.parents[:4])
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1)
    path.write_bytes(lines([record(1), record(2)]))
    make_old(path)
    (tmp_path / "changes/_revision").write_text("2")
    make_old(tmp_path / "changes")
    assert numbers(source) == ids(1, 2)


def test_many_small_extensions_leave_few_segments(tmp_path):
    """Each question takes in what is new; merging in tiers keeps what a lookup reads few, and loses nothing."""
    put(tmp_path, [record(n, f"i{n % 9}") for n in range(2_000)])
    source = EmbeddedSource(tmp_path)
    for extension in range(60):
        first = 2_000 + extension * 10
        put(tmp_path, [record(n, f"i{n % 9}") for n in range(first, first + 10)], name=f"{extension}.jsonl")
        source.fetch(Streams())
        assert len(source._store._snapshot.readers) <= 5
    assert everything(source) == [ids(*range(item, 2_600, 9)) for item in range(9)]


def test_rows_lie_sorted_in_their_buckets(tmp_path):
    """By hash, then stream, then sequence number: whatever order they landed in."""
    records = [record(n, f"i{n % 5}", stream=f"s{n % 2}") for n in range(400)]
    random.Random(2).shuffle(records)
    put(tmp_path, records)
    EmbeddedSource(tmp_path).fetch(Streams())
    narrow, path = sorted((tmp_path / ".histlib").rglob("segment-*/*.parquet"))
    table = pq.read_table(path)
    order = [("key_hash", "ascending"), ("stream", "ascending"), ("sequence_number", "ascending")]
    assert table.equals(table.sort_by(order))
    assert pq.read_table(narrow).equals(table.select(NARROW_COLUMNS))


def test_replaced_segments_go_when_the_grace_is_over(indexed, monkeypatch):
    """Room taken by what nobody reads any more is given back by the next writer."""
    monkeypatch.setattr("histlib.engines.folder.index.store.GRACE", 0.0)
    for number in range(5_000, 5_003):
        put(indexed, [record(number + n, f"i{n % 9}") for n in range(2_000)], name=f"{number}.gz")
        source = EmbeddedSource(indexed)
        source.fetch(Streams())
    put(indexed, [record(9_999)], name="last.gz")
    live = {reader.segment.name for reader in EmbeddedSource(indexed)._store.refresh().readers}
    assert segments(indexed) == live


def test_a_file_overwritten_in_place_is_in_the_next_answer(tmp_path):
    """In an old day, of the same name, without _revision: an open history answers from what is there now."""
    path = put(tmp_path, [record(1)], name="a.jsonl")
    put(tmp_path, [record(5, "b")], day="2026/01/02")
    make_old(*tmp_path.rglob("*"))
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1)
    path.write_bytes(lines([record(1), record(2)]))
    assert numbers(source) == ids(1, 2)
    path.write_bytes(lines([record(1), record(3)]))
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert numbers(source) == ids(1, 3)


def test_what_was_replaced_goes_also_where_nothing_new_comes(indexed, monkeypatch):
    """After an upgrade a finished history does not keep the index of before."""
    before = segments(indexed)
    monkeypatch.setattr("histlib.stores.memo.edition", lambda: "other")
    EmbeddedSource(indexed).fetch(Streams())
    assert segments(indexed) > before
    monkeypatch.setattr("histlib.engines.folder.index.store.GRACE", 0.0)
    live = {reader.segment.name for reader in EmbeddedSource(indexed)._store.refresh().readers}
    assert segments(indexed) == live


@pytest.mark.parametrize(
    "content",
    [b"", b"no change\n", b'{"eventID":"1","dynamodb":{"Keys":{"id":{"S":"a"}}}}\n'],
    ids=["empty", "no change", "raw"],
)
@pytest.mark.parametrize("cached", [False, True])
def test_a_refused_folder_is_left_as_it_was(tmp_path, content, cached):
    """What is no history gets no index, no lock and no folder, beside it or in a cache."""
    put(tmp_path / "h", content)
    before = sorted(tmp_path.rglob("*"))
    for _ in range(2):
        with pytest.raises(NotAHistoryError):
            EmbeddedSource(tmp_path / "h", cache=tmp_path / "c" if cached else None).fetch(Streams())
    assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == [
        path for path in before if path.is_file()
    ]
    assert not (tmp_path / "h/.histlib").exists()
    put(tmp_path / "h", [record(1)], name="b.gz")
    assert numbers(EmbeddedSource(tmp_path / "h")) == ids(1)
