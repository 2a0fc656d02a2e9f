"""The manifest: what an index consists of and of which landing files it was made. Replaced atomically, and checked."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec

from histlib.index.landing import Problem
from histlib.index.segments import DamagedIndexError, Segment

#: Raised with every change of what an index holds, so that an older one is made anew.
VERSION: Final = 1
FILE_NAME: Final = "manifest.json"


class StreamFacts(msgspec.Struct):
    """One (table, stream, view): a sample of its keys, its first and last stamps (epoch µs), how many rows."""

    table: str
    stream: str | None
    view: str
    keys: str
    first_micros: int
    last_micros: int
    changes: int

    def merge(self, other: StreamFacts) -> None:
        """Take in the facts of more rows."""
        self.first_micros = min(self.first_micros, other.first_micros)
        self.last_micros = max(self.last_micros, other.last_micros)
        self.changes += other.changes


class Manifest(msgspec.Struct):
    """``files``: path → [size, mtime in ns] of each landing file that is in the index."""

    version: int = VERSION
    files: dict[str, tuple[int, int]] = {}
    segments: list[Segment] = []
    streams: list[StreamFacts] = []
    problems: list[Problem] = []
    retired: dict[str, float] = {}
    """Segments replaced by others, and when (epoch s): readers of an older manifest may still need them."""

    def add_streams(self, facts: list[StreamFacts]) -> None:
        """Take in the facts of more rows."""
        known = {(one.table, one.stream, one.view): one for one in self.streams}
        for one in facts:
            if (at := (one.table, one.stream, one.view)) in known:
                known[at].merge(one)
            else:
                known[at] = one
                self.streams.append(one)


def load(folder: Path) -> Manifest | None:
    """The manifest of an index; None where there is none.

    Raises:
        DamagedIndexError: it is not as it was written, or of another version.
    """
    try:
        raw = (folder / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedIndexError(str(error)) from error
    checksum, _, body = raw.partition(b"\n")
    if checksum.decode("ascii", "replace") != _checksum(body):
        raise DamagedIndexError(f"{folder / FILE_NAME} is damaged")
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise DamagedIndexError(f"{folder / FILE_NAME}: {error}") from error
    if manifest.version != VERSION:
        raise DamagedIndexError(f"{folder / FILE_NAME} is of version {manifest.version}, this is {VERSION}")
    return manifest


def save(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest: readers see the old one or the new one, whole."""
    body = msgspec.json.encode(manifest)
    temporary = folder / f".{FILE_NAME}"
    with temporary.open("wb") as stream:
        stream.write(_checksum(body).encode() + b"\n" + body)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(folder / FILE_NAME)


def _checksum(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
