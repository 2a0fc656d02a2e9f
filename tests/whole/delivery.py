"""Firehose into moto's S3, and what can go wrong there: throttling, partial failure, S3 refusing, a death in mid-call.

moto's own Firehose writes at once, uncompressed, under the literal prefix, and never fails; ``pipeline.replay.local``
keeps AWS's limits, buffers and names, and here writes to S3 through boto3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.replay.local import LocalClock, LocalFirehose, client_error

#: How long Firehose keeps what S3 refuses; then it is gone (Amazon Data Firehose developer guide, "Amazon S3").
KEPT: Final = 24 * 3_600
_TIME: Final = re.compile(r"-1-(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)-")


class Killed(Exception):
    """The function was ended from outside, as by its timeout."""


@dataclass
class Waiting:
    """An object on its way to S3; its oldest record arrived at ``since`` (epoch s)."""

    since: float
    key: str
    data: bytes


@dataclass
class Landing:
    """What Firehose writes through. While it is ``refusing`` objects wait; ``lost`` are those that waited too long.

    ``repeats``: each object is delivered once more under another name, which Firehose may do.
    """

    s3: Any
    bucket: str
    prefix: str
    clock: LocalClock
    refusing: bool = False
    repeats: bool = False
    waiting: list[Waiting] = field(default_factory=list)
    lost: list[Waiting] = field(default_factory=list)

    def put(self, key: str, data: bytes) -> None:
        """As :meth:`pipeline.replay.local.LocalS3.put`; never fails, since Firehose tries again."""
        (arrived,) = _TIME.findall(key)
        since = datetime.strptime(arrived, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=UTC).timestamp()
        self.waiting.append(Waiting(since, key, data))
        self.go_on()

    def go_on(self) -> None:
        """Try to deliver what waits."""
        self.lost += [one for one in self.waiting if self.clock.seconds - one.since > KEPT]
        self.waiting = [one for one in self.waiting if one not in self.lost]
        while self.waiting and not self.refusing:
            one = self.waiting.pop(0)
            names = [one.key, one.key.replace("-1-", "-2-", 1)] if self.repeats else [one.key]
            for name in names:
                self.s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=one.data)


@dataclass
class Delivery(LocalFirehose):
    """The delivery stream. ``dies``: at which of the next calls (1: the next one) the caller is killed, just after its
    records were taken. ``overload``: how many of the next calls are throttled, ``partial`` how many take but each
    second record. ``came``: when (epoch s) how many records were taken."""

    dies: int = 0
    overload: int = 0
    partial: int = 0
    calls: int = 0
    came: list[tuple[float, int]] = field(default_factory=list)

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[Mapping[str, bytes]]) -> dict[str, Any]:
        """As boto3's client."""
        self.calls += 1
        if self.overload:
            self.overload -= 1
            raise client_error("ServiceUnavailableException", 503, "Slow down.", "PutRecordBatch")
        answer = self._in_part(DeliveryStreamName, Records) if self.partial else None
        answer = answer or super().put_record_batch(DeliveryStreamName=DeliveryStreamName, Records=Records)
        self.came.append((self.clock.seconds, len(Records) - answer["FailedPutCount"]))
        if self.dies:
            self.dies -= 1
            if not self.dies:
                raise Killed
        return answer

    def tick(self) -> None:
        """Let time have passed: write what has been buffered long enough, try again what waits."""
        if self._buffer and self.clock.seconds - self._oldest >= self.buffer_seconds:
            self.flush()
        self.s3.go_on()

    @property
    def freshness(self) -> float:
        """Seconds since the arrival of the oldest record that is not in S3; 0 where all are."""
        arrived = [one.since for one in self.s3.waiting] + ([self._oldest] if self._buffer else [])
        return max(0.0, self.clock.seconds - min(arrived)) if arrived else 0.0

    def _in_part(self, name: str, records: Sequence[Mapping[str, bytes]]) -> dict[str, Any]:
        """Refuse the first record and each second one after it: the answer is 200 all the same."""
        self.partial -= 1
        taken = records[1::2]
        said = super().put_record_batch(DeliveryStreamName=name, Records=taken)["RequestResponses"] if taken else []
        refused = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        responses = [refused if place % 2 == 0 else said[place // 2] for place in range(len(records))]
        return {"FailedPutCount": len(records[::2]), "Encrypted": False, "RequestResponses": responses}


@dataclass
class OwnS3:
    """The S3 client of the recorder; ``refusals`` is how many of its next puts S3 answers with SlowDown."""

    s3: Any
    refusals: int = 0

    def put_object(self, **asked: Any) -> Any:
        """As boto3's client."""
        if self.refusals:
            self.refusals -= 1
            raise client_error("SlowDown", 503, "Please reduce your request rate.", "PutObject")
        return self.s3.put_object(**asked)
