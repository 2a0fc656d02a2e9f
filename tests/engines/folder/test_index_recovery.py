"""The index answers from all that is in the landing, whatever happened to it: damage, kills, full disks, others."""

from __future__ import annotations

import errno
import multiprocessing
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from histlib.engines.folder.index import segments
from histlib.engines.folder.index.builder import Builder
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Streams
from histlib.errors import SourceError
from tests.support.history.landings import every_row, everything, ids, make_indexed, numbers, put, record


@pytest.fixture
def indexed(tmp_path):
    """A history with an index of several segments."""
    return make_indexed(tmp_path)


@pytest.fixture(params=["rows kept in memory", "row groups read"])
def reading(request, monkeypatch):
    """Small segments are kept in memory, others read group by group: both ways."""
    if request.param == "row groups read":
        monkeypatch.setattr(segments, "SMALL_ROWS", 0)
        monkeypatch.setattr(segments, "ROW_GROUP_ROWS", 64)


def damaged(raw: bytes, dice: random.Random) -> Iterator[bytes | None]:
    """A file's content cut, emptied, gone (None), and with a bit flipped: anywhere, and in its last 200 bytes."""
    yield raw[: len(raw) // 2]
    yield b""
    yield None
    for at in [dice.randrange(len(raw)) for _ in range(8)] + [dice.randrange(-min(200, len(raw)), 0) for _ in range(8)]:
        flipped = bytearray(raw)
        flipped[at] ^= 1 << dice.randrange(8)
        yield bytes(flipped)


def test_damage_to_any_file_of_the_index_changes_no_answer(tmp_path, reading):
    """Each file of the index flipped, cut, emptied or gone, each time from a sound one: every cell stays."""
    sound, hurt = make_indexed(tmp_path / "sound"), tmp_path / "hurt"
    expected, dice = every_row(EmbeddedSource(sound)), random.Random(1)
    files = [path for path in (sound / ".histlib").rglob("*") if path.is_file() and path.name != "lock"]
    assert len(files) == 13
    for path in sorted(files):
        for content in damaged(path.read_bytes(), dice):
            shutil.rmtree(hurt, ignore_errors=True)
            shutil.copytree(sound, hurt)
            place = hurt / path.relative_to(sound)
            place.unlink() if content is None else place.write_bytes(content)
            assert every_row(EmbeddedSource(hurt)) == expected, (path, content)


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


def test_an_index_of_another_edition_is_made_anew(indexed, monkeypatch):
    """An index that other code of histlib wrote is not read."""
    expected = everything(EmbeddedSource(indexed))
    before = set((indexed / ".histlib").glob("segment-*"))
    monkeypatch.setattr("histlib.stores.memo.edition", lambda: "other")
    assert everything(EmbeddedSource(indexed)) == expected
    assert before.isdisjoint(
        indexed / ".histlib" / one.name for one in EmbeddedSource(indexed)._store.refresh().manifest.segments
    )


_KILLED = """
import sys, histlib.engines.folder.index.{module} as module
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Streams
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
    [("segments", "_write_bucket", 0), ("parquet", "_footer", 0), ("store", "_new_name", 1), ("builder", "concat", 0)],
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
    manifest = source._store.refresh().manifest
    kept = manifest.folders | set(manifest.retired)
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
    """A limit on files is told as that, and what to do; the history itself is untouched, and nothing is left in it."""
    put(tmp_path, [record(n) for n in range(2_000)])
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from histlib.engines.folder.source import EmbeddedSource; from histlib.engines.queries import Streams\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "EmbeddedSource(Path(sys.argv[1])).fetch(Streams())"
    )
    failed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "SourceError" in failed.stderr.splitlines()[-1], failed.stderr
    assert "a file may not be so large (see `ulimit -f`)" in failed.stderr
    assert "no space left" not in failed.stderr
    assert not (tmp_path / ".histlib").exists()
    assert len(numbers(EmbeddedSource(tmp_path))) == 2_000


def test_failing_to_index_is_never_forgotten(indexed, monkeypatch):
    """After an error the next question fails too, or answers from everything: never from the state before."""
    source = EmbeddedSource(indexed)
    expected = numbers(source, "i0")
    put(indexed, [record(9_999, "i0")], name="more.gz")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Builder, "build", full)
        for _ in range(2):
            with pytest.raises(SourceError, match=r"\.histlib: [\d,]+ bytes free, up to [\d,]+ needed"):
                source.fetch(Streams())
    assert numbers(source, "i0") == sorted([*expected, "event-9999"])


def test_a_second_writer_waits_for_the_first(indexed):
    """While another process holds the lock a question waits, and then answers from everything."""
    put(indexed, [record(9_999, "i0")], name="more.gz")
    with ThreadPoolExecutor(1) as pool:
        with FileLock(indexed / ".histlib/lock"):
            answer = pool.submit(lambda: numbers(EmbeddedSource(indexed), "i0"))
            time.sleep(0.3)
            assert not answer.done()
        assert "event-9999" in answer.result(timeout=30)


_SHARED = """
import sys; from concurrent.futures import ThreadPoolExecutor; from pathlib import Path
from histlib.engines.folder.source import EmbeddedSource; from histlib.engines.folder.index import segments
segments.SMALL_ROWS, segments.ROW_GROUP_ROWS = 0, 16
source, step = EmbeddedSource(Path(sys.argv[1])), 1 << 58
reader, = source._store.refresh().readers
with ThreadPoolExecutor(8) as pool:
    for _ in range(20):
        parts = pool.map(lambda at: reader.between(at * step, (at + 1) * step - 1).num_rows, range(64))
        assert sum(parts) == 4_000
"""


def test_threads_that_merge_may_meet_in_one_file(tmp_path):
    """Parts of a merge that read from the same file at once get their rows (unguarded, the process crashed)."""
    put(tmp_path, [record(n, f"i{n}") for n in range(4_000)])
    subprocess.run([sys.executable, "-c", _SHARED, str(tmp_path)], check=True)


def test_threads_may_share_a_source(tmp_path):
    """Questions from several threads while files arrive: each answer has all that had landed before it."""
    put(tmp_path, [record(0)])
    source = EmbeddedSource(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        for number in range(1, 12):
            put(tmp_path, [record(number)], name=f"{number}.gz")
            for answer in [pool.submit(numbers, source) for _ in range(4)]:
                assert answer.result() == ids(*range(number + 1))


_ENDLESS = """
import sys, time; from pathlib import Path
from histlib.engines.folder.source import EmbeddedSource; from histlib.engines.queries import Streams
print("ready", flush=True)
EmbeddedSource(Path(sys.argv[1])).fetch(Streams())
"""


def test_killed_at_any_moment_it_recovers(tmp_path):
    """SIGKILL at random moments of building and extending: what is left answers from everything, again and again."""
    dice, records = random.Random(3), [record(n, f"i{n % 9}") for n in range(24_000)]
    for at in range(6):
        put(tmp_path, records[at * 4_000 : (at + 1) * 4_000], name=f"{at}.gz")
        with subprocess.Popen([sys.executable, "-c", _ENDLESS, str(tmp_path)], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(dice.uniform(0.0, 0.4))
            process.send_signal(signal.SIGKILL)
        if at % 2:
            assert len(numbers(EmbeddedSource(tmp_path), "i0")) == len(range(0, (at + 1) * 4_000, 9))
    assert everything(EmbeddedSource(tmp_path)) == [ids(*range(item, 24_000, 9)) for item in range(9)]
    assert not list((tmp_path / ".histlib").glob("*.part")) + list((tmp_path / ".histlib").glob("*.spill"))


def test_interrupted_it_leaves_no_litter(indexed, monkeypatch):
    """Ctrl-C while rows are written leaves the index of before, without half a segment."""
    put(indexed, [record(9_999, "i0")], name="more.gz")
    before = sorted(path.name for path in (indexed / ".histlib").iterdir())

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("histlib.engines.folder.index.parquet._footer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            EmbeddedSource(indexed).fetch(Streams())
    assert sorted(path.name for path in (indexed / ".histlib").iterdir()) == before
    assert "event-9999" in numbers(EmbeddedSource(indexed), "i0")
