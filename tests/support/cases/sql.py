"""Queries of raw SQL, and values that are easily taken for another, for each engine that runs them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from histlib.values.image_json import MISSING

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

#: A value of every kind that is easily taken for another.
VALUES: list[Any] = [
    0, 1, -1, Decimal("1.5"), Decimal("-0.5"), 10**37 + 1, 10**37 + 2, 12345678901234567890, 9, 10, 100,
    "", "0", "1", "10", "9", "abc", "it's", "🍎", "n1", "true",
    True, False, None, MISSING, [1], {"a": 1}, frozenset({"x"}),
]  # fmt: skip


def literals(symbol: str) -> list[Any]:
    """Of VALUES what a literal can be that compares so."""
    some = [value for value in VALUES if isinstance(value, int | str | Decimal)]
    return some if symbol in ("=", "<>") else [one for one in some if not isinstance(one, bool)]


def sql_literal(value: Any) -> str:
    """A value as SQL has it."""
    if isinstance(value, bool):
        return str(value)
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


#: Shapes of statements over the article's story, each with how many rows it gives.
SHAPES: dict[str, int] = {
    "SELECT DISTINCT CAST(new_image.title AS varchar) AS x FROM t WHERE new_image.title LIKE 'i%' ORDER BY x": 3,
    "SELECT new_image.title, count(*) FROM t GROUP BY new_image.title HAVING count(*) > 1": 3,
    "SELECT new_image.title, count(*) AS n FROM t GROUP BY 1": 6,
    "SELECT t.*, 1 AS one FROM a.t ORDER BY t.timestamp DESC, event_id OFFSET 1 LIMIT 2": 2,
    "SELECT count(*) FILTER (WHERE action = 'INSERT') AS n FROM t": 1,
    "SELECT x.title FROM (SELECT new_image.title FROM t) AS x WHERE x.title = 'お米を買う'": 2,
    "SELECT a.keys FROM t a, t b WHERE a.event_id = b.event_id AND b.action = 'REMOVE'": 1,
    "SELECT keys FROM t EXCEPT SELECT keys FROM t WHERE dateday = '2020/10/27'": 1,
    "SELECT keys FROM t INTERSECT SELECT keys FROM t WHERE dateday = '2020/10/27'": 2,
    "SELECT upper(action) AS dateday FROM t WHERE dateday = '2020/10/27'": 4,
    "SELECT keys FROM t a WHERE EXISTS (SELECT 1 FROM t b WHERE b.keys = a.keys AND b.dateday = '2020/10/27')": 6,
    "SELECT keys FROM t WHERE timestamp = (SELECT max(timestamp) FROM t)": 1,
    "SELECT sum(timestamp) OVER (ORDER BY sequence_number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM t": 9,
    "SELECT * FROM t WHERE timestamp_utc > TIMESTAMP '2020-10-27 01:47:36'": 3,
    "SELECT * FROM t WHERE timestamp_utc > '2020-10-27 01:47:36'": 3,
    "SELECT * FROM t WHERE timestamp_utc BETWEEN '2020-10-27' AND '2020-10-28' OR timestamp_utc IN ('2020-10-26')": 4,
    "SELECT * FROM t WHERE CAST(timestamp_utc AS date) = '2020-10-27'": 4,
    "SELECT keys FROM t WHERE new_image.done = false AND old_image.memo IS NULL": 6,
    "SELECT keys FROM t WHERE new_image.title <> old_image.title": 2,
    "SELECT keys FROM t WHERE new_image.title IS DISTINCT FROM old_image.title": 6,
    "((SELECT 1 AS x))": 1,
    "SELECT action FROM t -- where\n/* all */": 9,
    """WITH c AS (SELECT keys.todoid AS k, new_image, row_number() OVER (PARTITION BY keys ORDER BY
        sequence_number DESC) AS n FROM a.b) SELECT k, new_image.title AS title FROM c WHERE n = 1 ORDER BY k""": 3,
    "SELECT max_by(new_image, sequence_number) AS m FROM t WHERE keys.todoid = 't0001'": 1,
    """SELECT count(*) AS n FROM "db"."t" AS x JOIN t AS y ON x.keys = y.keys AND x.new_image = y.old_image
        WHERE x.dateday = '2020/10/26' AND y.dateday = '2020/10/27'""": 1,
    """SELECT lag(new_image.title) OVER (PARTITION BY keys ORDER BY sequence_number) AS t FROM t
        WHERE keys.todoid = 't2222' ORDER BY sequence_number""": 4,
    "SELECT action FROM t WHERE action = 'REMOVE' UNION ALL SELECT 'x' ORDER BY 1": 2,
    "SELECT count(*) AS n FROM t LEFT JOIN t AS u ON t.event_id = u.event_id AND u.dateday = 'x'": 1,
    """SELECT count(*), upper(action), keys.todoid, action, "$path", t.file AS f, 1, max(timestamp)
        FROM t GROUP BY 2, 3, 4, 5, 6""": 9,
    "SELECT dateday, count(*) AS n, count(DISTINCT keys) FROM h GROUP BY 1 ORDER BY 1": 2,
    "SELECT * FROM x WHERE dateday = '2019/01/01'": 0,
}

#: Functions, over the article's story.
FUNCTIONS = [
    """SELECT 7 / 2 AS a, 7.0 / 2 AS b, concat('x', actor) AS c, from_unixtime(0) AS d, sum(timestamp) AS e,
        date_trunc('day', max(timestamp_utc)) AS f, CAST(max(timestamp_utc) AS DATE) AS g, substr('abc', 2, 1) AS h,
        strpos('abc', 'c') AS i, try_cast('x' AS bigint) AS j, CAST('1.50' AS decimal(38, 2)) AS k,
        count_if(action = 'INSERT') AS l, regexp_like('abc', 'b.') AS m, round(2.5) AS n, coalesce(NULL, 'y') AS o,
        split_part('a,b', ',', 2) AS p, nullif(1, 1) AS q, if(1 = 1, 'a', 'b') AS r, avg(1) AS s
        FROM t WHERE action <> 'REMOVE' GROUP BY actor""",
    """SELECT timestamp / 7.0 AS a, CAST(timestamp AS decimal(38, 2)) / 3 AS b, avg(CAST(1.5 AS decimal(38, 2))) AS c,
        sum(CAST(timestamp AS decimal(38, 2))) AS d, 1.5 * 2 AS e, 1.5 + 1 AS f, timestamp % 7 AS g, -timestamp AS h,
        round(-2.5e0) AS i, abs(-1.5) AS j, 1e0 / 4 AS k, avg(timestamp) AS l FROM t GROUP BY timestamp""",
    """SELECT from_unixtime(timestamp) AS a, from_unixtime(1.5) AS b, date_trunc('month', timestamp_utc) AS c,
        TIMESTAMP '2020-10-27 01:47:36.5' AS d, CAST('2020-10-27 01:47:36.123456' AS TIMESTAMP) AS e, NULL AS f,
        CAST(timestamp_utc AS DATE) AS g, min(timestamp_utc) OVER () AS h, 3000000000 AS i, true AS j FROM t""",
    """SELECT trim('  a ') AS a, lower('ÀB') AS b, upper('é') AS c, length('日本😀') AS d,
        replace('aba', 'a', 'x') AS e,
        starts_with('abc', 'ab') AS f, action || 'x' AS g, substr('日本語', 2) AS h, split_part('a', ',', 2) AS i,
        arbitrary(action) AS j, min_by(keys, sequence_number) AS k FROM t GROUP BY action""",
]
