"""The attestations in S3: ``coverage/yyyy/MM/dd/attestations.json``, a line each, in order of time.

A line is added by writing the object anew on condition that it is as it was read (S3's conditional writes), so that two
runs at once lose none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from .judging import Previous
from .reach import from_json
from .settings import Settings

_NAME: Final = "attestations.json"
#: S3's codes where the condition did not hold: another run wrote first.
_CONFLICTS: Final = ("PreconditionFailed", "ConditionalRequestConflict")


class DamagedError(Exception):
    """The newest attestations cannot be read, so what they said of losses is not known."""


@dataclass(frozen=True)
class Written:
    """An object of attestations as it was read; ``etag`` None: it was not there."""

    key: str
    text: bytes = b""
    etag: str | None = None


def read_day(s3: Any, settings: Settings, now: float) -> Written:
    """The day's object as it is."""
    return _read(s3, settings.bucket, f"{settings.prefix}coverage/{datetime.fromtimestamp(now, UTC):%Y/%m/%d}/{_NAME}")


def find_previous(s3: Any, settings: Settings, day: Written) -> Previous | None:
    """What the newest attestation says; None where there is none.

    Raises:
        DamagedError: it cannot be read.
    """
    text = day.text
    if not text.strip():
        start = f"{settings.prefix}coverage/"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=start)
        keys = [one["Key"] for page in pages for one in page.get("Contents", ()) if one["Key"].endswith(".json")]
        if not keys:
            return None
        text = _read(s3, settings.bucket, max(keys)).text
    try:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
        newest = max(found, key=lambda one: int(one["attested_at"]))
        seen = max((int(one["attested_at"]) for one in found if one["observed"]), default=None)
        return _previous(settings, newest, seen)
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedError(
            "the newest attestations cannot be read; look at the objects below coverage/, and mend or remove what is "
            "damaged"
        ) from error


def _previous(settings: Settings, newest: dict[str, Any], observed_at: int | None) -> Previous:
    """What was proven of another stream or mapping, or by an attester that knew less, proves nothing of this one."""
    losses, lost_at = int(newest["losses"]), _seconds(newest.get("lost_at"))
    ours = (newest["stream"], newest["mapping"]) == (settings.stream_arn, settings.mapping)
    if not ours or "captured" not in newest:
        return Previous(losses, observed_at, lost_at=lost_at)
    captured, landed = _seconds(newest["captured"]), _seconds(newest["landed"])
    return Previous(
        losses, observed_at, captured, landed, from_json(newest["shards"]), lost_at, passing=bool(newest["passing"])
    )


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / 1_000_000


def append(s3: Any, settings: Settings, day: Written, attestation: dict[str, Any]) -> bool:
    """Add a line to the day's object; False where it is not any more as it was read."""
    line = json.dumps(attestation, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    condition = {"IfNoneMatch": "*"} if day.etag is None else {"IfMatch": day.etag}
    body = day.text + (b"\n" if day.text and not day.text.endswith(b"\n") else b"") + line
    try:
        s3.put_object(Bucket=settings.bucket, Key=day.key, Body=body, ContentType="application/json", **condition)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _CONFLICTS:
            return False
        raise
    return True


def _read(s3: Any, bucket: str, key: str) -> Written:
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchKey":
            return Written(key)
        raise
    return Written(key, found["Body"].read(), found["ETag"])
