"""From sqlglot's tree to our own, by a list of what is allowed; whatever else stands in the text is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any, Final, TypeVar

from sqlglot import exp

from histlib.engines.where import nodes
from histlib.engines.where.meaning.functions import FUNCTIONS
from histlib.engines.where.meaning.like import pieces_of
from histlib.engines.where.names import Names, listed
from histlib.engines.where.places import Place
from histlib.engines.where.syntax import grammar
from histlib.engines.where.syntax.columns import Columns, Field
from histlib.engines.where.syntax.constants import Constants
from histlib.engines.where.syntax.params import Params, constant

_T = TypeVar("_T")

_DEEPEST: Final = 100

_COMPARISONS: Final[dict[type, str]] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_ARITHMETIC: Final[dict[type, str]] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_TURNED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Builder:
    """Builds the tree of one condition."""

    def __init__(self, text: str, params: Params, subject: nodes.Subject, names: Names, tz: tzinfo) -> None:
        self._text = text
        self._columns = Columns(text, subject, names)
        self._constants = Constants(text, params, tz)
        self._depth = 0

    # --- tests ---

    def test(self, node: exp.Expr) -> nodes.Test:
        """The test that a node of sqlglot's is."""
        self._check(node)
        build = self._TESTS.get(type(node))
        if build is None:
            raise self._no_test(node)
        return self._deeper(build, node)

    def _junction(self, node: exp.Expr) -> nodes.Test:
        kind, parts, waiting = type(node), [], [node]
        while waiting:  # a long chain is deep in sqlglot's tree, not in ours
            each = waiting.pop()
            self._check(each)
            if type(each) is kind:
                waiting += [each.expression, each.this]
            else:
                parts.append(self.test(each))
        return nodes.And(tuple(parts)) if kind is exp.And else nodes.Or(tuple(parts))

    def _negation(self, node: exp.Expr) -> nodes.Test:
        return nodes.Not(self.test(node.this))

    def _comparison(self, node: exp.Expr) -> nodes.Test:
        return self._compare(_COMPARISONS[type(node)], node.this, node.expression, self._place(node))

    def _compare(self, operator: str, left: exp.Expr, right: exp.Expr, place: Place) -> nodes.Test:
        if operator == "<>":
            return nodes.Not(self._compare("=", left, right, place))
        if self._columns.field(right) is not None or _is_constant(left):
            operator, left, right = _TURNED[operator], right, left
        if _is_constant(left):
            raise place.refuse("both sides are constants; a name is written like item.price, without single quotes")
        match self._columns.field(left):
            case Field.TIMESTAMP:
                return nodes.TimeIs(operator, *self._constants.time(right))
            case Field.ACTION if operator == "=":
                return nodes.ActionIs((self._constants.action(right),))
            case Field.ACTION:
                raise place.refuse("an action has no order; compare it by =, <> or IN")
        wanted = self.operand(right)
        if operator != "=" and isinstance(wanted, nodes.Constant) and not _has_order(wanted.value):
            raise place.refuse(f"{operator} compares numbers, strings and binary only")
        return nodes.Compare(operator, self.operand(left), wanted)

    def _in(self, node: exp.Expr) -> nodes.Test:
        given = self._constants.listed(node)
        match self._columns.field(node.this):
            case Field.ACTION:
                return nodes.ActionIs(tuple(self._constants.action_value(value, place) for value, place in given))
            case Field.TIMESTAMP:
                return nodes.Or(
                    tuple(nodes.TimeIs("=", *self._constants.time_value(value, place)) for value, place in given)
                )
        values = tuple(constant(value, place) for value, place in given)
        return nodes.Among(self._about_row(node.this), values)

    def _between(self, node: exp.Expr) -> nodes.Test:
        place = self._place(node)
        if _is_constant(node.this):
            raise place.refuse("a constant is not BETWEEN; a name is written like item.price, without single quotes")
        low = self._compare(">=", node.this, node.args["low"], place)
        return nodes.And((low, self._compare("<=", node.this, node.args["high"], place)))

    def _like(self, node: exp.Expr, escape: exp.Expr | None = None) -> nodes.Test:
        place = self._place(node.expression)
        pattern = self._constants.string(node.expression)
        pieces = pieces_of(pattern, None if escape is None else self._constants.string(escape), place)
        test = nodes.Like(self._about_row(node.this), pieces, isinstance(node, exp.ILike))
        return nodes.Not(test) if node.args.get("negate") else test

    def _escape(self, node: exp.Expr) -> nodes.Test:
        self._check(node.this)
        if not isinstance(node.this, exp.Like | exp.ILike):
            raise self._place(node).refuse("ESCAPE belongs to LIKE")
        return self._like(node.this, node.expression)

    def _is(self, node: exp.Expr) -> nodes.Test:
        right = node.expression
        if isinstance(right, exp.Null):
            return nodes.IsNull(self._about_row(node.this))
        if isinstance(right, exp.Column) and right.name.upper() == "MISSING" and len(right.parts) == 1:
            return nodes.IsMissing(self._about_row(node.this))
        hint = "; write = TRUE or = FALSE" if isinstance(right, exp.Boolean) else ""
        raise self._place(node).refuse(f"IS takes NULL, MISSING, NOT NULL or NOT MISSING{hint}")

    def _always(self, node: exp.Expr) -> nodes.Test:
        return nodes.Always(bool(node.this))

    def _answer(self, node: exp.Expr) -> nodes.Test:
        call = self.operand(node)
        if isinstance(call, nodes.Call) and call.name in FUNCTIONS and FUNCTIONS[call.name].answers:
            return nodes.IsTrue(call)
        raise self._no_test(node)

    def _paren(self, node: exp.Expr) -> nodes.Test:
        return self.test(node.this)

    def _no_test(self, node: exp.Expr) -> Exception:
        place = self._place(node)
        if isinstance(node, exp.Column | exp.Dot | exp.Bracket):
            self.operand(node)
            return place.refuse("this is a value, no condition; write = TRUE after it, or another comparison")
        return place.refuse("this is no condition; expected like item.price > 100")

    # --- operands ---

    def operand(self, node: exp.Expr) -> nodes.Operand:
        """The operand that a node of sqlglot's is."""
        self._check(node)
        build = self._OPERANDS.get(type(node))
        if build is None:
            raise self._place(node).refuse("expected a value here: a name like item.price, a number, text in '…'")
        return self._deeper(build, node)

    def _about_row(self, node: exp.Expr) -> nodes.Operand:
        operand = self.operand(node)
        if isinstance(operand, nodes.Constant):
            raise self._place(node).refuse("expected a name like item.price here, not a constant")
        return operand

    def _constant(self, node: exp.Expr) -> nodes.Operand:
        return nodes.Constant(constant(*self._constants.given(node)))

    def _negative(self, node: exp.Expr) -> nodes.Operand:
        if isinstance(node.this, exp.Literal):
            return self._constant(node)
        return nodes.Call("-", (nodes.Constant(0), self.operand(node.this)))

    def _column(self, node: exp.Expr) -> nodes.Operand:
        for each in _chain(node):
            self._check(each)
        return self._columns.operand(node)

    def _call(self, node: exp.Expr) -> nodes.Operand:
        name, place = str(node.this).lower(), self._place(node)
        known = FUNCTIONS.get(name)
        if known is None:
            raise place.refuse(f"there is no function {name}; there are {listed(FUNCTIONS, name)}")
        count = len(node.expressions)
        if count < known.least or (known.most is not None and count > known.most):
            raise place.refuse(f"{known.usage} got {count} argument{'' if count == 1 else 's'}")
        return nodes.Call(name, tuple(self.operand(argument) for argument in node.expressions))

    def _arithmetic(self, node: exp.Expr) -> nodes.Operand:
        return nodes.Call(_ARITHMETIC[type(node)], (self.operand(node.this), self.operand(node.expression)))

    def _joined(self, node: exp.Expr) -> nodes.Operand:
        return nodes.Call("concat", (self.operand(node.this), self.operand(node.expression)))

    def _inner(self, node: exp.Expr) -> nodes.Operand:
        return self.operand(node.this)

    # --- all nodes ---

    def _deeper(self, build: Callable[[Any, exp.Expr], _T], node: exp.Expr) -> _T:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._place(node).refuse(f"it is nested more than {_DEEPEST} levels deep")
        try:
            return build(self, node)
        finally:
            self._depth -= 1

    def _check(self, node: exp.Expr) -> None:
        grammar.check(node, self._text)

    def _place(self, node: exp.Expr) -> Place:
        return grammar.place_of(node, self._text)

    _TESTS: Final[Mapping[type, Callable[[Any, exp.Expr], nodes.Test]]] = {
        exp.And: _junction, exp.Or: _junction, exp.Not: _negation, exp.Paren: _paren, exp.In: _in,
        exp.Between: _between, exp.Like: _like, exp.ILike: _like, exp.Escape: _escape, exp.Is: _is,
        exp.Boolean: _always, exp.Anonymous: _answer, **dict.fromkeys(_COMPARISONS, _comparison),
    }  # fmt: skip
    _OPERANDS: Final[Mapping[type, Callable[[Any, exp.Expr], nodes.Operand]]] = {
        exp.Column: _column, exp.Dot: _column, exp.Bracket: _column, exp.Anonymous: _call, exp.DPipe: _joined,
        exp.Paren: _inner, exp.Neg: _negative, **dict.fromkeys(_ARITHMETIC, _arithmetic),
        **dict.fromkeys((exp.Literal, exp.Boolean, exp.Placeholder, exp.Null, exp.Cast), _constant),
    }  # fmt: skip


def tree_of(
    text: str, params: Mapping[str, Any] | None, subject: nodes.Subject, names: Names, tz: tzinfo
) -> nodes.Test:
    """The tree of a condition.

    Raises:
        ConditionNotValidError: not a condition, of what is allowed in one, about this subject.
    """
    bound = Params(params)
    parsed = grammar.parse(text)
    test = Builder(text, bound, subject, names, tz).test(parsed)
    bound.check_all_used(text)
    return test


def _chain(node: exp.Expr) -> list[exp.Expr]:
    found = [node]
    while isinstance(node, exp.Dot | exp.Bracket):
        node = node.this
        found.append(node)
    return found


def _is_constant(node: exp.Expr) -> bool:
    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    return isinstance(node, exp.Literal | exp.Boolean | exp.Placeholder | exp.Null | exp.Cast)


def _has_order(value: Any) -> bool:
    return not isinstance(value, bool | list | dict | frozenset)
