"""Result tables for the tests of writers, with everything odd in them, and what makes two tables the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd

from histlib.answers.frames import ResultFrame, answer_frame
from histlib.answers.timelines import COLUMNS
from histlib.values.image_json import MISSING, encode_image, encode_value
from histlib.values.times import zone
from tests.support.values import same

ATTRS = {
    "table": "t; =1",
    "tz": "UTC",
    "caveats": [{"name": "gap", "detail": "é; \n"}],
    "end_clipped": False,
    "n": None,
}


DST_TWICE = [1_792_888_200_000_000, 1_792_891_800_000_000]  # 2026-10-25 02:30 in Berlin, before and after


def frame_of(rows: list[tuple[Any, Any, Any, Any]], tz: str = "UTC") -> ResultFrame:
    """A timeline with rows of (actor, path, before, after)."""
    encode = [encode_value if path else encode_image for _, path, _, _ in rows]

    def twin(column: int) -> list[str | None]:
        return [None if row[column] is MISSING else made(row[column]) for row, made in zip(rows, encode, strict=True)]

    columns = {
        "keys": [encode_image({"id": f"=k{n}", "n": n}) for n, _ in enumerate(rows)],
        "time": [DST_TWICE[n % 2] + n * 7 for n, _ in enumerate(rows)],
        "action": ["MODIFY" if n % 3 else None for n, _ in enumerate(rows)],
        "actor": [row[0] for row in rows],
        "event_id": [f"e{n}" for n, _ in enumerate(rows)],
        "path": [row[1] for row in rows],
        "before": [row[2] for row in rows],
        "before_json": twin(2),
        "after": [row[3] for row in rows],
        "after_json": twin(3),
        "caveats": ["gap redacted" if n % 2 else "" for n, _ in enumerate(rows)],
    }
    assert set(columns) == {"keys", *COLUMNS}
    return answer_frame(columns, ["id", "n"], zone(tz), ATTRS)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Equal in columns, dtypes, values (1 is not True, MISSING is MISSING), times and attrs."""
    assert list(left.columns) == list(right.columns)
    assert list(left.dtypes) == list(right.dtypes)
    assert left.attrs == right.attrs
    for name in left.columns:
        for one, other in zip(left[name], right[name], strict=True):
            assert (one is other) or same(one, other) or (pd.isna(one) and pd.isna(other)), (name, one, other)


ODD_ROWS = [
    (None, "", {"$N": "1", "a": 1}, MISSING),
    ("=1+1", "price", 0, Decimal("0.1000000000000000055511151231257827")),
    ("", "a", "", None),
    ("NA", "b", "NA", "null"),
    ('"quoted"', '"a.b".c', "x;y\r\nz,\t=1", MISSING),
    ("@SUM(A1)", "c", 12345678901234567890, frozenset({12345678901234567890, 1})),
    ("-2+3", "d", {"$N": "5"}, {"$M": {"$N": 12345678901234567890}}),
    ("tab\t", "e", [1, True, None, b"\0", {"$M": 1}], {"$M": 12345678901234567890, "b": 1}),
    ("é🫖", "f", "\u2028", "'=1"),
    ("a;=1", "", {"$N": "1"}, {"$SS": ["a"]}),
]
