"""What a mirror holds, on disk: its objects as files, and a state that a kill at any point leaves true.

objects/    the files, by key: the history, and beside them its index
parts/      what is being fetched
state.json  what is held and what could not be had; replaced whole
journal     what has been fetched since, a line each

Objects are bytes as S3 has them: no rule made them, so they outlive releases (their index does not). What could not be
had is a judgement: another edition of the code lists everything, and tries it again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from histlib.format.folders import CHANGES, FOLDERS, REVISION
from histlib.stores.edition import edition
from histlib.stores.s3.listing import Remote

#: Raised with every change of what the state means, so that an older one is made anew.
VERSION: Final = 1

_Facts = tuple[int, int, int]


class Held(msgspec.Struct, frozen=True, array_like=True):
    """An object that the mirror has."""

    etag: str
    size: int


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """An object that is there and cannot be had, and why."""

    etag: str
    size: int
    detail: str


class State(msgspec.Struct):
    """What the mirror knew when it was last up to date."""

    version: int = VERSION
    edition: str = ""
    """Of the code that listed and judged."""
    listed_at: float = 0.0
    """When everything was last listed (epoch s)."""
    newest: str = ""
    """The newest dateday there was then."""
    revision: str = ""
    objects: dict[str, Held] = {}
    lost: dict[str, Lost] = {}


class _Fetched(msgspec.Struct, array_like=True):
    file: str
    etag: str
    size: int


class Ledger:
    """The mirror's folder. All but :meth:`keep` is called by one thread, under the mirror's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = folder / "objects"
        self.parts = folder / "parts"
        self.state = State()
        self._file = folder / "state.json"
        self._journal = folder / "journal"
        self._read: tuple[_Facts | None, _Facts | None] | None = None
        self._writing = Lock()
        self._saved = b""

    def load(self) -> None:
        """Read what other processes or earlier ones left, where it is not as this one left it; sweep leftovers."""
        shutil.rmtree(self.parts, ignore_errors=True)
        self.parts.mkdir()
        (self.objects / CHANGES).mkdir(parents=True, exist_ok=True)
        if self._read == self._facts() and self._read[0]:
            return
        self.state = _decoded(self._file)
        if self.state.edition != edition():
            self.state.edition, self.state.listed_at = edition(), 0.0
        self.state.objects.update(_journaled(self._journal))
        self._match()
        self.save()

    def save(self) -> None:
        """Replace the state, where it has changed."""
        body = msgspec.json.encode(self.state)
        if body != self._saved or self._journal.exists():
            temporary = self.folder / ".state.json"
            temporary.write_bytes(body)
            temporary.replace(self._file)
            self._journal.unlink(missing_ok=True)
            self._saved = body
        self._read = self._facts()

    def keep(self, file: str, remote: Remote, part: Path) -> None:
        """Take in a fetched object: from here on a kill does not lose it."""
        target = self.objects / file
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
        line = msgspec.json.encode(_Fetched(file, remote.etag, remote.size)) + b"\n"
        with self._writing:
            with self._journal.open("ab") as stream:
                stream.write(line)
            self.state.objects[file] = Held(remote.etag, remote.size)
            self.state.lost.pop(file, None)

    def drop(self, file: str) -> None:
        """Let go of an object."""
        self.state.lost.pop(file, None)
        if self.state.objects.pop(file, None) is not None:
            self._remove(file)

    def lose(self, file: str, remote: Remote, detail: str) -> None:
        """Note an object that cannot be had; an older one under its name is let go of."""
        self.drop(file)
        self.state.lost[file] = Lost(remote.etag, remote.size, detail)

    def mark(self, revision: str) -> None:
        """Put the revision where readers of a local history look for it."""
        path = self.objects / REVISION
        if not revision:
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_text(encoding="utf-8") != revision:
            temporary = self.parts / "revision"
            temporary.write_text(revision, encoding="utf-8")
            temporary.replace(path)

    def _match(self) -> None:
        """Bring state and files together: what is not as the state says is no longer held, and removed."""
        there = dict(_files(self.objects))
        for file in [file for file, held in self.state.objects.items() if there.get(file) != held.size]:
            del self.state.objects[file]
        for file in there.keys() - self.state.objects.keys():
            self._remove(file)

    def _remove(self, file: str) -> None:
        path = self.objects / file
        path.unlink(missing_ok=True)
        with suppress(OSError):  # the first folder that is not empty
            for folder in list(path.relative_to(self.objects).parents)[:-2]:
                (self.objects / folder).rmdir()

    def _facts(self) -> tuple[_Facts | None, _Facts | None]:
        return _stat(self._file), _stat(self._journal)


def _decoded(file: Path) -> State:
    try:
        state = msgspec.json.decode(file.read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return State()
    return state if state.version == VERSION else State()


def _journaled(file: Path) -> Mapping[str, Held]:
    found: dict[str, Held] = {}
    with suppress(FileNotFoundError, msgspec.DecodeError):  # the last line may be half written
        for line in file.read_bytes().splitlines():
            fetched = msgspec.json.decode(line, type=_Fetched)
            found[fetched.file] = Held(fetched.etag, fetched.size)
    return found


def _files(root: Path) -> Iterator[tuple[str, int]]:
    """The mirrored files and their sizes, by path below ``root``."""
    below = list(FOLDERS)
    while below:
        folder = below.pop()
        with suppress(FileNotFoundError), os.scandir(root / folder) as found:
            for entry in found:
                path = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif path != REVISION:
                    yield path, entry.stat(follow_symlinks=False).st_size


def _stat(path: Path) -> _Facts | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
