"""Histories on an Athena engine beside the same ones read by the embedded source, asked the same questions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

import histlib
from histlib import opening as sources
from histlib.engines.where import Subject
from histlib.history import History
from histlib.questions import tables as table_questions
from tests.support.athena.equal_answers import Question, differences, questions_of
from tests.support.athena.histories import put_history
from tests.support.history.world_histories import history_of
from tests.support.history.worlds import World, any_worlds, moments

_numbers = count()

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


def world_unlike(data: st.DataObject) -> list[Any]:
    """What a random world's history, as it may land, is answered differently: loss, two streams, views, redaction,
    conflicts, attestations, baselines, late and shuffled files."""
    with _told_twice(data.draw(any_worlds()), data, "world") as histories:
        return unlike(*histories, few=True) if histories else []


def around_unlike(data: st.DataObject) -> list[Any]:
    """What a random world's source answers differently of all items around a moment, with a condition."""
    world = data.draw(any_worlds(scanned=data.draw(st.booleans())))
    with _told_twice(world, data, "around") as histories:
        if histories is None:
            return []
        facts, found = histories[0]._facts(), []
        where = data.draw(st.sampled_from(["keys.id <> 'b' AND item.\"id\" IS MISSING", "item.\"id\" = 'a'"]))
        condition = histories[0]._condition(where, None, Subject.ITEM, facts)
        some = data.draw(st.permutations(moments(world)))
        for moment, later in pairwise(some[:7]):
            for through in (moment, max(moment, later)):
                query = replace(table_questions._around(facts, moment, condition), through=through)
                answers = [_by_key(history._opened.source.fetch(query)) for history in histories]
                found += [] if answers[0] == answers[1] else [(moment, through, *answers)]
        return found


@contextmanager
def _told_twice(world: World, data: st.DataObject, name: str) -> Iterator[tuple[History, History] | None]:
    """The history of a world in a folder, and on Athena; None where none of it landed."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        embedded = history_of(world, Path(folder), data)
        table = f"{name}{next(_numbers)}"
        yield embedded and (embedded, on_athena(Path(folder), embedded, Path(cache), prefix=f"{table}/", table=table))


def _by_key(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows in order; of those that are odd only that they are."""
    told = [row if not row["odd"] else {"keys": row["keys"], "odd": True} for row in rows.to_pylist()]
    return sorted(told, key=lambda row: row["keys"])
