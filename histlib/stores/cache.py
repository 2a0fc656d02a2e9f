"""The cache folder: where it is, what it holds, and how to be rid of it.

``samples/<name>`` bundled incidents · ``exports/<name>`` DynamoDB exports as histories · ``index/<name>`` indexes of
histories that cannot be written to · ``s3/<bucket>/<name>`` mirrors of histories in S3, each with its index ·
``athena/<bucket>/<name>`` what is known of landings that Athena reads, and mirrors of what lies beside them.
Nothing outside these is listed or removed.

Samples and exports are histories that code of ours wrote, so their names end in the edition of the code; each of the
others knows for itself what it may go on with.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from histlib.errors import RequestError, SourceError, no_room
from histlib.stores.edition import edition

#: Kinds of entries, and how deep below their folder they lie.
KINDS: Final = {"samples": 1, "exports": 1, "index": 1, "s3": 2, "athena": 2}
#: Seconds for which what another edition wrote stays after it was last opened: it may be in use beside this one.
STAY: Final = 86_400.0


@dataclass(frozen=True)
class Entry:
    """Something in the cache. ``source`` is what it was made from, where known; ``objects`` of S3 it holds, else None.

    ``used`` is when it was last asked (a mirror), opened (samples, exports) or written (the others), epoch s.
    """

    name: str
    source: str | None
    objects: int | None
    bytes: int
    used: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON; ``used`` as ISO text, UTC."""
        return {**self.__dict__, "used": datetime.fromtimestamp(self.used, UTC).isoformat(timespec="seconds")}


def cache_folder(cache: Path | None = None) -> Path:
    """The given folder, else the user's own cache of histlib."""
    import platformdirs

    return cache or Path(platformdirs.user_cache_dir("histlib"))


def private_folder(cache: Path, *names: str) -> Path:
    """A folder in the cache that nobody else can read, made where it is not there.

    Raises:
        SourceError: it cannot be made.
    """
    folder = cache
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in names:
            folder /= name
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
    except OSError as error:
        raise SourceError(
            f"cannot make {folder}: {error.strerror or error}; name another place with connect(cache=…)", str(folder)
        ) from error
    return folder


def made_once(root: Path, kind: str, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that ``make`` writes into the cache: once for this edition of the code, whole or not at all.

    Raises:
        SourceError: it cannot be written.
    """
    place = private_folder(root, kind)
    folder = place / f"{name}-{edition()}"
    try:
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=place, prefix=".") as made:
                make(Path(made) / folder.name)
                with suppress(OSError):  # another process was first
                    (Path(made) / folder.name).rename(folder)
            _remove_older(folder)
        os.utime(folder)
    except OSError as error:
        raise write_error(error, f"{kind} in the cache", place) from error
    return folder


def _remove_older(folder: Path) -> None:
    """Remove what other editions made of the same, where nobody has opened it for a while."""
    made_of = folder.name.rpartition("-")[0]
    for other in folder.parent.iterdir():
        same = other.name.rpartition("-")[0] == made_of and other != folder and not other.is_symlink()
        if same and time.time() - other.stat().st_mtime > STAY:
            shutil.rmtree(other, ignore_errors=True)


def write_error(error: OSError, what: str, folder: Path) -> SourceError:
    """The error for ``what`` that cannot be written in a folder of the cache."""
    why = no_room(error) or (
        f"{error.strerror or error}; name another place with connect(cache=…), or free some with "
        "`histlib cache --clear`"
    )
    return SourceError(f"cannot write {what} ({folder}): {why}", str(folder))


def entries(root: Path) -> list[Entry]:
    """What the cache holds, by name."""
    return [_entry(root, folder) for folder in _folders(root)]


def choose(root: Path, name: str | None) -> list[Entry]:
    """The entries of this name or source; None: all.

    Raises:
        RequestError: the cache holds nothing of this name.
    """
    found = entries(root)
    chosen = [entry for entry in found if name is None or name in (entry.name, entry.source)]
    if name is not None and not chosen:
        known = ", ".join(entry.name for entry in found) or "nothing"
        raise RequestError(f"the cache {root} has no {name!r}; it holds {known}", name)
    return chosen


def clear(root: Path, chosen: Iterable[Entry]) -> None:
    """Remove entries.

    Raises:
        SourceError: one is in use, or cannot be removed.
    """
    for entry in chosen:
        _remove(root / entry.name)


def cache_json(root: Path, found: Sequence[Entry]) -> str:
    """One JSON object: the folder, its entries, their bytes together."""
    listed = [entry.as_dict() for entry in found]
    return json.dumps({"cache": str(root), "entries": listed, "bytes": sum(entry.bytes for entry in found)})


def cache_text(root: Path, found: Sequence[Entry]) -> str:
    """A line an entry: bytes, objects, when last used, name, source; then the total."""
    lines = [
        f"{entry.bytes:>15,} B  {_count(entry.objects):>17}  {entry.as_dict()['used']}  {entry.name}"
        + (f"  ({entry.source})" if entry.source else "")
        for entry in found
    ]
    return "\n".join([*lines, f"{sum(entry.bytes for entry in found):>15,} B  in {root}"])


def _count(objects: int | None) -> str:
    return "" if objects is None else f"{objects:,} objects"


def _folders(root: Path) -> Iterator[Path]:
    """The entries' folders; links are not followed, so none lies outside."""
    for kind, depth in KINDS.items():
        found = [root / kind]
        for _ in range(depth + 1):
            found = [folder for folder in found if folder.is_dir() and not folder.is_symlink()]
            level = found
            found = sorted(below for folder in found for below in folder.iterdir() if not below.name.startswith("."))
        yield from level


def _entry(root: Path, folder: Path) -> Entry:
    name = folder.relative_to(root).as_posix()
    sizes, newest = _measure(folder)
    kind, _, rest = name.partition("/")
    if kind not in ("s3", "athena"):
        source = f"sample:{rest.rpartition('-')[0]}" if kind == "samples" else None
        return Entry(name, source, None, sum(sizes.values()), max(newest, folder.stat().st_mtime))
    about = folder / "source.json"
    source, used = None, newest
    with suppress(OSError, ValueError, KeyError):
        source, used = json.loads(about.read_bytes())["source"], about.stat().st_mtime
    objects = sum(1 for path in sizes if path.startswith("objects/") and not path.startswith("objects/.histlib/"))
    return Entry(name, source, objects, sum(sizes.values()), used)


def _measure(folder: Path) -> tuple[dict[str, int], float]:
    """Size of each file below a folder, and when the newest was written."""
    sizes, newest = {}, 0.0
    for path, _, files in os.walk(folder):
        for file in files:
            with suppress(OSError):  # someone else is at work in it
                found = Path(path, file).lstat()
                sizes[Path(path, file).relative_to(folder).as_posix()] = found.st_size
                newest = max(newest, found.st_mtime)
    return sizes, newest


def _remove(folder: Path) -> None:
    try:
        with FileLock(folder / "lock", timeout=0):
            shutil.rmtree(folder)
    except Timeout as error:
        raise SourceError(f"{folder} is in use by another process; try again when it is done", str(folder)) from error
    except OSError as error:
        raise SourceError(f"cannot remove {folder}: {error.strerror or error}", str(folder)) from error
    with suppress(OSError):  # a bucket's folder, now that it is empty
        folder.parent.rmdir()
