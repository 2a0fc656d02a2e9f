"""Of what kind each column of a result table is, and the plain columns that a file holds of it.

========  ==================================  =========================================
kind      column                              plain
========  ==================================  =========================================
value     Python values, with a twin          (nothing: rebuilt from the twin)
twin      image JSON text of a value          texts, None where missing
key       a key attribute's Python values     (nothing: rebuilt from ``keys``)
text      str with NA                         texts, None where NA
filled    str without NA                      texts
list      lists of str                        the lists
time:…    datetime64[us] in that zone         datetime64[us] UTC
int64 …   bool, whole and floating numbers    the same
Int64 …   whole numbers or booleans with NA   numbers or booleans, None where NA
========  ==================================  =========================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta, timezone, tzinfo
from typing import Any, Final
from zlib import crc32

import numpy as np
import pandas as pd

from histlib.answers.frames import ResultFrame, key_columns, objects, texts
from histlib.errors import RequestError, ValueNotValidError
from histlib.values.image_json import MISSING, decode_image, decode_value, encode_image, encode_value
from histlib.values.times import zone

Plain = dict[str, Any]

#: The format of what a file says of its table; another one is refused.
FORMAT: Final = 1
#: Columns that hold whole items: their top level is never a ``$`` object.
ITEM_COLUMNS: Final = frozenset({"item", "new_image", "old_image"})

_TEXTS: Final = frozenset({"text", "filled", "twin"})
#: pandas' types of what may be NA.
NULLABLE: Final = frozenset({"Int64", "boolean"})
_FIXED_ZONE = re.compile(r"UTC([+-])(\d\d):(\d\d)(?::(\d\d))?")


def about(frame: pd.DataFrame) -> dict[str, Any]:
    """What a file says of its table: its attrs, the kind of each column, the number of rows.

    Raises:
        RequestError: columns that no histlib table has and that could not come back exactly.
    """
    if not isinstance(frame, pd.DataFrame):
        raise RequestError(f"expected a DataFrame, got {type(frame).__name__}; a state is written as JSON", frame)
    attrs = frame.attrs.get("histlib")
    if json.loads(json.dumps(attrs, default=repr)) != attrs:
        raise RequestError('.attrs["histlib"] holds more than plain JSON values, which a file could not keep', attrs)
    names = list(frame.columns)
    if len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        raise RequestError(f"the columns are not named by texts that differ: {names}; rename them", names)
    kinds = {name: _kind(frame, name) for name in names}
    return {"format": FORMAT, "attrs": attrs, "columns": kinds, "rows": len(frame)}


def plain_columns(frame: pd.DataFrame, kinds: Mapping[str, str]) -> Plain:
    """The columns that a file holds; :func:`build` is the inverse.

    Raises:
        RequestError: a value that is not what its twin, or the key's text, says.
    """
    plain = {name: _plain(frame[name], kind) for name, kind in kinds.items() if kind not in ("value", "key")}
    for name, kind in kinds.items():
        if kind == "value":
            whole = item_rows(plain, name, len(frame))
            _check_twin(name, frame[name], plain[f"{name}_json"], whole)
        elif kind == "key":
            _check_key(name, frame[name], plain["keys"])
    return plain


def build(plain: Mapping[str, Any], said: Mapping[str, Any]) -> ResultFrame:
    """The table of a file's columns and of what it says.

    Raises:
        ValueNotValidError, KeyError: texts that are no image JSON, columns that are not there.
    """
    data: dict[str, Any] = {}
    for name, kind in said["columns"].items():
        if kind == "value":
            whole = item_rows(plain, name, said["rows"])
            data[name] = objects([_value(*pair) for pair in zip(plain[f"{name}_json"], whole, strict=True)])
        elif kind in _TEXTS:
            data[name] = texts(plain[name])
        elif kind == "key":
            attribute = name.removeprefix("keys.")
            data[name] = key_columns(plain["keys"], [attribute])[attribute]
        elif kind == "list":
            data[name] = objects(plain[name])
        elif kind in NULLABLE:
            data[name] = pd.array(plain[name], dtype=kind)
        elif kind.startswith("time:"):
            moments = np.array(plain[name], dtype="datetime64[us]")
            tz = _zone_named(kind.removeprefix("time:"))
            data[name] = pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(tz)
        else:
            data[name] = np.array(plain[name], dtype=kind)
    frame = ResultFrame(data)
    if said["attrs"] is not None:
        frame.attrs["histlib"] = said["attrs"]
    return frame


def item_rows(plain: Mapping[str, Any], name: str, length: int) -> list[bool]:
    """For each row, whether the value in a column is a whole item."""
    if name in ITEM_COLUMNS:
        return [True] * length
    paths = plain.get("path")
    return [path == "" for path in paths] if paths is not None else [False] * length


def sums(plain: Mapping[str, Any]) -> dict[str, int]:
    """A checksum of each column's content, however its cells are written."""
    return {name: _sum(column) for name, column in plain.items()}


def _sum(column: Any) -> int:
    if isinstance(column, np.ndarray):
        column = (column.astype("int64") if column.dtype.kind == "M" else column).tolist()
    return crc32(json.dumps(column).encode())


def _kind(frame: pd.DataFrame, name: str) -> str:
    if name.startswith("keys.") and "keys" in frame.columns:
        return "key"
    if f"{name}_json" in frame.columns:
        return "value"
    if name.endswith("_json") and name.removesuffix("_json") in frame.columns:
        return "twin"
    column = frame[name]
    dtype = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype) and dtype.unit == "us":
        return f"time:{_zone_name(dtype.tz, name)}"
    if isinstance(dtype, pd.StringDtype):
        return "text" if column.isna().any() else "filled"
    if dtype.kind in "biuf" and isinstance(dtype, np.dtype):
        return str(dtype)
    if str(dtype) in NULLABLE:
        return str(dtype)
    if dtype.kind == "O" and all(type(entry) is list and all(type(text) is str for text in entry) for entry in column):
        return "list"
    raise RequestError(
        f"column {name!r} ({dtype}) could not come back exactly; expected str, bool, int64, Int64, float64, "
        "datetime64[us, tz], lists of str, or values with their image JSON in a column "
        f"{name + '_json'!r}; convert or drop it",
        name,
    )


def _plain(column: pd.Series[Any], kind: str) -> Any:
    if kind in _TEXTS:
        return [text if isinstance(text, str) else None for text in column.tolist()]
    if kind == "list":
        return column.tolist()
    if kind in NULLABLE:
        return column.astype(object).where(column.notna(), None).tolist()
    if kind.startswith("time:"):
        return column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return column.to_numpy()


def _check_twin(name: str, column: pd.Series[Any], twin: Sequence[str | None], whole: Sequence[bool]) -> None:
    for row, (value, text, is_item) in enumerate(zip(column.tolist(), twin, whole, strict=True)):
        try:
            if _text(value, is_item) == text:
                continue
        except (ValueNotValidError, AttributeError) as error:
            raise RequestError(f"row {row}: {name!r} holds no value of DynamoDB's: {error}", value) from error
        raise RequestError(f"row {row}: {name!r} is {value!r}, but '{name}_json' is {text!r}; set both", value)


def _check_key(name: str, column: pd.Series[Any], keys: Sequence[str | None]) -> None:
    attribute = name.removeprefix("keys.")
    try:
        wanted = key_columns([text or "" for text in keys], [attribute])[attribute].tolist()
    except ValueNotValidError as error:
        raise RequestError(f"column 'keys' holds no keys: {error}", name) from error
    if column.tolist() != wanted:
        raise RequestError(f"column {name!r} is not what 'keys' says; set both", name)


def _text(value: Any, whole_item: bool) -> str | None:
    if value is MISSING:
        return None
    return encode_image(value) if whole_item else encode_value(value)


def _value(text: str | None, whole_item: bool) -> Any:
    if text is None:
        return MISSING
    return decode_image(text) if whole_item else decode_value(text)


def _zone_name(tz: tzinfo, column: str) -> str:
    """An IANA name, or ``UTC+09:00`` for a fixed offset."""
    name = str(getattr(tz, "key", None) or getattr(tz, "zone", None) or "UTC")
    fixed = tz.utcoffset(None)
    if fixed:
        name = str(timezone(fixed))
    elif fixed is None and name == "UTC":
        raise RequestError(f"column {column!r}: the zone {tz!r} has no name; convert it to an IANA zone", tz)
    return name


def _zone_named(name: str) -> tzinfo:
    fixed = _FIXED_ZONE.fullmatch(name)
    if not fixed:
        return zone(name)
    hours, minutes, seconds = (int(part or 0) for part in fixed.groups()[1:])
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-offset if fixed[1] == "-" else offset)
