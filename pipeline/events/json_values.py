"""JSON values in a file: one a line, one over many lines, or one right after another; each with its place."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final, NamedTuple

from pipeline.common.errors import EventsError

_SPACE: Final = re.compile(r"[ \t\r\n\ufeff]*")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Literal(float):
    """A number with a fraction or exponent, which keeps its ``text``: a float would lose digits."""

    text: str

    def __new__(cls, text: str) -> Literal:
        made = super().__new__(cls, text)
        made.text = text
        return made


class Value(NamedTuple):
    """A JSON value, its text, and its ``place``: the file and the line in which it begins."""

    place: str
    value: Any
    text: str


_DECODER: Final = json.JSONDecoder(parse_float=Literal)


def values_in(stream: BinaryIO, name: str) -> Iterator[Value]:
    """Each JSON value of a file, which places call ``name``; no more of it is read than needed.

    Raises:
        EventsError: what is no JSON, by its line; values before it have been given.
    """
    try:
        yield from _values(_lines(stream), name)
    except UnicodeDecodeError as error:
        raise EventsError(f"{name}: no JSON: {error}") from error


def parse(text: str, where: str) -> Any:
    """The one value of a text.

    Raises:
        EventsError: it is no JSON.
    """
    try:
        return json.loads(text, parse_float=Literal)
    except (ValueError, RecursionError) as error:
        raise EventsError(f"{where}: no JSON: {error}") from error


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Lines as text; of UTF-16 too, as PowerShell writes what a command prints."""
    for number, line in enumerate(stream):
        if not number and line.startswith(_UTF16):
            yield from io.StringIO((line + stream.read()).decode("utf-16"), newline="\n")
            return
        yield line.decode("utf-8", "surrogatepass")


def _values(lines: Iterator[str], name: str) -> Iterator[Value]:
    at_line, last, nth, empty = 1, 0, 1, True
    for line in lines:
        text, at, counted = line, _skip(line, 0), 0
        while at < len(text):
            at_line += text.count("\n", counted, at)
            nth, last = (nth + 1 if last == at_line else 1), at_line
            place = f"{name} line {at_line}" + (f" object {nth}" if nth > 1 else "")
            text, counted, value, end = _decode(text, at, lines, place)
            empty = False
            yield Value(place, value, text[counted:end])
            at = _skip(text, end)
        at_line += text.count("\n", counted)
    if empty:
        raise EventsError(f"{name}: no JSON: it is empty")


def _decode(text: str, at: int, lines: Iterator[str], place: str) -> tuple[str, int, Any, int]:
    """A text, and where in it the value begins, what it is, and where it ends: ``text`` from ``at`` on, with as many
    more lines as it takes."""
    more = 1
    while True:
        try:
            return text, at, *_DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            following = "".join(islice(lines, more)) if _is_unfinished(text, error) else ""
            if not following:
                raise EventsError(f"{place}: no JSON: {error.msg}{_beyond(text, at, error.pos)}") from error
            text, at, more = text[at:] + following, 0, more * 2
        except (ValueError, RecursionError) as error:
            raise EventsError(f"{place}: no JSON: {error}") from error


def _is_unfinished(text: str, error: json.JSONDecodeError) -> bool:
    """Whether more lines could help: a string never goes on in the next."""
    return error.pos >= len(text.rstrip()) and not error.msg.startswith("Invalid control character")


def _beyond(text: str, at: int, position: int) -> str:
    """Where in a value of several lines it stops being JSON."""
    lines = text.count("\n", at, position)
    return f", {lines} lines further down" if lines else f" at character {position - at + 1} of it"


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
