"""Nothing that was derived and kept outlives an edit of the code that derived it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import histlib
from histlib.engines.athena.landing.day_cache import DayCache
from histlib.stores.edition import edition
from histlib.stores.s3.address import Address
from histlib.stores.s3.ledger import Ledger
from histlib.stores.s3.listing import Remote
from tests.support.history.exports import SECOND, incremental_export
from tests.support.history.landings import put, record

PACKAGE = Path(histlib.__file__).parent
T0 = 1_767_268_800 * SECOND  # 2026-01-01T12:00:00Z

_ASK = """
import sys, histlib
from histlib.stores.edition import edition
from histlib.engines.queries import Streams
source, cache = sys.argv[1:]
history = histlib.connect(source, cache=cache)
segment = history._opened.source._store.refresh().manifest.segments[0].name
print(edition(), segment, *history.timeline("a")["after_json"])
"""
#: In a module that no list of files ever named: how a number is written.
_MENDED = """
def canonical_number(text):
    return "7"
def encode_number(value):
    return "7"
encode_int = encode_number
"""


def ask(site: Path, source: str, cache: Path) -> list[str]:
    """The edition, the index's first segment and the values, as the histlib in ``site`` tells them."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK, source, str(cache)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(site)}, cwd=site,
    )  # fmt: skip
    return done.stdout.split()


@pytest.fixture
def site(tmp_path):
    """A copy of the package that may be edited."""
    shutil.copytree(PACKAGE, tmp_path / "site/histlib", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


def test_any_edit_of_any_file_is_another_edition(site, tmp_path):
    """Of every module, the deepest too; a new file counts; the same files somewhere else are the same edition."""
    put(tmp_path / "h", [record(1)])
    told = [ask(site, str(tmp_path / "h"), tmp_path / "c")[0]]
    assert told == [edition()]
    for name in ("values/numbers.py", "engines/where/meaning/like.py", "new.py"):
        with (site / "histlib" / name).open("a") as file:
            file.write("\n# mended\n")
        told.append(ask(site, str(tmp_path / "h"), tmp_path / "c")[0])
    assert len(set(told)) == 4


@pytest.mark.parametrize("kind", ["folder", "export"])
def test_no_value_outlives_a_mended_rule(site, tmp_path, kind):
    """What the code of before kept is not answered from: the same question after the edit has the mended values."""
    if kind == "folder":
        put(tmp_path / "h", [record(1)])
        source = str(tmp_path / "h")
    else:
        changes = [(T0 + 5 * SECOND, {"id": "a"}, {"id": "a", "v": 1}, {"id": "a", "v": 2})]
        incremental_export(tmp_path / "in", changes, T0, T0 + 3_600 * SECOND)
        source = f"export:{tmp_path / 'in'}"
    before = ask(site, source, tmp_path / "c")
    assert ask(site, source, tmp_path / "c") == before
    with (site / "histlib/values/numbers.py").open("a") as file:
        file.write(_MENDED)
    after = ask(site, source, tmp_path / "c")
    assert ("7" in before[2], "7" in after[2]) == (False, True)
    assert after[1] != before[1]


def test_samples_are_written_anew_by_another_edition(tmp_path, monkeypatch):
    """Beside what the edition of before wrote, which goes a day after it was last opened."""
    histlib.connect("sample:todo", cache=tmp_path)
    (first,) = (tmp_path / "samples").iterdir()
    for name, gone in (("other", False), ("third", True)):
        if gone:
            os.utime(first, (1_000_000_000,) * 2)
        monkeypatch.setattr("histlib.stores.cache.edition", lambda name=name: name)
        histlib.connect("sample:todo", cache=tmp_path)
        assert (tmp_path / f"samples/todo-{name}").is_dir()
        assert first.exists() != gone
    assert (tmp_path / "samples/todo-other").is_dir()


def test_what_opened_last_stays(tmp_path, monkeypatch):
    """A sample that an older edition opens every day is not taken from it, however long ago it was written."""
    histlib.connect("sample:todo", cache=tmp_path)
    (first,) = (tmp_path / "samples").iterdir()
    os.utime(first, (1_000_000_000,) * 2)
    histlib.connect("sample:todo", cache=tmp_path)
    monkeypatch.setattr("histlib.stores.cache.edition", lambda: "other")
    histlib.connect("sample:todo", cache=tmp_path)
    assert first.is_dir()


def test_day_facts_of_another_edition_are_none(tmp_path, monkeypatch):
    """Facts that Athena was asked for are asked for again: another edition may read them otherwise."""
    cache = DayCache(tmp_path, Address("bucket", "of/things"), "endpoint")
    cache.put("2026/01/01", "digest", {"some": 1})
    again = DayCache(tmp_path, Address("bucket", "of/things"), "endpoint")
    assert again.get("2026/01/01", "digest") == {"some": 1}
    monkeypatch.setattr("histlib.stores.memo.edition", lambda: "other")
    other = DayCache(tmp_path, Address("bucket", "of/things"), "endpoint")
    assert other.get("2026/01/01", "digest") is None


def test_a_copy_of_s3_keeps_its_bytes_and_judges_anew(tmp_path, monkeypatch):
    """Objects are not fetched again by another edition; everything is listed, and what could not be had is tried."""
    ledger = Ledger(tmp_path)
    ledger.load()
    (tmp_path / "part").write_bytes(b"x")
    ledger.keep("changes/2026/01/01/a.gz", Remote("key", "etag", 1), tmp_path / "part")
    ledger.state.listed_at = 5.0
    ledger.save()
    same = Ledger(tmp_path)
    same.load()
    monkeypatch.setattr("histlib.stores.s3.ledger.edition", lambda: "other")
    other = Ledger(tmp_path)
    other.load()
    assert (same.state.listed_at, other.state.listed_at) == (5.0, 0.0)
    assert same.state.objects == other.state.objects != {}
