"""Makes segments: landing files in bounded memory, and several segments into one."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa

from histlib.engines.bulk.arrays import ordered_map
from histlib.engines.bulk.inputs import HASH_BITS
from histlib.engines.folder.index.by_time import TimeFile, write_by_time
from histlib.engines.folder.index.manifest import StreamFacts, merge_streams
from histlib.engines.folder.index.segments import Load, Segment, SegmentReader, split, write_segment
from histlib.engines.folder.landing import parse_piece, read_pieces
from histlib.format.problems import Problems, Stamps
from histlib.format.rows import concat, key_forms
from histlib.progress import progress

#: Ends the name of a folder of rows on their way into a segment.
SPILL: Final = ".spill"
#: Buckets of a spilled build, at most: each is an open file.
_MAX_BITS: Final = 8
#: Bytes of rows handled at once, however large the memory: Arrow's texts end at 2 GiB.
_MAX_HELD: Final = 256 << 20
_SPILL: Final = pa.ipc.IpcWriteOptions(compression="lz4")

Job = TypeVar("Job")


@dataclass
class Built:
    """What landing files have become; no segment where no line of them is a change."""

    segment: Segment | None = None
    by_time: list[TimeFile] = field(default_factory=list)
    streams: list[StreamFacts] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    readable: dict[str, Stamps] = field(default_factory=dict)
    """Files with at least one change, and the first and last stamp of their changes."""

    def count(self, table: pa.Table) -> None:
        """Take in what rows show of streams and files."""
        aggregates = [("keys", "min"), ("timestamp_micros", "min"), ("timestamp_micros", "max"), ("keys", "count")]
        formed = table.append_column("form", key_forms(table.column("keys")))
        found = formed.group_by(["table", "stream", "view", "form"]).aggregate(aggregates)
        columns = found.select(["table", "stream", "view", *("_".join(pair) for pair in aggregates)]).to_pydict()
        self.streams = merge_streams(
            [*self.streams, *(StreamFacts(*row) for row in zip(*columns.values(), strict=True))]
        )
        files = table.group_by("file").aggregate(aggregates[1:3]).to_pydict()
        for file, first, last in zip(*files.values(), strict=True):
            known = self.readable.get(file, (first, last))
            self.readable[file] = min(first, known[0]), max(last, known[1])


@dataclass(frozen=True)
class Builder:
    """Builds in ``folder`` with about ``memory`` bytes."""

    folder: Path
    memory: int

    def build(self, root: Path, files: Sequence[str], name: str) -> Built:
        """One new segment, ``name``, of these landing files (paths below ``root``)."""
        built = Built()
        held: list[pa.Table] = []
        size = 0
        with _Spill(self.folder / f"{name}{SPILL}") as spill, _TimeWriter(self.folder, built.by_time) as by_time:
            for table in self._rows(root, files, built):
                held.append(table)
                size += table.nbytes
                if size > min(self.memory // 16, _MAX_HELD):
                    spill.add(held)
                    by_time.add(held)
                    held, size = [], 0
            by_time.add(held)
            if spill.used:
                spill.add(held)
                threads = _threads() if spill.largest() * 6 < self.memory else 1
                built.segment = self._write(name, _MAX_BITS, spill.buckets(), threads)
            elif held:
                rows = concat(held)
                bits = self._bits(rows.nbytes)
                built.segment = self._write(name, bits, ((at, partial(_same, part)) for at, part in split(rows, bits)))
        return built

    def merge(self, readers: Sequence[SegmentReader], name: str) -> Segment:
        """The rows of several segments as one new segment."""
        bits = self._bits(sum(bucket.in_memory for reader in readers for bucket in reader.segment.buckets))
        step = 1 << (HASH_BITS - bits)
        loads = ((at, partial(_load, readers, at * step, (at + 1) * step - 1)) for at in range(1 << bits))
        return self._write(name, bits, loads, _threads())

    def _rows(self, root: Path, files: Sequence[str], built: Built) -> Iterator[pa.Table]:
        """The rows of files, piece by piece; none of them empty."""
        with progress(f"reading {root.name}", len(files), " files") as bar:
            pieces = read_pieces(root, _ticked(files, bar), built.problems)
            for table, problems in ordered_map(parse_piece, pieces, _threads(), ahead=2 * _threads()):
                built.problems.add_all(problems)
                if table.num_rows:
                    built.count(table)
                    yield table

    def _write(self, name: str, bits: int, buckets: Iterable[tuple[int, Load]], threads: int = 1) -> Segment:
        with progress("sorting", 1 << bits, " parts") as bar:
            return write_segment(self.folder / name, bits, _ticked(buckets, bar), threads)

    def _bits(self, size: int) -> int:
        """So many leading bits of the hash that a bucket takes a thirty-second of the memory."""
        bucket = min(self.memory / 32, _MAX_HELD)
        return min(_MAX_BITS, max(0, math.ceil(math.log2(max(1, size) / bucket))))


class _TimeWriter:
    """Writes the rows of each batch by time, in a thread of its own, one batch behind, so that reading goes on."""

    def __init__(self, folder: Path, files: list[TimeFile]) -> None:
        self._folder = folder
        self._files = files
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[TimeFile] | None = None

    def __enter__(self) -> _TimeWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._finish()
        finally:
            self._thread.shutdown()
            if kind is not None:
                for file in self._files:
                    shutil.rmtree(self._folder / file.name, ignore_errors=True)

    def add(self, tables: list[pa.Table]) -> None:
        """Write rows; waits for the batch before."""
        self._finish()
        if tables:
            self._writing = self._thread.submit(lambda: write_by_time(self._folder, concat(tables)))

    def _finish(self) -> None:
        if self._writing is not None:
            self._files.append(self._writing.result())
            self._writing = None


class _Spill:
    """Rows on their way into buckets too many for memory: one Arrow stream on disk for each bucket.

    Writes in a thread of its own, one batch behind, so that reading goes on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        self._sizes: dict[int, int] = {}
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def __enter__(self) -> _Spill:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        for writer in self._writers.values():
            with suppress(OSError):  # on a full disk: what is removed next need not be complete
                writer.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def used(self) -> bool:
        """Whether anything has been spilled."""
        return self._writing is not None

    def add(self, tables: list[pa.Table]) -> None:
        """Spill rows; waits for the batch before."""
        self._finish()
        self._writing = self._thread.submit(self._write, tables)

    def largest(self) -> int:
        """How many bytes the largest bucket takes in memory."""
        self._finish()
        return max(self._sizes.values())

    def buckets(self) -> Iterator[tuple[int, Load]]:
        """For each bucket a function that loads its rows, and lets go of them on disk."""
        self._finish()
        for writer in self._writers.values():
            writer.close()
        for number in sorted(self._writers):
            yield number, partial(_load_spilled, self._path(number))

    def _finish(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write(self, tables: list[pa.Table]) -> None:
        self._folder.mkdir(exist_ok=True)
        for number, part in split(concat(tables), _MAX_BITS):
            if number not in self._writers:
                self._writers[number] = pa.ipc.new_stream(self._path(number), part.schema, options=_SPILL)
            self._writers[number].write_table(part)
            self._sizes[number] = self._sizes.get(number, 0) + part.nbytes

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.arrows"


def _load_spilled(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        table = pa.ipc.open_stream(file).read_all()
    path.unlink()
    return table


def _load(readers: Sequence[SegmentReader], low: int, high: int) -> pa.Table:
    return concat(reader.between(low, high) for reader in readers)


def _same(table: pa.Table) -> pa.Table:
    return table


def _ticked(jobs: Iterable[Job], bar: Any) -> Iterator[Job]:
    for job in jobs:
        yield job
        bar.update(1)


def _threads() -> int:
    return min(4, os.cpu_count() or 1)
