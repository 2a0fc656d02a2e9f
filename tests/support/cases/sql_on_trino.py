"""Raw SQL by an engine that runs Trino's SQL, as a frame like that of ``history.sql()``."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from histlib.answers.frames import ResultFrame, sql_frame
from histlib.engines.raw_sql import Statement, check
from histlib.engines.raw_sql.writing.trino import answer_type, trino_text, unseen_text

#: First and last dateday, of each of which an engine lists the objects.
Days = tuple[str, str]


def checked(history: Any, text: str, params: Mapping[str, Any] | None = None) -> Statement:
    """The statement as ``history.sql()`` checks it."""
    facts = history._facts()
    return check(text, params, facts.key_types, history._attributes, history._tz)


def sql_by(engine: Any, database: str, table: str, location: str, days: Days, statement: Statement) -> ResultFrame:
    """The answer of an engine of :mod:`tests.athena.engines`."""
    text = trino_text(statement, f'"{database}"."{table}"', *days, location)
    answer = engine.select(text, (), database, threading.Event())
    arrays = []
    for at, (_, kind) in enumerate(answer.columns):
        arrow = answer_type(kind)
        arrays.append(pa.array([_cell(row[at], arrow) for row in answer.rows], arrow))
    names = [name for name, _ in answer.columns]
    return sql_frame(pa.Table.from_arrays(arrays, names=names), {})


def unseen_by(engine: Any, database: str, table: str, days: Days, statement: Statement) -> list[str]:
    """The dotted names that no image has."""
    found = unseen_text(statement, f'"{database}"."{table}"', *days)
    if found is None:
        return []
    text, names = found
    (row,) = engine.select(text, (), database, threading.Event()).rows
    return [name for name, seen in zip(names, row, strict=True) if seen != "true"]


def _cell(text: str | None, kind: pa.DataType) -> Any:
    if text is None or pa.types.is_string(kind):
        return text
    if pa.types.is_boolean(kind):
        return text == "true"
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_decimal(kind):
        return Decimal(text)
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
