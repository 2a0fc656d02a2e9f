"""An index on disk: opened, extended by what is new in the landing, merged in tiers, rebuilt when not to be trusted.

One process writes at a time (a file lock); readers need no lock, since segments never change and the manifest is
replaced whole. A process killed at any point leaves the manifest of before, and files that the next writer removes.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from filelock import FileLock

from histlib.errors import NotAHistoryError, SourceError
from histlib.index import manifest as manifests
from histlib.index.builder import Builder, Built
from histlib.index.landing import Problem
from histlib.index.manifest import Manifest
from histlib.index.segments import DamagedIndexError, SegmentReader
from histlib.index.tree import Tree
from histlib.progress import progress

#: A segment has at least this many times the rows of all smaller ones together, so that few are live.
TIER: Final = 4
#: Seconds that a replaced segment is kept for readers of an older manifest.
GRACE: Final = 600.0
#: Rebuilds in a row before the disk, not the index, is held to be at fault.
_TRIES: Final = 3

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Snapshot:
    """A manifest and readers of its segments: what one answer is read from."""

    manifest: Manifest
    readers: Sequence[SegmentReader]


class Store:
    """The index in ``folder`` of the landing below ``root``/changes, kept within about ``memory`` bytes."""

    def __init__(self, root: Path, folder: Path, memory: int) -> None:
        self._root = root
        self._folder = folder
        self._builder = Builder(folder, memory)
        self._landing = Tree(root, "changes")
        self._snapshot: Snapshot | None = None

    def refresh(self) -> Snapshot:
        """Take in what is new in the landing.

        Raises:
            NotAHistoryError: no line of the landing is a change.
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
        for _ in range(_TRIES):
            try:
                return question()
            except DamagedIndexError:
                self._recover()
            except OSError as error:
                raise _explained(error, self._folder) from error
        raise SourceError(f"the index in {self._folder} is damaged again right after it was made: check the disk")

    def _current(self) -> Snapshot:
        changed = self._landing.refresh()
        if self._snapshot is None or changed:
            manifest = manifests.load(self._folder)
            if manifest is None or not _same_files(manifest, self._landing.files):
                manifest = self._update()
            self._snapshot = self._open(manifest)
        return self._snapshot

    def _recover(self) -> None:
        """Another process may have replaced what we read; only where it has not, is the index made anew."""
        ours = self._snapshot.manifest if self._snapshot else None
        self._snapshot = None
        with self._lock():
            try:
                theirs = manifests.load(self._folder)
            except DamagedIndexError:
                theirs = None
            if theirs is None or (ours is not None and _names(theirs) == _names(ours)) or ours is None:
                (self._folder / manifests.FILE_NAME).unlink(missing_ok=True)

    def _update(self) -> Manifest:
        with self._lock():
            manifest = manifests.load(self._folder) or Manifest()
            self._landing.refresh()
            files = self._landing.files
            if any(files.get(path) != facts for path, facts in manifest.files.items()):
                manifest = Manifest(retired=dict.fromkeys(_names(manifest), time.time()) | manifest.retired)
            self._sweep(manifest)
            new = sorted(files.keys() - manifest.files.keys())
            if new:
                self._extend(manifest, new)
                self._merge(manifest)
                manifests.save(self._folder, manifest)
            if not manifest.segments:
                raise _no_history(self._root, manifest)
            return manifest

    def _extend(self, manifest: Manifest, new: Sequence[str]) -> None:
        files = self._landing.files
        with progress(f"reading {len(new):,} files of {self._root.name}", 0) as bar:
            built = self._builder.build(self._root, new, _new_name(), bar)
        if built.segment:
            manifest.segments.append(built.segment)
        manifest.add_streams(built.streams)
        manifest.problems += _told(built, new)
        manifest.files.update({path: files[path] for path in new})

    def _merge(self, manifest: Manifest) -> None:
        """Merge the smallest segments, as many as it takes for each other to be :data:`TIER` times all below it."""
        segments = sorted(manifest.segments, key=lambda segment: -segment.rows)
        sizes = [segment.rows for segment in segments]
        crowded = (at for at in range(len(sizes) - 1) if sizes[at] < TIER * sum(sizes[at + 1 :]))
        if (first := next(crowded, None)) is not None:
            merged = segments[first:]
            readers = [SegmentReader(self._folder, segment) for segment in merged]
            segments[first:] = [self._builder.merge(readers, _new_name())]
            manifest.retired.update({segment.name: time.time() for segment in merged})
        manifest.segments = segments

    def _open(self, manifest: Manifest) -> Snapshot:
        known = {reader.segment.name: reader for reader in (self._snapshot.readers if self._snapshot else ())}
        readers = [known.get(one.name) or SegmentReader(self._folder, one) for one in manifest.segments]
        return Snapshot(manifest, readers)

    def _sweep(self, manifest: Manifest) -> None:
        """Remove what dead writers left, and segments replaced longer ago than the grace."""
        now = time.time()
        manifest.retired = {name: when for name, when in manifest.retired.items() if now - when < GRACE}
        kept = {*_names(manifest), *manifest.retired}
        for entry in self._folder.iterdir():
            if entry.is_dir() and entry.name not in kept:
                shutil.rmtree(entry, ignore_errors=True)

    def _lock(self) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / "lock")


def _names(manifest: Manifest) -> list[str]:
    return [segment.name for segment in manifest.segments]


def _new_name() -> str:
    return f"segment-{uuid.uuid4().hex}"


def _same_files(manifest: Manifest, files: dict[str, tuple[int, int]]) -> bool:
    return manifest.files == files and bool(manifest.segments)


def _told(built: Built, new: Sequence[str]) -> list[Problem]:
    """The problems, those of one file at most a hundred, and one for a file that has no readable line at all."""
    by_file: dict[str, list[Problem]] = {}
    for problem in built.problems:
        by_file.setdefault(problem.file, []).append(problem)
    told: list[Problem] = []
    for file in new:
        found = by_file.get(file, [])
        if found and not built.rows_by_file.get(file):
            told.append(Problem(file, None, f"no line of it is a change: {found[0].detail}"))
            continue
        told += found[:_MOST]
        if len(found) > _MOST:
            told.append(Problem(file, None, f"{len(found) - _MOST:,} more lines like these"))
    return told


_MOST: Final = 100


def _no_history(root: Path, manifest: Manifest) -> NotAHistoryError:
    if not manifest.files:
        seen = "it has no files below changes/"
    else:
        seen = f"of {len(manifest.files):,} files below changes/ none has a readable change"
        seen += f" ({manifest.problems[0].file}: {manifest.problems[0].detail})" if manifest.problems else ", all empty"
    return NotAHistoryError(
        f"{root} is no history: {seen}; expected what `python -m pipeline replay` or the pipeline writes, "
        "changes/yyyy/MM/dd/*.gz",
        str(root),
    )


def _explained(error: OSError, folder: Path) -> SourceError:
    if error.errno == errno.ENOSPC or "No space left" in str(error):
        free = shutil.disk_usage(folder).free if folder.exists() else 0
        return SourceError(
            f"no space left for the index in {folder} ({free:,} bytes free): free some there, or name another place "
            "with connect(cache=…)",
            str(folder),
        )
    where = f" {os.fspath(error.filename)}" if error.filename else ""
    return SourceError(f"cannot read or write{where}: {error.strerror or error}", str(folder))
