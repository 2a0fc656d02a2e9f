"""Names of a tree: its tables (all mean the history), its columns, and dotted names that look into images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, Final

from sqlglot import exp

from histlib.engines.raw_sql.columns import ALIASES, COLUMNS, IMAGES
from histlib.engines.raw_sql.parse import refused
from histlib.errors import PathNotValidError
from histlib.values.paths import Path, format_path, parse_path

#: The function that stands for a dotted name in a checked tree: (image column, path as text).
TEXT_OF: Final = "histlib_text"

#: Marks what can only be a string.
STRING_KEY: Final = "histlib_string_key"

#: Names of the top-level attributes; ``exact``: all of them, else those of a sample.
Lookup = Callable[[bool], Collection[str]]


def history_tables(tree: exp.Query) -> list[exp.Table]:
    """The tables that mean the history: all but names of a WITH."""
    known = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    return [table for table in tree.find_all(exp.Table) if table.args.get("db") or table.name.lower() not in known]


def resolve(tree: exp.Query, keys: Mapping[str, str], lookup: Lookup, text: str) -> None:
    """Replace each dotted name by the function :data:`TEXT_OF`, in place.

    Raises:
        RequestError: a name that no image has, or a column that is not there.
    """
    tables = {name.lower() for node in tree.find_all(exp.Table, exp.Subquery, exp.CTE) if (name := node.alias_or_name)}
    attribute = _Attributes(keys, cache(lookup))
    for node in list(tree.find_all(exp.Column, exp.Dot)):
        if isinstance(node.parent, exp.Dot) and node.arg_key == "this":
            continue
        if isinstance(node.find(exp.Star), exp.Star):
            continue
        parts = _parts(node)
        table, rest = _table_of(parts, tables, text, node)
        if len(rest) == 1:
            _replace_column(node, _column(table, rest[0]), rest[0].name)
            continue
        image = rest[0].name.lower()
        if image not in IMAGES:
            raise refused("the name", node, text, f"dots look into {', '.join(IMAGES)}; columns are {_listed(COLUMNS)}")
        path = (attribute(image, rest[1].name, text), *(part.name for part in rest[2:]))
        source = exp.Literal.string(format_path(path))
        dotted = exp.Anonymous(this=TEXT_OF, expressions=[_column(table, rest[0]), source])
        dotted.meta[STRING_KEY] = image == "keys" and keys[path[0]] == "S"
        node.replace(dotted)


def _replace_column(node: exp.Expr, column: exp.Column, name: str) -> None:
    """In a SELECT, ``"$path"`` stays the name of what it is."""
    selected = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
    node.replace(exp.alias_(column, name, quoted=True) if selected and name in ALIASES else column)


def name_columns(tree: exp.Query) -> None:
    """Name what a SELECT gives as Athena does, in place: a dotted name by its last part, the nameless ``_col0`` …"""
    for select in tree.find_all(exp.Select):
        for at, column in enumerate(select.expressions):
            if is_dotted(column):
                _rename(select, at, str(parse_path(unwrapped(column).expressions[1].name)[-1]))
            elif not isinstance(column, exp.Alias | exp.Column | exp.Star):
                _rename(select, at, f"_col{at}")


def _rename(select: exp.Select, at: int, name: str) -> None:
    column = select.expressions[at]
    alias = exp.Alias(alias=exp.to_identifier(name, quoted=True))
    column.replace(alias)
    alias.set("this", column)


class _Attributes:
    """The attribute that is meant: exactly, else the only one that differs but in case."""

    def __init__(self, keys: Collection[str], lookup: Lookup) -> None:
        self._keys = keys
        self._lookup = lookup

    def __call__(self, image: str, name: str, text: str) -> str:
        if image == "keys":
            return _only(name, self._keys, "the key's attributes", text)
        if name in self._lookup(False):
            return name
        return _only(name, self._lookup(True), "the attributes", text)


def _only(name: str, known: Collection[str], what: str, text: str) -> str:
    if name in known:
        return name
    alike = sorted(one for one in known if one.lower() == name.lower())
    if len(alike) == 1:
        return alike[0]
    if alike:
        listed = ", ".join(f'"{one}"' for one in alike)
        raise PathNotValidError(f"{name!r} may be {listed}: write the name as it is", text)
    raise PathNotValidError(f"no image has the attribute {name!r}; {what} are {_listed(sorted(known))}", name)


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:40]
    return ", ".join(shown) + (f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else "")


def _parts(node: exp.Expr) -> list[exp.Identifier]:
    if isinstance(node, exp.Dot):
        return [*_parts(node.this), node.args["expression"]]
    assert isinstance(node, exp.Column)
    return [part for part in node.parts if isinstance(part, exp.Identifier)]


def _table_of(
    parts: list[exp.Identifier], tables: Collection[str], text: str, node: exp.Expr
) -> tuple[exp.Identifier | None, list[exp.Identifier]]:
    """The table that a name begins with, and the rest of it."""
    if len(parts) == 1:
        return None, parts
    if parts[0].name.lower() in tables:
        return parts[0], parts[1:]
    if parts[0].name.lower() in IMAGES:
        return None, parts
    if len(parts) > 2 and parts[1].name.lower() in tables:  # "database"."table".column
        return parts[1], parts[2:]
    raise refused("the name", node, text, f"{parts[0].name} is no table of it, and dots look into {', '.join(IMAGES)}")


def _column(table: exp.Identifier | None, name: exp.Identifier) -> exp.Column:
    named = exp.to_identifier(ALIASES.get(name.name, name.name), quoted=True)
    column = exp.Column(this=named, table=None if table is None else exp.to_identifier(table.name, quoted=True))
    column.meta.update(name.meta)
    return column


def is_dotted(node: Any) -> bool:
    """Whether it is a dotted name (resolved)."""
    node = unwrapped(node)
    return isinstance(node, exp.Anonymous) and node.name == TEXT_OF


def unwrapped(node: Any) -> Any:
    """What is inside parentheses."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def json_path_of(node: exp.JSONExtractScalar) -> Path:
    """The path that a json_extract_scalar goes.

    Raises:
        RequestError: none of names and positions.
    """
    steps = [part for part in node.expression.expressions if not isinstance(part, exp.JSONPathRoot)]
    if not steps or not all(isinstance(part.this, str | int) for part in steps):
        raise refused("the path", node, "", "expected a text like '$.address.zip' or '$.items[0]'")
    return tuple(part.this for part in steps)
