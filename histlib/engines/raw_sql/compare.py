"""Comparisons with dotted names, by type and exact: a number with numbers, a text with texts, a boolean with booleans.

``=`` and ``<>`` compare values as DynamoDB does: a value of another type is not equal. ``<``, ``>``, BETWEEN and
LIKE between types are NULL, and so is everything with what is NULL or not there. Numbers compare by all their digits:
the engine compares texts made for it (see :mod:`histlib.engines.raw_sql.writing.duckdb_images`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from sqlglot import exp

from histlib.engines.raw_sql import families
from histlib.engines.raw_sql.families import Families
from histlib.engines.raw_sql.names import is_dotted, unwrapped
from histlib.engines.raw_sql.parse import refused
from histlib.errors import ValueNotValidError
from histlib.values.numbers import canonical_number, order_text

#: Functions that stand for a dotted name in comparisons: its value with its type, its number, its text if it is one.
VALUE_OF: Final = "histlib_value"
NUMBER_OF: Final = "histlib_number"
STRING_OF: Final = "histlib_string"

_EQUAL: Final = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_ORDER: Final = (exp.LT, exp.LTE, exp.GT, exp.GTE)
_MIRROR: Final[dict[type[exp.Expr], type[exp.Expr]]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
_UNKNOWN_CAST: Final = "say what its values are: CAST(new_image.x AS DOUBLE), or compare with a literal or :parameter"


def simplify(tree: exp.Query) -> None:
    """Replace, in place, other ways of writing a comparison: CASE x WHEN, and BETWEEN and IN of dotted names."""
    for case in list(tree.find_all(exp.Case)):
        if case.this:
            for branch in case.args["ifs"]:
                branch.set("this", exp.EQ(this=case.this.copy(), expression=branch.this))
            case.set("this", None)
    for between in [node for node in tree.find_all(exp.Between) if any(map(is_dotted, node.args.values()))]:
        value, low, high = between.this, between.args["low"], between.args["high"]
        both = exp.And(
            this=exp.GTE(this=value.copy(), expression=low), expression=exp.LTE(this=value.copy(), expression=high)
        )
        between.replace(exp.Paren(this=both))
    for among in [node for node in tree.find_all(exp.In) if any(map(is_dotted, [node.this, *node.expressions]))]:
        if among.args.get("query"):
            continue
        equal = [exp.EQ(this=among.this.copy(), expression=one) for one in among.expressions]
        among.replace(exp.Paren(this=exp.or_(*equal, copy=False)))


def compare_by_type(tree: exp.Query, found: Families, params: Mapping[str, Any], text: str) -> None:
    """Rewrite, in place, each comparison that has a dotted name.

    Raises:
        RequestError: with something of which the type is not known.
    """
    rewriting = _Rewriting(found, params, text)
    for node in list(tree.find_all(*_EQUAL, *_ORDER, exp.Like, exp.In)):
        left, right = unwrapped(node.this), unwrapped(node.args.get("expression"))
        if isinstance(node, exp.In | exp.Like):
            if is_dotted(left):
                node.set("this", _as(STRING_OF, left))
        elif is_dotted(left) and right is not None:
            node.replace(rewriting.replaced(type(node), left, right, node))
        elif is_dotted(right):
            node.replace(rewriting.replaced(_MIRROR.get(type(node), type(node)), right, left, node))


class _Rewriting:
    def __init__(self, found: Families, params: Mapping[str, Any], text: str) -> None:
        self._found = found
        self._params = params
        self._text = text

    def replaced(self, kind: type[exp.Expr], dotted: exp.Expr, other: exp.Expr, node: exp.Expr) -> exp.Expr:
        if kind in _EQUAL:
            return kind(this=_as(VALUE_OF, dotted), expression=self._value(other, node))
        if is_dotted(other):
            both = [kind(this=_as(name, dotted), expression=_as(name, other)) for name in (NUMBER_OF, STRING_OF)]
            return exp.Coalesce(this=both[0], expressions=both[1:])
        number = self._number(other, node)
        if number is not None:
            return kind(this=_as(NUMBER_OF, dotted), expression=exp.Literal.string(order_text(number)))
        if families.of(other, self._found) == families.TEXT:
            return kind(this=_as(STRING_OF, dotted), expression=other.copy())
        raise refused("the comparison", node, self._text, _UNKNOWN_CAST)

    def _value(self, other: exp.Expr, node: exp.Expr) -> exp.Expr:
        """The other side of an equality, as :data:`VALUE_OF` has values."""
        if is_dotted(other):
            return _as(VALUE_OF, other)
        if isinstance(other, exp.Null):
            return other.copy()
        number = self._number(other, node)
        if number is not None:
            return exp.Literal.string(f"n{number}")
        if isinstance(other, exp.Boolean):
            return exp.Literal.string(f"b{str(other.this).lower()}")
        if families.of(other, self._found) == families.TEXT:
            return exp.DPipe(this=exp.Literal.string("s"), expression=exp.Paren(this=other.copy()), safe=False)
        if families.of(other, self._found) == families.BOOLEAN:
            bools = exp.cast(other.copy(), "VARCHAR")
            return exp.DPipe(this=exp.Literal.string("b"), expression=exp.Lower(this=bools), safe=False)
        raise refused("the comparison", node, self._text, _UNKNOWN_CAST)

    def _number(self, other: exp.Expr, node: exp.Expr) -> str | None:
        """The canonical text of a number literal or parameter; None where it is neither."""
        number = _number_text(other, self._params)
        try:
            return None if number is None else canonical_number(number)
        except ValueNotValidError as error:
            raise refused("the number", node, self._text, str(error)) from error


def _number_text(node: exp.Expr, params: Mapping[str, Any]) -> str | None:
    node = unwrapped(node)
    if isinstance(node, exp.Neg):
        inner = _number_text(node.this, {})
        return None if inner is None else f"-{inner}"
    if isinstance(node, exp.Literal) and not node.is_string:
        return str(node.this)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Placeholder):
        value = params[node.this.name]
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return str(value)
    return None


def _as(function: str, dotted: Any) -> exp.Anonymous:
    return exp.Anonymous(this=function, expressions=[one.copy() for one in unwrapped(dotted).expressions])
