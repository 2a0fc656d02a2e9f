"""Rows that another engine selected, in memory, in the shapes in which the index gives its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.bulk.derived import CHANGED, changed_column, link_codes
from histlib.engines.bulk.inputs import TIME_SCHEMA, slice_between
from histlib.format.rows import REPEATED, ROW_SCHEMA, hash_column, narrow, sort_rows


def as_rows(found: pa.Table) -> pa.Table:
    """Rows of the index (:data:`histlib.format.rows.ROW_SCHEMA`) from some of its columns, ``keys`` among them; the
    others are null."""
    columns = {
        field.name: found.column(field.name)
        if field.name in found.column_names
        else pa.nulls(found.num_rows, field.type)
        for field in ROW_SCHEMA
        if field.name != "key_hash"
    }
    return pa.table(columns | {"key_hash": hash_column(found.column("keys"))}, schema=ROW_SCHEMA)


class MemorySegment:
    """Rows as a segment holds them: sorted by key hash, each with how it follows the one before it."""

    bits = 0

    def __init__(self, rows: pa.Table) -> None:
        ordered = narrow(sort_rows(rows), ("keys", *REPEATED))
        self._rows = ordered.append_column("link", pa.array(link_codes(ordered), pa.int8()))

    def between(self, low: int, high: int, columns: Sequence[str]) -> pa.Table:
        """Columns of all rows with low ≤ hash ≤ high, sorted by hash."""
        return slice_between(self._rows, low, high).select(columns)


class MemoryTimes:
    """Rows as a file by time gives them."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows

    def runs(self, start: int, end: int) -> Iterator[list[int]]:
        """All rows are one run."""
        if self._rows.num_rows:
            yield [0]

    def rows(self, groups: Sequence[int], window: tuple[int, int], columns: Sequence[str]) -> pa.Table:
        """Columns of the rows with window[0] ≤ stamp < window[1]."""
        found = self._with_changed if CHANGED in columns else self._rows
        stamps = found.column("timestamp_micros")
        inside = found.filter(pc.and_(pc.greater_equal(stamps, window[0]), pc.less(stamps, window[1])))
        return inside.select(columns).cast(pa.schema([TIME_SCHEMA.field(name) for name in columns]))

    @cached_property
    def _with_changed(self) -> pa.Table:
        return self._rows.append_column(CHANGED, changed_column(self._rows))
