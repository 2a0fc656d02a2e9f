"""Random worlds as the article's Lambda would have recorded them."""

from __future__ import annotations

import random
from pathlib import Path

import histlib
from tests.support.history.article_lines import old_line, put_old
from tests.support.history.landings import put, record
from tests.support.history.worlds import TABLE, stream_arn

SECONDS = 1_767_268_800


def moved_history(folder: Path, number_key: bool = False) -> histlib.History:
    """Format 0 up to 12:00:20, both up to 12:00:30, then format 1 alone."""
    key = 7 if number_key else "a"
    old, new = "", []
    for n in range(40):
        images = [None if v == 0 else {"id": key, "v": v, "tags": frozenset({"x", "y", "z"})} for v in (n, n + 1)]
        action = "INSERT" if n == 0 else "MODIFY"
        if n <= 30:
            old += old_line(action, {"id": key}, tuple(images), SECONDS + n, dice=random.Random(n))
        if n >= 20:
            new.append(new_record(n, key, images))
    put_old(folder / "changes", old, "2026/01/01/12")
    put(folder, new)
    return histlib.connect(folder)


def new_record(number: int, key: object, images: list) -> dict:
    return record(number, new_image=images[1], old_image=images[0], keys={"id": key}, table=TABLE,
                  stream=stream_arn(1), seconds=SECONDS + number)  # fmt: skip
