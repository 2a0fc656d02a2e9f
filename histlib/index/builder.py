"""Makes segments: landing files in bounded memory, and several segments into one."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from histlib.index.landing import Piece, Problem, parse_piece, read_pieces
from histlib.index.manifest import StreamFacts
from histlib.index.parallel import ordered_map
from histlib.index.rows import ROW_SCHEMA, concat
from histlib.index.segments import HASH_BITS, Segment, SegmentReader, split, write_segment

#: Buckets of a spilled build, at most: each is an open file.
_MAX_BITS: Final = 8
_SPILL: Final = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass
class Built:
    """What landing files have become."""

    segment: Segment | None = None
    streams: list[StreamFacts] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rows_by_file: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Builder:
    """Builds in ``folder`` with about ``memory`` bytes."""

    folder: Path
    memory: int

    def build(self, root: Path, files: Sequence[str], name: str, bar: Any) -> Built:
        """One new segment, ``name``, of these landing files (paths below ``root``)."""
        built = Built()
        held: list[pa.Table] = []
        size = 0
        with _Spill(self.folder / f"{name}.spill") as spill:
            for piece, (table, problems) in self._parsed(root, files, built.problems):
                built.problems += problems
                _count(built, table)
                held.append(table)
                size += table.nbytes
                bar.update(len(piece.raw))
                if size > self.memory // 16:
                    spill.add(held)
                    held, size = [], 0
            if spill.used:
                spill.add(held)
                threads = _threads() if spill.largest() * 6 < self.memory else 1
                built.segment = write_segment(self.folder / name, _MAX_BITS, spill.buckets(), threads)
            elif any(table.num_rows for table in held):
                built.segment = self._write(name, concat(held))
        return built

    def merge(self, readers: Sequence[SegmentReader], name: str) -> Segment:
        """The rows of several segments as one new segment."""
        size = sum(bucket.in_memory for reader in readers for bucket in reader.segment.buckets)
        bits = self._bits(size)
        step = 1 << (HASH_BITS - bits)
        loads = (
            (number, partial(_load, readers, number * step, (number + 1) * step - 1)) for number in range(1 << bits)
        )
        return write_segment(self.folder / name, bits, loads, _threads())

    def _parsed(
        self, root: Path, files: Sequence[str], problems: list[Problem]
    ) -> Iterator[tuple[Piece, tuple[pa.Table, list[Problem]]]]:
        pieces = read_pieces(root, files, problems)
        return ordered_map(lambda piece: (piece, parse_piece(piece)), pieces, _threads(), ahead=2 * _threads())

    def _write(self, name: str, table: pa.Table) -> Segment:
        bits = self._bits(table.nbytes)
        buckets = ((number, partial(_same, part)) for number, part in split(table, bits))
        return write_segment(self.folder / name, bits, buckets)

    def _bits(self, size: int) -> int:
        """So many leading bits of the hash that a bucket takes a thirty-second of the memory."""
        return min(_MAX_BITS, max(0, math.ceil(math.log2(max(1, size) / (self.memory / 32)))))


class _Spill:
    """Rows on their way into buckets too many for memory: one Arrow stream on disk for each bucket.

    Writes in a thread of its own, one batch behind, so that reading goes on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def __enter__(self) -> _Spill:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        for writer in self._writers.values():
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
        """About how many bytes the largest bucket takes in memory (lz4 packs such rows to a quarter at best)."""
        self._finish()
        return 4 * max((path.stat().st_size for path in self._folder.iterdir()), default=0)

    def buckets(self) -> Iterator[tuple[int, Any]]:
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
                self._writers[number] = pa.ipc.new_stream(self._path(number), ROW_SCHEMA, options=_SPILL)
            self._writers[number].write_table(part)

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


def _count(built: Built, table: pa.Table) -> None:
    """Adds what rows show of streams and files."""
    aggregates = [("timestamp_micros", "min"), ("timestamp_micros", "max"), ("keys", "min"), ("keys", "count")]
    for row in table.group_by(["table", "stream", "view"]).aggregate(aggregates).to_pylist():
        built.streams.append(
            StreamFacts(
                row["table"],
                row["stream"],
                row["view"],
                row["keys_min"],
                row["timestamp_micros_min"],
                row["timestamp_micros_max"],
                row["keys_count"],
            )
        )
    for row in table.column("file").value_counts().to_pylist():
        built.rows_by_file[row["values"]] = built.rows_by_file.get(row["values"], 0) + row["counts"]


def _threads() -> int:
    return min(4, os.cpu_count() or 1)
