"""Writes result tables to files and reads them back: every value, caveat and time identical.

cells     how one value or text stands in a cell of a CSV
moments   how times stand in it, with their offsets
columns   of what kind each column of a table is, and what a file holds of it
csv       ``.csv``, exact both ways, safe to open in a spreadsheet
parquet   ``.parquet``, exact both ways
xlsx      ``.xlsx``, for people, write only
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from histlib.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from histlib.answers.frames import ResultFrame

#: Suffix → the module that writes it.
WRITERS: Final = {".csv": "csv", ".parquet": "parquet", ".xlsx": "xlsx"}
#: Suffix → the module that reads it.
READERS: Final = {".csv": "csv", ".parquet": "parquet"}


def write(frame: pd.DataFrame, file: str | Path) -> Path:
    """Write a result table; the suffix says how: ``.csv``, ``.parquet``, or ``.xlsx`` (needs the extra ``excel``).

    The file is there whole or not at all. Row labels (the index) are not written. Returns its path.

    Raises:
        RequestError: another suffix, no such folder, a file that cannot be written, or a table with columns that
            could not come back exactly.
    """
    path = Path(file)
    module = WRITERS.get(path.suffix.lower())
    if module is None:
        expected = ", ".join(WRITERS)
        raise RequestError(f"{path}: cannot write {path.suffix or 'no suffix'!r}; expected {expected}", file)
    if not path.parent.is_dir():
        raise RequestError(f"{path}: there is no folder {path.parent}; make it first", file)
    temporary = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        import_module(f"histlib.answers.writers.{module}").write(frame, temporary)
        temporary.replace(path)
    except OSError as error:
        raise RequestError(f"{path} could not be written: {error.strerror or error}", file) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read(file: str | Path) -> ResultFrame:
    """Read a table that :func:`write` wrote as ``.csv`` or ``.parquet``: equal in values, dtypes, times and attrs.

    Raises:
        RequestError: no such file, another suffix, or a file that histlib did not write or that was changed since.
    """
    path = Path(file)
    module = READERS.get(path.suffix.lower())
    if module is None:
        expected = " or ".join(READERS)
        raise RequestError(f"{path}: cannot read {path.suffix or 'no suffix'!r}; expected {expected}", file)
    if not path.is_file():
        raise RequestError(f"{path}: there is no such file", file)
    try:
        frame: ResultFrame = import_module(f"histlib.answers.writers.{module}").read(path)
    except OSError as error:
        raise RequestError(f"{path} could not be read: {error.strerror or error}", file) from error
    return frame
