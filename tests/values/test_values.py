"""Values go from DynamoDB JSON to image JSON to Python and back without loss, and have one text each."""

from __future__ import annotations

import json
import pickle
from collections import OrderedDict
from decimal import Decimal

import pytest
from hypothesis import given

from histlib.errors import ValueNotValidError
from histlib.values.image_json import (
    MISSING,
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
from histlib.values.numbers import canonical_number
from tests.support.places import IMAGES
from tests.support.values import items, numbers, same, values

VECTORS = json.loads(IMAGES.read_text(encoding="utf-8"))["vectors"]


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
    with pytest.raises(ValueNotValidError):
        to_dynamodb(wrong)


@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "Infinity", "1e", "0x1", "1" * 39, "1E126", "1E-131", "١", "1_0", " 1"]
)
def test_what_is_no_number_is_refused(text):
    """Only DynamoDB's numbers are numbers."""
    with pytest.raises(ValueNotValidError):
        canonical_number(text)


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "Infinity", "1E126", "\ufeff1", '{"a":1}x', '"\\ud800"', "9" * 38 + ".5"]
)
def test_what_is_no_json_is_refused(text):
    """Broken JSON and numbers that DynamoDB does not have."""
    with pytest.raises(ValueNotValidError):
        decode_value(text)
    with pytest.raises(ValueNotValidError):
        decode_image(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"$XX":1}',
        '{"$":1}',
        '{"$B":"?"}',
        '{"$B":1}',
        '{"$M":1}',
        '{"$M":[]}',
        '{"$M":{"a":1}}',
        '{"$M":{"$a":1,"b":1}}',
        '{"$SS":1}',
        '{"$SS":"abc"}',
        '{"$SS":[]}',
        '{"$SS":["a",1]}',
        '{"$SS":{"a":1}}',
        '{"$NS":["1"]}',
        '{"$NS":[true]}',
        '{"$NS":[[1]]}',
        '{"$NS":[null]}',
        '{"$BS":"AA=="}',
        '{"$BS":[]}',
        '{"$N":5}',
        '{"$N":"x"}',
    ],
)
def test_what_is_no_image_json_is_refused(text):
    """``$`` objects that image JSON does not have are refused at any depth; a text is never taken for a list."""
    for inside in (text, f"[{text}]", f'{{"a":{text}}}'):
        with pytest.raises(ValueNotValidError):
            decode_value(inside)
    with pytest.raises(ValueNotValidError):
        decode_image(f'{{"a":{text}}}')


@pytest.mark.parametrize(
    "attribute",
    [
        {},
        {"S": 1},
        {"N": 1},
        {"N": "x"},
        {"N": " 1"},
        {"B": 1},
        {"B": "A"},
        {"X": 1},
        {"S": "a", "N": "1"},
        {"BOOL": 1},
        {"BOOL": "true"},
        {"NULL": False},
        {"SS": "abc"},
        {"SS": []},
        {"SS": [1]},
        {"NS": "12"},
        {"NS": [1]},
        {"BS": "AA=="},
        {"L": "a"},
        {"L": {"S": "x"}},
        {"L": None},
        {"M": []},
        {"M": {"a": "x"}},
        "S",
        None,
        [("S", "a")],
    ],
)
def test_what_is_no_dynamodb_json_is_refused(attribute):
    """One known type with a value that it can have, or an error."""
    with pytest.raises(ValueNotValidError):
        from_dynamodb(attribute)


@pytest.mark.parametrize("wrong", [[("a", 1)], "abc", None, 5])
def test_an_item_is_a_mapping(wrong):
    """Neither a list of pairs nor a text is taken for an item."""
    for function in (encode_image, item_from_dynamodb, item_to_dynamodb):
        with pytest.raises(ValueNotValidError):
            function(wrong)


@pytest.mark.parametrize(
    "number", [10**126, -(10**126), pytest.param(10**5000, id="huge"), Decimal("NaN"), Decimal("-Infinity"), 10**38 + 1]
)
def test_numbers_that_dynamodb_cannot_hold_are_refused(number):
    """Also inside a set, and also where Python itself would not print the digits."""
    for value in (number, {number}, [number]):
        with pytest.raises(ValueNotValidError):
            encode_value(value)


@given(items)
def test_every_text_is_plain_json_that_is_canonical(item):
    """Any JSON parser reads it, it has no white space between tokens, and what it says has no other text."""
    text = encode_image(item)
    plain = json.loads(text, parse_float=Decimal)
    assert set(plain) == set(item)
    assert list(plain) == sorted(plain, key=lambda name: json.dumps(name, ensure_ascii=False))
    assert encode_image(decode_image(text)) == text
    assert encode_image(dict(reversed(item.items()))) == text
    assert not any(char in text for char in "\n\r\t\0")


def test_nesting_as_deep_as_dynamodb_has_it():
    """32 levels of lists and maps, ``$`` names on the way, and a 38-digit number at the bottom."""
    value = Decimal("-1.2345678901234567890123456789012345678")
    for level in range(32):
        value = [value] if level % 3 else {"$M" if level % 2 else "a.b": value}
    assert same(decode_value(encode_value(value)), value)
    assert same(from_dynamodb(to_dynamodb(value)), value)


def test_a_number_in_an_object_is_a_number_too():
    """``$N``, as a spreadsheet needs it, is that number at any depth, in sets too; an item may be so named."""
    assert decode_value('{"$N":"12345678901234567"}') == 12345678901234567
    assert decode_value('[{"$NS":[{"$N":"12345678901234567"},1]}]') == [frozenset({12345678901234567, 1})]
    assert decode_image('{"$N":{"$N":"7"}}') == {"$N": 7}
    assert encode_value({"$N": "7"}) == '{"$M":{"$N":"7"}}'


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
