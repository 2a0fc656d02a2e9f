"""Nothing that was derived and kept outlives an edit of the code that derived it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from export_writer import full_export
from landings import put, record

import histlib
from histlib.edition import edition

PACKAGE = Path(histlib.__file__).parent

_ASK = """
import sys, histlib
from histlib.edition import edition
from histlib.queries import Streams
source, cache = sys.argv[1:]
history = histlib.connect(source, cache=cache)
print(edition(), history._opened.source._store.refresh().manifest.segments[0].name, *history.timeline("a")["after_json"])
"""
#: In the module that no list of files named: what the writers of texts make of a number.
_MENDED = """

_before = canonical
def canonical(*arguments):
    return "7"
"""


def ask(site: Path, source: str, cache: Path) -> list[str]:
    """The edition, the index's first segment and the values, as the histlib in ``site`` tells them."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK, source, str(cache)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(site)},
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
    for name in ("numbers.py", "where/like.py", "new.py"):
        with (site / "histlib" / name).open("a") as file:
            file.write("\n# mended\n")
        told.append(ask(site, str(tmp_path / "h"), tmp_path / "c")[0])
    assert len(set(told)) == 4
