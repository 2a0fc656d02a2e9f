"""What goes wrong between the stream and S3: it ends with nothing lost and nothing twice, and nothing is attested
while something is undelivered."""

from __future__ import annotations

import gzip

from tests.whole.asking import prove_whole, prove_withheld
from tests.whole.harm import finish, write
from tests.whole.rig import PREFIX, Rig


def lines(rig: Rig) -> int:
    """How many lines lie in the landing."""
    found = [key for key in rig.objects(f"{PREFIX}changes/") if key.endswith(".gz")]
    return sum(gzip.decompress(rig.read(key)).count(b"\n") for key in found)


def test_firehose_throttles_and_refuses_in_part(rig):
    """Calls are throttled, and of others but each second record is taken while the answer is 200: what was not taken is
    sent again, and only that."""
    for _ in range(3):
        rig.firehose.overload, rig.firehose.partial = 2, 3
        write(rig, 5, size=200_000, keys="ab")
        rig.work()
    finish(rig)
    assert sum(log["errors"].get("ServiceUnavailableException", 0) for log in rig.logs) >= 15
    assert lines(rig) == len(rig.app.changes())
    prove_whole(rig)


def test_firehose_throttles_for_longer_than_the_function_lives(rig):
    """The function gives the batch back, Lambda sends it again, and until then nothing newer is attested."""
    write(rig, 2)
    finish(rig)
    rig.firehose.overload, since = 60, rig.clock.seconds
    write(rig, 2)
    rig.wait(30)
    rig.attest()
    assert rig.mapping.iterator_age > 0
    prove_withheld(rig, since)
    finish(rig)
    prove_whole(rig)


def test_the_function_is_killed_in_mid_batch(rig):
    """Of a batch of several calls the first is taken, then the function is killed; Lambda sends all of it again, in
    halves. What landed twice is there once."""
    write(rig, 1)
    finish(rig)
    since = rig.clock.seconds
    write(rig, 6, size=200_000, keys="ab")
    rig.firehose.dies = 1
    rig.work()
    rig.attest()
    prove_withheld(rig, since)
    finish(rig)
    assert lines(rig) > len(rig.app.changes())
    prove_whole(rig, everywhere=True)


def test_the_function_is_killed_again_and_again(rig):
    """Killed after each of many calls, while writes go on."""
    for kill in range(4):
        write(rig, 3, size=300_000, keys="ab")
        rig.firehose.dies = 1 + kill % 2
        rig.work()
    finish(rig)
    assert lines(rig) > len(rig.app.changes())
    prove_whole(rig)


def test_firehose_delivers_objects_twice(rig):
    """Firehose's delivery is at least once: what lies in two objects is there once."""
    rig.landing.repeats = True
    write(rig, 4)
    finish(rig)
    assert lines(rig) == 2 * len(rig.app.changes())
    prove_whole(rig)


def test_s3_refuses_for_hours(rig):
    """Firehose keeps what S3 refuses; the attestations of that time say how far behind they are."""
    write(rig, 3)
    finish(rig)
    rig.landing.refusing, since = True, rig.clock.seconds
    for _ in range(3):
        write(rig, 2)
        rig.wait(4_500)
        rig.attest()
        prove_withheld(rig, since)
    rig.landing.refusing = False
    finish(rig)
    prove_whole(rig)


def test_a_shard_splits(rig):
    """Both children go on where their parent ended, even while its last batch fails: each item's order is kept."""
    write(rig, 3, keys="abcdefgh")
    rig.work()
    write(rig, 2, keys="abcdefgh")
    rig.stream.pull()
    children = rig.stream.split(rig.stream.shards[0]), rig.stream.split(rig.stream.shards[1])
    rig.firehose.overload = 60
    write(rig, 3, keys="abcdefgh")
    rig.work()
    assert rig.mapping.iterator_age > 0
    rig.stream.split(children[0][0])
    write(rig, 3, keys="abcdefgh")
    finish(rig)
    assert all(shard.records for pair in children for shard in pair[1:])
    prove_whole(rig, everywhere=True)


def test_small_batches(rig):
    """The order of an item's changes does not hang on how they are batched."""
    rig.mapping.batch_size = 3
    write(rig, 5, keys="abcde", seconds=0)
    write(rig, 5, keys="abcde")
    finish(rig)
    prove_whole(rig)


def test_a_line_too_long_for_firehose_whose_put_fails_then_works(rig):
    """Two images of 390 KB make a line that goes to S3 directly; while S3 refuses it, the batch is given back."""
    write(rig, 1)
    finish(rig)
    since = rig.clock.seconds
    rig.app.put("long", text="a" * 390_000)
    rig.clock.sleep(2)
    rig.app.put("long", text="b" * 390_000, blob=b"\xff" * 3_000)
    rig.clock.sleep(2)
    rig.app.put("long", text="\x01" * 180_000)
    write(rig, 1)
    rig.own_s3.refusals = 60
    rig.work()
    rig.attest()
    prove_withheld(rig, since)
    rig.own_s3.refusals = 1
    finish(rig)
    assert [key for key in rig.objects(f"{PREFIX}changes/") if "oversize-" in key]
    prove_whole(rig, everywhere=True)
