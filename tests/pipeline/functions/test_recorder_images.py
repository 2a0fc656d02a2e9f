"""The recorder's image JSON is histlib's, and nothing passes that is no DynamoDB JSON."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histlib.values import image_json as values
from pipeline.functions.recorder.images import MALFORMED, encode_image, encode_value
from tests.support.places import IMAGES

VECTORS = json.loads(IMAGES.read_text(encoding="utf-8"))["vectors"]

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_name = st.one_of(_text, st.sampled_from(["$M", "$SS", "$N", "a", 'a"', "a!", "A"]))
_base64 = st.binary(max_size=6).map(lambda data: b64encode(data).decode())
_digits = st.integers(-(10**38) + 1, 10**38 - 1)
_number = st.one_of(
    _digits.map(str),
    st.builds(lambda digits, exponent: f"{digits}E{exponent}", st.integers(-999, 999), st.integers(-127, 120)),
    st.sampled_from(["-0", "+5", "007.50", ".5", "5.", "1E-130", "0E99", "-0.000"]),
)
_scalar = st.one_of(
    st.builds(lambda text: {"S": text}, _text),
    st.builds(lambda text: {"N": text}, _number),
    st.builds(lambda text: {"B": text}, _base64),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda members: {"SS": members}, st.lists(_text, min_size=1, max_size=4)),
    st.builds(lambda members: {"NS": members}, st.lists(_number, min_size=1, max_size=4)),
    st.builds(lambda members: {"BS": members}, st.lists(_base64, min_size=1, max_size=4)),
)
_attribute = st.recursive(
    _scalar,
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=3)),
        st.builds(lambda members: {"M": members}, st.dictionaries(_name, inner, max_size=3)),
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    """The recorder writes each shared vector to the letter."""
    assert encode_image(vector["dynamodb"]) == vector["image"]


@given(st.dictionaries(_name, _attribute, max_size=4))
def test_same_text_as_histlib(image: dict[str, Any]) -> None:
    """For any item, the recorder and histlib write the same text: equal items are equal text, whoever wrote it."""
    text = encode_image(image)
    assert text == values.encode_image(values.item_from_dynamodb(image))
    assert values.encode_image(values.decode_image(text)) == text


@pytest.mark.parametrize(
    "attribute",
    [
        {},
        {"S": "a", "N": "1"},
        {"Q": "a"},
        {"S": 1},
        {"S": None},
        {"N": 1},
        {"N": "1" * 39},
        {"N": "1" * 30 + "." + "1" * 9},
        {"N": "1E126"},
        {"N": "1E-131"},
        {"N": "1E99999999999999999999"},
        {"N": "NaN"},
        {"N": "0x1"},
        {"N": "1_0"},
        {"N": " 1"},
        {"N": "1\n"},
        {"N": "１"},
        {"N": ""},
        {"B": "not base64!"},
        {"B": "AP8"},
        {"B": "QU JD"},
        {"B": "QUJDRA==x"},
        {"BOOL": "true"},
        {"BOOL": 1},
        {"NULL": False},
        {"SS": []},
        {"SS": "ab"},
        {"SS": ["a", 1]},
        {"NS": ["1", "x"]},
        {"L": {"S": "a"}},
        {"L": "ab"},
        {"M": []},
        {"M": {"a": "b"}},
        "a",
        None,
    ],
    ids=repr,
)
def test_malformed_is_refused(attribute: Any) -> None:
    """What DynamoDB could not have written is never guessed at."""
    with pytest.raises(MALFORMED):
        encode_value(attribute)
    with pytest.raises(MALFORMED):
        encode_image({"a": attribute})


def test_endless_nesting_is_refused() -> None:
    """Nesting far beyond DynamoDB's 32 is an error that is caught like any other."""
    attribute: dict[str, Any] = {"S": "bottom"}
    for _ in range(100_000):
        attribute = {"L": [attribute]}
    with pytest.raises(MALFORMED):
        encode_value(attribute)
    while "L" in attribute:  # taken apart by hand: freeing it in one go would recurse as deep
        attribute = attribute["L"].pop()
