"""What images have at a path: of what types it is, and what is below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from histlib.engines.where.meaning.sameness import kind
from histlib.values.image_json import MISSING

#: DynamoDB's type of a value, and one name of a map, or the last position of a list; None for the value itself.
Part = tuple[str, str | None]


@dataclass(frozen=True)
class Shape:
    """``kinds``: DynamoDB's types (``S``, ``SS`` …), none where no image has the path; ``names``: of maps; ``longest``:
    entries of the longest list."""

    kinds: frozenset[str]
    names: frozenset[str]
    longest: int

    def has(self, step: str | int) -> bool:
        """Whether something is there, a step further."""
        return step < self.longest if isinstance(step, int) else step in self.names


def shape_of(parts: Iterable[Part]) -> Shape:
    """The shape of all parts."""
    found = set(parts)
    names = frozenset(name for one, name in found if one == "M" and name is not None)
    longest = max((int(name) + 1 for one, name in found if one == "L" and name is not None), default=0)
    return Shape(frozenset(one for one, _ in found), names, longest)


def parts_of(value: Any) -> Iterator[Part]:
    """The parts of a value; of MISSING none."""
    if value is MISSING:
        return
    yield kind(value), None
    if isinstance(value, dict):
        yield from (("M", name) for name in value)
    elif isinstance(value, list) and value:
        yield "L", str(len(value) - 1)
