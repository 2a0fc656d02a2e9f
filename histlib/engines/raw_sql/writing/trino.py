"""The text of a checked tree for Trino, as Athena runs it over the Glue table: each answer as DuckDB gives it.

The dialect is the tree's own, so most stands as it was written. What is not so: the history is the table within
days; functions of images are their SQL; values stand as literals; where Trino keeps fewer digits than DuckDB (averages
and quotients of decimals, milliseconds) numbers are doubles and times have microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from histlib.engines.raw_sql.columns import COLUMNS
from histlib.engines.raw_sql.days import Days
from histlib.engines.raw_sql.families import types_of
from histlib.engines.raw_sql.grammar import RESERVED
from histlib.engines.raw_sql.looks import Look, looks_of
from histlib.engines.raw_sql.names import json_path_of
from histlib.engines.raw_sql.parse import quiet
from histlib.engines.raw_sql.writing.trino_images import function_sql, is_there, scalar_sql
from histlib.engines.trino_text import Place, image, literal
from histlib.values.paths import parse_path

if TYPE_CHECKING:
    from histlib.engines.raw_sql.statement import Statement

_DAY: Final = re.compile(r"\d{4}/\d{2}/\d{2}", re.ASCII)
_WHOLE: Final = (exp.DataType.Type.INT, exp.DataType.Type.BIGINT)
_FRACTIONAL: Final = (exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT)
_TIMES: Final = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.DATE)
_COMPARED: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between,
                    exp.In)  # fmt: skip


def trino_text(statement: Statement, table: str, first_day: str, last_day: str, location: str) -> str:
    """The statement over a table.

    Args:
        table: SQL, like ``"database"."table"``.
        first_day: of the datedays to read at most, ``yyyy/MM/dd``; what the statement says of its datedays narrows it.
        last_day: the last of them.
        location: the history's, ``s3://bucket/prefix/``: what ``"$path"`` has before ``changes/…``.
    """
    tree = statement.tree.copy()
    writer = _Writer(statement, table, (first_day, last_day), location, types_of(tree))
    for node in list(tree.walk(bfs=False))[::-1]:
        changed = writer.changed(node)
        if changed is not None:
            node.replace(changed)
    return _sql(tree)


def days_read(statement: Statement, first_day: str, last_day: str) -> tuple[str, str]:
    """The first and the last of the datedays that :func:`trino_text` reads."""
    bounds = [_bounds(scan.days, first_day, last_day) for scan in statement.scans]
    return (min(first for first, _ in bounds), max(last for _, last in bounds)) if bounds else (first_day, first_day)


def unseen_text(statement: Statement, table: str, first_day: str, last_day: str) -> tuple[str, tuple[str, ...]] | None:
    """A SELECT of one row that has a boolean per dotted name, whether an image of those days has it, and the names;
    None where there is no dotted name. The names that it says FALSE or NULL of are
    :data:`histlib.engines.queries.UNSEEN`."""
    looks = looks_of(statement.tree)
    if not looks:
        return None
    seen = (" OR ".join(map(_is_there, some)) for some in looks.values())
    told = ", ".join(f"bool_or({there}) AS c{at}" for at, there in enumerate(seen))
    within = _within(*days_read(statement, first_day, last_day))
    return f"SELECT {told} FROM {table} WHERE {within}{_narrowed(statement)}", tuple(looks)


def _is_there(look: Look) -> str:
    column = f'"{look.column}"'
    if look.wrapped:
        return is_there(column, look.path)
    return f"coalesce({Place(column, look.path).json} IS NOT NULL, FALSE)"


def _narrowed(statement: Statement) -> str:
    """Of the days from the first to the last, those that some part of the statement wants."""
    wanted = {scan.days: " AND ".join(map(_day_test, scan.days.tests)) for scan in statement.scans}
    return f" AND ({' OR '.join(f'({test})' for test in wanted.values())})" if all(wanted.values()) else ""


def _day_test(test: tuple[str, Any]) -> str:
    name, value = test
    if name == "in":
        return f'"dateday" IN ({", ".join(map(literal, value))})'
    return f'"dateday" {"=" if name == "==" else name} {literal(value)}'


def answer_type(kind: str, precision: int = 0, scale: int = 0) -> Any:
    """The Arrow type of an answer's column, by the name of its type in Athena.

    Raises:
        ValueError: no type that an answer can have.
    """
    import pyarrow as pa

    base, _, arguments = kind.partition("(")
    found = {
        "varchar": pa.string(), "char": pa.string(), "unknown": pa.null(), "boolean": pa.bool_(), "integer": pa.int32(),
        "int": pa.int32(), "bigint": pa.int64(), "double": pa.float64(), "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }.get(base.strip())  # fmt: skip
    if base == "decimal":
        digits = [int(digit) for digit in re.findall(r"\d+", arguments)] or [precision, scale]
        return pa.decimal128(*digits)
    if found is None:
        raise ValueError(f"{kind!r} is no type of an answer")
    return found


class _Writer:
    """Changes the nodes of a tree, from the innermost."""

    def __init__(
        self, statement: Statement, table: str, days: tuple[str, str], location: str, types: Mapping[int, Any]
    ) -> None:
        self._params = statement.params
        self._scans = {scan.name: scan for scan in statement.scans}
        self._table = table
        self._days = days
        self._location = location
        self._types = types

    def changed(self, node: exp.Expr) -> exp.Expr | None:
        match node:
            case exp.Table() if node.name.startswith(RESERVED):
                return self._history(node)
            case exp.Anonymous():
                image, path = node.expressions
                return _raw(function_sql(node.name, _sql(image), parse_path(path.name)))
            case exp.JSONExtractScalar():
                return _raw(scalar_sql(_sql(node.this), json_path_of(node)))
            case exp.Cast() if isinstance(node.this, exp.Placeholder):
                return self._bound(node)
            case exp.DataType() if node.this == exp.DataType.Type.TIMESTAMP:
                node.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(6))])
            case exp.UnixToTime():
                nanos = f"CAST(round(({_sql(node.this)}) * 1000000) AS BIGINT) * 1000"
                return _raw(f"CAST(from_unixtime_nanos({nanos}) AT TIME ZONE 'UTC' AS TIMESTAMP(6))")
            case exp.Avg():
                node.set("this", self._double(node.this))
            case exp.Div():
                self._divide(node)
        if isinstance(node, _COMPARED):
            self._compare_times(node)
        return None

    def _history(self, table: exp.Table) -> exp.Expr:
        named = {name: f'{image(name)} AS "{name}"' for name in ("new_image", "old_image")}
        named["file"] = f'substr("$path", {len(self._location) + 1}) AS "file"'
        columns = ", ".join(named.get(name, f'"{name}"') for name in COLUMNS)
        within = _within(*_bounds(self._scans[table.name].days, *self._days))
        select = f"(SELECT {columns} FROM {self._table} WHERE {within})"
        return exp.Table(this=_raw(select), alias=table.args["alias"], joins=table.args.get("joins"))

    def _bound(self, cast: exp.Cast) -> exp.Expr:
        value = self._params[cast.this.name]
        if isinstance(cast.parent, exp.Limit | exp.Offset):
            return _raw(str(value))
        return _raw(_value(value, cast.to.sql("trino")))

    def _double(self, node: exp.Expr) -> exp.Expr:
        return exp.cast(node, "DOUBLE")

    def _divide(self, node: exp.Div) -> None:
        kinds = {self._kind(side) for side in (node.this, node.expression)}
        if not kinds & set(_FRACTIONAL):
            return
        divisor = _sql(self._double(node.expression))
        node.set("this", self._double(node.this))
        node.set("expression", _raw(f"CASE WHEN {divisor} = 0 THEN CAST(1 / 0 AS DOUBLE) ELSE {divisor} END"))

    def _compare_times(self, node: exp.Expr) -> None:
        """A moment may be written as a text."""
        sides = [(name, one) for name, one in node.args.items() if name in ("this", "expression", "low", "high")]
        kinds = {self._kind(one) for _, one in sides} & set(_TIMES)
        if not kinds:
            return
        kind = "TIMESTAMP(6)" if exp.DataType.Type.TIMESTAMP in kinds else "DATE"
        for name, one in sides:
            if self._kind(one) in exp.DataType.TEXT_TYPES:
                node.set(name, _raw(f"CAST({_sql(one)} AS {kind})"))
        if isinstance(node, exp.In):
            node.set("expressions", [_raw(f"CAST({_sql(one)} AS {kind})") for one in node.expressions])

    def _kind(self, node: Any) -> Any:
        while isinstance(node, exp.Paren):
            node = node.this
        return self._types.get(node.meta.get("histlib_id", -1)) if isinstance(node, exp.Expr) else None


def _bounds(days: Days, first: str, last: str) -> tuple[str, str]:
    """The datedays from first to last that may be wanted, as far as one span says it."""
    for name, value in days.tests:
        texts = value if name == "in" else (value,)
        if not all(_DAY.fullmatch(text) for text in texts):
            continue
        first = max(first, min(texts)) if name in ("==", "in", ">", ">=") else first
        last = min(last, max(texts)) if name in ("==", "in", "<", "<=") else last
    return first, last


def _within(first: str, last: str) -> str:
    return f'"dateday" BETWEEN {literal(first)} AND {literal(last)}'


def _value(value: Any, kind: str) -> str:
    """A parameter's value as a literal of its type."""
    match value:
        case bool():
            return str(value).upper()
        case int() | Decimal():
            return f"CAST({literal(f'{value:f}' if isinstance(value, Decimal) else str(value))} AS {kind})"
        case float():
            return f"CAST({literal(repr(value))} AS DOUBLE)"
        case datetime():
            return f"TIMESTAMP {literal(f'{value:%Y-%m-%d %H:%M:%S.%f}')}"
        case date():
            return f"DATE {literal(value.isoformat())}"
    return f"CAST({literal(value)} AS VARCHAR)"


def _raw(sql: str) -> exp.Var:
    """SQL that stands as it is."""
    return exp.Var(this=sql)


def _sql(node: exp.Expr) -> str:
    with quiet():
        return node.sql("trino", identify=True, comments=False)
