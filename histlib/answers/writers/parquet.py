"""Parquet: values as their image JSON text, what a table says of itself in the schema's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from histlib.answers.frames import ResultFrame
from histlib.answers.writers.columns import FORMAT, NULLABLE, about, build, plain_columns
from histlib.errors import RequestError, ValueNotValidError

_METADATA: Final = b"histlib"


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write the table; other tools see times in UTC and values as JSON text in the ``*_json`` columns."""
    said = about(frame)
    kinds = said["columns"]
    columns = {name: _array(column, kinds[name]) for name, column in plain_columns(frame, kinds).items()}
    table = pa.table(columns).replace_schema_metadata({_METADATA: json.dumps(said).encode()})
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def read(path: Path) -> ResultFrame:
    """Read a table that :func:`write` wrote.

    Raises:
        RequestError: not such a file, or a damaged one.
    """
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        said = json.loads((table.schema.metadata or {})[_METADATA])
        if said["format"] != FORMAT:
            raise RequestError(f"{path} has format {said['format']!r}; expected {FORMAT}; update histlib", str(path))
        kinds = said["columns"]
        return build({name: _plain(table.column(name), kinds[name]) for name in table.column_names}, said)
    except (pa.ArrowException, KeyError, TypeError, ValueError, OSError, ValueNotValidError) as error:
        raise RequestError(f"{path} is damaged, or was not written by histlib: {error}", str(path)) from error


def _array(column: Any, kind: str) -> pa.Array:
    if kind in NULLABLE:
        return pa.array(column, pa.int64() if kind == "Int64" else pa.bool_())
    if isinstance(column, np.ndarray):
        return pa.array(column, pa.timestamp("us", "UTC") if column.dtype.kind == "M" else None)
    lists = any(isinstance(entry, list) for entry in column)
    return pa.array(column, pa.list_(pa.string()) if lists else pa.string())


def _plain(column: pa.ChunkedArray, kind: str) -> Any:
    if kind in NULLABLE or pa.types.is_string(column.type) or pa.types.is_list(column.type):
        return column.to_pylist()
    return column.cast(pa.timestamp("us")).to_numpy() if pa.types.is_timestamp(column.type) else column.to_numpy()
