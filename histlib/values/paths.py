"""Paths: where in an item a value is, such as ``address.zip`` or ``items[3].qty``.

A name with a dot, bracket, quote, white space or control character, and the empty name, is written as a JSON
string: ``"a.b".c``. The empty path is the whole item. :func:`format_path` and :func:`parse_path` are inverse.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final

from histlib.errors import PathNotValidError
from histlib.values.image_json import MISSING

#: A parsed path: attribute and map names (str) and list positions (int, from 0).
Path = tuple[str | int, ...]

_PLAIN = re.compile(r"""[^\s.\[\]"'\x00-\x1f]+""")
_STEP: Final = re.compile(
    r"""(?P<index>\[(?:0|[1-9]\d*)\])|(?P<dot>\.?)(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<plain>[^\s.\[\]"'\x00-\x1f]+))""",
    re.DOTALL,
)


@lru_cache(maxsize=10_000)
def format_path(path: Path) -> str:
    """The text of a path; parses back to the same path.

    Raises:
        PathNotValidError: begins with a position (an item is a map), or has one below 0.
    """
    if (path and isinstance(path[0], int)) or any(isinstance(step, int) and step < 0 for step in path):
        raise PathNotValidError(f"{path!r} is no path: it begins with a position, or one is below 0", path)
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_name(step)}" for step in path)
    return text.removeprefix(".")


def parse_path(text: str) -> Path:
    """The path of a text.

    Raises:
        PathNotValidError: not a path; says at which character.
    """
    if not isinstance(text, str):
        raise PathNotValidError(f"{text!r} is no path; expected text like address.zip", text)
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or not _fits(match, first=not steps):
            raise PathNotValidError(
                f"{text!r} is no path: stopped at character {position + 1} ({text[position:][:10]!r}); "
                'expected like address.zip, items[3].qty or "a name".x',
                text,
            )
        steps.append(_step(match))
        position = match.end()
    return tuple(steps)


def get(item: Any, path: Path) -> Any:
    """The value at a path, or MISSING where the item has nothing there."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(item, list) or not 0 <= step < len(item):
                return MISSING
            item = item[step]
        elif isinstance(item, dict) and step in item:
            item = item[step]
        else:
            return MISSING
    return item


def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else str(encode_basestring(name))


def _fits(match: re.Match[str], *, first: bool) -> bool:
    if match["index"]:
        return not first
    return (match["dot"] == "") == first


def _step(match: re.Match[str]) -> str | int:
    if match["index"]:
        return int(match["index"][1:-1])
    if match["plain"]:
        return match["plain"]
    try:
        return str(json.loads(match["quoted"], strict=False))
    except ValueError as error:
        raise PathNotValidError(f"{match['quoted']} is no quoted name: {error}", match["quoted"]) from error
