"""Random worlds as histories on disk, asked as a user asks them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from landings import put, record
from worlds import SECOND, World

import histlib
from histlib.values import encode_image


def history_of(world: World, folder: Path, data: st.DataObject) -> histlib.History | None:
    """The world's changes as they may land: late, in any order, over files and days; None where nothing landed."""
    changes = world.changes()
    if not changes:
        return None
    files = data.draw(st.integers(1, 4))
    shuffled = data.draw(st.permutations(changes))
    for number in range(files):
        lines = [line_of(at, one) for at, one in enumerate(shuffled) if at % files == number]
        put(folder, lines, day=f"2026/01/{1 + number % 3:02}", name=f"{number}.gz")
    return histlib.connect(folder)


def line_of(number: int, change: Any) -> dict[str, Any]:
    fields = {name: getattr(change, name) for name in change.__struct_fields__ if name != "file"}
    seconds = change.timestamp_micros // SECOND
    return record(number, **fields, timestamp=seconds, seconds=seconds)


def at(micros: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def micros(moment: Any) -> int | None:
    """Epoch µs of a time in an answer; None for NaT and None."""
    if moment is None or str(moment) == "NaT":
        return None
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def item_of(state: histlib.ItemState) -> str | None:
    return None if state.item is None else encode_image(state.item)


def items_of(world: World) -> list[str]:
    return sorted({write.item for write in world.captured()})


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """The rows of a table as dicts; NA and NaT as None."""
    return [{name: _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    return None if str(value) in ("nan", "NaT") and not isinstance(value, str) else value
