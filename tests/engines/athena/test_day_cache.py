"""Facts of days are found again by the next process while the days stay as they are, and never for other ones."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from histlib.engines.athena.landing import day_cache
from histlib.engines.athena.landing.day_cache import DayCache
from histlib.stores import memo as kept
from histlib.stores.s3.address import Address

ADDRESS, ENDPOINT = Address("histories", "of/things"), "amazonaws.com"
FACTS = {"streams": [["arn", 1, 2**53 + 1]], "none": None, "text": "お米\u2028"}


def opened(cache, **options) -> DayCache:
    return DayCache(cache, ADDRESS, ENDPOINT, **options)


def test_facts_are_of_a_day_as_it_is(cache):
    """By day and digest; kept for the next process; the last ones put count."""
    days = opened(cache)
    assert days.get("2026/01/01", "x") is None
    days.put("2026/01/01", "x", FACTS)
    for found in (days, opened(cache)):
        assert found.get("2026/01/01", "x") == FACTS
        assert found.get("2026/01/01", "y") is None
        assert found.get("2026/01/02", "x") is None
    days.put("2026/01/01", "y", 1)
    assert [opened(cache).get("2026/01/01", digest) for digest in "xy"] == [None, 1]


def test_caches_are_apart(cache):
    """Of another history, endpoint or name: nothing of this one."""
    opened(cache).put("2026/01/01", "x", 1)
    others = [
        DayCache(cache, Address("histories", "of/things2"), ENDPOINT),
        DayCache(cache, ADDRESS, "http://127.0.0.1:9"),
        opened(cache, name="other"),
    ]
    assert [other.get("2026/01/01", "x") for other in others] == [None] * 3


def test_it_is_bounded(cache, monkeypatch):
    """The least recently put ones go."""
    monkeypatch.setattr(day_cache, "MOST", 3)
    days = opened(cache)
    days.put_all({day: ("x", day) for day in "abc"})
    days.put("a", "x", "again")
    days.put("d", "x", "d")
    for found in (days, opened(cache)):
        assert [found.get(day, "x") for day in "abcd"] == ["again", None, "c", "d"]


def test_it_is_private(cache):
    """0700, all the way down."""
    opened(cache).put("2026/01/01", "x", 1)
    (home,) = cache.glob("athena/*/*")
    assert {folder.stat().st_mode & 0o777 for folder in (cache, cache / "athena", home.parent, home)} == {0o700}
    assert {path.name for path in home.iterdir()} == {"days", "days.lock"}


@pytest.mark.parametrize("harm", ["gone", "cut", "damaged", "empty", "edition", "other"])
def test_what_is_not_as_it_was_written_is_empty(harm, cache, monkeypatch):
    """No error and no facts; what is put next is kept again."""
    opened(cache).put("2026/01/01", "x", 17)
    (file,) = cache.glob("athena/*/*/days")
    raw = file.read_bytes()
    harms = {"cut": raw[:-3], "damaged": raw.replace(b"17", b"18"), "empty": b""}
    if harm == "gone":
        file.unlink()
    elif harm in harms:
        file.write_bytes(harms[harm])
    elif harm == "edition":
        monkeypatch.setattr("histlib.stores.memo.edition", lambda: "another")
    else:
        found = kept.load(file, day_cache._Kept)
        found.source = "s3://other"
        kept.save(file, found)
    days = opened(cache)
    assert days.get("2026/01/01", "x") is None
    days.put("2026/01/01", "x", 19)
    assert opened(cache).get("2026/01/01", "x") == 19


def test_what_cannot_be_kept_is_had_all_the_same(tmp_path):
    """In this process: a cache that cannot be written is no reason for no answer."""
    (tmp_path / "file").write_text("")
    days = opened(tmp_path / "file")
    days.put("2026/01/01", "x", 1)
    assert days.get("2026/01/01", "x") == 1
    assert opened(tmp_path / "file").get("2026/01/01", "x") is None


PUT = """
import sys
from pathlib import Path
from histlib.engines.athena.landing.day_cache import DayCache
from histlib.stores.s3.address import Address
days = DayCache(Path(sys.argv[1]), Address("histories", "of/things"), "amazonaws.com")
for number in range(30):
    days.put(f"{sys.argv[2]}{number}", "x", number)
"""


def test_two_processes_keep_what_both_found(cache):
    """Neither loses what the other has put meanwhile."""
    command = [sys.executable, "-c", PUT, str(cache)]
    running = [subprocess.Popen([*command, name], env=dict(os.environ)) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    days = opened(cache)
    assert [days.get(f"{name}{number}", "x") for name in "ab" for number in range(30)] == [*range(30), *range(30)]
