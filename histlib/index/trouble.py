"""What to tell a person when an index cannot be made."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Final

from histlib.errors import NotAHistoryError, SourceError
from histlib.index.manifest import Manifest
from histlib.index.problems import files_of

#: Room that making an index takes, over the size of what it is made from (gzip at its best, and rows on their way).
ROOM: Final = 3

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def no_history(root: Path, manifest: Manifest) -> NotAHistoryError:
    """The error for a folder without a single change: what was seen, and what was expected."""
    told = manifest.problems
    files = manifest.files.keys() | files_of(told)
    seen = f"of {len(files):,} files below changes/ none has a readable change" if files else _nothing(root)
    if files:
        seen += f" ({told[0].file}: {told[0].detail})" if told else ", all are empty"
    return NotAHistoryError(
        f"{root} is no history: {seen}; expected what `python -m pipeline replay` or the pipeline writes, "
        "changes/yyyy/MM/dd/*.gz, or what the article's Firehose writes, yyyy/MM/dd/HH/*",
        str(root),
    )


def _nothing(root: Path) -> str:
    return "no files below changes/" if (root / "changes").is_dir() else "no files by day"


def explained(error: OSError, folder: Path, size: int) -> SourceError:
    """The error for a disk that is full, or cannot be read or written, while making an index of ``size`` bytes."""
    if error.errno in _NO_ROOM or "No space left" in str(error):
        free = shutil.disk_usage(folder).free if folder.exists() else 0
        return SourceError(
            f"no space left for the index in {folder}: {free:,} bytes free, up to {ROOM * size:,} needed; free some "
            "there, or name another place with connect(cache=…)",
            str(folder),
        )
    where = f" {os.fspath(error.filename)}" if error.filename else ""
    return SourceError(f"cannot read or write{where}: {error.strerror or error}", str(folder))
