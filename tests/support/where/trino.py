"""What an engine that runs Trino's SQL says of conditions: the text of each over rows that stand in the query."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from histlib.engines.trino_text import literal
from histlib.engines.where import Condition
from tests.support.where.verdicts import Judge

_SAID = {"true": True, "false": False, None: None}
#: Conditions asked at once.
_AT_ONCE = 24


def judge(engine: Any) -> Judge:
    """The judge that asks an engine of :mod:`tests.athena.engines`."""

    def verdicts(
        conditions: Sequence[Condition], names: list[str], rows: list[tuple[Any, ...]]
    ) -> list[list[bool | None]]:
        said: list[list[bool | None]] = []
        for at in range(0, len(conditions), _AT_ONCE):
            some = conditions[at : at + _AT_ONCE]
            told = ", ".join(f"{condition.trino()} AS c{place}" for place, condition in enumerate(some))
            answer = engine.select(f"SELECT {told} FROM {_rows(names, rows)} ORDER BY place", (), "", threading.Event())
            assert len(answer.rows) == len(rows)
            said += [[_SAID[row[place]] for row in answer.rows] for place in range(len(some))]
        return said

    return verdicts


def _rows(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    """The rows, numbered by ``place``."""
    values = ", ".join(f"({place}, {', '.join(map(_literal, row))})" for place, row in enumerate(rows))
    columns = ", ".join(f"CAST({name} AS {'BIGINT' if name == 'effective' else 'VARCHAR'}) AS {name}" for name in names)
    return f"(SELECT place, {columns} FROM (VALUES {values}) AS given (place, {', '.join(names)}))"


def _literal(value: Any) -> str:
    return "NULL" if value is None else str(value) if isinstance(value, int) else literal(value)
