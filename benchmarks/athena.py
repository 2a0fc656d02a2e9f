"""The Athena source on real Trino: bytes of a question about an item, what histlib takes over the engine, bulk answers.

``python -m benchmarks.athena [PART…]`` prints a table; parts are ``item``, ``over``, ``bulk`` and ``table`` (all
unless given). It needs a JDK and Maven (see ``make test-trino``), and says so where Trino cannot be had. Landings are
kept as :mod:`benchmarks.index` keeps them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import histlib
from benchmarks.generate import DAY, START, STREAM, generate, key
from benchmarks.index import timed
from benchmarks.rows import Row

DAYS: Final = 400
PER_DAY: Final = 1_000
#: Each changes every twenty days.
ITEMS: Final = 20_000
BULK: Final = 1_000_000
BULK_ITEMS: Final = 25_000
QUESTIONS: Final = 30
REPEATS: Final = 3
PARTS: Final = ("item", "over", "bulk", "table")


def run(parts: tuple[str, ...] = PARTS) -> list[Row]:
    """Measure these parts on a Trino of its own."""
    from benchmarks.on_trino import athena_on_trino

    rows: list[Row] = []
    with athena_on_trino() as trino:
        if {"item", "over"} & {*parts}:
            with _landing(f"days{DAYS}-{_today():%Y%m%d}", DAYS * PER_DAY, ITEMS, DAYS, _begin(), 500) as folder:
                days = _put(folder, "days")
                rows += _bytes_of_an_item(days, folder, trino) if "item" in parts else []
                rows += _over_the_engine(days, trino) if "over" in parts else []
        if {"bulk", "table"} & {*parts}:
            with _landing(f"land{BULK}", BULK, BULK_ITEMS) as folder:
                big = _put(folder, "big")
                rows += _bulk(big) if "bulk" in parts else []
                rows += _table_wide(big, trino) if "table" in parts else []
    return rows


def _today() -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time.time() // DAY * DAY, UTC)


def _begin() -> int:
    """The begin of the first of the days, of which the last is today (epoch s)."""
    return int(time.time()) // DAY * DAY - (DAYS - 1) * DAY


@contextmanager
def _landing(name: str, changes: int, items: int, *how: int) -> Iterator[Path]:
    kept = os.environ.get("BENCHMARK_FOLDER")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(kept or temporary) / name
        if not folder.exists():
            days, begin, file_changes = how or (10, START, 20_000)
            generate(folder, changes, items, days, 0, begin, file_changes)
        yield folder


def _put(folder: Path, name: str) -> str:
    """Upload a landing and make its table; the address to connect to."""
    from tests.support.athena.histories import put_history

    return put_history(folder, bucket=name, prefix="of/things/", database="bench", table=name)


@contextmanager
def _connected(address: str) -> Iterator[histlib.History]:
    """A history with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        yield histlib.connect(address, cache=Path(cache))


def _queries(history: histlib.History) -> list[Any]:
    return history._opened.source.runner.queries


# --- bytes ---


def _bytes_of_an_item(address: str, folder: Path, trino: str) -> list[Row]:
    """An item last changed yesterday, asked for today at noon."""
    item = key(_changed_yesterday(0))
    plain = _scanned(
        trino,
        f"""SELECT * FROM bench.days WHERE keys = '{{"productId":"{item}"}}' ORDER BY timestamp""",
    )
    rows = [Row(f"article's query without a day, {DAYS} days: bytes", plain, "B", "")]
    for kind in ("observed", "attested"):
        if kind == "attested":
            _attest(folder)
        with _connected(address) as history:
            before = 0
            for name, number in (("first question", 0), ("next one", 1)):
                asked = timed(lambda number=number: _state(history, number))
                new = _queries(history)[before:]
                before += len(new)
                scanned = sum(one.scanned for one in new)
                files = _files(history, new)
                told = f"state_at, {kind}, {name}"
                rows += [
                    Row(f"{told}: bytes", scanned, "B", ""),
                    Row(f"{told}: files, of {DAYS * 2:,}", files, "", ""),
                    Row(f"{told}: the article's bytes are", plain / max(scanned, 1), "×", "≥ 50"),
                    Row(f"{told}: {len(new)} queries", asked, "s", ""),
                ]
    return rows


def _state(history: histlib.History, number: int) -> Any:
    state = history.state_at(key(_changed_yesterday(number)), f"{_today():%Y-%m-%d}T12:00:00")
    assert state.status == "present", state
    return state


def _changed_yesterday(number: int) -> int:
    """An item whose last change was in the second half of yesterday's."""
    change = (DAYS - 2) * PER_DAY + PER_DAY // 2 + number
    return change * 7_919 % ITEMS


def _files(history: histlib.History, queries: list[Any]) -> int:
    """Objects in the days that these statements name."""
    import re

    now = history._opened.source._now
    found = 0
    for query in queries:
        days = re.findall(r"\d{4}/\d{2}/\d{2}", query.sql)
        among = re.search(r'"?dateday"? IN \(([^)]*)\)', query.sql)
        if among:
            found += sum(now.objects_between(day, day) for day in re.findall(r"\d{4}/\d{2}/\d{2}", among[1]))
        else:
            found += now.objects_between(min(days), max(days))
    return found


def _attest(folder: Path) -> None:
    """Put attestations of all days beside the landing, one each 24 h."""
    import json
    from datetime import UTC, datetime

    import boto3

    attestation = {
        "format": 1, "table": STREAM.partition("/stream/")[0], "table_id": "i", "stream": STREAM,
        "view": "NEW_AND_OLD_IMAGES", "mapping": "m", "mapping_state": "Enabled", "iterator_age_ms": 0,
        "firehose_freshness_s": 0, "undelivered": 0, "redaction": None, "healthy": True,
        "key_schema": [{"AttributeName": "productId", "KeyType": "HASH"}],
    }  # fmt: skip
    s3 = boto3.client("s3")
    for second in range(_begin() - DAY // 2, _begin() + DAYS * DAY, DAY):
        body = json.dumps({**attestation, "attested_at": second * 1_000_000})
        place = f"of/things/coverage/{datetime.fromtimestamp(second, UTC):%Y/%m/%d}/{second}.json"
        s3.put_object(Bucket="days", Key=place, Body=body)


def _direct(trino: str, sql: str, parameters: tuple[str, ...] = ()) -> Any:
    from histlib.engines.athena.statements.literals import literal
    from tests.support.athena import trino_client
    from tests.support.athena.trino_engine import CATALOG, bound

    text = bound(sql, [literal(one) for one in parameters])
    return trino_client.run(trino, text, catalog=CATALOG, schema="bench")


def _scanned(trino: str, sql: str) -> int:
    return int(_direct(trino, sql).stats["physicalInputBytes"])


# --- histlib over the engine ---


def _over_the_engine(address: str, trino: str) -> list[Row]:
    """Point questions, warm, and the statements that they ran, each run by Trino's own client, by turns."""
    took, bare, inside, told = [], [], [], []
    with _connected(address) as history:
        for number in range(QUESTIONS + 5):
            before = len(_queries(history))
            seconds = timed(lambda number=number: _state(history, number + 10))
            new = _queries(history)[before:]
            direct = sum(timed(lambda one=one: _direct(trino, one.sql)) for one in new)
            took.append(seconds)
            bare.append(direct)
            inside.append(seconds - sum(one.seconds for one in new))
            told.append(seconds - sum(one.execution.total_execution_time_in_millis for one in new) / 1e3)
    took, bare, inside, told = took[5:], bare[5:], inside[5:], told[5:]
    over = [one - other for one, other in zip(took, bare, strict=True)]
    return [
        Row("state_at, warm median", statistics.median(took) * 1e3, "ms", ""),
        Row("… the same SQL by Trino's client, median", statistics.median(bare) * 1e3, "ms", ""),
        Row("… histlib over it, median of differences", statistics.median(over) * 1e3, "ms", "≤ 150"),
        Row("… histlib over what the stand-in says the query took", statistics.median(told) * 1e3, "ms", ""),
        Row("… of it before and after the query (listing S3, deciding)", statistics.median(inside) * 1e3, "ms", ""),
    ]


# --- bulk ---


def _bulk(address: str) -> list[Row]:
    """All rows of the landing, keys and both images, by UNLOAD into a DataFrame."""
    from histlib.engines.athena.statements import selects

    whole, reading, rows = [], [], 0
    with _connected(address) as history:
        source = history._opened.source
        history._facts()
        statement = selects.all_rows(source._rows._table, source._span, "TRUE", ("keys", "new_image", "old_image"))
        for _ in range(REPEATS):
            started = time.perf_counter()
            frame = source.runner.unload(statement).to_pandas()
            whole.append(time.perf_counter() - started)
            reading.append(whole[-1] - _queries(history)[-1].seconds)
            rows = len(frame)
    return [
        Row(f"UNLOAD into a DataFrame, {rows:,} rows: in all", rows / statistics.median(whole), "rows/s", ""),
        Row("… once the engine has ended", rows / statistics.median(reading), "rows/s", "≥ 200,000"),
    ]


# --- questions about the table ---

#: One item of 360, as :data:`benchmarks.questions.WHERE`.
_WHERE: Final = "item.category = 'c7' AND item.price < 15"
_TIME: Final = "2026-01-06"
_BEFORE: Final = "2026-01-05"


def _table_wide(address: str, trino: str) -> list[Row]:
    """Questions about all items, beside the SQL that a person would write (which checks nothing)."""
    moment, day = (START + 5 * DAY) * 1_000_000, (START + 4 * DAY) * 1_000_000
    last = (
        "SELECT keys, max_by(new_image, sequence_number) AS image FROM bench.big "
        f"WHERE dateday BETWEEN '2026/01/01' AND '2026/01/12' AND timestamp_micros <= {moment} GROUP BY 1"
    )
    so = (
        "json_extract_scalar(image, '$.category') = 'c7' AND CAST(json_extract_scalar(image, '$.price') AS DOUBLE) < 15"
    )
    inside = "dateday BETWEEN '2026/01/04' AND '2026/01/07'"
    hit = (
        f"SELECT keys, min(at) FROM (SELECT keys, timestamp_micros AS at, new_image AS image FROM bench.big WHERE "
        f"{inside} AND timestamp_micros BETWEEN {day} AND {moment} UNION ALL SELECT keys, {day}, image FROM "
        f"({last.replace(str(moment), str(day))})) WHERE {so} GROUP BY 1"
    )
    counts = (
        "SELECT timestamp_micros / 60000000, action, count(*), count(DISTINCT keys) FROM bench.big "
        f"WHERE {inside} AND timestamp_micros >= {day} AND timestamp_micros < {moment} GROUP BY 1, 2"
    )
    rows: list[Row] = []
    with _connected(address) as history:
        history._facts()
        for name, ask, text in (
            ("snapshot_at", lambda: history.snapshot_at(_TIME), last),
            (
                "snapshot_at where",
                lambda: history.snapshot_at(_TIME, where=_WHERE),
                f"SELECT * FROM ({last}) WHERE {so}",
            ),
            ("affected over a day", lambda: history.affected(_WHERE, _BEFORE, _BEFORE), hit),
            ("activity of a day", lambda: history.activity(_BEFORE, _BEFORE), counts),
        ):
            rows += _beside(history, f"{name}, {BULK:,}", ask, trino, text)
    return rows


def _beside(history: histlib.History, name: str, ask: Any, trino: str, text: str) -> list[Row]:
    taken, engine, plain = [], [], []
    new: list[Any] = []
    length = 0
    for _ in range(REPEATS):
        history._opened.source._results = type(history._opened.source._results)()  # ask the engine each time
        before = len(_queries(history))
        started = time.perf_counter()
        length = len(ask())
        taken.append(time.perf_counter() - started)
        new = _queries(history)[before:]
        engine.append(sum(one.seconds for one in new))
        plain.append(timed(lambda: _direct(trino, text)))
    return [
        Row(f"{name} ({length:,} rows)", statistics.median(taken), "s", ""),
        Row(f"… of it {len(new)} queries in the engine", statistics.median(engine), "s", ""),
        Row("… bytes", sum(one.scanned for one in new), "B", ""),
        Row("… the SQL that a person would write", statistics.median(plain), "s", ""),
        Row("… its bytes", _scanned(trino, text), "B", ""),
    ]


def main(parts: tuple[str, ...]) -> int:
    """Measure and print; all parts together also go into the results' file. An exit code."""
    from benchmarks.__main__ import ON_TRINO, RESULTS, machine, table
    from benchmarks.on_trino import RELEASE, CannotBeHad

    load = os.getloadavg()[0]
    try:
        rows = run(parts)
    except CannotBeHad as reason:
        print(f"NOT MEASURED, the Athena source: {reason}")
        return 1
    loads = f"load {load:.0f} at the start, {os.getloadavg()[0]:.0f} at the end"
    text = f"{machine()} Trino {RELEASE}; {loads}.\n\n{table(rows)}\n"
    if parts == PARTS:
        before = RESULTS.read_text(encoding="utf-8").partition(ON_TRINO)[0]
        RESULTS.write_text(f"{before}{ON_TRINO}\n{text}", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or PARTS))
