"""The quick engine: what histlib's SELECTs need of Trino, with Trino's answers."""

from __future__ import annotations

import threading

import pytest

from tests.support.athena.duckdb_engine import DuckDBEngine
from tests.support.athena.engines import EngineError
from tests.support.athena.xxhash64 import xxhash64


@pytest.fixture(scope="module")
def engine():
    """An engine; these queries name no table, so that it asks nobody."""
    return DuckDBEngine("http://127.0.0.1:9")


def value(engine, sql):
    """The one value of a query: its type and its text."""
    answer = engine.select(sql, (), "default", threading.Event())
    return answer.columns[0][1], answer.rows[0][0]


@pytest.mark.parametrize(
    ("sql", "kind", "text"),
    [
        ("7 / 2", "integer", "3"),
        ("-7 / 2", "integer", "-3"),
        ("CAST(7 AS DOUBLE) / 2", "double", "3.5"),
        ("1e10", "double", "1.0E10"),
        ("1e-5", "double", "1.0E-5"),
        ("""json_extract_scalar('{"n":12345678901234567890.123456789}', '$.n')""", "varchar",
         "12345678901234567890.123456789"),
        ("""json_extract_scalar('{"n":1E+5}', '$.n')""", "varchar", "1E+5"),
        ("""json_extract_scalar('{"a b":{"c":["x","y"]}}', '$["a b"].c[1]')""", "varchar", "y"),
        ("""json_extract_scalar('{"q\\"":1}', '$["q\\""]')""", "varchar", "1"),
        ("""json_extract_scalar('{"t":true}', '$.t')""", "varchar", "true"),
        ("""json_extract_scalar('{"t":""}', '$.t')""", "varchar", ""),
        ("""json_extract_scalar('{"t":null}', '$.t')""", "varchar", None),
        ("""json_extract_scalar('{"t":{}}', '$.t')""", "varchar", None),
        ("""json_extract_scalar('{"t":[1]}', '$.t')""", "varchar", None),
        ("json_extract_scalar('no json', '$.t')", "varchar", None),
        ("""json_format(json_extract('{"t":{"b":1,"a":[1.10]}}', '$.t'))""", "varchar", '{"a":[1.1],"b":1}'),
        ("""CAST(json_extract('{"t":"x"}', '$.t') AS VARCHAR)""", "varchar", "x"),
        ("""CAST(json_extract('{"t":5}', '$.t') AS BIGINT)""", "bigint", "5"),
        ("""cardinality(map_keys(CAST(json_parse('{"a":1,"b":[]}') AS MAP(VARCHAR, JSON))))""", "bigint", "2"),
        ("TRY(json_parse('no'))", "varchar", None),
        ("TRY_CAST('x' AS BIGINT)", "bigint", None),
        ("TRY(CAST('x' AS BIGINT))", "bigint", None),
        ("to_hex(xxhash64(to_utf8('')))", "varchar", "EF46DB3751D8E999"),
        ("from_big_endian_64(xxhash64(to_utf8('abc')))", "bigint", "4952883123889572249"),
        ("bitwise_not(5)", "integer", "-6"),
        ("bitwise_not(1 + 2)", "integer", "-4"),
        ("'a' || chr(1) || 'b'", "varchar", "a\x01b"),
        ("concat('a', CAST(NULL AS VARCHAR))", "varchar", None),
        ("concat(ARRAY['a'], ARRAY['b', NULL])", "array(varchar)", "[a, b, null]"),
        ("date_parse('2026-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')", "timestamp(3)", "2026-01-02 03:04:05.000"),
        ("date_format(TIMESTAMP '2026-01-02 03:04:05', '%Y/%m/%d %H:%i')", "varchar", "2026/01/02 03:04"),
        ("from_unixtime(1.5)", "timestamp(3) with time zone", "1970-01-01 00:00:01.500 UTC"),
        ("CAST(from_unixtime(0) AS TIMESTAMP)", "timestamp(3)", "1970-01-01 00:00:00.000"),
        ("regexp_like('x0001y', '[0-9]{4}')", "boolean", "true"),
        ("'a_b' LIKE 'a\\_b'", "boolean", "false"),
        ("'100%' LIKE '100$%' ESCAPE '$'", "boolean", "true"),
        ("'a\nb' LIKE 'a%b'", "boolean", "true"),
        ("NULL IS DISTINCT FROM 1", "boolean", "true"),
        ("'it''s' || '\\n'", "varchar", "it's\\n"),
        ("CAST(ROW('x', 1) AS ROW(a VARCHAR, b BIGINT)).b", "bigint", "1"),
        ("CAST(1.10 AS DECIMAL(38, 2))", "decimal(38,2)", "1.10"),
    ],
)  # fmt: skip
def test_values(engine, sql, kind, text):
    """An expression has Trino's type and Athena's text."""
    assert value(engine, f"SELECT {sql}") == (kind, text)


ROWS = "(VALUES ('x', 'k', 1), (NULL, 'k', 3), ('z', 'k', 2), ('other', 'l', NULL)) AS t (a, k, o)"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("max_by(a, o) FILTER (WHERE o < 3)", [("k", "z"), ("l", None)]),
        ("max_by(a, o)", [("k", None), ("l", None)]),
        ("min_by(a, ROW(o, k)) FILTER (WHERE o IS NOT NULL)", [("k", "x"), ("l", None)]),
        ("max_by(CAST(ROW(a, o) AS ROW(a VARCHAR, o BIGINT)), ROW(k, o)).o", [("k", "3"), ("l", None)]),
        ("max_by(CAST(ROW(a, o) AS ROW(a VARCHAR, o BIGINT)), o) FILTER (WHERE o > 9) IS NULL",
         [("k", "true"), ("l", "true")]),
        ("count_if(a IS NULL)", [("k", "1"), ("l", "0")]),
        ("coalesce(bool_or(o IS NULL), FALSE)", [("k", "false"), ("l", "true")]),
        ("sum(o)", [("k", "6"), ("l", None)]),
        ("count(DISTINCT a)", [("k", "2"), ("l", "1")]),
    ],
)  # fmt: skip
def test_aggregates(engine, sql, rows):
    """Aggregates over rows with NULLs: ``max_by`` gives the NULL that stands at the greatest."""
    answer = engine.select(f"SELECT k, {sql} FROM {ROWS} GROUP BY k ORDER BY k", (), "default", threading.Event())
    assert answer.rows == rows


def test_names_of_columns(engine):
    """What has no name gets Trino's."""
    answer = engine.select("SELECT 1, 2 AS two, upper('a')", (), "default", threading.Event())
    assert [name for name, _ in answer.columns] == ["_col0", "two", "_col2"]


def test_unnest_and_lag(engine):
    """Rows out of arrays, and the row before."""
    rows = "(VALUES 1) AS t (x) CROSS JOIN UNNEST(ARRAY['a', 'b']) AS u (n)"
    sql = f"SELECT n, lag(n) OVER (ORDER BY n) FROM {rows} ORDER BY n"
    assert engine.select(sql, (), "default", threading.Event()).rows == [("a", None), ("b", "a")]


@pytest.mark.parametrize("parameter", ["x", "1 OR 1 = 1", "(SELECT 1)", "'x' || 'y'", "'x", "current_date"])
def test_a_parameter_is_a_literal(engine, parameter):
    """What is no literal is refused, so that no text can change a query."""
    with pytest.raises(EngineError, match="a parameter must be a literal"):
        engine.select("SELECT 1 WHERE 'a' = ?", [parameter], "default", threading.Event())


def test_parameters_stand_in_where_only(engine):
    """Athena takes parameters in WHERE only."""
    with pytest.raises(EngineError, match="WHERE only"):
        engine.select("SELECT ?", ["1"], "default", threading.Event())
    sql = "SELECT 'a?b' WHERE '?' = ? AND 1 = ? AND -1.5 = ?"
    assert engine.select(sql, ["'?'", "1", "-1.5"], "default", threading.Event()).rows == [("a?b",)]


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "ef46db3751d8e999"),
        (b"a", "d24ec4f1a98c6e5b"),
        (b"Nobody inspects the spammish repetition", "fbcea83c8a378bf1"),
    ],
)
def test_xxhash64(text, digest):
    """The published digests."""
    assert xxhash64(text).hex() == digest
