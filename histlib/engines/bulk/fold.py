"""Folds the rows of many items at once: of each the last change up to a moment, the first after it, and the sighting by
a baseline that decides instead.

What is not plain where it matters (deliveries that differ, changes of one second, stamps that run backwards, rows
without order, hashes that two keys share, sightings that disagree) is called odd and left to
:mod:`histlib.rules.state`, one item at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.bulk.arrays import THREADS, Mask, mask, ordered_map
from histlib.engines.bulk.derived import CONFLICT, COPY, FIRST, GAP, PROVEN, UNORDERED, UNPROVEN, Codes, compare, same
from histlib.engines.bulk.inputs import HASH_BITS
from histlib.engines.bulk.selecting import holding, or_holding
from histlib.engines.bulk.sightings import Items, Sighted
from histlib.engines.queries import NOTHING, Around, CompleteBaseline, Silent
from histlib.format.rows import row_order
from histlib.values.times import SECOND

_TEXTS: Final = ("keys", "stream", "action", "redaction")
_NARROW: Final = ["key_hash", "timestamp_micros", "link", *_TEXTS]
#: What :func:`histlib.engines.bulk.derived.compare` looks at.
_COMPARED: Final = [*_NARROW, "sequence_number", "actor", "new_image", "old_image"]
_LINKS: Final = {FIRST: "first", PROVEN: "proven", UNPROVEN: "unproven", GAP: "gap"}

#: What :class:`histlib.engines.queries.Around` yields.
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
        ("seen_begin", pa.int64()),
        ("seen_end", pa.int64()),
        ("seen_image", pa.string()),
        ("seen_redaction", pa.string()),
        ("set_seen", pa.bool_()),
        ("later", pa.bool_()),
        ("holds", pa.bool_()),
        ("may", pa.bool_()),
    ]
)
_SEEN: Final = ("seen_begin", "seen_end", "seen_image", "seen_redaction", "set_seen", "later")

Numbers = np.ndarray[Any, np.dtype[np.int64]]


class Segment(Protocol):
    """Rows sorted by key hash, with how each follows the one before it: a file's, or some in memory."""

    @property
    def bits(self) -> int: ...

    def between(self, low: int, high: int, columns: Sequence[str]) -> pa.Table:
        """Columns of all rows with low ≤ hash ≤ high, sorted by hash; few texts are dictionaries."""
        ...


_NONE: Final = np.iinfo(np.int64).max

#: Ranges of hashes whose items a condition is asked of at once.
_AT_ONCE: Final = 8


def fold(readers: Sequence[Segment], query: Around) -> Iterator[pa.Table]:
    """The answer to a query, part by part."""
    bits = max((reader.bits for reader in readers), default=0)
    step = 1 << (HASH_BITS - bits)
    ranges = [_Range(readers, at * step, (at + 1) * step - 1, query) for at in range(1 << bits)]
    jobs = (ranges[at : at + _AT_ONCE] for at in range(0, len(ranges), _AT_ONCE))
    return ordered_map(lambda some: _answer(some, query), jobs, THREADS)


def _answer(ranges: Sequence[_Range], query: Around) -> pa.Table:
    """The rows of some ranges that the condition holds of, and those that stay whatever it says."""
    found = [part.rows() for part in ranges]
    table = pa.concat_tables([rows for rows, _ in found])
    if query.condition is None:
        return table
    keys, others = table.column("keys"), table.column("next_old_image")
    images, rules = (_deciding(table, name) for name in ("image", "redaction"))
    holds = holding(keys, images, query.condition)
    redacted = mask(pc.is_valid(rules))
    unproven = mask(pc.and_(pc.equal(table.column("link"), "unproven"), pc.is_valid(others)))
    may = or_holding(holds, redacted, keys, images, query.condition.lacking)
    may = or_holding(may, unproven, keys, others, query.condition)
    may = or_holding(may, unproven & redacted, keys, others, query.condition.lacking)
    may |= np.concatenate([rows for _, rows in found])
    odd = mask(table.column("odd"))
    for name, verdict in (("holds", holds), ("may", may)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(verdict, mask=odd))
    return table.filter(pa.array(may | _open(table, query.silent)))


def _deciding(rows: pa.Table, name: str) -> pa.ChunkedArray:
    """The image that tells of each item, or the redaction of it."""
    new, old = ("new_image", "next_old_image") if name == "image" else ("redaction", "next_redaction")
    changed = pc.is_valid(rows.column("effective"))
    told = pc.if_else(changed, rows.column(new), rows.column(old))
    return pc.if_else(pc.is_valid(rows.column("seen_begin")), rows.column(f"seen_{name}"), told)


def _open(rows: pa.Table, silent: Sequence[Silent]) -> Mask:
    """The rows of which more may be missing than what is silent for certain; none where nothing is said of that."""
    if not silent:
        return np.zeros(rows.num_rows, dtype=bool)
    seen = pc.is_valid(rows.column("seen_begin"))
    changed = pc.is_valid(rows.column("effective"))
    streams = pc.if_else(seen, None, pc.if_else(changed, rows.column("stream"), rows.column("next_stream")))
    first = pc.coalesce(rows.column("seen_begin"), rows.column("effective"))
    last = pc.if_else(seen, rows.column("seen_end"), pc.if_else(changed, None, rows.column("next_effective")))
    certain = np.zeros(rows.num_rows, dtype=bool)
    for one in silent:
        own = seen if one.stream is None else pc.and_(pc.invert(seen), pc.equal(streams, one.stream))
        inside = pc.and_(
            pc.fill_null(pc.greater_equal(first, one.since), True), pc.fill_null(pc.less_equal(last, one.until), True)
        )
        certain |= mask(pc.and_(own, inside))
    return ~certain


@dataclass(frozen=True)
class _Range:
    """The items of one range of hashes. Rows are counted in their sorted order, from 0."""

    readers: Sequence[Segment]
    low: int
    high: int
    query: Around
    _kept: dict[str, pa.ChunkedArray] = field(default_factory=dict)

    def rows(self) -> tuple[pa.Table, Mask]:
        """The rows, and which stay whatever a condition says: odd ones, and what an unseen change may have hit."""
        if not self._rows.num_rows:
            return SCHEMA.empty_table(), np.zeros(0, dtype=bool)
        plain = np.flatnonzero(~self._odd)
        if self.query.condition is NOTHING:  # no image matters
            plain = plain[self._broken[plain] | self._unlike[plain]]
        has_current, has_next = self._current[plain] >= 0, self._next[plain] >= 0
        current = np.where(has_current, self._current[plain], 0)
        following = np.where(has_next, self._next[plain], 0)
        new_image = self._take("new_image", current, has_current)
        asked = ~has_current
        if self.query.condition is not None:
            asked |= self._links[following] == UNPROVEN
        old_image = self._old_images(following, has_next & asked)
        action, next_action = self._take("action", current, has_current), self._take("action", following, has_next)
        unseen = has_current & _is_null(new_image) & ~mask(pc.equal(action, "REMOVE"))
        unseen |= has_next & ~has_current & _is_null(old_image) & ~mask(pc.equal(next_action, "INSERT"))
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
                **self._seen_columns(plain, has_current, has_next),
                **{name: pa.nulls(len(plain), pa.bool_()) for name in ("holds", "may")},
            },
            schema=SCHEMA,
        )
        odd = self._odd_rows()
        stay = [unseen | self._broken[plain] | self._unlike[plain], np.ones(odd.num_rows, dtype=bool)]
        return pa.concat_tables([table, odd]), np.concatenate(stay)

    def _odd_rows(self) -> pa.Table:
        """A row for each key of the odd items."""
        inside = self._odd[self._item]
        return odd_rows(pc.unique(self._rows.column("keys").filter(pa.array(inside))).cast(pa.string()))

    def _seen_columns(self, plain: Numbers, has_current: Mask, has_next: Mask) -> dict[str, pa.Array]:
        """The columns that tell of sightings."""
        if self._sighted is None:
            return {name: pa.nulls(len(plain), SCHEMA.field(name).type) for name in _SEEN}
        chosen = self._sighted.chosen
        by, row, upcoming = chosen.by[plain], chosen.row[plain], chosen.upcoming[plain]
        there, found = by >= 0, row >= 0
        lacking = np.array([*(one.redaction for one in self._baselines), None], dtype=object)[by]
        own = self._take("redaction", np.maximum(row, 0), found)
        return {
            "seen_begin": pa.array(chosen.begin[plain], mask=~there),
            "seen_end": pa.array(chosen.end[plain], mask=~there),
            "seen_image": self._take("new_image", np.maximum(row, 0), found),
            "seen_redaction": pc.if_else(pa.array(found), own, pa.array(lacking, pa.string())),
            "set_seen": pa.array(self._sighted.set_by_current[plain], mask=~there),
            "later": pa.array(((has_current | there) & upcoming) | (there & has_next)),
        }

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
        """Where the sorted rows lie among those read, of each item its changes before its sightings; None: as they are.

        Rows of baselines that are not complete are left out.
        """
        order: Numbers | None = row_order(self._unsorted) if self._several else None
        seen = _of_baselines(self._unsorted)
        if not seen.any():
            return order
        streams = pa.array([one.stream for one in self._baselines], pa.string())
        kept = ~seen | mask(pc.is_in(self._unsorted.column("stream").cast(pa.string()), streams))
        order = np.flatnonzero(kept) if order is None else order[kept[order]]
        hashes = self._unsorted.column("key_hash").to_numpy()[order]
        return order[np.lexsort([seen[order], hashes])]

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
        column = self._column(name)
        return column.take(pa.array(places, mask=None if there is None else ~there)).combine_chunks()

    def _column(self, name: str) -> pa.ChunkedArray:
        """A column as read; kept only where baselines make it be asked for more than once."""
        if name in self._kept:
            return self._kept[name]
        column = self._read(["key_hash", name]).column(name)
        if self._sees:
            self._kept[name] = column
        return column

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
    def _baselines(self) -> list[CompleteBaseline]:
        return sorted(self.query.baselines, key=lambda one: one.stream)

    @cached_property
    def _is_seen(self) -> Mask:
        """The rows that are a baseline's, and no changes."""
        return _of_baselines(self._rows)

    @cached_property
    def _change_ends(self) -> Numbers:
        """Behind the last change of each item; its sightings follow."""
        if not self._is_seen.any():
            return self._ends
        return self._ends - np.add.reduceat(self._is_seen.astype(np.int64), self._starts)

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
        return found & ~self._is_seen

    @cached_property
    def _split(self) -> Numbers:
        """The first row of each item after the moment (its end where there is none)."""
        before = (self._effective <= self.query.last) & ~self._is_seen
        return self._starts + np.add.reduceat(before.astype(np.int64), self._starts)

    @cached_property
    def _current(self) -> Numbers:
        """The last row up to the moment, −1 where there is none."""
        return np.where(self._split > self._starts, self._split - 1, -1)

    @cached_property
    def _next(self) -> Numbers:
        """The first row after the moment, −1 where there is none."""
        return np.where(self._split < self._change_ends, self._split, -1)

    # --- how rows follow each other ---

    @cached_property
    def _links(self) -> Codes:
        """The codes of :mod:`histlib.engines.bulk.derived`; worked out anew where another segment's row came
        between."""
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
        links[self._starts] = np.where(links[self._starts] == UNORDERED, UNORDERED, FIRST)
        return links

    def _link_texts(self, plain: Numbers, both: Mask) -> pa.Array:
        codes = self._links[np.where(both, self._next[plain], 0)]
        names = np.array([_LINKS.get(code, "") for code in range(UNORDERED + 1)], dtype=object)
        return pa.array(names[codes], pa.string(), mask=~both)

    @cached_property
    def _odd(self) -> Mask:
        """Items to be reconstructed one by one."""
        return self._odd_changes if self._sighted is None else self._odd_changes | self._sighted.odd

    @cached_property
    def _odd_changes(self) -> Mask:
        unordered = (self._links == UNORDERED) & ~self._is_seen
        codes = self._rows.column("keys").combine_chunks().indices.to_numpy()
        other_key = np.zeros(len(codes), dtype=bool)
        other_key[1:] = (codes[1:] != codes[:-1]) & (self._item[1:] == self._item[:-1])
        stamps = self._rows.column("timestamp_micros").to_numpy()
        second = self.query.moment - self.query.moment % SECOND
        sharing = (stamps >= second) & (stamps < second + SECOND) & (self._links != COPY) & ~self._is_seen
        most = 1 if self.query.moment % SECOND == 0 else 0
        shared = np.add.reduceat(sharing.astype(np.int64), self._starts) > most
        odd = self._any(unordered | other_key) | shared
        conflicts = self._links == CONFLICT
        return odd | self._odd_around(conflicts) if conflicts.any() or self._backwards.any() else odd

    def _odd_around(self, conflicts: Mask) -> Mask:
        """Items of which deliveries differ, or stamps run backwards, where it matters: at the last change up to the
        moment, or from then on through the first one beyond where the query looks to."""
        stamps = self._rows.column("timestamp_micros").to_numpy()
        through = max(self.query.last, self.query.through or 0)
        after = (stamps > self.query.last) & ~self._is_seen
        before, beyond = ~after & ~self._is_seen, after & (stamps > through)
        change = np.cumsum((self._links != COPY) & ~conflicts)  # its deliveries have one number
        latest = np.maximum.reduceat(np.where(before, change, -1), self._starts)
        first, last = self._least(change, after), self._least(change, beyond)
        is_latest = before & (change == latest[self._item])
        is_first, is_last = after & (change == first[self._item]), beyond & (change == last[self._item])
        near = is_latest | is_first | is_last | (after & ~beyond)
        at = np.flatnonzero(near)
        down = is_latest & (stamps < np.maximum.reduceat(np.where(before, stamps, -1), self._starts)[self._item])
        down |= is_first & (stamps > self._least(stamps, after)[self._item])
        down |= is_last & (stamps > self._least(stamps, beyond)[self._item])
        down[at[1:]] |= (stamps[at[1:]] < stamps[at[:-1]]) & (self._item[at[1:]] == self._item[at[:-1]])
        return self._any(down | (conflicts & near)) | (latest >= first)

    def _least(self, values: Numbers, some: Mask) -> Numbers:
        """Of each item the least value of some rows, and more than any where it has none."""
        least: Numbers = np.minimum.reduceat(np.where(some, values, _NONE), self._starts)
        return least

    @cached_property
    def _broken(self) -> Mask:
        """Items of which a change is missing between the moment and where the query looks to."""
        through = self.query.through
        if through is None:
            return np.zeros(len(self._starts), dtype=bool)
        return self._any((self._links == GAP) & self._ahead)

    @cached_property
    def _unlike(self) -> Mask:
        """Items redacted by other rules from some change on, in a time that the query looks through: what it shows may
        be as new as it."""
        if (self.query.through or 0) <= self.query.last or self._rows.num_rows < 2:
            return np.zeros(len(self._starts), dtype=bool)
        other = np.zeros(self._rows.num_rows, dtype=bool)
        other[1:] = ~same(self._rows.slice(0, self._rows.num_rows - 1), self._rows.slice(1), "redaction")
        return self._any(other & (self._links == UNPROVEN) & self._ahead)

    @cached_property
    def _ahead(self) -> Mask:
        """Rows that may tell of a time between the moment and where the query looks to."""
        before = np.concatenate([[0], self._effective[:-1]])
        ahead: Mask = (self._effective > self.query.last) & (before <= max(self.query.last, self.query.through or 0))
        return ahead

    # --- what baselines saw ---

    @cached_property
    def _sees(self) -> bool:
        return bool(self._baselines)

    @cached_property
    def _sighted(self) -> Sighted | None:
        """None where no baseline is complete."""
        if not self._sees:
            return None
        items = Items(
            self._take,
            self._starts,
            self._change_ends,
            self._item,
            self._effective,
            self._is_seen,
            self._current,
            self._next,
            self._odd_changes,
        )
        return Sighted(items, self._baselines, self.query)

    def _any(self, rows: Mask) -> Mask:
        """The items with any of these rows."""
        return np.logical_or.reduceat(rows, self._starts)


def odd_rows(keys: Any) -> pa.Table:
    """A row for each of these keys, of odd items."""
    columns = {name: pa.nulls(len(keys), SCHEMA.field(name).type) for name in SCHEMA.names}
    columns |= {"keys": keys, "odd": pa.array(np.ones(len(keys), dtype=bool))}
    return pa.table(columns, schema=SCHEMA)


def _of_baselines(rows: pa.Table) -> Mask:
    """The rows that are a baseline's; told by their texts' numbers, since most histories have none."""
    actions = rows.column("action").combine_chunks()
    found: Mask = actions.indices.to_numpy() == pc.index(actions.dictionary, "BASELINE").as_py()
    return found


def _is_null(values: pa.Array) -> Mask:
    found: Mask = values.is_null().to_numpy(zero_copy_only=False)
    return found
