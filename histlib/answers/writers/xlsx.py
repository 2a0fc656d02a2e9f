"""``.xlsx``, for people, write only: texts that are never formulas, real dates, and what did not fit is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from histlib.answers.writers.columns import NULLABLE, Plain, about, plain_columns
from histlib.answers.writers.moments import local_times, offset_name
from histlib.errors import RequestError
from histlib.values.image_json import MISSING, encode_value

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

#: What a sheet holds (Microsoft, "Excel specifications and limits"); the header is one row.
MAX_ROWS: Final = 1_048_576
MAX_CHARACTERS: Final = 32_767
#: Whole numbers beyond lose digits there.
MAX_EXACT: Final = 10**15

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write the table as a sheet ``table``, and what it says of itself, with the overflows, as ``histlib``.

    Raises:
        RequestError: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise RequestError("writing .xlsx needs openpyxl; pip install 'histlib[excel]'", str(path)) from error
    said = about(frame)
    plain = plain_columns(frame, said["columns"])
    columns = [pair for name, kind in said["columns"].items() for pair in _columns(frame[name], plain, name, kind)]
    book = Workbook(write_only=True)
    sheet = book.create_sheet("table")
    sheet.freeze_panes = "A2"
    shown = min(len(frame), MAX_ROWS - 1)
    cut = _append(sheet, [name for name, _ in columns])
    for row in zip(*(values[:shown] for _, values in columns), strict=True):
        cut += _append(sheet, row)
    overflow = {"rows left out": len(frame) - shown, "cells cut short": cut}
    notes = book.create_sheet("histlib")
    for line in _notes(said["attrs"] or {}, overflow):
        _append(notes, line)
    book.save(path)


def _columns(column: pd.Series[Any], plain: Plain, name: str, kind: str) -> Iterator[tuple[str, Sequence[Any]]]:
    if kind == "value":
        yield name, plain[f"{name}_json"]
    elif kind == "key":
        yield name, [_key(value) for value in column]
    elif kind == "list":
        yield name, [", ".join(texts) for texts in plain[name]]
    elif kind.startswith("time:"):
        times, offsets = local_times(column)
        yield name, [_date(text) for text in times]
        yield offset_name(name), offsets
    elif kind in ("text", "filled", *NULLABLE):
        yield name, plain[name]
    elif kind != "twin":
        yield name, plain[name].tolist()


def _key(value: Any) -> str | None:
    if value is MISSING:
        return None
    return value if isinstance(value, str) else encode_value(value)


def _date(text: str) -> datetime | str | None:
    """A naive local time; as text where a sheet has no such date."""
    return datetime.fromisoformat(text) if text >= "1900-03-01" else text or None


def _append(sheet: WriteOnlyWorksheet, row: Sequence[Any]) -> int:
    """Append a row; how many of its texts were cut short."""
    fitting = [_fitting(value) if isinstance(value, str) else value for value in row]
    sheet.append([_cell(sheet, value) for value in fitting])
    return sum(len(after) < len(before) for before, after in zip(row, fitting, strict=True) if isinstance(before, str))


def _fitting(text: str) -> str:
    """The text, or its beginning and ``…``; a sheet counts in UTF-16 units."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MAX_CHARACTERS:
        return text
    return units[: 2 * (MAX_CHARACTERS - 1)].decode("utf-16-le", errors="ignore") + "…"


def _cell(sheet: WriteOnlyWorksheet, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, str) and value:
        shown = _ESCAPED.sub("_x005F_", value)  # a sheet reads _x0041_ as A
        cell = WriteOnlyCell(sheet, _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", shown))
        cell.data_type = "s"
        return cell
    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = "yyyy-mm-dd hh:mm:ss.000" if value.microsecond else "yyyy-mm-dd hh:mm:ss"
        return cell
    return str(value) if isinstance(value, int) and abs(value) > MAX_EXACT else value


def _notes(attrs: Mapping[str, Any], overflow: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    yield from overflow.items()
    for name, value in attrs.items():
        if name != "caveats":
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for caveat in attrs.get("caveats", []):
        yield f"caveat {caveat['name']}", caveat["detail"]
