"""What lies beside a landing, in a folder: attestations, windows of exports, what failed, baselines' manifests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from histlib.engines.beside.files import FolderFacts
from histlib.engines.beside.manifests import BaselineRow, ManifestFacts
from histlib.format.days import EARLIER, LATER, event_window
from histlib.format.exports import convert as exports
from histlib.format.folders import AWS, BASELINE, COVERAGE, FAILED
from histlib.format.problems import Problem
from histlib.format.undelivered import DONE, RECORDS, content, hole, original, was_landing

_ATTESTATIONS: Final = pa.schema([("attestation", pa.string()), ("file", pa.string())])
_WINDOWS: Final = pa.schema([("manifest", pa.string()), ("file", pa.string())])
_HOLES: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("detail", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("keys", pa.string()),
    ]
)


class SmallFacts:
    """The small facts of the history in ``folder``, each file read once for as long as it stays as it is."""

    def __init__(self, folder: Path) -> None:
        self._attestations = FolderFacts(folder, COVERAGE, _attestation)
        self._windows = FolderFacts(folder, BASELINE, _window)
        self._failures = [FolderFacts(folder, name, _failure) for name in (FAILED, AWS)]
        self._manifests = ManifestFacts(folder)

    def refresh(self) -> bool:
        """Look again; whether anything has changed."""
        changed = [facts.refresh() for facts in (self._attestations, self._windows, *self._failures)]
        return any([self._manifests.refresh(), *changed])

    def attestations(self) -> pa.Table:
        """What :class:`histlib.engines.queries.Attestations` yields.

        Raises:
            SourceError: a file that cannot be read; so do the others.
        """
        return pa.Table.from_pylist(self._attestations.rows, schema=_ATTESTATIONS)

    def net_windows(self) -> pa.Table:
        """What :class:`histlib.engines.queries.NetWindows` yields."""
        return pa.Table.from_pylist(self._windows.rows, schema=_WINDOWS)

    def holes(self, tables: Iterable[str | None], problems: Sequence[Problem], *, local: bool = False) -> pa.Table:
        """What :class:`histlib.engines.queries.Holes` yields: ``problems`` of files, and what failed of these tables
        (ARNs); ``local``: datedays may be of another zone than UTC."""
        ours = {None, *tables}
        failed = [row for facts in self._failures for row in facts.rows if _is_of(row, ours)]
        rows = [*map(_unreadable, problems), *failed]
        return pa.Table.from_pylist([_of_any_zone(row) for row in rows] if local else rows, schema=_HOLES)

    def baselines(self, found: BaselineRow) -> pa.Table:
        """What :class:`histlib.engines.queries.Baselines` yields; ``found`` says what there is of a baseline."""
        return self._manifests.table(found)


def _unreadable(problem: Problem) -> dict[str, Any]:
    """A hole as wide as what the file may hold, and as what its changes claim: of a damaged one nothing is sure."""
    start, end = event_window(original(problem.file))
    if start is not None and end is not None and problem.first is not None and problem.last is not None:
        start, end = min(start, problem.first), max(end, problem.last)
    row = {"kind": "unreadable", "start": start, "end": end, "keys": None}
    return {**row, "detail": problem.detail, "file": problem.file, "line": problem.line}


def _of_any_zone(row: dict[str, Any]) -> dict[str, Any]:
    """A hole whose times are those of its dateday, as wide as that day may be."""
    if row["kind"] != "unreadable" or row["start"] is None or row["file"].startswith(exports.HOLES):
        return row
    return {**row, "start": row["start"] - EARLIER, "end": row["end"] + LATER}


def _is_of(failed: dict[str, Any], tables: set[str | None]) -> bool:
    """Whether it is of these tables: Lambda's own objects lie together with those of other tables in a bucket."""
    return not failed["file"].startswith("aws/") or failed["table"] in tables


def _attestation(file: str, raw: bytes) -> dict[str, Any] | None:
    return {"attestation": content(raw).decode("utf-8", "replace"), "file": file}


def _window(file: str, raw: bytes) -> dict[str, Any] | None:
    if not file.startswith("baseline/backfill-"):
        return None
    return {"manifest": content(raw).decode("utf-8", "replace"), "file": file}


def _failure(file: str, raw: bytes) -> dict[str, Any] | None:
    if file.startswith(DONE):
        return None
    before = original(file)
    if was_landing(file):
        return _unreadable(Problem(file, None, "set aside: it could not be read"))
    if before.startswith(exports.HOLES):
        return exports.hole(raw)
    return hole("unconverted" if before.startswith(RECORDS) else "undelivered", file, raw)
