"""Runs the tests on an emulated AWS: ``python -m tests.aws [pytest arguments]``. Its environment is made once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """pytest's exit code."""
    subprocess.run(["make", "-s", ".venv-aws/.ready"], cwd=ROOT, check=True)
    command = [sys.executable, "-m", "pytest", "tests/aws", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
