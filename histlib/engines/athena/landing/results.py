"""Results of this process's statements, kept while what they read stays as it is: asking again costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Final

import pyarrow as pa

#: Bytes that are kept, the least recently used go first.
MOST: Final = 256 << 20


class Results:
    """Answers by what was asked and a digest of the objects that were there to read.

    A digest that is the same again means the same objects, so the same answer: one that has come since the digest was
    taken makes the next one differ.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, pa.Table] = OrderedDict()
        self._threads = RLock()

    def get(self, asked: Hashable, ask: Callable[[], pa.Table]) -> pa.Table:
        """The answer that is kept, else what ``ask`` gives."""
        with self._threads:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                return self._kept[asked]
        answer = ask()
        with self._threads:
            self._kept[asked] = answer
            while self._kept and sum(table.nbytes for table in self._kept.values()) > self._most:
                self._kept.popitem(last=False)
        return answer
