"""The manifests below ``baseline/``, and what of each baseline is in the index, counted once while it stays so."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
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


class BaselineFacts:
    """The rows of :class:`histlib.queries.Baselines` for the history in ``root``; counts are kept in ``index``."""

    def __init__(self, root: Path, index: Path) -> None:
        self._folder = FolderFacts(root, "baseline", _row)
        self._kept = index / "baselines.json"
        self._counted: _Counts | None = None

    def refresh(self) -> bool:
        """Look again; whether any manifest has changed."""
        return self._folder.refresh()

    def table(self, snapshot: Snapshot) -> pa.Table:
        """A row per manifest, from what the index holds.

        Raises:
            SourceError: a manifest that cannot be read.
        """
        told = self._folder.rows
        if not told:
            return SCHEMA.empty_table()
        return pa.Table.from_pylist([row | self._found(row["manifest"], snapshot) for row in told], schema=SCHEMA)

    def _found(self, manifest: str, snapshot: Snapshot) -> dict[str, Any]:
        """What the index holds of a baseline; nothing of what is no baseline's manifest."""
        try:
            baseline = read_manifest(manifest)
        except ValueError:
            return {}
        if baseline is None:
            return {}
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
            self._counted = _load(self._kept)
        known = self._counted.get(baseline.id)
        if known is None or known[0] != basis:
            known = basis, _distinct_keys(snapshot.by_time, baseline.stream, *rows[:2])
            self._counted[baseline.id] = known
            _save(self._kept, self._counted)
        return known[1]


def _load(path: Path) -> _Counts:
    """The counts as kept; none where they are not as they were written, since they can be had again."""
    with suppress(OSError, msgspec.DecodeError):
        checksum, _, body = path.read_bytes().partition(b"\n")
        if checksum == _checksum(body):
            return msgspec.json.decode(body, type=_Counts)
    return {}


def _save(path: Path, counts: _Counts) -> None:
    """Keep the counts for the next process; one that may not write counts again."""
    body = msgspec.json.encode(counts)
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    with suppress(OSError):
        temporary.write_bytes(_checksum(body) + b"\n" + body)
        temporary.replace(path)


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).hexdigest().encode()


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
