"""What DuckDB is asked means what Python means: in the corners where its JSON, LIKE and numbers differ from ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from histlib.engines.where import Condition, Subject, parse_where
from histlib.values.image_json import encode_image
from tests.support.where import grids
from tests.support.where.cases import Names, Oracle
from tests.support.where.grids import A
from tests.support.where.verdicts import CHANGE_COLUMNS, ITEM_COLUMNS, Judge, held, held_to_the_oracle, verdicts


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def asked(engine: Any) -> Judge:
    """DuckDB as a judge of conditions."""

    def judge(conditions: Sequence[Condition], names: list[str], rows: list[tuple[Any, ...]]) -> Any:
        return [verdicts(engine, condition, names, rows) for condition in conditions]

    return judge


@pytest.mark.parametrize("operator", grids.OPERATORS)
def test_every_value_against_every_constant(asked: Judge, operator: str):
    """The whole grid, so that no pair that looks alike (5 and "5", doubles that coincide) is left to chance."""
    held(asked, grids.constants(operator))


@pytest.mark.parametrize("operator", grids.OPERATORS)
def test_every_value_against_every_other(asked: Judge, operator: str):
    """Two paths: the same by type and value, in order by type."""
    held(asked, grids.pairs(operator))


@pytest.mark.parametrize("test", grids.PLAIN, ids=str)
def test_duckdb_decides_the_plain_cases_itself(asked: Judge, test: Any):
    """Strings, booleans, NULL, missing and numbers of up to 15 digits, at the top and nested."""
    assert None not in held(asked, [(test, grids.plain_items())])[0]


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
        said = verdicts(engine, condition, ITEM_COLUMNS, [("{}", '{"a":7}')])
        assert said == [True if count < 300 else None] and condition.item("{}", '{"a":7}')
    condition = parse_where("item.a IN :ids", {"ids": list(range(2_000))}, Subject.ITEM, Names(), UTC)
    assert verdicts(engine, condition, ITEM_COLUMNS, [("{}", '{"a":1999}'), ("{}", '{"a":2000}')]) == [True, False]


@pytest.mark.parametrize("name", grids.ODD_NAMES)
def test_no_name_leads_duckdb_elsewhere(asked: Judge, name: str):
    """Names that are positions, wildcards, escapes or wrappers of image JSON, at the top, in a map and in a list."""
    held(asked, grids.odd_names(name), grids.AnyNames())


def test_duckdb_knows_a_position_from_a_name(asked: Judge):
    """[1] of a list is not "1" of a map."""
    held(asked, grids.positions(), grids.AnyNames())


def test_patterns_mean_the_same_to_duckdb(asked: Judge):
    """Wildcards, backslashes and line ends."""
    held(asked, grids.patterns())


@pytest.mark.parametrize("pattern", grids.PATTERNS)
def test_escaped_wildcards_are_text_to_duckdb(engine: Any, pattern: str):
    """By ESCAPE, with and without a wildcard after it."""
    given_rows = [("{}", encode_image({"a": text})) for text in grids.PATTERN_TEXTS]
    escaped = pattern.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    for tail, verdict in (("", str.__eq__), ("!%", lambda text, whole: text == whole + "%"), ("%", str.startswith)):
        condition = parse_where("item.a LIKE :p ESCAPE '!' AND TRUE", {"p": escaped + tail}, Subject.ITEM, Names(), UTC)
        expected = [verdict(text, pattern) for text in grids.PATTERN_TEXTS]
        assert [condition.item(*row) for row in given_rows] == expected
        assert verdicts(engine, condition, ITEM_COLUMNS, given_rows) == expected


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


def test_containers_mean_the_same_to_duckdb(asked: Judge):
    """A search of the text alone says what cannot be inside, never more; so it is no when the text lacks it."""
    for member, said in zip(grids.MEMBERS, held(asked, grids.containers()), strict=True):
        assert said[-1] is (None if member == "" else False)


@pytest.mark.parametrize("text", grids.ESCAPED)
def test_strings_that_json_escapes(asked: Judge, text: str):
    """As a constant, in a list, in order and in a value: by the decoded text."""
    assert all(said[2] is not None for said in held(asked, grids.escaped(text)))


@pytest.mark.parametrize("digits", grids.DIGITS)
@pytest.mark.parametrize("more", range(1, 21))
def test_neighbours_of_a_fraction(asked: Judge, digits: str, more: int):
    """A value with ever more digits after those of a constant of up to 15; and with the roles changed."""
    held(asked, grids.neighbours(digits, more))
