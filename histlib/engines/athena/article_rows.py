"""Rows of the article's own table (format 0, struct columns of OpenX's SerDe), and what queries make of them.

SQL brings the rows of the days that a query needs, each image as JSON; the code that reads the article's lines makes
changes of them, and the code that answers from an index decides. Of these files the table shows less than they hold,
which every answer says (``old_format``): names are in lower case (keys too: ``{"todoid":"t0001"}``), attributes that it
does not declare are not seen, null ones look missing, and what is declared narrower than text may have been rounded or
cut. Of names that differ only in case, or several objects in one line, the SerDe shows one.

Nothing is taken from Athena's earlier results: the same SQL means something else once the table is declared anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines import raw_sql
from histlib.engines.athena.landing.streams import Row
from histlib.engines.athena.rows import Refuse, Run
from histlib.engines.athena.statements.literals import identifier
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.athena.table import article_types as old_types
from histlib.engines.bulk.activity import activity
from histlib.engines.bulk.fold import fold
from histlib.engines.bulk.in_memory import MemorySegment, MemoryTimes
from histlib.engines.bulk.parts import parts_at
from histlib.engines.bulk.selecting import holding, selected, untold_images
from histlib.engines.queries import Activity, Around, ChangeKeys, KeysBetween
from histlib.engines.raw_sql.writing.trino import days_read
from histlib.engines.shapes import Part
from histlib.errors import NotAHistoryError, SourceError
from histlib.format.article_lines import OldRecord, decode_old_fields, not_decoded, old_table
from histlib.format.days import Days
from histlib.format.rows import NotARecordError, key_forms, rows_table
from histlib.format.streams import declared_stream
from histlib.rules.conditions import ItemCondition
from histlib.values.image_json import decode_image
from histlib.values.paths import Path
from histlib.values.times import SECOND

_IMAGES: Final = ("keys", "new_image", "old_image")
_SCHEMA: Final = pa.schema(
    [
        ("dateday", pa.string()),
        ("action", pa.string()),
        ("seconds", pa.int64()),
        ("utc", pa.string()),
        *((name, pa.string()) for name in _IMAGES),
        ("file", pa.string()),
    ]
)
#: True of what an unreadable line becomes where the SerDe is told to leave it be.
_BAD: Final = '"action" IS NULL OR "keys" IS NULL OR "timestamp" IS NULL'
#: A key in DynamoDB JSON, as the SerDe makes a text of it.
_NOT_DECODED: Final = re.compile(r'\s*\{\s*"[SNB]"\s*:.*\}\s*', re.DOTALL)
#: Up to so many items are asked for by their keys; for more all rows are read.
_FEW_KEYS: Final = 20


class OldRowSelection:
    """As :class:`histlib.engines.athena.rows.RowSelection`, of a table whose columns have these Glue types.

    Raises:
        NotAHistoryError: a type that no attribute of format 0 can be read as, or images that are declared unlike.
    """

    #: Whether datedays may be those of another zone than UTC.
    local: Final = True

    def __init__(self, run: Run, table: str, root: str, _refuse: Refuse, columns: Mapping[str, str]) -> None:
        self._asked = run
        self._table = table
        self._root = root
        self._utc = "timestamp_utc" in columns
        try:
            self._keys_declared = old_types.fields(columns["keys"])
            self._keyed = not self._keys_declared.keys().isdisjoint(old_types.fields(columns["new_image"]))
            self._convert = {name: old_types.convert(columns[name]) for name in _IMAGES}
            narrow = [f"{name}.{one}" for name in _IMAGES for one in old_types.narrowed(columns[name])]
            unlike = old_types.unlike(columns["new_image"], columns["old_image"])
        except old_types.OldTypeError as error:
            raise NotAHistoryError(f"{table}: {error}", table) from error
        if unlike:
            raise NotAHistoryError(
                f"{table}: new_image and old_image declare {', '.join(unlike)} unlike, so that changes would seem "
                "missing, or to have been others; declare both alike",
                table,
            )
        self._stream = declared_stream(narrow)

    def item_rows(self, keys: Sequence[str], days: Days) -> pa.Table:
        """All rows of these items in these days: the fields of a change."""
        condition, parameters = self._of(keys)
        rows = self._rows(days, condition, parameters)
        return rows.filter(pc.is_in(rows.column("keys"), pa.array(keys, pa.string()))).drop_columns(["key_hash"])

    def many_rows(self, keys: Sequence[str], condition: ItemCondition, days: Days) -> pa.Table:
        """The same of many items; whatever holds of them, all rows of these days are read."""
        return self.item_rows(keys, days)

    def matching_keys(self, parts: Sequence[str], days: Days) -> list[str]:
        """The distinct keys whose text has all of these parts."""
        keys = pc.unique(self._rows(days).column("keys")).to_pylist()
        return sorted(text for text in keys if all(part in text for part in parts))

    def keys_between(self, query: KeysBetween, days: Days | None, *, unseen: bool) -> pa.Table:
        """The answer to a query; with ``unseen`` new images do not tell all."""
        rows = self._window(query, days)
        if query.condition is not None:
            images = ("new_image", "old_image") if unseen else ("new_image",)
            held = [holding(rows.column("keys"), rows.column(name), query.condition) for name in images]
            rows = rows.filter(pa.array(held[0] | held[-1] | untold_images(rows, query.condition)))
        return pa.table({"keys": pa.array(sorted(pc.unique(rows.column("keys")).to_pylist()), pa.string())})

    def change_keys(self, query: ChangeKeys, days: Days | None) -> pa.Table:
        """The answer to a query."""
        empty = pa.schema([("keys", pa.string()), ("timestamp_micros", pa.int64())]).empty_table()
        rows = MemoryTimes(self._window(query, days))
        return pa.concat_tables([empty, *selected([rows], query, empty.column_names)])

    def activity(self, query: Activity, days: Days | None) -> pa.Table:
        """The answer to a query."""
        return activity([MemoryTimes(self._window(query, days))], query)

    def around(self, query: Around, days: Days, _baseline_days: Days | None) -> pa.Table:
        """The answer to a query; the table shows no baseline's rows."""
        return pa.concat_tables(fold([MemorySegment(self._rows(days))], query))

    def sql(self, statement: raw_sql.Statement, days: Days) -> pa.Table:
        """The answer to a person's own statement, worked out here over the rows of the days that it reads."""
        from histlib.engines.duckdb import run_over
        from histlib.engines.memory import memory_setting

        rows = self._rows(Days(*days_read(statement, *days)))
        return run_over(statement, lambda _: rows, memory_setting())

    def streams_by_day(self, days: Sequence[str]) -> Mapping[str, list[Row]]:
        """The streams of each of these days."""
        found: dict[str, list[Row]] = {day: [] for day in days}
        for day, rows in self._by_day(days):
            formed = rows.append_column("form", key_forms(rows.column("keys")))
            kinds = formed.group_by(["view", "form"]).aggregate([("keys", "count")]).select(["view", "form"])
            for view, form in sorted(zip(*kinds.to_pydict().values(), strict=True)):
                some = formed.filter((pc.field("view") == view) & (pc.field("form") == form))
                stamps = some.column("timestamp_micros")
                first, last = (bound.as_py() for bound in pc.min_max(stamps).values())
                found[day].append(
                    {
                        "table": "",
                        "stream": self._stream,
                        "view": view,
                        "first_micros": first,
                        "last_micros": last,
                        "changes": len(stamps),
                        "keys": some.column("keys")[pc.index(stamps, last).as_py()].as_py(),
                    }
                )
        return found

    def attributes_by_day(self, days: Sequence[str]) -> Mapping[str, list[str]]:
        """The names of the images' attributes on each of these days."""
        found: dict[str, set[str]] = {day: set() for day in days}
        for day, rows in self._by_day(days):
            images = [*rows.column("new_image").to_pylist(), *rows.column("old_image").to_pylist()]
            found[day].update(*(decode_image(text) for text in set(images) - {None}))
        return {day: sorted(names) for day, names in found.items()}

    def parts_by_day(self, path: Path, days: Sequence[str]) -> Mapping[str, list[list[str | None]]]:
        """The parts (:mod:`histlib.engines.shapes`) of what images have at a path, on each of these days."""
        found: dict[str, set[Part]] = {day: set() for day in days}
        for day, rows in self._by_day(days):
            images = [*rows.column("new_image").to_pylist(), *rows.column("old_image").to_pylist()]
            found[day].update(*(parts_at(text, path) for text in set(images) - {None}))
        return {day: [list(part) for part in parts] for day, parts in found.items()}

    def count_keys(self, streams: Sequence[str], days: Days) -> dict[str, int]:
        """How many different keys the rows of each stream have: the table shows no baseline's."""
        return dict.fromkeys(streams, 0)

    # --- rows ---

    def _rows(self, days: Days, condition: str = "TRUE", parameters: tuple[str, ...] = ()) -> pa.Table:
        """Index rows (:data:`histlib.format.rows.ROW_SCHEMA`) for which a condition is true."""
        return self._made(self._read(days, condition, parameters))

    def _window(self, query: KeysBetween | ChangeKeys | Activity, days: Days | None) -> pa.Table:
        """The changes with start ≤ stamp < end."""
        if days is None:
            return self._made(_SCHEMA.empty_table())
        seconds = f'"timestamp" BETWEEN {query.start // SECOND} AND {query.end // SECOND}'
        rows = self._rows(days, seconds)
        stamps = rows.column("timestamp_micros")
        return rows.filter(pc.and_(pc.greater_equal(stamps, query.start), pc.less(stamps, query.end)))

    def _by_day(self, days: Sequence[str]) -> list[tuple[str, pa.Table]]:
        """The rows of each of these days that has any."""
        found = self._read(Days(min(days), max(days)))
        datedays = found.column("dateday")
        some = sorted(set(days) & set(pc.unique(datedays).to_pylist()))
        return [(day, self._made(found.filter(pc.equal(datedays, day)))) for day in some]

    def _of(self, keys: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """SQL that leaves no row of these items out; what it leaves besides is sorted out here."""
        if len(keys) > _FEW_KEYS:
            return "TRUE", ()
        tests, parameters = [], []
        for key in map(decode_image, keys):
            names = [
                name
                for name, value in key.items()
                if self._keys_declared.get(name) == "string" and isinstance(value, str)
            ]
            tests.append(" AND ".join(["TRUE", *(f"{identifier('keys')}.{identifier(name)} = ?" for name in names)]))
            parameters += [key[name] for name in names]
        return " OR ".join(f"({test})" for test in tests), tuple(parameters)

    def _read(self, days: Days, condition: str = "TRUE", parameters: tuple[str, ...] = ()) -> pa.Table:
        images = ", ".join(f'json_format(CAST("{name}" AS JSON)) AS {name}' for name in _IMAGES)
        utc = 'CASE WHEN "timestamp" IS NULL THEN CAST("timestamp_utc" AS VARCHAR) END' if self._utc else "NULL"
        sql = (
            f'SELECT dateday, "action", "timestamp" AS seconds, CAST({utc} AS VARCHAR) AS utc, {images}, '
            f'"$path" AS file FROM {self._table} WHERE {days.sql} AND (({condition}) OR {_BAD})'
        )
        return self._asked(Statement(sql, _SCHEMA, parameters, days), bulk=True)

    def _made(self, found: pa.Table) -> pa.Table:
        records = list(map(self._record, found.to_pylist()))
        files = pc.replace_substring(found.column("file"), self._root, "", max_replacements=1)
        files = pc.replace_substring_regex(
            files, r"^(\d{4}/\d{2}/\d{2}/)", r"./\1"
        )  # as the index names those in no folder
        return rows_table(old_table(records, self._stream), files)

    def _record(self, row: Mapping[str, Any]) -> OldRecord:
        try:
            keys, new, old = (self._image(name, row[name]) for name in _IMAGES)
            _check_keys(keys or {})
            images = self._there(new, row["action"] != "REMOVE"), self._there(old, row["action"] != "INSERT")
            return decode_old_fields(row["action"], keys, images, row["seconds"], row["utc"])
        except (NotARecordError, ValueError) as error:
            file = row["file"]
            raise SourceError(
                f"{file} has a line that the table shows as no change of the article's format ({error}), and nobody "
                "can answer for what it said; correct the table's types, or move the object away, and ask again",
                file,
            ) from error

    def _there(self, image: Any, may_be: bool) -> Any:
        """The image, or None where it has no attribute: not even its key, or there is none with such an action."""
        return None if image == {} and (self._keyed or not may_be) else image

    def _image(self, name: str, text: str | None) -> Any:
        if text is None:
            return None
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        return None if value is None else self._convert[name](value)


def _check_keys(keys: Mapping[str, Any]) -> None:
    for name, value in keys.items():
        if isinstance(value, str) and _NOT_DECODED.fullmatch(value):
            raise NotARecordError(f"keys.{name} is {value[:80]}: {not_decoded(json.loads(value))}")
