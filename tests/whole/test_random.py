"""Random writes and faults: no answer is ever wrong without saying that it may be, and in the end all is whole."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.athena.aws import entered
from tests.support.effort import examples
from tests.whole.asking import in_folder, lost_or_twice, unsure, wrong
from tests.whole.rig import Rig, running

WRITES = st.tuples(st.sampled_from(["put", "update", "delete"]), st.sampled_from("abc"), st.integers(0, 2))
FAULTS = st.sampled_from(
    ["none", "throttled", "long throttled", "partial", "killed", "refusing", "taking", "off", "on", "split", "twice"]
)
STEPS = st.tuples(st.lists(WRITES, min_size=1, max_size=4), FAULTS, st.sampled_from([0, 1, 40, 900, 4_000]))


def write(rig: Rig, how: str, key: str, value: int) -> None:
    if how == "delete":
        rig.app.delete(key)
    else:
        getattr(rig.app, how)(key, n=value)
    rig.clock.sleep(value / 2)


def harm(rig: Rig, fault: str) -> None:
    """Do one harm; some last until another step ends them."""
    if fault in ("off", "on"):
        rig.enable(fault == "on")
    elif fault == "split":
        rig.stream.pull()
        rig.stream.split(next(one for one in reversed(rig.stream.shards) if not one.closed))
    rig.landing.refusing = {"refusing": True, "taking": False}.get(fault, rig.landing.refusing)
    rig.landing.repeats = fault == "twice"
    rig.firehose.overload = {"throttled": 2, "long throttled": 500}.get(fault, 0)
    rig.firehose.partial, rig.firehose.dies = 2 * (fault == "partial"), int(fault == "killed")


@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=2, max_size=6))
def test_every_answer_is_true_or_says_that_it_may_not_be(athena_server, steps):
    """At each attestation on the way; and when all has been delivered and redriven, each state is what the application
    saw, attested."""
    with entered(athena_server), running() as rig:
        rig.begin()
        for writes, fault, wait in steps:
            for one in writes:
                write(rig, *one)
            harm(rig, fault)
            rig.wait(wait)
            rig.attest()
            if rig.objects("of/things/changes/"):
                assert wrong(in_folder(rig), rig.app) == []
        harm(rig, "on")
        harm(rig, "taking")
        rig.wait(3_000)
        rig.redrive()
        rig.wait(2_700)
        rig.attest()
        if rig.app.changes():
            history = in_folder(rig)
            assert lost_or_twice(history, rig.app.changes()) == (Counter(), Counter())
            assert unsure(history, rig.app) == []
