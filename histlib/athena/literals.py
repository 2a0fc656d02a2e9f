"""Values and names as Trino's SQL writes them."""

from __future__ import annotations


def literal(value: str | int | None) -> str:
    """A value as a literal. Text can hold anything: a quote is doubled, all else stands for itself."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name of a table, view or column, quoted."""
    return '"' + name.replace('"', '""') + '"'
