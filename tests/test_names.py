"""Names that nothing has are refused with what there is, or told on the answer; on Athena the same as on a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from athena.answers import on_athena
from landings import put, record

import histlib

#: A history on both engines, of days → images of items that are inserted then.
Both = Callable[..., list[histlib.History]]


@pytest.fixture
def both(tmp_path: Path, athena: Any) -> Both:
    """Puts records into a folder, and opens it as that and through Athena."""

    def opened(records: list[dict[str, Any]]) -> list[histlib.History]:
        for number, one in enumerate(records):
            put(tmp_path / "h", [one], one["timestamp_utc"][:10].replace("-", "/"), f"{number}.gz")
        folder = histlib.connect(tmp_path / "h")
        return [folder, on_athena(tmp_path / "h", folder, tmp_path / "cache")]

    return opened


def born(number: int, image: dict[str, Any] | None, *, day: int = 1, **fields: Any) -> dict[str, Any]:
    """An INSERT of an item, ``id`` in its image or ``i<number>``."""
    item = (image or {}).get("id", f"i{number}")
    stamp = f"2026-01-0{day} 12:00:00"
    return record(
        number, item, action="INSERT", new_image=image, old_image=None, timestamp_utc=stamp,
        seconds=1_767_268_800 + (day - 1) * 86_400 + number, **fields,
    )  # fmt: skip


def notices(frame: Any) -> list[str]:
    """What is told on an answer, but for what all of ``sql`` say."""
    told = frame.attrs["histlib"].get("notices", [])
    return [one for one in told if "raw lines" not in one]


@pytest.mark.parametrize(
    ("query", "unseen"),
    [
        ("SELECT new_image.m.x FROM h WHERE action = 'REMOVE'", []),
        ("SELECT new_image.m.x FROM h WHERE new_image.id = 'no'", []),
        ("SELECT new_image.m.x, new_image.m.z FROM h LIMIT 0", ["m.z"]),
        ("SELECT new_image.m.y FROM h WHERE dateday = '2026/01/02'", []),
        ("SELECT new_image.m.x FROM h WHERE dateday = '2026/01/02'", ["m.x"]),
        ("SELECT new_image.m.y FROM h WHERE dateday IN ('2026/01/01', '2026/01/03')", ["m.y"]),
        ("SELECT new_image.m.x, old_image.m.x AS y FROM h WHERE dateday > '2026/01/01'", ["m.x"]),
        (
            "SELECT new_image.m.y FROM h WHERE dateday = '2026/01/01' "
            "UNION SELECT keys FROM h WHERE dateday = '2026/01/03'",
            ["m.y"],
        ),
        ("SELECT json_extract_scalar(new_image, '$.m.z') FROM h", ["m.z"]),
        ("SELECT json_extract_scalar(new_image, '$.m.x') FROM h WHERE action = 'REMOVE'", []),
    ],
)
def test_sql_tells_what_no_image_of_the_days_has(both, query, unseen):
    """Of all images of the days that are wanted, whichever rows the answer needed and wherever the name stands."""
    images = [{"id": "a", "m": {"x": 1}}, {"id": "b", "m": {"y": 1}}, {"id": "c"}]
    for history in both([born(at, image, day=at + 1) for at, image in enumerate(images)]):
        assert notices(history.sql(query)) == [f"no image that was read has {name}" for name in unseen]
