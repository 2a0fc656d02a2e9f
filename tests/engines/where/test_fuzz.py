"""Whatever is typed: a condition, or ConditionNotValidError; and none of it ever stands in an engine's SQL."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from histlib.engines.where import Condition, Subject, parse_where
from histlib.errors import ConditionNotValidError
from histlib.values.image_json import encode_image
from tests.support.effort import examples
from tests.support.where.cases import Names, Text, conditions, items

modest = settings(max_examples=examples(250), deadline=None, suppress_health_check=list(HealthCheck))
FRAGMENTS = (
    "item", "keys", "new_image", "old_image", "action", "timestamp", "actor", ".", "a", "b", "id", '"A b"', "'a'",
    "''", "'", '"', "0", "1.5", "-", "+", "*", "/", "||", "(", ")", "[", "]", "0]", ",", ";", "--", "/*", "*/",
    "=", "<>", "<", ">=", "AND", "OR", "NOT", "IN", "LIKE", "ESCAPE", "BETWEEN", "IS", "NULL", "MISSING", "TRUE",
    ":p", ":", "?", "SELECT", "UNION ALL SELECT", "FROM t", "WHERE", "DROP TABLE t", "lower(", "contains(",
    "type(", "CASE", "WHEN", "END", "CAST(", "AS", "INTERVAL", "DATE '2026-01-01'", "TIMESTAMP '2026-01-01'",
    "EXISTS", "ARRAY[", "MAP{", "{", "}", "{{", "{%", "{#", "#}", "$$", "$p0", "@x", "`", "\\", "\n", "\x00",
    "\ud800", "名前", "💥", "\u202e", "E'\\n'", "x'1f'", "1e9999", "item.a", "item.a = 1",
    "new_image.a <> old_image.a", "::", "->", "->>", "%", "COLLATE", "OVER (", "ORDER BY", "LIMIT", "FILTER (",
    "ANY", "ALL", "SIMILAR TO", "IS DISTINCT FROM", "AT TIME ZONE", "SYMMETRIC", "ILIKE", "PRAGMA", "ATTACH",
)  # fmt: skip
#: All that the SQL for DuckDB may consist of, besides parameters.
OWN = re.compile(
    r"\s+|\$p\d+|[()=<>,]|'VARCHAR'|'null'|'\^\[-0-9\]'|'\^\(\[0-9\]\|\[\^\"\]\.\*\[0-9\]\)\[\.eE\]'|''|'\\'|\b(?:CASE|WHEN|THEN|"
    r"ELSE|END|AND|OR|NOT|IS|NULL|DISTINCT|FROM|TRUE|FALSE|IN|LIKE|ESCAPE|CAST|TRY_CAST|AS|VARCHAR|DOUBLE|BOOLEAN|COALESCE|"
    r"json_extract|json_extract_string|json_type|contains|starts_with|ends_with|list_contains|regexp_matches|image|"
    r"new_image|old_image|keys|action|effective|actor)\b"
)


def own_words_only(condition: Condition) -> bool:
    sql, params = condition.duckdb()
    assert set(re.findall(r"\$(\w+)", sql)) == set(params)
    return OWN.sub("", sql) == ""


def tried(text: str, params: dict[str, Any] | None = None) -> None:
    """Either a condition, whose SQL is our own, or a refusal; about an item and about a change."""
    for subject in Subject:
        try:
            condition = parse_where(text, params, subject, Names(), UTC)
        except ConditionNotValidError as error:
            assert str(error)
        else:
            assert own_words_only(condition)


@modest
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map(" ".join))
def test_any_words(text: str):
    """SQL of every kind, and what is none, in any order."""
    tried(text)
    tried(text.replace(" ", ""), {"p": 1})


@modest
@given(st.text(max_size=40))
def test_any_text(text: str):
    """Any characters at all."""
    tried(text)
    tried(f"item.a = '{text}'")
    tried(f'item."{text}" = 1')


@modest
@given(conditions(("item", "keys")), st.data())
def test_any_damage(test: Any, data: Any):
    """A valid condition with pieces cut out, doubled, or others put in."""
    text = Text(bind=False).of(test)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        piece = data.draw(st.one_of(st.just(""), st.sampled_from(FRAGMENTS), st.just(text[start:end] * 2)))
        text = text[:start] + piece + text[end:]
    tried(text)


@modest
@given(conditions(("item", "keys")), st.booleans())
def test_no_text_of_the_caller_is_in_the_sql(test: Any, bind: bool):
    """Every literal and name is a parameter."""
    writer = Text(bind=bind)
    assert own_words_only(parse_where(writer.of(test), writer.params, Subject.ITEM, Names(), UTC))


@pytest.mark.parametrize("text", [
    "(" * 5_000 + "item.a = 1" + ")" * 5_000, "NOT " * 5_000 + "item.a = 1", "item.a = " + "- " * 5_000 + "1",
    "lower(" * 5_000 + "item.a" + ")" * 5_000 + " = 'a'", "item.a" + " + 1" * 5_000 + " = 2",
    "item.a" + "[0]" * 5_000 + " = 1", "item.a" + " = 1" * 5_000, "(NOT " * 26 + "item.a = 1" + ")" * 26,
    "item.a" + " IS NULL" * 5_000, "item.a" + " || 'x'" * 5_000 + " = 'x'", "[" * 5_000, "a." * 5_000, "1 IN (" * 5_000,
    "CASE " * 5_000, "item.a BETWEEN " * 5_000, "item.a LIKE " * 5_000, "item.a = 'x' " * 5_000, "x" * 300_000,
])  # fmt: skip
def test_no_depth_breaks_the_parser(text: str):
    """Deep nesting and endless chains are refused, not a RecursionError."""
    with pytest.raises(ConditionNotValidError):
        parse_where(text, None, Subject.ITEM, Names(), UTC)


def test_what_people_write_is_not_too_deep():
    """Twenty-five levels, a thousand tests in a row, a path as deep as DynamoDB's items."""
    for text in ("(" * 25 + "item.a = 1" + ")" * 25, "NOT " * 25 + "item.a <> 1", " AND ".join(["item.a = 1"] * 1_000),
                 "item.a" + ".x" * 31 + " IS MISSING", "item.a" + " + 0" * 90 + " = 1"):  # fmt: skip
        condition = parse_where(text, None, Subject.ITEM, Names(), UTC)
        assert condition.item("{}", '{"a":1}')
        sql, params = condition.duckdb()
        answer = duckdb.execute(f"SELECT {sql} FROM (SELECT $image AS image)", {**params, "image": '{"a":1}'})
        assert answer.fetchall() in ([(True,)], [(None,)])


@modest
@given(items, st.text(max_size=10))
def test_any_image_is_read(item: dict[str, Any], text: str):
    """Judging never fails, whatever the image holds."""
    condition = parse_where(
        "item.a < :t OR item.b + 1 = item.c * 2 OR lower(item.a) LIKE '%x%' OR length(item.m) IN (1, 2) "
        "OR item.l[0] = :t",
        {"t": text}, Subject.ITEM, Names(), UTC,
    )  # fmt: skip
    assert condition.item("{}", encode_image(item)) in (True, False)
