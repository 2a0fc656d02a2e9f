"""Rows of a window for which a condition on changes may hold: DuckDB decides, or Python where that leaves it open."""

from __future__ import annotations

from collections.abc import Callable
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.bulk.arrays import Mask, mask

if TYPE_CHECKING:
    import duckdb

    from histlib.rules.conditions import ItemCondition

from collections.abc import Iterator, Sequence
from typing import Final

from histlib.engines.bulk.inputs import Times, parts
from histlib.engines.queries import Activity, ChangeKeys
from histlib.rules.actor import actor_name
from histlib.rules.conditions import ChangeCondition
from histlib.values.image_json import decode_image, encode_value

_ASKED: Final = ["keys", "new_image", "old_image", "action", "timestamp_micros", "actor"]


def selected(readers: Sequence[Times], query: ChangeKeys | Activity, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of the changes in a query's window for which its condition may hold, in parts; of no baselines.

    A condition on the time is not decided for single changes here: their effective time is not known.
    """
    condition = query.condition
    if condition is not None and condition.uses_time and isinstance(query, ChangeKeys):
        condition = None
    asked = ["action"] if condition is None else _ASKED
    for found in parts(readers, query.start, query.end, list(dict.fromkeys([*columns, *asked]))):
        rows = found.filter(pc.not_equal(found.column("action"), "BASELINE"))
        if condition is not None:
            changes = _changes(rows, condition, query.actor_attribute)
            rows = rows.filter(pa.array(decide(changes, condition.duckdb(), _asking(condition))))
        yield rows.select(columns)


def _asking(condition: ChangeCondition) -> Callable[[tuple[Any, ...]], bool]:
    return lambda row: condition.change(*row)


def _changes(rows: pa.Table, condition: ChangeCondition, actor_attribute: str | None) -> pa.Table:
    """What a condition asks of: the actor is worked out only where it matters."""
    actors: list[str | None] = [None] * rows.num_rows
    if condition.uses_actor:
        pairs = zip(rows.column("actor").to_pylist(), rows.column("new_image").to_pylist(), strict=True)
        actors = [actor_name(actor, _item(image, actor_attribute), actor_attribute) for actor, image in pairs]
    changes = rows.select(_ASKED[:-1]).rename_columns(["keys", "new_image", "old_image", "action", "effective"])
    return changes.append_column("actor", pa.array(actors, pa.string()))


def _item(image: str | None, actor_attribute: str | None) -> Any:
    return None if image is None or actor_attribute is None else decode_image(image)


#: Attribute name and canonical text of its value.
Names = Sequence[tuple[str, str]]


def key_parts(names: Names) -> list[str]:
    """The texts that the text of each such key contains (others may, too)."""
    return [f"{encode_value(name)}:{value}" for name, value in names]


def has_values(keys: str, names: Names) -> bool:
    """Whether a key has these values."""
    values = decode_image(keys)
    return all(name in values and encode_value(values[name]) == value for name, value in names)


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
