"""What real Trino is asked means what Python means: in the corners, and of random conditions, items and changes."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from histlib.engines.where import Subject, parse_where
from histlib.values.image_json import encode_image
from tests.support.where import grids
from tests.support.where.cases import Names, conditions, keys
from tests.support.where.oracles import CHANGE, ITEM, changes, columns, images
from tests.support.where.trino import judge
from tests.support.where.verdicts import CHANGE_COLUMNS, ITEM_COLUMNS, Judge, held, parsed, text_of

#: Each example is a query of conditions, each over all rows.
few = settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def asked(trino_server: Any) -> Judge:
    """Trino as a judge of conditions."""
    from tests.support.athena.trino_engine import TrinoEngine

    return judge(TrinoEngine(trino_server.url))


@pytest.mark.parametrize("operator", grids.OPERATORS)
def test_every_value_against_every_constant(asked: Judge, operator: str):
    """The whole grid; unsure only of numbers whose doubles coincide, and only of their order."""
    said = held(asked, grids.constants(operator))
    unsure = sum(verdict is None for verdicts in said for verdict in verdicts)
    assert unsure <= (0 if operator in ("=", "<>") else 20)


@pytest.mark.parametrize("operator", grids.OPERATORS)
def test_every_value_against_every_other(asked: Judge, operator: str):
    """Two paths: the same by type and value, in order by type."""
    (said,) = held(asked, grids.pairs(operator))
    assert said.count(None) <= 20


def test_trino_decides_the_plain_cases_itself(asked: Judge):
    """Strings, booleans, NULL, missing and numbers of up to 15 digits, at the top and nested."""
    rows = grids.plain_items()
    said = held(asked, [(test, rows) for test in grids.PLAIN])
    assert [test for test, verdicts in zip(grids.PLAIN, said, strict=True) if None in verdicts] == []


def test_patterns_mean_the_same_to_trino(asked: Judge):
    """Wildcards, backslashes and line ends, all decided."""
    assert not any(None in verdicts for verdicts in held(asked, grids.patterns()))


def test_containers_mean_the_same_to_trino(asked: Judge):
    """A part of a string is decided; of lists and sets a search of the text says what cannot be inside."""
    said = held(asked, grids.containers())
    at = grids.CONTAINERS.index("xay")
    texts = [verdicts for member, verdicts in zip(grids.MEMBERS, said, strict=True) if isinstance(member, str)]
    assert None not in [verdicts[at] for verdicts in texts]


def test_strings_that_json_escapes(asked: Judge):
    """As a constant, in a list, in order and in a value."""
    for text in grids.ESCAPED:
        said = held(asked, grids.escaped(text))
        assert None not in [verdict for verdicts in (said[0], said[2], said[4], said[5]) for verdict in verdicts]


@pytest.mark.parametrize("digits", grids.DIGITS)
def test_neighbours_of_a_fraction(asked: Judge, digits: str):
    """A value with ever more digits after those of a constant of up to 15."""
    for more in (1, 2, 5, 10, 20):
        held(asked, grids.neighbours(digits, more))


def test_no_name_leads_trino_elsewhere(asked: Judge):
    """Names that are positions, wildcards, escapes or wrappers of image JSON, at the top, in a map and in a list."""
    for name in grids.ODD_NAMES:
        held(asked, grids.odd_names(name), grids.AnyNames())
    assert not any(None in verdicts for verdicts in held(asked, grids.positions(), grids.AnyNames()))


def test_times_mean_the_same_to_trino(asked: Judge):
    """At the second's first and last microsecond, and just beside."""
    for second in (0, 1, 1_603_700_000):
        moments = [second * 1_000_000 + beside for beside in (-1_000_000, -1, 0, 1, 999_999, 1_000_000)]
        rows = [("{}", None, None, "INSERT", moment, None) for moment in moments if moment >= 0]
        asked_of = [parse_where(f"timestamp {operator} {second}", None, Subject.CHANGE, Names(), UTC)
                    for operator in grids.OPERATORS]  # fmt: skip
        expected = [[condition.change(*row) for row in rows] for condition in asked_of]
        assert asked(asked_of, CHANGE_COLUMNS, rows) == expected


@few
@given(st.lists(conditions(ITEM), min_size=8, max_size=8), st.lists(st.tuples(keys, images), min_size=8, max_size=16))
def test_trino_never_disagrees_about_items(asked: Judge, tests: list[Any], rows: list[Any]):
    """Where Trino is certain, it says what Python says."""
    asked_of = [parsed(test, Subject.ITEM, bind=True) for test in tests]
    texts = [(encode_image(key), text_of(item)) for key, item in rows]
    for condition, said in zip(asked_of, asked(asked_of, ITEM_COLUMNS, texts), strict=True):
        assert [verdict in (None, condition.item(*row)) for verdict, row in zip(said, texts, strict=True)] == [
            True
        ] * len(rows), condition.text


@few
@given(st.lists(conditions(CHANGE), min_size=8, max_size=8), st.lists(changes, min_size=8, max_size=16))
def test_trino_never_disagrees_about_changes(asked: Judge, tests: list[Any], rows: list[Any]):
    """Where Trino is certain, it says what Python says, of changes too."""
    asked_of = [parsed(test, Subject.CHANGE, bind=True) for test in tests]
    texts = [columns(change) for change in rows]
    for condition, said in zip(asked_of, asked(asked_of, CHANGE_COLUMNS, texts), strict=True):
        assert [verdict in (None, condition.change(*row)) for verdict, row in zip(said, texts, strict=True)] == [
            True
        ] * len(rows), condition.text


def test_no_item_is_judged_by_an_image_that_is_no_json(asked: Judge):
    """It was taken for a record by its braces: Python says so, where Trino would find nothing in it."""
    condition = parse_where("item.a IS MISSING OR keys.id = 'x'", None, Subject.ITEM, Names(), UTC)
    rows = [('{"id":"a"}', text) for text in ('{"a":1}', "{broken}", '{"b":{"x":}}', "{}", None)]
    assert asked([condition], ITEM_COLUMNS, rows) == [[False, None, None, True, False]]


def test_hundreds_of_tests_are_no_deep_tree(asked: Judge):
    """Joined, or listed: Trino's limits of levels are not met, beyond 300 tests Python decides."""
    for count in (299, 2_000):
        chain = " OR ".join(f"item.a = {number}" for number in range(count))
        condition = parse_where(chain, None, Subject.ITEM, Names(), UTC)
        assert asked([condition], ITEM_COLUMNS, [("{}", '{"a":7}')]) == [[True if count < 300 else None]]
    condition = parse_where("item.a IN :ids", {"ids": list(range(2_000))}, Subject.ITEM, Names(), UTC)
    rows = [("{}", '{"a":1999}'), ("{}", '{"a":2000}')]
    assert asked([condition], ITEM_COLUMNS, rows) == [[True, False]]
