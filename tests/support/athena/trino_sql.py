"""Trino's SQL as DuckDB's: names of functions, parameters, names of tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from tests.support.athena.engines import EngineError

#: Functions that DuckDB has not, or has otherwise: they go by ``t_`` and their name (see trino_functions).
OWN = {
    "json_extract_scalar", "json_extract", "json_format", "json_parse", "json_array_length", "json_size",
    "json_array_contains", "is_json_scalar",
    "xxhash64", "md5", "sha256", "to_utf8", "from_utf8", "from_big_endian_64", "to_big_endian_64", "to_hex", "from_hex",
    "to_base64", "from_base64",
    "date_parse", "date_format", "from_unixtime", "to_unixtime", "from_iso8601_timestamp", "to_iso8601",
    "max_by", "min_by", "count_if", "concat", "bitwise_not", "element_at", "cardinality", "contains", "codepoint",
    "regexp_extract", "regexp_replace", "split", "approx_distinct", "arbitrary", "any_value",
}  # fmt: skip


def parse(sql: str, parameters: Sequence[str]) -> exp.Expression:
    """The tree of a query, with its parameters in place and functions of :data:`OWN` by their own names."""
    try:
        tree = sqlglot.parse_one(_renamed(sql), dialect="trino")
    except sqlglot.errors.SqlglotError as error:
        raise EngineError(f"SYNTAX_ERROR: {str(error).splitlines()[0]}") from error
    return _bound(tree, parameters)


def _renamed(sql: str) -> str:
    """The text with ``t_`` before the calls of functions of :data:`OWN`."""
    tokens = sqlglot.tokenize(sql, dialect="trino")
    starts = [
        one.start
        for one, after in itertools.pairwise(tokens)
        if after.token_type == TokenType.L_PAREN and one.text.lower() in OWN and sql[one.start] not in "\"'"
    ]
    ends = [*starts, len(sql)]
    return sql[: ends[0]] + "".join(f"t_{sql[at:end]}" for at, end in zip(starts, ends[1:], strict=True))


def _bound(tree: exp.Expression, parameters: Sequence[str]) -> exp.Expression:
    places = [node for node in tree.walk(bfs=False) if isinstance(node, exp.Placeholder)]
    if len(places) != len(parameters):
        raise EngineError(
            "INVALID_PARAMETER_USAGE: line 1:1: "
            f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}"
        )
    for place, text in zip(places, parameters, strict=True):
        if place.find_ancestor(exp.Where, exp.Having) is None:
            raise EngineError("SYNTAX_ERROR: line 1:1: a parameter may stand in WHERE only")
        place.replace(_value(text))
    return tree


def _value(text: str) -> exp.Expression:
    """A parameter: the text of a literal, and nothing else."""
    try:
        value = sqlglot.parse_one(text, dialect="trino")
    except sqlglot.errors.SqlglotError:
        value = None
    bare = value.this if isinstance(value, exp.Neg | exp.Cast) else value
    if not isinstance(bare, exp.Literal | exp.Null | exp.Boolean):
        raise EngineError(f"SYNTAX_ERROR: line 1:1: a parameter must be a literal, got {text!r:.200}")
    return value


def to_duckdb(tree: exp.Expression) -> str:
    """The tree as DuckDB's text."""
    tree = _named(tree)
    for node in list(tree.find_all(exp.Anonymous)):
        if change := _CHANGES.get(node.name.lower()):
            node.replace(change(node))
    for cast in list(tree.find_all(exp.Cast)):
        _cast(cast)
    return tree.sql(dialect="duckdb")


def _named(tree: exp.Expression) -> exp.Expression:
    """Give Trino's names to what has none: ``_col0`` …"""
    first = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if isinstance(first, exp.Select):
        for at, one in enumerate(first.expressions):
            if not isinstance(one, exp.Alias | exp.Column | exp.Star | exp.Dot):
                first.expressions[at].replace(exp.alias_(one.copy(), f"_col{at}", quoted=True))
    return tree


def _cast(cast: exp.Cast) -> None:
    """CASTs to and from JSON, which here is text."""
    to = cast.to.sql(dialect="trino").upper().replace(" ", "")
    source = cast.this
    json = isinstance(source, exp.Anonymous) and source.name in ("t_json_parse", "t_json_extract")
    if to == "JSON":
        cast.replace(exp.Anonymous(this="t_to_json", expressions=[source]))
    elif to in ("MAP(VARCHAR,JSON)", "ARRAY(JSON)"):
        cast.replace(exp.Anonymous(this="t_json_map" if to[0] == "M" else "t_json_array", expressions=[source]))
    elif json:
        source.replace(exp.Anonymous(this="t_json_text", expressions=[source.copy()]))


def _concat(node: exp.Anonymous) -> exp.Expression:
    first, *more = node.expressions
    for one in more:
        first = exp.DPipe(this=first, expression=one, safe=True)
    return exp.paren(first)


def _renaming(name: str) -> Callable[[exp.Anonymous], exp.Expression]:
    return lambda node: exp.Anonymous(this=name, expressions=node.expressions)


def _formatted(function: str, kind: str) -> Callable[[exp.Anonymous], exp.Expression]:
    """date_parse and date_format: MySQL's pattern as strftime's."""

    def changed(node: exp.Anonymous) -> exp.Expression:
        value, pattern = node.expressions
        if not pattern.is_string:
            raise EngineError("NOT_SUPPORTED: the stand-in needs the pattern of a date as a literal")
        text = pattern.name
        for mysql, own in (("%i", "%M"), ("%s", "%S"), ("%T", "%H:%M:%S"), ("%c", "%-m"), ("%e", "%-d"), ("%k", "%-H")):
            text = text.replace(mysql, own)
        return exp.Anonymous(this=function, expressions=[exp.cast(value, kind), exp.Literal.string(text)])

    return changed


_CHANGES: dict[str, Callable[[exp.Anonymous], exp.Expression]] = {
    "t_concat": _concat,
    "t_max_by": _renaming("arg_max_null"),
    "t_min_by": _renaming("arg_min_null"),
    "t_bitwise_not": lambda node: exp.paren(exp.BitwiseNot(this=exp.paren(node.expressions[0]))),
    "t_date_parse": _formatted("strptime", "VARCHAR"),
    "t_date_format": _formatted("strftime", "TIMESTAMP"),
    "t_count_if": _renaming("count_if"),
    "t_approx_distinct": lambda node: exp.Count(this=exp.Distinct(expressions=node.expressions[:1])),
    "t_arbitrary": _renaming("any_value"),
    "t_any_value": _renaming("any_value"),
}
