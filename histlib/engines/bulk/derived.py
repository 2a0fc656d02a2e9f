"""How each row of a sorted segment follows the one before it, as :func:`histlib.rules.chain.chain.build_chain` would
say of two changes: worked out for all rows at once when they are written, so that whole tables need not read every
image.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from histlib.values.paths import format_path

if TYPE_CHECKING:
    from histlib.rules.conditions import ItemCondition


import numpy as np

from histlib.engines.bulk.arrays import Mask, mask

#: Nothing of the same item right before it in the segment.
FIRST: Final = 0
PROVEN: Final = 1
UNPROVEN: Final = 2
GAP: Final = 3
#: Another delivery of the change before it, equal …
COPY: Final = 4
#: … or not.
CONFLICT: Final = 5
#: Not a change of a stream, in order with others: what it means is not for a whole table at once to say.
UNORDERED: Final = 6

#: What two deliveries of one change agree in, beside their images.
_FACTS: Final = ("action", "timestamp_micros", "actor", "redaction")

Codes = np.ndarray[Any, np.dtype[np.int8]]


def link_codes(rows: pa.Table) -> Codes:
    """A code for each row of rows sorted by :func:`histlib.format.rows.sort_rows`."""
    codes: Codes = np.zeros(rows.num_rows, dtype=np.int8)
    rows = rows.combine_chunks()
    if rows.num_rows > 1:
        earlier, later = rows.slice(0, rows.num_rows - 1), rows.slice(1)
        same_item = same(earlier, later, "key_hash") & same(earlier, later, "keys")
        codes[1:] = np.where(same_item, compare(earlier, later), FIRST)
    unordered = pc.or_(pc.is_null(rows.column("sequence_number")), pc.is_null(rows.column("stream")))
    codes[mask(pc.or_(unordered, pc.equal(rows.column("action"), "BASELINE")))] = UNORDERED
    return codes


def compare(earlier: pa.Table, later: pa.Table) -> Codes:
    """Codes of pairs of rows of one item."""
    copy = same(earlier, later, "stream") & same(earlier, later, "sequence_number")
    equal: Mask = np.logical_and.reduce([same(earlier, later, name) for name in (*_FACTS, "new_image", "old_image")])
    return np.select([copy & equal, copy], [COPY, CONFLICT], default=_follow(earlier, later)).astype(np.int8)


def _follow(earlier: pa.Table, later: pa.Table) -> Codes:
    """Codes of pairs of different changes: the image after the first against the image before the second."""
    none_after = mask(pc.equal(earlier.column("action"), "REMOVE"))
    old_is_null = mask(pc.is_null(later.column("old_image")))
    none_before = old_is_null & mask(pc.equal(later.column("action"), "INSERT"))
    unseen = (mask(pc.is_null(earlier.column("new_image"))) & ~none_after) | (old_is_null & ~none_before)
    equal = mask(pc.equal(earlier.column("new_image"), later.column("old_image")))
    return np.select(
        [none_after != none_before, none_after, unseen | ~same(earlier, later, "redaction"), equal],
        [GAP, PROVEN, UNPROVEN, PROVEN],
        default=GAP,
    )


def same(earlier: pa.Table, later: pa.Table, name: str) -> Mask:
    """Whether the values of a column are the same, row by row; null only is the same as null."""
    left, right = (_plain(table.column(name)) for table in (earlier, later))
    return mask(pc.equal(left, right)) | mask(pc.and_(pc.is_null(left), pc.is_null(right)))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The numbers of a dictionary's texts where all chunks share one: cheaper to compare."""
    if not pa.types.is_dictionary(column.type):
        return column
    if column.num_chunks == 1:
        return pa.chunked_array([column.chunk(0).indices])
    return column.cast(column.type.value_type)


#: The name of the column: paths, a line each; empty for the whole item, or where images do not show what changed.
CHANGED: Final = "changed"

#: Values stay the bytes they are: canonical text is equal where values are, to the last digit.
_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOTHING: Final = object()


def changed_column(rows: pa.Table) -> pa.DictionaryArray:
    """The column for rows with ``action``, ``new_image`` and ``old_image``."""
    codes: dict[tuple[str, ...], int] = {}
    columns = (rows.column(name).to_pylist() for name in ("action", "new_image", "old_image"))
    found = [codes.setdefault(_changed(*row), len(codes)) for row in zip(*columns, strict=True)]
    texts = ["\n".join(format_path((name,)) for name in names) for names in codes]
    return pa.DictionaryArray.from_arrays(pa.array(found, pa.int32()), pa.array(texts, pa.string()))


def _changed(action: str, new_image: str | None, old_image: str | None) -> tuple[str, ...]:
    if action != "MODIFY" or new_image is None or old_image is None:
        return ()
    try:
        new, old = _decoder.decode(new_image), _decoder.decode(old_image)
    except msgspec.DecodeError:  # an image that is no JSON is told of by whoever reads it
        return ()
    names = [name for name, value in new.items() if old.get(name, _NOTHING) != value]
    if new.keys() != old.keys():
        names += [name for name in old if name not in new]
    return tuple(sorted(names))


def changing(rows: pa.Table, condition: ItemCondition) -> Any:
    """A mask of the rows that may make a condition true or false: they change something that it asks for."""
    names = "|".join(re.escape(format_path((path[0],))) for path in sorted(condition.paths, key=str))
    whole = pc.or_(pc.not_equal(rows.column("action"), "MODIFY"), pc.equal(rows.column(CHANGED), ""))
    if not names:
        return whole
    return pc.or_(whole, pc.match_substring_regex(rows.column(CHANGED), f"(^|\n)({names})(\n|$)"))
