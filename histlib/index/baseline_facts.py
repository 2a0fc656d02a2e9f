"""The manifests below ``baseline/``, and what of each baseline is in the index, counted once while it stays so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.baselines import Manifest as Baseline
from histlib.baselines import read_manifest
from histlib.index.by_time import TimeReader, parts
from histlib.index.folder_facts import FolderFacts
from histlib.index.manifest import Manifest, StreamFacts
from histlib.index.problems import files_of
from histlib.index.store import Snapshot
from histlib.index.tree import Facts
from histlib.index.undelivered import content
from histlib.kept import load, save

#: What :class:`histlib.queries.Baselines` yields.
SCHEMA: Final = pa.schema(
    [
        ("manifest", pa.string()),
        ("file", pa.string()),
        ("missing", pa.string()),
        ("damaged", pa.string()),
        ("keys", pa.int64()),
    ]
)

#: What a count rests on: the rows of the stream by time, and the files that the manifest names.
_Basis = tuple[tuple[int, int, int], tuple[Facts | None, ...]]


#: Id of a baseline → how many keys were counted, and from what.
_Counts = dict[str, tuple[_Basis, int]]


#: What there is of a baseline: its files that are ``missing`` and ``damaged``, and its ``keys``.
BaselineRow = Callable[[Baseline], dict[str, Any]]


class ManifestFacts:
    """The rows of :class:`histlib.queries.Baselines` for the manifests in ``root``."""

    def __init__(self, root: Path) -> None:
        self._folder = FolderFacts(root, "baseline", _row)

    def refresh(self) -> bool:
        """Look again; whether any manifest has changed."""
        return self._folder.refresh()

    def table(self, found: BaselineRow) -> pa.Table:
        """A row per manifest; nothing is ``found`` of what is no baseline's.

        Raises:
            SourceError: a manifest that cannot be read.
        """
        told = [row | _found(row["manifest"], found) for row in self._folder.rows]
        return pa.Table.from_pylist(told, schema=SCHEMA)


class BaselineFacts:
    """What an index holds of baselines; counts are kept in the folder ``index``."""

    def __init__(self, index: Path) -> None:
        self._kept = index / "baselines.json"
        self._counted: _Counts | None = None

    def found(self, baseline: Baseline, snapshot: Snapshot) -> dict[str, Any]:
        """The files that are missing or damaged, and how many keys there are, of one baseline."""
        files, damaged = snapshot.manifest.files, files_of(snapshot.manifest.problems)
        return {
            "missing": next((file for file in baseline.files if file not in files and file not in damaged), None),
            "damaged": next((file for file in baseline.files if file in damaged), None),
            "keys": self._count(baseline, snapshot, files),
        }

    def _count(self, baseline: Baseline, snapshot: Snapshot, files: Mapping[str, Facts]) -> int:
        rows = _stream_rows(snapshot.manifest, baseline.stream)
        basis = (rows, tuple(files.get(file) for file in baseline.files))
        if self._counted is None:
            self._counted = load(self._kept, _Counts) or {}
        known = self._counted.get(baseline.id)
        if known is None or known[0] != basis:
            known = basis, _distinct_keys(snapshot.by_time, baseline.stream, *rows[:2])
            self._counted[baseline.id] = known
            with suppress(OSError):  # one that may not write counts again
                save(self._kept, self._counted)
        return known[1]


def _found(manifest: str, found: BaselineRow) -> dict[str, Any]:
    try:
        baseline = read_manifest(manifest)
    except ValueError:
        return {}
    return {} if baseline is None else found(baseline)


def _row(file: str, raw: bytes) -> dict[str, Any] | None:
    if not file.endswith(".json"):
        return None
    return {"manifest": content(raw).decode("utf-8", "replace"), "file": file}


def _stream_rows(manifest: Manifest, stream: str) -> tuple[int, int, int]:
    """First stamp, last stamp and number of the rows of a baseline, over its views."""
    found: list[StreamFacts] = [one for one in manifest.streams if one.stream == stream]
    if not found:
        return 0, -1, 0
    return (
        min(one.first_micros for one in found),
        max(one.last_micros for one in found),
        sum(one.changes for one in found),
    )


def _distinct_keys(readers: Sequence[TimeReader], stream: str, first: int, last: int) -> int:
    """How many different keys the rows of a stream have; two that share a hash count as one, so never too many."""
    found = []
    for rows in parts(readers, first, last + 1, ("stream", "key_hash")):
        hashes = rows.column("key_hash").filter(pc.equal(rows.column("stream"), stream))
        found.append(np.unique(hashes.to_numpy()))
    return len(np.unique(np.concatenate(found))) if found else 0
