"""The manifests below ``baseline/``, each read once for as long as it stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from histlib.engines.beside.files import FolderFacts
from histlib.format.folders import BASELINE
from histlib.format.undelivered import content
from histlib.rules.coverage.baselines import Manifest as Baseline
from histlib.rules.coverage.baselines import read_manifest

#: What :class:`histlib.engines.queries.Baselines` yields.
SCHEMA: Final = pa.schema(
    [
        ("manifest", pa.string()),
        ("file", pa.string()),
        ("missing", pa.string()),
        ("damaged", pa.string()),
        ("keys", pa.int64()),
    ]
)
#: What there is of a baseline: its files that are ``missing`` and ``damaged``, and its ``keys``.
BaselineRow = Callable[[Baseline], dict[str, Any]]


class ManifestFacts:
    """The rows of :class:`histlib.engines.queries.Baselines` for the manifests in ``root``."""

    def __init__(self, root: Path) -> None:
        self._folder = FolderFacts(root, BASELINE, _row)

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
