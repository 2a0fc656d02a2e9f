"""The patterns of LIKE: taken apart once, then written for Python or for an engine."""

from __future__ import annotations

import re
from collections.abc import Callable

from histlib.engines.where.nodes import Wild
from histlib.engines.where.places import Place


def pieces_of(pattern: str, escape: str | None, place: Place) -> tuple[str | Wild, ...]:
    """The text and wildcards of a pattern.

    Raises:
        ConditionNotValidError: an escape that is not one character, or that stands before no wildcard.
    """
    if escape is not None and len(escape) != 1:
        raise place.refuse(f"ESCAPE takes one character, got {escape!r}")
    pieces: list[str | Wild] = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            literal = next(characters, "")
            if literal not in ("%", "_", escape):
                raise place.refuse(f"the escape {escape} stands before {literal!r}; it goes before %, _ or itself")
            pieces.append(literal)
        else:
            pieces.append(Wild(character) if character in "%_" else character)
    return _joined(pieces)


def matcher(pieces: tuple[str | Wild, ...], *, ignore_case: bool) -> Callable[[str], bool]:
    """Whether a string consists of the pieces."""
    match pieces:
        case (Wild.ANY, str(part), Wild.ANY) if not ignore_case:
            return lambda text: part in text
        case (str(start), Wild.ANY) if not ignore_case:
            return lambda text: text.startswith(start)
    match_ = re.compile(_pattern(pieces), re.DOTALL | (re.IGNORECASE if ignore_case else 0)).fullmatch
    return lambda text: match_(text) is not None


def _pattern(pieces: tuple[str | Wild, ...]) -> str:
    """As Python's pattern, in linear time: between two %, the first match is as good as any later one."""
    parts = [""]
    for piece in pieces:
        if piece is Wild.ANY:
            parts.append("")
        else:
            parts[-1] += "." if piece is Wild.ONE else re.escape(str(piece))
    if len(parts) == 1:
        return parts[0]
    first, *middle, last = parts
    return first + "".join(f"(?>.*?{part})" for part in middle) + ".*" + last


def _joined(pieces: list[str | Wild]) -> tuple[str | Wild, ...]:
    """Neighbouring text as one piece, several % in a row as one."""
    joined: list[str | Wild] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, str) and isinstance(last, str):
            joined[-1] = last + piece
        elif piece is not Wild.ANY or last is not Wild.ANY:
            joined.append(piece)
    return tuple(joined)
