"""A result table as a person reads it: text only, and columns that say nothing in a line or not at all.

In a terminal a wide table is brought to its width: event ids and whole items go first, long values become shorter,
and a line says which columns are not shown. Caveats always are. Pages and pipes have no width: all of it is there.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from histlib import markup
from histlib.values.image_json import MISSING, encode_value

#: How wide a longer value is shown, a whole item beside other values, and a value at the least in a narrow terminal.
SHOWN_WIDTH: Final = 60
_BESIDE_OTHERS: Final = 32
_LEAST: Final = 16

_ITEMS: Final = ("item", "old_image", "new_image")
_BOUNDS: Final = (("since", "from_latest"), ("until", "to_earliest"), ("time", "since"))
#: Columns that are told in one line where they hold the same in all rows.
_SAID_ONCE: Final = frozenset({"status", "evidence", "still", "ended_action"})
_TIMES: Final = frozenset({"started", "time", "since", "until", "from_latest", "to_earliest"})
#: In this order columns leave a narrow terminal, those of a row from the right; keys and caveats stay.
_LEAVING: Final = (_ITEMS, (), ("from_latest", "to_earliest"), ("before",), ("actor", "set_by", "ended_by"))
_STAYING: Final = ("time", "since", "until", "path", "value", "after")
#: Columns of numbers that are measures: how they are shown.
_MEASURES: Final[dict[str, str]] = {"seconds": "{:.1f}", "scanned": "{:,}", "cost": "{:.5f}"}
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_OFFSET_AFTER = re.compile(r" [+-]\d\d:\d\d$")
_UNLIMITED: Final = 1 << 30

Columns = dict[str, list[str]]
Step = Callable[[Columns], Columns]


@dataclass(frozen=True)
class Shown:
    """The columns of a table in order, name → cells, and what to say of those that are not there."""

    columns: Columns
    notes: list[str]

    @property
    def names(self) -> list[str]:
        """Column names."""
        return list(self.columns)

    @property
    def rows(self) -> list[list[str]]:
        """Cells by row."""
        return [list(row) for row in zip(*self.columns.values(), strict=True)]


def is_answer(frame: pd.DataFrame) -> bool:
    """Whether a table is still one of answers, and no other that a caller made of one: pivoted, described."""
    names, index = frame.columns, frame.index
    plain = names.is_unique and all(isinstance(name, str) for name in names)
    return bool(plain and len(names) and index.nlevels == 1 and index.name is None and index.dtype.kind == "i")


def shown(frame: pd.DataFrame, rows: int, width: int | None = None) -> Shown:
    """The first rows of a table, without columns that say nothing; within ``width`` if one is given."""
    columns = _columns(frame, rows)
    if is_raw(frame):
        return _within(Shown(columns, []), width, [])
    if "caveats" in columns and not frame["caveats"].astype(bool).any():
        del columns["caveats"]
    said = _said_once(frame, list(columns)) if len(frame) > 1 else {}
    columns = {name: cells for name, cells in columns.items() if name not in said}
    notes = [f"in all rows: {' · '.join(f'{name} {what}' for name, what in said.items())}"] if said else []
    return _within(Shown(columns, notes), width, [_without_event_ids, _without_items, _without_offsets])


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is, or ``COLUMNS``; None where it is none."""
    if not (os.environ.get("COLUMNS") or sys.stdout.isatty()):
        return None
    columns = shutil.get_terminal_size((_UNLIMITED, 1)).columns
    return None if columns == _UNLIMITED else columns


def is_raw(frame: pd.DataFrame) -> bool:
    """Whether its columns are an engine's, of any names."""
    return "sql" in frame.attrs.get("histlib", {})


def is_twin(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column holds the image JSON of the one beside it."""
    return not is_raw(frame) and name.endswith("_json") and name.removesuffix("_json") in frame.columns


def _columns(frame: pd.DataFrame, rows: int) -> Columns:
    names = _names(frame)
    head = frame.head(rows)
    widths = {"caveats": _UNLIMITED} if not is_raw(frame) else {}
    if _has_others(names):
        widths |= dict.fromkeys(_ITEMS, _BESIDE_OTHERS)
    return {name: [_cell(value, widths.get(name, SHOWN_WIDTH)) for value in _readable(head, name)] for name in names}


def _names(frame: pd.DataFrame) -> list[str]:
    """The columns that may have something to say, event ids last."""
    if is_raw(frame):
        return list(frame.columns)
    keys = [name for name in frame.columns if name.startswith("keys.")]
    hidden = {"keys"} if keys else set()
    if _key_in_heading(frame):
        hidden |= set(keys)
    if len(frame):  # attributes that only the keys of other rows have
        hidden |= {name for name in keys if all(value is MISSING for value in frame[name])}
    for exact, wide in _BOUNDS:
        if {exact, wide} <= set(frame.columns) and frame[wide].equals(frame[exact].rename(wide)):
            hidden.add(wide)
    names = [name for name in frame.columns if name not in hidden and not is_twin(frame, name)]
    return sorted(names, key=_is_event)


def _key_in_heading(frame: pd.DataFrame) -> bool:
    if "keys" not in frame.columns or not len(frame):
        return False
    key = frame["keys"].iloc[0]
    return key in frame.attrs.get("histlib", {}).get("heading", "") and bool((frame["keys"] == key).all())


def _said_once(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, str]:
    """What holds in all rows of columns that need not stand in each."""
    said = {}
    for name in names:
        column = frame[name]
        if name.startswith("keys") or f"{name}_json" in frame.columns:
            continue
        if column.isna().all():
            said[name] = "empty"
        elif name in _SAID_ONCE and bool((column == column.iloc[0]).all()):
            said[name] = _cell(column.iloc[0], SHOWN_WIDTH)
    return said if len(said) < len(names) else {}


def _readable(frame: pd.DataFrame, name: str) -> Sequence[Any]:
    if is_raw(frame):
        return list(frame[name])
    if f"{name}_json" in frame.columns:
        return [MISSING if pd.isna(text) else text for text in frame[f"{name}_json"]]
    if name in _MEASURES:
        return [_MEASURES[name].format(value) for value in frame[name]]
    if name.startswith("keys."):
        return [value if value is MISSING else encode_value(value) for value in frame[name]]
    return list(frame[name])


def _cell(value: Any, width: int) -> str:
    if value is MISSING:
        return "—"
    if not isinstance(value, str | list) and pd.isna(value):
        return ""
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return markup.shortened(markup.one_line(text), width)


def _within(table: Shown, width: int | None, steps: Sequence[Step]) -> Shown:
    """The table in a terminal's width, as far as its keys and caveats let it be."""
    if width is None or not table.columns:
        return table
    columns = dict(table.columns)
    for step in steps:
        columns = columns if _total(columns) <= width else step(columns)
    for name in _leaving(list(columns)) if steps else list(columns)[:0:-1]:
        if _total(columns, _LEAST) > width:
            del columns[name]
    columns = _shorter(columns, width)
    there = set(map(_plain, columns))
    hidden = ", ".join(name for name in table.columns if name not in there)
    more = [f"not shown in {width} columns: {hidden}; a wider terminal, --json and --csv have all"] if hidden else []
    return Shown(columns, [*table.notes, *more])


def _without_event_ids(columns: Columns) -> Columns:
    return {name: cells for name, cells in columns.items() if not _is_event(name)}


def _without_items(columns: Columns) -> Columns:
    """Whole items tell nothing when cut short; beside other values they go."""
    return {name: cells for name, cells in columns.items() if name not in _ITEMS} if _has_others(columns) else columns


def _without_offsets(columns: Columns) -> Columns:
    """Times whose offset is the same in all rows have it in the heading."""
    made = {}
    for name, cells in columns.items():
        offsets = {match[0] for cell in cells if name in _TIMES and (match := _OFFSET.search(cell, len(cell) - 6))}
        if len(offsets) == 1:
            (offset,) = offsets
            made[f"{name} {offset}"] = [cell.removesuffix(offset) for cell in cells]
        else:
            made[name] = cells
    return made


def _shorter(columns: Columns, width: int) -> Columns:
    """Values cut as little as the width allows, the longest first."""
    limit = next((most for most in range(SHOWN_WIDTH, _LEAST, -1) if _total(columns, most) <= width), _LEAST)
    return {
        name: cells if _is_fixed(name) else [markup.shortened(cell, limit) for cell in cells]
        for name, cells in columns.items()
    }


def _is_fixed(name: str) -> bool:
    """Whether its cells mean nothing when cut: keys, caveats, times, paths, event ids."""
    return name.startswith("keys") or _is_event(name) or _plain(name) in _TIMES | {"caveats", "path"}


def _leaving(names: Sequence[str]) -> list[str]:
    """The columns that may go, first those that are missed least; what the rows are about is never among them."""
    rank = {name: place for place, some in enumerate(_LEAVING) for name in some}

    def place(name: str) -> tuple[int, int]:
        stays = _plain(name) in _STAYING or name.startswith("item.")
        return rank.get(_plain(name), len(_LEAVING) if stays else 1), -names.index(name)

    may_go = [name for name in names if not name.startswith("keys") and name != "caveats"]
    return sorted(may_go, key=place)[: len(names) - 1]


def _plain(name: str) -> str:
    """A column's name without the offset that went into it."""
    return _OFFSET_AFTER.sub("", name)


def _has_others(names: Iterable[str]) -> bool:
    return any(name == "paths" or name.startswith("item.") for name in names)


def _is_event(name: str) -> bool:
    return name == "event_id" or name.endswith("_event")


def _total(columns: Columns, limit: int = SHOWN_WIDTH) -> int:
    """How wide the table is with values cut at a limit."""
    widths = [_width(name, cells, limit) for name, cells in columns.items()]
    return sum(widths) + 2 * (len(widths) - 1)


def _width(name: str, cells: Sequence[str], limit: int) -> int:
    widest = max(map(markup.width, cells), default=0)
    return max(markup.width(name), widest if _is_fixed(name) else min(widest, limit))
