"""Cells of a CSV file: exact, and none that a spreadsheet could take for a formula, whatever its separator."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from histlib.values import decode_image, decode_value, encode_image, encode_value

#: Digits that a spreadsheet keeps (IEEE 754 double).
SAFE_DIGITS: Final = 15

_LONG = re.compile(r"[0-9.]{16}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?')
_UNSAFE_START = frozenset("=+-@＝＋－＠\"'")
_UNSAFE = re.compile(r"[;\t\r\n\x00-\x1f\x7f\u2028\u2029]")


def value_cell(text: str | None) -> str:
    """An image JSON text as a cell: ``;`` only as ``\\u003b``, long numbers as ``{"$N": "…"}``; empty for None."""
    if text is None:
        return ""
    if ";" in text:
        text = text.replace(";", "\\u003b")
    return _TOKEN.sub(_long_number, text) if _LONG.search(text) else text


def read_value_cell(cell: str, whole_item: bool) -> str | None:
    """The canonical image JSON text of a cell, None for an empty one.

    Raises:
        ValueNotValidError: no image JSON.
    """
    if not cell:
        return None
    if "\\u003b" not in cell and '"$N"' not in cell:
        return cell
    return encode_image(decode_image(cell)) if whole_item else encode_value(decode_value(cell))


def text_cell(text: Any) -> str:
    """A text as a cell: as it is where nothing could take it for more, else as JSON text; empty for NA."""
    if not isinstance(text, str):
        return ""
    if not text or text[0] in _UNSAFE_START or _UNSAFE.search(text):
        return json.dumps(text, ensure_ascii=False).replace(";", "\\u003b").replace("\x7f", "\\u007f")
    return text


def read_text_cell(cell: str) -> str | None:
    """The text of a cell; None where it is empty."""
    if not cell:
        return None
    return str(json.loads(cell)) if cell[0] == '"' else cell


def json_cell(value: Any) -> str:
    """Any plain JSON value as a cell."""
    return json.dumps(value, ensure_ascii=False).replace(";", "\\u003b")


def _long_number(match: re.Match[str]) -> str:
    token = match[0]
    if token[0] == '"' or sum(char.isdigit() for char in token) <= SAFE_DIGITS:
        return token
    return f'{{"$N":"{token}"}}'
