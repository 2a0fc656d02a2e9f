"""What the folds take in: rows by time and by item, as a source gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from histlib.engines.bulk.arrays import THREADS, ordered_map
from histlib.engines.bulk.derived import CHANGED
from histlib.format.rows import ROW_SCHEMA

#: What :class:`histlib.engines.queries.Streams` yields.
STREAMS: Final = pa.schema(
    [
        ("table", pa.string()),
        ("stream", pa.string()),
        ("view", pa.string()),
        ("keys", pa.string()),
        ("first_micros", pa.int64()),
        ("last_micros", pa.int64()),
        ("changes", pa.int64()),
    ]
)
#: A row of the index, and what it changed.
TIME_SCHEMA: Final = ROW_SCHEMA.append(pa.field(CHANGED, pa.string()))
HASH_BITS: Final = 64


class DamagedIndexError(Exception):
    """Something in the index is not what was written; it must be made again."""


class Times(Protocol):
    """Rows by time: a file's, or some in memory."""

    def runs(self, start: int, end: int) -> Iterator[list[int]]:
        """What may have rows with start ≤ stamp < end, some at a time."""
        ...

    def rows(self, groups: Sequence[int], window: tuple[int, int], columns: Sequence[str]) -> pa.Table:
        """Columns of the rows in a run whose stamps are in the window."""
        ...


def parts(readers: Sequence[Times], start: int, end: int, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of all rows with start ≤ stamp < end, in parts of bounded size, read in threads."""
    jobs = [(reader, groups) for reader in readers for groups in reader.runs(start, end)]
    return ordered_map(lambda job: job[0].rows(job[1], (start, end), columns), jobs, THREADS)


def slice_between(table: pa.Table, low: int, high: int) -> pa.Table:
    """The rows with low ≤ hash ≤ high of rows sorted by hash."""
    hashes = table.column("key_hash").to_numpy()
    first = int(np.searchsorted(hashes, np.uint64(low)))
    last = int(np.searchsorted(hashes, np.uint64(high), side="right"))
    return table.slice(first, last - first)
