"""Attribute names in a condition: exact, else unique but for case, else an error that lists those there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Final, Protocol

from histlib.engines.where.places import Place

_LISTED: Final = 20
#: Makes the error of a message.
Refuse = Callable[[str], Exception]
_WORD: Final = re.compile(r"[^\W\d]\w*")


class Names(Protocol):
    """The attribute names of a history."""

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the key's attributes."""

    def attributes(self, exact: bool) -> frozenset[str]:
        """The top-level names in the images: of a sample of them, or of all (slow)."""


def key_name(name: str, names: Names, place: Place) -> str:
    """The key attribute that is meant.

    Raises:
        ConditionNotValidError: the key has none such.
    """
    found = _matching(name, names.key)
    if len(found) == 1:
        return found[0]
    raise place.refuse(f"the key has no attribute {name!r}; it has {listed(names.key, name)}")


def attribute_name(
    name: str, names: Names, refuse: Refuse, *, write: Callable[[str], str] | None = None, image: str = "image"
) -> str:
    """The top-level attribute of the images that is meant; where nothing has images that could tell, the name as it is.

    Args:
        refuse: makes the error of a message.
        write: a name as the caller writes it; default: as a condition has it.
        image: what the names are of, in the message.

    Raises:
        what ``refuse`` makes: no image has it, or more than one attribute is so called but for case.
    """
    if name in names.attributes(False):
        return name
    there = names.attributes(True)
    found = _matching(name, there)
    if len(found) == 1:
        return found[0]
    if found:
        raise refuse(f"{name!r} could be {' or '.join(map(write or written, found))}; write one of them exactly")
    if not there:
        return name
    raise refuse(f"no {image} has an attribute {name!r}; there are {listed(there, name, write)}")


def listed(names: Iterable[str], wanted: str, write: Callable[[str], str] | None = None) -> str:
    """The names there are, those like the wanted one first, cut where they are many."""
    by_fold = {name.casefold(): name for name in sorted(names)}
    close = [by_fold[fold] for fold in get_close_matches(wanted.casefold(), by_fold, 5, 0.5)]
    ordered = close + [name for name in sorted(names) if name not in close]
    more = f" and {len(ordered) - _LISTED} more" if len(ordered) > _LISTED else ""
    return ", ".join(map(write or written, ordered[:_LISTED])) + more


def written(name: str) -> str:
    """A name as a condition has it: in double quotes where it is no plain word."""
    return name if _WORD.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _matching(name: str, there: Iterable[str]) -> list[str]:
    there = sorted(there)
    if name in there:
        return [name]
    return [other for other in there if other.casefold() == name.casefold()]
