"""What the questions ask of a source: the one seam between answers and engines.

A source has one method, ``fetch(query) -> pyarrow.Table``. Each query below says which rows it yields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ItemChanges:
    """All rows of these items (canonical ``keys`` texts): the record's columns and ``file``.

    Order is not promised and duplicates are kept: ``reconstruct`` alone decides.
    """

    keys: tuple[str, ...]


@dataclass(frozen=True)
class MatchingKeys:
    """Column ``keys``: the distinct keys that have all of these (attribute name, canonical value text)."""

    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Streams:
    """A row per (table, stream, view): ``table stream view`` str, ``keys`` (a sample), ``first_micros``,
    ``last_micros`` and ``changes`` int64 (epoch µs; duplicates counted).

    Each question begins with it: a source takes in what is new then, and answers the rest from the same state.
    """


@dataclass(frozen=True)
class Attestations:
    """A row per attestation: ``attestation`` (its JSON text) and ``file``."""


@dataclass(frozen=True)
class Holes:
    """What is known to be missing: ``kind`` (unreadable, unconverted, undelivered), ``start`` and ``end``
    (epoch µs, null where not known), ``detail``, ``file``, ``line`` (null: the whole file)."""


Query = ItemChanges | MatchingKeys | Streams | Attestations | Holes


class Source(Protocol):
    """Where a history is read from."""

    def fetch(self, query: Query) -> pa.Table:
        """The rows of a query.

        Raises:
            SourceError: the history cannot be read.
        """
        ...
