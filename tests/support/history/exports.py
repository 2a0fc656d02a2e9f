"""DynamoDB exports for tests, as AWS lays them out (developer guide, "DynamoDB table export output format")."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from histlib.values.image_json import item_to_dynamodb

TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/things"
SECOND = 1_000_000

Image = Mapping[str, Any] | None


def full_export(folder: Path, items: Sequence[Mapping[str, Any]], moment: int, *, name: str = "", **told: Any) -> Path:
    """A full export of the items at a time (epoch µs), in two partitions and an empty one."""
    lines = [json.dumps({"Item": item_to_dynamodb(item)}, ensure_ascii=False) for item in items]
    name = name or f"{moment // 1_000:014}-f0000000"
    summary = {"version": "2020-06-30", "exportTime": iso(moment), "exportType": "FULL_EXPORT"} | told
    return _write(folder, name, f"{name}/data", lines, summary)


def incremental_export(
    folder: Path,
    changes: Sequence[tuple[int, Mapping[str, Any], Image, Image]],
    start: int,
    end: int,
    *,
    name: str = "",
    view: str = "NEW_AND_OLD_IMAGES",
    bare: bool = False,
    **told: Any,
) -> Path:
    """An incremental export of net changes (micros, keys, old, new) in [start, end); ``bare``: times as plain texts."""
    lines = []
    for micros, keys, old, new in changes:
        images = {"NewImage": new, "OldImage": old if view == "NEW_AND_OLD_IMAGES" else None}
        written = str(micros) if bare else {"N": str(micros)}
        line = {"Metadata": {"WriteTimestampMicros": written}, "Keys": item_to_dynamodb(keys)}
        line |= {key: item_to_dynamodb(image) for key, image in images.items() if image is not None}
        lines.append(json.dumps(line, ensure_ascii=False))
    name = name or f"{end // 1_000:014}-i0000000"
    times = {"exportFromTime": iso(start), "exportToTime": iso(end)}
    summary = {"version": "2023-08-01", **times, "exportType": "INCREMENTAL_EXPORT", "outputView": view} | told
    return _write(folder, name, "data", lines, summary)


def net_changes(
    writes: Sequence[tuple[int, str, Image]], before: Mapping[str, Image], start: int, end: int
) -> list[tuple[int, Mapping[str, Any], Image, Image]]:
    """What an export of [start, end) tells of true writes (micros, item, image after), in order; ``before`` the first.

    Insert and delete within the window leave nothing.
    """
    found: dict[str, list[Any]] = {}
    images = dict(before)
    for micros, item, after in writes:
        if start <= micros < end:
            found.setdefault(item, [micros, images.get(item), after])[0::2] = [micros, after]
        images[item] = after
    rows = ((micros, {"id": item}, _whole(item, old), _whole(item, new)) for item, (micros, old, new) in found.items())
    return [row for row in rows if row[2] is not None or row[3] is not None]


def iso(micros: int) -> str:
    """As the summary has times."""
    return (
        datetime.fromtimestamp(micros / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{micros // 1_000 % 1_000:03}Z"
    )


def _whole(item: str, image: Image) -> Image:
    return None if image is None else {"id": item, **image}


def _write(folder: Path, name: str, data: str, lines: Sequence[str], summary: dict[str, Any]) -> Path:
    root = folder / "AWSDynamoDB"
    (root / name).mkdir(parents=True)
    (root / name / "_started").touch()
    files, prefix = "", summary.get("s3Prefix", "some/prefix")
    for number, part in enumerate((lines[0::2], lines[1::2], [])):
        raw = gzip.compress("".join(f"{line}\n" for line in part).encode(), mtime=0)
        path = root / data / f"{hashlib.md5(f'{name} {number}'.encode()).hexdigest()[:24]}.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        digest = hashlib.md5(raw).digest()
        entry = {
            "itemCount": len(part),
            "md5Checksum": base64.b64encode(digest).decode(),
            "etag": hashlib.md5(digest).hexdigest() + "-1",
            "dataFileS3Key": f"{prefix}/AWSDynamoDB/{data}/{path.name}",
        }
        files += json.dumps(entry) + "\n"
    arn = f"{TABLE}/export/{name}"
    told = {
        "exportArn": arn,
        "startTime": "2026-01-02T00:00:00.000Z",
        "endTime": "2026-01-02T00:10:00.000Z",
        "tableArn": TABLE,
        "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
        "s3Bucket": "exports",
        "s3Prefix": "some/prefix",
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{prefix}/AWSDynamoDB/{name}/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": len(lines),
        "outputFormat": "DYNAMODB_JSON",
    } | summary
    for file, text in (("manifest-files", files), ("manifest-summary", json.dumps(told))):
        (root / name / f"{file}.json").write_text(text, encoding="utf-8")
        checksum = base64.b64encode(hashlib.md5(text.encode()).digest()).decode()
        (root / name / f"{file}.checksum").write_text(checksum)
    return root / name
