"""A Tree that is refreshed knows what a new one would find."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

from histlib.index.tree import Tree


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


def test_a_watched_file_is_seen_to_grow(tmp_path):
    """A file written to in place leaves no trace in its folder: a watched one is looked at itself."""
    path = tmp_path / "changes/file"
    path.parent.mkdir()
    path.write_text("x")
    hour_ago = (time.time() - 3_600,) * 2
    os.utime(path, hour_ago)
    os.utime(path.parent, hour_ago)
    tree = Tree(tmp_path, "changes")
    tree.refresh()
    path.write_text("xy")
    assert not tree.refresh()
    assert tree.refresh(["changes/file"])
    assert tree.files["changes/file"][0] == 2
