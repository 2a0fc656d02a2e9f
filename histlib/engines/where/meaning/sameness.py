"""How values compare in a condition: exactly, by type, never with an error."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from histlib.values.image_json import MISSING, encode_value


class _NoValue:
    """The type of :data:`NO_VALUE`."""

    def __repr__(self) -> str:
        return "NO_VALUE"


#: What a function has for an argument of the wrong type: there is nothing, and it is the same as nothing else.
NO_VALUE: Final = _NoValue()

_KINDS: Final[dict[type, str]] = {
    str: "S",
    int: "N",
    Decimal: "N",
    bool: "BOOL",
    type(None): "NULL",
    list: "L",
    dict: "M",
    bytes: "B",
    type(MISSING): "MISSING",
    _NoValue: "MISSING",
}
_ORDERED: Final = ("S", "N", "B")

#: The order comparisons of SQL.
ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def kind(value: Any) -> str:
    """DynamoDB's type of a value, ``MISSING`` where there is none."""
    if type(value) is frozenset:
        return _KINDS[type(next(iter(value)))] + "S"
    return _KINDS[type(value)]


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same to DynamoDB; missing is the same as missing, no value as nothing."""
    if left is NO_VALUE or right is NO_VALUE:
        return False
    common = kind(left)
    if common != kind(right):
        return False
    if common in ("L", "M"):
        return encode_value(left) == encode_value(right)
    return bool(left == right)


def in_order(operator_: str, left: Any, right: Any) -> bool:
    """An order comparison: number with number, string with string, binary with binary, else false."""
    common = kind(left)
    return common in _ORDERED and common == kind(right) and ORDERS[operator_](left, right)
