"""No attestation that is not true: over many histories of a pipeline of several shards, whatever goes wrong in it."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from histlib.rules.coverage.coverage import Attestation, build_coverage
from pipeline.functions.attester.reach import CALL, LATE, PATIENCE, SKEW, TOLD, UNREAD
from tests.support.pipeline.attester.simulated import BEGIN, SETTINGS, STEP, Change, Faults, Shard, World

HOUR = 3_600
SPAN = UNREAD + SETTINGS.window_seconds + CALL
#: How far behind attestations are at most while nothing is wrong: what is told late, the time in which a change is read
#: and recorded, clocks, a minute's rounding.
QUIET_TABLE = LATE + UNREAD + SPAN + SKEW + 60
#: And where changes come now and then, the time in which Firehose tells of their delivery.
BUSY_TABLE = QUIET_TABLE + TOLD + SETTINGS.buffer_seconds


def world(changes: list[int], *, shards: int = 3, seed: int = 0, poison: bool = False, **other: Any) -> World:
    """With changes at these times, and more where something begins or ends."""
    random, faults = Random(seed), other.pop("faults", Faults())
    near = [edge + random.randrange(-60, random.choice((120, 1_800))) for edge in faults.edges for _ in range(8)]
    made = [Change(BEGIN + at, BEGIN + at + random.randrange(-15, 15)) for at in (*changes, *near) if at >= 0]
    for one in made if poison else ():
        one.poison = random.random() < 0.02
    begun = [Shard(number, BEGIN + random.choice((0, PATIENCE - STEP))) for number in range(shards)]
    return World(made, faults, random, begun, **other)


def lies(made: World, seconds: int) -> list[tuple[int, int]]:
    """Run it; each (attestation, change), seconds from the begin, where a change was attested and had not landed."""
    found = []
    for now in made.run(seconds):
        coverage = build_coverage([], [msgspec.convert(one, Attestation) for one in made.said], ())
        for one in made.changes:
            moment = one.stamp * 1_000_000
            if one.made <= now and not one.landed and coverage.attests(moment, moment):
                found.append((now - BEGIN, one.made - BEGIN))
    return found


def through(said: dict[str, Any]) -> float:
    """Up to when that attestation says that all is captured, seconds from the begin."""
    return msgspec.convert(said, Attestation).captured_through / 1_000_000 - BEGIN


def when(longest: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    begin, length = st.integers(0, 24 * HOUR), st.integers(60, longest)
    return st.lists(st.tuples(begin, length).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=2)


short, long = when(4 * HOUR), when(26 * HOUR)
faults = st.builds(
    Faults,
    refused=short,
    errors=short,
    throttled=short,
    mapping=long,
    s3=long,
    attester=long,
    splits=st.lists(st.integers(0, 24 * HOUR), max_size=6),
)


@settings(max_examples=60)
@given(
    changes=st.lists(st.integers(0, 28 * HOUR), min_size=1, max_size=60),
    shards=st.integers(1, 4),
    seed=st.integers(0, 1 << 32),
    faults=faults,
    skew=st.integers(-30, 30),
    retries=st.sampled_from((3, 1_000)),
    dropping=st.booleans(),
    slow=st.booleans(),
    poison=st.booleans(),
    every=st.sampled_from((300, 900, 3_600)),
)
def test_what_is_attested_has_landed(changes: list[int], **drawn: Any):
    """Whatever fails, stands still, splits or is told late, and for how long: at each attestation, all changes in the
    time that is attested have landed."""
    assert lies(world(changes, **drawn), 30 * HOUR) == []


@settings(max_examples=10)
@given(seed=st.integers(0, 1 << 32), every=st.sampled_from((300, 900)))
def test_shards_that_come_and_go_all_the_time(seed: int, every: int):
    """Lambda takes its time to find each; attestations go on, and claim nothing of a shard that may be unread."""
    splits = [3 * HOUR + 1_500 * number + 30 * (number % 7) for number in range(40)]
    made = world([], shards=2, seed=seed, faults=Faults(splits=splits), every=every)
    assert lies(made, 20 * HOUR) == []
    assert through(made.said[-1]) > 18 * HOUR


@settings(max_examples=15)
@given(
    written=st.booleans(),
    shards=st.integers(1, 4),
    seed=st.integers(0, 1 << 32),
    skew=st.integers(-30, 30),
)
def test_a_healthy_pipeline_is_attested_soon(*, written: bool, seed: int, **drawn: Any):
    """Within the hour after its deployment, and from then on up to half an hour before each run where nothing is
    written, three quarters where changes come now and then, with metrics ten minutes late. Until then nothing rings."""
    changes = [Random(seed).randrange(6 * HOUR) for _ in range(60)] if written else []
    made = world(changes, seed=seed, **drawn)
    assert lies(made, 6 * HOUR) == []
    for number, said in enumerate(made.said, 1):
        at = number * made.every
        assert said["healthy"] or (said["starting"] and at < HOUR)
        if at >= HOUR:
            assert through(said) >= at - 1 - (BUSY_TABLE if written else QUIET_TABLE)


def test_a_batch_that_is_stuck_behind_fresh_ones():
    """One change of one shard fails for six hours. The batches behind it and the other shards look alive: IteratorAge
    is fresh, polls go on, the last result is OK. What is captured does not move until the change has landed."""
    made = world([*range(0, 12 * HOUR, 120)], retries=1_000)
    stuck = next(one for one in made.changes if one.made >= BEGIN + 3 * HOUR)
    stuck.poison = True
    for now in made.run(12 * HOUR):
        stuck.poison = now < BEGIN + 9 * HOUR
        if not stuck.landed:
            assert through(made.said[-1]) < stuck.stamp - BEGIN
    assert stuck.landed
    stood = [through(said) for said in made.said if 4 * HOUR < said["attested_at"] / 1e6 - BEGIN < 9 * HOUR]
    assert max(stood) - min(stood) < 0.01
    assert through(made.said[-1]) > 11 * HOUR


def test_a_shard_that_nobody_reads():
    """Where it is the only one, there are no polls, and nothing is attested. Beside others no metric shows it, and that
    Lambda reads all of them is believed: the attestation tells of how many shards that is said."""
    only = world([*range(0, 6 * HOUR, 600)], shards=1, faults=Faults(mapping=[(0, 6 * HOUR)]))
    assert lies(only, 6 * HOUR) == []
    assert not [said for said in only.said if said["healthy"]]
    beside = world([*range(0, 6 * HOUR, 600)], shards=3, faults=Faults(unread=[(3 * HOUR, 6 * HOUR)]))
    assert lies(beside, 6 * HOUR)
    assert {said["shards"]["open"] for said in beside.said} == {3}
