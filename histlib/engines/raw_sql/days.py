"""Which days of arrival a statement may want of the table, so that others need not be read."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import exp

_TESTS: Final[dict[type[exp.Expr], tuple[str, str]]] = {
    exp.EQ: ("==", "=="),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Days:
    """All must hold: each is (operator, text), or (``in``, texts)."""

    tests: tuple[tuple[str, Any], ...] = ()

    def admits(self, day: str | None) -> bool:
        """Whether rows of a dateday may be wanted."""
        if day is None:
            return not self.tests
        return all(day in value if name == "in" else _OPERATORS[name](day, value) for name, value in self.tests)


def days_of(table: exp.Table, params: Mapping[str, Any]) -> Days:
    """What the WHERE of the SELECT right around a table says of its dateday; all days where that is not plain."""
    select = table.parent_select
    outer = table.find_ancestor(exp.Select)
    where = select.args.get("where") if isinstance(select, exp.Select) and select is outer else None
    if where is None:
        return Days()
    tests = []
    for condition in _conjuncts(where.this):
        tests += _test(condition, table.alias_or_name, params)
    return Days(tuple(tests))


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Paren):
        return _conjuncts(node.this)
    if isinstance(node, exp.And):
        return [*_conjuncts(node.this), *_conjuncts(node.expression)]
    return [node]


def _test(node: exp.Expr, table: str, params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if isinstance(node, exp.Between) and _is_dateday(node.this, table):
        low, high = (_text(node.args[end], params) for end in ("low", "high"))
        return [] if low is None or high is None else [(">=", low), ("<=", high)]
    if isinstance(node, exp.In) and _is_dateday(node.this, table) and node.expressions:
        texts = [_text(one, params) for one in node.expressions]
        return [] if None in texts else [("in", tuple(texts))]
    names = _TESTS.get(type(node))
    if names is None:
        return []
    for name, (column, value) in zip(names, [(node.this, node.expression), (node.expression, node.this)], strict=True):
        text = _text(value, params)
        if _is_dateday(column, table) and text is not None:
            return [(name, text)]
    return []


def _is_dateday(node: exp.Expr, table: str) -> bool:
    if not isinstance(node, exp.Column) or node.name.lower() != "dateday":
        return False
    return not node.table or node.table.lower() == table.lower()


def _text(node: exp.Expr, params: Mapping[str, Any]) -> str | None:
    if isinstance(node, exp.Literal) and node.is_string:
        return str(node.this)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Placeholder):
        value = params.get(node.this.name)
        return value if isinstance(value, str) else None
    return None
