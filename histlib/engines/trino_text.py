"""What image JSON has at a path, as Trino's SQL: exact, where Trino's own JSON would round.

Trino's ``json_extract_scalar`` gives a string decoded and a number with the digits that the text has.
``json_format(json_extract(…))`` writes what it finds anew: whole numbers and strings as the canonical text does, but
fractions as doubles, control characters in upper-case hex and characters beyond U+FFFF as two escapes. Paths are those
of its JsonPathTokenizer: ``$["name"][0]``, in which ``"`` and ``\\`` take a backslash; a subscript means a list's
position and a map's name alike, so where one could be taken for the other the container is looked at. (Trino 435:
JsonExtract, JsonPathTokenizer, and Jackson's generator.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from histlib.format.record import EMPTY_IMAGE
from histlib.values.paths import Path


def literal(text: str) -> str:
    """A text as a literal: a quote is doubled, all else stands for itself."""
    return "'" + text.replace("'", "''") + "'"


def image(column: str) -> str:
    """SQL: a column's image; NULL where that is empty, which is no image."""
    return f"CASE WHEN NOT regexp_like({column}, {literal(EMPTY_IMAGE)}) THEN {column} END"


def json_path(path: Path) -> str:
    """A path in Trino's words."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f"[{_quoted(step)}]" for step in path)


@dataclass(frozen=True)
class Place:
    """A path in a column (any SQL) with image JSON. Names that begin with ``$`` are looked for as they stand."""

    column: str
    path: Path

    @property
    def json(self) -> str:
        """SQL: the JSON of what is there, written anew by Trino; NULL where nothing is."""
        return self._where_sure(f"json_format(json_extract({self.column}, {literal(json_path(self.path))}))")

    @property
    def scalar(self) -> str:
        """SQL: the text of a string, number or boolean; NULL where there is none."""
        return self._where_sure(f"json_extract_scalar({self.column}, {literal(json_path(self.path))})")

    @property
    def is_string(self) -> str:
        """SQL: whether a string is there; NULL where nothing is."""
        return f"starts_with({self.json}, '\"')"

    @property
    def is_number(self) -> str:
        """SQL: whether a number is there; NULL where nothing is."""
        return f"regexp_like({self.json}, '^[-0-9]')"

    def _where_sure(self, found: str) -> str:
        kinds = [
            f"starts_with({Place(self.column, self.path[:at])._written}, '{'[' if isinstance(step, int) else '{'}')"
            for at, step in enumerate(self.path)
            if at and (isinstance(step, int) or _POSITION.fullmatch(step))
        ]
        return f"CASE WHEN {' AND '.join(kinds)} THEN {found} END" if kinds else found

    @property
    def _written(self) -> str:
        return f"json_format(json_extract({self.column}, {literal(json_path(self.path))}))"


#: What Java reads as a whole number.
_POSITION = re.compile(r"[+-]?\d+")


def _quoted(name: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
