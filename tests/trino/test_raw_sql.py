"""Raw SQL on real Trino gives what the embedded engine gives, over the same lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest

import histlib
from histlib.samples.landing import write_landing
from histlib.values.image_json import MISSING
from tests.support.athena.aws import Aws, entered
from tests.support.athena.engines import Engine
from tests.support.athena.template import create_table
from tests.support.cases.sql import ARTICLE, FUNCTIONS, SHAPES, VALUES, literals, sql_literal
from tests.support.cases.sql_on_trino import checked, sql_by, unseen_by
from tests.support.history.landings import put, record

Asked = Callable[..., None]


class Twice:
    """A history that both engines read: its folder by DuckDB, its copy in S3 by Trino."""

    def __init__(self, folder: Path, engine: Engine, table: str) -> None:
        self.history = histlib.connect(folder)
        self._engine, self._table = engine, table
        days = sorted("/".join(file.parts[-4:-1]) for file in folder.glob("changes/**/*.gz"))
        self._days = (days[0], days[-1])
        s3 = boto3.client("s3")
        for file in sorted(folder.glob("changes/**/*.gz")):
            s3.put_object(Bucket="sqls", Key=f"{table}/{file.relative_to(folder)}", Body=file.read_bytes())
        create_table(boto3.client("glue"), "sqls", table, "sqls", table)

    def trino(self, query: str, params: Any = None) -> pd.DataFrame:
        """What Trino gives."""
        statement = checked(self.history, query, params)
        return sql_by(self._engine, "sqls", self._table, f"s3://sqls/{self._table}/", self._days, statement)

    def same(self, query: str, params: Any = None) -> pd.DataFrame:
        """What both give, which is the same: rows in any order unless the query has one."""
        expected, found = self.history.sql(query, params), self.trino(query, params)
        if "order by" not in query.lower():
            expected, found = _sorted(expected), _sorted(found)
        pd.testing.assert_frame_equal(found, expected)
        return found

    def unseen(self, query: str) -> list[str]:
        """The dotted names that no image had, to Trino."""
        return unseen_by(self._engine, "sqls", self._table, self._days, checked(self.history, query))


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    rows = list(map(repr, frame.astype(object).to_numpy().tolist()))
    order = sorted(range(len(rows)), key=rows.__getitem__)
    return frame.iloc[order].reset_index(drop=True)


@pytest.fixture(scope="module")
def engine(athena_server: Aws) -> Iterator[Engine]:
    """Trino, over an empty AWS."""
    with entered(athena_server) as aws:
        aws.bucket("sqls")
        yield aws.engine


@pytest.fixture(scope="module")
def todo(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """The article's story."""
    return Twice(write_landing("todo", tmp_path_factory.mktemp("todo") / "h"), engine, "todo")


@pytest.fixture(scope="module")
def odd(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Twice:
    """A change for each of VALUES, its item named by position."""
    folder = tmp_path_factory.mktemp("odd")
    images = [{"id": str(at)} | ({} if value is MISSING else {"v": value}) for at, value in enumerate(VALUES)]
    put(folder, [record(at, str(at), new_image=image, old_image=None) for at, image in enumerate(images)])
    return Twice(folder, engine, "odd")


@pytest.mark.parametrize("query", ARTICLE)
def test_the_articles_queries(todo: Twice, query: str):
    """Verbatim, with every column."""
    assert len(todo.same(query.replace("ORDER BY timestamp", "ORDER BY timestamp, event_id"))) > 0
    assert len(todo.trino(query)) > 0


@pytest.mark.parametrize("query", SHAPES)
def test_shapes_of_statements(todo: Twice, query: str):
    """WITH, JOIN, UNION, windows, subqueries, casts."""
    todo.same(query)


@pytest.mark.parametrize("symbol", ["=", "<>", "<", "<=", ">", ">="])
def test_dotted_names_compare_by_type(odd: Twice, symbol: str):
    """Numbers with numbers by all 38 digits, texts with texts; with literals and parameters."""
    some = literals(symbol)
    columns = ", ".join(f"new_image.v {symbol} {sql_literal(one)} AS c{at}" for at, one in enumerate(some))
    odd.same(f"SELECT {columns} FROM h ORDER BY sequence_number")
    params = {f"p{at}": one for at, one in enumerate(some)}
    bound = ", ".join(f"new_image.v {symbol} :{name} AS c{name}" for name in params)
    odd.same(f"SELECT {bound}, new_image.v {symbol} new_image.id AS x FROM h ORDER BY sequence_number", params)


def test_other_comparisons_of_dotted_names(odd: Twice):
    """IN, NOT IN, BETWEEN, LIKE, IS NULL, CASE and two dotted names are by type as well."""
    for condition in (
        "new_image.v IN (1, '10', true)", "new_image.v NOT IN (1, '10', true)", "new_image.v BETWEEN 9 AND 10",
        "new_image.v LIKE '1%'", "new_image.v IS NULL", "CASE new_image.v WHEN 0 THEN true ELSE false END",
        "new_image.v = upper('abc') OR new_image.v = lower('ABC')", "(new_image.v) = (1)",
        "new_image.v = h.new_image.v AND new_image.v >= new_image.v", "new_image.v IN (SELECT new_image.id FROM h)",
    ):  # fmt: skip
        odd.same(f"SELECT keys.id FROM h WHERE {condition} ORDER BY sequence_number")


def test_a_dotted_name_is_text(odd: Twice):
    """A string's text, the rest as image JSON with all digits; null and missing are NULL; grouped, joined, sorted."""
    odd.same("SELECT new_image.v FROM h ORDER BY sequence_number")
    odd.same("SELECT new_image.v, count(*) AS n FROM h GROUP BY new_image.v")
    odd.same("SELECT a.keys FROM h a JOIN h b ON a.new_image.v = b.new_image.v")
    odd.same("SELECT CAST(new_image.v AS VARCHAR) AS v FROM h ORDER BY CAST(new_image.v AS VARCHAR), keys")
    odd.same(
        "SELECT max(try_cast(new_image.v AS DECIMAL(38, 2))) AS m, avg(try_cast(new_image.v AS double)) AS a FROM h"
    )


NESTED = [
    [Decimal("0.0001")], {"x": Decimal("12345678.5")}, [Decimal("0.1000000000000000055511151231257827"), 10**37 + 1],
    {"😀": ["😀", "\x1f", "\\u001F", "\ud7ff", '"', "1.5", "x,1.5,"], "n": Decimal("-10.01")},
    frozenset({Decimal("1E-130")}),
    [int(Decimal("9.99E+125")), Decimal("1.1")], {"$x": Decimal("7.77"), "y": [[Decimal("7.7")]]},
    {"$M": {"$B": Decimal("2.5")}},
    b"\x00\x01", [Decimal("17.75"), 17, 1, 10, Decimal("10.5")],
]  # fmt: skip


def test_lists_and_maps_keep_their_text(engine: Engine, tmp_path: Path):
    """Fractions of any size inside, characters that JSON may write in two ways, wrapped maps."""
    images = [{"id": str(at), "v": value, "w": {"v": value}} for at, value in enumerate(NESTED)]
    put(tmp_path, [record(at, str(at), new_image=image) for at, image in enumerate(images)])
    both = Twice(tmp_path, engine, "nested")
    found = both.same("SELECT new_image.v, new_image.w, new_image.v = new_image.w.v AS same FROM h ORDER BY keys")
    assert found["same"].all()
    both.same("""SELECT new_image.v."$x", new_image.v."$M" AS m, new_image.v."$M"."$B" AS b, new_image.v.n AS n
        FROM h ORDER BY keys""")


def test_names_inside_images(engine: Engine, tmp_path: Path):
    """Deep names, names with dots, dollars, quotes and digits, other cases; which no image has."""
    deep = {"id": "a", "a.b": 1, "m": {"x": {"$y": "z"}, "l": [{"q": Decimal("1.50")}], "1": "one", 'q"\\': 2}, "B": 1}
    put(tmp_path, [record(1, new_image=deep, old_image=None)])
    both = Twice(tmp_path, engine, "names")
    row = both.same(
        """SELECT new_image."a.b", new_image.m.x."$y", h.new_image.M.x AS mx, new_image.b, "$path", new_image.m."1",
        new_image.m."q""\\", json_extract_scalar(new_image, '$.m.l[0].q') AS q, new_image.m.l."0" AS no FROM h"""
    ).iloc[0]
    assert row.tolist()[:6] == ["1", "z", '{"$M":{"$y":"z"}}', "1", "changes/2026/01/01/a.gz", "one"]
    query = 'SELECT new_image.m.y, new_image.m.x."$y" FROM h WHERE old_image.m.z = 1'
    assert both.unseen(query) == ["m.y", "m.z"]


def test_functions_mean_the_same(todo: Twice):
    """Division, sums and averages, times, texts."""
    for query in FUNCTIONS:
        todo.same(query)
    for query in ("SELECT 1 / (timestamp - timestamp) FROM t", "SELECT CAST(timestamp AS double) / 0 FROM t"):
        with pytest.raises(Exception, match="(?i)division by zero"):
            todo.trino(query)


def test_parameters_are_values(todo: Twice):
    """Whatever a text holds; numbers, moments and nothing as well."""
    for text in ("it's", "'; SELECT 1; --", '"', "t0001' OR '1'='1", ":n", "$n", "\\", "日本", "?", "\n"):
        todo.same("SELECT :p AS p, count(*) AS n FROM t WHERE keys.todoid = :p", {"p": text})
    todo.same("SELECT * FROM t WHERE dateday = :d ORDER BY timestamp, event_id LIMIT :n", {"d": "2020/10/27", "n": 3})
    todo.same(
        "SELECT :a AS a, :b AS b, :c AS c, :d AS d, :e AS e, :f AS f, :g AS g, :h AS h",
        {"a": 10**20, "b": Decimal("1.50"), "c": 0.1, "d": datetime(2020, 1, 1, 1, 2, 3, 456789, tzinfo=UTC),
         "e": date(2020, 1, 1), "f": None, "g": True, "h": -5},
    )  # fmt: skip
    todo.same(
        "SELECT count(*) AS n FROM t WHERE timestamp_utc >= :t", {"t": datetime.fromisoformat("2020-10-27T01:47:36")}
    )


def test_an_image_that_is_no_json_is_told(engine: Engine, tmp_path: Path):
    """It was taken for a record by its braces: NULL would hide it."""
    put(tmp_path, [record(0), record(0, event_id="broken", new_image="{broken}")])
    both = Twice(tmp_path, engine, "broken")
    both.same("SELECT * FROM h")
    with pytest.raises(Exception, match="Cannot convert value to JSON: '{broken}'"):
        both.trino("SELECT new_image.version FROM h")
