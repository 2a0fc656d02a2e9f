"""The folders of a history, and where in one the landing lies: ``changes/``, or the days themselves, as the article's
Firehose lays them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from histlib.errors import NotAHistoryError
from histlib.format.stream_records import REPLAY_FIRST, holds_stream_records

#: The usual landing.
CHANGES: Final = "changes"
#: What the attester writes down; manifests of baselines and windows; what could not be delivered or converted.
COVERAGE: Final = "coverage"
BASELINE: Final = "baseline"
FAILED: Final = "failed"
#: What Lambda itself sets aside, at the root of a bucket.
AWS: Final = "aws"
LAMBDA: Final = f"{AWS}/lambda/"
#: All of them.
FOLDERS: Final = (CHANGES, COVERAGE, BASELINE, FAILED, AWS)
#: The object that says which days something came into long after.
REVISION: Final = f"{CHANGES}/_revision"
#: The folder itself holds the years.
ITSELF: Final = "."
#: Names in a landing of the article that are years.
YEAR: Final = re.compile(r"\d{4}")

_TWO_DIGITS: Final = re.compile(r"\d{2}")
#: Folders of other things, which Firehose may lay out by day as well.
_OTHERS: Final = frozenset({*FOLDERS, "AWSDynamoDB", "error", "errors"}) - {CHANGES}


def landing_of(folder: Path) -> str:
    """The landing in a history folder: ``changes``, :data:`ITSELF`, or the one folder in it that holds days.

    Raises:
        NotAHistoryError: there is none, or there are several, so that it is not sure which is meant.
    """
    if (folder / CHANGES).is_dir():
        return CHANGES
    if _holds_days(folder):
        return ITSELF
    found = [name for name in _folders(folder) if name not in _OTHERS and _holds_days(folder / name)]
    if len(found) > 1:
        raise NotAHistoryError(
            f"{folder} holds {len(found)} histories: {', '.join(found)}; name one, like {folder / found[0]}",
            str(folder),
        )
    if not found and holds_stream_records(folder):
        raise NotAHistoryError(f"{folder} is no history: {REPLAY_FIRST}", str(folder))
    if folder.is_file():
        raise NotAHistoryError(f"{folder} is no history: it is a file; expected the folder of one", str(folder))
    if not found:
        raise NotAHistoryError(
            f"{folder} is no history: it has no folder changes/, and no yyyy/MM/dd/ or prefix/yyyy/MM/dd/; "
            "expected what `python -m pipeline replay`, the pipeline or the article's Firehose writes",
            str(folder),
        )
    return found[0]


def _holds_days(folder: Path) -> bool:
    return any(
        _TWO_DIGITS.fullmatch(day)
        for year in _folders(folder)
        if YEAR.fullmatch(year)
        for month in _folders(folder / year)
        if _TWO_DIGITS.fullmatch(month)
        for day in _folders(folder / year / month)
    )


def _folders(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.name[0] not in "._" and entry.is_dir())
    except OSError:
        return []
