"""CSV: UTF-8 with BOM, comma-separated; what a table says of itself stands in the first row's last cell.

The checksums there are of what the cells mean, not of how they are written: a file that a spreadsheet saved again is
read where nothing was lost, and refused where numbers were rounded, seconds dropped, or rows lost or moved.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from histlib.answers.frames import ResultFrame
from histlib.answers.writers.cells import json_cell, read_text_cell, read_value_cell, text_cell, value_cell
from histlib.answers.writers.columns import FORMAT, NULLABLE, Plain, about, build, item_rows, plain_columns, sums
from histlib.answers.writers.moments import local_times, offset_name, utc_times
from histlib.errors import RequestError, ValueNotValidError
from histlib.values.image_json import MISSING, encode_value

#: The column with what the table says of itself.
ABOUT: Final = "histlib"
_BOOLEANS: Final = {"true": True, "false": False}
_SEPARATORS: Final = ",;\t|"
#: Longer than any cell can be (an item of 400 KB, all of it escaped).
_CELL_LIMIT: Final = 1 << 30


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write the table; ``time`` is local with its ``offset`` beside it, values are image JSON."""
    said = about(frame)
    plain = plain_columns(frame, said["columns"])
    cells = [pair for name, kind in said["columns"].items() for pair in _cells(frame[name], plain, name, kind)]
    header = [*(text_cell(name) for name, _ in cells), ABOUT]
    if len(set(header)) < len(header):
        raise RequestError(f"two columns of the CSV would have one name: {header}; rename yours", header)
    first = json_cell(said | {"sums": sums(plain)})
    last = chain([first], repeat("", len(frame) - 1))
    rows = (
        zip(*(column for _, column in cells), last, strict=True) if len(frame) else [(*repeat("", len(cells)), first)]
    )
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(chain([header], rows))


def read(path: Path) -> ResultFrame:
    """Read a table that :func:`write` wrote, also where a spreadsheet has saved it with another separator.

    Raises:
        RequestError: not such a file, or one whose content was changed.
    """
    header, rows, said = _open(path)
    try:
        if len(rows) != said["rows"]:
            raise ValueNotValidError(f"it has {len(rows)} rows of {said['rows']}")
        plain = _plain(dict(zip(header, _transposed(rows, len(header)), strict=True)), said)
        changed = [name.removesuffix("_json") for name, total in sums(plain).items() if said["sums"][name] != total]
        if changed:
            what = "a spreadsheet rounds numbers and cuts times, or rows were moved"
            raise ValueNotValidError(f"the content of {', '.join(map(repr, changed))} has changed ({what})")
        return build(plain, said)
    except (ValueNotValidError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise RequestError(f"{path} is not as histlib wrote it: {error}; write the table again", str(path)) from error


def _cells(column: pd.Series[Any], plain: Plain, name: str, kind: str) -> Iterator[tuple[str, Sequence[str]]]:
    """The CSV's columns for one of the table's: none for a twin, two for a time."""
    if kind == "value":
        yield name, list(map(value_cell, plain[f"{name}_json"]))
    elif kind in ("text", "filled"):
        known = {text: text_cell(text) for text in set(plain[name]) if text is not None}
        known |= {None: ""} if kind == "text" else {"": ""}
        yield name, [known[text] for text in plain[name]]
    elif kind == "key":
        known = {text: _key_cell(value) for text, value in zip(plain["keys"], column, strict=True)}
        yield name, [known[text] for text in plain["keys"]]
    elif kind == "list":
        yield name, list(map(json_cell, plain[name]))
    elif kind.startswith("time:"):
        yield from zip((name, offset_name(name)), local_times(column), strict=True)
    elif kind in NULLABLE:
        yield name, ["" if value is None else str(value).lower() for value in plain[name]]
    elif kind != "twin":
        yield name, [str(value).lower() for value in plain[name].tolist()]


def _key_cell(value: Any) -> str:
    if value is MISSING:
        return ""
    return text_cell(value) if isinstance(value, str) else value_cell(encode_value(value))


def _open(path: Path) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """The header, the rows, and what the table says of itself."""
    csv.field_size_limit(_CELL_LIMIT)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(file.readline())
            file.seek(0)
            rows = [row for row in csv.reader(file, delimiter=separator) if row]
        header = [read_text_cell(cell) for cell in rows[0]]
        said = json.loads(rows[1][header.index(ABOUT)])
        known = said["format"] == FORMAT
        body = rows[1:] if not known or said["rows"] else rows[2:]
    except UnicodeDecodeError as error:
        raise RequestError(
            f"{path} is not UTF-8; save it as 'CSV UTF-8', or write the table again", str(path)
        ) from error
    except (csv.Error, ValueError, IndexError, KeyError, TypeError) as error:
        what = f"the column {ABOUT!r}, with what the table says of itself in its first row, is missing"
        raise RequestError(f"{path} was not written by histlib, or its rows were moved: {what}", str(path)) from error
    if not known:
        raise RequestError(f"{path} has format {said['format']!r}; expected {FORMAT}; update histlib", str(path))
    return header, body, said


def _separator(header: str) -> str:
    """What stands before the last column's name; a comma where nothing fits."""
    for separator in _SEPARATORS:
        if header.rstrip("\r\n").replace('"', "").endswith(separator + ABOUT):
            return separator
    return ","


def _transposed(rows: list[list[str]], width: int) -> list[Sequence[str]]:
    """Columns; spreadsheets leave out empty cells at a row's end."""
    for number, row in enumerate(rows, 2):
        if len(row) > width:
            raise ValueNotValidError(f"line {number} has {len(row)} cells of {width}")
        row.extend(repeat("", width - len(row)))
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _plain(cells: Mapping[str, Sequence[str]], said: Mapping[str, Any]) -> Plain:
    """The table's plain columns; texts first, since paths say which values are whole items."""
    plain: Plain = {}
    for name, kind in said["columns"].items():
        if kind not in ("value", "twin", "key"):
            plain[name] = _column(cells, name, kind)
    for name, kind in said["columns"].items():
        if kind == "value":
            whole = item_rows(plain, name, said["rows"])
            plain[f"{name}_json"] = [read_value_cell(*pair) for pair in zip(cells[name], whole, strict=True)]
    return plain


def _column(cells: Mapping[str, Sequence[str]], name: str, kind: str) -> Any:
    if kind == "text":
        return [read_text_cell(cell) if cell else None for cell in cells[name]]
    if kind == "filled":
        return [read_text_cell(cell) for cell in cells[name]]
    if kind == "list":
        return [json.loads(cell) for cell in cells[name]]
    if kind.startswith("time:"):
        return utc_times(cells[name], cells[offset_name(name)])
    if kind == "bool":
        return np.array([_BOOLEANS[cell.lower()] for cell in cells[name]], dtype=bool)
    if kind in NULLABLE:
        read: Any = int if kind == "Int64" else lambda cell: _BOOLEANS[cell.lower()]
        return [read(cell) if cell else None for cell in cells[name]]
    return np.array(cells[name], dtype=kind)
