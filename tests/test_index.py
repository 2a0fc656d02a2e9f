"""The index answers from all that is in the landing, whatever happened to the index, and says what it cannot read."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landings import NOON, lines, put, record

from histlib.embedded import EmbeddedSource, memory_setting
from histlib.errors import NotAHistoryError, RequestError
from histlib.index import manifest, rows
from histlib.index.store import Store
from histlib.queries import Holes, ItemChanges, MatchingKeys, Streams


def numbers(source: EmbeddedSource, item: str = "a") -> list[str]:
    """The event ids of an item, as often as they are in the index."""
    source.fetch(Streams())
    return sorted(source.fetch(ItemChanges((f'{{"id":"{item}"}}',))).column("event_id").to_pylist())


def holes(source: EmbeddedSource) -> list[dict]:
    source.fetch(Streams())
    return source.fetch(Holes()).to_pylist()


def ids(*found: int) -> list[str]:
    return sorted(f"event-{number}" for number in found)


# --- what is in it ---


def test_every_column_comes_back_as_it_was_written(tmp_path):
    """A row has the record's fields, untouched, and the file that it was read from."""
    odd = record(
        1, new_image={"id": "a", "text": 'é\u2028\U0001f35a\x00;"\\'}, actor='{"type":"Service"}', redaction="r1"
    )
    put(tmp_path, [odd], name="odd.gz")
    table = EmbeddedSource(tmp_path).fetch(ItemChanges((odd["keys"],)))
    (row,) = table.to_pylist()
    derived = {"format", "timestamp", "timestamp_utc"}
    assert row == {name: value for name, value in odd.items() if name not in derived} | {
        "file": "changes/2026/01/01/odd.gz"
    }


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


def test_files_put_aside_are_no_landing(tmp_path):
    """Names that begin with _ or . are not read, as Athena does not."""
    put(tmp_path, [record(1)])
    put(tmp_path, [record(2)], name="_half.gz")
    put(tmp_path, [record(3)], name=".hidden.gz")
    (tmp_path / "changes" / "_revision").write_text("x")
    assert numbers(EmbeddedSource(tmp_path)) == ids(1)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_way_of_arriving_gives_the_same_rows(tmp_path_factory, data):
    """However the lines are split over files, and the files over extensions, the rows are those of one build."""
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
    monkeypatch.setattr("histlib.index.landing.PIECE_BYTES", 20_000)
    source = EmbeddedSource(tmp_path, memory=1 << 20)
    assert sum(len(numbers(source, f"i{item}")) for item in range(501)) == 3_500
    put(tmp_path, records[3_500:], name="b.gz")
    assert numbers(source, "i7") == ids(*range(7, 4_000, 501))
    assert sum(len(numbers(source, f"i{item}")) for item in range(501)) == 4_000
    assert [path.name for path in (tmp_path / ".histlib").glob("*.spill")] == []


def test_keys_that_share_a_hash_stay_apart(tmp_path, monkeypatch):
    """The hash only finds the place: rows are told apart by the whole key."""
    monkeypatch.setattr("histlib.embedded.key_hash", lambda keys: 7)
    monkeypatch.setattr(rows, "hash_column", lambda keys: pa.array([7] * len(keys), pa.uint64()))
    put(tmp_path, [record(1, "a"), record(2, "b"), record(3, "a")])
    source = EmbeddedSource(tmp_path)
    assert (numbers(source, "a"), numbers(source, "b")) == (ids(1, 3), ids(2))


def test_part_of_a_key_finds_all_items_below_it(tmp_path):
    """One attribute of a key of two finds its items, and none whose text only looks like it."""
    keys = [{"pk": "a", "sk": 1}, {"pk": "a", "sk": 2}, {"pk": 'x","pk":"a', "sk": 1}, {"pk": "ab", "sk": 11}]
    put(tmp_path, [record(number, keys=key) for number, key in enumerate(keys)])
    source = EmbeddedSource(tmp_path)

    def matching(name: str, value: str) -> list[str]:
        return sorted(source.fetch(MatchingKeys(((name, value),))).column("keys").to_pylist())

    assert matching("pk", '"a"') == ['{"pk":"a","sk":1}', '{"pk":"a","sk":2}']
    assert len(matching("sk", "1")) == 2
    assert matching("sk", "3") == []


# --- what it cannot read ---


def test_a_truncated_file_gives_its_readable_lines(tmp_path):
    """Of a truncated gzip the whole lines count, and the rest is told by file and line."""
    records = [record(number) for number in range(1, 200)]
    raw = gzip.compress(lines(records), mtime=0)
    put(tmp_path, [record(0)], name="good.gz")
    path = tmp_path / "changes/2026/01/01/torn.gz"
    path.write_bytes(raw[: len(raw) // 2])
    source = EmbeddedSource(tmp_path)
    found = numbers(source)
    (hole,) = holes(source)
    assert 10 < len(found) < 199
    assert (hole["kind"], hole["file"], hole["line"]) == ("unreadable", "changes/2026/01/01/torn.gz", None)
    assert f"line {len(found)}" in hole["detail"]
    assert hole["start"] == (NOON - 43_200 - 2 * 86_400) * 1_000_000
    assert hole["end"] == (NOON + 43_200 + 3_600) * 1_000_000


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{not json\n", "malformed"),
        (b"17\n", "Expected `object`"),
        (b'{"format":1}\n', "missing required field"),
        (lines([record(9, format=2)]), "format 2"),
        (lines([record(9, action="UPDATE")]), "action 'UPDATE'"),
        (lines([record(9, sequence_number="17")]), "sequence_number '17'"),
        (lines([record(9, timestamp_micros="17")]), "timestamp_micros"),
        (lines([record(9)]).replace(b'"{', b"{").replace(b'}"', b"}").replace(b'\\"', b'"'), "keys"),
        (lines([record(9)]).replace(b"event-9", b"\xff\xfe"), "utf-8"),
    ],
)
def test_a_bad_line_is_told_and_hides_no_other(tmp_path, line, why):
    """A line that is no record is told by file, line and reason; the lines around it count."""
    put(tmp_path, lines([record(1)]) + line + lines([record(2)]))
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1, 2)
    (hole,) = holes(source)
    assert (hole["file"], hole["line"]) == ("changes/2026/01/01/a.gz", 2)
    assert why.lower() in hole["detail"].lower()


def test_damage_inside_a_gzip_member_is_told(tmp_path):
    """A flipped byte never passes for sound: the lines before it count, the file is told."""
    records = [record(number) for number in range(2_000)]
    path = put(tmp_path, records)
    raw = bytearray(path.read_bytes())
    raw[len(raw) * 2 // 3] ^= 0xFF
    path.write_bytes(bytes(raw))
    source = EmbeddedSource(tmp_path)
    assert 100 < len(numbers(source)) <= 2_000
    assert any(hole["file"] == "changes/2026/01/01/a.gz" for hole in holes(source))


def test_members_blank_lines_and_plain_files_are_read(tmp_path):
    """Gzip of several members, plain text, blank lines, CRLF and a last line without its end are all fine."""
    one = gzip.compress(lines([record(1)])) + gzip.compress(lines([record(2)]))
    path = tmp_path / "changes/2026/01/01/members.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(one)
    put(tmp_path, b"\n" + lines([record(3)]).rstrip(b"\n") + b"\r\n\n" + lines([record(4)]).rstrip(b"\n"), name="plain")
    put(tmp_path, b"", name="empty.gz")
    put(tmp_path, b"", name="empty")
    source = EmbeddedSource(tmp_path)
    assert (numbers(source), holes(source)) == (ids(1, 2, 3, 4), [])


def test_a_foreign_file_is_told_once(tmp_path):
    """A file with no record at all is one entry, however long it is."""
    put(tmp_path, [record(1)])
    put(tmp_path, b"hello\n" * 10_000, name="notes.txt")
    put(tmp_path, b"x\n" * 500 + lines([record(2)]), name="half.gz")
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1, 2)
    found = holes(source)
    assert [hole["line"] for hole in found if hole["file"].endswith("notes.txt")] == [None]
    assert len([hole for hole in found if hole["file"].endswith("half.gz")]) == 101
    assert "400 more lines" in found[-1]["detail"] or any("400 more lines" in hole["detail"] for hole in found)


def test_undelivered_changes_are_holes_until_done(tmp_path):
    """What lies under failed/ and in Lambda's on-failure objects is told with its times and its key."""
    put(tmp_path, [record(1)])
    change = {"dynamodb": {"Keys": {"id": {"S": "a"}}, "ApproximateCreationDateTime": NOON}}
    (tmp_path / "failed/records").mkdir(parents=True)
    (tmp_path / "failed/records/17").write_text(json.dumps(change))
    (tmp_path / "failed/done").mkdir()
    (tmp_path / "failed/done/18").write_text(json.dumps(change))
    payload = tmp_path / "aws/lambda/m/s/2026/01/01/x"
    payload.parent.mkdir(parents=True)
    payload.write_text(json.dumps({"payload": json.dumps({"Records": [change]})}))
    source = EmbeddedSource(tmp_path)
    found = holes(source)
    assert [(hole["kind"], hole["start"], hole["keys"]) for hole in found] == [
        ("unconverted", NOON * 1_000_000, '{"id":"a"}'),
        ("undelivered", NOON * 1_000_000, '{"id":"a"}'),
    ]
    (tmp_path / "failed/records/17").rename(tmp_path / "failed/done/17")
    payload.unlink()
    assert holes(source) == []


@pytest.mark.parametrize(
    ("body", "start", "keys"),
    [
        (b"not json", None, None),
        (b"[]", None, None),
        (b'{"dynamodb":{"Keys":{"id":{"N":"x"}},"ApproximateCreationDateTime":5}}', 5_000_000, None),
        (b'{"dynamodb":{"Keys":{"id":{"S":"a"}},"ApproximateCreationDateTime":"soon"}}', None, '{"id":"a"}'),
        (b'{"eventID":"1"}', None, None),
        (b'{"Records":[{"dynamodb":{}},{"dynamodb":{"ApproximateCreationDateTime":5}}]}', None, None),
    ],
)
def test_a_failed_change_that_cannot_be_read_is_a_hole_all_the_same(tmp_path, body, start, keys):
    """Without a time it may touch any time, without a key any item; it never keeps a question from its answer."""
    put(tmp_path, [record(1)])
    (tmp_path / "failed/records").mkdir(parents=True)
    (tmp_path / "failed/records/17").write_bytes(body)
    (hole,) = holes(EmbeddedSource(tmp_path))
    assert (hole["kind"], hole["start"], hole["keys"]) == ("unconverted", start, keys)


def test_what_is_no_history_is_refused(tmp_path):
    """Nothing, something else, or only unreadable files: an error that says what was seen and what was expected."""
    with pytest.raises(NotAHistoryError, match="no folder changes/"):
        EmbeddedSource(tmp_path)
    (tmp_path / "changes").mkdir()
    with pytest.raises(NotAHistoryError, match="no files below changes/"):
        EmbeddedSource(tmp_path).fetch(Streams())
    put(tmp_path, b"hello\n")
    with pytest.raises(NotAHistoryError, match=r"of 1 files .* none has a readable change .*a\.gz"):
        EmbeddedSource(tmp_path).fetch(Streams())
    put(tmp_path, [record(1)], name="b.gz")
    assert numbers(EmbeddedSource(tmp_path)) == ids(1)


# --- what happens to it ---


@pytest.fixture
def indexed(tmp_path):
    """A history with an index of several segments."""
    for at in range(3):
        put(tmp_path, [record(n, f"i{n % 9}") for n in range(at * 900, at * 900 + (900, 100, 5)[at])], name=f"{at}.gz")
        EmbeddedSource(tmp_path).fetch(Streams())
    assert len(list((tmp_path / ".histlib").glob("segment-*"))) >= 3
    return tmp_path


def everything(source: EmbeddedSource) -> list[list[str]]:
    return [numbers(source, f"i{item}") for item in range(9)]


def test_damage_to_any_file_of_the_index_changes_no_answer(indexed):
    """Each file of the index in turn flipped, cut, emptied or gone: the answers stay, to the row."""
    expected = everything(EmbeddedSource(indexed))
    index = indexed / ".histlib"
    dice = random.Random(1)
    for path in sorted(path for path in index.rglob("*") if path.is_file() and path.name != "lock"):
        relative = path.relative_to(index)
        for damage in ("flip", "flip", "flip", "cut", "empty", "gone"):
            if not (index / relative).exists():
                break
            raw = bytearray((index / relative).read_bytes())
            if damage == "gone":
                (index / relative).unlink()
            elif damage == "flip" and raw:
                raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
                (index / relative).write_bytes(raw)
            else:
                (index / relative).write_bytes(raw[: len(raw) // 2] if damage == "cut" else b"")
            assert everything(EmbeddedSource(indexed)) == expected, (relative, damage)


def test_damage_under_an_open_source_changes_no_answer(indexed):
    """A source that is already open finds the damage when it reads, and answers all the same."""
    source = EmbeddedSource(indexed)
    expected = everything(source)
    fresh = EmbeddedSource(indexed)
    shutil.rmtree(next((indexed / ".histlib").glob("segment-*")))
    assert everything(fresh) == expected
    (indexed / ".histlib/manifest.json").write_bytes(b"junk")
    put(indexed, [record(9_999, "i0")], name="more.gz")
    assert numbers(source, "i0") == sorted([*expected[0], "event-9999"])


def test_an_index_of_another_version_is_made_anew(indexed, monkeypatch):
    """An index that another version of histlib wrote is not read."""
    expected = everything(EmbeddedSource(indexed))
    before = set((indexed / ".histlib").glob("segment-*"))
    monkeypatch.setattr(manifest, "VERSION", 99)
    assert everything(EmbeddedSource(indexed)) == expected
    assert before.isdisjoint(
        indexed / ".histlib" / one.name for one in EmbeddedSource(indexed)._store.refresh().manifest.segments
    )


def test_a_landing_file_that_changes_or_goes_is_noticed(indexed):
    """A replaced file counts as it is now, a removed one no more."""
    put(indexed, [record(7_777, "i0")], name="2.gz")
    assert "event-7777" in numbers(EmbeddedSource(indexed), "i0")
    assert "event-1800" not in numbers(EmbeddedSource(indexed), "i0")
    source = EmbeddedSource(indexed)
    source.fetch(Streams())
    (indexed / "changes/2026/01/01/2.gz").unlink()
    assert "event-7777" not in numbers(source, "i0")


def test_a_read_only_history_is_indexed_in_the_cache(tmp_path, monkeypatch):
    """Where nothing can be written beside the history, the index lies in a private cache."""
    history = tmp_path / "history"
    put(history, [record(1)])
    monkeypatch.setattr("histlib.embedded.os.access", lambda *_: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert numbers(EmbeddedSource(history)) == ids(1)
    assert not (history / ".histlib").exists()
    made = tmp_path / "cache" / "histlib"
    assert made.stat().st_mode & 0o777 == 0o700
    assert list(made.rglob("manifest.json"))


_KILLED = """
import sys, histlib.index.{module} as module
from histlib.embedded import EmbeddedSource
from histlib.queries import Streams
from pathlib import Path
real, calls = module.{name}, [0]
def killing(*arguments, **named):
    calls[0] += 1
    if calls[0] > {after}:
        import os; os.kill(os.getpid(), 9)
    return real(*arguments, **named)
module.{name} = killing
EmbeddedSource(Path(sys.argv[1])).fetch(Streams())
"""


@pytest.mark.parametrize(
    ("module", "name", "after"),
    [("segments", "_write_bucket", 0), ("segments", "_footer", 0), ("store", "_new_name", 1), ("builder", "concat", 0)],
)
def test_killed_anywhere_it_recovers(indexed, module, name, after):
    """A process killed while it extends or merges leaves an index that answers, and no litter."""
    expected = everything(EmbeddedSource(indexed))
    put(indexed, [record(n, f"i{n % 9}") for n in range(5_000, 5_500)], name="more.gz")
    code = _KILLED.format(module=module, name=name, after=after)
    killed = subprocess.run([sys.executable, "-c", code, str(indexed)], check=False)
    assert killed.returncode == -signal.SIGKILL
    source = EmbeddedSource(indexed)
    assert [len(found) for found in everything(source)] == [
        len(old) + len(range(5_000 + (item - 5_000) % 9, 5_500, 9)) for item, old in enumerate(expected)
    ]
    kept = {one.name for one in source._store.refresh().manifest.segments} | set(
        source._store.refresh().manifest.retired
    )
    assert {path.name for path in (indexed / ".histlib").iterdir() if path.is_dir()} <= kept


def _ask(folder: str, found) -> None:
    found.put(everything(EmbeddedSource(Path(folder))))


def test_two_processes_at_once_both_answer(tmp_path):
    """Processes that open the same new history at once all answer from all of it."""
    put(tmp_path, [record(n, f"i{n % 9}") for n in range(3_000)])
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    workers = [context.Process(target=_ask, args=(str(tmp_path), found)) for _ in range(3)]
    for worker in workers:
        worker.start()
    answers = [found.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert answers == [[ids(*range(item, 3_000, 9)) for item in range(9)]] * 3


def test_a_reader_survives_a_writer(indexed):
    """Segments replaced by a merge stay for those who still read them, and go when the grace is over."""
    reader = EmbeddedSource(indexed)
    reader.fetch(Streams())
    snapshot = reader._store.refresh()
    put(indexed, [record(n, f"i{n % 9}") for n in range(5_000, 9_000)], name="more.gz")
    EmbeddedSource(indexed).fetch(Streams())
    assert all((indexed / ".histlib" / one.segment.name).is_dir() for one in snapshot.readers)


def test_no_room_is_a_clear_error(tmp_path):
    """A full disk says where, and what to do; the history itself is untouched."""
    put(tmp_path, [record(n) for n in range(2_000)])
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from histlib.embedded import EmbeddedSource; from histlib.queries import Streams\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "EmbeddedSource(Path(sys.argv[1])).fetch(Streams())"
    )
    failed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "SourceError" in failed.stderr.splitlines()[-1], failed.stderr
    assert len(numbers(EmbeddedSource(tmp_path))) == 2_000


def test_the_memory_setting_is_read_and_checked(monkeypatch):
    """HISTLIB_MEMORY takes sizes like 512MiB; anything else is refused with what was expected."""
    monkeypatch.setenv("HISTLIB_MEMORY", "512MiB")
    assert memory_setting() == 512 << 20
    for wrong in ("lots", "5", "1MiB", "256MiB", "-1GiB"):
        monkeypatch.setenv("HISTLIB_MEMORY", wrong)
        with pytest.raises(RequestError, match="expected at least 512MiB"):
            memory_setting()
