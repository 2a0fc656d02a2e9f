"""sql() only reads: whatever is not allowed does not reach the engine, and the engine can do nothing else."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import histlib
from histlib.engines.folder.index.by_time import TimeReader
from histlib.engines.folder.scanning import run
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.raw_sql import check
from histlib.engines.raw_sql.days import Days
from histlib.engines.raw_sql.grammar import FUNCTIONS
from histlib.engines.raw_sql.writing.duckdb import DuckDbText
from histlib.errors import RequestError
from histlib.values.numbers import encode_number, order_text
from tests.support.effort import examples
from tests.support.history.landings import put, record

CANARY = "canary-4711"

#: What reads, writes, changes or asks for more than the history; {file} is outside of it, {new} does not exist.
HARMFUL = [
    "SELECT * FROM read_text('{file}')", "SELECT read_text('{file}')", "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_csv_auto('{file}')", "SELECT * FROM read_blob('{file}')", "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_parquet('{file}')", "SELECT * FROM parquet_scan('{file}')", "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('{file}')", "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('histlib_scan_0')",
    "SELECT * FROM '{file}'", "FROM '{file}'", "SELECT * FROM 'file://{file}'", "TABLE '{file}'", "DESCRIBE '{file}'",
    "SUMMARIZE '{file}'", "SELECT getenv('HOME')", "SELECT current_setting('memory_limit')", "SELECT version()",
    "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_secrets()", "SELECT * FROM pragma_version()",
    "SELECT * FROM arrow_scan(1, 2, 3)", "SELECT * FROM pandas_scan(1)", "SELECT * FROM python_map_function()",
    "COPY (SELECT 1) TO '{new}'", "COPY t TO '{new}'", "COPY t FROM '{file}'", "EXPORT DATABASE '{new}'",
    "IMPORT DATABASE '{file}'", "ATTACH '{new}' AS x", "ATTACH '{new}'", "DETACH memory", "USE memory",
    "INSTALL httpfs", "LOAD httpfs", "FORCE INSTALL httpfs", "PRAGMA database_list", "PRAGMA enable_profiling",
    "SET enable_external_access = true", "SET GLOBAL threads = 1", "RESET threads", "CALL pragma_version()",
    "CHECKPOINT", "VACUUM", "ANALYZE", "BEGIN", "COMMIT", "ROLLBACK", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1",
    "CREATE TABLE x AS SELECT 1", "CREATE VIEW x AS SELECT 1", "CREATE MACRO f(a) AS a", "CREATE SECRET (TYPE s3)",
    "CREATE FUNCTION f(a) AS a", "CREATE SCHEMA x", "CREATE TYPE x AS ENUM ('a')", "CREATE SEQUENCE x",
    "INSERT INTO t SELECT 1", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "TRUNCATE t",
    "MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE", "DROP TABLE t", "ALTER TABLE t ADD COLUMN a int",
    "PREPARE x AS SELECT 1", "EXECUTE x", "DEALLOCATE x", "SHOW TABLES", "SHOW ALL TABLES", "COMMENT ON TABLE t IS 'x'",
    "SELECT 1; SELECT 2", "SELECT 1; COPY (SELECT 1) TO '{new}'", "VALUES (1)", "SELECT * FROM (VALUES (1)) x",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM x) SELECT * FROM x", "SELECT 1 INTO x",
    "SELECT * FROM range(10)", "SELECT * FROM generate_series(1, 10)", "SELECT * FROM unnest(ARRAY[1])",
    "SELECT unnest([1])", "SELECT * FROM t TABLESAMPLE BERNOULLI (1)", "SELECT * FROM t, LATERAL (SELECT 1)",
    "SELECT * FROM t POSITIONAL JOIN t u", "SELECT * FROM t NATURAL JOIN t u", "SELECT columns('.*') FROM t",
    "SELECT * EXCLUDE (keys) FROM t", "SELECT * REPLACE (1 AS keys) FROM t", "PIVOT t ON action", "UNPIVOT t ON action",
    "SELECT * FROM t PIVOT (count(*) FOR action IN ('a'))", "SELECT now()", "SELECT random()", "SELECT current_user",
    "SELECT error('x')", "SELECT keys::json FROM t", "SELECT list_transform([1], x -> x)", "SELECT {{'a': 1}}",
    "SELECT ROW(1)", "SELECT repeat('x', 1000000000)", "SELECT $1", "SELECT @x", "SELECT #1 FROM t",
    "SELECT nextval('x')", "SELECT * FROM t USING SAMPLE 1", "SELECT * FROM t FOR UPDATE", "LOCK TABLE t",
    "SELECT * FROM histlib_scan_0", "SELECT histlib_f0(keys) FROM t", "SELECT histlib_text(keys, 'a') FROM t",
    "WITH histlib_scan_0 AS (SELECT 1) SELECT * FROM t", "UNLOAD (SELECT 1) TO '{new}' WITH (format = 'PARQUET')",
    "SELECT DISTINCT ON (keys) keys FROM t", "SELECT * FROM t GROUP BY ALL", "SELECT keys FROM t GROUP BY CUBE (keys)",
    "SELECT * FROM t ASOF JOIN t u ON t.timestamp >= u.timestamp", "SELECT CAST(keys AS blob) FROM t",
    "SELECT CAST(keys AS varchar(3)) FROM t", "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (a))", "SELECT U&'\\0041'",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "outside.csv").write_text(f"a,b\n{CANARY},1\n")
    put(tmp_path / "h", [record(n, f"i{n % 3}") for n in range(9)])
    return tmp_path


def files(folder):
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize("statement", HARMFUL)
def test_what_does_more_than_read_the_history_is_refused(folder, statement, capfd):
    """It is an error before any engine sees it; no file is read or made, nothing is printed."""
    history = histlib.connect(folder / "h")
    before = files(folder)
    with pytest.raises(RequestError) as caught:
        history.sql(statement.format(file=folder / "outside.csv", new=folder / "new"))
    assert CANARY not in str(caught.value)
    assert "engine" not in str(caught.value)
    assert files(folder) == before
    assert capfd.readouterr() == ("", "")


#: Names of DuckDB's that the parser takes for another name of what is allowed.
SYNONYMS = {"any_value", "arg_max", "arg_min", "argmax", "argmin", "char_length", "character_length", "countif", "if",
            "instr", "json_extract_path_text", "lcase", "len", "ltrim", "mod", "position", "rtrim", "substring",
            "ucase"}  # fmt: skip


def engine_functions():
    rows = duckdb.sql("SELECT DISTINCT function_name, function_type FROM duckdb_functions()").fetchall()
    return sorted((name, kind) for name, kind in rows if name.replace("_", "a").isalnum())


def test_no_function_of_the_engine_gets_through(folder):
    """Of all that DuckDB has, only what is listed (by its name there, or a synonym) is known; no table function is."""
    through = set()
    for name, _ in engine_functions():
        for call in (f"{name}()", f"{name}('x')", f"{name}('x', 'y')", f"{name}(1, 2, 3)"):
            for statement in (f"SELECT * FROM {call}", f"SELECT * FROM t, {call} AS u"):
                with pytest.raises(RequestError):
                    check(statement, None, {"id": "S"}, lambda exact: [])
            try:
                check(f"SELECT {call} FROM t", None, {"id": "S"}, lambda exact: [])
            except RequestError:
                continue
            through.add(name)
    assert through <= set(FUNCTIONS) | SYNONYMS
    assert {"count", "lower", "max_by", "round"} <= through


@dataclass
class Raw:
    """What a hole in the checks would let through: a text straight to the engine."""

    sql: str
    scans: tuple = ()
    tree: object = None
    params: object = None


PAST_THE_CHECKS = [one for one in HARMFUL if "{file}" in one or "{new}" in one or one.startswith(("SET", "INSTALL"))]


@pytest.mark.parametrize("statement", PAST_THE_CHECKS)
def test_the_engine_is_sealed_as_well(folder, statement, monkeypatch):
    """Were a statement to get past the checks: no file is read or made, no setting changed."""
    before = files(folder)
    sql = statement.format(file=folder / "outside.csv", new=folder / "new")
    monkeypatch.setattr("histlib.engines.duckdb.duckdb_text", lambda *_: DuckDbText(sql, {}, {}))
    try:
        answer = run(Raw(sql), [], 1 << 29)
    except RequestError as error:
        assert CANARY not in str(error)
    else:
        assert CANARY not in str(answer.to_pylist())
    assert files(folder) == before


PIECES = [
    *[
        "*",
        "keys",
        "new_image.version",
        "t",
        "=",
        "1",
        "'x'",
        "(",
        ")",
        ",",
        ":p",
        "'/etc/hostname'",
        ";",
        "--",
        "/*",
        "*/",
        "u",
        '"',
        "'",
        "x",
        ".",
        "$",
        "?",
    ],
    *[
        "SELECT",
        "FROM",
        "WHERE",
        "AND",
        "read_text",
        "COPY",
        "TO",
        "count",
        "OVER",
        "JOIN",
        "ON",
        "WITH",
        "AS",
        "UNION",
        "GROUP",
        "BY",
        "ORDER",
        "LIMIT",
    ],
    *["CASE", "WHEN", "END", "IN", "NOT"],
]


def test_random_statements_are_refused_or_harmless(folder):
    """Whatever is put together, the answer is a table or a RequestError; files stay as they are."""
    history = histlib.connect(folder / "h")
    dice, before, answered = random.Random(1), files(folder), 0
    for _ in range(1_500):
        text = " ".join(dice.choices(PIECES, k=dice.randint(1, 12)))
        if dice.random() < 0.7:
            text = f"SELECT {dice.choice(PIECES)} FROM t {text}"
        try:
            history.sql(text)
            answered += 1
        except RequestError:
            pass
    assert answered > 5
    assert files(folder) == before


numbers = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6),
    st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(-999, 999), st.integers(-125, 120)
    ),
)


@settings(max_examples=examples(150))
@given(numbers, numbers)
@example(-1, Decimal("-1.1"))
@example(0, Decimal("1E-130"))
def test_order_texts_sort_as_numbers(left, right):
    """For any two of DynamoDB's numbers."""
    texts = [order_text(encode_number(number)) for number in (left, right)]
    assert (left < right, left == right) == (texts[0] < texts[1], texts[0] == texts[1])


def days(where, params=None):
    (scan,) = check(f"SELECT * FROM db.h AS a WHERE {where}", params, {"id": "S"}, lambda exact: []).scans
    return scan.days


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("dateday = '2026/01/02'", "2"),
        ("'2026/01/02' = a.dateday AND action = 'x'", "2"),
        ("(dateday >= '2026/01/02') AND (dateday < '2026/01/03' AND a.keys = 'x')", "2"),
        ("dateday BETWEEN '2026/01/01' AND '2026/01/02'", "12"),
        ("dateday IN ('2026/01/01', '2026/01/03')", "13"),
        ("'2026/01/02' < dateday", "3"),
        ("dateday = '2026/01/02' OR action = 'x'", "123"),
        ("NOT dateday = '2026/01/02'", "123"),
        ("dateday <> '2026/01/02'", "123"),
        ("lower(dateday) = '2026/01/02'", "123"),
        ("dateday = :d", "1"),
        ("dateday = keys", "123"),
        ("dateday NOT IN ('2026/01/01')", "123"),
    ],
)
def test_days_that_need_not_be_read(where, wanted):
    """Only what the condition surely excludes is left out."""
    found = days(where, {"d": "2026/01/01"} if ":d" in where else None)
    assert "".join(day for day in "123" if found.admits(f"2026/01/0{day}")) == wanted
    assert Days().admits(None)
    assert found.admits(None) == (wanted == "123")


def test_other_days_are_not_read(tmp_path, monkeypatch):
    """Row groups of other days are skipped, and the answer is that of all of them."""
    for day in range(1, 5):
        put(tmp_path, [record(n + day * 40_000, seconds=1_767_268_800 + day * 86_400) for n in range(20_000)],
            day=f"2026/01/0{day}")  # fmt: skip
    history = histlib.connect(tmp_path)
    assert history.sql("SELECT count(*) AS n FROM h WHERE dateday = '2026/01/02'")["n"].tolist() == [20_000]
    snapshot = history._opened.source._store._snapshot
    from histlib.engines.folder.scanning import rows_of

    wanted = rows_of(snapshot.by_time, Days((("==", "2026/01/02"),)))
    assert 20_000 <= wanted.to_table().num_rows <= 20_000 + 2 * 16_384
    assert rows_of(snapshot.by_time, Days()).to_table().num_rows == 80_000
    assert isinstance(snapshot.by_time[0], TimeReader)
    assert isinstance(history._opened.source, EmbeddedSource)
