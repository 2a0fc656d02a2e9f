"""Random conditions, the text of each, and a naive reading of them: the oracle for ``histlib.engines.where``.

A condition is nested tuples, e.g. ``("=", ("path", "item", ("a",)), ("constant", 1))``. The oracle reads them over
DynamoDB JSON with fractions, sets and recursion; it shares no code with the package.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from histlib.values.image_json import from_dynamodb, to_dynamodb
from tests.support import values as values_strategies

TOP = ("a", "b", "c", "m", "l", "A b", 'q"q', "$x", "0", "名前", "x.y", "x/y", "x~y", "back\\slash", "tab\tname")
NESTED = (*TOP, "", "1", "-", "$SS", "$M")
STRINGS = (
    "", "a", "ab", "abc", "b", "B", "5", "true", "null", "O'Brien", "a%b", "a_b", "a\\b", "x\ny", "\x00z", "é",
    "e\u0301", "😀", "\uffff", '"', '{"$SS":["a"]}', "  a ", "INSERT", "/", "\u2028", "\x7f", "ß", "İ",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 5, 100, 10**37, 10**37 + 1, 123456789012345678, 2**53, 2**53 + 1, Decimal("0.1"), Decimal("19.99"),
    Decimal("0.1000000000000000055511151231257827"), Decimal("5.0000000000000000000001"), Decimal("-0.5"),
    Decimal("1E-130"), int(Decimal("9.99E+125")), Decimal("0.30000000000000004"), Decimal("0.3"), Decimal("2.5"),
    Decimal("-0.1000000000000000055511151231257827"), -(10**37 + 1),
    Decimal("123456789.123456"), Decimal("123456789.1234560000000001"), Decimal("12345678901234567.5"),
)  # fmt: skip


class Names:
    """All the names of the pool, in each image or not."""

    key = ("id", "sortKey")

    def attributes(self, exact: bool) -> frozenset[str]:
        return frozenset(TOP)


def canonical(value: Any) -> Any:
    return from_dynamodb(to_dynamodb(value))


strings = st.one_of(st.sampled_from(STRINGS), values_strategies.texts)
#: Numbers beside one another, of which doubles see one.
near = st.builds(
    lambda base, digits, sign: canonical(Decimal(base) + sign * Decimal((0, (1,), -digits))),
    st.sampled_from(["0.1", "19.99", "5", "123456789.123456", "-2.5"]),
    st.integers(14, 28),
    st.sampled_from([-1, 0, 1]),
)
numbers = st.one_of(st.sampled_from(NUMBERS), near, values_strategies.numbers()).map(canonical)
scalars = st.one_of(strings, numbers, st.booleans(), st.binary(max_size=2))
sets = st.one_of(
    st.frozensets(strings, min_size=1, max_size=3),
    st.frozensets(numbers, min_size=1, max_size=3),
    st.frozensets(st.binary(max_size=2), min_size=1, max_size=3),
)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(scalars, scalars, sets, st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NESTED), inner, max_size=3)),
    max_leaves=6,
)
pooled = st.one_of(st.sampled_from(STRINGS), st.sampled_from(NUMBERS), near, st.booleans(), st.none())
items = st.one_of(
    st.dictionaries(st.sampled_from(TOP), values, max_size=6),
    st.fixed_dictionaries({"a": pooled, "b": st.one_of(pooled, sets, st.lists(pooled, max_size=2))}),
    st.fixed_dictionaries({"a": pooled}, optional={"b": st.dictionaries(st.sampled_from(NESTED), pooled, max_size=3)}),
)
not_null = values.filter(lambda value: value is not None)
keys = st.fixed_dictionaries({"id": strings, "sortKey": numbers})
constants = st.one_of(
    pooled.filter(lambda value: value is not None), scalars, values.filter(lambda value: value is not None)
)


# --- random conditions ---


@st.composite
def paths(draw: st.DrawFn, prefixes: tuple[str, ...]) -> tuple[Any, ...]:
    prefix = draw(st.sampled_from(prefixes))
    if prefix == "keys":
        return ("path", prefix, (draw(st.sampled_from(("id", "sortKey"))),))
    step = st.one_of(st.sampled_from(NESTED).filter(bool), st.integers(0, 2))
    top = st.one_of(st.sampled_from("aaab"), st.sampled_from(TOP))
    return ("path", prefix, (draw(top), *draw(st.one_of(st.just([]), st.just([]), st.lists(step, max_size=2)))))


FUNCTIONS = {
    "lower": 1, "upper": 1, "length": 1, "trim": 1, "substr": 3, "concat": 2, "abs": 1, "round": 2, "floor": 1,
    "ceil": 1, "type": 1, "coalesce": 2, "starts_with": 2, "ends_with": 2, "contains": 2, "+": 2, "-": 2, "*": 2,
}  # fmt: skip


@st.composite
def operands(draw: st.DrawFn, prefixes: tuple[str, ...], depth: int = 2) -> tuple[Any, ...]:
    kinds = ["path"] * 5 + (["call"] if depth else []) + (["actor"] if "new_image" in prefixes else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "path":
        return draw(paths(prefixes))
    if kind == "actor":
        return ("actor",)
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    inner = st.one_of(
        operands(prefixes, depth - 1), st.tuples(st.just("constant"), st.one_of(scalars, st.integers(0, 3)))
    )
    return ("call", name, tuple(draw(inner) for _ in range(FUNCTIONS[name])))


KINDS_OF_TEST = ("=", "<>", "=", "<", "<=", ">", ">=", "in", "between", "like", "missing", "null", "answer")


@st.composite
def tests(draw: st.DrawFn, prefixes: tuple[str, ...]) -> tuple[Any, ...]:
    left = draw(operands(prefixes))
    right = st.tuples(st.just("constant"), constants)
    ordered = st.tuples(st.just("constant"), st.one_of(strings, numbers, numbers, st.binary(max_size=2)))
    kind = draw(
        st.sampled_from(["=", "<>", "=", "<", "<=", ">", ">=", "in", "between", "like", "missing", "null", "answer"])
    )
    if kind in ("=", "<>"):
        return (kind, left, draw(st.one_of(right, right, operands(prefixes))))
    if kind in ("<", "<=", ">", ">="):
        return (kind, left, draw(st.one_of(ordered, ordered, operands(prefixes))))
    if kind == "in":
        members = st.one_of(pooled.filter(lambda value: value is not None), scalars)
        return (kind, left, tuple(draw(st.lists(members, min_size=1, max_size=6))))
    if kind == "between":
        return (kind, left, draw(ordered), draw(ordered))
    if kind == "like":
        pattern = draw(st.one_of(st.text("ab%%%_\n'é😀\\", max_size=6), strings))
        return (kind, left, pattern)
    if kind == "answer":
        name = draw(st.sampled_from(["starts_with", "ends_with", "contains"]))
        return (
            kind,
            (
                "call",
                name,
                (left, ("constant", draw(st.one_of(st.sampled_from(["", "a", "b", "5"]), strings, scalars)))),
            ),
        )
    return (kind, left)


def conditions(prefixes: tuple[str, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    fields = [
        st.tuples(st.just("action"), st.sampled_from(["INSERT", "MODIFY", "REMOVE"])),
        st.tuples(st.just("time"), st.sampled_from(["=", "<", "<=", ">", ">="]), st.integers(0, 4)),
    ]
    leaves = st.one_of(tests(prefixes), tests(prefixes), *(fields if "new_image" in prefixes else []))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.just("not"), inner),
            st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        ),
        max_leaves=4,
    )


# --- their text ---


class Text:
    """Writes a condition, with constants as literals where SQL has them, or as parameters."""

    def __init__(self, *, bind: bool) -> None:
        self.params: dict[str, Any] = {}
        self._bind = bind

    def of(self, test: tuple[Any, ...]) -> str:
        kind, *rest = test
        if kind in ("and", "or"):
            return f"({self.of(rest[0])} {kind.upper()} {self.of(rest[1])})"
        if kind == "not":
            return f"NOT ({self.of(rest[0])})"
        if kind == "action":
            return f"action = '{rest[0]}'"
        if kind == "time":
            return f"timestamp {rest[0]} {rest[1]}"
        operand = self.operand(rest[0])
        if kind == "in":
            return f"{operand} IN ({', '.join(map(self.constant, rest[1]))})"
        if kind == "between":
            return f"{operand} BETWEEN {self.operand(rest[1])} AND {self.operand(rest[2])}"
        if kind == "like":
            return f"{operand} LIKE {self.constant(rest[1])}"
        if kind in ("missing", "null"):
            return f"{operand} IS {kind.upper()}"
        return operand if kind == "answer" else f"{operand} {kind} {self.operand(rest[1])}"

    def operand(self, operand: tuple[Any, ...]) -> str:
        kind, *rest = operand
        if kind == "actor":
            return "actor"
        if kind == "constant":
            return self.constant(rest[0])
        if kind == "path":
            return rest[0] + "".join(
                f"[{step}]" if isinstance(step, int) else f".{name_text(step)}" for step in rest[1]
            )
        name, arguments = rest[0], [self.operand(argument) for argument in rest[1]]
        if name in "+-*":
            return f"({arguments[0]} {name} {arguments[1]})"
        return f"{name}({', '.join(arguments)})"

    def constant(self, value: Any) -> str:
        if not self._bind and isinstance(value, bool):
            return str(value).upper()
        if not self._bind and isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        if not self._bind and isinstance(value, int | Decimal):
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f":{name}"


def name_text(name: str) -> str:
    return name if re.fullmatch(r"[a-z]+", name) else '"' + name.replace('"', '""') + '"'


# --- the oracle ---

MISSING = ("MISSING",)
NULL = ("NULL",)
NOTHING = ("NOTHING",)  # no value: the same as nothing


def plain(attribute: Mapping[str, Any]) -> tuple[Any, ...]:
    """A value in DynamoDB JSON so that equal values are equal in Python."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return (kind, Fraction(value))
    if kind == "NS":
        return (kind, frozenset(map(Fraction, value)))
    if kind == "SS":
        return (kind, frozenset(value))
    if kind == "BS":
        return (kind, frozenset(map(base64.b64decode, value)))
    if kind == "L":
        return (kind, tuple(map(plain, value)))
    if kind == "M":
        return (kind, frozenset((name, plain(inner)) for name, inner in value.items()))
    if kind == "B":
        return (kind, base64.b64decode(value))
    return NULL if kind == "NULL" else (kind, value)


class Oracle:
    """Reads a condition about one row."""

    def __init__(self, images: Mapping[str, dict[str, Any] | None], **fields: Any) -> None:
        self._images = images
        self._fields = fields

    def of(self, test: tuple[Any, ...]) -> bool:
        kind, *rest = test
        if kind == "and":
            return self.of(rest[0]) and self.of(rest[1])
        if kind == "or":
            return self.of(rest[0]) or self.of(rest[1])
        if kind == "not":
            return not self.of(rest[0])
        if kind == "action":
            return self._fields["action"] == rest[0]
        if kind == "time":
            return compare(rest[0], ("N", self._fields["effective"] // 1_000_000), ("N", rest[1]))
        left = self.value(rest[0])
        if kind == "missing":
            return left in (MISSING, NOTHING)
        if kind == "null":
            return left == NULL or (rest[0] == ("actor",) and left == MISSING)
        if kind == "in":
            return any(compare("=", left, plain(to_dynamodb(value))) for value in rest[1])
        if kind == "between":
            return compare(">=", left, self.value(rest[1])) and compare("<=", left, self.value(rest[2]))
        if kind == "like":
            return left[0] == "S" and like(left[1], rest[1])
        if kind == "answer":
            return left == ("BOOL", True)
        return compare(kind, left, self.value(rest[1]))

    def value(self, operand: tuple[Any, ...]) -> tuple[Any, ...]:
        kind, *rest = operand
        if kind == "constant":
            return plain(to_dynamodb(rest[0]))
        if kind == "actor":
            return MISSING if self._fields["actor"] is None else ("S", self._fields["actor"])
        if kind == "path":
            return walk(self._images[rest[0]], rest[1])
        return call(rest[0], [self.value(argument) for argument in rest[1]])


def walk(found: Any, path: tuple[str | int, ...]) -> tuple[Any, ...]:
    for step in path:
        wanted = list if isinstance(step, int) else dict
        if not isinstance(found, wanted):
            return MISSING
        if step in (range(len(found)) if isinstance(step, int) else found):
            found = found[step]
        else:
            return MISSING
    return plain(to_dynamodb(found))


def compare(operator: str, left: tuple[Any, ...], right: tuple[Any, ...]) -> bool:
    if operator == "<>":
        return not compare("=", left, right)
    if operator == "=":
        return left == right and left != NOTHING
    if left[0] != right[0] or left[0] not in ("N", "S", "B"):
        return False
    low, high = (left[1], right[1]) if "<" in operator else (right[1], left[1])
    if isinstance(low, str):
        low, high = low.encode(), high.encode()
    return low < high or ("=" in operator and low == high)


def like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])


KINDS = {
    "lower": ["S"], "upper": ["S"], "length": ["S L M SS NS BS"], "trim": ["S"], "substr": ["S", "N", "N"],
    "concat": ["S", "S"], "abs": ["N"], "round": ["N", "N"], "floor": ["N"], "ceil": ["N"], "starts_with": ["S", "S"],
    "ends_with": ["S", "S"], "+": ["N", "N"], "-": ["N", "N"], "*": ["N", "N"],
    "contains": ["S L SS NS BS", "S N BOOL B L M SS NS BS"],
}  # fmt: skip


def call(name: str, values: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    if name == "type":
        return ("S", "MISSING" if values[0] == NOTHING else values[0][0])
    if name == "coalesce":
        return next((value for value in values if value not in (NULL, MISSING, NOTHING)), MISSING)
    for absent in (MISSING, NULL, NOTHING):
        if absent in values:
            return absent
    if any(value[0] not in kinds.split() for value, kinds in zip(values, KINDS[name], strict=True)):
        return NOTHING
    if name == "contains":
        return ("BOOL", contains(*values))
    return known(name, *(value[1] for value in values))


def known(name: str, x: Any, y: Any = None, z: Any = None) -> tuple[Any, ...]:  # noqa: PLR0912
    if name in ("lower", "upper"):
        return ("S", getattr(x, name)())
    if name == "length":
        return ("N", len(x))
    if name == "trim":
        while x.startswith(" "):
            x = x[1:]
        while x.endswith(" "):
            x = x[:-1]
        return ("S", x)
    if name == "substr":
        if y.denominator != 1 or z.denominator != 1 or z < 0:
            return NOTHING
        return ("S", "".join(character for place, character in enumerate(x, 1) if y <= place < y + z))
    if name in ("concat", "+"):
        return ("S" if name == "concat" else "N", x + y)
    if name in ("-", "*"):
        return ("N", x - y if name == "-" else x * y)
    if name == "abs":
        return ("N", abs(x))
    if name in ("floor", "ceil"):
        return ("N", Fraction(x.__floor__() if name == "floor" else x.__ceil__()))
    if name == "round":
        if y.denominator != 1 or abs(y) > 300:
            return NOTHING
        scaled = abs(x) * Fraction(10) ** int(y) + Fraction(1, 2)
        return ("N", Fraction(scaled.__floor__()) / Fraction(10) ** int(y) * (1 if x >= 0 else -1))
    return ("BOOL", said(name, x, y))


def said(name: str, x: Any, y: Any) -> bool:
    if len(y) > len(x):
        return False
    return bool((x[: len(y)] if name == "starts_with" else x[len(x) - len(y) :]) == y)


def contains(container: tuple[Any, ...], value: tuple[Any, ...]) -> bool:
    if container[0] == "L":
        return value in container[1]
    if container[0] == "S":
        return value[0] == "S" and value[1] in container[1]
    return container[0] == value[0] + "S" and value[1] in container[1]
