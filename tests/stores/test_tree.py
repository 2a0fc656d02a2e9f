"""A Tree that is refreshed knows what a new one would find."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from histlib.stores.tree import Tree


def do_something(base: Path, dice: random.Random) -> None:
    """One change that people or tools make to folders."""
    paths = [path for path in base.rglob("*") if path != base / "changes"]
    folder = dice.choice([path for path in [base, *paths] if path.is_dir()])
    match dice.randrange(6):
        case 0:
            (folder / f"d{dice.randrange(3)}").mkdir(exist_ok=True)
        case 1 | 2:
            path = folder / f"f{dice.randrange(4)}"
            if not path.is_dir():
                path.write_text("x" * dice.randrange(9))
        case 3 if paths:
            path = dice.choice(paths)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        case 4 if paths:
            path, target = dice.choice(paths), folder / f"moved{dice.randrange(3)}"
            if not target.exists() and path not in (target, *target.parents):
                path.rename(target)
        case 5:
            (folder / dice.choice(["_revision", ".hidden"])).write_text("x")


def test_refreshing_finds_what_a_new_tree_finds(tmp_path):
    """After any sequence of changes; and it says that something changed exactly when something did."""
    for seed in range(40):
        base, dice = tmp_path / str(seed), random.Random(seed)
        base.mkdir()
        tree = Tree(base, "changes")
        tree.refresh()
        (base / "changes").mkdir()
        for _ in range(20):
            for _ in range(dice.randrange(1, 4)):
                do_something(base / "changes", dice)
            before = dict(tree.files)
            changed = tree.refresh()
            fresh = Tree(base, "changes")
            fresh.refresh()
            assert tree.files == fresh.files
            assert changed == (before != tree.files)


def test_a_settled_folder_is_not_listed_again(tmp_path, monkeypatch):
    """Looking again at folders in which nothing has happened lists none of them."""
    for day in range(3):
        (tmp_path / f"changes/{day}").mkdir(parents=True)
        (tmp_path / f"changes/{day}/file").touch()
    hour_ago = (time.time() - 3_600,) * 2
    for path in [*tmp_path.rglob("*")]:
        os.utime(path, hour_ago)
    tree = Tree(tmp_path, "changes")
    tree.refresh()
    listed = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or real(path))
    assert not tree.refresh()
    (tmp_path / "changes/1/new").touch()
    assert tree.refresh()
    assert listed == [f"{tmp_path}/changes/1"]


def test_what_has_just_changed_is_listed_again(tmp_path, monkeypatch):
    """A clock too coarse to tell two changes apart hides none of them."""
    (tmp_path / "changes").mkdir()
    tree = Tree(tmp_path, "changes")
    tree.refresh()
    stamp = (tmp_path / "changes").stat().st_mtime_ns
    (tmp_path / "changes/new").touch()
    os.utime(tmp_path / "changes", ns=(stamp, stamp))
    assert tree.refresh()
    assert list(tree.files) == ["changes/new"]


def test_a_watched_file_is_seen_to_grow(tmp_path, monkeypatch):
    """A file written to in place leaves no trace in its folder: a watched one is looked at itself, each time."""
    monkeypatch.setattr("histlib.stores.tree._FEW", 0)
    path = tmp_path / "changes/file"
    path.parent.mkdir()
    path.write_text("x")
    hour_ago = (time.time() - 3_600,) * 2
    os.utime(path, hour_ago)
    os.utime(path.parent, hour_ago)
    tree = Tree(tmp_path, "changes")
    tree.refresh()
    tree._next_look = time.monotonic() + 60
    path.write_text("xy")
    assert not tree.refresh()
    assert tree.refresh(["changes/file"])
    assert tree.files["changes/file"][0] == 2


@pytest.mark.parametrize("count", [3, 500])
@pytest.mark.parametrize("how", ["other size", "other mtime"])
def test_a_file_overwritten_in_place_in_an_old_day_is_seen(tmp_path, count, how):
    """Same name, other size or other mtime: of few files at the next look, of many when the pause is over."""
    for number in range(count):
        path = tmp_path / f"changes/{number % 5}/{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    hour_ago = (time.time() - 3_600,) * 2
    for path in tmp_path.rglob("*"):
        os.utime(path, hour_ago)
    tree = Tree(tmp_path, "changes")
    tree.refresh()
    assert not tree.refresh()
    path = tmp_path / "changes/2/2"
    path.write_text("xy" if how == "other size" else "y")
    if how == "other size":
        os.utime(path, hour_ago)
    if count > 64:
        time.sleep(max(0, tree._next_look - time.monotonic()))
    assert tree.refresh()
    assert (tree.files["changes/2/2"][0] == 2) == (how == "other size")
    assert not tree.refresh()


def test_looking_at_many_files_takes_a_small_part_of_the_time(tmp_path):
    """Right after a look at all of them, none of many files is looked at."""
    (tmp_path / "changes").mkdir()
    for number in range(200):
        (tmp_path / f"changes/{number}").touch()
    hour_ago = (time.time() - 3_600,) * 2
    for path in tmp_path.rglob("*"):
        os.utime(path, hour_ago)
    tree = Tree(tmp_path, "changes")
    tree.refresh()
    begin = time.monotonic()
    tree.refresh()
    took = time.monotonic() - begin
    assert begin < tree._next_look <= begin + 21 * took


def test_a_link_to_nowhere_or_to_itself_is_no_change(tmp_path):
    """What cannot be looked at is a file that reading will tell of, not one that changes."""
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes/nowhere").symlink_to("gone")
    (tmp_path / "changes/itself").symlink_to("itself")
    tree = Tree(tmp_path, "changes")
    assert tree.refresh()
    assert not tree.refresh()
    assert sorted(tree.files) == ["changes/itself", "changes/nowhere"]
