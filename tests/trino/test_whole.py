"""The whole path with real Trino behind Athena's protocol: what the application saw, attested."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from tests.whole.asking import lost_or_twice, moments, on_athena, sample, unsure
from tests.whole.fixtures import rig  # noqa: F401
from tests.whole.harm import finish, write


def test_killed_redriven_and_whole(rig):  # noqa: F811
    """Killed in mid-batch, given up and redriven, a line too long for Firehose: nothing is lost, or there twice."""
    rig.app.put("values", number=Decimal("1.10"), texts={"x", "y"}, blob=b"\x00\xff", no=None, nested={"$B": [1, True]})
    rig.app.put("values", number=Decimal("1.1"), texts={"y", "x"}, blob=b"\x00\xff", no=None, nested={"$B": [1, True]})
    rig.app.put("long", text="a" * 390_000)
    rig.clock.sleep(2)
    rig.app.put("long", text="b" * 390_000)
    rig.firehose.dies = 1
    rig.work()
    rig.firehose.overload = 10_000
    write(rig, 2)
    rig.wait(600)
    rig.firehose.overload = 0
    rig.wait(600)
    rig.redrive()
    finish(rig)
    history = on_athena(rig)
    assert lost_or_twice(history, rig.app.changes()) == (Counter(), Counter())
    assert unsure(history, rig.app, sample(moments(rig.app), 12)) == []
