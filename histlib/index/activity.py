"""Counts the changes of a window by period, action and path, each change once however often it was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from histlib.index.by_time import Times
from histlib.index.changed import CHANGED
from histlib.index.rows import identity_hashes
from histlib.index.selecting import selected
from histlib.queries import Activity

_COLUMNS: Final = [
    "key_hash",
    "stream",
    "sequence_number",
    "event_id",
    "timestamp_micros",
    "action",
    "view",
    "redaction",
    CHANGED,
]
_SCHEMA: Final = pa.schema(
    [
        ("period", pa.int64()),
        ("action", pa.string()),
        ("path", pa.string()),
        ("changes", pa.int64()),
        ("items", pa.int64()),
        ("redacted", pa.bool_()),
        ("unseen", pa.bool_()),
    ]
)
#: Mixes two numbers into one, so that equal pairs, and as good as only they, are equal.
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)

Numbers = np.ndarray[Any, Any]
#: Action, paths, view, and whether attributes were dropped.
Kind = tuple[str, str, str, bool]
Kinds = dict[Kind, int]


def activity(readers: Sequence[Times], query: Activity) -> pa.Table:
    """The answer to a query."""
    kinds: Kinds = {}
    found = [_facts(rows, query, kinds) for rows in selected(readers, query, _COLUMNS)]
    items, identities, periods, codes = (
        (np.concatenate(column) for column in zip(*found, strict=True)) if found else 4 * (np.zeros(0, np.int64),)
    )
    once = _once(identities, codes, kinds)
    items, periods, codes = items[once], periods[once], codes[once]
    order = np.argsort(items.astype(np.uint64) ^ (periods.astype(np.uint64) * _MIX))
    items, periods, codes = items[order], periods[order], codes[order]
    counted = []
    for action, path in sorted({(kind[0], path) for kind in kinds for path in kind[1].split("\n")}):
        mine = [kind[0] == action and path in kind[1].split("\n") for kind in kinds]
        flags = tuple(np.array([one and flag(kind) for one, kind in zip(mine, kinds, strict=True)]) for flag in _FLAGS)
        having = np.array(mine, dtype=bool)[codes]
        told = tuple(flag[codes][having] for flag in flags)
        counted += _count(action, path, items[having], periods[having], told)
    columns = zip(*counted, strict=True) if counted else ([] for _ in _SCHEMA)
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)], _SCHEMA)
    period = pc.add(pc.multiply(table.column("period"), query.unit), query.origin)
    return table.set_column(0, "period", period)


def _once(identities: Numbers, codes: Numbers, kinds: Kinds) -> Numbers:
    """Where each change is told once; of copies that differ, the one whose kind comes first, in whatever order they
    were read."""
    if not pd.Series(identities).duplicated().any():
        return np.arange(len(identities))
    rank = np.zeros(len(kinds), dtype=np.int64)
    rank[[kinds[kind] for kind in sorted(kinds)]] = np.arange(len(kinds))
    order = np.argsort(rank[codes], kind="stable")
    return order[~pd.Series(identities[order]).duplicated().to_numpy()]


def _facts(rows: pa.Table, query: Activity, kinds: Kinds) -> tuple[Numbers, ...]:
    """Of each change its item, its identity, its period and the code of its kind, that is action and paths."""
    periods = (rows.column("timestamp_micros").to_numpy() - query.origin) // query.unit
    redacted = pc.if_else(pc.is_valid(rows.column("redaction")), "r", "")
    columns = [rows.column("action"), rows.column("view"), redacted, rows.column(CHANGED)]
    plain = [column.cast(pa.string()) for column in columns]
    encoded = pc.binary_join_element_wise(*plain, "\n").combine_chunks().dictionary_encode()
    known = [kinds.setdefault(_kind(text), len(kinds)) for text in encoded.dictionary.to_pylist()]
    codes = np.array(known, dtype=np.int64)[encoded.indices.to_numpy()] if known else np.zeros(0, np.int64)
    return rows.column("key_hash").to_numpy(), identity_hashes(rows), periods, codes


def _kind(text: str) -> Kind:
    action, view, redacted, paths = text.split("\n", 3)
    return action, paths, view, bool(redacted)


def _unseen(kind: Kind) -> bool:
    """Whether the view lacks an image that the change had."""
    action, _, view, _ = kind
    lacks_new = view in ("KEYS_ONLY", "OLD_IMAGE") and action != "REMOVE"
    return lacks_new or (view in ("KEYS_ONLY", "NEW_IMAGE") and action != "INSERT")


#: What is told of the changes counted in a row.
_FLAGS: Final = (lambda kind: kind[3], _unseen)


def _count(
    action: str, path: str, items: Numbers, periods: Numbers, flags: Sequence[Numbers]
) -> list[tuple[int, str, str, int, int, bool, bool]]:
    """The numbers of changes and of different items in each period, and what is told of any of them; equal pairs of item
    and period stand together."""
    if not len(items):
        return []
    first = np.ones(len(items), dtype=bool)
    first[1:] = (items[1:] != items[:-1]) | (periods[1:] != periods[:-1])
    lowest = periods.min()
    changes = np.bincount(periods - lowest)
    different = np.bincount(periods[first] - lowest, minlength=len(changes))
    redacted, unseen = (np.bincount(periods - lowest, weights=flag, minlength=len(changes)) > 0 for flag in flags)
    return [
        (int(at + lowest), action, path, int(changes[at]), int(different[at]), bool(redacted[at]), bool(unseen[at]))
        for at in np.flatnonzero(changes)
    ]
