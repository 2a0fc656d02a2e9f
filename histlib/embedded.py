"""The embedded source: a history in a local folder, answered from an index of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from histlib.errors import NotAHistoryError, RequestError, SourceError, ValueNotValidError
from histlib.index.landing import event_window
from histlib.index.rows import concat, key_hash
from histlib.index.store import Snapshot, Store
from histlib.index.tree import Tree
from histlib.queries import Attestations, Holes, ItemChanges, MatchingKeys, Query, Streams
from histlib.times import SECOND
from histlib.values import encode_image, item_from_dynamodb

#: The setting that bounds the memory of building and merging, e.g. ``512MiB`` or ``4GiB``.
MEMORY_VARIABLE: Final = "HISTLIB_MEMORY"
DEFAULT_MEMORY: Final = 2 << 30

_STREAMS: Final = pa.schema(
    [
        ("table", pa.string()),
        ("stream", pa.string()),
        ("view", pa.string()),
        ("keys", pa.string()),
        ("first_micros", pa.int64()),
        ("last_micros", pa.int64()),
        ("changes", pa.int64()),
    ]
)
_ATTESTATIONS: Final = pa.schema([("attestation", pa.string()), ("file", pa.string())])
_HOLES: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("detail", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("keys", pa.string()),
    ]
)


class EmbeddedSource:
    """A history folder; its index lies in ``<folder>/.histlib``, or in a cache where that cannot be written."""

    def __init__(self, folder: Path, *, cache: Path | None = None, memory: int | None = None) -> None:
        if not (folder / "changes").is_dir():
            raise NotAHistoryError(
                f"{folder} is no history: it has no folder changes/; expected what `python -m pipeline replay` writes",
                str(folder),
            )
        self._folder = folder
        self._store = Store(folder, _index_folder(folder, cache), memory or memory_setting())
        self._trees = {name: Tree(folder, name) for name in ("coverage", "failed", "aws")}
        self._answers: dict[type[Query], pa.Table] = {}
        self._seen: Snapshot | None = None

    def fetch(self, query: Query) -> pa.Table:
        """The rows of a query; see :mod:`histlib.queries`. Unchanged facts come as the same object.

        Raises:
            NotAHistoryError: no line of the landing is a change.
            SourceError: files that cannot be read, or no room for the index.
        """
        if isinstance(query, Streams) or self._seen is None:
            self._look()
        match query:
            case ItemChanges(keys=keys):
                return self._store.read(lambda snapshot: _item_changes(snapshot, keys))
            case MatchingKeys(names=names):
                return self._store.read(lambda snapshot: _matching_keys(snapshot, names))
        if type(query) not in self._answers:
            self._answers[type(query)] = self._facts(query)
        return self._answers[type(query)]

    def _look(self) -> None:
        """Take in what is new in the folder: once a question, so that all its parts see one state of it."""
        snapshot = self._store.refresh()
        changed = [tree.refresh() for tree in self._trees.values()]
        if snapshot is not self._seen or any(changed):
            self._seen = snapshot
            self._answers.clear()

    def _facts(self, query: Query) -> pa.Table:
        match query:
            case Streams():
                rows = [_fields(stream) for stream in self._manifest().streams]
                return pa.Table.from_pylist(rows, schema=_STREAMS)
            case Attestations():
                return pa.Table.from_pylist(list(self._attestations()), schema=_ATTESTATIONS)
            case Holes():
                return pa.Table.from_pylist([*self._unreadable(), *self._undelivered()], schema=_HOLES)
        raise RequestError(f"the embedded source has no answer to {query!r}", query)

    def _manifest(self) -> Any:
        assert self._seen is not None
        return self._seen.manifest

    def _attestations(self) -> Iterator[dict[str, Any]]:
        for file in sorted(self._trees["coverage"].files):
            yield {"attestation": self._read(file).decode("utf-8", "replace"), "file": file}

    def _unreadable(self) -> Iterator[dict[str, Any]]:
        for problem in self._manifest().problems:
            start, end = event_window(problem.file)
            row = {"kind": "unreadable", "start": start, "end": end, "keys": None}
            yield {**row, "detail": problem.detail, "file": problem.file, "line": problem.line}

    def _undelivered(self) -> Iterator[dict[str, Any]]:
        """Changes that lie under ``failed/`` and in Lambda's own on-failure objects, until they are redriven."""
        for file in sorted(self._trees["failed"].files):
            if not file.startswith("failed/done/"):
                kind = "unconverted" if file.startswith("failed/records/") else "undelivered"
                yield _hole(kind, file, self._read(file))
        for file in sorted(self._trees["aws"].files):
            yield _hole("undelivered", file, self._read(file))

    def _read(self, file: str) -> bytes:
        try:
            raw = (self._folder / file).read_bytes()
        except OSError as error:
            raise SourceError(f"cannot read {self._folder / file}: {error.strerror}", file) from error
        return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def memory_setting() -> int:
    """Bytes of :data:`MEMORY_VARIABLE`, default 2 GiB.

    Raises:
        RequestError: not a size of at least 64 MiB.
    """
    text = os.environ.get(MEMORY_VARIABLE, "").strip()
    if not text:
        return DEFAULT_MEMORY
    match = re.fullmatch(r"(\d+)\s*(MiB|GiB)", text)
    size = int(match[1]) << {"MiB": 20, "GiB": 30}[match[2]] if match else 0
    if size < 64 << 20:
        raise RequestError(f"{MEMORY_VARIABLE}={text!r}: expected at least 64MiB, like 512MiB or 4GiB", text)
    return size


def _index_folder(folder: Path, cache: Path | None) -> Path:
    beside = folder / ".histlib"
    if cache is None and os.access(beside if beside.exists() else folder, os.W_OK):
        return beside
    import platformdirs

    root = cache or Path(platformdirs.user_cache_dir("histlib"))
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=10).hexdigest()
    return root / "index" / f"{folder.resolve().name}-{name}"


def _item_changes(snapshot: Snapshot, keys: tuple[str, ...]) -> pa.Table:
    wanted = pa.array(keys)
    found = concat(reader.find(key_hash(text)) for text in keys for reader in snapshot.readers)
    rows = found.filter(pa.compute.is_in(found.column("keys"), wanted)) if found.num_rows else found
    return rows.drop_columns(["key_hash"])


def _matching_keys(snapshot: Snapshot, names: tuple[tuple[str, str], ...]) -> pa.Table:
    """Keys whose canonical text begins or ends with one of its two attributes: text is canonical, so this is exact."""
    import duckdb

    paths = [str(path) for reader in snapshot.readers for path in reader.paths()]
    ((name, value),) = names
    member = encode_image({name: 0})[1:-2] + value
    query = "SELECT DISTINCT keys FROM read_parquet($paths) WHERE starts_with(keys, $first) OR ends_with(keys, $last)"
    with duckdb.connect() as connection:
        found = connection.sql(query, params={"paths": paths, "first": f"{{{member},", "last": f",{member}}}"})
        return found.to_arrow_table()


def _fields(stream: Any) -> dict[str, Any]:
    return {name: getattr(stream, name) for name in _STREAMS.names}


def _hole(kind: str, file: str, raw: bytes) -> dict[str, Any]:
    changes = _undelivered_changes(raw)
    seconds = [second for second, _ in changes if second is not None]
    known = len(seconds) == len(changes) > 0
    keys = {text for _, text in changes}
    return {
        "kind": kind,
        "start": min(seconds) * SECOND if known else None,
        "end": max(seconds) * SECOND + SECOND - 1 if known else None,
        "detail": f"{len(changes)} changes that are not in the history" if changes else "not readable as changes",
        "file": file,
        "line": None,
        "keys": keys.pop() if len(keys) == 1 else None,
    }


def _undelivered_changes(raw: bytes) -> list[tuple[int | None, str | None]]:
    """(second, key text) of each change in a record, an event, or Lambda's object around one; None where unreadable."""
    try:
        found = json.loads(raw)
        found = json.loads(found["payload"]) if "payload" in found else found
        records = found.get("Records", [found])
        return [(_second(record), _key_text(record)) for record in records]
    except (ValueError, TypeError, AttributeError):
        return []


def _second(record: Any) -> int | None:
    try:
        return int(float(record["dynamodb"]["ApproximateCreationDateTime"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _key_text(record: Any) -> str | None:
    try:
        return encode_image(item_from_dynamodb(record["dynamodb"]["Keys"]))
    except (KeyError, TypeError, AttributeError, ValueNotValidError):
        return None
