"""Functions that DuckDB has not, or has otherwise than Trino: they go by ``t_`` and their name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import duckdb

from tests.support.athena.hive_json import Number
from tests.support.athena.xxhash64 import xxhash64

_PATH = re.compile(r"""\.([\w:$-]+)|\[(\d+|[\w]+)\]|\["((?:[^"\\]|\\["\\])*)"\]|\['([^']*)'\]""")


def first_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of equal names the first counts, as for Trino's extractor."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def loads(text: str) -> Any:
    """JSON with its numbers as they were written."""
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=first_pairs)


def dumps(value: Any) -> str:
    """JSON as Trino writes it: names in order, no white space, fractional numbers as doubles."""
    if isinstance(value, Number):
        return value if re.fullmatch(r"-?\d+", value) else double_text(float(value))
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps(k)}:{dumps(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def double_text(value: float) -> str:
    """A double as Java writes it."""
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "e" not in text else f"{value:f}"
    digits, exponent = f"{value!r}e0".split("e")[:2] if "e" in repr(value) else f"{value:.16e}".split("e")
    if "e" not in repr(value):
        mantissa = next(m for m in (f"{value:.{n}e}" for n in range(1, 18)) if float(m) == value)
        digits, exponent = mantissa.split("e")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def steps(path: str) -> list[str]:
    """The names and numbers of a JSON path."""
    found, at = [], 1
    while at < len(path):
        matched = _PATH.match(path, at)
        if matched is None:
            break
        name = next(group for group in matched.groups() if group is not None)
        found.append(re.sub(r'\\(["\\])', r"\1", name) if matched[3] is not None else name)
        at = matched.end()
    if path[:1] != "$" or at < len(path):
        raise ValueError(f"INVALID_FUNCTION_ARGUMENT: Invalid JSON path: '{path}'")
    return found


class Missing(Exception):
    """There is nothing at this path."""


def at_path(text: str, path: str) -> Any:
    """What stands at a path in a JSON text; :class:`Missing` also where the text is no JSON."""
    names = steps(path)
    try:
        value = loads(text)
    except ValueError:
        raise Missing from None
    for name in names:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise Missing
    return value


def json_extract_scalar(text: str, path: str) -> str | None:
    """A string's text, a number as it is written, ``true`` or ``false``; None of all else."""
    try:
        value = at_path(text, path)
    except Missing:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else None


def json_extract(text: str, path: str) -> str | None:
    """What stands at a path, as JSON."""
    try:
        return dumps(at_path(text, path))
    except Missing:
        return None


def json_parse(text: str) -> str:
    """The text as JSON; an error where it is none."""
    try:
        return dumps(loads(text))
    except ValueError:
        raise ValueError(f"INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '{text}'") from None


def json_text(text: str) -> str | None:
    """CAST(json AS VARCHAR): a scalar's text; None of null."""
    value = loads(text)
    if isinstance(value, dict | list):
        raise ValueError(f"INVALID_CAST_ARGUMENT: Cannot cast to varchar. {text}")
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def json_map(text: str) -> dict[str, str] | None:
    """CAST(json AS MAP(VARCHAR, JSON))."""
    return _expected(text, dict, lambda value: {name: dumps(one) for name, one in value.items()}, "map(varchar, json)")


def json_array(text: str) -> list[str] | None:
    """CAST(json AS ARRAY(JSON))."""
    return _expected(text, list, lambda value: [dumps(one) for one in value], "array(json)")


def _expected(text: str, kind: type, made: Callable[[Any], Any], name: str) -> Any:
    value = loads(text)
    if value is None:
        return None
    if not isinstance(value, kind):
        raise ValueError(f"INVALID_CAST_ARGUMENT: Cannot cast to {name}. {text}")
    return made(value)


def json_array_length(text: str) -> int | None:
    """How many values an array has."""
    try:
        value = loads(text)
    except ValueError:
        return None
    return len(value) if isinstance(value, list) else None


def json_size(text: str, path: str) -> int | None:
    """How many values an object or array has; 0 of a scalar."""
    try:
        value = at_path(text, path)
    except Missing:
        return None
    return len(value) if isinstance(value, dict | list) else 0


def json_array_contains(text: str, wanted: str) -> bool | None:
    """Whether an array has this text, number or boolean."""
    try:
        value = loads(text)
    except ValueError:
        return None
    return wanted in [one for one in value if isinstance(one, str)] if isinstance(value, list) else None


def is_json_scalar(text: str) -> bool:
    """Whether a JSON text is no object and no array."""
    return not isinstance(loads(text), dict | list)


_TEXT, _BLOB, _BIGINT = "VARCHAR", "BLOB", "BIGINT"
#: Function, types of its arguments, type of its value. All are null where an argument is.
_PYTHON: list[tuple[Callable[..., Any], list[str], str]] = [
    (json_extract_scalar, [_TEXT, _TEXT], _TEXT),
    (json_extract, [_TEXT, _TEXT], _TEXT),
    (json_parse, [_TEXT], _TEXT),
    (json_text, [_TEXT], _TEXT),
    (json_map, [_TEXT], "MAP(VARCHAR, VARCHAR)"),
    (json_array, [_TEXT], "VARCHAR[]"),
    (json_array_length, [_TEXT], _BIGINT),
    (json_size, [_TEXT, _TEXT], _BIGINT),
    (json_array_contains, [_TEXT, _TEXT], "BOOLEAN"),
    (is_json_scalar, [_TEXT], "BOOLEAN"),
    (xxhash64, [_BLOB], _BLOB),
]
_MACROS = {
    "t_json_format(x)": "CAST(x AS VARCHAR)",
    "t_to_json(x)": "CAST(to_json(x) AS VARCHAR)",
    "t_to_utf8(x)": "encode(x)",
    "t_from_utf8(x)": "decode(x)",
    "t_md5(x)": "unhex(md5(x))",
    "t_sha256(x)": "unhex(sha256(x))",
    "t_to_hex(x)": "hex(x)",
    "t_from_hex(x)": "unhex(x)",
    "t_to_base64(x)": "to_base64(x)",
    "t_from_base64(x)": "from_base64(x)",
    "t_from_unixtime(x)": "to_timestamp(CAST(x AS DOUBLE))",
    "t_to_unixtime(x)": "CAST(epoch_us(x) AS DOUBLE) / 1e6",
    "t_from_iso8601_timestamp(x)": "CAST(x AS TIMESTAMPTZ)",
    "t_to_iso8601(x)": "strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ')",
    "t_cardinality(x)": "CAST(len(x) AS BIGINT)",
    "t_contains(x, y)": "list_contains(x, y)",
    "t_codepoint(x)": "unicode(x)",
    "t_split(x, y)": "string_split(x, y)",
    "t_element_at(x, y)": "x[y]",
}


def from_big_endian_64(raw: bytes) -> int:
    """Eight bytes as a signed number."""
    if len(raw) != 8:
        raise ValueError(f"INVALID_FUNCTION_ARGUMENT: expected 8-byte input, but got instead: {len(raw)}")
    return int.from_bytes(raw, "big", signed=True)


def to_big_endian_64(number: int) -> bytes:
    """A signed number as eight bytes."""
    return number.to_bytes(8, "big", signed=True)


def regexp_extract(text: str, pattern: str, group: int) -> str | None:
    """A group of the first match; None where nothing matches."""
    found = re.search(pattern, text)
    return found[group] if found else None


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, null where an argument is null; DuckDB counts the parameters, so no ``*values``."""
    return {
        1: lambda a: None if a is None else function(a),
        2: lambda a, b: None if a is None or b is None else function(a, b),
        3: lambda a, b, c: None if a is None or b is None or c is None else function(a, b, c),
    }[function.__code__.co_argcount]


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a database these functions."""
    more = [
        (from_big_endian_64, [_BLOB], _BIGINT),
        (to_big_endian_64, [_BIGINT], _BLOB),
        (regexp_extract, [_TEXT, _TEXT, _BIGINT], _TEXT),
    ]
    for function, kinds, result in [*_PYTHON, *more]:
        name = f"t_{function.__name__}" if function is not regexp_extract else "t_regexp_group"
        connection.create_function(name, _strict(function), kinds, result, null_handling="special")
    for head, body in _MACROS.items():
        connection.execute(f"CREATE MACRO {head} AS {body}")
    connection.execute(
        "CREATE MACRO t_regexp_extract(x, p) AS t_regexp_group(x, p, 0), (x, p, g) AS t_regexp_group(x, p, g)"
    )
    connection.execute(
        "CREATE MACRO t_regexp_replace(x, p) AS regexp_replace(x, p, '', 'g'), "
        r"(x, p, r) AS regexp_replace(x, p, regexp_replace(r, '\$(\d)', '\\\1', 'g'), 'g')"
    )
