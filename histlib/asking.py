"""What every question needs: the facts of the history, keys as people write them, and the chains of items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from histlib.baselines import ItemHistory, sightings_of
from histlib.chain import build_chain
from histlib.errors import KeyNotValidError
from histlib.facts import Facts, current_facts
from histlib.keys import Key, KeySchema, parse_key
from histlib.queries import ItemChanges, MatchingKeys
from histlib.record import Change, changes_of
from histlib.results import Origin
from histlib.sources import Opened
from histlib.times import from_micros, zone
from histlib.values import encode_value


class Asking:
    """An opened history, and what its questions share."""

    def __init__(self, opened: Opened, tz: str = "UTC") -> None:
        self._opened = opened
        self._tz = zone(tz)
        self._known: Facts | None = None

    def _items(self, keys: Sequence[str], facts: Facts) -> dict[str, ItemHistory]:
        """All that the history holds of these items: their chains, and what complete baselines say of them."""
        by_key: dict[str, list[Change]] = {text: [] for text in keys}
        for change in changes_of(self._opened.source.fetch(ItemChanges(tuple(keys)))):
            by_key[change.keys].append(change)
        return {
            text: ItemHistory(text, build_chain(rows), sightings_of(rows, facts.baselines))
            for text, rows in by_key.items()
        }

    def _keys_of(self, key: Key) -> list[str]:
        if key.complete:
            return [key.text]
        names = tuple((name, encode_value(value)) for name, value in key.values.items())
        return sorted(self._opened.source.fetch(MatchingKeys(names)).column("keys").to_pylist())

    def _whole_key(self, key: Any, schema: KeySchema) -> Key:
        parsed = parse_key(key, schema)
        if not parsed.complete:
            raise KeyNotValidError(
                f"{key!r} is only a part of this table's key, {schema}; a state is of one item, timeline takes a part",
                key,
            )
        return parsed

    def _facts(self) -> Facts:
        self._known = current_facts(self._opened.source, self._known, self._opened.key_schema)
        return self._known

    def _origin(self, facts: Facts) -> Origin:
        through = self._time(facts.coverage.captured_through)
        return Origin(self._opened.name, facts.table, facts.account, facts.region, through)

    def _time(self, micros: int | None) -> datetime | None:
        return None if micros is None else from_micros(micros, self._tz)
