"""Of what kind each column of a result table is, told from its name, twin and dtype; and how columns are rebuilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from histlib.frames import ResultFrame, key_columns, objects, texts
from histlib.times import zone
from histlib.values import MISSING, decode_image, decode_value

#: Columns that hold whole items: their top level is never a ``$`` object.
ITEM_COLUMNS: Final = frozenset({"item", "new_image", "old_image"})


def kinds(frame: pd.DataFrame) -> dict[str, str]:
    """Column → ``value``, ``twin``, ``key``, ``text``, ``list``, ``time:<zone>`` or the name of a plain dtype."""
    return {str(name): _kind(frame, str(name)) for name in frame.columns}


def item_rows(frame_columns: Mapping[str, Sequence[Any]], name: str, length: int) -> list[bool]:
    """For each row, whether the value in a column is a whole item."""
    if name in ITEM_COLUMNS:
        return [True] * length
    paths = frame_columns.get("path")
    return [path == "" for path in paths] if paths is not None else [False] * length


def build(columns: Mapping[str, Any], wanted: Mapping[str, str], attrs: Mapping[str, Any]) -> ResultFrame:
    """The table: ``columns`` holds texts, times and plain values by name; twins' texts stand in for their values."""
    length = len(next(iter(columns.values()))) if columns else 0
    data: dict[str, Any] = {}
    for name, kind in wanted.items():
        if kind == "value":
            whole = item_rows(columns, name, length)
            data[name] = objects([_value(*pair) for pair in zip(columns[f"{name}_json"], whole, strict=True)])
        elif kind in ("text", "twin"):
            data[name] = texts(columns[name])
        elif kind == "key":
            data[name] = key_columns(columns["keys"], [name.removeprefix("keys.")])[name.removeprefix("keys.")]
        elif kind == "list":
            data[name] = objects(columns[name])
        elif kind.startswith("time:"):
            moments = np.array(columns[name], dtype="datetime64[us]")
            data[name] = pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(zone(kind.removeprefix("time:")))
        else:
            data[name] = np.array(columns[name], dtype=kind)
    frame = ResultFrame(data)
    if attrs:
        frame.attrs["histlib"] = dict(attrs)
    return frame


def utc_micros(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """A time column as datetime64[us], UTC."""
    micros: np.ndarray[Any, Any] = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return micros


def _kind(frame: pd.DataFrame, name: str) -> str:
    if f"{name}_json" in frame.columns:
        return "value"
    if name.endswith("_json") and name.removesuffix("_json") in frame.columns:
        return "twin"
    if name.startswith("keys.") and "keys" in frame.columns:
        return "key"
    dtype = frame[name].dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return f"time:{dtype.tz}"
    if isinstance(dtype, pd.StringDtype):
        return "text"
    return "list" if dtype.kind == "O" else str(dtype)


def _value(text: str | None, whole_item: bool) -> Any:
    if text is None:
        return MISSING
    return decode_image(text) if whole_item else decode_value(text)
