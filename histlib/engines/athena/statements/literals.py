"""Values and names as Trino's SQL writes them."""

from __future__ import annotations

from histlib.engines import trino_text as trino_json


def literal(value: str | int | None) -> str:
    """A value as a literal."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return trino_json.literal(value)


def identifier(name: str) -> str:
    """A name of a table, view or column, quoted."""
    return '"' + name.replace('"', '""') + '"'
