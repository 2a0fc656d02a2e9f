"""Keys are taken as people write them, and refused with what this table's key is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histlib.errors import KeyNotValidError, ValueNotValidError
from histlib.values.image_json import decode_image
from histlib.values.keys import KeyText, infer_schema, parse_key, parse_key_text
from tests.support.values import texts as any_text

ONE = infer_schema('{"productId":"x"}')
NUMBER = infer_schema('{"n":1}')
BINARY = infer_schema('{"b":{"$B":"AA=="}}')
DESCRIBED = [{"AttributeName": "sk", "KeyType": "RANGE"}, {"AttributeName": "pk", "KeyType": "HASH"}]
TWO = infer_schema('{"pk":"x","sk":1}', DESCRIBED)
DOTTED = infer_schema(
    '{"a.b":"x","a":"y"}',
    [{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "a.b", "KeyType": "RANGE"}],
)
UNORDERED = infer_schema('{"pk":"x","sk":1}')


@pytest.mark.parametrize(
    ("key", "schema", "text"),
    [
        ("p1", ONE, '{"productId":"p1"}'),
        ({"productId": "p1"}, ONE, '{"productId":"p1"}'),
        ({"productId": {"S": "p1"}}, ONE, '{"productId":"p1"}'),
        (Decimal("1.50"), NUMBER, '{"n":1.5}'),
        (b"\0", BINARY, '{"b":{"$B":"AA=="}}'),
        (("x", 1), TWO, '{"pk":"x","sk":1}'),
        ({"sk": 1, "pk": "x"}, UNORDERED, '{"pk":"x","sk":1}'),
    ],
)
def test_whole_keys(key, schema, text):
    """A dict, a bare value for one attribute, a tuple (partition key, sort key)."""
    parsed = parse_key(key, schema)
    assert (parsed.text, parsed.complete) == (text, True)


def test_one_attribute_of_two_is_a_part():
    """A bare value is the partition key's, where it is known which that is; a dict may name either."""
    assert parse_key("x", TWO).complete is False
    assert parse_key({"sk": 1}, UNORDERED).values == {"sk": 1}


@pytest.mark.parametrize(
    ("key", "schema", "says"),
    [
        (1, ONE, "productId is a string, got 1"),
        ("1", NUMBER, "n is a number"),
        (True, NUMBER, "cannot be in a key"),
        (1.5, NUMBER, "write int or Decimal"),
        ({"id": "x"}, ONE, "productId"),
        ({}, ONE, "no attribute"),
        ({"productId": "x", "y": 1}, ONE, "'y'"),
        (("x",), TWO, "got 1 values"),
        (("x", 1), UNORDERED, "write a dict"),
        ("x", UNORDERED, "write a dict"),
        ({"pk": None}, TWO, "cannot be in a key"),
        ("", ONE, "empty"),
        (b"", BINARY, "empty"),
        ({"pk": "x", "sk": {"S": "1"}}, TWO, "cannot be in a key"),
        ({"productId": {"S": 1}}, ONE, "expected str"),
        (Decimal("NaN"), NUMBER, "no DynamoDB number"),
        (10**200, NUMBER, "no DynamoDB number"),
        ("\ud800", ONE, "surrogate"),
        (("a", 1, 2), TWO, "got 3 values"),
        ((1, "a"), TWO, "pk is a string, got 1"),
    ],
)
def test_keys_that_this_table_cannot_have(key, schema, says):
    """The error says what this table's key is, and what was wrong."""
    with pytest.raises(KeyNotValidError, match=says) as caught:
        parse_key(key, schema)
    assert all(name in str(caught.value) for name in schema.names)


@pytest.mark.parametrize(
    ("text", "schema", "key"),
    [
        ("p1", ONE, '{"productId":"p1"}'),
        ("productId=a=b,c", ONE, '{"productId":"a=b,c"}'),
        ('{"productId":"p1"}', ONE, '{"productId":"p1"}'),
        ("productId=id=7", ONE, '{"productId":"id=7"}'),
        ("YWJjZA==", ONE, '{"productId":"YWJjZA=="}'),
        ("https://x/?id=7", ONE, '{"productId":"https://x/?id=7"}'),
        ("pk=cn=bob,ou=x,sk=1", TWO, '{"pk":"cn=bob,ou=x","sk":1}'),
        ("1.50", NUMBER, '{"n":1.5}'),
        ("AA==", BINARY, '{"b":{"$B":"AA=="}}'),
        ("pk=x,sk=1", TWO, '{"pk":"x","sk":1}'),
        ("sk=1,pk=a,b", UNORDERED, '{"pk":"a,b","sk":1}'),
        ("x", TWO, '{"pk":"x"}'),
        (" 7 ", NUMBER, '{"n":7}'),
        ("n=1e2", NUMBER, '{"n":100}'),
        ("a.b=2,a=1", DOTTED, '{"a":"1","a.b":"2"}'),
        ('{"pk":{"S":"x"},"sk":{"N":"1.0"}}', TWO, '{"pk":"x","sk":1}'),
        ("pk==,sk=-1", TWO, '{"pk":"=","sk":-1}'),
    ],
)
def test_keys_on_the_command_line(text, schema, key):
    """Bare values take the type of the table's key; commas and equals signs may be in values."""
    assert parse_key_text(text, schema).text == key


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("{", ONE),
        ("{}", ONE),
        ('{"productId":"a"} x', ONE),
        ('{"x":1}', ONE),
        ('{"pk":"x","sk":"1"}', TWO),
        ("abc", NUMBER),
        ("٣", NUMBER),
        ("?", BINARY),
        ("", ONE),
        ("productId=", ONE),
        ("x", UNORDERED),
        ("sk=x", TWO),
        ("pk=a,sk=1,sk=2", TWO),
        ("productId=a,productId=b", ONE),
        ("PK=x,sk=1", TWO),
        ("productid=p1", ONE),
        ("id=p0417", ONE),
        ("x=5", NUMBER),
        ("p=x,s=1", TWO),
        ("p=x,sk=1", TWO),
        ("pk=x,s=1", TWO),
    ],
)
def test_command_line_keys_that_are_refused(text, schema):
    """What cannot be this table's key says so, and so does what could be read in two ways."""
    with pytest.raises(KeyNotValidError, match="no key of this table"):
        parse_key_text(text, schema)


@given(st.dictionaries(st.sampled_from(["pk", "sk"]), any_text.filter(bool), min_size=2))
def test_a_key_has_one_text_however_it_is_given(key):
    """A dict, DynamoDB JSON, a tuple and a text of JSON mean the same key, and its text says what it is."""
    texts = infer_schema('{"pk":"x","sk":"y"}', DESCRIBED)
    parsed = parse_key(key, texts)
    assert decode_image(parsed.text) == key
    dynamodb = {name: {"S": value} for name, value in key.items()}
    assert parse_key(dynamodb, texts).text == parsed.text
    assert parse_key((key["pk"], key["sk"]), texts).text == parsed.text
    assert parse_key_text(parsed.text, texts).text == parsed.text
    assert parse_key(KeyText(parsed.text), texts) == parsed


def test_what_no_key_can_be_of():
    """A key attribute is a string, a number or binary."""
    for keys in ('{"a":true}', '{"a":null}', '{"a":[1]}', "[]"):
        with pytest.raises(ValueNotValidError):
            infer_schema(keys)
    assert str(TWO) == "pk (string), sk (number)"
    assert "not known" in str(UNORDERED)
