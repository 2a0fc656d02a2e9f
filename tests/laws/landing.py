"""A world as a history on disk."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from histlib.values.image_json import encode_image
from tests.laws.worlds import SECOND, TABLE, Image, Scan, Window, World, Write, redacted
from tests.support.history.article_lines import old_line
from tests.support.history.exports import full_export, incremental_export
from tests.support.history.landings import lines, put, record


def put_world(world: World, folder: Path) -> str:
    """Write all that is kept of a world into a folder; what to connect to."""
    if world.source == "export:":
        _put_exports(world, folder)
        return f"export:{folder}?key={','.join(next(iter(world.keys.values())))}"
    _put_changes(world, folder)
    for window in world.windows:
        _put_window(world, window, folder)
    for scan in world.scans:
        _put_scan(world, scan, folder)
    for one in world.attestations or ():
        path = folder / "coverage" / _day(one.attested_at) / f"{one.attested_at}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(one))
    _put_failed(world, folder)
    return str(folder)


def net_changes(world: World, window: Window) -> Iterator[tuple[int, str, Image, Image]]:
    """What an export of a window tells: (time of the last write, item, image at its start, image at its end)."""
    for item in world.items:
        inside = [one for one in world.of(item) if window.start <= one.at < window.end]
        if inside:
            old, new = world.image_before(inside[0]), inside[-1].after
            if old is not None or new is not None:
                yield inside[-1].at, item, old, new


def conflicting(write: Write) -> Image:
    """What the second delivery of a change says."""
    return {"v": 9} if write.after is not None else None


def _put_changes(world: World, folder: Path) -> None:
    """Records over files and days, shuffled and late; those in the article's format in files of their own."""
    dice = Random(world.shuffle)
    landed: list[tuple[str, bytes]] = []
    for write in world.writes:
        kind = None if write.era is None else world.eras[write.era].kind
        if kind == "windows" or not (write.landed or write.fate == "damaged"):
            continue
        day = _day(world.arrival_day(write))
        if write.fate == "damaged":
            name = f"damaged{write.number}"
            raw = b"not a record\n" if dice.random() < 0.5 else gzip.compress(b"cut off" * 9)[:-9]
            put(folder, raw, day=day, name=name + (".gz" if raw[:1] == b"n" else ""))
        elif kind == "old":
            landed.append((f"{day} old{write.number}.json", _old(world, write)))
        else:
            for text in _stream_lines(world, write):
                landed.append((f"{day} {dice.randint(0, 2)}.gz", text))
    dice.shuffle(landed)
    for name in sorted({name for name, _ in landed}):
        put(folder, b"".join(text for one, text in landed if one == name), *name.split())
    for day in world.junk:
        if day != "failed":
            put(folder, b"no line of a history\n", day=day, name="junk.gz")


def _stream_lines(world: World, write: Write) -> Iterator[bytes]:
    fields = _fields(world, write)
    yield lines([record(write.number, **fields)])
    if write.fate in ("copy", "conflict"):
        yield lines([record(write.number, **fields)])
    if write.fate == "conflict" and fields["new_image"] is not None:
        other = {**world.keys[write.item], **(conflicting(write) or {})}
        yield lines([record(write.number, **fields | {"new_image": other})])


def _fields(world: World, write: Write) -> dict[str, Any]:
    assert write.era is not None
    era, before = world.eras[write.era], world.image_before(write)
    kept = redacted if write.redaction else dict
    old = kept(before) if before is not None and "OLD" in era.view else None
    new = kept(write.after) if write.after is not None and "NEW" in era.view else None
    stamp = world.stamp(write)
    return {
        "event_id": f"e{write.number}",
        "stream": era.name,
        "view": era.view,
        "action": _action(before, write.after),
        "keys": dict(world.keys[write.item]),
        "new_image": world.full(write.item, new),
        "old_image": world.full(write.item, old),
        "seconds": stamp // SECOND,
        "timestamp_micros": stamp,
        "sequence_number": f"{10**21 + write.number * 7:040}",
        "redaction": write.redaction,
    }


def _old(world: World, write: Write) -> bytes:
    before = world.image_before(write)
    images = world.full(write.item, before), world.full(write.item, write.after)
    return old_line(_action(before, write.after), world.keys[write.item], images, world.stamp(write) // SECOND).encode()


def _action(before: Image, after: Image) -> str:
    return "REMOVE" if after is None else "INSERT" if before is None else "MODIFY"


def _put_window(world: World, window: Window, folder: Path) -> None:
    rows = []
    for number, (micros, item, old, new) in enumerate(net_changes(world, window)):
        row = record(
            number,
            event_id=f"backfill-{window.id}-{item}",
            stream=f"backfill:{window.id}",
            action=_action(old, new),
            keys=dict(world.keys[item]),
            new_image=world.full(item, new),
            old_image=world.full(item, old),
            seconds=micros // SECOND,
            timestamp_micros=micros,
            precision="us",
            sequence_number=None,
        )
        rows.append(row)
    name = f"backfill-{window.id}-00000.gz"
    if rows:
        put(folder, rows, day=_day(window.start), name=name)
    told = {
        "format": 1, "id": window.id, "kind": "incremental", "table": TABLE, "table_id": world.table_id(window.start),
        "start": window.start, "end": window.end, "items": len(rows),
        "files": [f"changes/{_day(window.start)}/{name}"] if rows else [],
    }  # fmt: skip
    if window.whole:
        _write(folder / "baseline" / f"backfill-{window.id}.json", told)


def _put_scan(world: World, scan: Scan, folder: Path) -> None:
    rows = []
    for number, (item, image) in enumerate(world.scanned(scan).items()):
        first, _, last = scan.reads[item]
        row = record(
            number,
            event_id=f"{scan.id}-{item}",
            stream=f"baseline:{scan.id}",
            view="NEW_IMAGE",
            action="BASELINE",
            keys=dict(world.keys[item]),
            new_image=world.full(item, redacted(image) if scan.redaction else image),
            old_image=None,
            seconds=first // SECOND,
            timestamp_micros=first,
            precision="us",
            sequence_number=None,
            read_begin=first,
            read_end=last,
            redaction=scan.redaction,
        )
        rows.append(row)
    name = f"baseline-{scan.id}-0000.gz"
    if rows:
        put(folder, rows, day=_day(scan.begin), name=name)
    kinds = zip(next(iter(world.keys.values())), ("HASH", "RANGE"), strict=False)
    told = {
        "format": 1, "id": scan.id, "kind": "scan", "table": TABLE, "table_id": world.table_id(scan.begin),
        "read_begin": scan.begin, "read_end": scan.end, "items": len(rows), "redaction": scan.redaction,
        "files": [f"changes/{_day(scan.begin)}/{name}"] if rows else [],
        "key_schema": [{"AttributeName": one, "KeyType": kind} for one, kind in kinds],
    }  # fmt: skip
    if scan.whole:
        _write(folder / "baseline" / f"{scan.id}.json", told)


def _put_failed(world: World, folder: Path) -> None:
    for write in world.writes:
        if write.fate in ("failed", "given_up"):
            place = "failed/records" if write.fate == "failed" else "failed/unreadable/failed/records"
            keys = {name: {"S": value} for name, value in world.keys[write.item].items()}
            change = {"Keys": keys, "ApproximateCreationDateTime": world.stamp(write) // SECOND}
            _write(folder / place / str(write.number), {"dynamodb": change})
    if "failed" in world.junk:
        (folder / "failed").mkdir(exist_ok=True)
        (folder / "failed/what").write_text("what is this")


def _put_exports(world: World, folder: Path) -> None:
    for window in world.windows:
        told = [
            (micros, world.keys[item], world.full(item, old), world.full(item, new))
            for micros, item, old, new in net_changes(world, window)
        ]
        incremental_export(folder, told, window.start, window.end, name=window.id)
    for scan in world.scans:
        items = [world.full(item, image) for item, image in world.scanned(scan).items()]
        full_export(folder, [item for item in items if item is not None], scan.begin, name=scan.id)


def _write(path: Path, told: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told))


def _day(micros: int) -> str:
    return f"{datetime.fromtimestamp(micros // SECOND, UTC):%Y/%m/%d}"


def key_text(world: World, item: str) -> str:
    """An item's ``keys`` as frames have it."""
    return encode_image(dict(world.keys[item]))
