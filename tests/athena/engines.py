"""What runs Athena's SQL behind the stand-in: the protocol that DuckDB's and Trino's executors keep."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What a query yields.

    ``columns``: name and Athena type (varchar, bigint, integer, boolean, double, decimal(38,2), timestamp(3), date,
    row(...), array(...)). ``rows``: texts as Athena's result CSV has them, None is NULL. ``scanned``: bytes.
    """

    columns: list[tuple[str, str]]
    rows: list[tuple[str | None, ...]]
    scanned: int = 0


class EngineError(Exception):
    """A query failed; ``reason`` as Athena's StateChangeReason, e.g. ``SYNTAX_ERROR: line 1:8: ...``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cancelled(Exception):
    """The query was stopped as asked."""


class Engine(Protocol):
    """Runs SQL. ``parameters`` are SQL literal texts, as Athena's ExecutionParameters; ``stop`` ends the query."""

    def select(self, sql: str, parameters: Sequence[str], database: str, stop: threading.Event) -> Answer:
        """Run a query."""

    def unload(
        self,
        select: str,
        parameters: Sequence[str],
        database: str,
        location: str,
        options: dict[str, str],
        stop: threading.Event,
    ) -> tuple[list[str], int, int]:
        """Write a query's rows to ``location`` (``s3://…/``): the files written (``s3://…``), rows, scanned bytes."""

    def define(self, sql: str, database: str) -> Answer:
        """CREATE OR REPLACE VIEW, DROP VIEW, SHOW …"""
