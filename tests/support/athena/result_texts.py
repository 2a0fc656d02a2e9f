"""Values and types of a result as Athena writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tests.support.athena.trino_functions import double_text

_NAMES: list[tuple[Callable[[pa.DataType], bool], str]] = [
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_int32, "integer"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_int8, "tinyint"),
    (pa.types.is_float64, "double"),
    (pa.types.is_float32, "float"),
    (pa.types.is_date, "date"),
    (pa.types.is_binary, "varbinary"),
    (pa.types.is_string, "varchar"),
    (pa.types.is_large_string, "varchar"),
    (pa.types.is_null, "unknown"),
]


def type_name(kind: pa.DataType) -> str:
    """Athena's name of a type."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp(3) with time zone" if kind.tz else "timestamp(3)"
    if pa.types.is_struct(kind):
        return f"row({', '.join(f'{field.name} {type_name(field.type)}' for field in kind)})"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array({type_name(kind.value_type)})"
    if pa.types.is_map(kind):
        return f"map({type_name(kind.key_type)}, {type_name(kind.item_type)})"
    return next(name for holds, name in _NAMES if holds(kind))


def narrowed(table: pa.Table) -> pa.Table:
    """The result in Trino's types: a sum of whole numbers, wider for DuckDB, is a bigint; times are in ms."""
    for at, field in enumerate(table.schema):
        kind = field.type
        if pa.types.is_decimal(kind) and kind.precision == 38 and kind.scale == 0:
            kind = pa.int64()
        elif pa.types.is_timestamp(kind):
            kind = pa.timestamp("ms", kind.tz)
        elif pa.types.is_unsigned_integer(kind):
            kind = pa.int64()
        if kind != field.type:
            table = table.set_column(at, pa.field(field.name, kind), table.column(at).cast(kind, safe=False))
    return table


def text(value: Any) -> str | None:
    """A value's text; None of NULL."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return double_text(value)
        case datetime():
            zone = "" if value.tzinfo is None else " UTC"
            return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1_000:03}{zone}"
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case bytes():
            return value.hex(" ")
        case dict():
            return "{" + ", ".join(f"{name}={text(one) or _null(one)}" for name, one in value.items()) + "}"
        case list() if value and isinstance(value[0], tuple):
            return "{" + ", ".join(f"{name}={text(one) or _null(one)}" for name, one in value) + "}"
        case list():
            return "[" + ", ".join(text(one) or _null(one) for one in value) + "]"
    return str(value)


def _null(value: Any) -> str:
    return "null" if value is None else ""


def reason(error: Exception) -> str:
    """DuckDB's error as a StateChangeReason: by Trino's name where a function of ours gave one, else by its class."""
    message = str(error)
    if found := re.search(r"(?:ValueError: )([A-Z_]{6,}: .*)", message, re.S):
        return found[1].strip()
    first = message.splitlines()[0]
    if "Binder" in first or "Parser" in first or "Catalog" in first:
        return f"SYNTAX_ERROR: line 1:1: {first}"
    if "Conversion" in first or "Could not convert" in first:
        return f"INVALID_CAST_ARGUMENT: {first}"
    return f"GENERIC_INTERNAL_ERROR: {first}"
