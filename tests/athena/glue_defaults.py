"""What AWS's Glue says of a table that its maker did not say; moto leaves it out, and Trino cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from moto.glue.models import FakeTable

#: As GetTable answers for a table made without them.
STORAGE: Final = {"Compressed": False, "NumberOfBuckets": 0, "SortColumns": [], "StoredAsSubDirectories": False}


@contextmanager
def glue_defaults() -> Iterator[None]:
    """moto's Glue with these defaults in each table that it tells of."""
    told = FakeTable.as_dict

    def as_dict(table: FakeTable, version: str | None = None) -> dict[str, Any]:
        found = told(table, version)
        return {**found, "StorageDescriptor": {**STORAGE, **found.get("StorageDescriptor", {})}}

    with patch.object(FakeTable, "as_dict", as_dict):
        yield
