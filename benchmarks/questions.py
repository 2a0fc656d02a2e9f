"""Questions about the whole table and about values, beside the SQL that a person would write over the landing.

``python -m benchmarks.questions [CHANGES]`` prints a table; see :mod:`benchmarks.index` for where landings are kept.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

import histlib
from benchmarks.generate import DAY, START, key
from benchmarks.index import ITEM_CHANGES, landing, timed
from benchmarks.rows import Row

#: One item of 360: a category of forty, and of it the cheapest.
WHERE = "item.category = 'c7' AND item.price < 15"
TIME = "2026-01-06"
DAY_BEFORE = "2026-01-05"
REPEATS = 3

_PEAK = """
import json, sys
import histlib
history = histlib.connect(sys.argv[1])
getattr(history, sys.argv[2])(*json.loads(sys.argv[3]), **json.loads(sys.argv[4]))
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
_COLUMNS = {
    "keys": "VARCHAR",
    "action": "VARCHAR",
    "new_image": "VARCHAR",
    "old_image": "VARCHAR",
    "timestamp_micros": "BIGINT",
    "sequence_number": "VARCHAR",
}


def run(size: int = 20_000_000) -> list[Row]:
    """Measure at one size; the index is made first."""
    with landing(size, fresh=False) as folder:
        history = histlib.connect(folder)
        rows = [*_table_wide(history, folder, size), *_of_items(history, size)]
        rows += _peaks(folder, size)
    return rows


def _table_wide(history: histlib.History, folder: Path, size: int) -> list[Row]:
    moment, day = (START + 5 * DAY) * 1_000_000, ((START + 4 * DAY) * 1_000_000, (START + 5 * DAY) * 1_000_000)
    last = (
        "SELECT keys, max_by(new_image, sequence_number) AS image FROM landing WHERE timestamp_micros <= {} GROUP BY 1"
    )
    snapshot = last.format(moment)
    so = "json_extract_string(image, '$.category') = 'c7' AND CAST(json_extract(image, '$.price') AS DOUBLE) < 15"
    hit = (
        "SELECT keys, min(timestamp_micros) FROM (SELECT keys, timestamp_micros, new_image AS image FROM landing "
        f"WHERE timestamp_micros BETWEEN {day[0]} AND {day[1]} UNION ALL SELECT keys, {day[0]}, image FROM "
        f"({last.format(day[0])})) WHERE {so} GROUP BY 1"
    )
    counts = (
        "SELECT timestamp_micros // 60000000 AS period, action, count(*), count(DISTINCT keys) FROM landing "
        f"WHERE timestamp_micros >= {day[0]} AND timestamp_micros < {day[1]} GROUP BY 1, 2"
    )
    return [
        *_beside(f"snapshot_at, {size:,}", "≤ 8", lambda: history.snapshot_at(TIME), folder, snapshot),
        *_beside(
            f"snapshot_at where, {size:,}",
            "≤ 4",
            lambda: history.snapshot_at(TIME, where=WHERE),
            folder,
            f"SELECT * FROM ({snapshot}) WHERE {so}",
        ),
        *_beside(
            f"affected over a day, {size:,}",
            "≤ 5",
            lambda: history.affected(WHERE, DAY_BEFORE, DAY_BEFORE),
            folder,
            hit,
        ),
        *_beside(
            f"activity of a day, {size:,}", "≤ 1", lambda: history.activity(DAY_BEFORE, DAY_BEFORE), folder, counts
        ),
    ]


def _beside(name: str, target: str, ask: Callable[[], Any], folder: Path, text: str) -> list[Row]:
    """A question, warm, and a person's SQL over the landing, by turns."""
    answer = ask()
    asked, scanned = [], []
    for number in range(REPEATS):
        asked.append(timed(ask))
        if number == 0:
            scanned.append(timed(lambda: _scan(folder, text)))
    return [
        Row(f"{name} ({len(answer):,} rows)", statistics.median(asked), "s", target),
        Row("… plain SQL over the landing", statistics.median(scanned), "s", ""),
    ]


def _scan(folder: Path, text: str) -> int:
    connection = duckdb.connect()
    files = f"{folder}/changes/*/*/*/*.gz"
    connection.execute(
        f"CREATE VIEW landing AS SELECT * FROM read_json('{files}', format='newline_delimited', columns={_COLUMNS})"
    )
    return len(connection.execute(text).fetchall())


def _of_items(history: histlib.History, size: int) -> list[Row]:
    dice = random.Random(1)
    items = [key(dice.randrange(size // ITEM_CHANGES)) for _ in range(60)]
    rows = []
    for name, ask in (
        ("since", lambda item: history.since(item, "price", time=TIME)),
        ("blame", lambda item: history.blame(item, TIME)),
    ):
        taken = [timed(lambda item=item, ask=ask: ask(item)) for item in items][10:]
        rows.append(Row(f"{name}, warm median, {size:,}", statistics.median(taken) * 1e3, "ms", "≤ 30"))
    return rows


def _peaks(folder: Path, size: int) -> list[Row]:
    questions: list[tuple[str, list[str], dict[str, Any]]] = [
        ("snapshot_at", [TIME], {}),
        ("snapshot_at", [TIME], {"where": WHERE}),
        ("affected", [WHERE, DAY_BEFORE, DAY_BEFORE], {}),
        ("activity", [DAY_BEFORE, DAY_BEFORE], {}),
    ]
    rows = []
    for name, arguments, switches in questions:
        command = [sys.executable, "-c", _PEAK, str(folder), name, json.dumps(arguments), json.dumps(switches)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = f"{name}{' where' if switches else ''}"
        rows.append(Row(f"peak memory of {told}, {size:,}", int(done.stdout) / (1 << 10), "MiB", "≤ 2,048"))
    return rows


if __name__ == "__main__":
    from benchmarks.__main__ import table

    print(table(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)))
