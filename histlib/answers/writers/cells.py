"""Cells of a CSV file: exact, and none that a spreadsheet could take for a formula, whatever its separator."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from histlib.values.image_json import decode_image, decode_value, encode_image, encode_value

#: Digits that a spreadsheet keeps (IEEE 754 double).
SAFE_DIGITS: Final = 15

_LONG = re.compile(r"[0-9.]{16}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?')
_UNSAFE_START: Final = frozenset("=+-@＝＋－＠\"'")
_UNSAFE = re.compile(r"[;|\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MONTHS = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|"
    "aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
)
#: What a spreadsheet would turn into a number, a date or a boolean, and save as that.
_NOT_TEXT = re.compile(
    rf"[\W\d_]*(e[\W\d_]*|\d\s*[ap]m?)?|true|false|(?=.*\d)[\W\d_]*({_MONTHS})[\W\d_]*", re.IGNORECASE
)


def value_cell(text: str | None) -> str:
    """An image JSON text as a cell: no bare separator, long numbers as ``{"$N": "…"}``; empty for None."""
    if text is None:
        return ""
    return _escape(_TOKEN.sub(_long_number, text) if _LONG.search(text) else text)


def read_value_cell(cell: str, whole_item: bool) -> str | None:
    """The canonical image JSON text of a cell, None for an empty one.

    Raises:
        ValueNotValidError: no image JSON.
    """
    if not cell:
        return None
    if cell in ("TRUE", "FALSE"):  # as spreadsheets save a boolean
        return cell.lower()
    if "\\u00" not in cell and '"$N"' not in cell:
        return cell
    return encode_image(decode_image(cell)) if whole_item else encode_value(decode_value(cell))


def text_cell(text: str) -> str:
    """A text as a cell: as it is where nothing could take it for more, else as JSON text."""
    if not text or text[0] in _UNSAFE_START or text[0].isspace() or _UNSAFE.search(text) or _NOT_TEXT.fullmatch(text):
        return _escape(json.dumps(text, ensure_ascii=False)).replace("\x7f", "\\u007f")
    return text


def read_text_cell(cell: str) -> str:
    """The text of a cell.

    Raises:
        ValueError: begins as JSON text and is none.
    """
    return str(json.loads(cell)) if cell.startswith('"') else cell


def json_cell(value: Any) -> str:
    """Any plain JSON value as a cell."""
    return _escape(json.dumps(value, ensure_ascii=False))


def _escape(text: str) -> str:
    """JSON without what separates cells somewhere; ``;`` and ``|`` can only be inside its strings."""
    if ";" in text:
        text = text.replace(";", "\\u003b")
    return text.replace("|", "\\u007c") if "|" in text else text


def _long_number(match: re.Match[str]) -> str:
    token = match[0]
    if token[0] == '"' or sum(char.isdigit() for char in token) <= SAFE_DIGITS:
        return token
    return f'{{"$N":"{token}"}}'
