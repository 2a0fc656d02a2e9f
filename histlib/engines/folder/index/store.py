"""An index on disk: opened, extended by what is new in the landing, merged in tiers, rebuilt when not to be trusted.

One process writes at a time (a file lock; others wait for it); readers need no lock, since segments never change and
the manifest is replaced whole. A process killed at any point leaves the manifest of before, and files that the next
writer removes.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Final, TypeVar

import pyarrow as pa

from histlib.engines.bulk.inputs import DamagedIndexError
from histlib.engines.folder.index import manifest as manifests
from histlib.engines.folder.index.builder import SPILL, Builder
from histlib.engines.folder.index.by_time import TimeReader, merge_by_time
from histlib.engines.folder.index.explanations import explained, no_history
from histlib.engines.folder.index.manifest import Manifest, Part, merge_streams
from histlib.engines.folder.index.parquet import PART
from histlib.engines.folder.index.segments import NOTHING, SegmentReader
from histlib.engines.folder.landing import is_whole
from histlib.errors import SourceError
from histlib.format.folders import BASELINE, CHANGES, YEAR, landing_of
from histlib.format.key_forms import check_forms, check_tables
from histlib.format.problems import files_of
from histlib.stores.locking import alone
from histlib.stores.tree import Facts, Tree

#: A segment has at least this many times the rows of all smaller ones together, so that few are live …
TIER: Final = 4
#: … and one of so many rows this many times, since it takes long to merge.
LARGE_ROWS: Final = 4_000_000
LARGE_TIER: Final = 2
#: Seconds that a replaced segment is kept for readers of an older manifest.
GRACE: Final = 600.0
#: Seconds in which a file that was just written to may be written to again.
YOUNG: Final = 60.0
#: Rebuilds in a row before the disk, not the index, is held to be at fault.
_TRIES: Final = 3

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Snapshot:
    """A manifest and readers of its segments: what one answer is read from."""

    manifest: Manifest
    readers: Sequence[SegmentReader]
    by_time: Sequence[TimeReader]


class Store:
    """The index in ``folder`` of the landing in ``root``, kept within about ``memory`` bytes."""

    def __init__(self, root: Path, folder: Path, memory: int) -> None:
        self._root = root
        self.landing = landing_of(root)
        self._folder = folder
        self._builder = Builder(folder, memory)
        self._landing = Tree(root, self.landing, None if self.landing == CHANGES else YEAR)
        self._revision: Facts | None = None
        self._snapshot: Snapshot | None = None
        self._fresh = False
        self._new_bytes = 0
        self._threads = RLock()

    def refresh(self) -> Snapshot:
        """Take in what is new in the landing.

        Raises:
            NotAHistoryError: no line of the landing is a change.
            MixedTablesError: there was no index yet, and the changes are of more than one table.
            SourceError: disk full, or files that cannot be read or written.
        """
        return self._answer(self._current)

    def read(self, question: Callable[[Snapshot], Answer]) -> Answer:
        """The answer from the index as last refreshed; where it is damaged, from one made anew.

        Raises:
            SourceError: as :meth:`refresh`.
        """
        return self._answer(lambda: question(self._snapshot or self._current()))

    def _answer(self, question: Callable[[], Answer]) -> Answer:
        with self._threads:
            for _ in range(_TRIES):
                try:
                    return question()
                except (DamagedIndexError, pa.ArrowIndexError):  # a page's own header has no checksum
                    self._recover()
                except OSError as error:
                    raise explained(error, self._folder, self._new_bytes) from error
        raise SourceError(f"the index in {self._folder} is damaged again right after it was made: check the disk")

    def _current(self) -> Snapshot:
        if (revision := _facts(self._root / self.landing / "_revision")) != self._revision:
            self._landing.forget()  # someone wrote into days already past
            self._revision = revision
        watched = self._snapshot.manifest.unsettled.files if self._snapshot else ()
        if self._landing.refresh(watched):
            self._fresh = False
        if self._snapshot is None or not self._fresh:
            manifest = manifests.load(self._folder)
            if manifest is None or not _up_to_date(manifest, self._landing.files):
                manifest = self._update()
            self._remove_retired(manifest)
            self._snapshot = self._open(manifest)
            self._fresh = _up_to_date(manifest, self._landing.files)
        return self._snapshot

    def _recover(self) -> None:
        """Another process may have replaced what we read; only where it has not, is the index made anew."""
        ours = self._snapshot.manifest if self._snapshot else None
        self._snapshot = None
        with self._writing():
            try:
                theirs = manifests.load(self._folder)
            except DamagedIndexError:
                theirs = None
            if theirs is None or ours is None or theirs.folders == ours.folders:
                (self._folder / manifests.FILE_NAME).unlink(missing_ok=True)

    def _update(self) -> Manifest:
        with self._writing():
            known = manifests.load(self._folder)
            manifest = known or Manifest()
            self._landing.refresh(manifest.unsettled.files)
            files = self._landing.files
            if any(files.get(path) != facts for path, facts in manifest.settled.files.items()):
                manifest = Manifest(retired=manifest.retired)
            self._sweep(manifest)
            if not _up_to_date(manifest, files):
                self._extend(manifest, files)
                if not manifest.segments and (manifest.problems or not self._is_known_empty()):
                    (self._folder / manifests.FILE_NAME).unlink(missing_ok=True)
                    raise no_history(self._root, manifest)
                if known is None:  # what is refused stays as it was; an index that is there is kept, and asked no more
                    check_tables(stream.table for stream in manifest.streams)
                    check_forms((stream.stream, stream.keys) for stream in manifest.streams)
                self._save(manifest)
                if self._merge(manifest.settled) | self._merge_by_time(manifest.settled):
                    self._save(manifest)
            return manifest

    def _is_known_empty(self) -> bool:
        """Whether a baseline, or an export, may have seen that there was nothing."""
        return any((self._root / BASELINE).glob("*.json"))

    def _extend(self, manifest: Manifest, files: Mapping[str, Facts]) -> None:
        """Index what is new, and again what may have been half written when it was last read."""
        new = sorted(files.keys() - manifest.settled.files.keys())
        growing = {path for path in new if manifest.segments and self._may_grow(path, files[path])}
        manifest.unsettled = Part()
        self._add(manifest, manifest.settled, {path: files[path] for path in new if path not in growing})
        self._add(manifest, manifest.unsettled, {path: files[path] for path in sorted(growing)})

    def _may_grow(self, path: str, facts: Facts) -> bool:
        """Whether it looks as if someone were still writing: young, and without an end."""
        return time.time() - facts[1] / 1e9 < YOUNG and not is_whole(self._root / path)

    def _add(self, manifest: Manifest, part: Part, files: Mapping[str, Facts]) -> None:
        if not files:
            return
        self._new_bytes = sum(size for size, _ in files.values())
        built = self._builder.build(self._root, list(files), _new_name())
        if built.segment:
            part.segments.append(built.segment)
        part.by_time += built.by_time
        part.streams = merge_streams([*part.streams, *built.streams])
        unread = built.problems.unread
        for problem in built.problems.told(built.readable):
            (manifest.unsettled if problem.file in unread else part).problems.append(problem)
        part.files.update({path: facts for path, facts in files.items() if path not in unread})

    def _merge(self, part: Part) -> bool:
        """Merge the smallest segments, as many as it takes for each other to be large beside all below it."""
        segments = sorted(part.segments, key=lambda segment: -segment.rows)
        sizes = [segment.rows for segment in segments]
        crowded = (at for at in range(len(sizes) - 1) if sizes[at] < _tier(sizes[at]) * sum(sizes[at + 1 :]))
        first = next(crowded, None)
        if first is None:
            return False
        self._new_bytes = sum(bucket.written.size for segment in segments[first:] for bucket in segment.buckets)
        readers = [SegmentReader(self._folder, segment) for segment in segments[first:]]
        part.segments = [*segments[:first], self._builder.merge(readers, _new_name())]
        return True

    def _merge_by_time(self, part: Part) -> bool:
        before, part.by_time = part.by_time, merge_by_time(self._folder, part.by_time)
        return part.by_time != before

    def _open(self, manifest: Manifest) -> Snapshot:
        known = {reader.segment.name: reader for reader in (self._snapshot.readers if self._snapshot else ())}
        readers = [known.get(one.name) or SegmentReader(self._folder, one) for one in manifest.segments or [NOTHING]]
        timed = {reader.file.name: reader for reader in (self._snapshot.by_time if self._snapshot else ())}
        by_time = [timed.get(one.name) or TimeReader(self._folder, one) for one in manifest.by_time]
        return Snapshot(manifest, readers, by_time)

    def _sweep(self, manifest: Manifest) -> None:
        """Remove what dead writers left half done, and segments out of use for longer than the grace."""
        now, names = time.time(), manifest.folders
        for entry in (entry for entry in self._folder.iterdir() if entry.is_dir() and entry.name not in names):
            whole = not entry.name.endswith((PART, SPILL))
            if whole and now - manifest.retired.setdefault(entry.name, now) < GRACE:
                continue
            shutil.rmtree(entry, ignore_errors=True)
        manifest.retired = {name: when for name, when in manifest.retired.items() if (self._folder / name).is_dir()}

    def _remove_retired(self, manifest: Manifest) -> None:
        """Give room back also where nothing is written any more; names are never used twice, so it takes no lock."""
        for name, when in manifest.retired.items():
            if time.time() - when >= GRACE and name not in manifest.folders:
                shutil.rmtree(self._folder / name, ignore_errors=True)

    def _save(self, manifest: Manifest) -> None:
        self._sweep(manifest)
        manifests.save(self._folder, manifest)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone: waits, visibly, for another process that is writing. Where no index comes of it, nothing stays."""
        for parent in reversed(self._folder.parents):  # of a cache, none that others can read
            parent.mkdir(mode=0o700, exist_ok=True)
        self._folder.mkdir(exist_ok=True)
        with alone(self._folder / "lock"):
            try:
                yield
            except BaseException:
                if not (self._folder / manifests.FILE_NAME).exists():
                    shutil.rmtree(self._folder, ignore_errors=True)
                raise


def _tier(rows: int) -> int:
    return LARGE_TIER if rows >= LARGE_ROWS else TIER


def _new_name() -> str:
    return f"segment-{uuid.uuid4().hex}"


def _facts(path: Path) -> Facts | None:
    try:
        found = os.stat(path)  # noqa: PTH116 — at each question
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size, found.st_mtime_ns


def _up_to_date(manifest: Manifest, files: Mapping[str, Facts]) -> bool:
    """Whether the index holds these files; one that could not be opened is not among its files, and tried again."""
    return bool(manifest.segments) and manifest.files == files and files_of(manifest.problems) <= files.keys()
