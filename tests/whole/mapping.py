"""Lambda's event source mapping: reads a stream's shards and calls the function, by AWS's rules.

Sources: AWS Lambda developer guide, "Using Lambda with DynamoDB" (batching, shards in order of descent, order kept for
each item), "Reporting batch item failures" (the lowest identifier is the checkpoint; an empty or unknown one fails the
batch), "BisectBatchOnFunctionError" (splitting uses up no retries), "Retaining discarded batches" (the object in S3).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.replay.local import LocalClock
from tests.whole.stream import RETENTION, Record, Shard, Stream, second_of

PAYLOAD_BYTES: Final = 6 << 20


@dataclass
class Batch:
    """Records to send, and how often that was tried."""

    records: list[Record]
    attempts: int = 0


@dataclass
class Mapping:
    """One mapping. ``retries`` and ``max_age`` (s) bound what is tried; ``set_aside`` puts one object in S3.

    ``ages`` are the values (s) of IteratorAge: for each call the age of the *last* record in it; ``failed`` is
    FailedInvokeEventCount: the records of calls that broke, or gave some of them back.
    """

    stream: Stream
    clock: LocalClock
    invoke: Callable[[dict[str, Any]], Any]
    set_aside: Callable[[str, bytes], Any]
    batch_size: int = 1_000
    retries: int = 3
    max_age: int = RETENTION
    enabled: bool = True
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    discarded: list[str] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    failed: int = 0
    _begun: dict[str, list[Batch]] = field(default_factory=dict)
    _read: dict[str, int] = field(default_factory=dict)

    def poll(self) -> None:
        """Go on with each shard until all of it is done, or an invocation fails: what failed is tried at the next."""
        for shard in list(self.stream.shards) if self.enabled else ():
            while self._ready(shard) and (batch := self._next(shard)):
                if not self._run(shard, batch):
                    break

    @property
    def iterator_age(self) -> float:
        """Seconds since the oldest record that is not done; 0 where all are."""
        waiting = [second_of(record) for shard in self.stream.shards for record in self._left(shard)]
        return max(0.0, self.clock.seconds - min(waiting)) if waiting else 0.0

    def _left(self, shard: Shard) -> list[Record]:
        begun = [record for batch in self._begun.get(shard.id, ()) for record in batch.records]
        return begun + shard.records[self._read.get(shard.id, 0) :]

    def _ready(self, shard: Shard) -> bool:
        """A shard is read when that of which it was split is done."""
        parents = [one for one in self.stream.shards if one.id == shard.parent]
        return not any(self._left(parent) for parent in parents)

    def _next(self, shard: Shard) -> Batch | None:
        begun = self._begun.setdefault(shard.id, [])
        if begun:
            return begun.pop(0)
        first = self._read.get(shard.id, 0)
        while first < len(shard.records) and self._trimmed(shard.records[first]):
            first += 1
        records = _fitting(shard.records[first : first + self.batch_size])
        self._read[shard.id] = first + len(records)
        return Batch(records) if records else None

    def _trimmed(self, record: Record) -> bool:
        """Whether the stream has dropped it, unread: then it is lost."""
        return self.clock.seconds - second_of(record) > RETENTION

    def _run(self, shard: Shard, batch: Batch) -> bool:
        """Whether the shard may go on."""
        expired = [one for one in batch.records if self.clock.seconds - second_of(one) > self.max_age]
        if expired:
            self._discard(shard, Batch(expired, batch.attempts), "RecordAgeExceeded")
            batch.records = batch.records[len(expired) :]
            if not batch.records:
                return True
        records = batch.records
        done, broke = self._ask(records)
        if done == len(records):
            return True
        self.failed += len(records)
        if not broke:
            again = [Batch(records[done:], batch.attempts + 1)]
        elif len(records) > 1:
            middle = len(records) // 2
            again = [Batch(records[:middle], batch.attempts), Batch(records[middle:], batch.attempts)]
        else:
            again = [Batch(records, batch.attempts + 1)]
        if again[0].attempts > self.retries:
            self._discard(shard, again[0], "RetryAttemptsExhausted")
            return True
        self._begun[shard.id][:0] = again
        return False

    def _ask(self, records: list[Record]) -> tuple[int, bool]:
        """How many records from the first on are done, and whether the function broke or failed the whole batch."""
        self.ages.append(self.clock.seconds - second_of(records[-1]))
        try:
            answer = self.invoke(json.loads(json.dumps({"Records": records})))
        except Exception:  # noqa: BLE001 — Lambda takes whatever ends a function for its error
            return 0, True
        numbers = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
        places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(records)}
        if not numbers:
            return len(records), False
        if not all(number in places for number in numbers):
            return 0, True
        return min(places[number] for number in numbers), False

    def _discard(self, shard: Shard, batch: Batch, condition: str) -> None:
        """The on-failure destination: the whole event in S3."""
        now = datetime.fromtimestamp(self.clock.seconds, UTC)
        key = f"aws/lambda/{self.uuid}/{shard.id}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        body = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:recorder",
                "condition": condition,
                "approximateInvokeCount": batch.attempts,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
            "version": "1.0",
            "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.000Z",
            "DDBStreamBatchInfo": {
                "shardId": shard.id,
                "startSequenceNumber": batch.records[0]["dynamodb"]["SequenceNumber"],
                "endSequenceNumber": batch.records[-1]["dynamodb"]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _text(second_of(batch.records[0])),
                "approximateArrivalOfLastRecord": _text(second_of(batch.records[-1])),
                "batchSize": len(batch.records),
                "streamArn": self.stream.arn,
            },
            "payload": json.dumps({"Records": batch.records}),
        }
        self.set_aside(key, json.dumps(body).encode())
        self.discarded.append(key)


def _fitting(records: list[Record]) -> list[Record]:
    """As many as an event takes."""
    size = 0
    for count, record in enumerate(records):
        size += len(json.dumps(record))
        if size > PAYLOAD_BYTES:
            return records[:count]
    return records


def _text(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
