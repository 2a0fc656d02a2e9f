"""``make bench``: measures everything and writes ``benchmarks/RESULTS.md``.

All but what needs Trino: that is ``python -m benchmarks.athena``, whose part of the file stays as it is.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import batch, costs, index, questions, recorder
from benchmarks.rows import Row

RESULTS = Path(__file__).parent / "RESULTS.md"
#: Where what ``python -m benchmarks.athena`` wrote begins; it goes to the end.
ON_TRINO = "\n## The Athena source on real Trino\n"
LIBRARIES = ("boto3", "duckdb", "msgspec", "numpy", "pandas", "pyarrow")

# Bytecode is cached as on any user's machine: imports are part of what is measured.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def main() -> None:
    """Run all benchmarks, print and write their tables."""
    parts = {
        "The recorder, beside the article's way": recorder.run(),
        "The handler on one full batch": batch.run(),
        "What capturing costs (benchmarks/costs.py has the arithmetic)": costs.run(),
        "The index and states of items": index.run(),
        "Questions about the table and about values, beside plain SQL": questions.run(),
    }
    text = f"# Benchmarks\n\n{machine()}\n\nMedians; the two ways of a comparison run by turns.\n"
    for title, rows in parts.items():
        text += f"\n## {title}\n\n{table(rows)}\n"
    _, heading, kept = RESULTS.read_text(encoding="utf-8").partition(ON_TRINO)
    RESULTS.write_text(text + heading + kept, encoding="utf-8")
    print(text)


def machine() -> str:
    """What it ran on, and with what."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit.stdout.strip()}: {os.cpu_count()} cores, {platform.machine()}, "
        f"{platform.system()}, Python {platform.python_version()}; {libraries}."
    )


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | unit | target |", "|---|---:|---|---|"]
    lines += [f"| {row.name} | {_figure(row.value)} | {row.unit} | {row.target} |" for row in rows]
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
