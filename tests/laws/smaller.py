"""A smaller world in which one question still breaks the same law."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tests.laws.answers import Asked, asked
from tests.laws.faults import Fault
from tests.laws.worlds import World

Law = Callable[[Asked], Iterable[Fault]]


def smaller(world: World, fault: Fault, law: Law) -> World:
    """What is left when all is taken away, piece by piece, without which the fault remains."""
    going_on = True
    while going_on:
        going_on = False
        for one in _pieces_less(world):
            if _breaks(one, fault, law):
                world, going_on = one, True
                break
    return world


def _breaks(world: World, fault: Fault, law: Law) -> bool:
    if not set(fault.question.scope(world)) <= set(world.keys):
        return False
    try:
        with asked(world, 0) as one:
            one.questions = [fault.question]
            found = list(law(one))
    except Exception:  # noqa: BLE001 — too small to be a history at all
        return False
    return any(
        new.law == fault.law and {*fault.names} <= {*new.names} for new in found if new.question == fault.question
    )


def _pieces_less(world: World) -> Iterator[World]:
    named = {write.item for write in world.writes} | {*world.before, *world.never}
    for item in world.keys:
        if item not in named:
            yield replace(world, keys={name: key for name, key in world.keys.items() if name != item})
    for at in range(len(world.writes)):
        yield replace(world, writes=(*world.writes[:at], *world.writes[at + 1 :]))
    for at in range(len(world.scans)):
        yield replace(world, scans=(*world.scans[:at], *world.scans[at + 1 :]))
    for at in (0, len(world.windows) - 1)[: len(world.windows)]:
        yield replace(world, windows=(*world.windows[:at], *world.windows[at + 1 :]))
    for item in world.before:
        yield replace(world, before={name: image for name, image in world.before.items() if name != item})
    if world.attestations is not None:
        yield replace(world, attestations=None)
        for at in range(len(world.attestations)):
            yield replace(world, attestations=(*world.attestations[:at], *world.attestations[at + 1 :]) or None)
    if world.junk:
        yield replace(world, junk=())
    for at, write in enumerate(world.writes):
        plain = replace(write, fate="captured", redaction=None, skew=0)
        if write.era is not None and write != plain:
            yield replace(world, writes=(*world.writes[:at], plain, *world.writes[at + 1 :]))
