"""How each row of a sorted segment follows the one before it, as :func:`histlib.chain.build_chain` would say of two
changes: worked out for all rows at once when they are written, so that whole tables need not read every image.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.masks import Mask, mask

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
    """A code for each row of rows sorted by :func:`histlib.index.rows.sort_rows`."""
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
