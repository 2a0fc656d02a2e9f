"""Keys are taken as people write them, and refused with what this table's key is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from histlib.errors import KeyNotValidError
from histlib.keys import infer_schema, parse_key, parse_key_text

ONE = infer_schema('{"productId":"x"}')
NUMBER = infer_schema('{"n":1}')
BINARY = infer_schema('{"b":{"$B":"AA=="}}')
DESCRIBED = [{"AttributeName": "sk", "KeyType": "RANGE"}, {"AttributeName": "pk", "KeyType": "HASH"}]
TWO = infer_schema('{"pk":"x","sk":1}', DESCRIBED)
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
        ("id=7", ONE, '{"productId":"id=7"}'),
        ("1.50", NUMBER, '{"n":1.5}'),
        ("AA==", BINARY, '{"b":{"$B":"AA=="}}'),
        ("pk=x,sk=1", TWO, '{"pk":"x","sk":1}'),
        ("sk=1,pk=a,b", UNORDERED, '{"pk":"a,b","sk":1}'),
        ("x", TWO, '{"pk":"x"}'),
    ],
)
def test_keys_on_the_command_line(text, schema, key):
    """Bare values take the type of the table's key; commas and equals signs may be in values."""
    assert parse_key_text(text, schema).text == key


@pytest.mark.parametrize(
    ("text", "schema"), [("{", ONE), ('{"x":1}', ONE), ("abc", NUMBER), ("?", BINARY), ("x", UNORDERED), ("sk=x", TWO)]
)
def test_command_line_keys_that_are_refused(text, schema):
    """What cannot be this table's key says so."""
    with pytest.raises(KeyNotValidError, match="no key of this table"):
        parse_key_text(text, schema)
