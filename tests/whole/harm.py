"""What the tests of faults do to the rig."""

from __future__ import annotations

from tests.whole.rig import Rig


def write(rig: Rig, rounds: int, *, size: int = 10, keys: str = "abcd", seconds: int = 2) -> None:
    """Some rounds of writes to all keys, with the pipeline not at work meanwhile."""
    for _ in range(rounds):
        for key in keys:
            rig.app.put(key, n=len(rig.app.seen), text="x" * size)
        rig.clock.sleep(seconds)


def finish(rig: Rig) -> None:
    """Give the pipeline time, and metrics to come, and attest."""
    rig.wait(2_700)
    rig.attest()
