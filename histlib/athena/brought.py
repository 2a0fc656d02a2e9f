"""The rows of many items, brought by one look at the table and given part by part."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Brought:
    """All rows of some items: ``keys`` are all that were asked for, also those without rows."""

    def __init__(self, keys: Collection[str], rows: pa.Table) -> None:
        self._keys = frozenset(keys)
        rows = rows.combine_chunks()
        self._rows = rows.take(pc.sort_indices(rows, sort_keys=[("keys", "ascending")]))
        self._ranges = _ranges(self._rows.column("keys"))

    def has(self, keys: Collection[str]) -> bool:
        """Whether these are all among the items."""
        return self._keys.issuperset(keys)

    def of(self, keys: Sequence[str]) -> pa.Table:
        """The rows of some of the items."""
        places = [np.arange(*self._ranges[key]) for key in keys if key in self._ranges]
        return self._rows.take(pa.array(np.concatenate(places) if places else [], pa.int64()))


def _ranges(keys: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    """Where the rows of each key begin and end among sorted ones."""
    if not len(keys):
        return {}
    encoded = keys.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    names = encoded.dictionary.take(pa.array(codes[starts])).to_pylist()
    ends = np.append(starts[1:], len(codes))
    return {name: (int(start), int(end)) for name, start, end in zip(names, starts, ends, strict=True)}
