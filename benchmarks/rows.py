"""What a benchmark gives: one row for each number."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One measured number; ``target`` is empty where there is none."""

    name: str
    value: float
    unit: str
    target: str
