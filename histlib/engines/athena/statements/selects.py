"""The SELECTs that bring rows of the landing, each bounded in dateday on both sides.

Athena's SQL is Trino's. Every scan also brings the lines that are no record of format 1, marked ``bad``, since a line
that no condition matches would be lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa

from histlib.engines.athena.statements.key_texts import CANONICAL
from histlib.engines.athena.statements.literals import identifier, literal
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.raw_sql.writing.trino_images import json_at
from histlib.engines.trino_text import image
from histlib.format import key_forms
from histlib.format.days import Days
from histlib.format.record import ACTIONS, COLUMNS, FORMAT, PRECISIONS, SEQUENCE_DIGITS, VIEWS, Change
from histlib.values.paths import Path

#: Arrow types of the columns that a row brings.
_TYPES: Final = {
    name: pa.int64() if name in ("timestamp_micros", "read_begin", "read_end") else pa.string()
    for name in Change.__struct_fields__
}
#: What all rows bring: the fields of a change, its file (an address in S3), and whether it is no record.
ROWS: Final = pa.schema([*_TYPES.items(), ("bad", pa.bool_())])
#: Up to so many keys go as execution parameters, more as literals.
_PARAMETERS: Final = 20


def one_of(name: str, values: Iterable[str]) -> str:
    """SQL that a column has one of these values."""
    return f"{identifier(name)} IN ({', '.join(map(literal, values))})"


#: True of a line that is no record of format 1: what :func:`histlib.format.rows.decode_line` refuses.
BAD: Final = "NOT coalesce({}, FALSE)".format(
    " AND ".join(
        [
            f"format = {FORMAT}",
            *(f"{identifier(name)} IS NOT NULL" for name in ("event_id", "table", "timestamp", "timestamp_micros")),
            one_of("view", VIEWS),
            one_of("action", ACTIONS),
            one_of("precision", PRECISIONS),
            f"regexp_like(coalesce(sequence_number, '{'0' * SEQUENCE_DIGITS}'), '^[0-9]{{{SEQUENCE_DIGITS}}}$')",
            *(f"coalesce({name}, '{{}}') LIKE '{{%}}'" for name in ("new_image", "old_image")),
            "keys LIKE '{%}'",
            CANONICAL,
        ]
    )
)
#: The file of such a line.
BAD_FILE: Final = f"CASE WHEN {BAD} THEN file END AS bad_file"


#: The form of a canonical key text: :func:`histlib.format.key_forms.key_form`.
KEY_FORM: Final = "regexp_replace(keys, {}, {})".format(
    literal(key_forms.ATTRIBUTE), literal("".join(f"${part}" for part in key_forms.PARTS))
)


def rows_in(table: str, days: Days) -> str:
    """SQL that stands for a table: the record's columns and ``file`` of these days; an empty image is NULL."""
    made = {name: f"{image(name)} AS {name}" for name in ("new_image", "old_image")}
    columns = ", ".join(made.get(name, identifier(name)) for name in COLUMNS)
    return f'(SELECT {columns}, "$path" AS file FROM {table} WHERE {days.sql})'


def _select(table: str, days: Days, condition: str, names: Sequence[str] = tuple(_TYPES)) -> str:
    columns = ", ".join(map(identifier, names))
    return f"SELECT {columns}, {BAD} AS bad FROM {rows_in(table, days)} WHERE ({condition}) OR {BAD}"


def all_rows(table: str, days: Days, condition: str = "TRUE", names: Sequence[str] = tuple(_TYPES)) -> Statement:
    """The rows of these days for which a condition without parameters is true."""
    schema = pa.schema([*((name, _TYPES[name]) for name in names), ("bad", pa.bool_())])
    return Statement(_select(table, days, condition, names), schema, (), days)


def rows_of(table: str, days: Days, keys: Sequence[str]) -> Statement:
    """All rows of these items (canonical key texts) in these days."""
    few = len(keys) <= _PARAMETERS
    texts = ", ".join("?" if few else literal(key) for key in keys)
    return Statement(_select(table, days, f"keys IN ({texts})"), ROWS, tuple(keys) if few else (), days)


def rows_of_holding(table: str, days: Days, may: Sequence[str]) -> Statement:
    """All rows of the items that have a row of which one of these conditions, without parameters, is true."""
    among = f"SELECT keys FROM {rows_in(table, days)} WHERE {' OR '.join(may)}"
    return Statement(_select(table, days, f"keys IN ({among})"), ROWS, (), days)


def keys_having(table: str, days: Days, parts: Sequence[str]) -> Statement:
    """Column ``keys``: the distinct keys whose text has all of these parts."""
    condition = " AND ".join("strpos(keys, ?) > 0" for _ in parts)
    sql = f"SELECT DISTINCT keys, {BAD_FILE} FROM {rows_in(table, days)} WHERE ({condition}) OR {BAD}"
    return Statement(sql, pa.schema([("keys", pa.string()), ("bad_file", pa.string())]), tuple(parts), days)


def distinct_keys(table: str, days: Days, condition: str) -> Statement:
    """Column ``keys``: the distinct keys of the rows for which a condition without parameters is true."""
    sql = f"SELECT DISTINCT keys, {BAD_FILE} FROM {rows_in(table, days)} WHERE ({condition}) OR {BAD}"
    return Statement(sql, pa.schema([("keys", pa.string()), ("bad_file", pa.string())]), (), days)


def streams_by_day(table: str, days: Sequence[str]) -> Statement:
    """A row per dateday and (table, stream, view, form of keys): first and last stamp, number of rows, the last key."""
    among = f"dateday BETWEEN {literal(min(days))} AND {literal(max(days))} AND {one_of('dateday', days)}"
    names = ["dateday", "table", "stream", "view"]
    told = [
        "min(timestamp_micros) AS first_micros",
        "max(timestamp_micros) AS last_micros",
        "count(*) AS changes",
        "max_by(keys, timestamp_micros) AS keys",
        f'min("$path") FILTER (WHERE {BAD}) AS bad_file',
    ]
    columns = ", ".join([*map(identifier, names), *told])
    sql = f"SELECT {columns} FROM {table} WHERE {among} GROUP BY 1, 2, 3, 4, {KEY_FORM}"
    kinds = {"first_micros": pa.int64(), "last_micros": pa.int64(), "changes": pa.int64()}
    schema = [(name, kinds.get(name, pa.string())) for name in (*names, *kinds, "keys", "bad_file")]
    return Statement(sql, pa.schema(schema), (), Days(min(days), max(days)), tuple(days))


def attribute_names(table: str, days: Sequence[str]) -> Statement:
    """Columns ``dateday`` and ``name``: the top-level attributes of all images of these days."""
    among = f"dateday BETWEEN {literal(min(days))} AND {literal(max(days))} AND {one_of('dateday', days)}"
    images = ", ".join(
        f"coalesce(TRY(map_keys(CAST(json_parse({image}) AS MAP(VARCHAR, JSON)))), ARRAY[])"
        for image in ("new_image", "old_image")
    )
    sql = (
        f"SELECT DISTINCT dateday, name FROM {table} CROSS JOIN UNNEST(concat({images})) AS names (name) WHERE {among}"
    )
    schema = pa.schema([("dateday", pa.string()), ("name", pa.string())])
    return Statement(sql, schema, (), Days(min(days), max(days)), tuple(days))


#: A set or binary, and a map whose only name begins with ``$``, as image JSON has them.
_WRAPPED: Final = r'^\{"\$(SS|NS|BS|B|M)":'


def image_parts(table: str, days: Sequence[str], path: Path) -> Statement:
    """Columns ``dateday``, ``kind`` and ``name``: the parts (:mod:`histlib.engines.shapes`) of what images have at a
    path."""
    among = f"dateday BETWEEN {literal(min(days))} AND {literal(max(days))} AND {one_of('dateday', days)}"
    both = ", ".join(json_at(image, path) for image in ("new_image", "old_image"))
    wrapped = f"CASE WHEN json_size(j, '$') = 1 THEN regexp_extract(j, {literal(_WRAPPED)}, 1) END"
    kind = (
        "CASE WHEN starts_with(j, '\"') THEN 'S' WHEN j IN ('true', 'false') THEN 'BOOL' WHEN j = 'null' THEN 'NULL' "
        f"WHEN starts_with(j, '[') THEN 'L' WHEN starts_with(j, '{{') THEN coalesce({wrapped}, 'M') ELSE 'N' END"
    )
    inside = """CASE WHEN json_size(j, '$') = 1 THEN coalesce(json_format(json_extract(j, '$["$M"]')), j) ELSE j END"""
    members = f"map_keys(CAST(json_parse({inside}) AS MAP(VARCHAR, JSON)))"
    names = f"CASE WHEN kind = 'M' THEN coalesce(TRY({members}), ARRAY[]) ELSE ARRAY[] END"
    last = "CASE WHEN kind = 'L' AND json_array_length(j) > 0 THEN CAST(json_array_length(j) - 1 AS VARCHAR) END"
    sql = (
        f"SELECT DISTINCT dateday, kind, name FROM (SELECT dateday, j, {kind} AS kind FROM "
        f"(SELECT dateday, ARRAY[{both}] AS images FROM {table} WHERE {among}) CROSS JOIN UNNEST(images) AS one (j) "
        f"WHERE j IS NOT NULL) CROSS JOIN UNNEST(concat(ARRAY[NULL, {last}], {names})) AS below (name)"
    )
    schema = pa.schema([("dateday", pa.string()), ("kind", pa.string()), ("name", pa.string())])
    return Statement(sql, schema, (), Days(min(days), max(days)), tuple(days))


def count_keys(table: str, days: Days, streams: Sequence[str]) -> Statement:
    """Columns ``stream`` and ``keys`` int64: how many different keys the rows of each stream have."""
    sql = (
        f"SELECT stream, count(DISTINCT keys) AS keys FROM {table} "
        f"WHERE {days.sql} AND {one_of('stream', streams)} GROUP BY stream"
    )
    return Statement(sql, pa.schema([("stream", pa.string()), ("keys", pa.int64())]), (), days)
