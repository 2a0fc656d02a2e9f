"""Conditions against a naive reading of them, and DuckDB's verdict against Python's."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histlib.values import encode_image
from histlib.where import Condition, Subject, parse_where
from tests.where_cases import NUMBERS, STRINGS, Names, Oracle, Text, conditions, items, keys

modest = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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


POOL = [*STRINGS, *NUMBERS, True, False, b"", b"a", [1], {"$x": 1}, frozenset({"a"}), frozenset({1, 2})]
ORDERED = [value for value in POOL if isinstance(value, str | bytes) or type(value) in (int, Decimal)]
A = ("path", "item", ("a",))
B = ("path", "item", ("b",))


def held_to_the_oracle(engine: Any, test: Any, given_items: list[dict[str, Any]]) -> list[bool | None]:
    condition = parsed(test, Subject.ITEM, bind=True)
    texts = [("{}", encode_image(item)) for item in given_items]
    expected = [Oracle({"item": item}).of(test) for item in given_items]
    assert [condition.item(*row) for row in texts] == expected
    written = parsed(test, Subject.ITEM, bind=False)
    assert [written.item(*row) for row in texts] == expected
    said = verdicts(engine, condition, ["keys", "image"], texts)
    assert [(text, verdict) for (_, text), verdict, sure in zip(texts, said, expected, strict=True)
            if verdict not in (None, sure)] == []  # fmt: skip
    return said


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
