"""What the types that Glue declares of the article's table make of a value, and how format 0 had it.

OpenX's SerDe reads a line's objects into rows of declared fields: names become lower case, what is not declared is not
there, and a missing attribute and one that is null are both NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from histlib.values.numbers import canonical_number

Convert = Callable[[Any], Any]

_WHOLE: Final = ("tinyint", "smallint", "int", "integer", "bigint")
_ROUNDING: Final = ("decimal", *_WHOLE, "double", "float", "real")
_CUTTING: Final = "varchar"
#: A blank that Trino takes for a part of a field's name.
_BLANK_NAME: Final = re.compile(r"[<,]\s+[^<>,:]+:|\s+:")
_NAME: Final = re.compile(r"\s*`?([^:`]+)`?\s*:(.*)", re.DOTALL)


class OldTypeError(ValueError):
    """A type that no attribute of format 0 can be read as; the message says which."""


def fields(kind: str) -> dict[str, str]:
    """The fields of a ``struct<name:type,…>``: name in lower case → type.

    Raises:
        OldTypeError: it is none, or has blanks: Athena's DDL writes none, and Trino takes one before a name for a part
            of the name, so that all values of that attribute would be null without a word (seen on Trino 435).
    """
    if _BLANK_NAME.search(kind):
        raise OldTypeError(f"the type {kind} has blanks before or after a name, which would be part of the name")
    found = {}
    for part in _parts(kind):
        match = _NAME.fullmatch(part)
        if match is None:
            raise OldTypeError(f"the type {kind} cannot be read")
        found[match[1].strip().lower()] = match[2].strip()
    return found


def convert(kind: str) -> Convert:
    """What brings a value from JSON, numbers as their texts in it, to what format 0 has: no numbers, only texts.

    Of a struct fields that are null are left out.

    Raises:
        OldTypeError: the type is one of no attribute.
    """
    match _head(kind):
        case "struct":
            return _struct({name: convert(inner) for name, inner in fields(kind).items()})
        case "array":
            (inner,) = map(convert, _parts(kind))
            return lambda values: [None if one is None else inner(one) for one in values]
        case "map":
            inner = convert(_parts(kind)[1])
            return lambda values: {name: None if one is None else inner(one) for name, one in values.items()}
        case name if name in _ROUNDING:
            return canonical_number
        case "string" | "boolean" | "varchar":
            return lambda value: value
    raise OldTypeError(f"{kind} is the type of no attribute in format 0; declare it as string")


def narrowed(kind: str, path: str = "") -> Iterator[str]:
    """The attributes, as ``price double``, declared as numbers or texts of some length: format 0 has text of any."""
    match _head(kind):
        case "struct":
            for name, inner in fields(kind).items():
                yield from narrowed(inner, f"{path}.{name}" if path else name)
        case "array" | "map":
            yield from narrowed(_parts(kind)[-1], f"{path}[]")
        case name if name in _ROUNDING or name == _CUTTING:
            yield f"{path} {kind}"


def unlike(one: str, other: str) -> list[str]:
    """The names that two structs do not declare alike, or not both."""
    declared = [{name: _plain(kind) for name, kind in fields(struct).items()} for struct in (one, other)]
    return sorted(name for name in declared[0].keys() | declared[1] if declared[0].get(name) != declared[1].get(name))


def _plain(kind: str) -> Any:
    """A type in a form that is equal where types are, in whichever order a struct has its fields."""
    match _head(kind):
        case "struct":
            return {name: _plain(inner) for name, inner in fields(kind).items()}
        case "array" | "map" as head:
            return head, list(map(_plain, _parts(kind)))
    return re.sub(r"\s", "", kind).lower()


def _struct(inner: Mapping[str, Convert]) -> Convert:
    def converted(values: Mapping[str, Any]) -> dict[str, Any]:
        named = {name.lower(): value for name, value in values.items() if value is not None}
        if other := sorted(named.keys() - inner.keys()):
            raise OldTypeError(f"the table now declares {', '.join(other)}, too; connect again")
        return {name: inner[name](value) for name, value in named.items()}

    return converted


def _head(kind: str) -> str:
    return re.split("[<(]", kind.strip(), maxsplit=1)[0].strip().lower()


def _parts(kind: str) -> list[str]:
    """What stands between the brackets, split at the commas that are in no others."""
    parts, depth = [""], 0
    for char in kind.strip()[kind.strip().find("<") + 1 : -1]:
        depth += (char in "<(") - (char in ">)")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]
