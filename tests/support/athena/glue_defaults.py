"""What AWS's Glue says and moto's leaves out, where Trino cannot do without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from moto.core.responses import ActionResult
from moto.glue.models import FakeTable
from moto.glue.responses import GlueResponse

#: As GetTable answers for a table made without them.
STORAGE: Final = {"Compressed": False, "NumberOfBuckets": 0, "SortColumns": [], "StoredAsSubDirectories": False}
STATISTICS: Final = ("get_column_statistics_for_table", "get_column_statistics_for_partition")


@contextmanager
def glue_defaults() -> Iterator[None]:
    """moto's Glue with these defaults in each table that it tells of, and with column statistics, of which it has none.

    (Refused, a question for statistics is asked again by Trino for a minute.)
    """
    told = FakeTable.as_dict

    def as_dict(table: FakeTable, version: str | None = None) -> dict[str, Any]:
        found = told(table, version)
        return {**found, "StorageDescriptor": {**STORAGE, **found.get("StorageDescriptor", {})}}

    def no_statistics(response: GlueResponse) -> ActionResult:
        return ActionResult({"ColumnStatisticsList": [], "Errors": []})

    with ExitStack() as patches:
        patches.enter_context(patch.object(FakeTable, "as_dict", as_dict))
        for action in STATISTICS:
            patches.enter_context(patch.object(GlueResponse, action, no_statistics, create=True))
        yield
