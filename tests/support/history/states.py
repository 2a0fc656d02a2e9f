"""What is asked of random worlds and small chains, and what coverage they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from histlib.format.record import Change
from histlib.rules.chain.chain import Step, build_chain
from histlib.rules.coverage.baselines import Sighting
from histlib.rules.coverage.coverage import Coverage, Hole, Span, Stream, build_coverage
from histlib.rules.state import Finding, state_at
from histlib.values.image_json import encode_image
from histlib.values.times import second_of
from tests.support.history.worlds import SECOND, START, World, Write, stored, stream_arn

KEYS = '{"id":"a"}'
S1, S2 = stream_arn(1), stream_arn(2)


def coverage_of(world: World, holes: tuple[Hole, ...] = ()) -> Coverage:
    captured = world.captured()
    by_stream: dict[str, list[int]] = {}
    for write in captured:
        by_stream.setdefault(write.stream, []).append(write.stamp)
    streams = [Stream(arn, min(stamps), max(stamps)) for arn, stamps in by_stream.items()]
    coverage = build_coverage(streams, world.attestations, holes)
    if world.attestations is not None:
        return coverage
    read = {
        second_of(scan.begin) for scan in world.scans if scan.complete and second_of(scan.begin) == second_of(scan.end)
    }
    return replace(coverage, read_seconds=tuple(sorted(read)))


def ask(world: World, item: str, moment: int) -> Finding:
    keys = encode_image({"id": item})
    steps = build_chain(change for change in world.changes() if change.keys == keys)
    return state_at(steps, keys, moment, coverage_of(world), world.sightings(item))


def expected_image(world: World, item: str, moment: int, redaction: str | None) -> str | None:
    """The truth as the recorder would have stored it."""
    return stored(Write(item, None, 0, 0, redaction=redaction), world.truth(item, moment))


def redaction_of(finding: Finding, world: World, item: str) -> str | None:
    return "r1" if "redacted" in finding.caveats else None


def items(world: World) -> set[str]:
    return {write.item for write in world.writes}


def change(second: float, new: int | None, old: int | None, *, stream: str = S1, number: int = 0, **fields) -> Change:
    """A change ``second`` seconds after START; images are versions, None is no item."""
    action = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    made = {
        "event_id": f"e{number or second}",
        "table": "t",
        "stream": stream,
        "view": "NEW_AND_OLD_IMAGES",
        "action": action,
        "keys": KEYS,
        "new_image": None if new is None else f'{{"v":{new}}}',
        "old_image": None if old is None else f'{{"v":{old}}}',
        "timestamp_micros": START + int(second * SECOND),
        "precision": "s",
        "sequence_number": f"{number or int(second * 10):040}",
        "actor": None,
        "redaction": None,
        "read_begin": None,
        "read_end": None,
        "file": "f",
    }
    return Change(**(made | fields))


def observed(*spans: tuple[int, int, str], holes: tuple[Hole, ...] = ()) -> Coverage:
    made = tuple(Span(START + a * SECOND, START + b * SECOND, stream) for a, b, stream in spans)
    return Coverage(made, holes, max(span.end for span in made), attested=False)


WIDE = observed((0, 1_000, S1))


def at(seconds: float, *changes: Change, coverage: Coverage = WIDE, sightings: Sequence[Sighting] = ()) -> Finding:
    return state_at(build_chain(changes), KEYS, START + int(seconds * SECOND), coverage, sightings)


def steps_of(world: World, item: str) -> list[Step]:
    keys = encode_image({"id": item})
    rows = [*world.changes(), *world.baseline_rows()]
    return build_chain(row for row in rows if row.keys == keys)


def ask_with_sightings(world: World, item: str, moment: int) -> Finding:
    keys = encode_image({"id": item})
    return state_at(steps_of(world, item), keys, moment, coverage_of(world), world.sightings(item))
