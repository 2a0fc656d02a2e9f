"""A source that gives of an item no more than a question's bounds promise, to prove that nothing else is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

import histlib
from histlib.engines.queries import ItemChanges, Query, Source
from histlib.format.record import Change, changes_of
from histlib.rules.chain.chain import build_chain
from histlib.rules.chain.reach import outside
from histlib.values.times import second_of


class NarrowSource:
    """Answers as ``whole`` does, but of items only the rows that :class:`histlib.engines.queries.ItemChanges` promises.

    ``kept`` and ``dropped`` count the rows.
    """

    def __init__(self, whole: Source) -> None:
        self._whole = whole
        self.kept = self.dropped = 0

    def fetch(self, query: Query) -> pa.Table:
        """The rows of a query."""
        table = self._whole.fetch(query)
        if not isinstance(query, ItemChanges):
            return table
        rows = changes_of(table)
        wanted = [False] * len(rows)
        for keys in {row.keys for row in rows}:
            own = [at for at, row in enumerate(rows) if row.keys == keys]
            for at, kept in zip(own, promised([rows[at] for at in own], query.start, query.end), strict=True):
                wanted[at] = kept
        self.kept += sum(wanted)
        self.dropped += len(wanted) - sum(wanted)
        return table.filter(pa.array(wanted, pa.bool_()))


def promised(rows: Sequence[Change], start: int | None, end: int | None) -> list[bool]:
    """Which rows of an item the contract promises."""
    first, last = outside(rows, start, end)
    low = -1 if first is None else second_of(first.effective)[0]
    high = 1 << 62 if last is None else second_of(last.effective)[1]
    steps = build_chain(rows)
    within = steps[0 if first is None else steps.index(first) : len(steps) if last is None else steps.index(last) + 1]
    identities = {step.change.identity for step in within}
    identities |= {row.identity for row in rows if low <= row.timestamp_micros <= high}

    def needed(row: Change) -> bool:
        if row.action != "BASELINE":
            return row.identity in identities
        begin = row.timestamp_micros if row.read_begin is None else row.read_begin
        return low <= begin and max(begin, row.read_end or begin) <= high

    return list(map(needed, rows))


def narrowed(history: histlib.History) -> tuple[histlib.History, NarrowSource]:
    """The same history, read through a narrow source."""
    source = NarrowSource(history._opened.source)
    return histlib.History(replace(history._opened, source=source), history._tz), source
