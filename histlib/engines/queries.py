"""What the questions ask of a source: the one seam between answers and engines.

A source has one method, ``fetch(query) -> pyarrow.Table``. Each query below says which rows it yields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from histlib.rules.conditions import ChangeCondition, ItemCondition
from histlib.values.times import end_of_second

if TYPE_CHECKING:
    import pyarrow as pa

    from histlib.engines.raw_sql.statement import Statement
    from histlib.values.periods import Periods


@dataclass(frozen=True)
class ItemChanges:
    """The rows of these items (canonical ``keys``) that tell of start ≤ t ≤ end: the record's columns and ``file``.

    Order is not promised and duplicates are kept: ``reconstruct`` alone decides. Times are epoch µs; None: as far as
    the history goes. For each key text the answer holds, between the two limits of
    :func:`histlib.rules.chain.reach.outside` (the last change before ``start`` and the first after ``end`` by effective
    time, of those that count as limits):

    * both these changes, and all that the item's order has between them, whatever their stamps;
    * all rows with a stamp from the begin of the first limit's second to the end of the last one's, which are compared
      with the limits' effective times;
    * all deliveries of each of these changes, wherever they landed;
    * the rows of baselines that were read (``read_begin`` to ``read_end``) within that time.

    On a side without such a change it holds everything. It may hold more, also only some of what lies further out:
    that changes no answer about the span.
    """

    keys: tuple[str, ...]
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class MatchingKeys:
    """Column ``keys``: the distinct keys that have all of these (attribute name, canonical value text)."""

    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Streams:
    """A row per (table, stream, view, form of keys): ``table stream view`` str, ``keys`` (a sample), ``first_micros``,
    ``last_micros`` and ``changes`` int64 (epoch µs; duplicates counted). Keys of one form have the same attributes of
    the same types: see :func:`histlib.format.key_forms.key_form`.

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
class Baselines:
    """A row per manifest below ``baseline/``: ``manifest`` (its JSON text) and ``file``.

    Of one that is a baseline's also ``missing`` (a file of it that is not in the landing) and ``damaged`` (one that
    cannot be read in full), null where there is none, and ``keys`` int64: the distinct keys of the rows with its
    stream, ``baseline:<id>``; duplicates counted once.
    """


@dataclass(frozen=True)
class Landing:
    """One row: ``first_day`` int64, the begin (epoch µs) of the first dateday that has a file, null where none has."""


@dataclass(frozen=True)
class KeysBetween:
    """Column ``keys``: the distinct keys of the rows with start ≤ ``timestamp_micros`` < end (epoch µs).

    With a ``condition`` only those of which such a row may have made it hold, or may show that it held: where it held
    before, :class:`Around` tells.
    """

    start: int
    end: int
    condition: ItemCondition | None = None


@dataclass(frozen=True)
class ChangeKeys:
    """Columns ``keys`` str and ``timestamp_micros`` int64 of each row with start ≤ stamp < end (epoch µs) of which the
    condition may hold. ``actor_attribute`` of an item says who wrote it."""

    start: int
    end: int
    condition: ChangeCondition | None = None
    actor_attribute: str | None = None


@dataclass(frozen=True)
class Activity:
    """Columns ``period`` int64 (epoch µs, its start), ``action`` and ``path`` str, ``changes`` and ``items`` int64: how
    many changes, each counted once, changed a top-level attribute, and of how many items; by the changes' stamps.

    ``dropped`` and ``unseen`` bool tell whether of any of them attributes were dropped, or an image is not in its
    view. The path is empty for INSERT and REMOVE, and where images do not show what changed.
    """

    start: int
    end: int
    periods: Periods
    condition: ChangeCondition | None = None
    actor_attribute: str | None = None


class _Nothing:
    """The condition that holds of no item."""

    paths: frozenset[tuple[str | int, ...]] = frozenset()

    @property
    def lacking(self) -> ItemCondition:
        return self

    def possible(self, keys: str) -> bool:
        return False

    def item(self, keys: str, image: str | None) -> bool:
        return False

    def duckdb(self) -> tuple[str, dict[str, Any]]:
        return "FALSE", {}

    def trino(self, **columns: str) -> str:
        return "FALSE"


NOTHING: Final = _Nothing()


@dataclass(frozen=True)
class CompleteBaseline:
    """A baseline that counts: its rows have this ``stream``; what it lacks was not in the table from ``read_begin`` to
    ``read_end`` (epoch µs)."""

    stream: str
    read_begin: int
    read_end: int
    redaction: str | None = None


@dataclass(frozen=True)
class Silent:
    """From when to when, around a moment, it is certain that nothing is missing of a ``stream`` (None: where a baseline
    tells): a change before ``since``, or first after ``until`` (epoch µs), leaves open what was between."""

    stream: str | None
    since: int
    until: int


@dataclass(frozen=True)
class Around:
    """A row per item: the last change up to a moment and the first after it, by effective time (a whole second
    means its end).

    ``keys`` str · ``odd`` bool: more must be known of this item (its other columns mean nothing) · ``action new_image
    stream redaction`` str and ``effective`` int64 of the last change up to the moment, null where there is none ·
    ``next_action next_stream next_redaction`` str, ``next_effective`` int64 of the first after it, ``next_old_image``
    str only where there is none before, and with a condition where the two cannot be compared · ``link`` str: how the
    one follows the other (a value of :class:`histlib.rules.chain.chain.Link`) · ``gap`` bool: with ``through`` (epoch
    µs), a change is missing between the moment and then; null for odd items.

    ``baselines`` are the complete ones; rows of others are nothing. Where a sighting lies between the two changes (with
    neither near it) and decides, the last up to the moment, or the first after it where there is no change before:
    ``seen_begin seen_end`` int64 (epoch µs), ``seen_image seen_redaction`` str (no image: not in the table) and
    ``set_seen`` bool: the change before left just that. ``later`` bool: should the time up to the moment not be
    covered, a sighting or change after it may decide instead. Items of which not all known images between the two
    changes agree are odd; with ``through`` those too that changed up to then and were seen to disagree afterwards.

    With a ``condition``, ``holds`` bool tells whether it holds of the item then: of ``seen_image`` where a sighting
    decides, else of ``new_image``, or where there is no change up to the moment of ``next_old_image``; and ``may``
    whether it may: that image is redacted and lacks what the condition asks for, or cannot be compared with
    ``next_old_image``, of which one of these is so; or, with a later ``through``, the item's images are redacted by
    different rules up to then (both null for odd items). Items that are not odd come only where one of these is so,
    where there is a ``gap``, and where what tells of them lies outside of ``silent`` (of streams that it does not name:
    nothing does).

    ``exact``: a whole second means its begin, as at the ends of exports' windows.
    """

    moment: int
    condition: ItemCondition | None = None
    through: int | None = None
    baselines: tuple[CompleteBaseline, ...] = ()
    silent: tuple[Silent, ...] = ()
    exact: bool = False

    @property
    def last(self) -> int:
        """The last instant of the moment, epoch µs."""
        return self.moment if self.exact else end_of_second(self.moment)


@dataclass(frozen=True)
class Upcoming:
    """No rows: :class:`ItemChanges` of all these items, without bounds, will be asked for part by part. A source that
    pays for each look may bring them at once; of most, images are known of which the condition may hold."""

    keys: tuple[str, ...]
    condition: ItemCondition


@dataclass(frozen=True)
class Attributes:
    """Column ``name`` str: the top-level attributes of the images; ``exact`` of all of them, else of a sample."""

    exact: bool


@dataclass(frozen=True)
class Parts:
    """Columns ``kind`` and ``name`` str: what images have at a path. Its types (``S``, ``SS`` …; ``name`` is null), a
    row per name of a map (kind ``M``), and last positions of lists (kind ``L``), that of the longest among them.
    ``exact`` of all images, else of a sample."""

    path: tuple[str | int, ...]
    exact: bool


@dataclass(frozen=True)
class Sql:
    """The engine's columns for a checked statement over all rows: the lines as they landed, duplicates too.

    Text in dotted names (``new_image.title``) is read from the images. The schema's metadata has under
    :data:`UNSEEN`, as a JSON list, the dotted names that no image had for which they were asked.

    Raises RequestError: what the engine refuses, or an answer that does not fit into memory.
    """

    statement: Statement


#: Key in the metadata of the answer to :class:`Sql`.
UNSEEN: Final = b"histlib.unseen"

Query = (
    ItemChanges
    | MatchingKeys
    | Streams
    | Attestations
    | NetWindows
    | Holes
    | Baselines
    | Landing
    | KeysBetween
    | ChangeKeys
    | Activity
    | Around
    | Upcoming
    | Attributes
    | Parts
    | Sql
)


class Source(Protocol):
    """Where a history is read from."""

    def fetch(self, query: Query) -> pa.Table:
        """The rows of a query.

        Raises:
            SourceError: the history cannot be read.
        """
        ...
