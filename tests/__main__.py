"""Runs the suite on each Python from 3.11 to 3.13 that this machine has: ``python -m tests [pytest arguments]``.

All tests run on each; on all but the first with a quarter of the random examples and worlds: what they look for depends
little on the version. Not the tests on a real Trino, nor those on an emulated AWS: ``python -m tests.trino`` and
``python -m tests.aws`` do.
This environment is one of them; for each other one an environment ``.venv-<version>`` is made beside it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSIONS = ("3.11", "3.12", "3.13")


def main(arguments: list[str]) -> int:
    """The worst exit code of all runs."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    runs = {own: Path(sys.executable)}
    for version in VERSIONS:
        if version != own and (python := find_python(version)):
            runs[version] = make_environment(version, python)
    codes = {version: run_suite(version, python, arguments, whole=version == own) for version, python in runs.items()}
    for version in VERSIONS:
        print(f"Python {version}: {describe(codes.get(version))}", flush=True)
    return max(codes.values())


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


def run_suite(version: str, python: Path, arguments: list[str], *, whole: bool) -> int:
    print(f"\n== the suite on Python {version}{'' if whole else ', a quarter of the random examples'} ==", flush=True)
    options = ["-n", str(min(4, os.cpu_count() or 1)), "--ignore=tests/trino", "--ignore=tests/aws"]
    environment = os.environ if whole else {**os.environ, "TESTS_EFFORT": "0.25", "LAWS_WORLDS": "8"}
    command = [str(python), "-m", "pytest", *options, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def describe(code: int | None) -> str:
    if code is None:
        return "not on this machine, not run"
    return "passed" if code == 0 else f"FAILED (pytest's exit code {code})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
