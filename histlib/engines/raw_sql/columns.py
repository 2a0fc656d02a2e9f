"""The columns of the table: the record's, the day it landed and the file it lies in."""

from __future__ import annotations

from typing import Final

from histlib.format.record import COLUMNS as RECORD

#: Column → type. ``dateday`` is null for a file in no folder ``yyyy/MM/dd`` of the landing.
COLUMNS: Final[dict[str, str]] = {**RECORD, "dateday": "string", "file": "string"}

#: Other names of columns, as Athena has them.
ALIASES: Final = {"$path": "file"}

#: Columns that hold image JSON, in which dotted names look.
IMAGES: Final = ("keys", "new_image", "old_image")

#: How DuckDB has what the index does not hold.
_DERIVED: Final = {
    "format": "CAST(1 AS INTEGER)",
    "timestamp": '"timestamp_micros" // 1000000',
    "timestamp_utc": 'make_timestamp("timestamp_micros" // 1000000 * 1000000)',
    "dateday": r"""nullif(regexp_extract("file", '^[^/]+/(\d{4}/\d{2}/\d{2})/', 1), '')""",
}
_TRINO: Final = {"int": "INTEGER", "bigint": "BIGINT", "string": "VARCHAR", "timestamp": "TIMESTAMP"}


def types() -> dict[str, str]:
    """Column → SQL type."""
    return {name: _TRINO[kind] for name, kind in COLUMNS.items()}


def duckdb_select(scan: str) -> str:
    """The table, from the rows of the index."""
    columns = (f'{_DERIVED[name]} AS "{name}"' if name in _DERIVED else f'"{name}"' for name in COLUMNS)
    return f'SELECT {", ".join(columns)} FROM "{scan}"'
