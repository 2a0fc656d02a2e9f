"""Counts the changes of a window by period, action and path, each change once however often it was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.bulk.derived import CHANGED
from histlib.engines.bulk.inputs import Times
from histlib.engines.bulk.selecting import selected
from histlib.engines.queries import Activity
from histlib.format.rows import identity_hashes

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
        ("dropped", pa.bool_()),
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
    found = [_facts(rows, kinds) for rows in selected(readers, query, _COLUMNS)]
    if not any(len(items) for items, *_ in found):
        return _SCHEMA.empty_table()
    items, identities, stamps, codes = (np.concatenate(column) for column in zip(*found, strict=True))
    once = _once(identities, codes, kinds)
    items, stamps, codes = items[once], stamps[once], codes[once]
    starts = query.periods.starts(int(stamps.min()), int(stamps.max()))
    periods = _numbers(stamps, starts)
    order = np.argsort(items.astype(np.uint64) ^ (periods.astype(np.uint64) * _MIX))
    items, periods, codes = items[order], periods[order], codes[order]
    counted = []
    for action, path in sorted({(kind[0], path) for kind in kinds for path in kind[1].split("\n")}):
        mine = [kind for kind in kinds if kind[0] == action and path in kind[1].split("\n")]
        having = np.array([kind in mine for kind in kinds], dtype=bool)
        flags = any(kind[3] for kind in mine), any(map(_unseen, mine))
        counts = _count(items[having[codes]], periods[having[codes]])
        counted += [(starts[number], action, path, changes, different, *flags) for number, changes, different in counts]
    columns = zip(*counted, strict=True)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)], _SCHEMA)


def _numbers(stamps: Numbers, starts: Sequence[int]) -> Numbers:
    """Of each stamp the number of the period that it lies in."""
    if isinstance(starts, range):
        return (stamps - starts.start) // starts.step
    return np.searchsorted(np.array(starts, dtype=np.int64), stamps, side="right") - 1


def _once(identities: Numbers, codes: Numbers, kinds: Kinds) -> Numbers:
    """Where each change is told once; of copies that differ, the one whose kind comes first, in whatever order they
    were read."""
    if not pd.Series(identities).duplicated().any():
        return np.arange(len(identities))
    rank = np.zeros(len(kinds), dtype=np.int64)
    rank[[kinds[kind] for kind in sorted(kinds)]] = np.arange(len(kinds))
    order = np.argsort(rank[codes], kind="stable")
    return order[~pd.Series(identities[order]).duplicated().to_numpy()]


def _facts(rows: pa.Table, kinds: Kinds) -> tuple[Numbers, ...]:
    """Of each change its item, its identity, its stamp and the code of its kind."""
    redacted = pc.if_else(pc.is_valid(rows.column("redaction")), "r", "")
    columns = [rows.column("action"), rows.column("view"), redacted, rows.column(CHANGED)]
    plain = [column.cast(pa.string()) for column in columns]
    encoded = pc.binary_join_element_wise(*plain, "\n").combine_chunks().dictionary_encode()
    known = [kinds.setdefault(_kind(text), len(kinds)) for text in encoded.dictionary.to_pylist()]
    codes = np.array(known, dtype=np.int64)[encoded.indices.to_numpy()] if known else np.zeros(0, np.int64)
    return rows.column("key_hash").to_numpy(), identity_hashes(rows), rows.column("timestamp_micros").to_numpy(), codes


def _kind(text: str) -> Kind:
    action, view, redacted, paths = text.split("\n", 3)
    return action, paths, view, bool(redacted)


def _unseen(kind: Kind) -> bool:
    """Whether the view lacks an image that the change had."""
    action, _, view, _ = kind
    lacks_new = view in ("KEYS_ONLY", "OLD_IMAGE") and action != "REMOVE"
    return lacks_new or (view in ("KEYS_ONLY", "NEW_IMAGE") and action != "INSERT")


def _count(items: Numbers, periods: Numbers) -> list[tuple[int, int, int]]:
    """The numbers of changes and of different items in each period; equal pairs of item and period stand together."""
    if not len(items):
        return []
    first = np.ones(len(items), dtype=bool)
    first[1:] = (items[1:] != items[:-1]) | (periods[1:] != periods[:-1])
    lowest = periods.min()
    changes = np.bincount(periods - lowest)
    different = np.bincount(periods[first] - lowest, minlength=len(changes))
    return [(int(at + lowest), int(changes[at]), int(different[at])) for at in np.flatnonzero(changes)]
