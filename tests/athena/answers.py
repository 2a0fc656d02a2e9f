"""Histories on an Athena engine beside the same ones read by the embedded source, asked the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import histlib
from athena.equal_answers import Question, differences, questions_of
from athena.histories import put_history
from histlib import sources
from histlib.history import History

#: Statements as people write them, for any history.
STATEMENTS = (
    "SELECT action, count(*) FROM t GROUP BY action ORDER BY action",
    "SELECT keys, timestamp, dateday, file FROM t ORDER BY sequence_number, event_id, file, new_image, old_image",
)


def on_athena(folder: Path, embedded: History, cache: Path, **names: str) -> History:
    """The history of a folder, uploaded and asked through Athena; known beside its changes is what is known of
    ``embedded``."""
    opened = sources.open_source(put_history(folder, **names), sources.Options(cache=cache))
    known = embedded._opened
    history = History(
        replace(opened, actor_attribute=known.actor_attribute, key_schema=known.key_schema, table=known.table)
    )
    history._facts()
    return history


def unlike(embedded: History, other: History, *, few: bool = False, more: Sequence[Question] = ()) -> list[Any]:
    """What two histories answer differently, of all questions."""
    statements: list[Question] = [(text, lambda h, t=text: h.sql(t)) for text in STATEMENTS]
    return differences(embedded, other, [*questions_of(embedded, few=few), *statements, *more])


def sample(name: str) -> tuple[histlib.History, Path]:
    """A sample, and the folder that it lies in."""
    return histlib.connect(f"sample:{name}"), sources._sample_folder(name, None)
