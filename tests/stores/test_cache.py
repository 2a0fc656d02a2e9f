"""The cache: what it holds is told, what is removed is inside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

import histlib
from histlib import cli
from histlib.errors import SourceError
from histlib.stores.cache import cache_folder, clear, entries
from tests.support.history.landings import put
from tests.support.s3.histories import SOURCE, fill, numbered, versions


@pytest.fixture
def filled(s3, tmp_path, monkeypatch):
    """A user's cache with a sample, the index of a history elsewhere, and a mirror."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    histlib.connect("sample:todo")
    put(tmp_path / "h", numbered(1, 2))
    put(tmp_path / "h", numbered(3), name="b.gz")
    histlib.connect(tmp_path / "h", cache=cache_folder())
    fill(s3, tmp_path / "h")
    histlib.connect(SOURCE)
    return cache_folder()


def run(*words: str, capsys) -> tuple[int, str, str]:
    code = cli.main(["cache", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def inside(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_everything_is_listed(filled, capsys):
    """Samples, indexes and mirrors, with what they were made from, objects, bytes and when they were last used."""
    code, out, _ = run("--json", capsys=capsys)
    told = json.loads(out)
    assert (code, told["cache"]) == (0, str(filled))
    index, mirror, sample = sorted(told["entries"], key=lambda entry: entry["name"])
    assert index["name"].startswith("index/h-")
    assert (mirror["source"], mirror["objects"]) == (SOURCE, 2)
    assert mirror["name"].startswith("s3/histories/of-things-")
    assert (sample["source"], sample["objects"]) == ("sample:todo", None)
    for entry in told["entries"]:
        assert entry["bytes"] == inside(filled / entry["name"])
        assert entry["used"].startswith("20")
    assert told["bytes"] == sum(entry["bytes"] for entry in told["entries"]) == inside(filled)
    code, out, _ = run(capsys=capsys)
    assert code == 0
    assert all(entry["name"] in out for entry in told["entries"])
    assert f"{told['bytes']:,} B  in {filled}" in out


def test_a_question_makes_a_mirror_used(filled):
    """Its time is that of the last question, also where nothing was new."""
    (mirror,) = (entry for entry in entries(filled) if entry.source == SOURCE)
    versions(history := histlib.connect(SOURCE))
    (later,) = (entry for entry in entries(filled) if entry.source == SOURCE)
    assert later.used > mirror.used
    assert versions(history) == [1, 2, 3]


@pytest.mark.parametrize("by_name", [True, False])
def test_one_is_removed_by_name_or_source(by_name, filled, capsys):
    """And the others stay; the history is fetched anew when it is asked again."""
    (mirror,) = (entry for entry in entries(filled) if entry.source == SOURCE)
    code, out, _ = run("--clear", mirror.name if by_name else SOURCE, "--yes", "--json", capsys=capsys)
    assert (code, [entry["name"] for entry in json.loads(out)["entries"]]) == (0, [mirror.name])
    assert {entry.name.partition("/")[0] for entry in entries(filled)} == {"index", "samples"}
    assert not (filled / mirror.name).parent.exists()
    assert versions(histlib.connect(SOURCE)) == [1, 2, 3]


def test_all_is_removed_and_nothing_else(filled, tmp_path, capsys):
    """What is no entry stays: other files in the cache, and whatever links lead to."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("x")
    (filled / "s3" / "histories" / "link").symlink_to(tmp_path / "elsewhere")
    (filled / "index" / "link").symlink_to(tmp_path / "elsewhere")
    next(filled.glob("s3/*/of-*/objects")).joinpath("link").symlink_to(tmp_path / "elsewhere")
    (filled / "notes.txt").write_text("mine")
    code, _, _ = run("--clear", "--yes", capsys=capsys)
    assert (code, entries(filled)) == (0, [])
    assert (tmp_path / "elsewhere" / "precious").read_text() == "x"
    assert (filled / "notes.txt").read_text() == "mine"
    assert (tmp_path / "h" / "changes").is_dir()


@pytest.mark.parametrize("name", ["nothing", "..", "s3", "s3/histories", "/", "s3/../../x", ""])
def test_only_entries_can_be_named(name, filled, capsys):
    """A path, or a folder above entries, is no name, nor is an empty text."""
    before = entries(filled)
    code, _, err = run("--clear", name, "--yes", capsys=capsys)
    assert (code, entries(filled)) == (2, before)
    assert f"has no {name!r}" in err


def test_without_a_terminal_only_yes_removes(filled, capsys):
    """A script says so, or nothing is removed."""
    code, _, err = run("--clear", capsys=capsys)
    assert (code, len(entries(filled)), "nobody can be asked here; add --yes" in err) == (2, 3, True)


def test_people_are_asked(filled, capsys, monkeypatch):
    """On a terminal; anything but yes removes nothing."""

    def answering(text: str):
        monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True, "readline": lambda _: text})())

    answering("n\n")
    code, _, err = run("--clear", capsys=capsys)
    assert (code, len(entries(filled)), "nothing was removed" in err) == (2, 3, True)
    answering("y\n")
    code, _, err = run("--clear", capsys=capsys)
    assert (code, entries(filled), "[y/N]" in err) == (0, [], True)


def test_what_is_in_use_is_not_removed(filled):
    """A mirror that another process is filling stays."""
    (mirror,) = (entry for entry in entries(filled) if entry.source == SOURCE)
    with FileLock(filled / mirror.name / "lock"), pytest.raises(SourceError, match="in use by another process"):
        clear(filled, [mirror])
    assert versions(histlib.connect(SOURCE)) == [1, 2, 3]


def test_an_empty_cache_holds_nothing(tmp_path, monkeypatch, capsys):
    """Before anything was ever cached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert run("--json", capsys=capsys)[:2] == (0, f'{{"cache": "{tmp_path}/histlib", "entries": [], "bytes": 0}}\n')
    assert run("--clear", "--yes", capsys=capsys)[0] == 0
