"""Differences between the states of items at two times, as columns of a table.

Pure; :mod:`histlib.answers.frames` makes the DataFrame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from histlib.rules import doubt
from histlib.rules.caveats import to_cell
from histlib.values.article_text import same_value_as_old_format
from histlib.values.diff import diff
from histlib.values.image_json import MISSING, decode_image, encode_image, with_json
from histlib.values.paths import format_path

if TYPE_CHECKING:
    import pyarrow as pa

#: Columns after the key's: name → what it holds.
COLUMNS: Final[dict[str, str]] = {
    "kind": "added, removed or changed",
    "path": "what differs; empty for an item added or removed: the whole item",
    "before": "Python value at the first time, or MISSING",
    "before_json": "the same as image JSON; NA where missing",
    "after": "Python value at the second time, or MISSING",
    "after_json": "the same as image JSON; NA where missing",
    "caveats": "names of caveats of either state, space-separated; empty if none",
}

Holds = Callable[[str, str | None], bool]


def pair_states(first: pa.Table, second: pa.Table) -> pa.Table:
    """The states (:data:`histlib.engines.bulk.states.SCHEMA`) of each key at two times where they differ, and are both
    known.

    Columns ``keys``, ``image``, ``image_right``, ``caveats``, ``caveats_right``, by key. A key that has no state at one
    time was not known then, so it is not there.
    """
    import pyarrow.compute as pc

    names = ["keys", "status", "image", "caveats"]
    joined = first.select(names).join(second.select(names), "keys", join_type="inner", right_suffix="_right")
    unknown = pc.or_(pc.equal(joined["status"], "unknown"), pc.equal(joined["status_right"], "unknown"))
    left, right = (pc.fill_null(joined[name], "") for name in ("image", "image_right"))
    differs = pc.and_(pc.invert(unknown), pc.not_equal(left, right))
    return joined.filter(differs).sort_by("keys")


def difference_columns(pairs: pa.Table, holds: Holds | None) -> dict[str, list[Any]]:
    """The columns ``keys`` and :data:`COLUMNS`; with ``holds`` only of items of which it is true at either time."""
    columns: dict[str, list[Any]] = {name: [] for name in ("keys", *COLUMNS)}
    cells = ["keys", "image", "image_right", "caveats", "caveats_right"]
    for keys, before, after, *caveats in zip(*(pairs[name].to_pylist() for name in cells), strict=True):
        if holds is not None and not (holds(keys, before) or holds(keys, after)):
            continue
        names = {name for text in caveats for name in text.split()}
        cell = to_cell(names)
        for kind, path, left, right in _differences(before, after, old_format=doubt.is_as_text(names)):
            row = (keys, kind, path, *left, *right, cell)
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
    return columns


def _differences(before: str | None, after: str | None, *, old_format: bool) -> Iterator[tuple[str, str, Any, Any]]:
    """Where an image is in format 0, what it tells apart."""
    if before is None:
        yield "added", "", (MISSING, None), _item(after)
    elif after is None:
        yield "removed", "", _item(before), (MISSING, None)
    else:
        for path, left, right in diff(decode_image(before), decode_image(after)):
            if old_format and same_value_as_old_format(left, right):
                continue
            yield "changed", format_path(path), with_json(left), with_json(right)


def _item(text: str | None) -> tuple[Any, str]:
    item = decode_image(text or "{}")
    return item, encode_image(item)
