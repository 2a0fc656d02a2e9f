"""A baseline makes known what never changes: killed half way, gone on with, while the application writes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.functions.baseline.step import Clients, Settings, step
from tests.whole.asking import ask, in_folder, on_athena, time_text, unsure, wrong
from tests.whole.delivery import Killed
from tests.whole.harm import finish
from tests.whole.rig import BUCKET, PREFIX, Rig


@dataclass
class Hooked:
    """A client, before whose calls of ``operation`` something is done, under ``lock``."""

    client: Any
    operation: str
    before: Callable[[], None]
    lock: threading.Lock

    def __getattr__(self, name: str) -> Any:
        called = getattr(self.client, name)
        if name != self.operation:
            return called

        def call(**asked: Any) -> Any:
            with self.lock:
                self.before()
            return called(**asked)

        return call


def write_on(rig: Rig) -> None:
    """What the application does while its table is scanned."""
    turn = len(rig.app.seen)
    rig.app.put(f"quiet{turn % 5}", n=turn)
    rig.app.put(f"new{turn}", n=turn)
    rig.app.delete(f"old{turn % 7}")
    rig.clock.sleep(1)


def baseline(rig: Rig, puts: int = 1_000) -> bool:
    """Run the baseline for at most so many puts to S3, then it is killed; whether it is finished."""
    left, lock = [puts], threading.Lock()

    def die() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    def sleep(seconds: float) -> None:
        with lock:  # the clock must not move between a write and what the application notes of it
            rig.clock.sleep(seconds)

    clients = Clients(
        Hooked(rig.app.dynamodb, "scan", lambda: write_on(rig), lock),
        Hooked(rig.s3, "put_object", die, lock),
        lambda: rig.clock.seconds,
        sleep,
    )
    return step(clients, Settings(rig.app.table, BUCKET, PREFIX)).finished


@pytest.mark.parametrize("puts", [3, 8])
def test_a_baseline_killed_half_way_and_gone_on_with_while_writes_go_on(rig, puts):
    """Items written while the stream was off are known by the baseline, those written while it was read by their
    changes: each state, and the whole table, is what the application then saw, attested."""
    rig.app.disable_stream()
    for n in range(12):
        rig.app.put(f"quiet{n}", n=n)
        rig.app.put(f"old{n}", n=n)
    rig.clock.sleep(5)
    rig.capture(rig.app.enable_stream())
    rig.wait(3_600)
    rig.attest()
    rig.wait(900)
    with pytest.raises(Killed):
        baseline(rig, puts)
    rig.wait(600)
    rig.attest()
    assert wrong(in_folder(rig), rig.app) == []
    assert ask(in_folder(rig), "quiet9", int(rig.clock.seconds)).status == "unknown"
    assert baseline(rig)
    finish(rig)
    now = int(rig.clock.seconds) - 1_500
    keys = {one.key for one in rig.app.seen if one.changed}
    history = in_folder(rig)
    assert wrong(history, rig.app) == []
    assert unsure(history, rig.app, [(key, now) for key in sorted(keys)]) == []
    there = {key: item for key in keys if (item := rig.app.state_at(key, now)) is not None}
    for one in (history, on_athena(rig)):
        frame = one.snapshot_at(time_text(now))
        assert dict(zip(frame["keys.id"], frame["item"], strict=True)) == there
        assert set(frame["caveats"]) == {""}
        assert [frame.attrs["histlib"]["completeness"], frame.attrs["histlib"]["caveats"]] == ["attested", []]
