"""What was found out about single days, kept in the private cache for as long as they stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any, Final

import msgspec

from histlib.errors import SourceError
from histlib.stores import memo as kept
from histlib.stores.cache import private_folder
from histlib.stores.locking import alone
from histlib.stores.s3.address import Address

#: Facts kept, the least recently put ones go first: ten years of days.
MOST: Final = 4_000

#: Digest and facts, by day.
_Facts = dict[str, tuple[str, Any]]


class _Kept(msgspec.Struct):
    source: str
    facts: _Facts


class DayCache:
    """Facts (of JSON's types) by day and digest: of a day, or any other name, the last one that was put.

    ``endpoint``: as for a mirror, what tells one S3 from another. ``name`` tells caches of one history apart, as those
    of two tables over it. What cannot be kept or read, or is damaged, is found out again: no error.
    """

    def __init__(self, cache: Path, address: Address, endpoint: str, name: str = "days") -> None:
        self._cache = cache
        self._source = str(address)
        self._names = ("athena", *address.folder_names(endpoint))
        self._name = name
        self._facts: _Facts | None = None
        self._threads = RLock()

    def get(self, day: str, digest: str) -> Any:
        """The facts put for a day that was like this; None where there are none."""
        with self._threads:
            if self._facts is None:
                self._facts = self._load()
            found = self._facts.get(day)
        return found[1] if found is not None and found[0] == digest else None

    def put(self, day: str, digest: str, facts: Any) -> None:
        """Keep the facts of a day that is like this, for this process and the next ones."""
        self.put_all({day: (digest, facts)})

    def put_all(self, found: Mapping[str, tuple[str, Any]]) -> None:
        """Keep facts of many days, by day: digest and facts. What other processes have kept meanwhile stays."""
        with self._threads:
            self._facts = _joined(self._facts or {}, found)
            with suppress(OSError, SourceError):
                home = private_folder(self._cache, *self._names)
                with alone(home / f"{self._name}.lock"):
                    facts = _joined(self._load(), found)
                    kept.save(home / self._name, _Kept(self._source, facts))
                    self._facts = facts

    def _load(self) -> _Facts:
        file = self._cache.joinpath(*self._names, self._name)
        found = kept.load(file, _Kept)
        return found.facts if found is not None and found.source == self._source else {}


def _joined(known: _Facts, found: Mapping[str, tuple[str, Any]]) -> _Facts:
    older = {day: facts for day, facts in known.items() if day not in found}
    return dict([*older.items(), *found.items()][-MOST:])
