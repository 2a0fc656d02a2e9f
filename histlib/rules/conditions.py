"""What a condition can tell, whoever decides it."""

from __future__ import annotations

from typing import Any, Protocol


class ItemCondition(Protocol):
    """A condition on an item; an engine that can decides most of it by its own means. ``paths``: what it asks for."""

    @property
    def paths(self) -> frozenset[tuple[str | int, ...]]: ...

    @property
    def lacking(self) -> ItemCondition:
        """The condition that an item has nothing at one of these paths."""
        ...

    def possible(self, keys: str) -> bool:
        """Whether it may hold of an item with this key text, whatever its image."""
        ...

    def item(self, keys: str, image: str | None) -> bool:
        """Whether it holds of the item with these key and image texts (None: no item)."""
        ...

    def duckdb(self) -> tuple[str, dict[str, Any]]:
        """The same as DuckDB's SQL over columns ``keys`` and ``image``, with its parameters; NULL is for :meth:`item`
        to decide."""
        ...

    def trino(self, **columns: str) -> str:
        """The same as Trino's SQL with literals; a keyword gives SQL for a column: ``image="new_image"``."""
        ...


class ChangeCondition(Protocol):
    """A condition on a change; ``uses_actor`` and ``uses_time`` tell whether it asks for these."""

    @property
    def uses_actor(self) -> bool: ...
    @property
    def uses_time(self) -> bool: ...

    def change(  # noqa: PLR0913, PLR0917 — what a change is
        self, keys: str, new_image: str | None, old_image: str | None, action: str, effective: int, actor: str | None
    ) -> bool:
        """Whether it holds of a change with these texts, effective time (epoch µs) and actor."""
        ...

    def duckdb(self) -> tuple[str, dict[str, Any]]:
        """The same as DuckDB's SQL over columns ``keys new_image old_image action effective actor``, with its
        parameters; NULL is for :meth:`change` to decide."""
        ...

    def trino(self, **columns: str) -> str:
        """The same as Trino's SQL with literals; a keyword gives SQL for a column: ``effective="timestamp_micros"``."""
        ...
