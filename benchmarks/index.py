"""The index: building it, one item's state from it at several sizes, and the same by scanning the landing.

``python -m benchmarks.index [CHANGES…]`` prints a table; landings are made below ``BENCHMARK_FOLDER`` (default: a
temporary folder) and kept there for the next run.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

import histlib
from benchmarks.generate import DAY, START, generate, key, lines
from benchmarks.rows import Row

ITEM_CHANGES = 40
DAYS = 10
EXTENSIONS = 200
EXTENSION_CHANGES = 1_000
QUESTIONS = 300

_BUILD = """
import json, sys, time
import histlib
started = time.perf_counter()
histlib.connect(sys.argv[1])
seconds = time.perf_counter() - started
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(json.dumps([seconds, int(peak) * 1024]))
"""
_FRESH = "import sys, histlib; histlib.connect(sys.argv[1]).state_at(sys.argv[2], '2026-01-05')"


def run(sizes: tuple[int, ...] = (1_000_000, 5_000_000, 20_000_000)) -> list[Row]:
    """Measure each size; the last one is also extended."""
    rows: list[Row] = []
    medians = []
    for size in sizes:
        with landing(size) as folder:
            rows += _build(folder, size)
            median = _state_at(folder, size)
            medians.append(median)
            rows.append(Row(f"state_at, warm median, {size:,}", median * 1e3, "ms", "≤ 8"))
            rows.append(Row(f"state_at in a fresh process, {size:,}", _fresh(folder), "s", "≤ 1"))
            rows.append(Row(f"the same by scanning the landing with DuckDB, {size:,}", _scan(folder), "s", ""))
            if size == sizes[-1]:
                rows += _extended(folder, size)
    rows.append(Row(f"state_at at {sizes[-1]:,} over {sizes[0]:,}", medians[-1] / medians[0], "×", "≤ 1.5"))
    return [*rows, *_timeline(), _import()]


@contextmanager
def landing(size: int, *, fresh: bool = True) -> Iterator[Path]:
    """A landing of so many changes; ``fresh``: without an index."""
    kept = os.environ.get("BENCHMARK_FOLDER")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(kept or temporary) / f"land{size}"
        if not folder.exists():
            generate(folder, size, size // ITEM_CHANGES, DAYS)
        if fresh:
            shutil.rmtree(folder / ".histlib", ignore_errors=True)
        yield folder


def _build(folder: Path, size: int) -> list[Row]:
    done = subprocess.run([sys.executable, "-c", _BUILD, str(folder)], capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout)
    return [
        Row(f"index from landing, {size:,}", size / seconds, "changes/s", "≥ 150,000"),
        Row(f"peak memory of that, {size:,}", peak / (1 << 20), "MiB", "≤ 2,048"),
    ]


def _state_at(folder: Path, size: int) -> float:
    """The median of questions about random items at random times, the files known to the operating system."""
    history = histlib.connect(folder)
    dice = random.Random(1)
    taken = []
    for number in range(QUESTIONS):
        item = key(dice.randrange(size // ITEM_CHANGES))
        moment = f"2026-01-{dice.randrange(2, 10):02}T{dice.randrange(24):02}:00"
        taken.append(timed(lambda item=item, moment=moment: history.state_at(item, moment)))
        if number == QUESTIONS // 3:
            taken.clear()
    return statistics.median(taken)


def _fresh(folder: Path) -> float:
    command = [sys.executable, "-c", _FRESH, str(folder), key(7)]
    return statistics.median(timed(lambda: subprocess.run(command, check=True)) for _ in range(5))


def _scan(folder: Path) -> float:
    columns = {"keys": "VARCHAR", "new_image": "VARCHAR", "timestamp_micros": "BIGINT", "sequence_number": "VARCHAR"}
    query = (
        "SELECT max_by(new_image, sequence_number) FROM read_json($files, format='newline_delimited', "
        "columns=$columns) WHERE keys = $keys AND timestamp_micros <= $moment"
    )
    values = {
        "files": f"{folder}/changes/*/*/*/*.gz",
        "keys": f'{{"productId":"{key(7)}"}}',
        "moment": (START + 4 * DAY) * 1_000_000,
    }
    text = query.replace("$columns", str(columns)).replace("$files", f"'{values.pop('files')}'")
    return timed(lambda: duckdb.connect().execute(text, values).fetchall())


def _extended(folder: Path, size: int) -> list[Row]:
    """A new day, then many small files, each followed by a question; what they leave is removed again."""
    grown = folder / "changes/2026/01/11"
    items, per_day = size // ITEM_CHANGES, size // DAYS
    generate(folder, size + per_day, items, DAYS + 1, first_change=size)
    history: Any = None

    def ask() -> None:
        nonlocal history
        history = histlib.connect(folder)

    day = timed(ask)
    start = size + per_day
    for number in range(EXTENSIONS):
        first = start + number * EXTENSION_CHANGES
        text = "".join(lines(first, first + EXTENSION_CHANGES, items, per_day))
        (grown / f"small-{number:04}").write_text(text)
        history.state_at(key(7), "2026-01-05")
    median = _state_at(folder, size)
    shutil.rmtree(grown)
    return [
        Row(f"a new day of {per_day:,} on {size:,}", per_day / day, "changes/s", "that day"),
        Row(f"state_at after {EXTENSIONS} small extensions, {size:,}", median * 1e3, "ms", "≤ 8"),
    ]


def _timeline() -> list[Row]:
    """100,000 changes of one item, asked for and written."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), 100_000, 1, DAYS)
        history = histlib.connect(folder)
        asked = [timed(lambda: history.timeline(key(0))) for _ in range(3)]
        frame = history.timeline(key(0))
        written = [timed(lambda: histlib.write(frame, Path(folder) / "timeline.csv")) for _ in range(3)]
    return [
        Row(f"timeline of 100,000 changes ({len(frame):,} rows)", statistics.median(asked), "s", "≤ 2"),
        Row("its CSV", statistics.median(written), "s", "≤ 2"),
    ]


def _import() -> Row:
    def start(code: str) -> float:
        command = [sys.executable, "-c", code]
        return statistics.median(timed(lambda: subprocess.run(command, check=True)) for _ in range(7))

    return Row("import histlib", (start("import histlib") - start("pass")) * 1e3, "ms", "≤ 100")


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    from benchmarks.__main__ import table

    print(table(run(tuple(map(int, sys.argv[1:])) or (1_000_000,))))
