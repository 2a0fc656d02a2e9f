"""What the pipeline gives up lies in S3, and holds up attestations until it is redriven: then nothing is lost."""

from __future__ import annotations

from tests.whole.asking import ask, in_folder, prove_whole, prove_withheld, wrong
from tests.whole.harm import finish, write
from tests.whole.rig import BUCKET, PREFIX, Rig


def prove_redriven_twice(rig: Rig) -> None:
    """Redriven twice, and once more when a crash has left it behind, it is there once; then all is attested."""
    (key,) = rig.undelivered()
    kept = rig.read(key)
    (redriven,) = rig.redrive()
    assert not redriven.problems
    assert rig.undelivered() == []
    rig.s3.put_object(Bucket=BUCKET, Key=key, Body=kept)
    rig.redrive()
    rig.redrive()
    assert rig.undelivered() == []
    finish(rig)
    prove_whole(rig)


def test_a_batch_whose_retries_are_exhausted(rig):
    """Lambda keeps it in S3, whole; nothing newer is attested, however long it goes well, until it is redriven."""
    write(rig, 2)
    finish(rig)
    rig.firehose.overload, since = 10_000, rig.clock.seconds
    write(rig, 2, keys="aq")
    rig.wait(600)
    rig.firehose.overload = 0
    write(rig, 2)
    finish(rig)
    assert rig.mapping.discarded == rig.undelivered()
    prove_withheld(rig, since)
    prove_redriven_twice(rig)


def test_a_batch_that_grew_too_old(rig):
    """A record is given up when it is too old, though retries are left."""
    rig.mapping.max_age, rig.mapping.retries = 3_600, 1_000
    write(rig, 2)
    finish(rig)
    rig.firehose.overload, since = 100_000, rig.clock.seconds
    write(rig, 1, keys="a")
    rig.wait(4_500)
    rig.firehose.overload = 0
    finish(rig)
    prove_withheld(rig, since)
    prove_redriven_twice(rig)


def test_a_poison_record(rig):
    """A record that the recorder cannot convert lies under failed/records, and holds up neither the others of its batch
    nor the shard; its item's states say that a change of it is missing. Mended, it is redriven."""
    write(rig, 2)
    finish(rig)
    since = rig.clock.seconds
    write(rig, 1)
    rig.stream.pull()
    record = rig.stream.shards[0].records[-1]
    image = record["dynamodb"]["NewImage"]
    image["n"] = {"N": image["n"]["N"], "S": "poison"}
    finish(rig)
    (key,) = rig.undelivered()
    assert key.startswith(f"{PREFIX}failed/records/")
    prove_withheld(rig, since)
    (refused,) = rig.redrive()
    assert refused.problems
    assert rig.undelivered() == [key]
    mended = rig.read(key).replace(b',"S":"poison"', b"")
    rig.s3.put_object(Bucket=BUCKET, Key=key, Body=mended)
    prove_redriven_twice(rig)
    prove_whole(rig, everywhere=True)


def test_what_s3_refuses_for_over_a_day_is_lost_and_said_to_be(rig):
    """Firehose drops it after 24 h. Nothing can bring it back; no answer is wrong without saying that it may be, and
    what comes later is attested again, on its own."""
    write(rig, 2)
    finish(rig)
    rig.landing.refusing = True
    write(rig, 1, keys="ab")
    for _ in range(13):
        rig.wait(7_200)
        rig.attest()
    rig.landing.refusing = False
    rig.work()
    assert rig.landing.lost
    assert wrong(in_folder(rig), rig.app) == []
    rig.wait(1_200)
    assert rig.attest()["losses"] >= 1
    for _ in range(3):
        rig.wait(1_200)
        rig.attest()
    write(rig, 2)
    finish(rig)
    history = in_folder(rig)
    assert wrong(history, rig.app) == []
    assert ask(history, "a", rig.app.seen[-1].second).completeness == "attested"
