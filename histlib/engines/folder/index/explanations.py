"""What to tell a person when an index cannot be made."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Final

from histlib.engines.folder.index.manifest import Manifest
from histlib.errors import NotAHistoryError, SourceError, no_room
from histlib.format.folders import CHANGES, FAILED, LAMBDA
from histlib.format.problems import files_of
from histlib.format.stream_records import REPLAY_FIRST, any_stream_records
from histlib.format.undelivered import DONE, UNCONVERTED_TOLD

#: Room that making an index takes, over the size of what it is made from (gzip at its best, and rows on their way).
ROOM: Final = 3

#: So many reasons, or names, are told.
_TOLD: Final = 3
_EXPECTED: Final = (
    "expected what `python -m pipeline replay` or the pipeline writes, changes/yyyy/MM/dd/*.gz, or what the article's "
    "Firehose writes, yyyy/MM/dd/HH/*"
)


def no_history(root: Path, manifest: Manifest) -> NotAHistoryError:
    """The error for a folder without a single change: what was seen, and what was expected."""
    told = manifest.problems
    files = manifest.files.keys() | files_of(told)
    if any_stream_records(root / file for file in sorted(files)[:_TOLD]):
        return NotAHistoryError(f"{root} is no history: {REPLAY_FIRST}", str(root))
    if not files and (root / CHANGES).is_dir():
        return _no_change_yet(root)
    seen = f"of {len(files):,} files below changes/ none has a readable change" if files else "no files by day"
    if files:
        seen += f" ({told[0].file}: {told[0].detail})" if told else ", all are empty"
    return NotAHistoryError(f"{root} is no history: {seen}; {_EXPECTED}", str(root))


def _no_change_yet(root: Path) -> NotAHistoryError:
    """A history was begun here: what waits is named."""
    waiting = sorted(
        path.relative_to(root).as_posix()
        for folder in (FAILED, LAMBDA)
        for path in (root / folder).rglob("*")
        if path.is_file() and path.name[0] not in "_."
    )
    waiting = [name for name in waiting if not name.startswith(DONE)]
    if not waiting:
        return NotAHistoryError(f"{root} holds no change yet: no files below changes/; {_EXPECTED}", str(root))
    reasons = _reasons(root / UNCONVERTED_TOLD)
    named = [f"{reason} ({count:,})" for reason, count in reasons.most_common(_TOLD)]
    said = f"why, see {UNCONVERTED_TOLD} there: {'; '.join(named)}" if named else ", ".join(waiting[:_TOLD])
    more = max(len(reasons) if named else len(waiting), _TOLD) - _TOLD
    rest = f", and {more:,} more" if more else ""
    return NotAHistoryError(
        f"{root} holds no change yet: what lies below failed/ or aws/lambda/ could not be converted or delivered "
        f"({len(waiting):,}; {said}{rest}); mend what it lacks, then replay or redrive it",
        str(root),
    )


def _reasons(file: Path) -> Counter[str]:
    """How many changes each reason kept from being converted; none where nothing tells."""
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return Counter(reason for line in lines for reason in line["reasons"])
    except (OSError, ValueError, LookupError, TypeError):
        return Counter()


def explained(error: OSError, folder: Path, size: int) -> SourceError:
    """The error for want of room, or for what cannot be read or written, while making an index of ``size`` bytes."""
    if why := no_room(error):
        place = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(place).free
        return SourceError(
            f"cannot write the index in {folder}: {free:,} bytes free, up to {ROOM * size:,} needed; {why}", str(folder)
        )
    where = f" {os.fspath(error.filename)}" if error.filename else ""
    return SourceError(f"cannot read or write{where}: {error.strerror or error}", str(folder))
