"""Which rows a condition holds of: decided by DuckDB for all at once, by Python for those that DuckDB leaves open."""

from __future__ import annotations

from collections.abc import Callable
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.masks import Mask

if TYPE_CHECKING:
    import duckdb

    from histlib.queries import ItemCondition

_connections = local()


def holding(keys: Any, images: Any, condition: ItemCondition) -> Mask:
    """For each pair of key and image texts, whether the condition holds; of no image (null) never."""
    items = pa.table({"keys": _plain(keys), "image": _plain(images)})
    there: Mask = pc.is_valid(items.column("image")).to_numpy(zero_copy_only=False)
    return there & decide(items, condition.duckdb(), lambda row: condition.item(*row))


def unseen_images(rows: pa.Table) -> Mask:
    """The rows of changes that left an item whose image their view does not hold."""
    found: Mask = pc.and_(pc.is_null(rows.column("new_image")), pc.not_equal(rows.column("action"), "REMOVE")).to_numpy(
        zero_copy_only=False
    )
    return found


def decide(rows: pa.Table, condition: tuple[str, dict[str, Any]], ask: Callable[[tuple[Any, ...]], bool]) -> Mask:
    """For each row, whether a condition (DuckDB's text and parameters) holds; where it is NULL, ``ask`` says."""
    text, parameters = condition
    connection = _connection().register("asked", rows)
    decided = connection.sql(f"SELECT ({text}) AS verdict FROM asked", params=parameters).to_arrow_table()
    connection.unregister("asked")
    verdict = decided.column("verdict")
    holds: Mask = pc.fill_null(verdict, False).to_numpy(zero_copy_only=False).copy()
    left_open = np.flatnonzero(pc.is_null(verdict).to_numpy(zero_copy_only=False))
    columns = (column.to_pylist() for column in rows.take(pa.array(left_open)).columns)
    for at, row in zip(left_open.tolist(), zip(*columns, strict=True), strict=True):
        holds[at] = ask(row)
    return holds


def _plain(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _connection() -> duckdb.DuckDBPyConnection:
    """This thread's connection, with one thread of its own: threads share the work already."""
    import duckdb

    if not hasattr(_connections, "connection"):
        _connections.connection = duckdb.connect(config={"threads": 1, "enable_external_access": False})
    connection: duckdb.DuckDBPyConnection = _connections.connection
    return connection
