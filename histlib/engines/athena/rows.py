"""Brings rows by SQL and lets the code that answers from an index decide on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines import raw_sql
from histlib.engines.athena.landing.streams import Row
from histlib.engines.athena.running.refusals import command
from histlib.engines.athena.statements import around, selects
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.bulk import fold
from histlib.engines.bulk.activity import activity
from histlib.engines.bulk.in_memory import MemorySegment, MemoryTimes, as_rows
from histlib.engines.bulk.selecting import selected
from histlib.engines.queries import UNSEEN, Activity, Around, ChangeKeys, KeysBetween
from histlib.engines.raw_sql.writing.trino import days_read, trino_text, unseen_text
from histlib.errors import SourceError
from histlib.format.days import Days, landed
from histlib.rules.conditions import ItemCondition
from histlib.values.paths import Path

#: Items whose rows are brought page by page; those of more come by UNLOAD.
_FEW_KEYS: Final = 200
#: Bytes of key texts in one statement: Athena takes 262,144 in all (FACTS).
_KEY_BYTES: Final = 200_000
#: What a condition on a change, and counting, look at.
_CHANGE: Final = ("keys", "new_image", "old_image", "action", "timestamp_micros", "actor")
_COUNTED: Final = (*_CHANGE, "stream", "sequence_number", "event_id", "view", "redaction")
_NEW_IMAGES: Final = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE")


#: Raises where rows are, by those of their columns ``table``, ``stream`` and ``keys`` that they have, of other tables
#: than is known.
Refuse = Callable[[pa.Table], None]


class Run(Protocol):
    """Runs a statement; ``bulk`` where many rows come."""

    def __call__(self, statement: Statement, *, bulk: bool) -> pa.Table: ...


class RowSelection:
    """Brings the rows that each query rests on, from the days in which they may have landed.

    ``run`` runs a statement, ``bulk`` where many rows come; ``table`` is the table's quoted name, ``root`` the
    history's address in S3; ``refuse`` raises where rows are of other tables than is known.
    """

    #: Whether datedays may be those of another zone than UTC.
    local: Final = False

    def __init__(self, run: Run, table: str, root: str, refuse: Refuse) -> None:
        self._asked = run
        self._refuse_others = refuse
        self._table = table
        self._root = root

    def item_rows(self, keys: Sequence[str], days: Days) -> pa.Table:
        """All rows of these items in these days: the fields of a change."""
        found = []
        for some in _in_statements(keys):
            statement = selects.rows_of(self._table, days, some)
            found.append(self._clean(self._run(statement, bulk=len(keys) > _FEW_KEYS)))
        return pa.concat_tables(found)

    def many_rows(self, keys: Sequence[str], condition: ItemCondition, days: Days) -> pa.Table:
        """All rows of these items, of most of which the condition may once have held; with two looks at the days,
        however many items there are."""
        if len(list(_in_statements(keys))) == 1:
            return self.item_rows(keys, days)
        may = [f"({name} IS NOT NULL AND {_may(condition, 'keys', name)})" for name in ("new_image", "old_image")]
        found = self._clean(self._run(selects.rows_of_holding(self._table, days, may), bulk=True))
        wanted = pa.array(keys, pa.string())
        found = found.filter(pc.is_in(found.column("keys"), wanted))
        rest = wanted.filter(pc.invert(pc.is_in(wanted, pc.unique(found.column("keys")))))
        return pa.concat_tables([found, self.item_rows(rest.to_pylist(), days)]) if len(rest) else found

    def matching_keys(self, parts: Sequence[str], days: Days) -> list[str]:
        """The distinct keys whose text has all of these parts."""
        return self._keys(self._run(selects.keys_having(self._table, days, parts)))

    def keys_between(self, query: KeysBetween, days: Days | None, *, unseen: bool) -> pa.Table:
        """The answer to a query, and items of which SQL cannot tell; with ``unseen`` new images do not tell all."""
        inside = f"timestamp_micros >= {query.start} AND timestamp_micros < {query.end}"
        if query.condition is not None:
            images = ("new_image", "old_image") if unseen else ("new_image",)
            held = [f"({name} IS NOT NULL AND {_may(query.condition, 'keys', name)})" for name in images]
            held.append("(new_image IS NULL AND action <> 'REMOVE')")
            lacking = _may(query.condition.lacking, "keys", "new_image")
            held.append(f"(redaction IS NOT NULL AND new_image IS NOT NULL AND {lacking})")
            inside = f"{inside} AND ({' OR '.join(held)})"
        found = self._keys(self._run(selects.distinct_keys(self._table, days, inside), bulk=True)) if days else []
        return pa.table({"keys": pa.array(found, pa.string())})

    def change_keys(self, query: ChangeKeys, days: Days | None) -> pa.Table:
        """The answer to a query."""
        columns = ["keys", "timestamp_micros"]
        empty = pa.schema([("keys", pa.string()), ("timestamp_micros", pa.int64())]).empty_table()
        rows = self._changes(query, days, _CHANGE)
        return pa.concat_tables([empty, *selected([MemoryTimes(rows)], query, columns)])

    def activity(self, query: Activity, days: Days | None) -> pa.Table:
        """The answer to a query."""
        return activity([MemoryTimes(self._changes(query, days, _COUNTED))], query)

    def around(self, query: Around, days: Days, baseline_days: Days | None) -> pa.Table:
        """The answer to a query; the rows of its baselines are in ``baseline_days``."""
        found = self._run(around.around(self._table, days, query), bulk=True)
        self._refuse_bad(found.column("bad_file"))
        for name in ("one_table", "other_table"):
            self._refuse_others(pa.table({"table": found.column(name)}))
        found = found.filter(pc.is_valid(found.column("keys")))
        odd = found.column("keys").filter(found.column("odd"))
        plain = found.filter(pc.invert(found.column("odd")))
        parts = [_place(plain, place) for place in around.PLACES]
        for part in parts:
            self._refuse_others(part)
        if query.through is not None:
            parts.append(self._window(query.last, query.through, days))
        if query.baselines and baseline_days is not None:
            streams = selects.one_of("stream", [one.stream for one in query.baselines])
            names = ("keys", "action", "stream", "new_image", "redaction", "timestamp_micros", "read_begin", "read_end")
            parts.append(self._all(baseline_days, streams, names))
        rows = pa.concat_tables(list(map(as_rows, parts)))
        rows = rows.filter(pc.invert(pc.is_in(rows.column("keys"), odd.combine_chunks())))
        return pa.concat_tables([*fold.fold([MemorySegment(rows)], query), fold.odd_rows(odd)])

    def sql(self, statement: raw_sql.Statement, days: Days) -> pa.Table:
        """The answer to a person's own statement."""
        text = trino_text(statement, self._table, *days, self._root)
        found = self._run(Statement(text, None, (), days_read(statement, *days)))
        unseen = sorted(self._unseen(statement, days))
        return found.replace_schema_metadata({UNSEEN: json.dumps(unseen, ensure_ascii=False).encode()})

    def _unseen(self, statement: raw_sql.Statement, days: Days) -> list[str]:
        """The dotted names that no image of the days that were read has."""
        asked = unseen_text(statement, self._table, *days)
        if asked is None:
            return []
        text, names = asked
        columns = pa.schema([(f"c{at}", pa.bool_()) for at in range(len(names))])
        (row,) = self._run(Statement(text, columns, (), days_read(statement, *days))).to_pylist()
        return [name for name, seen in zip(names, row.values(), strict=True) if not seen]

    def streams_by_day(self, days: Sequence[str]) -> Mapping[str, list[Row]]:
        """The streams of each of these days."""
        found: dict[str, list[Row]] = {day: [] for day in days}
        rows = self._run(selects.streams_by_day(self._table, days))
        self._refuse_bad(rows.column("bad_file"))
        for row in rows.drop_columns(["bad_file"]).to_pylist():
            found[row.pop("dateday")].append(row)
        return found

    def attributes_by_day(self, days: Sequence[str]) -> Mapping[str, list[str]]:
        """The names of the images' attributes on each of these days."""
        found: dict[str, list[str]] = {day: [] for day in days}
        for row in self._run(selects.attribute_names(self._table, days)).to_pylist():
            found[row["dateday"]].append(row["name"])
        return found

    def parts_by_day(self, path: Path, days: Sequence[str]) -> Mapping[str, list[list[str | None]]]:
        """The parts (:mod:`histlib.engines.shapes`) of what images have at a path, on each of these days."""
        found: dict[str, list[list[str | None]]] = {day: [] for day in days}
        for row in self._run(selects.image_parts(self._table, days, path)).to_pylist():
            found[row["dateday"]].append([row["kind"], row["name"]])
        return found

    def count_keys(self, streams: Sequence[str], days: Days) -> dict[str, int]:
        """How many different keys the rows of each stream have."""
        counted = self._run(selects.count_keys(self._table, days, streams)).to_pylist()
        return dict.fromkeys(streams, 0) | {row["stream"]: row["keys"] for row in counted}

    # --- what they share ---

    def _run(self, statement: Statement, *, bulk: bool = False) -> pa.Table:
        return self._asked(statement, bulk=bulk)

    def _clean(self, found: pa.Table) -> pa.Table:
        """Rows that are records, and the file of each as the history names it.

        Raises:
            SourceError: there are others.
        """
        if "file" in found.column_names:
            position = found.schema.get_field_index("file")
            files = pc.replace_substring(found.column("file"), self._root, "", max_replacements=1)
            found = found.set_column(position, "file", files)
        bad = pc.fill_null(found.column("bad"), False)
        if pc.any(bad, min_count=0).as_py():
            names = found.column("file").filter(bad) if "file" in found.column_names else None
            raise unreadable(self._root, names[0].as_py() if names else "OBJECT")
        return found.drop_columns(["bad"])

    def _refuse_bad(self, files: pa.ChunkedArray) -> None:
        named = pc.drop_null(files)
        if len(named):
            raise unreadable(self._root, named[0].as_py().removeprefix(self._root))

    def _keys(self, found: pa.Table) -> list[str]:
        self._refuse_bad(found.column("bad_file"))
        keys = pa.chunked_array([pc.unique(found.column("keys"))])
        self._refuse_others(pa.table({"keys": keys}))
        return sorted(keys.to_pylist())

    def _changes(self, query: ChangeKeys | Activity, days: Days | None, names: Sequence[str]) -> pa.Table:
        """The changes in a query's window for which its condition may hold; Python decides on times and actors."""
        wanted = f"action <> 'BASELINE' AND timestamp_micros >= {query.start} AND timestamp_micros < {query.end}"
        condition = query.condition
        if condition is not None and not condition.uses_time and not condition.uses_actor:
            wanted = f"{wanted} AND coalesce({condition.trino()}, TRUE)"
        return as_rows(self._all(days, wanted, names))

    def _window(self, after: int, through: int, days: Days) -> pa.Table:
        """The changes with after < stamp ≤ through."""
        wanted = f"action <> 'BASELINE' AND timestamp_micros > {after} AND timestamp_micros <= {through}"
        return self._all(landed(after, through).within(days), wanted, ("keys", *around.PACKED))

    def _all(self, days: Days | None, condition: str, names: Sequence[str]) -> pa.Table:
        """The rows of some days for which a condition is true."""
        if days is None:
            return pa.schema([selects.ROWS.field(name) for name in names]).empty_table()
        found = self._run(
            selects.all_rows(self._table, days, condition, tuple(dict.fromkeys((*names, "table", "file")))), bulk=True
        )
        found = self._clean(found)
        self._refuse_others(found)
        return found.select(names)


def unreadable(root: str, file: str) -> SourceError:
    """The error for a landing object with a line that is no record."""
    return SourceError(
        f"{file} has a line that is no record of format 1, and nobody can answer for what it said. To set the object "
        f"aside, as a hole that answers tell of, from a clone of histlib: {command(root, file)}",
        file,
    )


def _may(condition: Any, keys: str, image: str) -> str:
    """SQL that is false only where a condition surely does not hold of an image."""
    return f"coalesce({condition.trino(keys=keys, image=image)}, TRUE)"


def _place(found: pa.Table, place: str) -> pa.Table:
    """The rows in one place around a moment."""
    there = found.filter(pc.is_valid(found.column(f"{place}_action")))
    return pa.table({"keys": there.column("keys"), **{name: there.column(f"{place}_{name}") for name in around.PACKED}})


def _in_statements(keys: Sequence[str]) -> Iterator[list[str]]:
    """The keys in parts that fit into a statement each."""
    some: list[str] = []
    size = 0
    for key in keys:
        more = len(key.encode()) + key.count("'") + 4
        if some and size + more > _KEY_BYTES:
            yield some
            some, size = [], 0
        some.append(key)
        size += more
    if some:
        yield some


class Brought:
    """All rows of some items: ``keys`` are all that were asked for, also those without rows."""

    def __init__(self, keys: Collection[str], rows: pa.Table) -> None:
        self._keys = frozenset(keys)
        rows = rows.combine_chunks()
        self._rows = rows.take(pc.sort_indices(rows, sort_keys=[("keys", "ascending")]))
        self._ranges = _ranges(self._rows.column("keys"))

    def has(self, keys: Collection[str]) -> bool:
        """Whether these are all among the items."""
        return self._keys.issuperset(keys)

    def of(self, keys: Sequence[str]) -> pa.Table:
        """The rows of some of the items."""
        places = [np.arange(*self._ranges[key]) for key in keys if key in self._ranges]
        return self._rows.take(pa.array(np.concatenate(places) if places else [], pa.int64()))


def _ranges(keys: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    """Where the rows of each key begin and end among sorted ones."""
    if not len(keys):
        return {}
    encoded = keys.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    names = encoded.dictionary.take(pa.array(codes[starts])).to_pylist()
    ends = np.append(starts[1:], len(codes))
    return {name: (int(start), int(end)) for name, start, end in zip(names, starts, ends, strict=True)}
