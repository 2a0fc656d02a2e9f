"""A condition's tree as Python closures: built once, then called for up to millions of rows.

A row is a list ``[keys, new image, old image, action, effective, actor]`` (about an item: its image stands second).
Images start as text and are decoded, in place, when the first path asks.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from histlib.engines.where import nodes
from histlib.engines.where.meaning.functions import function
from histlib.engines.where.meaning.like import matcher
from histlib.engines.where.meaning.sameness import ORDERS, in_order, kind, same
from histlib.values.image_json import MISSING, decode_image, encode_value
from histlib.values.paths import Path, get

Row = list[Any]
Reader = Callable[[Row], Any]
Checker = Callable[[Row], bool]

_ACTION, _EFFECTIVE, _ACTOR = 3, 4, 5
_NUMBERS: Final = (int, Decimal)
_PLACES: Final = {"keys": 0, "item": 1, "new_image": 1, "old_image": 2}


def checker(test: nodes.Test) -> Checker:
    """Whether a test is true of a row."""
    match test:
        case nodes.Always(value):
            return lambda row: value
        case nodes.And(tests):
            return _all([checker(each) for each in tests])
        case nodes.Or(tests):
            return _any([checker(each) for each in tests])
        case nodes.Not(inner):
            check = checker(inner)
            return lambda row: not check(row)
        case nodes.ActionIs(actions):
            return lambda row: row[_ACTION] in actions
        case nodes.TimeIs():
            return _time(test)
        case _:
            return _value_checker(test)


def _value_checker(test: nodes.Test) -> Checker:
    match test:
        case nodes.Compare(operator, left, nodes.Constant(value)):
            return _against_constant(operator, reader(left), value)
        case nodes.Compare(operator, left, right):
            return _against_operand(operator, reader(left), reader(right))
        case nodes.Among(operand, values):
            return _among(reader(operand), values)
        case nodes.Like(operand):
            return _like(test, reader(operand))
        case nodes.IsMissing(operand):
            read = reader(operand)
            return lambda row: kind(read(row)) == "MISSING"
        case nodes.IsNull(nodes.Actor()):
            return lambda row: row[_ACTOR] is None
        case nodes.IsNull(operand):
            read = reader(operand)
            return lambda row: read(row) is None
        case nodes.IsTrue(operand):
            read = reader(operand)
            return lambda row: read(row) is True
    raise AssertionError(f"no such test: {test!r}")


def reader(operand: nodes.Operand) -> Reader:
    """The value of an operand about a row."""
    match operand:
        case nodes.Constant(value):
            return lambda row: value
        case nodes.ImagePath(prefix, path):
            return _path(_PLACES[prefix], path)
        case nodes.Actor():
            return lambda row: MISSING if row[_ACTOR] is None else row[_ACTOR]
        case nodes.Call(name, arguments):
            call, readers = function(name), [reader(argument) for argument in arguments]
            return lambda row: call([read(row) for read in readers])
    raise AssertionError(f"no such operand: {operand!r}")


def _path(place: int, path: Path) -> Reader:
    def top(row: Row) -> Any:
        image = row[place]
        if type(image) is not dict:
            image = row[place] = {} if image is None else decode_image(image)
        return image.get(name, MISSING)

    name, rest = path[0], path[1:]
    return top if not rest else lambda row: get(top(row), rest)


def _all(checks: list[Checker]) -> Checker:
    def every(row: Row) -> bool:
        for check in checks:  # noqa: SIM110 - all() over a generator takes twice the time
            if not check(row):
                return False
        return True

    return every


def _any(checks: list[Checker]) -> Checker:
    def some(row: Row) -> bool:
        for check in checks:  # noqa: SIM110
            if check(row):
                return True
        return False

    return some


def _time(test: nodes.TimeIs) -> Checker:
    unit = 1_000_000 if test.in_seconds else 1
    value = test.value
    if test.operator == "=":
        return lambda row: row[_EFFECTIVE] // unit == value
    order = ORDERS[test.operator]
    return lambda row: order(row[_EFFECTIVE] // unit, value)


def _against_constant(operator: str, read: Reader, value: Any) -> Checker:
    if operator != "=":
        return _order_constant(ORDERS[operator], read, value)
    if type(value) in (int, Decimal):  # True == 1 to Python, not to DynamoDB
        return lambda row: (found := read(row)) == value and type(found) is not bool
    if type(value) is bool:
        return lambda row: read(row) is value
    if type(value) in (str, bytes):
        return lambda row: bool(read(row) == value)
    return lambda row: same(read(row), value)


def _order_constant(order: Callable[[Any, Any], bool], read: Reader, value: Any) -> Checker:
    if type(value) in (int, Decimal):
        return lambda row: type(found := read(row)) in _NUMBERS and order(found, value)
    if type(value) in (str, bytes):
        wanted = type(value)
        return lambda row: type(found := read(row)) is wanted and order(found, value)
    return lambda row: False


def _against_operand(operator: str, left: Reader, right: Reader) -> Checker:
    if operator == "=":
        return lambda row: same(left(row), right(row))
    return lambda row: in_order(operator, left(row), right(row))


def _among(read: Reader, values: tuple[Any, ...]) -> Checker:
    members = frozenset(map(_hashable, values))
    return lambda row: _hashable(read(row)) in members


def _hashable(value: Any) -> Any:
    """What is equal for the same values only; functions' results may have more digits than DynamoDB's."""
    common = kind(value)
    if common in ("L", "M"):
        return (common, encode_value(value))
    return (common, value)


def _like(test: nodes.Like, read: Reader) -> Checker:
    matches = matcher(test.pieces, ignore_case=test.ignore_case)
    return lambda row: type(found := read(row)) is str and matches(found)
