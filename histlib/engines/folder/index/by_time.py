"""The rows once more, by time: what table-wide questions about some hours read instead of everything.

Each file holds the rows of one batch of the landing, sorted by stamp, so that the files and their row groups are
nearly in order of time.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.bulk.derived import CHANGED, changed_column
from histlib.engines.bulk.inputs import TIME_SCHEMA
from histlib.engines.folder.index.parquet import NARROW, PART, ParquetReader, Written, write_parquet
from histlib.format.rows import ROW_SCHEMA, narrow

#: Rows that one read takes at the least.
GROUP_ROWS: Final = 16_384
#: Row groups that one thread reads at once.
RUN_GROUPS: Final = 4
#: Files of fewer rows are put together …
SMALL_ROWS: Final = 8 * GROUP_ROWS
#: … when there are so many.
MANY: Final = 16


class TimeFile(msgspec.Struct, frozen=True):
    """One file, in the folder of its own name: ``first`` and ``last`` stamp of its rows, epoch µs."""

    name: str
    written: Written
    first: int
    last: int


def write_by_time(folder: Path, rows: pa.Table) -> TimeFile:
    """Write rows, in any order, into a new folder of the index."""
    order = np.argsort(rows.column("timestamp_micros").to_numpy(), kind="stable")
    if CHANGED not in rows.column_names:
        rows = rows.append_column(CHANGED, changed_column(rows))
    ordered = narrow(rows.select(TIME_SCHEMA.names)).take(pa.array(order))
    name = f"times-{uuid.uuid4().hex}"
    part = folder / f"{name}{PART}"
    part.mkdir()
    try:
        written = write_parquet(ordered, part / "rows.parquet", GROUP_ROWS, "timestamp_micros")
        part.rename(folder / name)
    except BaseException:  # even when interrupted: what is not whole only takes room
        shutil.rmtree(part, ignore_errors=True)
        raise
    stamps = ordered.column("timestamp_micros")
    return TimeFile(name, written, stamps[0].as_py(), stamps[len(stamps) - 1].as_py())


def merge_by_time(folder: Path, files: Sequence[TimeFile]) -> list[TimeFile]:
    """The same rows in fewer files, once there are many small ones."""
    small = [one for one in files if one.written.rows < SMALL_ROWS]
    if len(small) < MANY:
        return list(files)
    rows = pa.concat_tables(
        [TimeReader(folder, one).between(one.first, one.last + 1, TIME_SCHEMA.names) for one in small]
    )
    return [*(one for one in files if one not in small), write_by_time(folder, rows)]


class TimeReader:
    """Reads one file; opens it when it is first needed."""

    def __init__(self, root: Path, file: TimeFile) -> None:
        self._path = root / file.name / file.written.file
        self.file = file
        self._reader: ParquetReader | None = None
        self._bounds: list[tuple[int, int]] = []
        self._rows: list[int] = []
        self._files: list[frozenset[str]] | None = None

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def groups(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(first stamp, last stamp, rows) of the row groups that may have rows with start ≤ stamp < end."""
        return [(*self._bounds[at], self._rows[at]) for at in self._overlapping(start, end)]

    def landing_files(self) -> list[frozenset[str]]:
        """The landing files that each row group has rows of."""
        if self._files is None:
            reader = self.open()
            groups = (reader.read([at], ["file"]).column("file") for at in range(len(self._rows)))
            self._files = [frozenset(pc.unique(found).to_pylist()) for found in groups]
        return self._files

    def between(self, start: int, end: int, columns: Sequence[str] = ROW_SCHEMA.names) -> pa.Table:
        """Columns of the rows with start ≤ stamp < end, in order of stamp; texts are plain."""
        return self.rows(self._overlapping(start, end), (start, end), columns)

    def runs(self, start: int, end: int) -> Iterator[list[int]]:
        """The row groups that may have rows with start ≤ stamp < end, some at a time."""
        groups = self._overlapping(start, end)
        return (groups[at : at + RUN_GROUPS] for at in range(0, len(groups), RUN_GROUPS))

    def rows(self, groups: Sequence[int], window: tuple[int, int], columns: Sequence[str]) -> pa.Table:
        """Columns of the rows of some row groups whose stamps are in the window."""
        if not groups or self._reader is None:
            return TIME_SCHEMA.empty_table().select(columns)
        names = list(dict.fromkeys([*columns, "timestamp_micros"]))
        found = self._reader.read(groups, names)
        stamps = found.column("timestamp_micros")
        inside = found.filter(pc.and_(pc.greater_equal(stamps, window[0]), pc.less(stamps, window[1])))
        return inside.select(columns).cast(pa.schema([TIME_SCHEMA.field(name) for name in columns]))

    def _overlapping(self, start: int, end: int) -> list[int]:
        if self.file.last < start or self.file.first >= end:
            return []
        self.open()
        return [at for at, (first, last) in enumerate(self._bounds) if first < end and last >= start]

    def open(self) -> ParquetReader:
        """The file, checked to be as it was written."""
        if self._reader is None:
            reader = ParquetReader(self._path, self.file.written, [*NARROW, CHANGED])
            self._bounds, self._rows = reader.bounds("timestamp_micros"), reader.group_rows()
            self._reader = reader
        return self._reader
