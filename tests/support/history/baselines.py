"""Baselines for tests: rows in the landing and a manifest, whole or wrong in some way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.history.landings import STREAM, TABLE, put, record
from tests.support.history.worlds import SECOND


def put_baseline(
    folder: Path, id: str, items: Sequence[Mapping[str, Any]], read_begin: int, read_end: int, /, **fields: Any
) -> Path:
    """Write a baseline that saw ``items`` within [``read_begin``, ``read_end``] (epoch seconds), and its manifest.

    ``fields`` replace the manifest's; ``files`` splits the rows over that many, ``redaction`` is the rows' too,
    ``manifest=False`` leaves it out.
    """
    parts, written = fields.pop("files", 1), fields.pop("manifest", True)
    day, names = fields.pop("day", "2026/01/01"), [f"baseline-{id}-{part:04}.gz" for part in range(parts)]
    rows = [baseline_row(id, item, read_begin, read_end, redaction=fields.get("redaction")) for item in items]
    for part, name in enumerate(names):
        put(folder, rows[part::parts], day=day, name=name)
    manifest: dict[str, Any] = {
        "format": 1,
        "id": id,
        "kind": "scan",
        "table": TABLE,
        "table_id": None,
        "read_begin": read_begin * SECOND,
        "read_end": read_end * SECOND,
        "items": len(items),
        "files": [f"changes/{day}/{name}" for name in names],
        "redaction": None,
        "key_schema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    path = folder / "baseline" / f"{id}.json"
    if written:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(manifest | fields))
    return path


def baseline_row(id: str, item: Mapping[str, Any], begin: int, end: int, **fields: Any) -> dict[str, Any]:
    """One row of a baseline; the item's key is its ``id``."""
    return record(
        0,
        item["id"],
        event_id=f"{id}-{item['id']}",
        stream=f"baseline:{id}",
        view="NEW_IMAGE",
        action="BASELINE",
        new_image=dict(item),
        old_image=None,
        seconds=begin,
        sequence_number=None,
        read_begin=begin * SECOND,
        read_end=end * SECOND,
        **fields,
    )


def attest(folder: Path, *seconds: int, **fields: object) -> None:
    """Write healthy attestations."""
    attestation = {
        "format": 1, "table": TABLE, "table_id": "i", "stream": STREAM, "view": "NEW_AND_OLD_IMAGES", "mapping": "m",
        "mapping_state": "Enabled", "iterator_age_ms": 0, "firehose_freshness_s": 0, "undelivered": 0,
        "redaction": None, "healthy": True, "key_schema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }  # fmt: skip
    for second in seconds:
        day = folder / "coverage" / datetime.fromtimestamp(second, UTC).strftime("%Y/%m/%d")
        day.mkdir(parents=True, exist_ok=True)
        (day / f"{second}.json").write_text(json.dumps({**attestation, "attested_at": second * SECOND, **fields}))
