"""JSON values are found however they stand in a file, each with its place, and no more is read than it takes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.errors import EventsError
from pipeline.events.json_values import Literal, parse, values_in

objects = st.dictionaries(
    st.text(max_size=3), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), max_size=3
)


def found(data: bytes) -> list[tuple[str, Any]]:
    values = list(values_in(io.BytesIO(data), "f"))
    assert [json.loads(text) for _, _, text in values] == [value for _, value, _ in values]
    return [(place, value) for place, value, _ in values]


@given(st.lists(st.tuples(objects, st.sampled_from([None, 0, 2]), st.sampled_from(["", " ", "\n", "\r\n\n"]))))
def test_written_anyhow_read_the_same(written: list[tuple[Any, int | None, str]]) -> None:
    """One a line, over many lines, one right after another: the same values, in order, with the lines they begin in."""
    text, lines = "", []
    for value, indent, between in written:
        lines.append(text.count("\n") + 1)
        text += json.dumps(value, indent=indent) + between
    if not written:
        return
    values = found(text.encode())
    assert [value for _, value in values] == [value for value, _, _ in written]
    assert [int(place.split()[2]) for place, _ in values] == lines


def test_places_tell_those_of_one_line_apart() -> None:
    """By line, and from the second on by number."""
    assert [place for place, _ in found(b'{"a":1}{"a":2} {"a":3}\n{"a":4}')] == [
        "f line 1", "f line 1 object 2", "f line 1 object 3", "f line 2"
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings(encoding: str) -> None:
    """UTF-8 with and without a mark, and what PowerShell writes."""
    data = '[\n{"a": "é\u2028"}\n]\n'.encode(encoding)
    marked = b"\xff\xfe" + data if encoding == "utf-16-le" else data
    assert [value for _, value in found(marked)] == [[{"a": "é\u2028"}]]


def test_numbers_keep_their_digits() -> None:
    """A number that a float would round is there as it was written."""
    ((_, value),) = found(b"[1.10000000000000000000000000000000001, 12345678901234567890123]")
    assert isinstance(value[0], Literal)
    assert (value[0].text, value[1]) == ("1.10000000000000000000000000000000001", 12345678901234567890123)
    assert json.dumps(parse("[1.5]", "x")) == "[1.5]"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "f: no JSON: it is empty"),
        (b" \n\n", "f: no JSON: it is empty"),
        (b'{"a": 1}\n{"a": tru}\n{"a": 2}', "f line 2: no JSON: Expecting value at character 7 of it"),
        (b'{"a": 1}{"a"', "f line 1 object 2: no JSON"),
        (b'{"a": 1}\n{\n"a": 2,\n"b" 3}\n', "f line 2: no JSON: Expecting ':' delimiter, 2 lines further down"),
        (b'{"a": "x\n"}', "f line 1: no JSON: Invalid control character"),
        (b'{"a": "\xff"}', "f: no JSON: 'utf-8' codec"),
        (b"[" * 100_000, "f line 1: no JSON"),
        (b"9" * 5_000, "f line 1: no JSON"),
    ],
)
def test_what_is_no_json_is_named_by_its_line(data: bytes, message: str) -> None:
    """The line where the value begins, and how far in it goes wrong; values before it have been given."""
    with pytest.raises(EventsError) as told:
        found(data)
    assert str(told.value).startswith(message)


def test_a_damaged_line_does_not_make_the_rest_be_read() -> None:
    """What can be told at once is told at once, however long the file is."""
    read = 0

    class Lines(io.BytesIO):
        def __iter__(self) -> Iterator[bytes]:
            nonlocal read
            for read in range(1, 1_000):
                yield b'{"a": 1}\n' if read != 5 else b'{"a": nul}\n'

    with pytest.raises(EventsError, match="line 5"):
        list(values_in(Lines(), "f"))
    assert read == 5
