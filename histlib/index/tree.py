"""The files below a folder, listed again only where a directory has changed."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: A directory changed this shortly before it was listed may change again within the same tick of its clock.
_RACY_NS: Final = 2_000_000_000


@dataclass
class _Directory:
    mtime: int
    listed: int
    folders: list[str] = field(default_factory=list)
    files: dict[str, tuple[int, int]] = field(default_factory=dict)


class Tree:
    """Paths below ``root`` (relative to ``base``, posix) with size and mtime in ns; ``_*`` and ``.*`` are left out."""

    def __init__(self, base: Path, root: str) -> None:
        self._base = str(base)
        self._root = root
        self._directories: dict[str, _Directory] = {}
        self.files: dict[str, tuple[int, int]] = {}

    def refresh(self) -> bool:
        """Look again; whether anything has changed. Costs a stat for each directory."""
        seen: dict[str, _Directory] = {}
        changed = self._visit(self._root, seen)
        changed = changed or seen.keys() != self._directories.keys()
        self._directories = seen
        if changed:
            self.files = {path: facts for directory in seen.values() for path, facts in directory.files.items()}
        return changed

    def _visit(self, path: str, seen: dict[str, _Directory]) -> bool:
        known = self._directories.get(path)
        try:
            mtime = os.stat(f"{self._base}/{path}").st_mtime_ns  # noqa: PTH116 — at each question, for each day
        except (FileNotFoundError, NotADirectoryError):
            return known is not None
        changed = False
        if known is None or known.mtime != mtime or known.listed - mtime < _RACY_NS:
            listed = self._list(path, mtime)
            changed = known is None or listed.files != known.files
            known = listed
        seen[path] = known
        for folder in known.folders:
            changed |= self._visit(folder, seen)
        return changed

    def _list(self, path: str, mtime: int) -> _Directory:
        directory = _Directory(mtime, time.time_ns())
        with os.scandir(f"{self._base}/{path}") as entries:
            for entry in entries:
                if entry.name.startswith(("_", ".")):
                    continue
                if entry.is_dir():
                    directory.folders.append(f"{path}/{entry.name}")
                else:
                    facts = entry.stat()
                    directory.files[f"{path}/{entry.name}"] = (facts.st_size, facts.st_mtime_ns)
        directory.folders.sort()
        return directory
