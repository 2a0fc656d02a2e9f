"""What the stand-in asks of the engine that runs the SQL, and what it gets."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """The result of a query.

    ``columns``: name and Athena type (``varchar``, ``bigint``, ``decimal(38,2)``, ``timestamp(3)``, ``row(...)`` …).
    ``rows``: texts as Athena's result CSV has them, None where NULL. ``scanned``: bytes.
    """

    columns: list[tuple[str, str]]
    rows: list[tuple[str | None, ...]]
    scanned: int = 0


class EngineError(Exception):
    """The query failed; ``reason`` as Athena's StateChangeReason: ``SYNTAX_ERROR: line 1:8: …``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cancelled(Exception):
    """The query was stopped."""


class Engine(Protocol):
    """Runs the SQL of queries.

    ``parameters`` are SQL literal texts, as Athena's ExecutionParameters. ``stop`` is set when the query shall end:
    the engine then raises :class:`Cancelled`. A query that fails raises :class:`EngineError`.
    """

    def select(self, sql: str, parameters: Sequence[str], database: str, stop: threading.Event) -> Answer:
        """Run a SELECT."""

    def unload(
        self,
        select: str,
        parameters: Sequence[str],
        database: str,
        location: str,
        options: dict[str, str],
        stop: threading.Event,
    ) -> tuple[list[str], int, int]:
        """Run a SELECT into files under an S3 location: the files (``s3://…``), the rows, the scanned bytes."""

    def define(self, sql: str, database: str) -> Answer:
        """Run a CREATE OR REPLACE VIEW, DROP VIEW or SHOW."""
