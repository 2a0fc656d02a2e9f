"""What every question needs: the facts of the history, keys as people write them, and the chains of items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from histlib.answers.state import Origin
from histlib.engines.queries import ItemChanges, MatchingKeys
from histlib.engines.where import Condition, Subject, parse_where
from histlib.errors import KeyNotValidError, RequestError
from histlib.format.record import Change, changes_of
from histlib.opening import Opened
from histlib.questions.facts import Facts, current_facts
from histlib.questions.names import HistoryNames, as_attrs, notices
from histlib.rules import doubt
from histlib.rules.caveats import Caveat
from histlib.rules.chain.chain import build_chain
from histlib.rules.coverage.baselines import ItemHistory, sightings_of
from histlib.rules.state import state_at
from histlib.values.article_text import to_format0, value_to_format0
from histlib.values.image_json import decode_image, encode_image, encode_value, equal
from histlib.values.keys import Key, key_from_format0, parse_keys
from histlib.values.paths import Path, parse_path
from histlib.values.times import SECOND, TimeRange, from_micros, zone

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
        is not to be told. See :class:`histlib.engines.queries.ItemChanges`.
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

    def _scope(self, keys: Any, facts: Facts, condition: Condition | None = None) -> Scope:
        """The items of a list of keys, or of one; a part of a key stands for all items under it. None: the one whose
        key a condition names, or the table."""
        if keys is None:
            named = None if condition is None else _named_key(condition, facts)
            return Scope(None, wide=True) if named is None else Scope((named,), wide=False, by_condition=True)
        several = keys if isinstance(keys, list | set | frozenset) or _is_column(keys) else [keys]
        meant = [parse_keys(key, facts.key_schemas) for key in several]
        texts = dict.fromkeys(text for one in meant for text in self._keys_of(one))
        parts = [key for one in meant for key in one if not key.complete]
        texts |= dict.fromkeys(text for text in hidden_keys(facts) if any(_is_under(text, part) for part in parts))
        return Scope(tuple(texts), wide=bool(parts))

    def _paths(self, columns: Sequence[str] | str) -> tuple[Path, ...]:
        return tuple(map(parse_path, [columns] if isinstance(columns, str) else columns))

    def _condition(
        self, where: str | None, params: Mapping[str, Any] | None, subject: Subject, facts: Facts
    ) -> Condition | None:
        if where is None:
            if params:
                raise RequestError(f"params without where: {', '.join(params)}; add where, or leave them out", params)
            return None
        return parse_where(where, params, subject, self._names(facts), self._tz)

    def _names(self, facts: Facts) -> HistoryNames:
        return HistoryNames(self._opened.source, facts.key_names)

    def _noticed(
        self, facts: Facts, condition: Condition | None, paths: Iterable[Path], images: Sequence[str] = ()
    ) -> dict[str, list[str]]:
        """What attrs tell of names that nothing has; ``images``: some that the answer shows."""
        asked, wants = (condition.paths, condition.wants) if condition else ((), ())
        return as_attrs(notices([*asked, *paths], wants, self._names(facts), images))

    def _wide_caveats(self, facts: Facts, moments: Sequence[int], scope: Scope, unknown: int = 0) -> Iterator[Caveat]:
        """What an answer about states at some moments does not know of items that it has no rows of: where it speaks of
        more than single keys, what a key that nobody has seen would be in doubt of, and whether there are such."""
        known = not (scope.wide or scope.by_condition) or facts.all_keys_known(*moments)
        if scope.wide:
            yield from _of_a_key_never_seen(facts, moments)
        yield from doubt.of_keys(known=known, baselines=bool(facts.baselines), unknown=unknown)

    def _range_caveats(self, facts: Facts, window: TimeRange, scope: Scope) -> Iterator[Caveat]:
        """The same of an answer about all states in a window."""
        found = list(doubt.of_range(window, scope.named, facts.coverage))
        whole = scope.by_condition or not any(map(doubt.cuts_off, found))
        known = whole and facts.all_keys_known(window.start)
        yield from (*found, *doubt.of_keys(known=known, baselines=bool(facts.baselines), unknown=0))
        if not scope.by_condition:
            yield from _of_a_key_never_seen(facts, (window.start, window.end - 1))
            yield from doubt.of_text(old_format=facts.old_format, not_shown="")

    def _answer_attrs(
        self,
        facts: Facts,
        heading: str,
        caveats: Iterable[Caveat],
        *,
        window: TimeRange | None = None,
        attested: bool | None = None,
    ) -> dict[str, Any]:
        """What a table says of itself; ``attested``: whether what it tells is; None: whether its window is."""
        origin = self._origin(facts)
        proven = _proven(facts, window) if attested is None else attested
        found = doubt.told(caveats, doubt.of_text(old_format=False, not_shown=facts.not_shown))
        completeness = doubt.completeness(found, proven=proven)
        attrs = origin.attrs(f"{heading} in {origin}", self._tz, completeness, found)
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


def _of_a_key_never_seen(facts: Facts, moments: Sequence[int]) -> Iterator[Caveat]:
    """What the state of a key that the history has nothing of would be in doubt of."""
    absent = sightings_of((), facts.baselines)
    for moment in moments:
        yield from state_at((), "", moment, facts.coverage, absent).caveats


def _proven(facts: Facts, window: TimeRange | None) -> bool:
    """Whether attestations prove that all changes of a window have landed."""
    if window is None:
        return False
    start = window.start if window.explicit_start else facts.coverage.earliest
    last = window.end - 1 if window.explicit_end else facts.coverage.captured_through
    return start is not None and last is not None and facts.coverage.attests(start, last - last % SECOND)


@dataclass(frozen=True)
class Scope:
    """What an answer speaks of: the items with these key texts (None: all); ``wide``: and of others, that nothing may
    be known of; ``by_condition``: a condition on the table names the key."""

    keys: tuple[str, ...] | None
    wide: bool
    by_condition: bool = False

    @property
    def named(self) -> tuple[str, ...] | None:
        """All key texts that it speaks of; None where there may be others."""
        return None if self.wide else self.keys


def _named_key(condition: Condition, facts: Facts) -> str | None:
    """The text of the only key of which a condition may hold; None where it is not of one."""
    pinned = condition.pinned
    as_text = facts.old_format and not all(isinstance(value, str) for value in pinned.values())
    if as_text or len(facts.key_schemas) > 1 or set(pinned) != set(facts.key_names):
        return None
    return encode_image(pinned)


def hidden_keys(facts: Facts) -> list[str]:
    """The keys of items of which something is known to be missing."""
    return sorted({hole.keys for hole in facts.coverage.holes if hole.keys is not None})


def _is_under(text: str, part: Key) -> bool:
    """Whether a key has the values of a part of one."""
    values = decode_image(text)
    return all(name in values and equal(values[name], value) for name, value in part.values.items())


def said(where: str | None) -> str:
    """A condition as a heading says it."""
    return f" where {where}" if where else ""


def _is_column(keys: Any) -> bool:
    """A column of a DataFrame, or an array, of keys."""
    return hasattr(keys, "tolist") and not isinstance(keys, str | bytes)
