"""The manifest: what an index consists of and of which landing files it was made. Replaced atomically, and checked.

An index is all derived: texts, hashes, columns of changes, problems. One of another edition of the code is made anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from histlib.engines.bulk.inputs import DamagedIndexError
from histlib.engines.folder.index.by_time import TimeFile
from histlib.engines.folder.index.segments import Segment
from histlib.format.key_forms import key_form
from histlib.format.problems import Problem
from histlib.stores.memo import checksum_of
from histlib.stores.tree import Facts

FILE_NAME: Final = "manifest.json"


class StreamFacts(msgspec.Struct):
    """One (table, stream, view, form of keys): a sample of its keys, its first and last stamps (epoch µs), how many
    rows."""

    table: str
    stream: str | None
    view: str
    keys: str
    first_micros: int
    last_micros: int
    changes: int


class Part(msgspec.Struct):
    """Some landing files (path → size, mtime in ns), what was made of them, what they hold and what they hide."""

    files: dict[str, Facts] = {}
    segments: list[Segment] = []
    by_time: list[TimeFile] = []
    streams: list[StreamFacts] = []
    problems: list[Problem] = []


class Manifest(msgspec.Struct):
    """The index: what is ``settled`` stays; files that may still be written are ``unsettled``, and read again."""

    settled: Part = msgspec.field(default_factory=Part)
    unsettled: Part = msgspec.field(default_factory=Part)
    retired: dict[str, float] = {}
    """Segments replaced by others, and when (epoch s): readers of an older manifest may still need them."""

    @property
    def files(self) -> dict[str, Facts]:
        """All files that are in the index, and how they were then."""
        return self.settled.files | self.unsettled.files

    @property
    def segments(self) -> list[Segment]:
        """All that an answer is read from."""
        return self.settled.segments + self.unsettled.segments

    @property
    def by_time(self) -> list[TimeFile]:
        """The same rows, by time."""
        return self.settled.by_time + self.unsettled.by_time

    @property
    def folders(self) -> set[str]:
        """All folders of the index that are in use."""
        return {one.name for one in self.segments} | {one.name for one in self.by_time}

    @property
    def problems(self) -> list[Problem]:
        """All that cannot be read."""
        return self.settled.problems + self.unsettled.problems

    @property
    def streams(self) -> list[StreamFacts]:
        """A row per (table, stream, view, form of keys)."""
        return merge_streams([*self.settled.streams, *self.unsettled.streams])


def merge_streams(facts: Iterable[StreamFacts]) -> list[StreamFacts]:
    """One for each (table, stream, view, form of keys), over all rows that the given ones tell of."""
    merged: dict[tuple[str, str | None, str, str], StreamFacts] = {}
    for one in facts:
        kind = one.table, one.stream, one.view, key_form(one.keys)
        other = merged.get(kind, one)
        merged[kind] = msgspec.structs.replace(
            one,
            keys=min(one.keys, other.keys),
            first_micros=min(one.first_micros, other.first_micros),
            last_micros=max(one.last_micros, other.last_micros),
            changes=one.changes + (other.changes if other is not one else 0),
        )
    return list(merged.values())


def load(folder: Path) -> Manifest | None:
    """The manifest of an index; None where there is none.

    Raises:
        DamagedIndexError: it is not as this edition of the code wrote it.
    """
    try:
        raw = (folder / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedIndexError(str(error)) from error
    checksum, _, body = raw.partition(b"\n")
    if checksum != checksum_of(body):
        raise DamagedIndexError(f"{folder / FILE_NAME} is damaged, or of another edition")
    try:
        return msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise DamagedIndexError(f"{folder / FILE_NAME}: {error}") from error


def save(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest: readers see the old one or the new one, whole."""
    body = msgspec.json.encode(manifest)
    temporary = folder / f".{FILE_NAME}"
    with temporary.open("wb") as stream:
        stream.write(checksum_of(body) + b"\n" + body)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(folder / FILE_NAME)
