"""What every question needs: the facts of the history, keys as people write them, and the chains of items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from histlib.chain import Step, build_chain
from histlib.errors import KeyNotValidError
from histlib.facts import Facts, current_facts
from histlib.format0 import to_format0, value_to_format0
from histlib.keys import Key, KeySchema, key_from_format0, parse_key
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

    def _chains(self, keys: Sequence[str]) -> dict[str, list[Step]]:
        names = {text: text for text in keys}
        if self._known is not None and self._known.old_format:
            names |= {to_format0(text): text for text in keys if to_format0(text) not in names}
        by_key: dict[str, list[Change]] = {text: [] for text in keys}
        for change in changes_of(self._opened.source.fetch(ItemChanges(tuple(names)))):
            by_key[names[change.keys]].append(change)
        return {text: build_chain(group) for text, group in by_key.items()}

    def _keys_of(self, key: Key) -> list[str]:
        if key.complete:
            return [key.text]
        assert self._known is not None
        found = self._matching(key.values)
        if self._known.old_format:
            old = self._matching({name: value_to_format0(value) for name, value in key.values.items()})
            found |= {key_from_format0(text, self._known.key_schema) for text in old}
        return sorted(found)

    def _matching(self, values: Mapping[str, Any]) -> set[str]:
        names = tuple((name, encode_value(value)) for name, value in values.items())
        return set(self._opened.source.fetch(MatchingKeys(names)).column("keys").to_pylist())

    def _whole_key(self, key: Any, schema: KeySchema) -> Key:
        parsed = parse_key(key, schema)
        if not parsed.complete:
            raise KeyNotValidError(
                f"{key!r} is only a part of this table's key, {schema}; a state is of one item, timeline takes a part",
                key,
            )
        return parsed

    def _facts(self) -> Facts:
        self._known = current_facts(self._opened.source, self._known, self._opened.key_schema, self._opened.table)
        return self._known

    def _origin(self, facts: Facts) -> Origin:
        through = self._time(facts.coverage.captured_through)
        return Origin(self._opened.name, facts.table, facts.account, facts.region, through)

    def _time(self, micros: int | None) -> datetime | None:
        return None if micros is None else from_micros(micros, self._tz)
