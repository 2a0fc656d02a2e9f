"""Firehose and S3 on a local disk, for replays and tests: the same contract, the same errors, the same files.

Sources of the rules: Amazon Data Firehose API reference (PutRecordBatch) and developer guide ("Quota", "Amazon S3
object name format", "custom prefixes"): the prefix's time is the arrival of the oldest record of an object, UTC.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from pipeline.recorder.packing import CALL_BYTES, CALL_RECORDS, RECORD_BYTES

SECOND = 1_000_000


@dataclass
class Faults:
    """Troubles to inject, each with its probability a call or a record, from a seeded generator."""

    throttle: float = 0.0
    refuse: float = 0.0
    s3: float = 0.0
    seed: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def strikes(self, probability: float) -> bool:
        """Whether a trouble of this probability happens now."""
        return probability > 0 and self._random.random() < probability


@dataclass
class LocalFirehose:
    """A delivery stream into ``folder``/changes. ``now`` (epoch µs) is its clock: set it before each call."""

    folder: Path
    stream: str = "replay"
    buffer_bytes: int = 5 << 20
    buffer_seconds: int = 300
    faults: Faults = field(default_factory=Faults)
    now: int = 0
    written: list[Path] = field(default_factory=list)
    _buffer: list[bytes] = field(default_factory=list)
    _oldest: int = 0

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Mapping[str, bytes]]) -> dict[str, Any]:
        """As boto3's client: raises its errors, answers with its shape, refuses what AWS refuses."""
        sizes = [len(record["Data"]) for record in Records]
        if not 0 < len(sizes) <= CALL_RECORDS or sum(sizes) > CALL_BYTES or max(sizes) > RECORD_BYTES:
            raise _client_error(
                "InvalidArgumentException", f"{len(sizes)} records, {sum(sizes)} bytes", "PutRecordBatch"
            )
        if DeliveryStreamName != self.stream:
            raise _client_error("ResourceNotFoundException", DeliveryStreamName, "PutRecordBatch")
        if self.faults.strikes(self.faults.throttle):
            raise _client_error("ServiceUnavailableException", "Slow down.", "PutRecordBatch")
        responses = [self._take(record["Data"]) for record in Records]
        failed = sum("ErrorCode" in response for response in responses)
        return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": responses}

    def flush(self) -> None:
        """Write what is buffered as one object."""
        if not self._buffer:
            return
        data = gzip.compress(b"".join(self._buffer), compresslevel=6, mtime=0)
        arrived = datetime.fromtimestamp(self._oldest // SECOND, UTC)
        name = f"{self.stream}-1-{arrived:%Y-%m-%d-%H-%M-%S}-{_uuid(data)}.gz"
        self.written.append(write_whole(self.folder / "changes" / f"{arrived:%Y/%m/%d}" / name, data))
        self._buffer = []

    def _take(self, data: bytes) -> dict[str, str]:
        if self.faults.strikes(self.faults.refuse):
            return {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        if self._buffer and not 0 <= self.now - self._oldest < self.buffer_seconds * SECOND:
            self.flush()
        if not self._buffer:
            self._oldest = self.now
        self._buffer.append(data)
        if sum(map(len, self._buffer)) >= self.buffer_bytes:
            self.flush()
        return {"RecordId": hashlib.sha256(data).hexdigest()}


@dataclass
class LocalS3:
    """Buckets as one folder: ``put_object`` writes a file."""

    folder: Path
    faults: Faults = field(default_factory=Faults)
    written: list[Path] = field(default_factory=list)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        """As boto3's client; the bucket is the folder, whatever its name."""
        if self.faults.strikes(self.faults.s3):
            raise _client_error("SlowDown", f"Please reduce your request rate for {Bucket}.", "PutObject")
        self.written.append(write_whole(self.folder / Key, Body))
        return {"ETag": hashlib.md5(Body, usedforsecurity=False).hexdigest()}


def write_whole(path: Path, data: bytes) -> Path:
    """A file that is there whole or not at all; one with the same content is left as it is."""
    if path.exists() and path.read_bytes() == data:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"_{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
    return path


def _uuid(data: bytes) -> uuid.UUID:
    """From the content, so that the same replay writes the same files."""
    return uuid.UUID(bytes=hashlib.sha256(data).digest()[:16], version=4)


def _client_error(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
