"""What DuckDB is asked means what Python means: in the corners where its JSON, LIKE and numbers differ from ours."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from histlib.values import encode_image
from histlib.where import Subject, parse_where
from tests.where_cases import NUMBERS, STRINGS, TOP, Names, Oracle, Text
from tests.where_verdicts import CHANGE_COLUMNS, A, B, held_to_the_oracle, verdicts


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect() as connection:
        yield connection


POOL = [*STRINGS, *NUMBERS, True, False, b"", b"a", [1], {"$x": 1}, frozenset({"a"}), frozenset({1, 2})]
ORDERED = [value for value in POOL if isinstance(value, str | bytes) or type(value) in (int, Decimal)]


@pytest.mark.parametrize("operator", ["=", "<>", "<", "<=", ">", ">="])
def test_every_value_against_every_constant(engine: Any, operator: str):
    """The whole grid, so that no pair that looks alike (5 and "5", doubles that coincide) is left to chance."""
    rows = [{"a": value} for value in [*POOL, None, []]] + [{}, {"b": 1}, {"b": {"a": 5}}]
    for value in POOL if operator in ("=", "<>") else ORDERED:
        held_to_the_oracle(engine, (operator, A, ("constant", value)), rows)


@pytest.mark.parametrize("operator", ["=", "<>", "<", "<=", ">", ">="])
def test_every_value_against_every_other(engine: Any, operator: str):
    """Two paths: the same by type and value, in order by type."""
    ends = [*POOL, None]
    rows = [{"a": left, "b": right} for left in ends for right in ends] + [{}, *({"a": value} for value in ends)]
    held_to_the_oracle(engine, (operator, A, B), rows)


PLAIN = [
    ("=", A, ("constant", "abc")), ("<>", A, ("constant", "O'Brien")), ("<", A, ("constant", "b")),
    (">=", A, ("constant", "é")), ("=", A, ("constant", 5)), ("<>", A, ("constant", 0)), ("<", A, ("constant", 100)),
    (">=", A, ("constant", Decimal("19.99"))), ("=", A, ("constant", Decimal("19.99"))), ("=", A, ("constant", True)),
    ("<>", A, ("constant", False)), ("in", A, ("a", 5, True, Decimal("2.5"))), ("like", A, "%a%"), ("like", A, "a_c%"),
    ("between", A, ("constant", 1), ("constant", Decimal("2.5"))), ("missing", A), ("null", A), ("not", ("missing", A)),
    ("=", ("path", "item", ("m", "zip")), ("constant", "a")), ("<", ("path", "item", ("l", 0, "n")), ("constant", 5)),
    ("or", ("null", ("path", "item", ("m", "zip"))), ("missing", ("path", "item", ("l", 1)))), ("=", A, B),
    ("answer", ("call", "starts_with", (A, ("constant", "O")))),
]  # fmt: skip


@pytest.mark.parametrize("test", PLAIN, ids=str)
def test_duckdb_decides_the_plain_cases_itself(engine: Any, test: Any):
    """Strings, booleans, NULL, missing and numbers of up to 15 digits, at the top and nested."""
    short = [5, 0, -1, 100, Decimal("19.99"), Decimal("2.5"), Decimal("-0.5"), 10**37, 2**53 + 1]
    plain = [*(text for text in STRINGS), *short, True, False, None, [], [1, "a"], {"x": 1}, frozenset({"a"}), b"a"]
    nested = [{"a": value, "b": "b", "m": {"zip": value}, "l": [{"n": value}]} for value in plain]
    pairs = [{"a": value, "b": value} for value in plain]
    assert None not in held_to_the_oracle(engine, test, [*nested, *pairs, {}])


def test_duckdb_is_unsure_where_doubles_could_coincide(engine: Any):
    """0.1 and a 38-digit neighbour are one double; what is not 0.1 even as a double is certain."""
    near = Decimal("0.1000000000000000055511151231257827")
    rows = [{"a": near}, {"a": Decimal("0.1")}, {"a": Decimal("0.2")}]
    assert held_to_the_oracle(engine, ("=", A, ("constant", Decimal("0.1"))), rows) == [None, True, False]
    assert held_to_the_oracle(engine, ("<", A, ("constant", near)), rows) == [None, None, False]


def test_a_long_chain_is_no_deep_tree(engine: Any):
    """Hundreds of tests joined, or listed: DuckDB's limit of levels is not met, beyond 300 tests Python decides."""
    for count in (299, 2_000):
        chain = " OR ".join(f"item.a = {number}" for number in range(count))
        condition = parse_where(chain, None, Subject.ITEM, Names(), UTC)
        said = verdicts(engine, condition, ["keys", "image"], [("{}", '{"a":7}')])
        assert said == [True if count < 300 else None] and condition.item("{}", '{"a":7}')
    condition = parse_where("item.a IN :ids", {"ids": list(range(2_000))}, Subject.ITEM, Names(), UTC)
    assert verdicts(engine, condition, ["keys", "image"], [("{}", '{"a":1999}'), ("{}", '{"a":2000}')]) == [True, False]


ODD_NAMES = (
    *TOP,
    "-",
    "1",
    "$SS",
    "$M",
    "$B",
    "*",
    "a[0]",
    "é",
    "😀",
    "\x00",
    "\x7f",
    "x~1y",
    "~0",
    "//",
    "'",
    ";",
    "$p0",
)


class AnyNames(Names):
    """Whatever name is asked for is there."""

    def attributes(self, exact: bool) -> frozenset[str]:
        return frozenset(ODD_NAMES)


def about_odd_names(engine: Any, path: tuple[str | int, ...], value: Any, rows: list[dict[str, Any]]) -> None:
    writer = Text(bind=True)
    for test in (("=", ("path", "item", path), ("constant", value)), ("missing", ("path", "item", path)),
                 ("null", ("path", "item", path)), ("<>", ("path", "item", path), A)):  # fmt: skip
        condition = parse_where(
            writer.of(test), None if test[0] != "=" else writer.params, Subject.ITEM, AnyNames(), UTC
        )
        texts = [("{}", encode_image(row)) for row in rows]
        expected = [Oracle({"item": row}).of(test) for row in rows]
        assert [condition.item(*row) for row in texts] == expected
        said = verdicts(engine, condition, ["keys", "image"], texts)
        assert all(verdict in (None, sure) for verdict, sure in zip(said, expected, strict=True)), (path, test)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_name_leads_duckdb_elsewhere(engine: Any, name: str):
    """Names that are positions, wildcards, escapes or wrappers of image JSON, at the top, in a map and in a list."""
    inner = {name: 5}
    sets = [frozenset({"a"}), frozenset({5}), b"a", [5, 6], inner, {name: 5, "z": 1}, {name: [5]}, {"z": {name: 5}}]
    rows = [{name: value} for value in (5, "5", None, *sets)]
    rows += [{"m": value} for value in (5, None, *sets)] + [{"l": [value, 5]} for value in sets] + [{}, {"a": 5}]
    for path in (
        (name,),
        ("m", name),
        ("l", 0, name),
        ("m", "z", name),
        ("m", name, 0),
        (name, name),
        ("m", 1),
        ("l", 1),
    ):
        about_odd_names(engine, path, 5, rows)


def test_duckdb_knows_a_position_from_a_name(engine: Any):
    """[1] of a list is not "1" of a map."""
    rows = [{"m": ["x", 5]}, {"m": {"1": 5}}, {"m": {"1": 5, "x": ["x", 5]}}, {"m": {"x": ["x", 5]}}]
    for path in (("m", 1), ("m", "1"), ("m", "x", 1), ("m", "x", "1")):
        about_odd_names(engine, path, 5, rows)


@pytest.mark.parametrize(
    "pattern", ["a%b", "a_b", "a\\b", "a\\%", "%\\_", "_\\%_", "%%", "_", "a%%b%", "\\", "x\ny", "%_"]
)
def test_patterns_mean_the_same_to_duckdb(engine: Any, pattern: str):
    """Wildcards, backslashes and line ends; escaped ones are text."""
    texts = (
        "",
        "a",
        "ab",
        "a%b",
        "a_b",
        "aXb",
        "a\\b",
        "a\\",
        "\\",
        "\\_",
        "x\ny",
        "xy",
        "a%",
        "é",
        "😀",
        "\x00",
        "a\x00b",
        "%",
        "_",
    )
    rows = [{"a": text} for text in texts] + [{"a": 5}, {"a": None}, {"a": ["a%b"]}, {}]
    held_to_the_oracle(engine, ("like", A, pattern), rows)
    escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    for tail, verdict in (("", str.__eq__), ("!%", lambda text, whole: text == whole + "%"), ("%", str.startswith)):
        condition = parse_where("item.a LIKE :p ESCAPE '!' AND TRUE", {"p": escaped + tail}, Subject.ITEM, Names(), UTC)
        given_rows = [("{}", encode_image({"a": text})) for text in texts]
        expected = [verdict(text, pattern) for text in texts]
        assert [condition.item(*row) for row in given_rows] == expected
        assert verdicts(engine, condition, ["keys", "image"], given_rows) == expected


@pytest.mark.parametrize("operator", ["=", "<>", "<", "<=", ">", ">="])
@pytest.mark.parametrize("second", [0, 1, 2, 1_603_700_000])
def test_times_mean_the_same_to_duckdb(engine: Any, operator: str, second: int):
    """At the second's first and last microsecond, and just beside."""
    moments = [second * 1_000_000 + beside for beside in (-1_000_000, -1, 0, 1, 999_999, 1_000_000)]
    rows = [("{}", None, None, "INSERT", moment, None) for moment in moments if moment >= 0]
    condition = parse_where(f"timestamp {operator} {second}", None, Subject.CHANGE, Names(), UTC)
    expected = [Oracle({}, effective=row[4]).of(("not", ("time", "=", second)) if operator == "<>" else
                                               ("time", operator, second)) for row in rows]  # fmt: skip
    assert [condition.change(*row) for row in rows] == expected
    assert verdicts(engine, condition, CHANGE_COLUMNS, rows) == expected


CONTAINERS = [
    [1, "a"],
    ["ab"],
    [b"a"],
    [{"x": 1}],
    [frozenset({"a"})],
    [True],
    [None],
    [[1]],
    frozenset({"a", "b"}),
    "xay",
    "",
    '"a\n',
    frozenset({1, Decimal("2.5")}),
    frozenset({b"a", b"\x00"}),
    {"a": 1},
    1,
    None,
    b"a",
    [Decimal("0.1")],
    [{"$x": 1}],
]


@pytest.mark.parametrize("value", [1, "a", "", "\"a", "\n", b"a", {"x": 1}, {"$x": 1}, True, [1], frozenset({"a"}),
                                   Decimal("2.5"), Decimal("0.1")], ids=repr)  # fmt: skip
def test_containers_mean_the_same_to_duckdb(engine: Any, value: Any):
    """A search of the text alone says what cannot be inside, never more; so it is no when the text lacks it."""
    rows = [{"a": container} for container in CONTAINERS] + [{}]
    said = held_to_the_oracle(engine, ("answer", ("call", "contains", (A, ("constant", value)))), rows)
    assert said[-1] is (None if value == "" else False)


@pytest.mark.parametrize("text", ["\x01", "a\x1fb", "\x00", "\n", "\t", "\x7f", "\u2028", "/", '"', "\\", "😀"])
def test_strings_that_json_escapes(engine: Any, text: str):
    """As a constant, in a list, in order and in a value: by the decoded text."""
    rows = [{"a": text}, {"a": f"{text}x"}, {"a": "x"}, {"a": [text]}, {"a": {text: text}}, {}]
    for test in (("=", A, ("constant", text)), ("in", A, (text, 1)), ("<", A, ("constant", text + "x")),
                 ("=", A, ("constant", [text])), ("like", A, f"{text}%"), ("<>", A, ("constant", text))):  # fmt: skip
        said = held_to_the_oracle(engine, test, rows)
        assert said[2] is not None


DIGITS = ("1.23456789012345", "12345678.9012345", "-0.00123456789012345", "123456789012.345", "99.99")


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("more", range(1, 21))
def test_neighbours_of_a_fraction(engine: Any, digits: str, more: int):
    """A value with ever more digits after those of a constant of up to 15; and with the roles changed."""
    short, long = Decimal(digits), Decimal(f"{digits}{'0' * (more - 1)}1")
    rows = [{"a": short}, {"a": long}, {"a": Decimal("0.5")}, {"a": {"a": long}, "b": short}]
    for operator in ("=", "<>", "<", "<=", ">", ">="):
        held_to_the_oracle(engine, (operator, A, ("constant", short)), rows)
        held_to_the_oracle(engine, (operator, A, ("constant", long)), rows)
    held_to_the_oracle(engine, ("in", A, (short, Decimal("0.5"))), rows)
    held_to_the_oracle(engine, ("in", A, (long, Decimal("0.5"))), rows)
    for wrap in (lambda number: number, lambda number: [number, "x"], lambda number: {"z": {"y": number}}):
        pairs = [{"a": wrap(left), "b": wrap(right)} for left in (short, long) for right in (short, long)]
        held_to_the_oracle(engine, ("=", A, B), pairs)
