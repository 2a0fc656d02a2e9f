"""The executor on real Trino: parameters, values and errors as Athena has them, UNLOAD, views, and stopping."""

from __future__ import annotations

import io
import threading
import time

import boto3
import pyarrow.parquet as pq
import pytest

from tests.support.athena.engines import Cancelled, EngineError
from tests.support.athena.trino_engine import TrinoEngine
from tests.support.history.landings import record
from tests.trino.trino_histories import BUCKET, DATABASE, TABLE, land, make_table

OUT = f"s3://{BUCKET}/out/1/"
SELECT = f"SELECT event_id, timestamp_utc, timestamp FROM {TABLE} WHERE dateday = ?"
DAY = "'2026/01/01'"


@pytest.fixture
def engine(trino: TrinoEngine) -> TrinoEngine:
    """The engine over a table of three changes."""
    make_table()
    land([record(number) for number in (1, 2, 3)])
    return trino


def select(engine: TrinoEngine, sql: str, *parameters: str):
    return engine.select(sql, parameters, DATABASE, threading.Event())


def unload(engine: TrinoEngine, sql: str, *parameters: str, stop: threading.Event | None = None):
    options = {"format": "PARQUET", "compression": "snappy"}
    return engine.unload(sql, parameters, DATABASE, OUT, options, stop or threading.Event())


def tables() -> list[str]:
    return [table["Name"] for table in boto3.client("glue").get_tables(DatabaseName=DATABASE)["TableList"]]


@pytest.mark.parametrize(
    ("expression", "kind", "text"),
    [
        ("1.0e10", "double", "1.0E10"),
        ("nan()", "double", "NaN"),
        ("CAST(12345678901234567890.10 AS decimal(38,2))", "decimal(38,2)", "12345678901234567890.10"),
        ("9223372036854775807", "bigint", "9223372036854775807"),
        ("1 = 1", "boolean", "true"),
        ("x'686921'", "varbinary", "68 69 21"),
        ("timestamp '2020-10-26 00:00:00.000'", "timestamp(3)", "2020-10-26 00:00:00.000"),
        ("date '2020-10-26'", "date", "2020-10-26"),
        ("array['a', null, 'b']", "array(varchar(1))", "[a, null, b]"),
        ("CAST(row(1, 'y') AS row(x integer, y varchar))", "row(x integer,y varchar)", "{x=1, y=y}"),
        ("map(array['k'], array[true])", "map(varchar(1),boolean)", "{k=true}"),
        ("CAST(null AS varchar)", "varchar", None),
        ("''", "varchar", ""),
    ],
)
def test_values_are_texts_as_in_athenas_result_files(trino, expression, kind, text):
    """A value of each type, NULL and '' apart."""
    answer = trino.select(f"SELECT {expression} AS v", [], "", threading.Event())
    assert (answer.columns, answer.rows) == ([("v", kind)], [(text,)])


@pytest.mark.parametrize("text", ["it's", "100% ?", "a\nb", "日本語", "👍🏽", "", "'; DROP TABLE x; --", "\\"])
def test_parameters_are_values_and_nothing_else(trino, text):
    """A literal's text is bound to its ``?``; a ``?`` in the SQL's own strings and comments is none."""
    literal = "'" + text.replace("'", "''") + "'"
    sql = (
        "SELECT v, 'it''s a ?' FROM (VALUES 1) t(n), (VALUES 'other', " + literal + ") u(v) -- ?\nWHERE v = ? AND n = ?"
    )
    answer = trino.select(sql, [literal, "1"], "", threading.Event())
    assert answer.rows == [(text, "it's a ?")]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT nope FROM todo_item_changes", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
        ("SELECT 1 FROM nope", f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{DATABASE}.nope' does not exist"),
        ("SELECT 1 FROM", "SYNTAX_ERROR: line 1:14: mismatched input"),
        ("SELECT CAST('x' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'x' to INT"),
        ("SELECT 1 WHERE 1 = ?", "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters"),
    ],
)
def test_errors_are_worded_as_athena_does(engine, sql, reason):
    """Trino's name of the error, then its message, with line and column in the SQL as it was given."""
    with pytest.raises(EngineError) as error:
        select(engine, sql)
    assert error.value.reason.startswith(reason)


def test_unload_writes_parquet(engine):
    """Real Trino writes the files; they are all that is left: no table stays in the catalog."""
    files, rows, scanned = unload(engine, SELECT, DAY)
    assert (rows, len(files), tables()) == (3, 1, [TABLE])
    assert scanned > 0
    key = files[0].removeprefix(f"s3://{BUCKET}/")
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    table = pq.read_table(io.BytesIO(body))
    assert pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).compression == "SNAPPY"
    assert sorted(table.column("event_id").to_pylist()) == ["event-1", "event-2", "event-3"]
    assert str(table.column("timestamp_utc")[0]) == "2026-01-01 12:00:00"


def test_unload_of_nothing_writes_nothing(engine):
    """No rows, no file."""
    assert unload(engine, SELECT, "'2026/01/02'")[:2] == ([], 0)


def test_unload_only_into_an_empty_place(engine):
    """What lies there already is an error, and stays."""
    written = unload(engine, SELECT, DAY)[0]
    with pytest.raises(EngineError, match="^HIVE_PATH_ALREADY_EXISTS: "):
        unload(engine, SELECT, DAY)
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="out/")["Contents"]
    assert [f"s3://{BUCKET}/{found['Key']}" for found in listed] == written


def test_a_failed_unload_leaves_no_table(engine):
    """Neither does one that stops in the middle."""
    with pytest.raises(EngineError, match="^DIVISION_BY_ZERO: "):
        unload(engine, f"SELECT 1 / (timestamp - timestamp) AS n FROM {TABLE} WHERE dateday = ?", DAY)
    assert tables() == [TABLE]


def test_views(engine):
    """A view is made, replaced, read by its fields, and dropped; the table stays."""
    made = (
        "CREATE OR REPLACE VIEW seen AS SELECT CAST(row({}) AS row(version varchar)) AS new_image, dateday FROM "
        + TABLE
    )
    engine.define(made.format("'old'"), DATABASE)
    engine.define(made.format("json_extract_scalar(new_image, '$.version')"), DATABASE)
    answer = select(engine, "SELECT new_image.version, new_image FROM seen WHERE dateday = ? ORDER BY 1", DAY)
    assert answer.rows == [(version, f"{{version={version}}}") for version in "123"]
    assert sorted(engine.define("SHOW TABLES", DATABASE).rows) == [("seen",), (TABLE,)]
    engine.define("DROP VIEW seen", DATABASE)
    assert tables() == [TABLE]


@pytest.mark.parametrize("how", ["select", "unload"])
def test_stopping_ends_the_query_in_trino(engine, how):
    """A query that would run for days is cancelled soon after it is told to, and no longer runs."""
    endless = "SELECT count(*) AS n FROM TABLE(sequence(1, 1000000000)) a, TABLE(sequence(1, 1000000000)) b"
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    with pytest.raises(Cancelled):
        engine.select(endless, [], DATABASE, stop) if how == "select" else unload(engine, endless, stop=stop)
    assert tables() == [TABLE]
    running = "SELECT query FROM system.runtime.queries WHERE state NOT IN ('FAILED', 'FINISHED') AND query LIKE ?"
    deadline = time.monotonic() + 30
    while rows := select(engine, running, "'%1000000000%'").rows:
        rows = [query for (query,) in rows if "system.runtime" not in str(query)]
        if not rows or time.monotonic() > deadline:
            break
    assert rows == []
