"""Raw SQL over the index: the row groups that a statement reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from histlib.engines.bulk.inputs import DamagedIndexError
from histlib.engines.duckdb import run_over
from histlib.engines.folder.index.by_time import TimeReader
from histlib.engines.raw_sql.days import Days
from histlib.engines.raw_sql.statement import Statement
from histlib.format.days import day_of_file
from histlib.format.rows import ROW_SCHEMA

_LOCAL: Final = fs.LocalFileSystem()
_FORMAT: Final = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True)
)


def run(statement: Statement, readers: Sequence[TimeReader], memory: int) -> pa.Table:
    """The answer to a statement over the rows of the index; see :func:`run_over`."""
    return run_over(statement, lambda days: rows_of(readers, days), memory)


def rows_of(readers: Sequence[TimeReader], days: Days) -> ds.Dataset:
    """The row groups that have rows of these days."""
    fragments = [fragment for one in readers if (fragment := _fragment(one, days)) is not None]
    if not fragments:
        return ds.dataset(ROW_SCHEMA.empty_table())
    return ds.FileSystemDataset(fragments, ROW_SCHEMA, _FORMAT, _LOCAL)


def _fragment(one: TimeReader, days: Days) -> ds.Fragment | None:
    one.open()  # checks the footer, which has no checksum that Arrow would see
    whole = _FORMAT.make_fragment(str(one.path), filesystem=_LOCAL)
    if not days.tests:
        return whole
    groups = [
        at for at, files in enumerate(one.landing_files()) if any(days.admits(day_of_file(file)) for file in files)
    ]
    try:
        return whole.subset(row_group_ids=groups) if groups else None
    except (OSError, pa.ArrowException) as error:
        raise DamagedIndexError(f"{one.path}: {error}") from error
