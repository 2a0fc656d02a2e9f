"""Landings for tests: lines of format 1 put into files as one likes, and what a source makes of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from histlib.engines.bulk.inputs import parts
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Holes, ItemChanges, Streams
from histlib.format.record import COLUMNS
from histlib.values.image_json import encode_image

TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/things"
STREAM = f"{TABLE}/stream/2026-01-01T00:00:00.000"
NOON = 1_767_268_800  # 2026-01-01T12:00:00Z


def record(number: int, item: str = "a", **fields: Any) -> dict[str, Any]:
    """The fields of change ``number``, a second after the one before it: version ``number`` replaces the one before.

    ``fields`` replace any of them; images may be given as dicts.
    """
    seconds = fields.pop("seconds", NOON + number)
    made: dict[str, Any] = {
        "format": 1,
        "event_id": f"event-{number}",
        "table": TABLE,
        "stream": STREAM,
        "view": "NEW_AND_OLD_IMAGES",
        "action": "MODIFY",
        "keys": {"id": item},
        "new_image": {"id": item, "version": number},
        "old_image": {"id": item, "version": number - 1},
        "timestamp": seconds,
        "timestamp_utc": "2026-01-01 12:00:00",
        "timestamp_micros": seconds * 1_000_000,
        "precision": "s",
        "sequence_number": f"{10**22 + number:040}",
        "actor": None,
        "redaction": None,
        "size_bytes": 10,
        "read_begin": None,
        "read_end": None,
    }
    made.update(fields)
    assert made.keys() == COLUMNS.keys()
    for name in ("keys", "new_image", "old_image"):
        if isinstance(made[name], dict):
            made[name] = encode_image(made[name])
    return made


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    """The records as lines."""
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in records)


def put(folder: Path, records: Sequence[dict[str, Any]] | bytes, day: str = "2026/01/01", name: str = "a.gz") -> Path:
    """Write records, or raw bytes, as a landing file (gzip where the name says so)."""
    raw = records if isinstance(records, bytes) else lines(records)
    path = folder / "changes" / day / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
    return path


def numbers(source: EmbeddedSource, item: str = "a") -> list[str]:
    """The event ids of an item, as often as they are in the index."""
    source.fetch(Streams())
    return sorted(source.fetch(ItemChanges((f'{{"id":"{item}"}}',))).column("event_id").to_pylist())


def holes(source: EmbeddedSource) -> list[dict[str, Any]]:
    """What the source knows to be missing."""
    source.fetch(Streams())
    return source.fetch(Holes()).to_pylist()


def ids(*found: int) -> list[str]:
    """The event ids of changes, in the order of :func:`numbers`."""
    return sorted(f"event-{number}" for number in found)


def everything(source: EmbeddedSource) -> list[list[str]]:
    """The event ids of the items i0 … i8."""
    return [numbers(source, f"i{item}") for item in range(9)]


def every_row(source: EmbeddedSource) -> list[dict[str, Any]]:
    """All that the source says of the items i0 … i8, by key and by time."""
    source.fetch(Streams())
    found = source.fetch(ItemChanges(tuple(f'{{"id":"i{item}"}}' for item in range(9))))
    columns = found.column_names
    by_time = source._store.read(lambda snapshot: pa.concat_tables(parts(snapshot.by_time, 0, 1 << 62, columns)))
    rows = [
        sorted(table.to_pylist(), key=lambda row: (row["sequence_number"], row["file"])) for table in (found, by_time)
    ]
    assert rows[0] == rows[1]
    return rows[0]


def make_indexed(folder: Path) -> Path:
    """Make a history of the items i0 … i8 with an index of several segments."""
    for at, (first, count) in enumerate([(0, 900), (900, 100), (1_800, 5)]):
        put(folder, [record(n, f"i{n % 9}") for n in range(first, first + count)], name=f"{at}.gz")
        EmbeddedSource(folder).fetch(Streams())
    assert len(list((folder / ".histlib").glob("segment-*"))) >= 3
    return folder
