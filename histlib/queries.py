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
class NetWindows:
    """A row per manifest of an incremental export: ``manifest`` (its JSON text) and ``file``."""


@dataclass(frozen=True)
class Holes:
    """What is known to be missing: ``kind`` (unreadable, unconverted, undelivered), ``start`` and ``end``
    (epoch µs, null where not known), ``detail``, ``file``, ``line`` (null: the whole file)."""


@dataclass(frozen=True)
class ChangesBetween:
    """Columns of the rows with start ≤ ``timestamp_micros`` < end (epoch µs): order is not promised, duplicates
    are kept. ``columns`` are names of the record's and ``file``."""

    start: int
    end: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Slices:
    """Columns ``start``, ``end`` int64 (epoch µs): consecutive parts of [start, end) in order, each of few enough
    changes to hold in memory. What lies between them has no change."""

    start: int
    end: int


class ItemCondition(Protocol):
    """A condition on an item."""

    def item(self, keys: str, image: str | None) -> bool:
        """Whether it holds of the item with these key and image texts (None: no item)."""
        ...


@dataclass(frozen=True)
class Around:
    """A row per item: the last change up to a moment and the first after it, by effective time (a whole second
    means its end).

    ``keys`` str · ``odd`` bool: more must be known of this item (its other columns are null) ·
    ``action new_image stream redaction`` str and ``effective`` int64 of the last change up to the moment, null where
    there is none · ``next_action next_stream next_redaction`` str, ``next_effective`` int64 of the first after it,
    ``next_old_image`` str only where there is none before · ``link`` str: how the one follows the other (a value of
    :class:`histlib.chain.Link`).

    With a ``condition``, items that are not odd only where it may hold of the item then: of ``new_image``, or where
    there is no change up to the moment of ``next_old_image``.
    """

    moment: int
    condition: ItemCondition | None = None


@dataclass(frozen=True)
class Attributes:
    """Column ``name`` str: the top-level attributes of the images; ``exact`` of all of them, else of a sample."""

    exact: bool


Query = (
    ItemChanges
    | MatchingKeys
    | Streams
    | Attestations
    | NetWindows
    | Holes
    | ChangesBetween
    | Slices
    | Around
    | Attributes
)


class Source(Protocol):
    """Where a history is read from."""

    def fetch(self, query: Query) -> pa.Table:
        """The rows of a query.

        Raises:
            SourceError: the history cannot be read.
        """
        ...
