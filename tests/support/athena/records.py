"""A landing of three days far apart, and questions of the one between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import histlib
from tests.support.athena.histories import put_history
from tests.support.history.landings import NOON, put, record

BEGIN = datetime.fromtimestamp(NOON, UTC)
#: A day that is neither the first nor the last, with days on both sides that are further away than a change is late.
MIDDLE = "2026/01/11"
DAYS = {"2026/01/01": 0, MIDDLE: 10, "2026/01/21": 20}
WITHIN = BEGIN + timedelta(days=10, minutes=5)
END = BEGIN + timedelta(days=21)
QUESTIONS = {
    "state": lambda h: h.state_at({"id": "a"}, WITHIN),
    "timeline": lambda h: h.timeline({"id": "a"}),
    "snapshot": lambda h: h.snapshot_at(WITHIN),
    "snapshot where": lambda h: h.snapshot_at(WITHIN, where="item.version = 11"),
    "affected": lambda h: h.affected("item.version = 11", BEGIN, END),
    "changes": lambda h: h.changes(BEGIN, END),
    "activity": lambda h: h.activity(BEGIN, END, by="1d"),
}


def dated(number: int, item: str = "a", **fields) -> dict:
    """The change of the day so many days after the first."""
    return record(number, item, **({"seconds": NOON + (number - 1) * 86_400} | fields))


def landing(folder: Path) -> Path:
    """A change of one item on each of 21 days."""
    for number in range(1, 22):
        put(folder, [dated(number)], f"2026/01/{number:02}")
    return folder


def connected(folder: Path, cache: Path, **options) -> histlib.History:
    return histlib.connect(put_history(folder), cache=cache, **options)
