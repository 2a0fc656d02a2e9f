"""Verdicts of engines on conditions, and every reading of a condition held to the oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from itertools import groupby
from typing import Any

from histlib.engines.where import Condition, Subject, parse_where
from histlib.values.image_json import encode_image
from tests.support.where.cases import Names, Oracle, Text
from tests.support.where.grids import Grid

ITEM_COLUMNS = ["keys", "image"]
CHANGE_COLUMNS = ["keys", "new_image", "old_image", "action", "effective", "actor"]

#: What an engine says of rows: a list per condition. Rows are tuples of these columns.
Judge = Callable[[Sequence[Condition], list[str], list[tuple[Any, ...]]], list[list[bool | None]]]


def text_of(image: dict[str, Any] | None) -> str | None:
    return None if image is None else encode_image(image)


def parsed(test: Any, subject: Subject, *, bind: bool, names: Names | None = None) -> Condition:
    writer = Text(bind=bind)
    text = writer.of(test)
    return parse_where(text, writer.params or None, subject, names or Names(), UTC)


def verdicts(engine: Any, condition: Condition, names: list[str], rows: list[tuple[Any, ...]]) -> list[bool | None]:
    """What DuckDB says."""
    sql, params = condition.duckdb()
    given_rows = {f"c_{name}": [row[place] for row in rows] for place, name in enumerate(names)}
    kinds = {"effective": "BIGINT"}
    unnested = ", ".join(f"unnest($c_{name}::{kinds.get(name, 'VARCHAR')}[]) AS {name}" for name in names)
    answer = engine.execute(f"SELECT {sql} FROM (SELECT {unnested})", {**params, **given_rows}).fetchall()
    return [verdict for (verdict,) in answer]


def held_to_the_oracle(engine: Any, test: Any, given_items: list[dict[str, Any]]) -> list[bool | None]:
    """The same as :func:`held`, of DuckDB and one condition."""

    def judge(conditions: Sequence[Condition], names: list[str], rows: list[tuple[Any, ...]]) -> Any:
        return [verdicts(engine, condition, names, rows) for condition in conditions]

    return held(judge, [(test, given_items)])[0]


def held(judge: Judge, grid: Grid, names: Names | None = None) -> list[list[bool | None]]:
    """What an engine says about a grid, a list per condition: where it is sure, that is what the oracle says; Python
    says the same of all."""
    said = []
    for _, cases in groupby(grid, key=lambda case: id(case[1])):
        some = list(cases)
        tests, items = [test for test, _ in some], some[0][1]
        texts = [("{}", encode_image(item)) for item in items]
        conditions = [parsed(test, Subject.ITEM, bind=True, names=names) for test in tests]
        given = judge(conditions, ITEM_COLUMNS, texts)
        for test, condition, answers in zip(tests, conditions, given, strict=True):
            expected = [Oracle({"item": item}).of(test) for item in items]
            assert [condition.item(*row) for row in texts] == expected
            written = parsed(test, Subject.ITEM, bind=False, names=names)
            assert [written.item(*row) for row in texts] == expected
            wrong = [(test, text, answer) for (_, text), answer, sure in zip(texts, answers, expected, strict=True)
                     if answer not in (None, sure)]  # fmt: skip
            assert wrong == []
            said.append(answers)
    return said
