"""Sources: folders, samples, and names from histlib.toml."""

from __future__ import annotations

import pytest

import histlib
from histlib.errors import RequestError, SourceError
from histlib.stores.config import find_connection
from tests.support.history.landings import put, record


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HISTLIB_SOURCE", raising=False)


def configure(folder, text: str) -> None:
    (folder / "histlib.toml").write_text(text, encoding="utf-8")


def test_a_name_is_found_upwards_and_its_folder_beside_the_file(tmp_path, monkeypatch):
    """histlib.toml is searched from here upwards; a relative source is relative to it; its actor is used."""
    put(tmp_path / "data", [record(0, new_image={"id": "a", "by": "alice"})])
    configure(tmp_path, '[history.things]\nsource = "data"\nactor_attribute = "by"\n')
    (tmp_path / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep/er")
    state = histlib.connect("things").state_at("a", "2026-01-01T12:00")
    assert (state.change.actor, state.origin.source) == ("alice", "things")


def test_a_folder_wins_by_its_path(tmp_path):
    """./name is the folder, name is the connection."""
    put(tmp_path / "things", [record(0, item="folder")])
    put(tmp_path / "data", [record(0, item="named")])
    configure(tmp_path, '[history.things]\nsource = "data"\n')
    assert histlib.connect("things").state_at("named", "2026-01-01T12:00").status == "present"
    assert histlib.connect("./things").state_at("folder", "2026-01-01T12:00").status == "present"


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("[history.x]\n", RequestError, "lacks source"),
        ('[history.x]\nsource = "a"\nregoin = "b"\n', RequestError, "has regoin; expected only"),
        ("[history.x]\nsource = 5\n", RequestError, "table of texts"),
        ("[history", SourceError, "is no TOML"),
    ],
)
def test_mistakes_in_the_file_are_told(tmp_path, text, error, says):
    """With the file and the name."""
    configure(tmp_path, text)
    with pytest.raises(error, match=says):
        find_connection("x")


def test_other_names_are_not_there(tmp_path):
    """A name that the file does not have is none."""
    configure(tmp_path, '[history.x]\nsource = "a"\n')
    assert find_connection("y") is None
    assert find_connection("x").source == str(tmp_path / "a")


def test_samples_are_written_once(tmp_path, monkeypatch):
    """The second connect reads what the first has written; a name that is none lists those there are."""
    cache = tmp_path / "cache"
    histlib.connect("sample:todo", cache=cache)
    monkeypatch.setattr("histlib.samples.landing.write_landing", lambda *_: pytest.fail("written again"))
    assert histlib.connect("sample:todo", cache=cache).table == "todo-sample-table"
    with pytest.raises(RequestError, match="sample:products, sample:orders, sample:todo"):
        histlib.connect("sample:nothing", cache=cache)


def test_nothing_given_says_what_to_do():
    """Without a source, without HISTLIB_SOURCE."""
    with pytest.raises(RequestError, match=r"HISTLIB_SOURCE.*histlib.toml.*sample:"):
        histlib.connect()
