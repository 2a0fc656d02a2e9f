"""The same worlds on other engines: the same answers, to the last caveat and detail."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import histlib
from tests.laws.answers import Asked
from tests.laws.making import make_world
from tests.laws.worlds import World
from tests.support.athena.answers import on_athena
from tests.support.athena.equal_answers import Question as Named
from tests.support.athena.equal_answers import differences

_numbers = count()


def is_readable(world: World) -> bool:
    """Whether Athena answers of it at all: an unreadable landing object is an error there, exports are no table."""
    damaged = any(one.fate == "damaged" for one in world.writes) or any(day != "failed" for day in world.junk)
    return world.source == "folder" and not damaged


def named(asked: Asked, every: int) -> list[Named]:
    """Each so many'th of its questions, all kinds among them, as the suite of equal answers has them."""
    found: list[Any] = []
    for kind in dict.fromkeys(question.kind for question in asked.questions):
        found += [one for one in asked.questions if one.kind == kind][:: every * (4 if kind == "state_at" else 1)]
    return [(str(one), lambda history, one=one: one.ask(asked.world, history)) for one in found]


def unlike_on_athena(asked: Asked, folder: Path, cache: Path, every: int) -> list[Any]:
    """What Athena answers differently from the folder."""
    table = f"law{next(_numbers)}"
    other = on_athena(folder, asked.history, cache, prefix=f"{table}/", table=table)
    return differences(asked.history, other, named(asked, every))


def unlike_elsewhere(asked: Asked, other: histlib.History, every: int) -> list[Any]:
    """What another source of the same files answers differently."""
    return differences(asked.history, other, named(asked, every))


def readable_seeds(first: int, number: int) -> list[int]:
    """The first so many seeds from one on whose worlds every engine reads."""
    found: list[int] = []
    while len(found) < number:
        if is_readable(make_world(first)):
            found.append(first)
        first += 1
    return found
