"""The constants of a condition in sqlglot's tree: literals, parameters, lists of them, actions and times."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from typing import Any, Final

from sqlglot import exp

from histlib.engines.where.places import Place
from histlib.engines.where.syntax import grammar
from histlib.engines.where.syntax.params import Params, constant, members, number, refuse_null
from histlib.errors import TimeNotValidError
from histlib.values.times import parse_time

_ACTIONS: Final = ("INSERT", "MODIFY", "REMOVE")
_LAST_SECOND: Final = 100_000_000_000  # the year 5138; milliseconds are beyond it


class Constants:
    """Reads the constants of one condition, each with its place."""

    def __init__(self, text: str, params: Params, tz: tzinfo) -> None:
        self._text = text
        self._params = params
        self._tz = tz

    def given(self, node: exp.Expr) -> tuple[Any, Place]:
        """The Python value of a literal or parameter, as given, and its place."""
        self._check(node)
        place = self._place(node)
        match node:
            case exp.Paren():
                return self.given(node.this)
            case exp.Literal() if node.is_string:
                return node.this, place
            case exp.Literal():
                return number(node.this, place), place
            case exp.Neg(this=exp.Literal(is_string=False)):
                self._check(node.this)
                return number(f"-{node.this.this}", place), place
            case exp.Boolean():
                return bool(node.this), place
            case exp.Placeholder() if node.this:
                return self._params.value(node.name, place), place
            case exp.Null():
                raise refuse_null(place)
            case exp.Cast():
                raise place.refuse("a TIMESTAMP compares with `timestamp` only")
        raise place.refuse("expected a constant here: a number, text in '…', TRUE, FALSE or :name")

    def listed(self, node: exp.Expr) -> list[tuple[Any, Place]]:
        """What stands in IN (…); a parameter that is a list or set, alone, is all of it, and among such one value."""
        field, inside = node.args.get("field"), node.expressions
        alone = field if field is not None else (inside[0] if len(inside) == 1 else None)
        if isinstance(alone, exp.Placeholder):
            value, place = self.given(alone)
            if field is not None or isinstance(value, list | tuple | set | frozenset):
                return [(member, place) for member in members(value, place)]
        if field is not None or not inside:
            raise self._place(node).refuse("IN takes a list: IN (1, 2) or IN :name")
        given = [self._time_given(each) for each in inside]
        several = [place for value, place in given if isinstance(value, list | tuple | set | frozenset)]
        if 0 < len(several) < len(given):
            raise several[0].refuse(
                "values to choose from stand alone in IN: IN :name; to compare whole lists or sets, all must be such"
            )
        return given

    def string(self, node: exp.Expr) -> str:
        """The text of a pattern or an escape."""
        value, place = self.given(node)
        if not isinstance(value, str):
            raise place.refuse("LIKE takes text in '…' or a str parameter")
        return str(constant(value, place))

    def action(self, node: exp.Expr) -> str:
        """The action that a node names."""
        return self.action_value(*self.given(node))

    def action_value(self, value: Any, place: Place) -> str:
        """The same, of a value already read."""
        if isinstance(value, str) and value in _ACTIONS:
            return value
        raise place.refuse(f"there is no action {value!r}; there are {', '.join(_ACTIONS)}")

    def time(self, node: exp.Expr) -> tuple[int, bool]:
        """The time that a node names: epoch µs, or whole seconds and True."""
        return self.time_value(*self._time_given(node))

    def _time_given(self, node: exp.Expr) -> tuple[Any, Place]:
        if not isinstance(node, exp.Cast):
            return self.given(node)
        self._check(node)
        to = node.to
        if to.this != exp.DataType.Type.TIMESTAMP or to.expressions or not isinstance(node.this, exp.Literal):
            raise self._place(node).refuse("expected TIMESTAMP '2026-11-08 02:28:24'")
        return node.this.this, self._place(node)

    def time_value(self, value: Any, place: Place) -> tuple[int, bool]:
        """The same, of a value already read."""
        if isinstance(value, int) and not isinstance(value, bool):
            if not 0 <= value < _LAST_SECOND:
                raise place.refuse("a number here is whole seconds since 1970, at most ten digits or so")
            return value, True
        if not isinstance(value, str | date | datetime):
            raise place.refuse("timestamp compares with a time, or a whole number of epoch seconds")
        try:
            return parse_time(value, self._tz), False
        except TimeNotValidError as error:
            raise place.refuse(str(error)) from error

    def _check(self, node: exp.Expr) -> None:
        grammar.check(node, self._text)

    def _place(self, node: exp.Expr) -> Place:
        return grammar.place_of(node, self._text)
