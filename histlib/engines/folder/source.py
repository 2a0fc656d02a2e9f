"""The embedded source: a history in a local folder, answered from an index of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.beside.facts import SmallFacts
from histlib.engines.bulk.activity import activity
from histlib.engines.bulk.derived import CHANGED, changing
from histlib.engines.bulk.fold import fold
from histlib.engines.bulk.inputs import STREAMS, parts
from histlib.engines.bulk.selecting import has_values, holding, key_parts, selected, untold_images
from histlib.engines.folder.attributes import attributes
from histlib.engines.folder.attributes import parts as image_parts
from histlib.engines.folder.baselines import BaselineFacts
from histlib.engines.folder.index.store import Snapshot, Store
from histlib.engines.memory import memory_setting
from histlib.engines.queries import (
    Activity,
    Around,
    Attestations,
    Attributes,
    Baselines,
    ChangeKeys,
    Holes,
    ItemChanges,
    KeysBetween,
    Landing,
    MatchingKeys,
    NetWindows,
    Parts,
    Query,
    Sql,
    Streams,
    Upcoming,
)
from histlib.errors import RequestError
from histlib.format.days import first_day
from histlib.format.folders import CHANGES, ITSELF
from histlib.format.problems import Problem
from histlib.format.rows import concat, key_hash
from histlib.format.streams import is_old_format
from histlib.stores.cache import cache_folder

#: Views that show what each change left.
_NEW_IMAGES: Final = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE")
#: From so many items on, files are read once for all of them.
_MANY_KEYS: Final = 64


class Upstream(Protocol):
    """Where a folder's files come from, when it is a copy."""

    def fresh(self) -> AbstractContextManager[Sequence[Problem]]:
        """Bring the folder up to date and keep it so for a while; gives the files that could not be had."""
        ...


class EmbeddedSource:
    """A history folder; its index lies in ``<folder>/.histlib``, or in a cache where that cannot be written.

    ``prefix``: the folder's name, or that of the folder in it which holds the days. Where the folder is a copy,
    ``upstream`` brings it up to date whenever a question begins.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cache: Path | None = None,
        memory: int | None = None,
        upstream: Upstream | None = None,
    ) -> None:
        self._memory = memory or memory_setting()
        index = _index_folder(folder, cache)
        self._store = Store(folder, index, self._memory)
        landing = self._store.landing
        self.prefix = (folder.resolve() if landing in (CHANGES, ITSELF) else Path(landing)).name
        self._facts = SmallFacts(folder)
        self._baselines = BaselineFacts(index)
        self._answers: dict[Query, pa.Table] = {}
        self._seen: Snapshot | None = None
        self._upstream = upstream
        self._missing: Sequence[Problem] = ()

    def fetch(self, query: Query) -> pa.Table:
        """The rows of a query; see :mod:`histlib.engines.queries`. Unchanged facts come as the same object.

        Raises:
            NotAHistoryError: no line of the landing is a change.
            SourceError: files that cannot be read, or no room for the index.
        """
        if isinstance(query, Streams) or self._seen is None:
            self._look()
        match query:
            case ItemChanges(keys=keys):
                return self._store.read(lambda snapshot: _item_changes(snapshot, keys))
            case Upcoming():
                return pa.table({})  # each part is one small read
            case MatchingKeys(names=names):
                return self._store.read(lambda snapshot: _matching_keys(snapshot, names))
            case Around():
                return self._store.read(lambda snapshot: pa.concat_tables(fold(snapshot.readers, query)))
            case KeysBetween():
                return self._store.read(lambda snapshot: _keys_between(snapshot, query))
            case ChangeKeys():
                return self._store.read(lambda snapshot: _change_keys(snapshot, query))
            case Activity():
                return self._store.read(lambda snapshot: activity(snapshot.by_time, query))
            case Attributes(exact=exact):
                return self._once(query, lambda snapshot: attributes(snapshot.readers, exact=exact))
            case Parts(path=path, exact=exact):
                return self._once(query, lambda snapshot: image_parts(snapshot.readers, path, exact=exact))
            case Sql(statement=statement):
                from histlib.engines.folder.scanning import run

                return self._store.read(lambda snapshot: run(statement, snapshot.by_time, self._memory))
        if query not in self._answers:
            self._answers[query] = self._standing(query)
        return self._answers[query]

    def _once(self, query: Query, question: Callable[[Snapshot], pa.Table]) -> pa.Table:
        """An answer that stays the same while the history does."""
        if query not in self._answers:
            self._answers[query] = self._store.read(question)
        return self._answers[query]

    def _look(self) -> None:
        """Take in what is new in the folder: once a question, so that all its parts see one state of it."""
        with self._upstream.fresh() if self._upstream else nullcontext(()) as missing:
            snapshot = self._store.refresh()
            changed = self._facts.refresh()
        if snapshot is not self._seen or changed or missing != self._missing:
            self._seen, self._missing = snapshot, missing
            self._answers.clear()

    def _standing(self, query: Query) -> pa.Table:
        assert self._seen is not None
        manifest = self._seen.manifest
        match query:
            case Streams():
                return pa.Table.from_pylist(list(map(msgspec.structs.asdict, manifest.streams)), schema=STREAMS)
            case Attestations():
                return self._facts.attestations()
            case NetWindows():
                return self._facts.net_windows()
            case Holes():
                tables = {stream.table for stream in manifest.streams}
                local = any(is_old_format(stream.stream) for stream in manifest.streams)
                return self._facts.holes(tables, [*manifest.problems, *self._missing], local=local)
            case Baselines():
                return self._store.read(self._found_of_baselines)
            case Landing():
                return pa.table({"first_day": pa.array([first_day(manifest.files)], pa.int64())})
        raise RequestError(f"the embedded source has no answer to {query!r}", query)

    def _found_of_baselines(self, snapshot: Snapshot) -> pa.Table:
        return self._facts.baselines(lambda baseline: self._baselines.found(baseline, snapshot))


def _index_folder(folder: Path, cache: Path | None) -> Path:
    beside = folder / ".histlib"
    if cache is None and os.access(beside if beside.exists() else folder, os.W_OK):
        return beside
    name = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=10).hexdigest()
    return cache_folder(cache) / "index" / f"{folder.resolve().name}-{name}"


def _item_changes(snapshot: Snapshot, keys: tuple[str, ...]) -> pa.Table:
    wanted = dict.fromkeys(keys)
    if len(wanted) < _MANY_KEYS:
        found = concat(reader.find(key_hash(text)) for text in wanted for reader in snapshot.readers)
    else:
        hashes = np.unique(np.array([key_hash(text) for text in wanted], dtype=np.uint64))
        found = concat(reader.find_all(hashes) for reader in snapshot.readers)
    return found.filter(pc.is_in(found.column("keys"), pa.array(wanted, pa.string()))).drop_columns(["key_hash"])


def _keys_between(snapshot: Snapshot, query: KeysBetween) -> pa.Table:
    """Where new images are seen, old ones tell nothing more: each is the new one before it, or shows a gap. Of what a
    change left unseen anything may hold."""
    unseen = any(stream.view not in _NEW_IMAGES for stream in snapshot.manifest.streams)
    images = ["new_image", *(["old_image"] if unseen else [])] if query.condition else []
    found: set[str] = set()
    for rows in parts(
        snapshot.by_time,
        query.start,
        query.end,
        ["keys", *images, *(["action", "redaction", CHANGED] if images else [])],
    ):
        keys = rows.column("keys")
        if query.condition is not None:
            may = rows if unseen else rows.filter(changing(rows, query.condition))
            keys = may.column("keys")
            held = np.logical_or.reduce([holding(keys, may.column(name), query.condition) for name in images])
            keys = keys.filter(pa.array(held | untold_images(may, query.condition)))
        found.update(pc.unique(keys).to_pylist())
    return pa.table({"keys": pa.array(sorted(found), pa.string())})


def _change_keys(snapshot: Snapshot, query: ChangeKeys) -> pa.Table:
    columns = ["keys", "timestamp_micros"]
    empty = pa.schema([("keys", pa.string()), ("timestamp_micros", pa.int64())]).empty_table()
    return pa.concat_tables([empty, *selected(snapshot.by_time, query, columns)])


def _matching_keys(snapshot: Snapshot, names: tuple[tuple[str, str], ...]) -> pa.Table:
    found: set[str] = set()
    for texts in (texts for reader in snapshot.readers for texts in reader.key_texts()):
        for part in key_parts(names):
            texts = texts.filter(pc.match_substring(texts, part))  # noqa: PLW2901
        found.update(texts.to_pylist())
    return pa.table({"keys": pa.array([text for text in found if has_values(text, names)], pa.string())})
