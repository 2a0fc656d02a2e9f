"""Values inside image JSON, as the functions that an engine calls: exact, where an engine's own JSON would round.

=================  ===================================================================================
``histlib_text``   a string's text; numbers, booleans, lists and maps as image JSON
``histlib_value``  its type and value in one text: ``sabc``, ``n1.5``, ``btrue``, ``j[1]``
``histlib_number``  a number as a text that sorts as the numbers do
``histlib_string``  a string's text
``histlib_scalar``  as Trino's json_extract_scalar: a scalar's text
=================  ===================================================================================

All are NULL where the value is null, missing or (the last three) of another kind. The last is NULL of what is no
JSON, too; for the others that is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from histlib.errors import ValueNotValidError
from histlib.values.numbers import canonical_number, order_text
from histlib.values.paths import Path

_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_entries: Final = msgspec.json.Decoder(list[msgspec.Raw])
_string: Final = msgspec.json.Decoder(str)

#: What a function makes of the JSON text of a value that is there and not null.
Reading = Callable[[str], str | None]


def reader(function: str, path: Path) -> Callable[[str | None], str | None]:
    """The function of an image's text."""
    reading = READINGS[function]
    wrapped = function != "histlib_scalar"

    def read(image: str | None) -> str | None:
        if image is None:
            return None
        try:
            raw = value_json(image, path, wrapped=wrapped)
            return None if raw is None or raw == "null" else reading(raw)
        except ValueError:
            if not wrapped:
                return None  # as Athena has it of any text
            raise

    return read


def value_json(image: str, path: Path, *, wrapped: bool = True) -> str | None:
    """The JSON text of what is at a path; None where nothing is. ``wrapped``: a nested ``{"$M": …}`` is its map.

    Raises:
        ValueError: no JSON (msgspec's errors are ValueErrors).
    """
    raw: str = image
    for depth, step in enumerate(path):
        found = _entry(raw, step) if isinstance(step, int) else _member(raw, step, wrapped=wrapped and depth > 0)
        if found is None:
            return None
        raw = bytes(found).decode()
    return raw


def _entry(raw: str, step: int) -> msgspec.Raw | None:
    entries = _entries.decode(raw) if raw.startswith("[") else []
    return entries[step] if step < len(entries) else None


def _member(raw: str, step: str, *, wrapped: bool) -> msgspec.Raw | None:
    members = _members.decode(raw) if raw.startswith("{") else {}
    if wrapped and len(members) == 1 and next(iter(members)).startswith("$"):
        members = _members.decode(members["$M"]) if "$M" in members else {}
    return members.get(step)


def _text(raw: str) -> str:
    return _string.decode(raw) if raw[0] == '"' else raw


def _value(raw: str) -> str:
    if raw[0] == '"':
        return f"s{_string.decode(raw)}"
    if raw[0] in "tf":
        return f"b{raw}"
    return f"j{raw}" if raw[0] in "[{" else f"n{_canonical(raw)}"


def _number(raw: str) -> str | None:
    return order_text(_canonical(raw)) if raw[0] in "-0123456789" else None


def _only_string(raw: str) -> str | None:
    return _string.decode(raw) if raw[0] == '"' else None


def _scalar(raw: str) -> str | None:
    return None if raw[0] in "[{" else _text(raw)


def _canonical(raw: str) -> str:
    try:
        return canonical_number(raw)
    except ValueNotValidError:
        return raw


READINGS: Final[dict[str, Reading]] = {
    "histlib_text": _text,
    "histlib_value": _value,
    "histlib_number": _number,
    "histlib_string": _only_string,
    "histlib_scalar": _scalar,
}
