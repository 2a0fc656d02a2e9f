"""Writes result tables to files and reads them back: every value, caveat and time identical.

cells     how one value, text or time stands in a cell
columns   of what kind each column of a table is
csv       ``.csv``, exact both ways, safe to open in a spreadsheet
parquet   ``.parquet``, exact both ways
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from histlib.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from histlib.frames import ResultFrame

SUFFIXES: Final = (".csv", ".parquet")


def write(frame: pd.DataFrame, file: str | Path) -> Path:
    """Write a result table; the suffix says how: ``.csv`` or ``.parquet``.

    The file is there whole or not at all. Returns its path.

    Raises:
        RequestError: another suffix, or no such folder.
    """
    from histlib.writers import csv, parquet

    path = Path(file)
    writers = {".csv": csv.write, ".parquet": parquet.write}
    if path.suffix not in writers:
        raise RequestError(f"{path}: cannot write {path.suffix or 'no suffix'!r}; expected {', '.join(SUFFIXES)}", file)
    if not path.parent.is_dir():
        raise RequestError(f"{path}: there is no folder {path.parent}; make it first", file)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        writers[path.suffix](frame, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read(file: str | Path) -> ResultFrame:
    """Read a table that :func:`write` wrote as ``.csv`` or ``.parquet``: equal in values, dtypes, times and attrs.

    Raises:
        RequestError: no such file, another suffix, or a file that histlib did not write.
    """
    from histlib.writers import csv, parquet

    path = Path(file)
    readers = {".csv": csv.read, ".parquet": parquet.read}
    if path.suffix not in readers:
        raise RequestError(f"{path}: cannot read {path.suffix or 'no suffix'!r}; expected .csv or .parquet", file)
    if not path.is_file():
        raise RequestError(f"{path}: there is no such file", file)
    return readers[path.suffix](path)
