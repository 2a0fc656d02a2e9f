"""Time columns as people read them: local times with their offsets, exact both ways also where the clocks change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def offset_name(name: str) -> str:
    """The column beside a time column that holds its offsets."""
    return "offset" if name == "time" else f"{name}_offset"


def local_times(column: pd.Series[Any]) -> tuple[list[str], list[str]]:
    """Local times as text, with microseconds only where there are some, and their offsets; empty where not known."""
    utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    local = column.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    whole, fine = (np.datetime_as_string(local, unit=unit).tolist() for unit in ("s", "us"))
    fraction = (local.astype("int64") % 1_000_000 != 0).tolist()
    times = [exact if some else short for exact, short, some in zip(fine, whole, fraction, strict=True)]
    seconds = (local - utc).astype("timedelta64[s]").astype("int64").tolist()
    known = {offset: _offset(offset) for offset in set(seconds)}
    nothing = np.isnat(utc).tolist()
    return (
        ["" if no else time.replace("T", " ") for time, no in zip(times, nothing, strict=True)],
        ["" if no else known[offset] for offset, no in zip(seconds, nothing, strict=True)],
    )


def utc_times(times: Sequence[str], offsets: Sequence[str]) -> np.ndarray[Any, Any]:
    """datetime64[us] in UTC of what :func:`local_times` gave.

    Raises:
        ValueError: texts that are none.
    """
    local = np.array([time.replace(" ", "T") or "NaT" for time in times], dtype="datetime64[us]")
    known = {offset: _seconds(offset) for offset in set(offsets)}
    utc: np.ndarray[Any, Any] = local - np.array([known[offset] for offset in offsets], dtype="timedelta64[s]")
    return utc


def _offset(seconds: int) -> str:
    """``UTC+09:00``: a text that no spreadsheet takes for a number or a formula."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    tail = f":{seconds % 60:02}" if seconds % 60 else ""
    return f"UTC{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}{tail}"


def _seconds(offset: str) -> int:
    if not offset:
        return 0
    hours, minutes, *rest = offset.removeprefix("UTC")[1:].split(":")
    size = int(hours) * 3600 + int(minutes) * 60 + int(rest[0] if rest else 0)
    return -size if offset.removeprefix("UTC").startswith("-") else size
