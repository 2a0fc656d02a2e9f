"""What is built of this project is whole: it installs into an environment of its own, and works there."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.places import ROOT

CONSUMER = """
from histlib import connect
from histlib.answers.state import ItemState

state: ItemState = connect("sample:todo").state_at({"todoId": "t0001"}, "now")
reveal_type(state.status)
wrong: int = state.status
"""


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """What a command says, away from the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HISTLIB_", "VIRTUAL"))}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist, and the wheel that is built of the sdist."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "uv", "build", "-q", "--out-dir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def place(built, tmp_path_factory) -> Path:
    """An environment in which the wheel is installed with what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("place")
    run(sys.executable, "-m", "venv", "env", cwd=folder)
    (wheel,) = built.glob("*.whl")
    python = folder / "env" / "bin" / "python"
    run(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python, wheel, cwd=folder)
    return folder


def test_what_is_in_the_wheel_and_the_sdist(built):
    """The wheel has histlib, its types, its license and the notebook; of the sdist all else can be made and tested."""
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"histlib", "histlib-0.1.0.dist-info"}
    assert {"histlib/py.typed", "histlib/notebooks/incident_investigation.ipynb"} <= set(names)
    assert "histlib-0.1.0.dist-info/licenses/LICENSE" in names
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pipeline/template.yaml", "tests/conftest.py", "LICENSE", "README.md", "docs/design.md"} <= inside


def test_it_works_where_it_is_installed(place):
    """The command tells its version, answers from a sample, and copies the notebook."""
    histlib = place / "env" / "bin" / "histlib"
    assert run(histlib, "--version", cwd=place) == "histlib 0.1.0\n"
    assert "price" in run(histlib, "state-at", "p0417", "2026-11-08T02:30", "--source", "sample:", cwd=place)
    run(histlib, "notebook", "notes", cwd=place)
    assert (place / "notes" / "incident_investigation.ipynb").is_file()


def test_who_uses_it_has_its_types(place):
    """mypy sees the types of the installed package, and so a mistake in using them."""
    (place / "consumer.py").write_text(CONSUMER)
    python = place / "env" / "bin" / "python"
    said = run(sys.executable, "-m", "mypy", "--python-executable", python, "consumer.py", cwd=place, code=1)
    assert 'Revealed type is "str"' in said
    assert "Incompatible types in assignment" in said and "Found 1 error" in said
