"""Segments: immutable sets of rows, sorted by key hash, as Parquet files each of one range of hashes (a bucket).

Nothing in a segment is trusted unseen: its files are listed with their sizes and the checksum of their footers, pages
carry checksums of their own, and whatever does not fit raises :class:`DamagedIndexError`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from histlib.engines.bulk.arrays import THREADS, ordered_map
from histlib.engines.bulk.derived import link_codes
from histlib.engines.bulk.inputs import HASH_BITS, DamagedIndexError, slice_between
from histlib.engines.folder.index.parquet import NARROW, PART, ParquetReader, Written, checksum, write_parquet
from histlib.format.rows import REPEATED, ROW_SCHEMA, concat, empty_rows, narrow, sort_rows

#: Rows that one lookup reads at the least.
ROW_GROUP_ROWS: Final = 2_048
#: Columns that a look at whole tables needs of every row: they lie once more in a file of their own, in large groups.
NARROW_COLUMNS: Final = ("key_hash", "timestamp_micros", "link", "keys", "stream", "action", "redaction")
_NARROW_GROUP_ROWS: Final = 131_072
#: A segment of at most this many rows is kept in memory once read.
SMALL_ROWS: Final = 32 * ROW_GROUP_ROWS


Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Load = Callable[[], pa.Table]


#: What a reader gives where there is nothing to read.
_EMPTY: Final = narrow(ROW_SCHEMA.empty_table(), ("keys", *REPEATED)).append_column("link", pa.array([], pa.int8()))


class Bucket(msgspec.Struct, frozen=True):
    """A part of a segment: the rows whose hash begins with ``number`` (in the segment's bits).

    ``narrow`` has some columns of them once more.
    """

    number: int
    written: Written
    narrow: Written
    in_memory: int


class Segment(msgspec.Struct, frozen=True):
    """What a manifest says of a segment; ``bits`` leading bits of the hash choose the bucket."""

    name: str
    rows: int
    bits: int
    buckets: list[Bucket]
    hashes: str
    """Checksum of the file of distinct hashes."""


#: One of no rows, and no files: what is read where there is no other.
NOTHING: Final = Segment("nothing", 0, 0, [], "")


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
        if bucket.written.rows:
            written.append(bucket)
            hashes.append(found)
    raw = b"".join(found.tobytes() for found in hashes)
    (folder / "hashes").write_bytes(raw)
    return Segment(name, sum(bucket.written.rows for bucket in written), bits, written, checksum(raw))


def _write_bucket(folder: Path, job: tuple[int, Load]) -> tuple[Bucket, Hashes]:
    number, load = job
    table = sort_rows(load())
    table = table.append_column("link", pa.array(link_codes(table)))
    written = write_parquet(table, folder / f"{number:04d}.parquet", ROW_GROUP_ROWS, "key_hash", images="lz4")
    again = table.select(NARROW_COLUMNS)
    narrow_written = write_parquet(again, folder / f"{number:04d}.narrow.parquet", _NARROW_GROUP_ROWS, "key_hash")
    bucket = Bucket(number, written, narrow_written, table.nbytes)
    return bucket, np.unique(table.column("key_hash").to_numpy())


class SegmentReader:
    """Reads one segment; opens its files when they are first needed."""

    def __init__(self, root: Path, segment: Segment) -> None:
        self._folder = root / segment.name
        self.segment = segment
        self._files: dict[int, _BucketReader] = {}
        self._opening = Lock()
        self._by_number = {bucket.number: bucket for bucket in segment.buckets}

    @property
    def bits(self) -> int:
        """How many leading bits of the hash choose a bucket."""
        return self.segment.bits

    def find(self, hashed: int) -> pa.Table:
        """All rows of one hash."""
        position = int(np.searchsorted(self._hashes, np.uint64(hashed)))
        if position >= len(self._hashes) or int(self._hashes[position]) != hashed:
            return empty_rows()
        bucket = self._bucket(hashed >> (HASH_BITS - self.segment.bits))
        return bucket.between(hashed, hashed, ROW_SCHEMA.names).cast(ROW_SCHEMA)

    def find_all(self, hashes: Hashes) -> pa.Table:
        """All rows of many hashes, each file read once."""
        present = hashes[np.isin(hashes, self._hashes)]
        shift = np.uint64(HASH_BITS - self.segment.bits)
        numbers = np.zeros_like(present) if self.segment.bits == 0 else present >> shift
        wanted = [(int(number), present[numbers == number]) for number in np.unique(numbers)]
        found = ordered_map(lambda one: self._bucket(one[0]).having(one[1]).cast(ROW_SCHEMA), wanted, THREADS)
        return concat(found)

    def between(self, low: int, high: int, columns: Sequence[str] = ROW_SCHEMA.names) -> pa.Table:
        """Columns, ``key_hash`` among them, of all rows with low ≤ hash ≤ high, sorted by hash; few texts are
        dictionaries."""
        shift = HASH_BITS - self.segment.bits
        numbers = [number for number in sorted(self._by_number) if low >> shift <= number <= high >> shift]
        found = [self._bucket(number).between(low, high, columns) for number in numbers]
        return pa.concat_tables(found) if found else _EMPTY.select(columns)

    def key_texts(self) -> Iterator[pa.Array]:
        """The texts of its keys, in parts; some come more than once."""
        for number in sorted(self._by_number):
            yield from self._bucket(number).key_texts()

    @cached_property
    def _hashes(self) -> Hashes:
        if not self.segment.rows:
            return np.array([], dtype=np.uint64)
        try:
            raw = (self._folder / "hashes").read_bytes()
        except OSError as error:
            raise DamagedIndexError(str(error)) from error
        if checksum(raw) != self.segment.hashes:
            raise DamagedIndexError(f"{self.segment.name}: the list of hashes is damaged")
        return np.frombuffer(raw, dtype=np.uint64)

    def _bucket(self, number: int) -> _BucketReader:
        with self._opening:
            if number not in self._files:
                keep = self.segment.rows <= SMALL_ROWS
                self._files[number] = _BucketReader(self._folder, self._by_number[number], keep=keep)
            return self._files[number]


class _HashedFile:
    """One Parquet file sorted by hash: its row groups' ranges of hashes are kept."""

    def __init__(self, path: Path, written: Written, narrow: Sequence[str] = NARROW) -> None:
        self.file = ParquetReader(path, written, narrow)
        bounds = self.file.bounds("key_hash")
        self._lows = np.array([low for low, _ in bounds], dtype=np.uint64)
        self._highs = np.array([high for _, high in bounds], dtype=np.uint64)

    def groups(self, low: int, high: int) -> range:
        """The row groups that may have rows with low ≤ hash ≤ high."""
        first = int(np.searchsorted(self._highs, np.uint64(low)))
        return range(first, int(np.searchsorted(self._lows, np.uint64(high), side="right")))

    def groups_of(self, hashes: Hashes) -> list[int]:
        """The row groups that may have a row of one of the hashes."""
        firsts = np.searchsorted(self._highs, hashes)
        lasts = np.searchsorted(self._lows, hashes, side="right")
        return sorted({at for first, last in zip(firsts, lasts, strict=True) for at in range(first, last)})

    def all_groups(self) -> range:
        """All of its row groups."""
        return range(len(self._lows))


class _BucketReader:
    """The files of a bucket; with ``keep`` its rows stay in memory once read."""

    def __init__(self, folder: Path, bucket: Bucket, *, keep: bool) -> None:
        self._whole = _HashedFile(folder / bucket.written.file, bucket.written)
        names = [name for name in NARROW if name in NARROW_COLUMNS]
        self._narrow = _HashedFile(folder / bucket.narrow.file, bucket.narrow, names)
        self._keep = keep
        self._rows: pa.Table | None = None

    def between(self, low: int, high: int, columns: Sequence[str]) -> pa.Table:
        """Columns of the rows with low ≤ hash ≤ high."""
        if self._keep:
            if self._rows is None:
                self._rows = self._whole.file.read(self._whole.all_groups())
            return slice_between(self._rows, low, high).select(columns)
        found = self._narrow if set(columns) <= set(NARROW_COLUMNS) else self._whole
        return slice_between(found.file.read(found.groups(low, high), columns), low, high)

    def having(self, hashes: Hashes) -> pa.Table:
        """The rows of these hashes, from the row groups that may have one."""
        found = self._whole.file.read(self._whole.groups_of(hashes), ROW_SCHEMA.names)
        return found.filter(pa.array(np.isin(found.column("key_hash").to_numpy(), hashes)))

    def key_texts(self) -> Iterator[pa.Array]:
        """The texts of the keys, each row group's."""
        return self._narrow.file.texts("keys")


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
