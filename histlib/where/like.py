"""The patterns of LIKE: taken apart once, then written for Python or for an engine."""

from __future__ import annotations

import re

from histlib.where.nodes import Wild
from histlib.where.places import Place


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


def regular_expression(pieces: tuple[str | Wild, ...], *, ignore_case: bool) -> re.Pattern[str]:
    """The same as Python's regular expression, for ``fullmatch``."""
    wild = {Wild.ANY: ".*", Wild.ONE: "."}
    pattern = "".join(wild[piece] if isinstance(piece, Wild) else re.escape(piece) for piece in pieces)
    return re.compile(pattern, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


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
