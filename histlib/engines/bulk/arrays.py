"""Masks: one yes or no for each row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def mask(values: Any) -> Mask:
    """A numpy mask of Arrow's booleans; null is false."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    found: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return found


#: Threads that answer one question.
THREADS: Final = 2

Job = TypeVar("Job")
Result = TypeVar("Result")


def ordered_map(
    work: Callable[[Job], Result], jobs: Iterable[Job], threads: int, ahead: int | None = None
) -> Iterator[Result]:
    """The results in the order of the jobs; at most ``ahead`` (default: ``threads``) jobs are taken before results."""
    if threads <= 1:
        yield from map(work, jobs)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) > (ahead or threads):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
