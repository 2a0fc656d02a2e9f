"""How fast may be read: a bucket that fills by so many read units a second, and is emptied by what pages consumed."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: What a page of 1 MB costs.
PAGE_UNITS = 256.0
#: Longest sleep at once, so that who stops a run does not wait for long.
_NAP_SECONDS = 0.5


class ReadBucket:
    """``units`` a second in the long run, whatever single pages consume; holds one second's at most.

    A page's cost is known only when it is read: a guess is taken out before, and the bucket may be overdrawn by the
    rest; then all wait until it is not. ``clock`` gives seconds.
    """

    def __init__(self, units: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        if units <= 0:
            raise ValueError(f"{units} read units a second: expected more than 0")
        self.units = units
        self._clock = clock
        self._sleep = sleep
        self._guess = min(units, PAGE_UNITS)
        self._level = units
        self._filled = clock()
        self._lock = threading.Lock()

    def wait(self, goes_on: Callable[[float], bool]) -> bool:
        """Wait until a page may be read; False where ``goes_on(seconds still to wait)`` says not to."""
        while goes_on(pause := self._take()):
            if not pause:
                return True
            self._sleep(min(pause, _NAP_SECONDS))
        return False

    def spend(self, units: float) -> None:
        """Take out what a page consumed, after it was waited for."""
        with self._lock:
            self._level += self._guess - units

    def _take(self) -> float:
        """Take out the guess; where the bucket is overdrawn, the seconds until it is not."""
        with self._lock:
            now = self._clock()
            self._level = min(self.units, self._level + max(0.0, now - self._filled) * self.units)
            self._filled = now
            if self._level <= 0:
                return -self._level / self.units + 0.001
            self._level -= self._guess
            return 0.0
