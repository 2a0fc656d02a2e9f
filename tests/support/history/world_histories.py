"""Random worlds as histories on disk, asked as a user asks them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

import histlib
from histlib.values.image_json import encode_image
from tests.support.history.landings import put, record
from tests.support.history.worlds import SECOND, START, World, manifest_of


def history_of(world: World, folder: Path, data: st.DataObject) -> histlib.History | None:
    """The world's changes as they may land: late, in any order, over files and days; None where nothing landed.

    With its attestations and baselines, where it has any.
    """
    changes = world.changes()
    if not changes:
        return None
    files = data.draw(st.integers(1, 4))
    shuffled = data.draw(st.permutations(changes))
    for number in range(files):
        lines = [line_of(at, one) for at, one in enumerate(shuffled) if at % files == number]
        put(folder, lines, day=f"2026/01/{1 + number % 3:02}", name=f"{number}.gz")
    put_attestations(world, folder)
    put_scans(world, folder, data)
    return histlib.connect(folder)


def put_attestations(world: World, folder: Path) -> None:
    """What the pipeline said of itself, an object an attestation."""
    for one in world.attestations or ():
        day = folder / "coverage" / at(one.attested_at).strftime("%Y/%m/%d")
        day.mkdir(parents=True, exist_ok=True)
        (day / f"{one.attested_at}.json").write_bytes(msgspec.json.encode(one))


def put_scans(world: World, folder: Path, data: st.DataObject) -> None:
    """The rows of each scan; its manifest, where it is complete, else none or one that does not fit."""
    for scan in world.scans:
        rows = [row for row in world.baseline_rows() if row.stream == f"baseline:{scan.id}"]
        put(folder, [line_of(0, row) for row in rows], name=f"baseline-{scan.id}-0000.gz")
        wrong = None if scan.complete else data.draw(st.sampled_from(("", "items", "format")))
        if wrong == "":
            continue
        manifest = msgspec.structs.asdict(manifest_of(scan, len(world.scanned(scan))))
        (folder / "baseline").mkdir(exist_ok=True)
        (folder / f"baseline/{scan.id}.json").write_text(json.dumps(manifest | ({wrong: 99} if wrong else {})))


def put_holes(folder: Path, data: st.DataObject, items: list[str]) -> None:
    """Now and then something that is known to be missing: changes that could not be converted, a damaged file."""
    seconds = st.integers(-2_000, 20_000).map(lambda second: START // SECOND + second)
    for number in range(data.draw(st.integers(0, 2))):
        kind = data.draw(st.sampled_from(("one", "several", "damaged")))
        if kind == "damaged":
            put(folder, b"not a record\n", day="2026/01/01", name=f"damaged{number}.gz")
            continue
        records = [_failed(data.draw(st.sampled_from(items)), data.draw(seconds)) for _ in range(1 + (kind != "one"))]
        (folder / "failed/records").mkdir(parents=True, exist_ok=True)
        (folder / f"failed/records/{number}").write_text(json.dumps({"Records": records}))


def _failed(item: str, second: int) -> dict[str, Any]:
    return {"dynamodb": {"Keys": {"id": {"S": item}}, "ApproximateCreationDateTime": second}}


def line_of(number: int, change: Any) -> dict[str, Any]:
    fields = {name: getattr(change, name) for name in change.__struct_fields__ if name != "file"}
    seconds = change.timestamp_micros // SECOND
    return record(number, **fields, timestamp=seconds, seconds=seconds)


def at(micros: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def micros(moment: Any) -> int | None:
    """Epoch µs of a time in an answer; None for NaT and None."""
    if moment is None or str(moment) == "NaT":
        return None
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def item_of(state: histlib.ItemState) -> str | None:
    return None if state.item is None else encode_image(state.item)


def items_of(world: World) -> list[str]:
    return sorted({write.item for write in world.captured()})


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """The rows of a table as dicts; NA and NaT as None."""
    return [{name: _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    return None if str(value) in ("nan", "NaT") and not isinstance(value, str) else value
