"""A condition as Trino's SQL, run by the quick engine, means what Python means. tests/trino asks real Trino."""

from __future__ import annotations

from datetime import UTC

import pytest

from histlib.engines.where import Subject, parse_where
from tests.support.athena.duckdb_engine import DuckDBEngine
from tests.support.where import grids
from tests.support.where.cases import Names
from tests.support.where.trino import judge
from tests.support.where.verdicts import CHANGE_COLUMNS, ITEM_COLUMNS, Judge, held


@pytest.fixture(scope="module")
def asked() -> Judge:
    """The quick engine as a judge of conditions; it has no tables, so nothing is asked of the address."""
    return judge(DuckDBEngine("http://127.0.0.1:9"))


def test_the_plain_cases_are_decided(asked: Judge):
    """Strings, booleans, NULL, missing and numbers of up to 15 digits, at the top and nested."""
    rows = grids.plain_items()
    said = held(asked, [(test, rows) for test in grids.PLAIN])
    assert [test for test, verdicts in zip(grids.PLAIN, said, strict=True) if None in verdicts] == []


@pytest.mark.parametrize("operator", grids.OPERATORS)
def test_every_value_against_every_constant_and_other(asked: Judge, operator: str):
    """The whole grid; unsure only of numbers whose doubles coincide, and only of their order."""
    said = held(asked, [*grids.constants(operator), *grids.pairs(operator)])
    unsure = sum(verdict is None for verdicts in said for verdict in verdicts)
    assert unsure <= (0 if operator in ("=", "<>") else 40)


@pytest.mark.parametrize("name", ["a", "1", "$M", '"][', "\\", "?", "x.y", "😀"])
def test_no_name_leads_elsewhere(asked: Judge, name: str):
    """Positions, wrappers of image JSON, quotes and backslashes."""
    name = '"]["' if name == '"][' else name
    held(asked, grids.odd_names(name), grids.AnyNames())


def test_patterns_containers_and_escapes(asked: Judge):
    """LIKE, contains, and strings that JSON escapes."""
    held(
        asked,
        [*grids.patterns(), *grids.containers(), *(case for text in grids.ESCAPED for case in grids.escaped(text))],
    )


def test_columns_go_by_other_names(asked: Judge):
    """Any SQL may stand for a column; one that the subject has not is refused."""
    condition = parse_where("item.a = 1 AND keys.id = 'x'", None, Subject.ITEM, Names(), UTC)
    text = condition.trino(image="lower(image)", keys="k")
    assert "lower(image)" in text and "(k," in text and "keys" not in text
    with pytest.raises(ValueError, match="no column new_image; expected some of keys, image"):
        condition.trino(new_image="x")


def test_broken_images_and_fields_of_a_change(asked: Judge):
    """An image that is no JSON is for Python to tell; action, time and actor are decided."""
    condition = parse_where("item.a IS MISSING", None, Subject.ITEM, Names(), UTC)
    rows = [("{}", text) for text in ('{"a":1}', "{broken}", "{}", None)]
    assert asked([condition], ITEM_COLUMNS, rows) == [[False, None, True, False]]
    condition = parse_where(
        "action = 'INSERT' AND timestamp >= 1 AND actor LIKE 'a?%'", None, Subject.CHANGE, Names(), UTC
    )
    changes = [
        ("{}", None, None, "INSERT", moment, actor) for moment in (999_999, 1_000_000) for actor in ("a?b", None)
    ]
    assert asked([condition], CHANGE_COLUMNS, changes) == [[False, False, True, False]]
