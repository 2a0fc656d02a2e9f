"""Segments: immutable sets of rows, sorted by key hash, as Parquet files each of one range of hashes (a bucket).

Nothing in a segment is trusted unseen: its files are listed with their sizes and the checksum of their footers, pages
carry checksums of their own, and whatever does not fit raises :class:`DamagedIndexError`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from histlib.index.parallel import ordered_map
from histlib.index.rows import REPEATED, ROW_SCHEMA, concat, empty_rows, narrow, sort_rows

#: Rows that one lookup reads at the least.
ROW_GROUP_ROWS: Final = 2_048
#: A segment of at most this many rows is kept in memory once read.
SMALL_ROWS: Final = 32 * ROW_GROUP_ROWS
HASH_BITS: Final = 64
#: Ends the name of a segment that is still being written.
PART: Final = ".part"


Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Load = Callable[[], pa.Table]


class DamagedIndexError(Exception):
    """Something in the index is not what was written; it must be made again."""


class Bucket(msgspec.Struct, frozen=True):
    """One file of a segment: the rows whose hash begins with ``number`` (in the segment's bits)."""

    number: int
    file: str
    rows: int
    size: int
    in_memory: int
    footer: str


class Segment(msgspec.Struct, frozen=True):
    """What a manifest says of a segment; ``bits`` leading bits of the hash choose the bucket."""

    name: str
    rows: int
    bits: int
    buckets: list[Bucket]
    hashes: str
    """Checksum of the file of distinct hashes."""


def write_segment(folder: Path, bits: int, buckets: Iterable[tuple[int, Load]], threads: int = 1) -> Segment:
    """Write rows into a new folder, given bucket by bucket in ascending order; there whole, or not at all.

    Each bucket comes as a function that loads its rows, so that no more than ``threads`` are in memory.
    """
    part = folder.with_name(folder.name + PART)
    part.mkdir(parents=True)
    try:
        segment = _write_buckets(part, folder.name, bits, ordered_map(partial(_write_bucket, part), buckets, threads))
        part.rename(folder)
    except BaseException:  # even when interrupted: what is not whole only takes room
        shutil.rmtree(part, ignore_errors=True)
        raise
    return segment


def _write_buckets(folder: Path, name: str, bits: int, buckets: Iterable[tuple[Bucket, Hashes]]) -> Segment:
    written, hashes = [], []
    for bucket, found in buckets:
        if bucket.rows:
            written.append(bucket)
            hashes.append(found)
    raw = b"".join(found.tobytes() for found in hashes)
    (folder / "hashes").write_bytes(raw)
    return Segment(name, sum(bucket.rows for bucket in written), bits, written, _checksum(raw))


def _write_bucket(folder: Path, job: tuple[int, Load]) -> tuple[Bucket, Hashes]:
    number, load = job
    table = sort_rows(load())
    path = folder / f"{number:04d}.parquet"
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
        compression_level=1,
        use_dictionary=["keys", *REPEATED],
        store_schema=False,
        write_statistics=["key_hash"],
        write_page_checksum=True,
    )
    bucket = Bucket(number, path.name, table.num_rows, path.stat().st_size, table.nbytes, _footer(path))
    return bucket, np.unique(table.column("key_hash").to_numpy())


class SegmentReader:
    """Reads one segment; opens its files when they are first needed."""

    def __init__(self, root: Path, segment: Segment) -> None:
        self._folder = root / segment.name
        self.segment = segment
        self._files: dict[int, _BucketReader] = {}
        self._opening = Lock()
        self._by_number = {bucket.number: bucket for bucket in segment.buckets}

    def find(self, hashed: int) -> pa.Table:
        """All rows of one hash."""
        position = int(np.searchsorted(self._hashes, np.uint64(hashed)))
        if position >= len(self._hashes) or int(self._hashes[position]) != hashed:
            return empty_rows()
        return self._bucket(hashed >> (HASH_BITS - self.segment.bits)).between(hashed, hashed)

    def between(self, low: int, high: int) -> pa.Table:
        """All rows with low ≤ hash ≤ high, sorted by hash."""
        shift = HASH_BITS - self.segment.bits
        numbers = [number for number in sorted(self._by_number) if low >> shift <= number <= high >> shift]
        return concat(self._bucket(number).between(low, high) for number in numbers)

    def key_texts(self) -> Iterator[pa.Array]:
        """The texts of its keys, in parts; some come more than once."""
        for number in sorted(self._by_number):
            yield from self._bucket(number).key_texts()

    @cached_property
    def _hashes(self) -> Hashes:
        try:
            raw = (self._folder / "hashes").read_bytes()
        except OSError as error:
            raise DamagedIndexError(str(error)) from error
        if _checksum(raw) != self.segment.hashes:
            raise DamagedIndexError(f"{self.segment.name}: the list of hashes is damaged")
        return np.frombuffer(raw, dtype=np.uint64)

    def _bucket(self, number: int) -> _BucketReader:
        with self._opening:
            if number not in self._files:
                keep = self.segment.rows <= SMALL_ROWS
                self._files[number] = _BucketReader(self._folder, self._by_number[number], keep=keep)
            return self._files[number]


class _BucketReader:
    """One Parquet file: its row groups' ranges of hashes are kept, and with ``keep`` its rows.

    Threads that merge may meet in one file, which Arrow's reader does not survive: they take turns.
    """

    def __init__(self, folder: Path, bucket: Bucket, *, keep: bool) -> None:
        path = self._path = folder / bucket.file
        try:
            if path.stat().st_size != bucket.size or _footer(path) != bucket.footer:
                raise DamagedIndexError(f"{path} is not as it was written")
            self._file = _parquet(path)
        except (OSError, pa.ArrowException) as error:
            raise DamagedIndexError(f"{path}: {error}") from error
        metadata = self._file.metadata
        column = metadata.schema.names.index("key_hash")
        groups = [metadata.row_group(at).column(column).statistics for at in range(metadata.num_row_groups)]
        self._lows = np.array([group.min for group in groups], dtype=np.uint64)
        self._highs = np.array([group.max for group in groups], dtype=np.uint64)
        self._reading = Lock()
        self._keep = keep
        self._rows: pa.Table | None = None

    def between(self, low: int, high: int) -> pa.Table:
        """The rows with low ≤ hash ≤ high."""
        if self._keep:
            with self._reading:
                if self._rows is None:
                    self._rows = self._read(range(len(self._lows)))
            return _slice(self._rows, low, high)
        first = int(np.searchsorted(self._highs, np.uint64(low)))
        last = int(np.searchsorted(self._lows, np.uint64(high), side="right"))
        if first >= last:
            return empty_rows()
        with self._reading:
            found = self._read(range(first, last))
        return _slice(found, low, high)

    def key_texts(self) -> Iterator[pa.Array]:
        """The texts of the keys, each row group's."""
        try:
            texts = _parquet(self._path, read_dictionary=["keys"]).read(["keys"], use_threads=False).column("keys")
        except (OSError, pa.ArrowException) as error:
            raise DamagedIndexError(f"{self._path}: {error}") from error
        yield from (chunk.dictionary for chunk in texts.chunks)

    def _read(self, groups: range) -> pa.Table:
        try:
            return self._file.read_row_groups(list(groups), use_threads=False).cast(ROW_SCHEMA)
        except (OSError, pa.ArrowException) as error:
            raise DamagedIndexError(str(error)) from error


def _parquet(path: Path, **options: Any) -> pq.ParquetFile:
    return pq.ParquetFile(path, page_checksum_verification=True, memory_map=True, **options)


def _slice(table: pa.Table, low: int, high: int) -> pa.Table:
    hashes = table.column("key_hash").to_numpy()
    first = int(np.searchsorted(hashes, np.uint64(low)))
    last = int(np.searchsorted(hashes, np.uint64(high), side="right"))
    return table.slice(first, last - first)


def split(table: pa.Table, bits: int) -> Iterator[tuple[int, pa.Table]]:
    """The rows by bucket, in ascending order of bucket."""
    if bits == 0:
        yield 0, table
        return
    table = narrow(table)
    numbers = (table.column("key_hash").to_numpy() >> np.uint64(HASH_BITS - bits)).astype(np.int64)
    order = np.argsort(numbers, kind="stable")
    ordered = table.take(pa.array(order))
    present, starts = np.unique(numbers[order], return_index=True)
    ends = [*starts[1:], len(numbers)]
    for number, start, end in zip(present, starts, ends, strict=True):
        yield int(number), ordered.slice(start, end - start)


def _checksum(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def _footer(path: Path) -> str:
    """The checksum of a Parquet file's footer, which the file itself does not have."""
    with path.open("rb") as stream:
        stream.seek(-8, 2)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(-min(length + 8, path.stat().st_size), 2)
        return _checksum(stream.read())
