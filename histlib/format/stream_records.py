"""Whether files hold what a stream sent, which is to be replayed into a history first, instead of a history."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

#: What to do with them.
REPLAY_FIRST: Final = (
    "these are stream records: replay them first, from a clone of histlib: python -m pipeline replay EVENTS… --into "
    "DIR, then ask DIR"
)

#: Bytes of a file, and files of a folder, that are looked at.
_LOOKED_AT: Final = 1 << 16
_FILES: Final = 20
#: An event, also as text in another; a record of Kinesis, whose data is base64.
_SIGNS: Final = re.compile(
    rb'\\?"eventName\\?"\s*:\s*\\?"(?:INSERT|MODIFY|REMOVE|aws:kinesis:record)\\?"'
    rb'|"(?:PartitionKey|partitionKey)"\s*:\s*"'
)
_OURS: Final = re.compile(rb'(?<!\\)"action"\s*:\s*"')


def holds_stream_records(place: Path) -> bool:
    """Whether a file, or one of the first files below a folder, holds them."""
    files = [place] if place.is_file() else islice(_files(place), _FILES)
    return any_stream_records(files)


def any_stream_records(files: Iterable[Path]) -> bool:
    """Whether one of these files does, as far as its beginning tells."""
    return any(_SIGNS.search(start) and not _OURS.search(start) for start in map(_start, files))


def _files(folder: Path) -> Iterator[Path]:
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "_.")
        yield from (Path(directory, name) for name in sorted(names) if name[0] not in "_.")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LOOKED_AT)
        return zlib.decompressobj(31).decompress(raw, _LOOKED_AT) if raw.startswith(b"\x1f\x8b") else raw
    except (OSError, zlib.error):
        return b""
