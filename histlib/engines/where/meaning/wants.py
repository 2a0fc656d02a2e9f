"""What types the parts of a condition look for: where a path never holds one of them, that part finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from histlib.engines.where import nodes
from histlib.engines.where.meaning.functions import function
from histlib.engines.where.meaning.sameness import kind
from histlib.values.paths import Path

_WHOLE = frozenset({"SS", "NS", "BS", "L", "M"})


@dataclass(frozen=True)
class Want:
    """``what`` (``LIKE``, ``lower(s)``) finds something at a path in values of these types (``S``, ``SS`` …) only."""

    path: Path
    kinds: frozenset[str]
    what: str


def wants_of(test: Any) -> tuple[Want, ...]:
    """What LIKE, functions, and IN with lists, sets or maps look for in the images of a condition's tree."""
    return tuple(dict.fromkeys(_wants(test)))


def _wants(node: Any) -> Iterator[Want]:
    match node:
        case tuple():
            for each in node:
                yield from _wants(each)
        case nodes.Like(operand):
            yield from _of(operand, {"S"}, "LIKE")
        case nodes.Among(operand, values) if any(kind(value) in _WHOLE for value in values):
            yield from _of(operand, {kind(value) for value in values}, "IN with these values")
        case nodes.Call(name, arguments):
            known = function(name)
            for at, argument in enumerate(arguments if known.kinds else ()):
                kinds = set(known.kinds[min(at, len(known.kinds) - 1)].split())
                yield from _of(argument, kinds, known.usage) if kinds != {"any"} else ()
    if hasattr(node, "__dataclass_fields__"):
        yield from _wants(tuple(getattr(node, name) for name in node.__dataclass_fields__))


def _of(operand: nodes.Operand, kinds: set[str], what: str) -> Iterator[Want]:
    if isinstance(operand, nodes.ImagePath) and operand.prefix != "keys":
        yield Want(operand.path, frozenset(kinds), what)
