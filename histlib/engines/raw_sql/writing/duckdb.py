"""The text of a checked tree for DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlglot
from sqlglot import exp

from histlib.engines.raw_sql.columns import duckdb_select
from histlib.engines.raw_sql.grammar import RESERVED
from histlib.engines.raw_sql.names import json_path_of
from histlib.engines.raw_sql.parse import quiet
from histlib.values.paths import Path, parse_path


@dataclass
class Functions:
    """Functions of images: (function, path) → the name that the text calls it by."""

    names: dict[tuple[str, Path], str] = field(default_factory=dict)

    def name(self, function: str, path: Path) -> str:
        """The name of a function."""
        return self.names.setdefault((function, path), f"histlib_f{len(self.names)}")


@dataclass(frozen=True)
class DuckDbText:
    """SQL, the values to bind, and (function of :mod:`histlib.engines.raw_sql.writing.duckdb_images`, path) → name in
    the SQL."""

    sql: str
    params: Mapping[str, Any]
    functions: Mapping[tuple[str, Path], str]


#: NULL is a value to them, as to Trino.
_WITH_NULL: Final[dict[type[exp.Expr], str]] = {exp.ArgMin: "arg_min_null", exp.ArgMax: "arg_max_null"}


def duckdb_text(tree: exp.Query, params: Mapping[str, Any]) -> DuckDbText:
    """DuckDB's text of a tree that :func:`histlib.engines.raw_sql.check` made."""
    tree = tree.copy()
    functions = Functions()
    for node in list(tree.walk(bfs=False))[::-1]:
        if isinstance(node, exp.Table) and node.name.startswith(RESERVED):
            node.replace(_history(node))
        elif isinstance(node, exp.Anonymous):
            image, path = node.expressions
            node.replace(_call(functions.name(node.name, parse_path(path.name)), image))
        elif isinstance(node, exp.JSONExtractScalar):
            node.replace(_call(functions.name("histlib_scalar", json_path_of(node)), node.this))
        elif type(node) in _WITH_NULL:
            node.replace(exp.Anonymous(this=_WITH_NULL[type(node)], expressions=[node.this, node.expression]))
        elif isinstance(node, exp.UnixToTime):
            micros = exp.Round(this=exp.Mul(this=exp.Paren(this=node.this), expression=exp.Literal.number(1_000_000)))
            node.replace(exp.Anonymous(this="make_timestamp", expressions=[exp.cast(micros, "BIGINT")]))
        elif isinstance(node, exp.DataType) and node.this == exp.DataType.Type.TIMESTAMP:
            node.set("expressions", [])  # of a literal
        elif isinstance(node, exp.SplitPart):
            node.replace(_split_part(node))
        elif isinstance(node, exp.Div):
            node.set("typed", False)  # the connection divides whole numbers to whole numbers
    names = {name: f"p{at}" for at, name in enumerate(sorted(params))}  # to DuckDB, :a is :A
    for node in tree.find_all(exp.Placeholder):
        node.set("this", names[node.name])
    with quiet():
        sql = tree.sql("duckdb", identify=True, comments=False)
    used = {node.name for node in tree.find_all(exp.Placeholder)}
    values = {names[name]: value for name, value in params.items() if names[name] in used}
    return DuckDbText(sql, values, functions.names)


def _history(table: exp.Table) -> exp.Subquery:
    select = sqlglot.parse_one(duckdb_select(table.name), read="duckdb")
    return exp.Subquery(this=select, alias=table.args["alias"], joins=table.args.get("joins"))


def _split_part(node: exp.SplitPart) -> exp.Expr:
    """As Trino has it: NULL beyond the last part, which to DuckDB is an empty text."""
    parts = exp.Anonymous(this="string_split", expressions=[node.this.copy(), node.args["delimiter"].copy()])
    count = exp.Anonymous(this="len", expressions=[parts])
    within = exp.LTE(this=node.args["part_index"].copy(), expression=count)
    return exp.Case(ifs=[exp.If(this=within, true=node.copy())])


def _call(name: str, image: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[image])
