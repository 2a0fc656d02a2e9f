"""CSV: UTF-8 with BOM, comma-separated; what a table says of itself stands in the first row's last cell."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from histlib.errors import RequestError, ValueNotValidError
from histlib.frames import ResultFrame
from histlib.values import encode_value
from histlib.writers.cells import json_cell, read_text_cell, read_value_cell, text_cell, value_cell
from histlib.writers.columns import build, item_rows, kinds, utc_micros

#: The column with what the table says of itself.
ABOUT: Final = "histlib"
#: Texts that are never NA: an empty cell of them is the empty text.
_NEVER_NA: Final = frozenset({"path", "caveats"})


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write the table; ``time`` is local with its ``offset`` beside it, values are image JSON."""
    found = kinds(frame)
    columns: dict[str, Sequence[str]] = {}
    for name, kind in found.items():
        columns.update(_cells(frame, name, kind))
    about = {"attrs": frame.attrs.get("histlib", {}), "columns": found}
    length = max(len(frame), 1)
    cells = [list(column) or [""] for column in columns.values()]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*map(text_cell, columns), ABOUT])
        writer.writerows(zip(*cells, [json_cell(about), *[""] * (length - 1)], strict=True))


def read(path: Path) -> ResultFrame:
    """Read a table that :func:`write` wrote, also where a spreadsheet has saved it with another separator.

    Raises:
        RequestError: not such a file, or cells that were changed into something else.
    """
    header, rows, about = _open(path)
    try:
        columns = {name: [row[at] for row in rows] for at, name in enumerate(header)}
        return _rebuild(columns, about)
    except (ValueNotValidError, ValueError, KeyError, IndexError) as error:
        raise RequestError(f"{path}: a cell is not as histlib wrote it: {error}", str(path)) from error


def _cells(frame: pd.DataFrame, name: str, kind: str) -> Iterator[tuple[str, Sequence[str]]]:
    """The CSV's columns for one of the table's: none for a twin, two for a time."""
    column = frame[name]
    if kind == "value":
        yield name, [value_cell(_or_none(text)) for text in frame[f"{name}_json"]]
    elif kind == "text":
        texts = column.tolist()
        known = {text: text_cell(text) for text in set(texts) if isinstance(text, str)}
        if name in _NEVER_NA:
            known[""] = ""
        yield name, [known.get(text, "") for text in texts]
    elif kind == "key":
        yield name, [text_cell(key if isinstance(key, str) else encode_value(key)) for key in column]
    elif kind == "list":
        yield name, [json_cell(list(entry)) for entry in column]
    elif kind.startswith("time:"):
        yield from zip((name, _offset_name(name)), _local_times(column), strict=True)
    elif kind != "twin":
        yield name, [str(value).lower() if isinstance(value, bool | np.bool_) else str(value) for value in column]


def _offset_name(name: str) -> str:
    return "offset" if name == "time" else f"{name}_offset"


def _local_times(column: pd.Series[Any]) -> tuple[list[str], list[str]]:
    """Local times as text, with microseconds only where there are some, and their offsets."""
    utc = utc_micros(column)
    local = column.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    whole, fine = (np.datetime_as_string(local, unit=unit).tolist() for unit in ("s", "us"))
    fraction = (local.astype("int64") % 1_000_000 != 0).tolist()
    times = [exact if some else short for exact, short, some in zip(fine, whole, fraction, strict=True)]
    times = [time.replace("T", " ") for time in times]
    seconds = (local - utc).astype("timedelta64[s]").astype("int64").tolist()
    known = {offset: _offset(offset) for offset in set(seconds)}
    nothing = np.isnat(utc).tolist()
    return (
        ["" if no else time for time, no in zip(times, nothing, strict=True)],
        ["" if no else known[offset] for offset, no in zip(seconds, nothing, strict=True)],
    )


def _offset(seconds: int) -> str:
    """``UTC+09:00``: a text that no spreadsheet takes for a number or a formula."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    tail = f":{seconds % 60:02}" if seconds % 60 else ""
    return f"UTC{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}{tail}"


def _open(path: Path) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        separator = max(",;\t", key=first.count)
        file.seek(0)
        try:
            rows = list(csv.reader(file, delimiter=separator))
            header = [read_text_cell(cell) or "" for cell in rows[0]]
            about = json.loads(rows[1][header.index(ABOUT)])
            about["columns"], about["attrs"]
        except (csv.Error, ValueError, IndexError, KeyError, TypeError) as error:
            raise RequestError(
                f"{path} was not written by histlib: the column {ABOUT!r} and what it says are missing", str(path)
            ) from error
    body = [row for row in rows[1:] if row]
    empty = len(body) == 1 and not any(cell for cell, name in zip(body[0], header, strict=False) if name != ABOUT)
    return header, [] if empty else body, about


def _rebuild(cells: dict[str, list[str]], about: dict[str, Any]) -> ResultFrame:
    wanted = about["columns"]
    columns: dict[str, Any] = {}
    for name, kind in wanted.items():
        if kind == "text":
            empty = "" if name in _NEVER_NA else None
            columns[name] = [empty if not cell else read_text_cell(cell) for cell in cells[name]]
        elif kind == "list":
            columns[name] = [json.loads(cell) for cell in cells[name]]
        elif kind.startswith("time:"):
            columns[name] = _utc_times(cells[name], cells[_offset_name(name)])
        elif kind == "bool":
            columns[name] = [{"true": True, "false": False}[cell.lower()] for cell in cells[name]]
        elif kind not in ("value", "twin", "key"):
            columns[name] = np.array(cells[name], dtype=kind)
    length = len(next(iter(cells.values()), []))
    for name, kind in wanted.items():
        if kind == "value":
            whole = item_rows(columns, name, length)
            columns[f"{name}_json"] = [read_value_cell(*pair) for pair in zip(cells[name], whole, strict=True)]
    return build(columns, wanted, about["attrs"])


def _utc_times(times: Sequence[str], offsets: Sequence[str]) -> np.ndarray[Any, Any]:
    local = np.array([time.replace(" ", "T") or "NaT" for time in times], dtype="datetime64[us]")
    known = {offset: _seconds(offset) for offset in set(offsets)}
    utc: np.ndarray[Any, Any] = local - np.array([known[offset] for offset in offsets], dtype="timedelta64[s]")
    return utc


def _seconds(offset: str) -> int:
    if not offset:
        return 0
    hours, minutes, *rest = offset.removeprefix("UTC")[1:].split(":")
    size = int(hours) * 3600 + int(minutes) * 60 + int(rest[0] if rest else 0)
    return -size if offset.removeprefix("UTC").startswith("-") else size


def _or_none(text: Any) -> str | None:
    return text if isinstance(text, str) else None
