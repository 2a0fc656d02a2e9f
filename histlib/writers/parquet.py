"""Parquet: values as their image JSON text, what a table says of itself in the schema's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from histlib.errors import RequestError
from histlib.frames import ResultFrame
from histlib.writers.columns import build, kinds, utc_micros

_METADATA: Final = b"histlib"


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write the table; other tools see times in UTC and values as JSON text in the ``*_json`` columns."""
    found = kinds(frame)
    columns = {name: _column(frame, name, kind) for name, kind in found.items() if kind not in ("value", "key")}
    about = json.dumps({"attrs": frame.attrs.get("histlib", {}), "columns": found})
    table = pa.table(columns).replace_schema_metadata({_METADATA: about.encode()})
    pq.write_table(table, path, compression="zstd")


def read(path: Path) -> ResultFrame:
    """Read a table that :func:`write` wrote.

    Raises:
        RequestError: not such a file.
    """
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[_METADATA])
    except (pa.ArrowException, KeyError, OSError) as error:
        raise RequestError(f"{path} was not written by histlib: {error}", str(path)) from error
    columns: dict[str, Any] = {}
    for name in table.column_names:
        plain = about["columns"][name]
        column = table.column(name)
        columns[name] = column.to_pylist() if plain in ("text", "twin", "list") else column.to_numpy()
    return build(columns, about["columns"], about["attrs"])


def _column(frame: pd.DataFrame, name: str, kind: str) -> pa.Array:
    column = frame[name]
    if kind in ("text", "twin"):
        return pa.array([text if isinstance(text, str) else None for text in column], pa.string())
    if kind.startswith("time:"):
        return pa.array(utc_micros(column), pa.timestamp("us"))
    if kind == "list":
        return pa.array(list(column), pa.list_(pa.string()))
    return pa.array(column.to_numpy())
