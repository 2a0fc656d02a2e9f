"""What is to happen when: acts that are run in the order of their times, and may plan more of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Act = Callable[[int], None]


class Schedule:
    """Acts by time (epoch µs) up to an end; acts of one time run in the order in which they were planned."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._due: list[tuple[int, int, Act]] = []
        self._count = 0

    def at(self, micros: int, act: Act) -> None:
        """Let ``act(micros)`` happen at this time; from the end on nothing happens."""
        if micros < self._end:
            self._count += 1
            heapq.heappush(self._due, (micros, self._count, act))

    def run(self) -> None:
        """Everything due."""
        while self._due:
            micros, _, act = heapq.heappop(self._due)
            act(micros)
