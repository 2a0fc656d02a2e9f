"""Shows how a seed's world breaks the laws, each kind of fault in a world as small as it gets: ``python -m tests.laws
SEED``.

``--whole`` leaves the worlds as they are, another argument chooses faults by a part of their
text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.laws.answers import asked
from tests.laws.faults import Fault
from tests.laws.laws import ALL
from tests.laws.making import make_world
from tests.laws.smaller import Law, smaller
from tests.laws.undue import Tally, undue
from tests.laws.worlds import SECOND, World


def main(seed: int, chosen: str, *, whole: bool) -> None:
    world = make_world(seed)
    seen = set()
    for law, fault in _faults(world, seed):
        if fault.kind in seen or chosen not in str(fault):
            continue
        seen.add(fault.kind)
        print(f"{fault}\n{shown(world if whole else smaller(world, fault, law))}\n", flush=True)


def _faults(world: World, seed: int) -> Iterator[tuple[Law, Fault]]:
    with asked(world, seed) as one:
        for law in (*ALL, _undue):
            yield from ((law, fault) for fault in law(one))


def _undue(one):  # type: ignore[no-untyped-def]
    for law in ALL:
        list(law(one))
    yield from undue(one, Tally())


def shown(world: World) -> str:
    """A world as a person reads it."""
    lines = [f"  before {dict(world.before)} · {world.source} · junk {world.junk}"]
    for one in world.writes:
        era = world.eras[one.era] if one.era is not None else None
        how = f"{era.kind} {era.view} {era.name[-12:]} {era.table_id}" if era else "nobody"
        lines.append(
            f"  {_time(one.at)} {one.item} {one.after} {one.fate} {one.redaction or ''} by {how} skew {one.skew}"
        )
    lines += [f"  window {one.id} {_time(one.start)} to {_time(one.end)} whole={one.whole}" for one in world.windows]
    for scan in world.scans:
        lines.append(
            f"  {scan.kind} {scan.id} {_time(scan.begin)} to {_time(scan.end)} whole={scan.whole} {scan.redaction}"
        )
        lines += [f"    {item} {_time(world_read[0])} to {_time(world_read[2])}: {world.scanned(scan).get(item)}"
                  for item, world_read in scan.reads.items() if item in world.keys]  # fmt: skip
    for told in world.attestations or ():
        state = (
            f"losses {told.losses} undelivered {told.undelivered} healthy {told.healthy} {told.mapping} {told.table_id}"
        )
        lines.append(f"  attested {_time(told.attested_at)} through {_time(told.captured_through)} {state}")
    return "\n".join(lines)


def _time(micros: int) -> str:
    return f"{datetime.fromtimestamp(micros / SECOND, UTC):%d %H:%M:%S.%f}".removesuffix(".000000")


if __name__ == "__main__":
    arguments = [one for one in sys.argv[1:] if one != "--whole"]
    main(int(arguments[0]), " ".join(arguments[1:]), whole="--whole" in sys.argv)
