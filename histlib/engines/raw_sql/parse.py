"""The tree of a statement's text: one SELECT, of allowed parts only, with a place in the text for what is refused."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from histlib.engines.raw_sql.grammar import FUNCTIONS, JOINS, MOST_ARGUMENTS, PARTS, RESERVED, TYPES, UNITS, described
from histlib.errors import RequestError

#: The dialect that texts are read in: Athena's engine is Trino's, and its name for quoting is the same here.
DIALECT: Final = "trino"
#: Athena takes no longer ones.
MOST_BYTES: Final = 262_144

_CLASSES: Final = PARTS | frozenset(FUNCTIONS.values())
_NUMBER: Final = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
#: What sqlglot raises on texts that it did not expect.
PARSER_ERRORS: Final = (SqlglotError, TypeError, ValueError, AttributeError, LookupError)
#: How a resolved dotted name would show.
_RESOLVED: Final = re.compile(r"""HISTLIB_[A-Z]+\((?:"\w+"\.)?"(\w+)", '(.*?)'\)""")
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")


def parse(text: str) -> exp.Query:
    """The tree of one SELECT.

    Raises:
        RequestError: no SQL, more or else than one SELECT, or a part that is not allowed; says where.
    """
    if not isinstance(text, str) or not text.strip():
        raise RequestError(f"{text!r} is no SQL text; expected one SELECT", text)
    if "\0" in text or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise RequestError(f"the SQL text is longer than {MOST_BYTES:,} bytes, or has a character NUL", text[:200])
    try:
        with quiet():
            trees = [tree for tree in sqlglot.parse(text, read=DIALECT) if tree is not None]
    except PARSER_ERRORS as error:
        message = _ANSI.sub("", str(error)).splitlines()
        raise RequestError(f"not SQL that sql() reads: {message[0] if message else error}", text) from error
    except RecursionError as error:
        raise RequestError("the SQL text is nested too deep", text[:200]) from error
    if len(trees) != 1:
        raise RequestError(f"expected one SELECT, got {len(trees)} statements", text)
    tree = trees[0]
    if not isinstance(tree, exp.Select | exp.Union | exp.Except | exp.Intersect | exp.Subquery):
        raise RequestError(f"sql() only reads: expected one SELECT, got {tree.key.upper()}", text)
    for node in tree.walk():
        _check(node, text)
    return tree


@contextmanager
def quiet() -> Iterator[None]:
    """Without the parser's own warnings: what they are about is refused."""
    logger = logging.getLogger("sqlglot")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def refused(what: str, node: exp.Expr, text: str, expected: str) -> RequestError:
    """The error for a part of the text."""
    shown = node.key
    with quiet(), suppress(*PARSER_ERRORS):
        shown = _RESOLVED.sub(r"\1.\2", node.sql(DIALECT, comments=False))
    shown = " ".join(shown.split())
    shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
    return RequestError(f"{what} {shown!r}{_place(node, text)} is not allowed in sql(): {expected}", shown)


def _place(node: exp.Expr, text: str) -> str:
    """`` (line 1, column 8)`` where the parser remembers it, of the node or what is in it."""
    for part in node.walk():
        start = part.meta.get("start")
        if start is not None:
            before = text[:start]
            return f" (line {before.count(chr(10)) + 1}, column {start - before.rfind(chr(10))})"
    return ""


def _check(node: exp.Expr, text: str) -> None:
    if isinstance(node, exp.Bracket):
        raise refused("the position", node, text, "write json_extract_scalar(new_image, '$.items[0]')")
    if type(node) not in _CLASSES:
        if isinstance(node, exp.Func):
            raise refused("the function", node, text, f"allowed are {described()}")
        raise refused(
            _name(node), node, text, "it knows one SELECT with WITH, UNION, JOIN, GROUP BY, windows, ORDER BY"
        )
    if isinstance(node, exp.Func) and node.error_messages():
        raise refused("the function", node, text, "it lacks an argument")
    checker = _CHECKS.get(type(node))
    if checker:
        checker(node, text)
    most = MOST_ARGUMENTS.get(type(node))
    if most is not None and sum(1 for value in node.args.values() if isinstance(value, exp.Expr)) > most:
        raise refused("the function", node, text, f"it takes {most} arguments here")


def _name(node: exp.Expr) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _check_identifier(node: exp.Expr, text: str) -> None:
    if node.name.lower().startswith(RESERVED):
        raise refused("the name", node, text, f"names that begin with {RESERVED} are taken")
    start = node.meta.get("start")
    if start is not None and text[start] == "'":
        raise refused("the name", node, text, "a text in single quotes is no name; quote names in double quotes")


def _check_literal(node: exp.Expr, text: str) -> None:
    if not node.args.get("is_string") and not _NUMBER.fullmatch(str(node.this)):
        raise refused("the literal", node, text, "expected a number like 12 or 1.5, or a text in single quotes")


def _check_placeholder(node: exp.Expr, text: str) -> None:
    if not node.this or not _PARAMETER.fullmatch(str(node.this)):
        raise refused("the parameter", node, text, "write :name, and give params={'name': value}")


def _check_table(node: exp.Expr, text: str) -> None:
    extra = {key for key, value in node.args.items() if value} - {"this", "db", "catalog", "alias", "joins"}
    if not isinstance(node.this, exp.Identifier) or extra:
        raise refused("the table", node, text, "expected a name like todo or database.todo; all mean the history")


def _check_alias(node: exp.Expr, text: str) -> None:
    if node.args.get("columns") and isinstance(node.parent, exp.Table):
        raise refused("the alias", node, text, "expected a name, without names of columns")


def _check_join(node: exp.Expr, text: str) -> None:
    words = {str(node.args.get(part) or "").upper() for part in ("method", "side", "kind")}
    if not words <= JOINS or node.args.get("global_"):
        raise refused("the join", node, text, "expected [INNER | LEFT | RIGHT | FULL | CROSS] JOIN")


def _check_with(node: exp.Expr, text: str) -> None:
    if node.args.get("recursive"):
        raise refused("the recursive", node, text, "WITH without RECURSIVE")


def _check_star(node: exp.Expr, text: str) -> None:
    if any(node.args.values()):
        raise refused("the star", node, text, "expected * or name.*")


def _check_group(node: exp.Expr, text: str) -> None:
    if {key for key, value in node.args.items() if value} - {"expressions"}:
        raise refused("the grouping", node, text, "expected GROUP BY with expressions")


def _check_set(node: exp.Expr, text: str) -> None:
    if any(node.args.get(part) for part in ("by_name", "side", "kind", "on")):
        raise refused("the set operation", node, text, "expected UNION, EXCEPT or INTERSECT, with or without ALL")


def _check_type(node: exp.Expr, text: str) -> None:
    kind = str(getattr(node.this, "value", node.this))
    sized = bool(node.expressions) and kind != "DECIMAL" and not _of_literal(node)
    if kind not in TYPES or node.args.get("nested") or node.args.get("values") or sized:
        raise refused("the type", node, text, f"allowed are {', '.join(sorted(TYPES))}; DECIMAL with digits (38, 10)")


def _of_literal(node: exp.Expr) -> bool:
    """Whether it is the type of a TIMESTAMP '…', which the parser gives as many digits as the text has."""
    value = node.parent.this if isinstance(node.parent, exp.Cast) else None
    if not isinstance(value, exp.Literal) or not value.is_string or str(getattr(node.this, "value", "")) != "TIMESTAMP":
        return False
    return bool(node.expressions[0].name == str(len(value.name.partition(".")[2])))


def _check_distinct(node: exp.Expr, text: str) -> None:
    if node.args.get("on"):
        raise refused("the DISTINCT", node, text, "expected DISTINCT without ON")


def _check_cast(node: exp.Expr, text: str) -> None:
    if any(node.args.get(part) for part in ("format", "action", "default")):
        raise refused("the cast", node, text, "expected CAST(x AS type)")


def _check_unit(node: exp.Expr, text: str) -> None:
    if str(node.args["unit"].name).upper() not in UNITS or node.args.get("zone"):
        raise refused("the unit", node, text, f"allowed are {', '.join(sorted(unit.lower() for unit in UNITS))}")


def _check_variable(node: exp.Expr, text: str) -> None:
    if not isinstance(node.parent, exp.TimestampTrunc | exp.WindowSpec):
        raise refused("the word", node, text, "quote names in double quotes, texts in single quotes")


def _check_dot(node: exp.Expr, text: str) -> None:
    if not isinstance(node.args.get("expression"), exp.Identifier) or not isinstance(node.this, exp.Column | exp.Dot):
        raise refused("the name", node, text, "expected names joined by dots, like new_image.address.zip")


def _check_in(node: exp.Expr, text: str) -> None:
    if node.args.get("unnest") or node.args.get("field") or node.args.get("is_global"):
        raise refused("the condition", node, text, "expected x IN (value, …) or x IN (SELECT …)")


def _check_json_path(node: exp.Expr, text: str) -> None:
    path = node.args.get("expression")
    if not isinstance(path, exp.JSONPath) or any(node.args.get(part) for part in ("expressions", "on_condition")):
        raise refused("the path", node, text, "expected a text like '$.address.zip' or '$.items[0]'")


_CHECKS: Final[dict[type[exp.Expr], Any]] = {
    exp.Identifier: _check_identifier,
    exp.Literal: _check_literal,
    exp.Placeholder: _check_placeholder,
    exp.Table: _check_table,
    exp.TableAlias: _check_alias,
    exp.Join: _check_join,
    exp.With: _check_with,
    exp.Star: _check_star,
    exp.Group: _check_group,
    exp.Union: _check_set,
    exp.Except: _check_set,
    exp.Intersect: _check_set,
    exp.DataType: _check_type,
    exp.Cast: _check_cast,
    exp.TryCast: _check_cast,
    exp.TimestampTrunc: _check_unit,
    exp.Var: _check_variable,
    exp.Dot: _check_dot,
    exp.Distinct: _check_distinct,
    exp.In: _check_in,
    exp.JSONExtractScalar: _check_json_path,
}
