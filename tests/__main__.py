"""Runs the suite: ``python -m tests [pytest arguments]``, all of it on this Python.

``python -m tests --others``: its quick half on each other Python from 3.11 to 3.13 that this machine has, each in an
environment ``.venv-<version>`` made for it: tests that are not marked ``slow``, and a quarter of the random examples,
since what they look for depends little on the version. Not the tests on a real Trino, nor those on an emulated AWS:
``python -m tests.trino`` and ``python -m tests.aws`` do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSIONS = ("3.11", "3.12", "3.13")
OTHERS = "--others"
#: One more than cores: tests wait for servers, too.
WORKERS = min(4, (os.cpu_count() or 1) + 1)


def main(arguments: list[str]) -> int:
    """The worst exit code of all runs."""
    if OTHERS not in arguments:
        return run_suite(Path(sys.executable), arguments)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    rest = [one for one in arguments if one != OTHERS]
    codes = {version: on_other(version, rest) for version in VERSIONS if version != own}
    for version, code in codes.items():
        print(f"Python {version}: {describe(code)}", flush=True)
    return max(code or 0 for code in codes.values())


def on_other(version: str, arguments: list[str]) -> int | None:
    """The exit code of the quick half on another Python; None where this machine has none of that version."""
    python = find_python(version)
    if python is None:
        return None
    print(f"\n== the quick half of the suite on Python {version} ==", flush=True)
    quick = ["-m", "not slow", *arguments]
    return run_suite(make_environment(version, python), quick, TESTS_EFFORT="0.25")


def find_python(version: str) -> Path | None:
    """An interpreter of this version: on the PATH, or one of pyenv's."""
    on_path = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [Path(on_path)] if on_path else []
    found += [folder / "bin" / "python" for folder in sorted(pyenv.glob(f"{version}.*"))]
    return next((python for python in found if answers(python, version)), None)


def answers(python: Path, version: str) -> bool:
    """Whether the interpreter runs and is of this version (pyenv's shims may be of none)."""
    ask = [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    said = subprocess.run(ask, capture_output=True, text=True, check=False)
    return said.returncode == 0 and said.stdout.strip() == version


def make_environment(version: str, python: Path) -> Path:
    """The interpreter of ``.venv-<version>``, made by the Makefile's own rule."""
    folder = ROOT / f".venv-{version}"
    command = ["make", "-s", f"{folder.name}/.ready", f"VENV={folder.name}", f"PYTHON={python}"]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder / "bin" / "python"


def run_suite(python: Path, arguments: list[str], **environment: str) -> int:
    """pytest's exit code."""
    options = ["-n", str(WORKERS), "--ignore=tests/trino", "--ignore=tests/aws"]
    command = [str(python), "-m", "pytest", *options, *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


def describe(code: int | None) -> str:
    """The end of a run in words."""
    if code is None:
        return "not on this machine, not run"
    return "passed" if code == 0 else f"FAILED (pytest's exit code {code})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
