"""Values go from DynamoDB JSON to image JSON to Python and back without loss, and have one text each."""

from __future__ import annotations

import json
import pickle
from collections import OrderedDict
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from values_strategies import items, numbers, same, values

from histlib.errors import ValueNotValidError
from histlib.values import (
    MISSING,
    canonical_number,
    decode_image,
    decode_value,
    encode_image,
    encode_value,
    equal,
    from_dynamodb,
    item_from_dynamodb,
    item_to_dynamodb,
    to_dynamodb,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "images.json").read_text(encoding="utf-8"))["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vectors_that_bind_both_writers(vector):
    """Each vector's DynamoDB JSON has exactly the vector's text, and the text gives the item back."""
    item = item_from_dynamodb(vector["dynamodb"])
    assert encode_image(item) == vector["image"]
    assert same(decode_image(vector["image"]), item)
    assert json.loads(vector["image"]) is not None


@given(values)
def test_every_value_survives_all_three_forms(value):
    """Python → image JSON → Python and Python → DynamoDB JSON → Python are exact, types included."""
    assert same(decode_value(encode_value(value)), value)
    assert same(from_dynamodb(to_dynamodb(value)), value)
    assert same(from_dynamodb(json.loads(json.dumps(to_dynamodb(value)))), value)


@given(items)
def test_every_item_survives_all_three_forms(item):
    """The same for whole items, whose top level is never a ``$`` object."""
    assert same(decode_image(encode_image(item)), item)
    assert same(item_from_dynamodb(item_to_dynamodb(item)), item)
    json.loads(encode_image(item))


@given(values, values)
def test_equal_values_have_equal_texts_and_no_others(left, right):
    """Equality of values is equality of texts."""
    assert (encode_value(left) == encode_value(right)) == same(left, right) == equal(left, right)


@given(numbers())
def test_a_number_has_one_text(number):
    """However a number is written, its text is the same, without exponent and zeros at the ends."""
    text = encode_value(number)
    assert canonical_number(text) == text
    for other in (f"{Decimal(number):E}", f"+{text}" if number >= 0 else text, f"{text}0" if "." in text else text):
        assert canonical_number(other) == text
    assert "E" not in text.upper()
    assert same(decode_value(text), number)


@pytest.mark.parametrize(
    "wrong",
    [
        1.5,
        float("nan"),
        set(),
        frozenset({1, "a"}),
        frozenset({True}),
        {1: "a"},
        object(),
        MISSING,
        10**38 + 1,
        b"x".hex,
    ],
)
def test_what_dynamodb_cannot_hold_is_refused(wrong):
    """Floats (their digits are not what was stored), empty and mixed sets, other types: refused, with the value."""
    with pytest.raises(ValueNotValidError) as caught:
        encode_value(wrong)
    assert caught.value.value is not None


@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "Infinity", "1e", "0x1", "1" * 39, "1E126", "1E-131", "١", "1_0", " 1"]
)
def test_what_is_no_number_is_refused(text):
    """Only DynamoDB's numbers are numbers."""
    with pytest.raises(ValueNotValidError):
        canonical_number(text)


@pytest.mark.parametrize(
    "text", ["", "{", '{"$XX":1}', '{"$B":"?"}', '{"$M":1}', '{"$SS":1}', '{"$NS":[[1]]}', '{"a":1}x', '{"$B":1}']
)
def test_what_is_no_image_json_is_refused(text):
    """Broken JSON and ``$`` objects that image JSON does not have are refused, not guessed at."""
    with pytest.raises(ValueNotValidError):
        decode_value(text)


@pytest.mark.parametrize(
    "attribute", [{}, {"S": 1}, {"N": 1}, {"N": "x"}, {"X": 1}, {"S": "a", "N": "1"}, {"BOOL": 1}, {"NULL": False}]
)
def test_what_is_no_dynamodb_json_is_refused(attribute):
    """One known type with a value that it can have, or an error."""
    with pytest.raises(ValueNotValidError):
        from_dynamodb(attribute)


def test_types_that_are_easily_confused_differ():
    """NULL, missing and ``''``; 1, "1" and True; and 1 is 1.0."""
    distinct = [None, MISSING, "", 1, "1", True, False, 0, [], {}, b""]
    assert all(not equal(a, b) for at, a in enumerate(distinct) for b in distinct[at + 1 :])
    assert equal(1, Decimal("1.0"))
    assert equal(frozenset({1, 2}), {2, 1})
    assert equal(OrderedDict(b=1, a=2), {"a": 2, "b": 1})


def test_missing_is_one_object():
    """MISSING is false, stays itself through pickling, and shows as MISSING."""
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING
    assert (bool(MISSING), repr(MISSING)) == (False, "MISSING")
