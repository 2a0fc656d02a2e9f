"""Parquet files of the index: written with checksums, never trusted unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from histlib.engines.bulk.inputs import DamagedIndexError
from histlib.format.rows import REPEATED

#: Ends the name of a folder that is still being written.
PART: Final = ".part"
#: Columns read as numbers for their few texts.
NARROW: Final = ("keys", *REPEATED)
_IMAGES: Final = ("new_image", "old_image")


class Written(msgspec.Struct, frozen=True):
    """What a manifest says of a Parquet file: its name, rows, bytes on disk and the checksum of its footer."""

    file: str
    rows: int
    size: int
    footer: str


def write_parquet(table: pa.Table, path: Path, group_rows: int, statistics: str, images: str = "zstd") -> Written:
    """Write rows in groups of so many, with lows and highs of one column kept for each.

    ``images`` is the compression of the images: ``lz4`` is read at twice the speed of ``zstd``, and takes more room.
    """
    pq.write_table(
        table,
        path,
        row_group_size=group_rows,
        compression={name: images if name in _IMAGES else "zstd" for name in table.column_names},
        use_dictionary=[
            name for name in table.column_names if name in NARROW or pa.types.is_dictionary(table[name].type)
        ],
        store_schema=False,
        write_statistics=[statistics],
        write_page_checksum=True,
    )
    return Written(path.name, table.num_rows, path.stat().st_size, _footer(path))


class ParquetReader:
    """Reads one file that is as it was written.

    Threads may share it: they take turns, since Arrow's reader does not survive two at once.

    Raises:
        DamagedIndexError: it is not, now or when its pages are read.
    """

    def __init__(self, path: Path, written: Written, narrow: Sequence[str] = NARROW) -> None:
        self._path = path
        self._narrow = list(narrow)
        try:
            if path.stat().st_size != written.size or _footer(path) != written.footer:
                raise DamagedIndexError(f"{path} is not as it was written")
            self._file = self._open()
        except (OSError, pa.ArrowException) as error:
            raise DamagedIndexError(f"{path}: {error}") from error
        self._reading = Lock()

    def bounds(self, column: str) -> list[tuple[Any, Any]]:
        """(lowest, highest) value of a column in each row group."""
        metadata = self._file.metadata
        at = metadata.schema.names.index(column)
        statistics = [metadata.row_group(group).column(at).statistics for group in range(metadata.num_row_groups)]
        return [(found.min, found.max) for found in statistics]

    def group_rows(self) -> list[int]:
        """The number of rows in each row group."""
        metadata = self._file.metadata
        return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def read(self, groups: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of some row groups; columns of few different texts are dictionaries."""
        names = None if columns is None else list(columns)
        try:
            with self._reading:
                return self._file.read_row_groups(list(groups), columns=names, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise DamagedIndexError(f"{self._path}: {error}") from error

    def texts(self, column: str) -> Iterator[pa.Array]:
        """The different texts of a column, each row group's."""
        try:
            found = self._open().read([column], use_threads=False).column(column)
        except (OSError, pa.ArrowException) as error:
            raise DamagedIndexError(f"{self._path}: {error}") from error
        yield from (chunk.dictionary for chunk in found.chunks)

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(
            self._path, page_checksum_verification=True, memory_map=True, read_dictionary=self._narrow
        )


def checksum(raw: bytes) -> str:
    """The checksum of all that has none of its own."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def _footer(path: Path) -> str:
    """The checksum of a Parquet file's footer, which the file itself does not have."""
    with path.open("rb") as stream:
        stream.seek(-8, 2)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(-min(length + 8, path.stat().st_size), 2)
        return checksum(stream.read())
