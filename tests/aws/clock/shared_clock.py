"""One clock for all processes of a test: this machine's, and ahead of it by what a file says.

Whoever waits, moves it on: minutes of waiting take moments, and are the same minutes for the emulated AWS, for the
functions in it, for the commands and for the tests. It moves by a minute at most at a time, so that what the emulator
does every minute is done.
"""

from __future__ import annotations

import fcntl
import mmap
import struct
import time
from pathlib import Path
from typing import Any, Final

import _time_machine
import time_machine

VARIABLE: Final = "HISTLIB_TEST_CLOCK"
#: Real seconds given to others for each step.
PAUSE: Final = 0.04
_STEP: Final = 60.0
_real_sleep = time.sleep


class SharedClock:
    """The clock that a file of 8 bytes holds: by how many nanoseconds it is ahead."""

    def __init__(self, path: str | Path) -> None:
        self._file = Path(path).open("r+b", buffering=0)  # noqa: SIM115 — open as long as the process lives
        self._ahead = mmap.mmap(self._file.fileno(), 8)

    @classmethod
    def make(cls, path: Path) -> SharedClock:
        """A new one, which is not ahead."""
        path.write_bytes(bytes(8))
        return cls(path)

    @property
    def ahead(self) -> int:
        """Nanoseconds."""
        return int(struct.unpack("q", self._ahead)[0])

    def sleep(self, seconds: float) -> None:
        """Let so much time go by."""
        while seconds > 0:
            step = min(seconds, _STEP)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._ahead[:] = struct.pack("q", self.ahead + round(step * 1e9))
            fcntl.flock(self._file, fcntl.LOCK_UN)
            _real_sleep(min(step / 10, PAUSE))
            seconds -= step


def join(path: str | Path, *, sleeping: bool = True) -> SharedClock:
    """Let this process go by the clock, from now on and for good; and unless told otherwise its ``time.sleep``."""
    clock = SharedClock(path)
    traveller: Any = time_machine.travel(0).start()
    traveller.time_ns = lambda: _time_machine.original_time_ns() + clock.ahead
    if sleeping:
        time.sleep = clock.sleep
    return clock


def leave() -> None:
    """Let ``time.sleep`` of this process be as it was."""
    time.sleep = _real_sleep
