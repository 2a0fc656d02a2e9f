"""The files below a folder, listed again only where a directory or a file has changed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: A file's size and mtime in ns.
Facts = tuple[int, int]

#: What changed this shortly before it was listed may change again within the same tick of its clock.
_RACY_NS: Final = 2_000_000_000
#: So many files are looked at each time …
_FEW: Final = 64
#: … and more of them after so many times what the last look at all of them took: a twentieth of the time, at most.
_PAUSES: Final = 20


@dataclass
class _Directory:
    mtime: int
    settled: bool = False
    folders: set[str] = field(default_factory=set)
    files: dict[str, Facts] = field(default_factory=dict)


class Tree:
    """Paths below ``root`` (relative to ``base``, posix) with their facts; ``_*`` and ``.*`` are left out.

    A name that is no UTF-8 stands escaped, as a file: whoever tries to read it will tell.
    Right below ``root`` only names that are wholly of the pattern ``top`` count, where one is given.
    A file written to in place leaves no trace in its directory, so files are looked at themselves, at 2 µs each: up to
    :data:`_FEW` at every refresh, more where the last such look is long enough ago (1,500 files: 50 ms; 100,000: 5 s).
    """

    def __init__(self, base: Path, root: str, top: re.Pattern[str] | None = None) -> None:
        self._base = str(base)
        self._root = root
        self._top = top
        self._directories: dict[str, _Directory] = {}
        self.files: dict[str, Facts] = {}
        self._next_look = 0.0

    def refresh(self, watched: Iterable[str] = ()) -> bool:
        """Look again, whether anything has changed; costs a stat a directory and watched file, at times a file."""
        stale = {path for path, known in self._directories.items() if not known.settled or self._moved(path, known)}
        stale |= {os.path.dirname(path) for path in watched if self._facts(path) != self.files.get(path)}  # noqa: PTH120
        stale |= self._overwritten()
        if self._root not in self._directories:
            stale.add(self._root)
        for path in stale:
            self._list_again(path)
        return bool(stale) and self._gather()

    def _overwritten(self) -> set[str]:
        """The directories of files that are not as they were."""
        begin = time.monotonic()
        if len(self.files) > _FEW and begin < self._next_look:
            return set()
        found = {os.path.dirname(path) for path, facts in self.files.items() if self._facts(path) != facts}  # noqa: PTH120
        end = time.monotonic()
        self._next_look = end + _PAUSES * (end - begin)
        return found

    def forget(self) -> None:
        """List everything again at the next refresh."""
        self._directories.clear()

    def _gather(self) -> bool:
        files = {path: facts for directory in self._directories.values() for path, facts in directory.files.items()}
        changed = files != self.files
        self.files = files
        return changed

    def _moved(self, path: str, known: _Directory) -> bool:
        try:
            return os.stat(f"{self._base}/{path}").st_mtime_ns != known.mtime  # noqa: PTH116 — for each day, each time
        except (FileNotFoundError, NotADirectoryError):
            return True

    def _facts(self, path: str) -> Facts | None:
        try:
            found = os.stat(f"{self._base}/{path}")  # noqa: PTH116
        except OSError:  # gone, or what listing it will tell
            return None
        return found.st_size, found.st_mtime_ns

    def _list_again(self, path: str) -> None:
        self._directories.pop(path, None)
        try:
            mtime = os.stat(f"{self._base}/{path}").st_mtime_ns  # noqa: PTH116
            found = self._list(path, mtime)
        except (FileNotFoundError, NotADirectoryError):
            return
        self._directories[path] = found
        for folder in found.folders - self._directories.keys():
            self._list_again(folder)

    def _list(self, path: str, mtime: int) -> _Directory:
        directory, now = _Directory(mtime), time.time_ns()
        with os.scandir(f"{self._base}/{path}") as entries:
            for entry in entries:
                if entry.name.startswith(("_", ".")) or not self._counts(path, entry.name):
                    continue
                name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
                if name == entry.name and _is_folder(entry):
                    directory.folders.add(f"{path}/{name}")
                elif (facts := _entry_facts(entry)) is not None:
                    directory.files[f"{path}/{name}"] = facts
        newest = max((when for _, when in directory.files.values()), default=0)
        directory.settled = now - max(mtime, newest) > _RACY_NS
        return directory

    def _counts(self, path: str, name: str) -> bool:
        return self._top is None or path != self._root or self._top.fullmatch(name) is not None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, say: reading it will tell
        return False


def _entry_facts(entry: os.DirEntry[str]) -> Facts | None:
    """Of a link to nowhere those of the link: reading it will tell; None for what has gone meanwhile."""
    try:
        found = entry.stat(follow_symlinks=not entry.is_symlink() or os.path.exists(entry.path))  # noqa: PTH110
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
