"""Conditions against a naive reading of them, and DuckDB's verdict against Python's."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histlib.engines.where import Subject
from histlib.values.image_json import encode_image
from tests.support.effort import examples
from tests.support.where.cases import Oracle, conditions, items, keys
from tests.support.where.oracles import CHANGE, ITEM, changes, columns, images
from tests.support.where.verdicts import CHANGE_COLUMNS, parsed, text_of, verdicts

modest = settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))


@modest
@given(conditions(ITEM), keys, items, st.booleans())
def test_an_item_is_judged_as_the_oracle_does(test: Any, key: Any, item: Any, bind: bool):
    """Whatever the condition and the item, by its text or decoded, with literals or parameters."""
    condition = parsed(test, Subject.ITEM, bind=bind)
    expected = Oracle({"keys": key, "item": item}).of(test)
    assert condition.item(encode_image(key), encode_image(item)) is expected
    assert condition.holds(encode_image(key), item) is expected
    assert condition.item(encode_image(key), None) is False
    assert condition.holds(encode_image(key), None) is False


@modest
@given(conditions(CHANGE), changes, st.booleans())
def test_a_change_is_judged_as_the_oracle_does(test: Any, change: Any, bind: bool):
    """Whatever the condition and the change, also where an image is not there."""
    oracle = Oracle(
        {"keys": change["keys"], "new_image": change["new"] or {}, "old_image": change["old"] or {}},
        action=change["action"], effective=change["effective"], actor=change["actor"],
    )  # fmt: skip
    assert parsed(test, Subject.CHANGE, bind=bind).change(*columns(change)) is oracle.of(test)


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect() as connection:
        yield connection


@modest
@given(conditions(ITEM), st.lists(st.tuples(keys, images), min_size=1, max_size=12), st.booleans())
def test_duckdb_never_disagrees_about_items(engine: Any, test: Any, rows: list[Any], bind: bool):
    """Where DuckDB is certain, it says what Python says."""
    condition = parsed(test, Subject.ITEM, bind=bind)
    texts = [(encode_image(key), text_of(item)) for key, item in rows]
    said = verdicts(engine, condition, ["keys", "image"], texts)
    expected = [condition.item(*row) for row in texts]
    assert [verdict in (None, answer) for verdict, answer in zip(said, expected, strict=True)] == [True] * len(rows)


@modest
@given(conditions(CHANGE), st.lists(changes, min_size=1, max_size=12), st.booleans())
def test_duckdb_never_disagrees_about_changes(engine: Any, test: Any, rows: list[Any], bind: bool):
    """Where DuckDB is certain, it says what Python says, of changes too."""
    condition = parsed(test, Subject.CHANGE, bind=bind)
    texts = [columns(change) for change in rows]
    said = verdicts(engine, condition, CHANGE_COLUMNS, texts)
    expected = [condition.change(*row) for row in texts]
    assert [verdict in (None, answer) for verdict, answer in zip(said, expected, strict=True)] == [True] * len(rows)
