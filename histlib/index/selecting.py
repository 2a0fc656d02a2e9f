"""Rows of a window for which a condition on changes may hold: DuckDB decides, or Python where that leaves it open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from histlib.index.by_time import Times, parts
from histlib.index.filtering import decide
from histlib.queries import Activity, ChangeCondition, ChangeKeys
from histlib.timelines import actor_name
from histlib.values import decode_image

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
