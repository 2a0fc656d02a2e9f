"""DuckDB's verdicts on conditions, and both readings held to the oracle."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from histlib.values import encode_image
from histlib.where import Condition, Subject, parse_where
from tests.where_cases import Names, Oracle, Text

A = ("path", "item", ("a",))
B = ("path", "item", ("b",))
CHANGE_COLUMNS = ["keys", "new_image", "old_image", "action", "effective", "actor"]


def text_of(image: dict[str, Any] | None) -> str | None:
    return None if image is None else encode_image(image)


def parsed(test: Any, subject: Subject, *, bind: bool) -> Condition:
    writer = Text(bind=bind)
    return parse_where(writer.of(test), writer.params, subject, Names(), UTC)


def verdicts(engine: Any, condition: Condition, names: list[str], rows: list[tuple[Any, ...]]) -> list[bool | None]:
    sql, params = condition.duckdb()
    given_rows = {f"c_{name}": [row[place] for row in rows] for place, name in enumerate(names)}
    kinds = {"effective": "BIGINT"}
    unnested = ", ".join(f"unnest($c_{name}::{kinds.get(name, 'VARCHAR')}[]) AS {name}" for name in names)
    answer = engine.execute(f"SELECT {sql} FROM (SELECT {unnested})", {**params, **given_rows}).fetchall()
    return [verdict for (verdict,) in answer]


def held_to_the_oracle(engine: Any, test: Any, given_items: list[dict[str, Any]]) -> list[bool | None]:
    condition = parsed(test, Subject.ITEM, bind=True)
    texts = [("{}", encode_image(item)) for item in given_items]
    expected = [Oracle({"item": item}).of(test) for item in given_items]
    assert [condition.item(*row) for row in texts] == expected
    written = parsed(test, Subject.ITEM, bind=False)
    assert [written.item(*row) for row in texts] == expected
    said = verdicts(engine, condition, ["keys", "image"], texts)
    assert [(text, verdict) for (_, text), verdict, sure in zip(texts, said, expected, strict=True)
            if verdict not in (None, sure)] == []  # fmt: skip
    return said
