"""Paths parse back to what they were made of, and what is none is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histlib.errors import PathNotValidError
from histlib.values.image_json import MISSING
from histlib.values.paths import format_path, get, parse_path
from tests.support.values import names


@given(names, st.lists(st.one_of(names, st.integers(0, 10**6)), max_size=4))
def test_a_path_parses_back(first, rest):
    """Any names and positions, whatever characters they have."""
    path = (first, *rest)
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("price", ("price",)),
        ("address.zip", ("address", "zip")),
        ("items[3].qty", ("items", 3, "qty")),
        ('"a.b".c', ("a.b", "c")),
        ('"size cm"[0]', ("size cm", 0)),
        ("", ()),
        ('""', ("",)),
        ("お米.b-c", ("お米", "b-c")),
    ],
)
def test_paths_as_people_write_them(text, path):
    """Dots, brackets, quotes: both ways."""
    assert parse_path(text) == path
    assert format_path(path) == text


@pytest.mark.parametrize("path", [(0,), (0, "a"), ("a", -1)])
def test_what_no_path_can_have_is_not_written(path):
    """An item is a map, and positions count from 0."""
    with pytest.raises(PathNotValidError, match="is no path"):
        format_path(path)


@pytest.mark.parametrize("text", [None, 5, ("a",)])
def test_a_path_is_a_text(text):
    """A tuple is no path."""
    with pytest.raises(PathNotValidError, match="expected text"):
        parse_path(text)


@given(st.text(max_size=12))
def test_a_text_is_a_path_or_refused(text):
    """Whatever parses names the same place when it is written again; the rest is a clear error."""
    try:
        path = parse_path(text)
    except PathNotValidError:
        return
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize("text", [".", "a.", ".a", "a..b", "[0]", "a[", "a[-1]", "a[01]", "a b", '"a', 'a"b"', "a[0]b"])
def test_what_is_no_path_is_refused(text):
    """The error says where it stopped."""
    with pytest.raises(PathNotValidError, match=r"stopped at character|quoted name"):
        parse_path(text)


def test_get_tells_missing_from_null():
    """NULL is None, what is not there is MISSING, and a text has no parts."""
    assert get({"a": [1, 2]}, ("a", -1)) is MISSING
    assert get({"a": frozenset({1})}, ("a", 0)) is MISSING
    item = {"a": None, "b": [{"c": ""}], "s": "text"}
    found = [get(item, parse_path(text)) for text in ("a", "b[0].c", "b[1]", "x", "a.b", "s[0]", "b.c")]
    assert found == [None, "", MISSING, MISSING, MISSING, MISSING, MISSING]
