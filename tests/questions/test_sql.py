"""Raw SQL: the article's queries and a tested subset, over the lines as they landed."""

from __future__ import annotations

import json
import operator
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest

import histlib
from histlib.answers.frames import frame_json
from histlib.engines.folder.index import manifest as manifests
from histlib.errors import PathNotValidError, RequestError
from histlib.format.record import COLUMNS
from histlib.samples.landing import write_landing
from histlib.values.image_json import MISSING, encode_value
from tests.support.history.landings import put, record
from tests.support.tables import assert_same

NAME = '"dynamodb_update_database"."todo_item_update_table"'
ARTICLE = [
    f"""SELECT * FROM {NAME} WHERE dateday = '2020/10/26' """
    """ORDER BY timestamp LIMIT 10;""",
    f"""SELECT * FROM {NAME} WHERE dateday = '2020/10/26' """
    """AND keys.todoid = 't0001' ORDER BY timestamp LIMIT 10;""",
    f"""SELECT * FROM {NAME} WHERE dateday = '2020/10/26' """
    """AND action = 'INSERT' ORDER BY timestamp LIMIT 10;""",
    f"""SELECT * FROM {NAME} WHERE dateday = '2020/10/26' """
    """AND new_image.title LIKE '%iPhone%' ORDER BY timestamp LIMIT 10;""",
    f"""SELECT * FROM {NAME} WHERE dateday = '2020/10/27' """
    """ORDER BY timestamp LIMIT 10;""",
]
ANSWERS = [
    "INSERT t0001, INSERT t2222, MODIFY t0001, MODIFY t2222, REMOVE t0001",
    "INSERT t0001, MODIFY t0001, REMOVE t0001",
    "INSERT t0001, INSERT t2222",
    "INSERT t2222, MODIFY t2222",
    "INSERT t8888, MODIFY t2222, MODIFY t2222, MODIFY t8888",
]

#: A value of every kind that is easily taken for another.
VALUES = [
    0, 1, -1, Decimal("1.5"), Decimal("-0.5"), 10**37 + 1, 10**37 + 2, 12345678901234567890, 9, 10, 100,
    "", "0", "1", "10", "9", "abc", "it's", "🍎", "n1", "true",
    True, False, None, MISSING, [1], {"a": 1}, frozenset({"x"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def todo(tmp_path_factory):
    return histlib.connect(write_landing("todo", tmp_path_factory.mktemp("todo") / "h"))


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A change for each of VALUES, its item named by position."""
    folder = tmp_path_factory.mktemp("odd")
    images = [{"id": str(at)} | ({} if value is MISSING else {"v": value}) for at, value in enumerate(VALUES)]
    put(folder, [record(at, str(at), new_image=image, old_image=None) for at, image in enumerate(images)])
    return histlib.connect(folder)


@pytest.mark.parametrize(("query", "answer"), list(zip(ARTICLE, ANSWERS, strict=True)))
def test_the_articles_queries(todo, query, answer):
    """Verbatim, they give what the article shows."""
    frame = todo.sql(query)
    shown = [f"{row.action} {row['keys'][11:16]}" for _, row in frame.iterrows()]
    assert ", ".join(shown) == answer
    assert list(frame.columns) == [*COLUMNS, "dateday", "file"]
    assert set(frame["dateday"]) == {"2020/10/27" if "10/27" in query else "2020/10/26"}


def test_what_the_article_shows_of_a_line(todo):
    """Action, key, images with the attribute nobody had planned for, and both of its times."""
    line = todo.sql(ARTICLE[4]).iloc[2]
    assert (line.action, line["keys"], line.timestamp) == ("MODIFY", '{"todoId":"t2222"}', 1603763890)
    assert line.timestamp_utc == pd.Timestamp("2020-10-27 01:58:10", tz="UTC")
    assert "Apple Storeオンラインで予約する" in line.new_image
    assert "memo" not in line.old_image


def test_columns_have_the_types_of_the_record(todo):
    """Texts, nullable whole numbers and a moment, also where there is no row."""
    for query in (ARTICLE[0], "SELECT * FROM x WHERE dateday = '1999/01/01'"):
        found = {name: str(dtype) for name, dtype in todo.sql(query).dtypes.items()}
        kinds = {"string": "str", "int": "Int64", "bigint": "Int64", "timestamp": "datetime64[us, UTC]"}
        assert found == {name: kinds[kind] for name, kind in COLUMNS.items()} | {"dateday": "str", "file": "str"}


def test_lines_are_raw_and_the_answer_says_so(tmp_path):
    """Duplicates count, as many as a plain reading of the files finds; the notice tells."""
    put(tmp_path, [record(n, f"i{n % 7}") for n in range(50)], day="2026/01/01")
    put(tmp_path, [record(n, f"i{n % 7}") for n in range(40, 70)], day="2026/01/02")
    put(tmp_path, [record(n) for n in range(70, 75)], day="../changes", name="c.gz")
    history = histlib.connect(tmp_path)
    by_day = history.sql("SELECT dateday, count(*) AS n, count(DISTINCT event_id) FROM h GROUP BY 1 ORDER BY 1")
    assert by_day["dateday"].fillna("").tolist() == ["2026/01/01", "2026/01/02", ""]
    assert by_day["n"].tolist() == [50, 30, 5]
    assert history.sql("SELECT count(*) AS n FROM h WHERE dateday >= '2026/01/02'")["n"].tolist() == [30]
    assert "duplicates are not removed" in repr(by_day)
    assert by_day.attrs["histlib"]["completeness"] == "observed"
    assert list(by_day.columns) == ["dateday", "n", "_col2"]


COMPARED = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LITERALS = [value for value in VALUES if isinstance(value, int | str | Decimal)]


def expected(value, symbol, literal):
    """What a comparison is: by type for = and <>; NULL of what is null or missing, or another type's order."""
    if value is None or value is MISSING:
        return pd.NA
    if symbol in ("=", "<>"):
        return (encode_value(value) == encode_value(literal)) == (symbol == "=")
    kinds = [str if isinstance(one, str) else Decimal if isinstance(one, int | Decimal) and not isinstance(one, bool)
             else None for one in (value, literal)]  # fmt: skip
    if None in kinds or kinds[0] != kinds[1]:
        return pd.NA
    if kinds[0] is str:
        value, literal = value.encode(), literal.encode()
    return COMPARED[symbol](value, literal)


def sql_literal(value):
    if isinstance(value, bool):
        return str(value)
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


@pytest.mark.parametrize("symbol", COMPARED)
def test_dotted_names_compare_by_type(odd, symbol):
    """Numbers with numbers by all 38 digits, texts with texts; never an error, whatever the value; from both sides."""
    literals = [one for one in LITERALS if symbol in ("=", "<>") or not isinstance(one, bool)]
    columns = ", ".join(f"new_image.v {symbol} {sql_literal(one)} AS c{at}" for at, one in enumerate(literals))
    frame = odd.sql(f"SELECT {columns} FROM h ORDER BY sequence_number")
    for at, literal in enumerate(literals):
        found = frame[f"c{at}"].tolist()
        assert list(map(str, found)) == [str(expected(value, symbol, literal)) for value in VALUES], (symbol, literal)
    mirrored = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(symbol, symbol)
    turned = ", ".join(f"{sql_literal(one)} {mirrored} new_image.v AS c{at}" for at, one in enumerate(literals))
    pd.testing.assert_frame_equal(odd.sql(f"SELECT {turned} FROM h ORDER BY sequence_number"), frame)
    bound = ", ".join(f"new_image.v {symbol} :p{at} AS c{at}" for at in range(len(literals)))
    params = {f"p{at}": one for at, one in enumerate(literals)}
    pd.testing.assert_frame_equal(odd.sql(f"SELECT {bound} FROM h ORDER BY sequence_number", params), frame)


def test_other_comparisons_of_dotted_names(odd):
    """IN, NOT IN, BETWEEN, LIKE, IS NULL, CASE and two dotted names are by type as well."""

    def which(condition):
        found = odd.sql(f"SELECT keys.id FROM h WHERE {condition} ORDER BY sequence_number")["id"]
        return [VALUES[int(at)] for at in found]

    there = [value for value in VALUES if value is not None and value is not MISSING]
    assert which("new_image.v IN (1, '10', true)") == [1, "10", True]
    assert len(which("new_image.v NOT IN (1, '10', true)")) == len(there) - 3
    assert which("new_image.v BETWEEN 9 AND 10") == [9, 10]
    assert which("new_image.v LIKE '1%'") == ["1", "10"]
    assert which("new_image.v IS NULL") == [None, MISSING]
    assert which("CASE new_image.v WHEN 0 THEN true ELSE false END") == [0]
    assert which("new_image.v = upper('abc') OR new_image.v = lower('ABC')") == ["abc"]
    assert which("(new_image.v) = (1)") == [1]
    assert len(which("new_image.v = h.new_image.v AND new_image.v >= new_image.v")) == 21
    assert which("new_image.v IN (SELECT new_image.id FROM h)") == ["0", "1", "10", "9"]


def test_a_dotted_name_is_text(odd):
    """A string's text, the rest as image JSON with all digits; null and missing are NULL."""
    found = odd.sql("SELECT new_image.v FROM h ORDER BY sequence_number")["v"]
    for value, text in zip(VALUES, found, strict=True):
        if value is None or value is MISSING:
            assert pd.isna(text)
        else:
            assert text == (value if isinstance(value, str) else encode_value(value))


def test_names_inside_images(tmp_path):
    """Deep names, names with dots and dollars, other cases; what no image has is an error, not an empty answer."""
    deep = {"id": "a", "a.b": 1, "m": {"x": {"$y": "z"}, "l": [{"q": Decimal("1.50")}]}, "Both": 1, "both": 2}
    put(tmp_path, [record(1, new_image=deep, old_image=None)])
    history = histlib.connect(tmp_path)
    row = history.sql(
        """SELECT new_image."a.b", new_image.m.x."$y", h.new_image.M.x AS mx, new_image.both, "$path",
        json_extract_scalar(new_image, '$.m.l[0].q') AS q FROM h"""
    ).iloc[0]
    assert row.tolist() == ["1", "z", '{"$M":{"$y":"z"}}', "2", "changes/2026/01/01/a.gz", "1.5"]
    with pytest.raises(PathNotValidError, match=r"no image has the attribute 'nope'; the attributes are Both, a\.b"):
        history.sql("SELECT new_image.nope FROM h")
    with pytest.raises(PathNotValidError, match="may be"):
        history.sql("SELECT new_image.BOTH FROM h")
    with pytest.raises(PathNotValidError, match="the key's attributes are id"):
        history.sql("SELECT keys.m FROM h")
    assert "no image that was read has m.y" in repr(history.sql("SELECT new_image.m.y FROM h"))


def test_ctes_joins_and_windows(todo):
    """What investigations need: the last image of each item, the image before, changes side by side."""
    last = todo.sql(
        """WITH c AS (SELECT keys.todoid AS k, new_image, row_number() OVER (PARTITION BY keys ORDER BY
        sequence_number DESC) AS n FROM a.b) SELECT k, new_image.title AS title FROM c WHERE n = 1 ORDER BY k"""
    )
    assert last["k"].tolist() == ["t0001", "t2222", "t8888"]
    assert pd.isna(last["title"][0])
    by = todo.sql("SELECT max_by(new_image, timestamp) AS m FROM t WHERE keys.todoid = 't0001'")
    assert pd.isna(by["m"][0])
    edits = todo.sql(
        """SELECT count(*) AS n FROM "db"."t" AS x JOIN t AS y ON x.keys = y.keys AND x.new_image = y.old_image
        WHERE x.dateday = '2020/10/26' AND y.dateday = '2020/10/27'"""
    )
    assert edits["n"].tolist() == [1]
    lagged = todo.sql(
        """SELECT lag(new_image.title) OVER (PARTITION BY keys ORDER BY timestamp) AS t FROM t
        WHERE keys.todoid = 't2222' ORDER BY timestamp"""
    )
    assert lagged["t"].tolist()[1:] == [
        "iPhone 12 miniを買う",
        "iPhone 12 miniを予約する",
        "iPhone 12 Pro Maxを予約する",
    ]
    both = todo.sql("SELECT action FROM t WHERE action = 'REMOVE' UNION ALL SELECT 'x' ORDER BY 1")
    assert both["action"].tolist() == ["REMOVE", "x"]
    left = todo.sql("SELECT count(*) AS n FROM t LEFT JOIN t AS u ON t.event_id = u.event_id AND u.dateday = 'x'")
    assert left["n"].tolist() == [9]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT DISTINCT CAST(new_image.title AS varchar) AS x FROM t WHERE new_image.title LIKE 'i%' ORDER BY x", 3),
        ("SELECT new_image.title, count(*) FROM t GROUP BY new_image.title HAVING count(*) > 1 ORDER BY 2 DESC", 3),
        ("SELECT new_image.title, count(*) AS n FROM t GROUP BY 1 ORDER BY n", 6),
        ("SELECT t.*, 1 AS one FROM a.t ORDER BY t.timestamp DESC OFFSET 1 LIMIT 2", 2),
        ("SELECT count(*) FILTER (WHERE action = 'INSERT') AS n FROM t", 1),
        ("SELECT x.title FROM (SELECT new_image.title FROM t) AS x WHERE x.title = 'お米を買う'", 2),
        ("SELECT a.keys FROM t a, t b WHERE a.event_id = b.event_id AND b.action = 'REMOVE'", 1),
        ("SELECT keys FROM t EXCEPT SELECT keys FROM t WHERE dateday = '2020/10/27'", 1),
        ("SELECT keys FROM t INTERSECT SELECT keys FROM t WHERE dateday = '2020/10/27'", 2),
        ("SELECT upper(action) AS dateday FROM t WHERE dateday = '2020/10/27'", 4),
        ("SELECT keys FROM t a WHERE EXISTS (SELECT 1 FROM t b WHERE b.keys = a.keys AND b.dateday = '2020/10/27')", 6),
        ("SELECT keys FROM t WHERE timestamp = (SELECT max(timestamp) FROM t)", 1),
        ("SELECT sum(size_bytes) OVER (ORDER BY timestamp ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM t", 9),
        ("SELECT * FROM t WHERE timestamp_utc > TIMESTAMP '2020-10-27 01:47:36'", 3),
        ("SELECT * FROM t WHERE timestamp_utc > '2020-10-27 01:47:36'", 3),
        ("SELECT keys FROM t WHERE new_image.done = false AND old_image.memo IS NULL", 6),
        ("SELECT keys FROM t WHERE new_image.title <> old_image.title", 2),
        ("SELECT keys FROM t WHERE new_image.title IS DISTINCT FROM old_image.title", 6),
        ("((SELECT 1 AS x))", 1),
        ("SELECT action FROM t -- where\n/* all */", 9),
    ],
)
def test_shapes_of_statements(todo, query, rows):
    """Each is answered with as many rows as the story has."""
    assert len(todo.sql(query)) == rows


@pytest.mark.parametrize(
    "query",
    [
        "SELECT max(new_image.v) FROM h",
        "SELECT min(DISTINCT (new_image.v)) FROM h",
        "SELECT max_by(keys, new_image.v) FROM h",
        "SELECT new_image.v FROM h ORDER BY new_image.v",
        "SELECT new_image.v FROM h ORDER BY v",
        "SELECT new_image.v AS x FROM h ORDER BY keys, X",
        "SELECT keys, new_image.v FROM h ORDER BY 2 DESC",
        "SELECT keys FROM h UNION SELECT keys FROM h ORDER BY keys LIMIT (SELECT max(new_image.v) FROM h)",
        "SELECT new_image.v FROM h UNION ALL SELECT old_image.v FROM h ORDER BY 1",
        "SELECT row_number() OVER (ORDER BY new_image.v) FROM h",
        "WITH x AS (SELECT new_image.v AS p FROM h) SELECT max(p) FROM x",
        "SELECT max(p) FROM (SELECT new_image.v AS p FROM h)",
        "WITH x AS (SELECT new_image.v AS p FROM h) SELECT * FROM x WHERE p > '5'",
        "WITH x AS (SELECT new_image.v AS p FROM h) SELECT * FROM x ORDER BY p",
        "WITH x AS (SELECT * FROM (SELECT new_image.v FROM h)) SELECT a.v FROM x a JOIN x b ON a.v < b.v",
        "SELECT max(coalesce(keys, new_image.v)) FROM h",
        "SELECT max(nullif(new_image.v, 'x')) FROM h",
        "SELECT max(CASE WHEN action = 'x' THEN keys ELSE new_image.v END) FROM h",
        "SELECT keys AS k FROM h UNION ALL (SELECT keys FROM h UNION SELECT new_image.v FROM h) ORDER BY k",
        "WITH x AS (SELECT keys AS p FROM h UNION ALL SELECT new_image.v FROM h) SELECT max(p) FROM x",
        "WITH x AS (SELECT max_by(new_image.v, timestamp) AS q FROM h GROUP BY keys) SELECT max(q) FROM x",
        "WITH x AS (SELECT lag(new_image.v) OVER (ORDER BY timestamp) AS q FROM h) SELECT q FROM x ORDER BY q",
        "SELECT max_by(max_by(keys, action), new_image.v) FROM h",
    ],
)
def test_numbers_are_not_sorted_as_texts(odd, query):
    """Wherever a dotted name went, what would put 10 before 9 is refused, with what to write."""
    with pytest.raises(RequestError, match="say what its values are"):
        odd.sql(query)


def test_sorting_by_a_cast(odd):
    """Numbers as numbers; keys that are strings need none."""
    assert odd.sql("SELECT keys.id FROM h ORDER BY keys.id DESC LIMIT 1")["id"].tolist() == ["9"]
    assert odd.sql("WITH x AS (SELECT keys.id FROM h) SELECT max(id) AS m FROM x")["m"].tolist() == ["9"]
    where = "WHERE try_cast(new_image.v AS double) > 8 AND new_image.v < 50"
    for cast, rows in (("DECIMAL(38, 2)", ["9", "10"]), ("VARCHAR", ["10", "9"])):
        found = odd.sql(f"SELECT new_image.v FROM h {where} ORDER BY CAST(new_image.v AS {cast})")
        assert found["v"].tolist() == rows
    assert odd.sql(f"SELECT max(CAST(new_image.v AS BIGINT)) AS m FROM h {where}")["m"].tolist() == [10]


def test_what_columns_are_called(todo):
    """As Athena calls them: by alias, by name, by a dotted name's last part, else by position."""
    frame = todo.sql("""SELECT count(*), upper(action), keys.todoid, action, "$path", t.file AS f, 1, max(timestamp)
        FROM t GROUP BY 2, 3, 4, 5, 6""")
    assert list(frame.columns) == ["_col0", "_col1", "todoId", "action", "$path", "f", "_col6", "_col7"]


def test_an_image_that_is_no_json_is_told(tmp_path):
    """It was taken for a record by its braces: NULL would hide it."""
    put(tmp_path, [record(1), record(2, new_image="{broken}")])
    history = histlib.connect(tmp_path)
    assert len(history.sql("SELECT * FROM h")) == 2
    with pytest.raises(RequestError, match="JSON is malformed"):
        history.sql("SELECT new_image.version FROM h")


def test_functions_mean_what_athenas_do(todo):
    """Whole division, NULL in concat, seconds as UTC, sums as whole numbers, counts from 1."""
    row = todo.sql(
        """SELECT 7 / 2 AS a, 7.0 / 2 AS b, concat('x', actor) AS c, from_unixtime(0) AS d, sum(timestamp) AS e,
        date_trunc('day', max(timestamp_utc)) AS f, CAST(max(timestamp_utc) AS DATE) AS g, substr('abc', 2, 1) AS h,
        strpos('abc', 'c') AS i, try_cast('x' AS bigint) AS j, CAST('1.50' AS decimal(38, 2)) AS k,
        count_if(action = 'INSERT') AS l, regexp_like('abc', 'b.') AS m, round(2.5) AS n, coalesce(NULL, 'y') AS o,
        split_part('a,b', ',', 2) AS p, nullif(1, 1) AS q, if(1 = 1, 'a', 'b') AS r, avg(1) AS s
        FROM t WHERE action <> 'REMOVE' GROUP BY actor"""
    ).iloc[0]
    assert (row.a, row.b, row.h, row.i, row.k, row.l, row.m, row.n) == (3, 3.5, "b", 3, "1.50", 3, True, 3)
    assert (row.d, row.f) == (pd.Timestamp(0, tz="UTC"), pd.Timestamp("2020-10-27", tz="UTC"))
    assert (row.g, row.o, row.p, row.r, row.s) == ("2020-10-27", "y", "b", "a", 1.0)
    assert pd.isna([row.c, row.j, row.q]).all()
    assert row.e == sum(todo.sql("SELECT timestamp FROM t WHERE action <> 'REMOVE'")["timestamp"])
    row = todo.sql("SELECT split_part('a,', ',', 2) AS a, split_part('a,', ',', 3) AS b").iloc[0]
    assert row.a == "" and pd.isna(row.b)


def test_parameters_are_bound(todo):
    """Whatever a text holds, it is a value; numbers, moments and nothing as well."""
    for text in ("it's", "'; SELECT 1; --", '"', "t0001' OR '1'='1", ":n", "$n", "\\", "日本"):
        assert todo.sql("SELECT :p AS p, count(*) AS n FROM t WHERE keys.todoid = :p", {"p": text}).iloc[0].p == text
        assert len(todo.sql("SELECT * FROM t WHERE keys.todoid = :p", {"p": text})) == 0
    assert len(todo.sql("SELECT * FROM t WHERE dateday = :d LIMIT :n", {"d": "2020/10/27", "n": 3})) == 3
    assert todo.sql("SELECT :a AS x, :A AS y", {"a": 1, "A": 2}).iloc[0].tolist() == [1, 2]
    row = todo.sql(
        "SELECT :a AS a, :b AS b, :c AS c, :d AS d, :e AS e, :f AS f",
        {
            "a": 10**20,
            "b": Decimal("1.50"),
            "c": 0.1,
            "d": datetime(2020, 1, 1, tzinfo=UTC),
            "e": date(2020, 1, 1),
            "f": None,
        },
    ).iloc[0]
    assert row.tolist()[:5] == [str(10**20), "1.50", 0.1, pd.Timestamp("2020-01-01", tz="UTC"), "2020-01-01"]
    for query, params, says in (
        ("SELECT :a", None, "no value for :a"),
        ("SELECT :a", {"a": 1, "b": 2}, "has no :b"),
        ("SELECT 1", {"b": 2}, "has no :b"),
        ("SELECT ?", None, "write :name"),
        ("SELECT :a", {"a": [1]}, "expected str"),
        ("SELECT :a", {"a": float("nan")}, "expected str"),
        ("SELECT :a", [1], "expected a dict"),
    ):
        with pytest.raises(RequestError, match=says):
            todo.sql(query, params)


def test_a_naive_parameter_is_in_the_histories_zone(todo):
    """As everywhere, naive means the zone of the history; columns stay UTC."""
    tokyo = histlib.connect(todo._opened.name, tz="Asia/Tokyo")
    query = "SELECT count(*) AS n FROM t WHERE timestamp_utc >= :t"
    assert tokyo.sql(query, {"t": datetime.fromisoformat("2020-10-27 10:47:36")})["n"].tolist() == [4]
    assert todo.sql(query, {"t": datetime.fromisoformat("2020-10-27 10:47:36")})["n"].tolist() == [0]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT * FROM t WHERE timestamp = '1603679304'", "mixes number with text"),
        ("SELECT * FROM t WHERE action = 5", "mixes text with number"),
        ("WITH x AS (SELECT new_image.title AS p FROM t) SELECT * FROM x WHERE p = 0", "mixes text with number"),
        ("SELECT coalesce(new_image.title, 0) FROM t", "mixes text with number"),
        ("SELECT * FROM t WHERE new_image.title = timestamp", "CAST"),
        ("SELECT * FROM t WHERE new_image.done", "expected a comparison"),
        ("SELECT sum(new_image.title) FROM t", "engine refused: Binder Error"),
        ("SELECT CAST(action AS bigint) FROM t", "engine refused: Conversion Error: Could not convert string"),
        ("SELECT 1 / (timestamp - timestamp) FROM t", "Division by zero"),
        ("SELECT regexp_like(action, '(') FROM t", "engine refused"),
        ("SELECT a.*, b.* FROM t a JOIN t b ON a.event_id = b.event_id", "more than one column"),
        ("SELECT zz FROM t", "'zz' could not be resolved"),
        ("SELECT nope.a FROM t", "no table"),
        ("SELECT new_image.title[1] FROM t", "json_extract_scalar"),
        ("SELEC * FROM t", "not SQL"),
        ("", "no SQL text"),
        (5, "no SQL text"),
        ("SELECT\n  now() FROM t", r"line 2, column 3\) is not allowed in sql\(\): allowed are"),
        ("SELECT " + "(" * 9_000 + "1" + ")" * 9_000, "nested too deep"),
        ("SELECT '" + "x" * 300_000 + "'", "longer than"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistakes_are_told_in_one_line(todo, query, says):
    """What would be mixed, missing or refused by the engine is a RequestError, with what to do."""
    with pytest.raises(RequestError, match=says) as caught:
        todo.sql(query)
    assert "\n" not in str(caught.value)


def test_damaged_files_of_the_days_that_are_read_are_told(tmp_path):
    """A hole of another day is no caveat; one of a day that is read, or of all days, names the file."""
    put(tmp_path, [record(1)])
    put(tmp_path, b"{broken\n", day="2026/01/02", name="b.gz")
    history = histlib.connect(tmp_path)
    for where, told in (("", True), ("WHERE dateday = '2026/01/01'", False), ("WHERE dateday > '2026/01/01'", True)):
        caveats = history.sql(f"SELECT * FROM h {where}").attrs["histlib"]["caveats"]
        assert [caveat["name"] for caveat in caveats] == ["unreadable_files"] * told
        assert all("changes/2026/01/02/b.gz" in caveat["detail"] for caveat in caveats)


def test_an_undelivered_change_is_told_where_it_might_have_landed(tmp_path):
    """It has no line on any day from its time on to two days later."""
    put(tmp_path, [record(1)])
    failed = tmp_path / "failed" / "records" / "1"
    failed.parent.mkdir(parents=True)
    failed.write_bytes(b"{}")
    history = histlib.connect(tmp_path)
    assert histlib.connect(tmp_path).sql("SELECT 1 FROM h").attrs["histlib"]["caveats"][0]["name"] == "outside_coverage"
    assert history.sql("SELECT 1").attrs["histlib"]["caveats"] == []


def made(folder):
    """The file of the index that is read."""
    (one,) = manifests.load(folder / ".histlib").by_time
    return folder / ".histlib" / one.name / one.written.file


def test_a_damaged_index_is_made_again(tmp_path):
    """A page with a bit turned, a file cut or gone: the answer is the same, from a new index."""
    put(tmp_path, [record(n, f"i{n % 9}") for n in range(3_000)])
    query = "SELECT count(*) AS n, max(new_image) AS m, count(DISTINCT event_id) AS d FROM h"
    before = histlib.connect(tmp_path).sql(query)
    for damage in ("turn", "cut", "gone"):
        history = histlib.connect(tmp_path)
        path = made(tmp_path)
        content = path.read_bytes()
        path.unlink()
        if damage == "turn":
            turned = bytearray(content)
            for at in range(1_000, len(content) - 10_000, 200):
                turned[at] ^= 1
            path.write_bytes(turned)
        elif damage == "cut":
            path.write_bytes(content[: len(content) // 2])
        assert_same(history.sql(query), before)
        assert made(tmp_path) != path


def test_new_lines_are_seen(tmp_path):
    """Each question takes in what has landed since."""
    put(tmp_path, [record(1)])
    history = histlib.connect(tmp_path)
    assert history.sql("SELECT count(*) AS n FROM h")["n"].tolist() == [1]
    put(tmp_path, [record(2)], name="b.gz")
    assert history.sql("SELECT count(*) AS n FROM h")["n"].tolist() == [2]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_answers_are_written_and_read_back(todo, tmp_path, suffix):
    """Exactly, with the notice."""
    query = "SELECT *, action = 'INSERT' AS b, timestamp / 7.0 AS f, CAST(timestamp AS decimal(38, 5)) AS d FROM t"
    frame = todo.sql(query)
    assert_same(histlib.read(histlib.write(frame, tmp_path / f"t{suffix}")), frame)


def test_answers_are_shown_and_given_as_json(todo):
    """Columns in the order of the query, whatever they are called; NULL is null, images are texts."""
    frame = todo.sql("SELECT event_id, keys, new_image AS a, action AS a_json, actor FROM t WHERE action = 'REMOVE'")
    assert repr(frame).splitlines()[1].split() == ["event_id", "keys", "a", "a_json", "actor"]
    (row,) = json.loads(frame_json(frame))["rows"]
    assert row | {"event_id": ""} == {
        "event_id": "",
        "keys": '{"todoId":"t0001"}',
        "a": None,
        "a_json": "REMOVE",
        "actor": None,
    }


def test_memory_is_bounded(tmp_path, monkeypatch):
    """More than HISTLIB_MEMORY allows is refused, for the answer and on the way to it; less is answered after that."""
    monkeypatch.setenv("HISTLIB_MEMORY", "512MiB")
    image = {"id": "a", "text": "x" * 10_000}
    put(tmp_path, [record(n, new_image=image | {"n": n}, old_image=image) for n in range(400)])
    history = histlib.connect(tmp_path)
    for query in (
        "SELECT a.new_image FROM h a, h b",
        "SELECT a.new_image || b.event_id AS x, count(*) FROM h a, h b GROUP BY 1",
    ):
        with pytest.raises(RequestError, match=r"HISTLIB_MEMORY \(512 MiB\)"):
            history.sql(query)
    assert history.sql("SELECT count(*) AS n FROM h a, h b")["n"].tolist() == [160_000]


def test_ctrl_c_stops_a_statement(tmp_path):
    """A statement that would take hours ends at once, as KeyboardInterrupt; the process goes on."""
    put(tmp_path, [record(n, f"i{n % 9}") for n in range(3_000)])
    code = """
import sys, histlib
history = histlib.connect(sys.argv[1])
history.sql("SELECT 1")
print("ready", flush=True)
try:
    history.sql("SELECT count(*) FROM a, a b, a c WHERE length(concat(a.keys, b.event_id, c.event_id)) = 1")
except KeyboardInterrupt:
    print("stopped", history.sql("SELECT count(*) AS n FROM a")["n"][0], flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)
    os.kill(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "stopped 3000\n"
