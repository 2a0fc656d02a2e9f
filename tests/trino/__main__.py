"""Runs the tests on real Trino: ``python -m tests.trino [--may-be-missing] [pytest arguments]``.

Where Trino cannot be had at all, its last line says so and what was tried; that is a failure, except with
``--may-be-missing``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.trino.trino_parts import CannotBeHad, java, parts

FOLDER = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """pytest's exit code, or whether Trino may be missing."""
    may_be_missing = "--may-be-missing" in arguments
    try:
        java()
        parts()
    except CannotBeHad as reason:
        print(f"NOT RUN, the tests on Trino: {reason}", flush=True)
        return 0 if may_be_missing else 1
    command = [sys.executable, "-m", "pytest", str(FOLDER), *(one for one in arguments if one != "--may-be-missing")]
    return subprocess.run(command, cwd=FOLDER.parent.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
