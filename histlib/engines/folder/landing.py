"""The landing on disk: which files there are, and their lines as rows.

Good lines are read in bulk. What is damaged is read again line by line, so that a damaged file never hides the
good lines in it, and each problem is known by file and line.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from histlib.format.article_lines import OldRecord, decode_old_lines, old_table, seems_old
from histlib.format.problems import Problems
from histlib.format.rows import (
    RECORD_SCHEMA,
    NotARecordError,
    acceptable,
    decode_line,
    is_record,
    rows_table,
    without_empty_images,
)

#: Uncompressed bytes that are parsed at once.
PIECE_BYTES: Final = 4 << 20
#: Longer than any record: two images of 400 KB, each character escaped twice.
MAX_LINE_BYTES: Final = 64 << 20

_GZIP: Final = b"\x1f\x8b"
#: What editors put before a text in UTF-8; it is no part of its first line.
_MARK: Final = b"\xef\xbb\xbf"
_PARSE: Final = pj.ParseOptions(explicit_schema=RECORD_SCHEMA, unexpected_field_behavior="ignore")


@dataclass
class Piece:
    """Lines to parse at once: ``parts`` are (file, number of its first line here, its lines here)."""

    raw: bytes
    parts: list[tuple[str, int, bytes]] = field(default_factory=list)


def read_pieces(root: Path, files: Iterable[str], problems: Problems) -> Iterator[Piece]:
    """The lines of the files, many small ones in one piece, a large one in several."""
    parts: list[tuple[str, int, bytes]] = []
    size = 0
    for file in files:
        for first_line, raw in file_lines(root, file, problems):
            parts.append((file, first_line, raw))
            size += len(raw)
            if size >= PIECE_BYTES:
                yield Piece(b"".join(part[2] for part in parts), parts)
                parts, size = [], 0
    if parts:
        yield Piece(b"".join(part[2] for part in parts), parts)


def is_whole(path: Path) -> bool:
    """Whether a file can be read to its end: what is still being written cannot."""
    try:
        return all(raw is not None for raw in _uncompressed(path))
    except (zlib.error, EOFError, OSError):
        return False


def parse_piece(piece: Piece) -> tuple[pa.Table, Problems]:
    """The rows of a piece, and what in it cannot be read."""
    counts = [_count_lines(raw) for _, _, raw in piece.parts]
    records = None if seems_old(piece.raw[:1000]) else _parse_fast(piece.raw)
    if records is not None and records.num_rows == sum(counts):
        files = pa.array([file for file, _, _ in piece.parts])
        repeated = files.take(pa.array([at for at, count in enumerate(counts) for _ in range(count)], pa.int64()))
        return rows_table(without_empty_images(records), repeated), Problems()
    return _parse_lines(piece)


def _count_lines(raw: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(raw, np.uint8) == ord("\n")))


def _parse_fast(raw: bytes) -> pa.Table | None:
    """All lines as records, or None where anything about them is odd."""
    try:
        table = pj.read_json(io.BytesIO(raw), pj.ReadOptions(use_threads=False, block_size=len(raw) + 1), _PARSE)
        table = table.select(RECORD_SCHEMA.names)
        table.validate(full=True)
    except (pa.ArrowException, KeyError, UnicodeDecodeError):
        return None
    return table if table.schema.equals(RECORD_SCHEMA) and acceptable(table) else None


def _parse_lines(piece: Piece) -> tuple[pa.Table, Problems]:
    """Line by line: what is damaged, or in format 0."""
    found, problems = _Found(), Problems()
    for file, first_line, raw in piece.parts:
        for number, line in enumerate(raw.split(b"\n")[:-1], start=first_line):
            if not line.strip():
                continue
            try:
                found.add(file, line)
            except NotARecordError as error:
                problems.add(file, number, str(error))
    return found.table(), problems


@dataclass
class _Found:
    """Records of both formats, and their files."""

    new: list[dict[str, Any]] = field(default_factory=list)
    new_files: list[str] = field(default_factory=list)
    old: list[OldRecord] = field(default_factory=list)
    old_files: list[str] = field(default_factory=list)

    def add(self, file: str, line: bytes) -> None:
        if seems_old(line):
            records = decode_old_lines(line)
            self.old += records
            self.old_files += [file] * len(records)
        else:
            self.new.append(decode_line(line))
            self.new_files.append(file)

    def table(self) -> pa.Table:
        new = without_empty_images(pa.Table.from_pylist(self.new, schema=RECORD_SCHEMA))
        files = pa.array([*self.new_files, *self.old_files], pa.string())
        return rows_table(pa.concat_tables([new, old_table(self.old)]), files)


def file_lines(root: Path, file: str, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """(number of the first line, whole lines) of a file; an unfinished last line counts as a line."""
    line, rest, damage = 1, b"", None
    try:
        for raw in _uncompressed(root / file):
            head, newline, rest = (rest + raw).rpartition(b"\n")
            if newline:
                yield line, _without_marks(head + newline)
                line += head.count(b"\n") + 1
            if len(rest) > MAX_LINE_BYTES:
                problems.add(file, None, f"damaged from line {line} on: no end of a line in {len(rest):,} bytes")
                return
    except (zlib.error, EOFError) as error:
        damage = error
    except OSError as error:
        problems.add_unread(file, error)
        return
    if damage:
        problems.add(file, None, f"damaged from line {line} on: {damage}")
    rest = _without_marks(rest)
    if rest and (not damage or _is_whole_line(rest)):  # a whole line may lack only its end
        yield line, rest + b"\n"


def _without_marks(lines: bytes) -> bytes:
    """Lines, of files that may have been put one after another, without the byte order mark that each begins with."""
    return lines.removeprefix(_MARK).replace(b"\n" + _MARK, b"\n")


def _is_whole_line(line: bytes) -> bool:
    try:
        return is_record(line) or bool(seems_old(line) and decode_old_lines(line))
    except NotARecordError:
        return False


def _uncompressed(path: Path) -> Iterator[bytes]:
    """The contents in parts, of gzip (of any number of members) or plain files.

    Raises:
        EOFError: the gzip stream ends too early.
        zlib.error: it is damaged; what came before has been given.
        OSError: not a file, or one that cannot be read.
    """
    if path.exists() and not path.is_file():
        raise OSError("not a file")
    with path.open("rb") as stream:
        start = stream.read(2)
        stream.seek(0)
        if start == _GZIP:
            yield from _gunzip(stream)
            return
        while raw := stream.read(PIECE_BYTES):
            yield raw


def _gunzip(stream: io.BufferedIOBase) -> Iterator[bytes]:
    member = zlib.decompressobj(31)
    data = b""
    while data or (data := stream.read(1 << 20)):
        if member.eof:
            member = zlib.decompressobj(31)
        before = member.copy()
        try:
            raw = member.decompress(data, PIECE_BYTES)
        except zlib.error:
            yield from _salvage(before, data)
            raise
        data = member.unconsumed_tail or member.unused_data
        if raw:
            yield raw
    if not member.eof:
        raise EOFError("the gzip stream ends before its end")


def _salvage(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What can still be had of damaged data, up to the very byte."""
    for at in range(len(data)):
        try:
            raw = member.decompress(data[at : at + 1])
        except zlib.error:
            return
        if raw:
            yield raw
