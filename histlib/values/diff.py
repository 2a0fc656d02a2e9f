"""Diff: what changed between two values, by path. Exact about types: NULL, missing and ``''`` differ, and so do
``1`` and ``True``; sets have no order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from histlib.values.image_json import MISSING
from histlib.values.paths import Path

#: One difference: (path, value before, value after); MISSING where one side has nothing.
Difference = tuple[Path, Any, Any]


def diff(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """The differences between two values, in the order of names and positions.

    Maps are compared name by name and lists position by position, as deep as both sides have them; everything else
    as a whole.
    """
    if type(before) is dict and type(after) is dict:
        yield from _diff_maps(before, after, path)
    elif type(before) is list and type(after) is list:
        yield from _diff_lists(before, after, path)
    elif type(before) is not type(after) or before != after:
        yield path, before, after


def _diff_maps(before: dict[str, Any], after: dict[str, Any], path: Path) -> Iterator[Difference]:
    names = before if before.keys() == after.keys() else sorted(before.keys() | after.keys())
    for name in names:
        old, new = before.get(name, MISSING), after.get(name, MISSING)
        if type(old) is not type(new):
            yield (*path, name), old, new
        elif type(old) in _CONTAINERS:
            yield from diff(old, new, (*path, name))
        elif old != new:
            yield (*path, name), old, new


def _diff_lists(before: list[Any], after: list[Any], path: Path) -> Iterator[Difference]:
    for position in range(max(len(before), len(after))):
        old = before[position] if position < len(before) else MISSING
        new = after[position] if position < len(after) else MISSING
        yield from diff(old, new, (*path, position))


_CONTAINERS = frozenset({dict, list})
