"""Parts of a condition's SQL that are the same for each engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from json.encoder import encode_basestring

from histlib.where import nodes
from histlib.where.nodes import Wild

_SECOND = 1_000_000


def joined(word: str, parts: list[str]) -> str:
    """Joined as a balanced tree: engines count the levels of a long chain."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({joined(word, parts[:middle])}{word}{joined(word, parts[middle:])})"


def count(test: nodes.Test) -> int:
    """How many tests are joined in a tree."""
    match test:
        case nodes.And(tests) | nodes.Or(tests):
            return sum(map(count, tests))
        case nodes.Not(inner):
            return count(inner)
    return 1


def pattern(pieces: tuple[str | Wild, ...]) -> str:
    """The pattern of LIKE, escaped by a backslash."""
    return "".join(piece.value if isinstance(piece, Wild) else re.sub(r"([%_\\])", r"\\\1", piece) for piece in pieces)


def inside(text: str) -> str:
    """Of a member's image JSON what must stand in a list's or a set's: in a set, binary is bare."""
    return text.removeprefix('{"$B":').removesuffix("}") if text.startswith('{"$B":') else text


def member(operand: nodes.ImagePath, text: str) -> str:
    """What an image's canonical text must have somewhere for a value of this canonical text to be at the path."""
    last = operand.path[-1]
    return text if isinstance(last, int) else f"{encode_basestring(last)}:{text}"


def time_sql(test: nodes.TimeIs, column: str, write: Callable[[int], str]) -> str:
    """The comparison of a column of epoch µs; ``write`` gives a number's text."""
    first, operator = test.value, test.operator
    if not test.in_seconds:
        return f"({column} {operator} {write(first)})"
    first, after = first * _SECOND, (first + 1) * _SECOND
    if operator == "=":
        return f"({column} >= {write(first)} AND {column} < {write(after)})"
    bound = after if operator in ("<=", ">") else first
    return f"({column} {'<' if '<' in operator else '>='} {write(bound)})"
