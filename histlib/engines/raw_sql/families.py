"""Of what family each part of a statement is: text, number, boolean or time; an engine would mix them, quietly."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from histlib.engines.raw_sql.columns import types
from histlib.engines.raw_sql.names import STRING_KEY, is_dotted, unwrapped
from histlib.engines.raw_sql.parse import DIALECT, PARSER_ERRORS, quiet, refused
from histlib.errors import RequestError

TEXT, NUMBER, BOOLEAN, TIME, UNKNOWN = "text", "number", "boolean", "time", "unknown"
#: A text that may be a number's, wherever it was selected: it must not be sorted as a text unseen.
_DOTTED: Final = "dotted"
#: Its type in the tree that is typed: no statement can name it, and with a VARCHAR it stays what it is.
_DOTTED_TYPE: Final = exp.DataType.Type.NVARCHAR

#: Nodes all of whose operands must be of one family.
_ALIKE: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif,
                 exp.Coalesce, exp.In, exp.Between)  # fmt: skip
_ORDER: Final = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
_SORTING: Final = (exp.Ordered, exp.Min, exp.Max, exp.ArgMin, exp.ArgMax, *_ORDER)
_CAST: Final = "say what its values are: CAST(new_image.x AS DOUBLE), DECIMAL(38, 2) … or VARCHAR"
_BY_TYPE: Final = _ALIKE[:8]
_TRUTH: Final = (exp.And, exp.Or, exp.Not, exp.Where, exp.Having)
_MARK: Final = "histlib_id"
_TABLE: Final = "history"

Families = dict[int, str]


def families(tree: exp.Query, scans: list[exp.Table]) -> Families:
    """The family of each part, by its number (:func:`number_of`).

    ``scans`` are the tables of the tree that mean the history.

    Raises:
        RequestError: a column that is not there, or that could be of two tables.
    """
    marked = {id(table) for table in scans}
    for number, node in enumerate(list(tree.walk())):
        node.meta[_MARK] = number
        node.meta["histlib_scan"] = id(node) in marked
    try:
        with quiet():
            copy = _typed(tree.copy())
    except PARSER_ERRORS as error:
        told = (str(error).splitlines() or ["names that cannot be told apart"])[0]
        raise RequestError(
            f"{told.rstrip('.')}, or is in more than one table; the columns are {', '.join(types())}", told
        ) from error
    return {node.meta[_MARK]: _family(node) for node in copy.walk() if _MARK in node.meta}


def types_of(tree: exp.Query) -> dict[int, Any]:
    """The SQL type of each part of a checked tree, by its number, as far as it is known."""
    with quiet():
        copy = _typed(tree.copy())
    return {node.meta[_MARK]: node.type.this for node in copy.walk() if _MARK in node.meta and node.type}


def number_of(node: exp.Expr) -> int:
    """The number of a part of the tree."""
    number: int = node.meta[_MARK]
    return number


def check_families(tree: exp.Query, found: Families, text: str) -> None:
    """Refuse what mixes families.

    Raises:
        RequestError: says which, and to CAST.
    """
    for node in tree.walk():
        if isinstance(node, _ALIKE):
            operands = _operands(node)
            if isinstance(node, _BY_TYPE) and any(map(is_dotted, operands)):
                continue  # compared by type
            for other in operands[1:]:
                if not _alike(operands[0], other, found):
                    kinds = f"{of(operands[0], found)} with {of(other, found)}"
                    raise refused("the comparison", node, text, f"it mixes {kinds}; CAST(… AS VARCHAR or DOUBLE) one")
        elif isinstance(node, _TRUTH):
            for operand in (node.args.get("this"), node.args.get("expression")):
                if operand is not None and of(operand, found) not in (BOOLEAN, UNKNOWN):
                    raise refused("the condition", operand, text, "expected a comparison, like new_image.done = true")


def of(node: exp.Expr, found: Families) -> str:
    """The family of a part."""
    if isinstance(node, exp.Paren):
        return of(node.this, found)
    family = found.get(number_of(node), UNKNOWN) if _MARK in node.meta else UNKNOWN
    return TEXT if family == _DOTTED else family


def check_sorting(tree: exp.Query, found: Families, text: str) -> None:
    """Refuse to sort dotted names: as texts, 10 would come before 9.

    Raises:
        RequestError: says to CAST.
    """
    for node in tree.find_all(*_SORTING):
        if isinstance(node, _ORDER) and any(map(is_dotted, _operands(node))):
            continue  # compared by type
        for operand in _sorted(node):
            if found.get(operand.meta.get(_MARK, -1)) == _DOTTED:
                raise refused("the order of", operand, text, _CAST)


def _sorted(node: exp.Expr) -> list[exp.Expr]:
    """What a part sorts by."""
    if isinstance(node, exp.ArgMin | exp.ArgMax):
        return [node.expression]
    if isinstance(node, exp.Ordered):
        return _selected(node)
    return [part for operand in _operands(node) for part in (operand, *_distinct(operand))]


def _distinct(node: exp.Expr) -> list[exp.Expr]:
    return node.expressions if isinstance(node, exp.Distinct) else []


def _selected(node: exp.Ordered) -> list[exp.Expr]:
    """What an ORDER BY means: parts of the SELECTs by their position or name, or what stands there."""
    key = unwrapped(node.this)
    query = node.find_ancestor(exp.Window, exp.Select, exp.SetOperation)
    if not isinstance(query, exp.Query):
        return [key]
    for at, column in enumerate(query.selects):
        named = isinstance(key, exp.Column) and not key.table and key.name.lower() == column.alias_or_name.lower()
        if named or (isinstance(key, exp.Literal) and key.name == str(at + 1)):
            return [unwrapped(select.selects[at].unalias()) for select in _branches(query) if at < len(select.selects)]
    return [key]


def _branches(query: exp.Query) -> list[exp.Query]:
    """The SELECTs of a UNION and the like."""
    if isinstance(query, exp.SetOperation):
        return [*_branches(query.left), *_branches(query.right)]
    return _branches(query.this) if isinstance(query, exp.Subquery) else [query]


def _operands(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        query = node.args.get("query")
        return [node.this, *node.expressions, *([query.this.selects[0]] if query else [])]
    return [node.this, *([node.expression] if node.args.get("expression") else []), *node.expressions]


def _alike(left: exp.Expr, right: exp.Expr, found: Families) -> bool:
    kinds = {of(left, found), of(right, found)}
    if len(kinds) == 1 or UNKNOWN in kinds:
        return True
    if kinds == {TEXT, TIME}:  # a moment may be written as a text
        return any(isinstance(node, exp.Literal) or bool(node.find(exp.Placeholder)) for node in (left, right))
    return False


def _typed(copy: exp.Query) -> exp.Expr:
    for node in list(copy.walk()):
        if isinstance(node, exp.Table) and node.meta.get("histlib_scan"):
            alias = node.alias or node.name
            table = exp.to_table(_TABLE)
            table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
            for join in node.args.get("joins") or []:
                table.append("joins", join)
            node.replace(table)
        elif isinstance(node, exp.Anonymous):
            column = node.expressions[0]
            kind = exp.DataType.Type.VARCHAR if node.meta.get(STRING_KEY) else _DOTTED_TYPE
            cast = exp.Cast(this=column.copy(), to=exp.DataType(this=kind))
            cast.meta.update(node.meta)
            node.replace(cast)
        elif isinstance(node, exp.ArgMin | exp.ArgMax):  # of the type of what it gives, which the parser does not say
            given = exp.Where(this=exp.Not(this=exp.Is(this=node.expression, expression=exp.Null())))
            value = exp.Filter(this=exp.Max(this=node.this), expression=given)
            value.meta.update(node.meta)
            node.replace(value)
    qualified = qualify(copy, schema={_TABLE: types()}, dialect=DIALECT)
    return annotate_types(qualified, schema={_TABLE: types()}, dialect=DIALECT)


def _family(node: exp.Expr) -> str:
    kind = node.type.this if node.type else None
    if kind == _DOTTED_TYPE:
        return _DOTTED
    if kind in exp.DataType.TEXT_TYPES:
        return TEXT
    if kind in exp.DataType.NUMERIC_TYPES:
        return NUMBER
    if kind == exp.DataType.Type.BOOLEAN:
        return BOOLEAN
    return TIME if kind in exp.DataType.TEMPORAL_TYPES else UNKNOWN
