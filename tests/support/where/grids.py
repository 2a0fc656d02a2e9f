"""Grids of conditions and items, for each engine that reads a condition: where JSON, LIKE and numbers differ.

A grid is a list of (condition as in :mod:`tests.where_cases`, items).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from tests.support.where.cases import NUMBERS, STRINGS, TOP, Names

A: Final = ("path", "item", ("a",))
B: Final = ("path", "item", ("b",))
OPERATORS: Final = ("=", "<>", "<", "<=", ">", ">=")

Grid = list[tuple[Any, list[dict[str, Any]]]]

POOL: Final = [
    *STRINGS, *NUMBERS, True, False, b"", b"a", [1], {"$x": 1}, frozenset({"a"}), frozenset({1, 2}),
]  # fmt: skip
_ORDERED = [value for value in POOL if isinstance(value, str | bytes) or type(value) in (int, Decimal)]


def constants(operator: str) -> Grid:
    """Every value against every constant, so that no pair that looks alike (5 and "5") is left to chance."""
    rows = [{"a": value} for value in [*POOL, None, []]] + [{}, {"b": 1}, {"b": {"a": 5}}]
    pool = POOL if operator in ("=", "<>") else _ORDERED
    return [((operator, A, ("constant", value)), rows) for value in pool]


def pairs(operator: str) -> Grid:
    """Every value against every other: the same by type and value, in order by type."""
    ends = [*POOL, None]
    rows = [{"a": left, "b": right} for left in ends for right in ends] + [{}, *({"a": value} for value in ends)]
    return [((operator, A, B), rows)]


#: What an engine decides itself, of the items of :func:`plain_items`.
PLAIN: Final = [
    ("=", A, ("constant", "abc")), ("<>", A, ("constant", "O'Brien")), ("<", A, ("constant", "b")),
    (">=", A, ("constant", "é")), ("=", A, ("constant", 5)), ("<>", A, ("constant", 0)), ("<", A, ("constant", 100)),
    (">=", A, ("constant", Decimal("19.99"))), ("=", A, ("constant", Decimal("19.99"))), ("=", A, ("constant", True)),
    ("<>", A, ("constant", False)), ("in", A, ("a", 5, True, Decimal("2.5"))), ("like", A, "%a%"), ("like", A, "a_c%"),
    ("between", A, ("constant", 1), ("constant", Decimal("2.5"))), ("missing", A), ("null", A), ("not", ("missing", A)),
    ("=", ("path", "item", ("m", "zip")), ("constant", "a")), ("<", ("path", "item", ("l", 0, "n")), ("constant", 5)),
    ("or", ("null", ("path", "item", ("m", "zip"))), ("missing", ("path", "item", ("l", 1)))), ("=", A, B),
    ("answer", ("call", "starts_with", (A, ("constant", "O")))),
]  # fmt: skip


def plain_items() -> list[dict[str, Any]]:
    """Strings, booleans, NULL, missing and numbers of up to 15 digits, at the top and nested."""
    short = [5, 0, -1, 100, Decimal("19.99"), Decimal("2.5"), Decimal("-0.5"), 10**37, 2**53 + 1]
    plain = [*(text for text in STRINGS), *short, True, False, None, [], [1, "a"], {"x": 1}, frozenset({"a"}), b"a"]
    nested = [{"a": value, "b": "b", "m": {"zip": value}, "l": [{"n": value}]} for value in plain]
    return [*nested, *({"a": value, "b": value} for value in plain), {}]


PATTERNS: Final = ("a%b", "a_b", "a\\b", "a\\%", "%\\_", "_\\%_", "%%", "_", "a%%b%", "\\", "x\ny", "%_")
PATTERN_TEXTS: Final = (
    "", "a", "ab", "a%b", "a_b", "aXb", "a\\b", "a\\", "\\", "\\_", "x\ny", "xy", "a%", "é", "😀", "\x00", "a\x00b",
    "%", "_",
)  # fmt: skip


def patterns() -> Grid:
    """Wildcards, backslashes and line ends; all but texts are no match."""
    rows = [{"a": text} for text in PATTERN_TEXTS] + [{"a": 5}, {"a": None}, {"a": ["a%b"]}, {}]
    return [(("like", A, pattern), rows) for pattern in PATTERNS]


CONTAINERS: Final = [
    [1, "a"], ["ab"], [b"a"], [{"x": 1}], [frozenset({"a"})], [True], [None], [[1]], frozenset({"a", "b"}), "xay", "",
    '"a\n', frozenset({1, Decimal("2.5")}), frozenset({b"a", b"\x00"}), {"a": 1}, 1, None, b"a", [Decimal("0.1")],
    [{"$x": 1}],
]  # fmt: skip
MEMBERS: Final = [
    1, "a", "", '"a', "\n", b"a", {"x": 1}, {"$x": 1}, True, [1], frozenset({"a"}), Decimal("2.5"), Decimal("0.1"),
]  # fmt: skip


def containers() -> Grid:
    """What is in a list, a set or a string; the last item has none."""
    rows = [{"a": container} for container in CONTAINERS] + [{}]
    return [(("answer", ("call", "contains", (A, ("constant", value)))), rows) for value in MEMBERS]


ESCAPED: Final = ("\x01", "a\x1fb", "\x00", "\n", "\t", "\x7f", "\u2028", "/", '"', "\\", "😀")


def escaped(text: str) -> Grid:
    """Strings that JSON escapes, as a constant, in a list, in order and in a value."""
    rows = [{"a": text}, {"a": f"{text}x"}, {"a": "x"}, {"a": [text]}, {"a": {text: text}}, {}]
    tests = [("=", A, ("constant", text)), ("in", A, (text, 1)), ("<", A, ("constant", text + "x")),
             ("=", A, ("constant", [text])), ("like", A, f"{text}%"), ("<>", A, ("constant", text))]  # fmt: skip
    return [(test, rows) for test in tests]


DIGITS: Final = ("1.23456789012345", "12345678.9012345", "-0.00123456789012345", "123456789012.345", "99.99")


def neighbours(digits: str, more: int) -> Grid:
    """A value with ever more digits after those of a constant of up to 15; and with the roles changed."""
    short, long = Decimal(digits), Decimal(f"{digits}{'0' * (more - 1)}1")
    rows = [{"a": short}, {"a": long}, {"a": Decimal("0.5")}, {"a": {"a": long}, "b": short}]
    grid: Grid = [((operator, A, ("constant", value)), rows) for operator in OPERATORS for value in (short, long)]
    grid += [(("in", A, (value, Decimal("0.5"))), rows) for value in (short, long)]
    for wrap in (lambda number: number, lambda number: [number, "x"], lambda number: {"z": {"y": number}}):
        sides = [{"a": wrap(left), "b": wrap(right)} for left in (short, long) for right in (short, long)]
        grid.append((("=", A, B), sides))
    return grid


ODD_NAMES: Final = (
    *TOP, "-", "1", "+1", "01", "٣", "$SS", "$M", "$B", "*", "a[0]", "é", "😀", "\x00", "\x7f", "x~1y", "~0", "//", "'",
    ";", "$p0", '"]["', "\\", '\\"', "?",
)  # fmt: skip


class AnyNames(Names):
    """Whatever name is asked for is there."""

    def attributes(self, exact: bool) -> frozenset[str]:
        return frozenset(ODD_NAMES)


def odd_names(name: str) -> Grid:
    """Names that are positions, wildcards, escapes or wrappers of image JSON, at the top, in a map and in a list."""
    inner = {name: 5}
    sets = [frozenset({"a"}), frozenset({5}), b"a", [5, 6], inner, {name: 5, "z": 1}, {name: [5]}, {"z": {name: 5}}]
    rows = [{name: value} for value in (5, "5", None, *sets)]
    rows += [{"m": value} for value in (5, None, *sets)] + [{"l": [value, 5]} for value in sets] + [{}, {"a": 5}]
    steps = ((), ("m",), ("l", 0), ("m", "z"))
    paths = [(*before, name) for before in steps] + [("m", name, 0), (name, name), ("m", 1), ("l", 1)]
    return _about_paths(paths, rows)


def positions() -> Grid:
    """[1] of a list is not "1" of a map."""
    rows: list[dict[str, Any]] = [{"m": ["x", 5]}, {"m": {"1": 5}}, {"m": {"1": 5, "x": ["x", 5]}}]
    return _about_paths([("m", 1), ("m", "1"), ("m", "x", 1), ("m", "x", "1")], [*rows, {"m": {"x": ["x", 5]}}])


def _about_paths(paths: list[tuple[str | int, ...]], rows: list[dict[str, Any]]) -> Grid:
    places = [("path", "item", path) for path in paths]
    return [
        (test, rows)
        for place in places
        for test in (("=", place, ("constant", 5)), ("missing", place), ("null", place), ("<>", place, A))
    ]
