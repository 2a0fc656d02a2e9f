"""Conditions against a naive reading of them, and DuckDB's verdict against Python's."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histlib.values import encode_image
from histlib.where import Condition, Subject, parse_where
from tests.where_cases import Names, Oracle, Text, conditions, items, keys

modest = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
images = st.one_of(items, items, items, st.none())
changes = st.fixed_dictionaries(
    {
        "keys": keys, "new": images, "old": images, "action": st.sampled_from(["INSERT", "MODIFY", "REMOVE"]),
        "effective": st.integers(0, 4_999_999), "actor": st.one_of(st.none(), st.sampled_from(["ttl", "a", "abc"])),
    }
)  # fmt: skip
ITEM, CHANGE = ("item", "item", "item", "keys"), ("new_image", "new_image", "old_image", "keys")


def text_of(image: dict[str, Any] | None) -> str | None:
    return None if image is None else encode_image(image)


def parsed(test: Any, subject: Subject, *, bind: bool) -> Condition:
    writer = Text(bind=bind)
    return parse_where(writer.of(test), writer.params, subject, Names(), UTC)


def columns(change: dict[str, Any]) -> tuple[Any, ...]:
    return (
        encode_image(change["keys"]), text_of(change["new"]), text_of(change["old"]),
        change["action"], change["effective"], change["actor"],
    )  # fmt: skip


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


def verdicts(engine: Any, condition: Condition, names: list[str], rows: list[tuple[Any, ...]]) -> list[bool | None]:
    sql, params = condition.duckdb()
    given_rows = {f"c_{name}": [row[place] for row in rows] for place, name in enumerate(names)}
    kinds = {"effective": "BIGINT"}
    unnested = ", ".join(f"unnest($c_{name}::{kinds.get(name, 'VARCHAR')}[]) AS {name}" for name in names)
    answer = engine.execute(f"SELECT {sql} FROM (SELECT {unnested})", {**params, **given_rows}).fetchall()
    return [verdict for (verdict,) in answer]


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
    names = ["keys", "new_image", "old_image", "action", "effective", "actor"]
    said = verdicts(engine, condition, names, texts)
    expected = [condition.change(*row) for row in texts]
    assert [verdict in (None, answer) for verdict, answer in zip(said, expected, strict=True)] == [True] * len(rows)
