"""Folds the rows of many items at once: of each the last change up to a moment and the first after it.

What is not plain (deliveries that differ, changes of one second, stamps that run backwards, rows without order, hashes
that two keys share) is
called odd and left to :mod:`histlib.reconstruct`, one item at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.index.filtering import holding
from histlib.index.links import CONFLICT, COPY, FIRST, GAP, PROVEN, UNORDERED, UNPROVEN, Codes, Mask, compare, mask
from histlib.index.parallel import THREADS, ordered_map
from histlib.index.rows import row_order
from histlib.index.segments import HASH_BITS, SegmentReader
from histlib.queries import Around
from histlib.times import SECOND, end_of_second

_TEXTS: Final = ("keys", "stream", "action", "redaction")
_NARROW: Final = ["key_hash", "timestamp_micros", "link", *_TEXTS]
#: What :func:`histlib.index.links.compare` looks at.
_COMPARED: Final = [*_NARROW, "sequence_number", "actor", "new_image", "old_image"]
_LINKS: Final = {FIRST: "first", PROVEN: "proven", UNPROVEN: "unproven", GAP: "gap"}

#: What :class:`histlib.queries.Around` yields.
SCHEMA: Final = pa.schema(
    [
        ("keys", pa.string()),
        ("odd", pa.bool_()),
        ("action", pa.string()),
        ("new_image", pa.string()),
        ("stream", pa.string()),
        ("redaction", pa.string()),
        ("effective", pa.int64()),
        ("next_action", pa.string()),
        ("next_stream", pa.string()),
        ("next_redaction", pa.string()),
        ("next_effective", pa.int64()),
        ("next_old_image", pa.string()),
        ("link", pa.string()),
        ("gap", pa.bool_()),
    ]
)

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def fold(readers: Sequence[SegmentReader], query: Around) -> Iterator[pa.Table]:
    """The answer to a query, part by part."""
    bits = max((reader.segment.bits for reader in readers), default=0)
    step = 1 << (HASH_BITS - bits)
    ranges = (_Range(readers, at * step, (at + 1) * step - 1, query) for at in range(1 << bits))
    return ordered_map(lambda part: part.answer(), ranges, THREADS)


@dataclass(frozen=True)
class _Range:
    """The items of one range of hashes. Rows are counted in their sorted order, from 0."""

    readers: Sequence[SegmentReader]
    low: int
    high: int
    query: Around

    def answer(self) -> pa.Table:
        if self.query.baselines:
            return self._by_keys(pc.unique(pa.concat_arrays([self._texts(self._rows), self._texts(self._seen)])))
        if not self._rows.num_rows:
            return SCHEMA.empty_table()
        plain = np.flatnonzero(~self._odd)
        has_current, has_next = self._current[plain] >= 0, self._next[plain] >= 0
        current = np.where(has_current, self._current[plain], 0)
        following = np.where(has_next, self._next[plain], 0)
        new_image = self._take("new_image", current, has_current)
        old_image = self._old_images(following, has_next & ~has_current)
        action, next_action = self._take("action", current, has_current), self._take("action", following, has_next)
        unseen = has_current & _is_null(new_image) & ~mask(pc.equal(action, "REMOVE"))
        unseen |= ~has_current & _is_null(old_image) & ~mask(pc.equal(next_action, "INSERT"))
        table = pa.table(
            {
                "keys": self._take("keys", self._starts[plain]),
                "odd": pa.array(unseen),
                "action": action,
                "new_image": new_image,
                "stream": self._take("stream", current, has_current),
                "redaction": self._take("redaction", current, has_current),
                "effective": pa.array(self._effective[current], mask=~has_current),
                "next_action": next_action,
                "next_stream": self._take("stream", following, has_next),
                "next_redaction": self._take("redaction", following, has_next),
                "next_effective": pa.array(self._effective[following], mask=~has_next),
                "next_old_image": old_image,
                "link": self._link_texts(plain, has_current & has_next),
                "gap": pa.array(self._broken[plain]),
            },
            schema=SCHEMA,
        )
        wanted = self._wanted(table) | self._broken[plain]
        return pa.concat_tables([table.filter(pa.array(wanted)), self._odd_rows()])

    def _wanted(self, table: pa.Table) -> Mask:
        """The rows that the condition may hold of; those that turned out odd stay."""
        condition = self.query.condition
        if condition is None:
            return np.ones(table.num_rows, dtype=bool)
        images = pc.coalesce(table.column("new_image"), table.column("next_old_image"))
        return holding(table.column("keys"), images, condition) | mask(table.column("odd"))

    def _odd_rows(self) -> pa.Table:
        """A row for each key of the odd items."""
        inside = self._odd[self._item]
        return self._by_keys(pc.unique(self._texts(self._rows.filter(pa.array(inside)))))

    @staticmethod
    def _texts(rows: pa.Table) -> pa.Array:
        return pc.unique(rows.column("keys")).cast(pa.string())

    @staticmethod
    def _by_keys(found: pa.Array) -> pa.Table:
        columns = {name: pa.nulls(len(found), SCHEMA.field(name).type) for name in SCHEMA.names}
        columns |= {"keys": found, "odd": pa.array(np.ones(len(found), dtype=bool))}
        return pa.table(columns, schema=SCHEMA)

    # --- the rows, sorted ---

    @cached_property
    def _unsorted(self) -> pa.Table:
        columns = [*_NARROW, "sequence_number"] if self._several else _NARROW
        return self._read(columns).unify_dictionaries().combine_chunks()

    @cached_property
    def _several(self) -> bool:
        return len(self.readers) > 1

    @cached_property
    def _order(self) -> Numbers | None:
        """Where the changes lie, sorted, among the rows read; None: as they are."""
        order: Numbers | None = row_order(self._unsorted) if self._several else None
        if not self._is_seen.any():
            return order
        return np.flatnonzero(~self._is_seen) if order is None else order[~self._is_seen[order]]

    @cached_property
    def _is_seen(self) -> Mask:
        """The rows read that are a baseline's, and no changes."""
        return mask(pc.equal(self._unsorted.column("action"), "BASELINE"))

    @cached_property
    def _seen(self) -> pa.Table:
        """The rows of complete baselines."""
        streams = pa.array([one.stream for one in self.query.baselines], pa.string())
        rows = self._unsorted.filter(pa.array(self._is_seen))
        return rows.filter(pc.is_in(rows.column("stream").cast(pa.string()), streams))

    @cached_property
    def _rows(self) -> pa.Table:
        return self._unsorted if self._order is None else self._unsorted.take(pa.array(self._order))

    @cached_property
    def _first_of_segment(self) -> Numbers:
        """Where the rows of each segment begin among those read."""
        sizes = [reader.between(self.low, self.high, ["key_hash"]).num_rows for reader in self.readers]
        return np.cumsum([0, *sizes[:-1]])

    def _read(self, columns: Sequence[str]) -> pa.Table:
        return pa.concat_tables([reader.between(self.low, self.high, columns) for reader in self.readers])

    def _take(self, name: str, at: Numbers, there: Mask | None = None) -> pa.Array:
        """Values of a column at some rows; null where ``there`` is false."""
        if name in _TEXTS:
            found = self._rows.column(name).take(pa.array(at, mask=None if there is None else ~there))
            return found.combine_chunks().cast(pa.string())
        places = at if self._order is None else self._order[at]
        column = self._read(["key_hash", name]).column(name)
        return column.take(pa.array(places, mask=None if there is None else ~there)).combine_chunks()

    def _old_images(self, at: Numbers, there: Mask) -> pa.Array:
        """The column is read only where any row needs it."""
        return self._take("old_image", at, there) if there.any() else pa.nulls(len(at), pa.string())

    # --- items ---

    @cached_property
    def _starts(self) -> Numbers:
        """The first row of each item (of each hash: what two keys share is odd)."""
        hashes = self._rows.column("key_hash").to_numpy()
        return np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))

    @cached_property
    def _ends(self) -> Numbers:
        return np.append(self._starts[1:], self._rows.num_rows)

    @cached_property
    def _item(self) -> Numbers:
        """The item of each row."""
        return np.repeat(np.arange(len(self._starts)), self._ends - self._starts)

    @cached_property
    def _effective(self) -> Numbers:
        """The running maximum of the stamps within each item."""
        stamps: Numbers = self._rows.column("timestamp_micros").to_numpy()
        if not self._backwards.any():
            return stamps
        stamps = stamps.copy()
        for item in np.flatnonzero(self._any(self._backwards)):
            inside = slice(self._starts[item], self._ends[item])
            stamps[inside] = np.maximum.accumulate(stamps[inside])
        return stamps

    @cached_property
    def _backwards(self) -> Mask:
        """Rows with an earlier stamp than the one before them."""
        stamps = self._rows.column("timestamp_micros").to_numpy()
        found = np.zeros(len(stamps), dtype=bool)
        found[1:] = (stamps[1:] < stamps[:-1]) & (self._item[1:] == self._item[:-1])
        return found

    @cached_property
    def _split(self) -> Numbers:
        """The first row of each item after the moment (its end where there is none)."""
        before = self._effective <= end_of_second(self.query.moment)
        return self._starts + np.add.reduceat(before.astype(np.int64), self._starts)

    @cached_property
    def _current(self) -> Numbers:
        """The last row up to the moment, −1 where there is none."""
        return np.where(self._split > self._starts, self._split - 1, -1)

    @cached_property
    def _next(self) -> Numbers:
        """The first row after the moment, −1 where there is none."""
        return np.where(self._split < self._ends, self._split, -1)

    # --- how rows follow each other ---

    @cached_property
    def _links(self) -> Codes:
        """The codes of :mod:`histlib.index.links`; worked out anew where another segment's row came between."""
        links: Codes = self._rows.column("link").to_numpy().copy()
        if self._order is None:
            return links
        origin = np.searchsorted(self._first_of_segment, self._order, side="right")
        apart = (np.diff(self._order) != 1) | (np.diff(origin) != 0)
        moved = np.zeros(len(links), dtype=bool)
        moved[1:] = apart & (self._item[1:] == self._item[:-1]) & (links[1:] != UNORDERED)
        at = np.flatnonzero(moved)
        if len(at):
            places = pa.array(self._order)
            rows = self._read(_COMPARED).unify_dictionaries()
            earlier, later = (rows.take(places.take(pa.array(one))) for one in (at - 1, at))
            links[at] = compare(earlier, later)
        return links

    def _link_texts(self, plain: Numbers, both: Mask) -> pa.Array:
        codes = self._links[np.where(both, self._next[plain], 0)]
        names = np.array([_LINKS.get(code, "") for code in range(UNORDERED + 1)], dtype=object)
        return pa.array(names[codes], pa.string(), mask=~both)

    @cached_property
    def _odd(self) -> Mask:
        """Items to be reconstructed one by one."""
        odd = self._any((self._links == CONFLICT) | (self._links == UNORDERED) | self._backwards)
        codes = self._rows.column("keys").combine_chunks().indices.to_numpy()
        other_key = np.zeros(len(codes), dtype=bool)
        other_key[1:] = (codes[1:] != codes[:-1]) & (self._item[1:] == self._item[:-1])
        second = self.query.moment - self.query.moment % SECOND
        sharing = (self._effective >= second) & (self._effective < second + SECOND) & (self._links != COPY)
        most = 1 if self.query.moment % SECOND == 0 else 0
        return odd | self._any(other_key) | (np.add.reduceat(sharing.astype(np.int64), self._starts) > most)

    @cached_property
    def _broken(self) -> Mask:
        """Items of which a change is missing between the moment and where the query looks to."""
        through = self.query.through
        if through is None:
            return np.zeros(len(self._starts), dtype=bool)
        before = np.concatenate([[0], self._effective[:-1]])
        return self._any((self._links == GAP) & (self._effective > self.query.moment) & (before <= through))

    def _any(self, rows: Mask) -> Mask:
        """The items with any of these rows."""
        return np.logical_or.reduceat(rows, self._starts)


def _is_null(values: pa.Array) -> Mask:
    found: Mask = values.is_null().to_numpy(zero_copy_only=False)
    return found
