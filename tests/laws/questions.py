"""The questions that a world makes: every one that a history can be asked, with and without what narrows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import histlib
from tests.laws.conditions import Condition, conditions, key_condition
from tests.laws.worlds import HOUR, SECOND, World

#: A side of a range that is left open.
OPEN = None


@dataclass(frozen=True)
class Question:
    """One question. ``moments`` (epoch µs): of one time, or two for ``diff``; ``range``: start ≤ t < end.

    ``items``: those that it names, None for all of the table; ``partition``: by their partition key alone. ``where``
    is on the item or the change, as the question has it; ``text``: another condition. ``options`` go to histlib.
    """

    kind: str
    moments: tuple[int, ...] = ()
    range: tuple[int | None, int | None] | None = None
    items: tuple[str, ...] | None = None
    partition: str | None = None
    where: Condition | None = None
    text: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    def scope(self, world: World) -> list[str]:
        """The items that it speaks of, those that never were among them."""
        if self.partition is not None:
            return [item for item in world.items if next(iter(world.keys[item].values())) == self.partition]
        return world.items if self.items is None else list(self.items)

    @property
    def wide(self) -> bool:
        """Whether it speaks of more than keys that are named whole."""
        return self.items is None

    def ask(self, world: World, history: histlib.History) -> Any:
        times = [_time(one) for one in (*self.moments, *(self.range or ()))]
        options = dict(self.options)
        if self.where is not None:
            change = self.kind in ("changes", "activity")
            options["where"] = self.where.on_change if change else self.where.on_item
        if self.text is not None:
            options["where"] = self.text
        method = getattr(history, self.kind)
        if self.kind in ("state_at", "blame", "timeline", "since"):
            key = self._key(world)
            if self.kind == "since":
                return method(key, options.pop("path"), time=times[0], **options)
            return method(key, *times, **options)
        if self.kind == "affected":
            return method(options.pop("where"), *times, **options)
        if self.items is not None or self.partition is not None:
            options["key" if self.kind == "diff" else "keys"] = (
                self._key(world) if self.kind == "diff" or self.partition else [dict(world.keys[i]) for i in self.items]
            )
        return method(*times, **options)

    def _key(self, world: World) -> dict[str, Any]:
        if self.partition is not None:
            return {next(iter(next(iter(world.keys.values())))): self.partition}
        assert self.items is not None
        return dict(world.keys[self.items[0]])

    def __str__(self) -> str:
        parts = [f"{_time(one):%dT%H:%M:%S.%f}".removesuffix(".000000") if one is not None else "open"
                 for one in (*self.moments, *(self.range or ()))]  # fmt: skip
        parts += [f"items={','.join(self.items)}"] if self.items is not None else []
        parts += [f"partition={self.partition}"] if self.partition is not None else []
        parts += [f"where {self.where.on_item}"] if self.where is not None else []
        parts += [f"where {self.text}"] if self.text is not None else []
        parts += [f"{name}={value!r}" for name, value in self.options]
        return f"{self.kind}({', '.join(parts)})"


def questions(world: World, seed: int) -> list[Question]:
    """The questions to a world; ``seed`` chooses where not all can be asked."""
    return list(dict.fromkeys(_questions(world, Random(seed))))


def _questions(world: World, dice: Random) -> Iterator[Question]:
    moments = world.moments()
    some = sorted(dice.sample(moments, min(len(moments), 12)))
    few = sorted(dice.sample(some, min(len(some), 5)))
    asked = conditions(world)
    for moment in some:
        for item in world.items:
            yield Question("state_at", (moment,), items=(item,))
        yield Question("snapshot_at", (moment,))
    for moment in few:
        yield from _snapshots(world, dice, moment, asked)
        for item in world.items:
            yield Question("blame", (moment,), items=(item,))
            for options in ((), (("value", 1),), (("value", 7),)):
                yield Question("since", (moment,), items=(item,), options=(("path", "v"), *options))
    for pair in _pairs(dice, moments, 5):
        yield from _diffs(world, dice, pair, asked)
    for one in _ranges(world, dice, moments):
        yield from _changes(world, dice, one, asked)
        for where in dice.sample(asked, 2):
            yield Question("affected", range=one, where=where)
        yield Question("coverage", range=one)
    yield Question("coverage", range=(OPEN, OPEN))
    for item in world.items:
        yield Question("timeline", range=(OPEN, OPEN), items=(item,))


def _snapshots(world: World, dice: Random, moment: int, asked: tuple[Condition, ...]) -> Iterator[Question]:
    for where in dice.sample(asked, 4):
        yield Question("snapshot_at", (moment,), where=where)
    yield Question("snapshot_at", (moment,), items=tuple(world.items))
    yield Question("snapshot_at", (moment,), items=(dice.choice(world.items),))
    yield Question("snapshot_at", (moment,), options=(("columns", ("v",)),))
    yield Question("snapshot_at", (moment,), items=tuple(world.items[:2]), where=dice.choice(asked))
    item = dice.choice(world.items)
    yield Question("snapshot_at", (moment,), text=key_condition(world, item))
    yield Question("snapshot_at", (moment,), items=(item,))
    for partition in _partitions(world):
        yield Question("snapshot_at", (moment,), partition=partition)
        yield Question("snapshot_at", (moment,), partition=partition, text=f"keys.c = '{partition}'")
        yield Question("snapshot_at", (moment,), partition=partition, where=dice.choice(asked))


def _diffs(world: World, dice: Random, pair: tuple[int, int], asked: tuple[Condition, ...]) -> Iterator[Question]:
    yield Question("diff", pair)
    yield Question("snapshot_at", pair[:1])
    yield Question("snapshot_at", pair[1:])
    yield Question("diff", pair, items=(dice.choice(world.items),))
    where = dice.choice(asked)
    yield Question("diff", pair, where=where)
    for moment in pair:
        yield Question("snapshot_at", (moment,), where=where)
    for partition in _partitions(world):
        yield Question("diff", pair, partition=partition)


def _changes(
    world: World, dice: Random, one: tuple[int | None, int | None], asked: tuple[Condition, ...]
) -> Iterator[Question]:
    yield Question("changes", range=one)
    yield Question("activity", range=one)
    for where in dice.sample(asked, 3):
        yield Question("changes", range=one, where=where)
        yield Question("activity", range=one, where=where)
    yield Question("changes", range=one, items=(dice.choice(world.items),))
    yield Question("changes", range=one, items=tuple(world.never))
    yield Question("changes", range=one, options=(("paths", ("v",)),))
    for item in world.items:
        yield Question("timeline", range=one, items=(item,))
    for partition in _partitions(world):
        yield Question("changes", range=one, partition=partition)
        yield Question("timeline", range=one, partition=partition)


def _partitions(world: World) -> list[str]:
    keys = [key for key in world.keys.values() if len(key) > 1]
    return sorted({key["c"] for key in keys})


def _pairs(dice: Random, moments: list[int], count: int) -> list[tuple[int, int]]:
    return [tuple(sorted(dice.sample(moments, 2))) for _ in range(count)]  # type: ignore[misc]


def _ranges(world: World, dice: Random, moments: list[int]) -> list[tuple[int, int]]:
    """Random ones, short ones, exactly the windows and parts of them, the ends of spans."""
    found = _pairs(dice, moments, 3)
    moment = dice.choice(moments)
    found.append((moment, moment + dice.choice((1, 2, 60)) * SECOND))
    found.append((moments[0] + HOUR // 2, moments[0] + HOUR // 2 + SECOND))
    for window in world.windows[:2]:
        third = (window.end - window.start) // 3 // SECOND * SECOND
        found += [(window.start, window.end), (window.start + third, window.end - third), (window.end, moments[-1])]
    return [(start, end) for start, end in dict.fromkeys(found) if start < end]


def _time(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)
