"""A statement's values as Athena takes them: execution parameters, or literals where they would not do."""

from __future__ import annotations

from typing import Final

from histlib.engines.athena.statements.literals import literal
from histlib.engines.athena.statements.statement import Statement

#: Characters in an execution parameter (ExecutionParameter in Athena's service model).
_LONGEST: Final = 1_024


def bound(statement: Statement, *, inline: bool = False) -> tuple[str, list[str]]:
    """The SQL to start, and what is bound to the ``?`` that are left in it.

    A value that is no parameter stands in the text as a literal: a long one, an empty text, or all where ``inline``.
    """
    if not statement.parameters:
        return statement.sql, []
    first, *parts = statement.sql.split("?")
    sql, parameters = [first], []
    for value, part in zip(map(literal, statement.parameters), parts, strict=True):
        if inline or not _fits(value):
            sql.append(value)
        else:
            sql.append("?")
            parameters.append(value)
        sql.append(part)
    return "".join(sql), parameters


def _fits(value: str) -> bool:
    """Whether a literal can be a parameter; characters are counted as Java does, those beyond the BMP twice."""
    return value != "''" and len(value.encode("utf-16-le")) // 2 <= _LONGEST
