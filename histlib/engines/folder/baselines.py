"""The manifests below ``baseline/``, and what of each baseline is in the index, counted once while it stays so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from histlib.engines.bulk.inputs import parts
from histlib.engines.folder.index.by_time import TimeReader
from histlib.engines.folder.index.manifest import Manifest, StreamFacts
from histlib.engines.folder.index.store import Snapshot
from histlib.format.problems import files_of
from histlib.rules.coverage.baselines import Manifest as Baseline
from histlib.stores.memo import load, save
from histlib.stores.tree import Facts

#: What a count rests on: the rows of the stream by time, and the files that the manifest names.
_Basis = tuple[tuple[int, int, int], tuple[Facts | None, ...]]


#: Id of a baseline → how many keys were counted, and from what.
_Counts = dict[str, tuple[_Basis, int]]


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
