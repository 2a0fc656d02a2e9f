"""What is no condition: the error points at the place and says what was probably meant."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import histlib
from histlib.engines.where import Subject, parse_where
from histlib.engines.where.meaning.functions import FUNCTIONS


class Names:
    """Two attributes equal but for case, one only in the full list."""

    key = ("id", "sortKey")

    def attributes(self, exact: bool) -> frozenset[str]:
        return frozenset({"price", "sale_price", "name", "Name", "category"} | ({"rare"} if exact else set()))


def refusal(text: Any, params: Any = None, subject: Subject = Subject.ITEM) -> str:
    with pytest.raises(histlib.ConditionNotValidError) as caught:
        parse_where(text, params, subject, Names(), UTC)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "character", "said"),
    [
        ("item.prise = 1", 1, "no image has an attribute 'prise'; there are price, sale_price, "),
        ("item.price = 1 AND item.prise = 1", 20, "there are price, "),
        ("item.prise IS MISSING", 1, "there are price, "),
        ("item.NAME = 1", 1, "'NAME' could be Name or name; write one of them exactly"),
        ("keys.sortkeys = 1", 1, "the key has no attribute 'sortkeys'; it has sortKey, id"),
        ("price = 1", 1, "an item has keys.x and item.x; did you mean item.price?"),
        ("new_image.price = 1", 1, "an item has keys.x and item.x; write item.price"),
        ("itm.price = 1", 1, "did you mean item.itm.price?"),
        ("action = 'INSERT'", 1, "ask for changes to use it"),
        ("item.price[0] = 1 AND item[0].x = 1", 23, "item is no list"),
        ("item = 1", 1, "write item.x for its attribute x"),
        ('item.category = "kitchen"', 17, "text is written in single quotes"),
        (
            "'category' = 'kitchen'",
            1,
            "both sides are constants; a name is written like item.price, without single quotes",
        ),
        ("'a' IN ('a')", 1, "expected a name like item.price here"),
        ("1 BETWEEN 0 AND 2", 1, "a constant is not BETWEEN"),
        ("'a' LIKE 'a'", 1, "expected a name"),
        ("NULL IS NULL", 1, "IS NULL (DynamoDB's NULL) or IS MISSING"),
        ("item.price = NULL", 1, "write IS NULL (DynamoDB's NULL) or IS MISSING (no such attribute)"),
        ("item.price IN (1, NULL)", 1, "IS NULL"),
        ("item.price", 1, "this is a value, no condition; write = TRUE after it"),
        ("lower(item.name)", 1, "this is no condition"),
        ("1", 1, "this is no condition"),
        ("item.price IS TRUE", 1, "write = TRUE or = FALSE"),
        ("item.price > TRUE", 1, "> compares numbers, strings and binary"),
        ("item.price = 1 = 2", 1, "expected a value here"),
        ("item.price = (item.name = 'a')", 15, "expected a value here"),
        ("lowr(item.name) = 'a'", 1, "there is no function lowr; there are lower, "),
        ("substr(item.name) = 'a'", 1, "substr(s, start[, n]) got 1 argument"),
        ("lower() = 'a'", 1, "lower(s) got 0 arguments"),
        ("regexp_matches(item.name, 'a')", 1, "there is no function regexp_matches"),
        ("item.price / 2 = 1", 12, "there is no division"),
        ("item.price % 2 = 1", 12, "a condition has no %"),
        ("item.price = 1 AND", 0, "something is missing"),
        ("(item.price = 1", 0, "something is missing"),
        ("item.price = 1)", 15, "this does not fit here"),
        ("item.price 1", 12, "this does not fit here"),
        ("", 0, "it is empty"),
        (" -- all", 1, "it is empty"),
        ("item.name = 'a' 'b'", 17, "two texts in a row"),
        ("item.name = 'a", 13, "a quote or comment is not closed"),
        ("item.price = 1 /* x", 16, "a quote or comment"),
        ("item.name = “a”", 13, "typographic quotes"),
        ("item.price = 1 {# AND FALSE #}", 15, "this is no SQL"),
        ("item.price = 1; DROP TABLE t", 15, "without ;"),
        ("item.price IN (SELECT 1)", 16, "a condition has no subqueries"),
        ("SELECT 1", 1, "a condition has no subqueries"),
        ("WHERE item.price = 1", 1, "write what follows WHERE only"),
        ("item.price = 1 UNION SELECT 1", 16, "a condition has no UNION"),
        ("item.price = ?", 14, "write :name and pass params"),
        ("CAST(item.price AS INT) = 1", 17, "a condition has no AS"),
        ("item.price::int = 1", 11, "a condition has no ::"),
        ("item.price BETWEEN SYMMETRIC 1 AND 2", 1, "a condition has nothing like this"),
        ("CASE WHEN TRUE THEN TRUE END", 1, "there is no CASE"),
        ("item.price = DATE '2026-01-01'", 14, "write TIMESTAMP"),
        ("item.price > TIMESTAMP '2026-01-01'", 24, "a TIMESTAMP compares with `timestamp` only"),
        ("item.price[-1] = 1", 1, "a list's position"),
        ("item.price[1:2] = 1", 1, "a list's position"),
        ("item.price['a'] = 1", 1, "a map's attribute is written .x"),
        ("item.2nd = 1", 6, 'like item."2nd"'),
        ("item.* = 1", 6, "no plain name"),
        ("(item.price, 1) = (1, 1)", 20, "a condition has nothing like this"),
        ("item.name LIKE item.name", 16, "a constant"),
        ("item.name LIKE 5", 16, "LIKE takes text"),
        ("item.name LIKE 'a!b' ESCAPE '!'", 16, "it goes before %, _ or itself"),
        ("item.name LIKE 'a!' ESCAPE '!'", 16, "it goes before"),
        ("item.name LIKE 'a' ESCAPE '!!'", 16, "ESCAPE takes one character"),
        ("item.name LIKE ANY ('a', 'b')", 16, "ANY"),
        ("item.name SIMILAR TO 'a'", 11, "a condition has no SIMILAR TO"),
        ("item.price = 123456789012345678901234567890123456789", 14, "at most 38 digits"),
        ("item.price = 1e200", 14, "9.99E+125"),
        ("item.price = 0x1f", 15, "does not fit"),
        ("EXISTS (item.price)", 1, "a condition has no EXISTS"),
        ("item.price IS DISTINCT FROM 1", 15, "a condition has no DISTINCT"),
        ("item.name = 'a' COLLATE x", 17, "a condition has no COLLATE"),
        ("contains(item.name, *)", 21, "a condition has nothing like this"),
        ("lower(DISTINCT item.name) = 'a'", 7, "a condition has no DISTINCT"),
        ("item.price IN ()", 1, "IN takes a list"),
        ("item.price = ANY(1)", 14, "a condition has no ANY"),
    ],
)
def test_refused(text: str, character: int, said: str):
    """The place by its character, counted from 1 (0: the end), and what to write instead."""
    message = refusal(text)
    assert said in message
    assert (f"at character {character} (" in message) if character else ("at its end" in message)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "item.price = 1",
            "a change has keys.x, new_image.x, old_image.x, action, timestamp and actor; write new_image.price",
        ),
        ("price = 1", "did you mean new_image.price?"),
        ("action = 'UPDATE'", "there is no action 'UPDATE'; there are INSERT, MODIFY, REMOVE"),
        ("action = 'insert'", "there is no action 'insert'"),
        ("action = 1", "there is no action 1"),
        ("action IN ('INSERT', 'BASELINE')", "there is no action 'BASELINE'"),
        ("action > 'INSERT'", "an action has no order"),
        ("action LIKE 'I%'", "action compares with INSERT, MODIFY or REMOVE only"),
        ("action IS MISSING", "action compares"),
        ("lower(action) = 'insert'", "action compares"),
        ("action = new_image.price", "expected a constant here"),
        ("timestamp = 'yesterday'", "'yesterday' is no time"),
        ("timestamp > '02:28'", "the day is missing; it could be"),
        ("timestamp > 1603700000000", "a number here is whole seconds since 1970"),
        ("timestamp > 1.5", "a whole number"),
        ("timestamp > -5", "whole seconds"),
        ("timestamp > TRUE", "timestamp compares with a time"),
        ("timestamp > new_image.price", "expected a constant here"),
        ("timestamp IS NULL", "timestamp compares with times only"),
        ("timestamp + 1 > 5", "timestamp compares with times only"),
        ("timestamp > TIMESTAMP 'x'", "'x' is no time"),
        ("timestamp(3) > 5", "there is no function timestamp"),
        ("\"action\" = 'INSERT'", "double quotes are for names"),
    ],
)
def test_refused_about_a_change(text: str, said: str):
    """Its fields compare with what they can be; the item's prefix is another question's."""
    assert said in refusal(text, subject=Subject.CHANGE)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (None, "no value for :p; pass params="),
        ({"q": 1}, "no value for :p; params has q"),
        ({"p": 1, "q": 2}, "params has :q, which the condition does not use"),
        ({"p": None}, "IS NULL"),
        ({"p": histlib.MISSING}, "IS MISSING"),
        ({"p": 1.5}, "write Decimal('1.5')"),
        ({"p": float("nan")}, "pass Decimal or int"),
        ({"p": {"x": [0.5]}}, "pass Decimal or int"),
        ({"p": np.int64(3)}, ".item() gives its Python value"),
        ({"p": Decimal("NaN")}, "no DynamoDB number"),
        ({"p": 10**200}, "expected at most 38 digits"),
        ({"p": set()}, "set"),
        ({"p": datetime(2026, 1, 1, tzinfo=UTC)}, "a datetime compares with `timestamp` only"),
        ({"p": object()}, "no DynamoDB value"),
        ({"p": pd.NA}, "no DynamoDB value"),
        ({"p": "\ud800"}, "surrogate"),
        ([1], "params is a dict"),
    ],
)
def test_refused_parameters(params: Any, said: str):
    """Each name has its value, each value its name, and each value is one that DynamoDB could hold."""
    assert said in refusal("item.price = :p", params)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("abc", "IN expects a list, tuple or set, got str"),
        (5, "got int"),
        ({"a": 1}, "got dict"),
        (pd.Series([1]), "got Series; pass list(…) of it"),
        (np.array([1]), "got ndarray; pass list(…) of it"),
        ([1, None], "IS NULL"),
        ([1.5], "write Decimal('1.5')"),
    ],
)
def test_refused_lists(value: Any, said: str):
    """A parameter for the whole of IN is a list of values."""
    assert said in refusal("item.price IN :p", {"p": value})


def test_a_list_among_others_is_refused():
    """Its members, or itself? Neither is guessed."""
    assert "values to choose from stand alone in IN" in refusal("item.price IN (1, :p)", {"p": [2]})
    assert "values to choose from stand alone in IN" in refusal("item.price IN (:p, :q)", {"p": {2}, "q": 1})


def test_names_are_listed_up_to_twenty():
    """Close ones first, and how many more there are."""

    class Many:
        key = ("id",)

        def attributes(self, exact: bool) -> frozenset[str]:
            return frozenset(f"attribute_{number:02}" for number in range(50)) | {"wanted"}

    with pytest.raises(histlib.ConditionNotValidError) as caught:
        parse_where("item.wantd = 1", None, Subject.ITEM, Many(), UTC)
    message = str(caught.value)
    assert "there are wanted, attribute_00, " in message and message.endswith("attribute_18 and 31 more")


def test_names_are_written_as_a_condition_has_them():
    """What is no plain word is listed in double quotes, ready to be copied; so is what was probably meant."""

    class Odd:
        key = ("id",)

        def attributes(self, exact: bool) -> frozenset[str]:
            return frozenset({"size-cm", 'a"b', "price"})

    with pytest.raises(histlib.ConditionNotValidError, match='there are "size-cm", "a""b", price'):
        parse_where("item.size-cm = 1", None, Subject.ITEM, Odd(), UTC)
    with pytest.raises(histlib.ConditionNotValidError, match=r'write new_image\."size-cm"\[0\]'):
        parse_where('item."size-cm"[0] = 1', None, Subject.CHANGE, Odd(), UTC)


def test_a_history_without_images_cannot_refuse_a_name():
    """Nothing tells whether items have it: the answer says so."""

    class NoNames:
        key = ("id",)

        def attributes(self, exact: bool) -> frozenset[str]:
            return frozenset()

    assert parse_where("item.Price = 1", None, Subject.ITEM, NoNames(), UTC).paths == {("Price",)}


def test_text_only():
    """A condition is a str; the error carries what was got."""
    assert "got 5" in refusal(5)
    with pytest.raises(histlib.RequestError) as caught:
        parse_where("item.prise = 1", None, Subject.ITEM, Names(), UTC)
    assert caught.value.value == "item.prise = 1"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_function_checks_its_number_of_arguments(name: str):
    """Too few and too many are refused with the function's usage; the usage names the function."""
    known = FUNCTIONS[name]
    assert known.usage.startswith(f"{name}(") and known.summary
    for count in {known.least - 1, (known.most or known.least - 2) + 1} - {-1}:
        assert known.usage in refusal(f"{name}({', '.join(['item.name'] * count)}) = 1")
