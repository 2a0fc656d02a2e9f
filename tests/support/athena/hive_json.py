"""Lines of JSON by the columns of a Glue table, as Hive's JSON SerDe reads them."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

_PRIMITIVE = {
    "string": pa.string(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "smallint": pa.int16(),
    "tinyint": pa.int8(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms"),
    "date": pa.date32(),
    "binary": pa.binary(),
}


class Number(str):
    """A JSON number, as it was written."""


def arrow_type(glue: str) -> pa.DataType:
    """The Arrow type of a Glue column type."""
    text = glue.strip()
    lower = text.lower()
    if lower in _PRIMITIVE:
        return _PRIMITIVE[lower]
    name, _, inner = text.partition("(" if lower.startswith(("decimal", "varchar", "char")) else "<")
    parts = _split(inner[:-1])
    match name.strip().lower():
        case "decimal":
            return pa.decimal128(*map(int, parts))
        case "varchar" | "char":
            return pa.string()
        case "array":
            return pa.list_(arrow_type(parts[0]))
        case "map":
            return pa.map_(arrow_type(parts[0]), arrow_type(parts[1]))
        case "struct":
            return pa.struct([(field.split(":", 1)[0].strip(), arrow_type(field.split(":", 1)[1])) for field in parts])
    raise ValueError(f"no such Glue type: {glue!r}")


def _split(text: str) -> list[str]:
    """Split at the commas that are in no brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "<(") - (char in ">)")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def read(raw: bytes, name: str, columns: Mapping[str, str]) -> pa.Table:
    """The rows of an object (gzip where its name ends in ``.gz``); ValueError where it cannot be read."""
    try:
        text = gzip.decompress(raw) if name.endswith(".gz") else raw
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"damaged gzip: {error}") from error
    schema = pa.schema([(column, arrow_type(kind)) for column, kind in columns.items()])
    converters = [(field.name.lower(), converter(field.type)) for field in schema]
    values: list[list[Any]] = [[] for _ in converters]
    for line in text.split(b"\n"):
        if line.strip():
            fields = _fields(line)
            for (column, convert), out in zip(converters, values, strict=True):
                found = fields.get(column)
                out.append(None if found is None else convert(found))
    return pa.table([pa.array(out, field.type) for out, field in zip(values, schema, strict=True)], schema)


def _fields(line: bytes) -> dict[str, Any]:
    """The fields of a line, names in lower case; of several equal names the last."""
    found = json.loads(line, parse_int=Number, parse_float=Number)
    if not isinstance(found, dict):
        raise ValueError(f"no object: {line[:80]!r}")
    return {name.lower(): value for name, value in found.items()}


def converter(kind: pa.DataType) -> Callable[[Any], Any]:
    """What makes a column's value of a JSON value that is not null."""
    if pa.types.is_struct(kind):
        inner = [(field.name, converter(field.type)) for field in kind]
        return lambda value: _struct(value, inner)
    if pa.types.is_list(kind):
        item = converter(kind.value_type)
        return lambda value: [None if one is None else item(one) for one in _expect(value, list)]
    if pa.types.is_map(kind):
        item = converter(kind.item_type)
        return lambda value: [(k, None if v is None else item(v)) for k, v in _expect(value, dict).items()]
    if pa.types.is_string(kind):
        return _text
    return next(make for holds, make in _SCALARS if holds(kind))


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"expected {kind.__name__}, got {value!r:.80}")
    return value


def _struct(value: Any, inner: list[tuple[str, Callable[[Any], Any]]]) -> dict[str, Any]:
    fields = {name.lower(): one for name, one in _expect(value, dict).items()}
    found = {name: fields.get(name.lower()) for name, _ in inner}
    return {name: None if found[name] is None else convert(found[name]) for name, convert in inner}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(_expect(value, str))


def _integer(value: Any) -> int:
    return int(_expect(value, str))


_SCALARS: list[tuple[Callable[[pa.DataType], bool], Callable[[Any], Any]]] = [
    (pa.types.is_integer, _integer),
    (pa.types.is_floating, lambda value: float(_expect(value, str))),
    (pa.types.is_boolean, lambda value: value if isinstance(value, bool) else _expect(value, str).lower() == "true"),
    (pa.types.is_timestamp, lambda value: datetime.fromisoformat(_expect(value, str))),
    (pa.types.is_date, lambda value: date.fromisoformat(_expect(value, str))),
    (pa.types.is_decimal, lambda value: Decimal(_expect(value, str))),
    (pa.types.is_binary, lambda value: _expect(value, str).encode()),
]
