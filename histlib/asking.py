"""What every question needs: the facts of the history, keys as people write them, and the chains of items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from histlib.baselines import ItemHistory, sightings_of
from histlib.caveats import Caveat, in_order
from histlib.chain import build_chain
from histlib.errors import KeyNotValidError, RequestError
from histlib.facts import Facts, current_facts
from histlib.format0 import to_format0, value_to_format0
from histlib.keys import Key, key_from_format0, parse_keys
from histlib.paths import Path, parse_path
from histlib.queries import Attributes, ItemChanges, MatchingKeys, Source
from histlib.record import Change, changes_of
from histlib.results import Origin
from histlib.sources import Opened
from histlib.timelines import window_caveats
from histlib.times import TimeRange, from_micros, zone
from histlib.values import encode_value
from histlib.where import Condition, Subject, parse_where

#: Items whose chains are in memory at once.
_BATCH: Final = 2_000


class Asking:
    """An opened history, and what its questions share."""

    def __init__(self, opened: Opened, tz: str = "UTC") -> None:
        self._opened = opened
        self._tz = zone(tz)
        self._known: Facts | None = None

    @property
    def _actor_attribute(self) -> str | None:
        """The attribute of an item that says who wrote it."""
        return self._opened.actor_attribute

    def _items_by_batch(
        self, keys: Sequence[str], facts: Facts, start: int | None = None, end: int | None = None
    ) -> Iterator[ItemHistory]:
        """Many items, not all in memory at once."""
        for at in range(0, len(keys), _BATCH):
            yield from self._items(keys[at : at + _BATCH], facts, start, end).values()

    def _items(
        self, keys: Sequence[str], facts: Facts, start: int | None = None, end: int | None = None
    ) -> dict[str, ItemHistory]:
        """What the history holds of these items: their chains, and what complete baselines say of them.

        With bounds (epoch µs, inclusive) what tells of the time between them; what is further out may be left out, and
        is not to be told. See :class:`histlib.queries.ItemChanges`.
        """
        names = {text: text for text in keys}
        if facts.old_format:
            names |= {to_format0(text): text for text in keys if to_format0(text) not in names}
        by_key: dict[str, list[Change]] = {text: [] for text in keys}
        for change in changes_of(self._opened.source.fetch(ItemChanges(tuple(names), start, end))):
            by_key[names[change.keys]].append(change)
        return {
            text: ItemHistory(text, build_chain(rows), sightings_of(rows, facts.baselines))
            for text, rows in by_key.items()
        }

    def _known_as(self, texts: Iterable[str], facts: Facts) -> list[str]:
        """Key texts of an engine, each item's once: format 0 has turned numbers to text."""
        if not facts.old_format:
            return sorted(set(texts))
        return sorted({key_from_format0(text, facts.key_schemas) for text in texts})

    def _keys_of(self, meant: Sequence[Key]) -> list[str]:
        """The key texts of what a key may mean; a part of a key stands for all items under it."""
        found: set[str] = set()
        for key in meant:
            found |= {key.text} if key.complete else self._under(key)
        return sorted(found)

    def _under(self, key: Key) -> set[str]:
        assert self._known is not None
        found = self._matching(key.values)
        if self._known.old_format:
            old = self._matching({name: value_to_format0(value) for name, value in key.values.items()})
            found |= {key_from_format0(text, self._known.key_schemas) for text in old}
        return found

    def _matching(self, values: Mapping[str, Any]) -> set[str]:
        names = tuple((name, encode_value(value)) for name, value in values.items())
        return set(self._opened.source.fetch(MatchingKeys(names)).column("keys").to_pylist())

    def _wanted_keys(self, keys: Any, facts: Facts) -> list[str]:
        """The key texts of a list of keys, or of one; a part of a key stands for all items under it."""
        several = keys if isinstance(keys, list | set | frozenset) or _is_column(keys) else [keys]
        texts: dict[str, None] = {}
        for key in several:
            texts.update(dict.fromkeys(self._keys_of(parse_keys(key, facts.key_schemas))))
        return list(texts)

    def _paths(self, columns: Sequence[str] | str) -> tuple[Path, ...]:
        return tuple(map(parse_path, [columns] if isinstance(columns, str) else columns))

    def _condition(
        self, where: str | None, params: Mapping[str, Any] | None, subject: Subject, facts: Facts
    ) -> Condition | None:
        if where is None:
            if params:
                raise RequestError(f"params without where: {', '.join(params)}; add where, or leave them out", params)
            return None
        return parse_where(where, params, subject, _Names(self._opened.source, facts), self._tz)

    def _window_caveats(self, facts: Facts, window: TimeRange) -> Iterator[Caveat]:
        """What an answer about all items in a window does not know."""
        found = list(window_caveats(None, facts.coverage, window))
        whole = not {"outside_coverage", "unreadable_files"} & set(map(str, found))
        if not (whole and facts.all_keys_known(window.start)):
            yield unknown_keys(facts)
        yield from told_as_text(facts)
        yield from found

    def _answer_attrs(
        self,
        facts: Facts,
        heading: str,
        caveats: Iterable[Caveat],
        *,
        window: TimeRange | None = None,
        attested: bool | None = None,
    ) -> dict[str, Any]:
        """What a table says of itself; ``attested`` None: as far as its window's caveats let it be."""
        origin, found = self._origin(facts), in_order(with_not_shown(caveats, facts))
        if attested is None:
            doubtful = {"outside_coverage", "unreadable_files", "not_settled", "gap"} & set(map(str, found))
            attested = facts.coverage.attested and not doubtful
        attrs = origin.attrs(f"{heading} in {origin}", self._tz, "attested" if attested else "observed", found)
        if window is None:
            return attrs
        return {
            **attrs,
            "start": from_micros(window.start, self._tz).isoformat(sep=" ") if window.explicit_start else None,
            "end": from_micros(window.end, self._tz).isoformat(sep=" ") if window.explicit_end else None,
            "end_clipped": window.clipped,
        }

    def _whole_key(self, key: Any, facts: Facts) -> Key:
        whole = next((one for one in parse_keys(key, facts.key_schemas) if one.complete), None)
        if whole is None:
            raise KeyNotValidError(
                f"{key!r} is only a part of this table's key, {facts.key_schema}; a state is of one item, timeline "
                "takes a part",
                key,
            )
        return whole

    def _facts(self) -> Facts:
        self._known = current_facts(self._opened.source, self._known, self._opened.key_schema, self._opened.table)
        return self._known

    def _origin(self, facts: Facts) -> Origin:
        through = self._time(facts.coverage.captured_through)
        return Origin(self._opened.name, facts.table, facts.account, facts.region, through)

    def _time(self, micros: int | None) -> datetime | None:
        return None if micros is None else from_micros(micros, self._tz)


def unknown_keys(facts: Facts) -> Caveat:
    """The caveat of an answer about all items where not all are known."""
    if facts.baselines:
        return Caveat(
            "unknown_keys", "items that never changed are not known: no complete baseline reaches to this time"
        )
    return Caveat("unknown_keys", "items that did not change since the capture began are not known")


class _Names:
    """The names that a condition may use."""

    def __init__(self, source: Source, facts: Facts) -> None:
        self._source = source
        self.key = facts.key_names

    def attributes(self, exact: bool) -> frozenset[str]:
        """Top-level attributes of the images: all, or those of a sample."""
        return frozenset(self._source.fetch(Attributes(exact)).column("name").to_pylist())


def said(where: str | None) -> str:
    """A condition as a heading says it."""
    return f" where {where}" if where else ""


def told_as_text(facts: Facts) -> Iterator[Caveat]:
    """What a condition must know of a history that is, or once was, in format 0."""
    if facts.old_format:
        yield Caveat("old_format", "in the article's format numbers and sets are text: there '0' is found, not 0")


def with_not_shown(caveats: Iterable[Caveat], facts: Facts) -> Iterator[Caveat]:
    """The caveats, ``old_format`` among them saying what the table that was read does not show of its files."""
    given = list(caveats)
    if facts.not_shown:
        told = next((one.detail for one in given if one == "old_format"), "")
        more = "" if facts.not_shown in told else facts.not_shown
        yield Caveat("old_format", "; ".join(filter(None, [told, more])))
    yield from given


def _is_column(keys: Any) -> bool:
    """A column of a DataFrame, or an array, of keys."""
    return hasattr(keys, "tolist") and not isinstance(keys, str | bytes)
