"""Firehose, S3 and Lambda's clock on this machine, for replays and tests: the same contract, errors and files.

Sources of the rules: Amazon Data Firehose API reference (PutRecordBatch) and developer guide ("Quota", "Amazon S3
object name format", "Custom prefixes": an object's time is the arrival of its oldest record, in UTC).
"""

from __future__ import annotations

import gzip
import hashlib
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from pipeline.common.landing import Revision, write_whole

# Firehose's limits as AWS states them; not taken from the recorder, which they are to check.
MAX_RECORDS: Final = 500
MAX_RECORD_BYTES: Final = 1_024_000
MAX_CALL_BYTES: Final = 4 << 20


@dataclass
class LocalClock:
    """A clock that stands still: epoch seconds. To sleep moves it on, at once."""

    seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.seconds += seconds


@dataclass
class LocalContext:
    """Lambda's context for an invocation that began when this was made."""

    clock: LocalClock
    timeout: float
    _end: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._end = self.clock.seconds + self.timeout

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda's."""
        return max(0, int((self._end - self.clock.seconds) * 1_000))


@dataclass
class Faults:
    """Troubles to inject, each by its probability a call (``throttle``, ``s3``) or a record (``refuse``), seeded."""

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
class LocalS3:
    """A bucket as a folder. ``written`` and ``unchanged`` are the keys put so far, new and as they were already.

    ``changes/_revision`` is replaced before and after objects are written into days that are past: a reader in
    between takes the history for changed either way.
    """

    folder: Path
    faults: Faults = field(default_factory=Faults)
    written: set[str] = field(default_factory=set)
    unchanged: set[str] = field(default_factory=set)
    _revision: Revision = field(init=False, repr=False)

    def __post_init__(self) -> None:
        there = (path.relative_to(self.folder / "changes").as_posix() for path in self.folder.glob("changes/*/*/*"))
        self._revision = Revision(lambda key, data: write_whole(self.folder / key, data), max(there, default=""))

    @property
    def touched(self) -> set[str]:
        """All keys put so far."""
        return self.written | self.unchanged

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        """As boto3's client; the bucket is the folder, whatever its name."""
        if self.faults.strikes(self.faults.s3):
            raise client_error("SlowDown", 503, f"Please reduce your request rate ({Bucket}).", "PutObject")
        self.put(Key, Body)
        return {"ETag": f'"{hashlib.md5(Body, usedforsecurity=False).hexdigest()}"'}

    def put(self, key: str, data: bytes) -> None:
        """Write an object whole or not at all; one that is the same already stays as it is."""
        path = self.folder / key
        if path.is_file() and path.read_bytes() == data:
            self.unchanged.add(key)
            return
        self._revision.begin(key)
        write_whole(path, data)
        self.written.add(key)

    def close(self) -> None:
        """Say, where days of the past were written into, that this is done."""
        self._revision.end()


@dataclass
class LocalFirehose:
    """A delivery stream into ``changes/`` of a bucket: buffers by size and time as the hints say."""

    s3: LocalS3
    clock: LocalClock
    stream: str = "replay"
    buffer_bytes: int = 5 << 20
    buffer_seconds: float = 300
    faults: Faults = field(default_factory=Faults)
    _buffer: list[bytes] = field(default_factory=list, repr=False)
    _size: int = 0
    _oldest: float = 0.0

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Mapping[str, bytes]]) -> dict[str, Any]:
        """As boto3's client: raises its errors, answers in its shape, refuses what AWS refuses."""
        if DeliveryStreamName != self.stream:
            raise client_error("ResourceNotFoundException", 400, f"Firehose {DeliveryStreamName} not found", _PUT)
        _check_limits([len(record["Data"]) for record in Records])
        if self.faults.strikes(self.faults.throttle):
            raise client_error("ServiceUnavailableException", 503, "Slow down.", _PUT)
        responses = [self._take(record["Data"]) for record in Records]
        failed = sum("ErrorCode" in response for response in responses)
        return {"FailedPutCount": failed, "Encrypted": False, "RequestResponses": responses}

    def flush(self) -> None:
        """Write what is buffered as one object. Its name has a hash of the content: the same again, the same name."""
        if not self._buffer:
            return
        data = b"".join(self._buffer)
        arrived = datetime.fromtimestamp(self._oldest, UTC)
        name = f"{self.stream}-1-{arrived:%Y-%m-%d-%H-%M-%S}-{hashed_uuid(data)}.gz"
        self.s3.put(f"changes/{arrived:%Y/%m/%d}/{name}", gzip.compress(data, compresslevel=6, mtime=0))
        self._buffer, self._size = [], 0

    def _take(self, data: bytes) -> dict[str, str]:
        if self.faults.strikes(self.faults.refuse):
            return {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        now = self.clock.seconds
        if self._buffer and abs(now - self._oldest) >= self.buffer_seconds:
            self.flush()
        self._oldest = min(self._oldest, now) if self._buffer else now
        self._buffer.append(data)
        self._size += len(data)
        if self._size >= self.buffer_bytes:
            self.flush()
        return {"RecordId": hashlib.sha256(data).hexdigest()}


def hashed_uuid(data: bytes) -> uuid.UUID:
    """A UUID made of the content."""
    return uuid.UUID(bytes=hashlib.sha256(data).digest()[:16], version=4)


def client_error(code: str, status: int, message: str, operation: str) -> ClientError:
    """An error as boto3 raises it."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
    )


_PUT: Final = "PutRecordBatch"


def _check_limits(sizes: list[int]) -> None:
    if not 0 < len(sizes) <= MAX_RECORDS:
        message = f"{len(sizes)} records: Member must have length between 1 and {MAX_RECORDS}"
        raise client_error("ValidationException", 400, message, _PUT)
    if max(sizes) > MAX_RECORD_BYTES:
        message = f"a record of {max(sizes)} bytes: Member must have length less than or equal to {MAX_RECORD_BYTES}"
        raise client_error("ValidationException", 400, message, _PUT)
    if sum(sizes) > MAX_CALL_BYTES:
        raise client_error("InvalidArgumentException", 400, f"{sum(sizes)} bytes: over the limit of 4 MiB", _PUT)
