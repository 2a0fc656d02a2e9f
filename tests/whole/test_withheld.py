"""Nothing is attested before it has landed, however the parts of the pipeline lag behind each other."""

from __future__ import annotations

from tests.whole.asking import in_folder, prove_whole, wrong
from tests.whole.harm import finish, write


def test_a_mapping_that_was_switched_off_takes_all_at_once(rig):
    """IteratorAge is that of the last record of a batch. The first batch after an hour is an hour long, though its last
    record is new: until it has landed, that hour is not attested."""
    write(rig, 1)
    finish(rig)
    rig.enable(False)
    for _ in range(4):
        write(rig, 1)
        rig.wait(900)
        rig.attest()
    write(rig, 1)
    rig.enable(True)
    rig.work()
    rig.clock.sleep(30)
    rig.attest()
    assert rig.firehose.freshness > 0
    assert wrong(in_folder(rig), rig.app) == []
    finish(rig)
    prove_whole(rig)


def test_the_recorder_lagged_and_then_the_delivery_lags(rig):
    """What Firehose holds came to it when the recorder was behind: how old it is, is the sum of both."""
    write(rig, 1)
    finish(rig)
    rig.firehose.buffer_seconds = 4_000
    rig.mapping.retries, rig.firehose.overload = 1_000, 10_000
    for _ in range(6):
        write(rig, 1)
        rig.wait(600)
    rig.firehose.overload = 0
    rig.work()
    for _ in range(4):
        rig.wait(900)
        rig.attest()
        assert rig.firehose.freshness > 0
        assert wrong(in_folder(rig), rig.app) == []
    rig.firehose.buffer_seconds = 60
    rig.wait(3_600)
    finish(rig)
    prove_whole(rig)
