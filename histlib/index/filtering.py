"""Which rows a condition holds of: decided by DuckDB for all at once, by Python for those that DuckDB leaves open."""

from __future__ import annotations

from collections.abc import Callable
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.masks import Mask, mask

if TYPE_CHECKING:
    import duckdb

    from histlib.queries import ItemCondition

_connections = local()


def holding(keys: Any, images: Any, condition: ItemCondition) -> Mask:
    """For each pair of key and image texts, whether the condition holds; of no image (null) never."""
    items = pa.table({"keys": _plain(keys), "image": _plain(images)})
    there: Mask = pc.is_valid(items.column("image")).to_numpy(zero_copy_only=False)
    return there & decide(items, condition.duckdb(), lambda row: condition.item(*row))


def or_holding(so: Mask, asked: Mask, keys: Any, images: Any, condition: ItemCondition) -> Mask:
    """What is so, and of what else is asked for that of which a condition holds."""
    found, places = so.copy(), np.flatnonzero(asked & ~so)
    if len(places):
        some = pa.array(places)
        found[places] = holding(keys.take(some), images.take(some), condition)
    return found


def untold_images(rows: pa.Table, condition: ItemCondition) -> Mask:
    """The rows of changes whose new image does not tell whether a condition holds of it: their view does not hold it,
    or what is asked for may have been dropped."""
    images, there = rows.column("new_image"), pc.not_equal(rows.column("action"), "REMOVE")
    unseen, redacted = mask(pc.and_(pc.is_null(images), there)), mask(pc.is_valid(rows.column("redaction")))
    return or_holding(unseen, redacted, rows.column("keys"), images, condition.lacking)


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
