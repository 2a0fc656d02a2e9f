"""The table's stream: moto's, read by real calls, as AWS would give it to Lambda.

What is mended of moto's records: an UpdateItem that makes an item gives two INSERTs, the first of the bare key (AWS
gives one); a write that changes nothing gives a MODIFY (AWS gives none); ``awsRegion`` is always us-east-1;
``eventSourceARN`` is missing; times have fractions (AWS floors them to the second); sequence numbers are consecutive
and of one length (AWS's are neither, 21 to 40 digits); there is but one shard; of a disabled stream nothing can be read
any more (AWS keeps it for 24 h), so read before disabling.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import boto3

from pipeline.replay.local import LocalClock
from tests.whole.app import item_of

Record = dict[str, Any]

RETENTION: Final = 24 * 3_600
_HASHES: Final = 1 << 32


@dataclass
class Shard:
    """The records of the keys whose hash lies in [low, high), after those of its parent; closed by a split."""

    id: str
    low: int
    high: int
    parent: str | None = None
    closed: bool = False
    records: list[Record] = field(default_factory=list)


@dataclass
class Stream:
    """One stream with its shards; it begins with two."""

    arn: str
    clock: LocalClock
    shards: list[Shard] = field(default_factory=list)
    _read: int = 0
    _given: int = 0

    def __post_init__(self) -> None:
        self._client = boto3.client("dynamodbstreams")
        self._add(0, _HASHES // 2)
        self._add(_HASHES // 2, _HASHES)

    def pull(self) -> None:
        """Take over what moto's stream has got since."""
        for record in _true_changes(self._new()):
            self.put(self._as_lambda_sends(record))

    def put(self, record: Record) -> None:
        """Append a record to the shard of its key."""
        place = zlib.crc32(json.dumps(record["dynamodb"]["Keys"], sort_keys=True).encode())
        next(one for one in self.shards if not one.closed and one.low <= place < one.high).records.append(record)

    def split(self, shard: Shard) -> tuple[Shard, Shard]:
        """Close a shard; its keys go on in two others."""
        shard.closed = True
        middle = (shard.low + shard.high) // 2
        return self._add(shard.low, middle, shard.id), self._add(middle, shard.high, shard.id)

    def next_number(self) -> str:
        """A sequence number after all others: 21 digits at first, later up to 40, never consecutive."""
        self._given += 1
        return str(10 ** (20 + min(self._given // 5, 19)) + self._given * 137)

    def _add(self, low: int, high: int, parent: str | None = None) -> Shard:
        self.shards.append(Shard(f"shardId-{len(self.shards):020}-{low:08x}", low, high, parent))
        return self.shards[-1]

    def _new(self) -> Iterator[Record]:
        (shard,) = self._client.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        start = int(shard["SequenceNumberRange"]["StartingSequenceNumber"]) + self._read
        iterator = self._client.get_shard_iterator(
            StreamArn=self.arn,
            ShardId=shard["ShardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=str(start),
        )["ShardIterator"]
        while True:
            answer = self._client.get_records(ShardIterator=iterator)
            if not answer["Records"]:
                return
            self._read += len(answer["Records"])
            iterator = answer["NextShardIterator"]
            yield from answer["Records"]

    def _as_lambda_sends(self, record: Record) -> Record:
        change = _base64(record["dynamodb"])
        change["ApproximateCreationDateTime"] = float(
            int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())
        )
        change["SequenceNumber"] = self.next_number()
        return {
            **record,
            "eventVersion": "1.1",
            "awsRegion": self.arn.split(":")[3],
            "dynamodb": change,
            "eventSourceARN": self.arn,
        }


def _true_changes(records: Iterator[Record]) -> Iterator[Record]:
    """Without the records that DynamoDB would not have written."""
    held: Record | None = None  # an INSERT of a bare key, which another INSERT of that key may replace
    for record in records:
        change = record["dynamodb"]
        twice = held is not None and record["eventName"] == "INSERT" and held["dynamodb"]["Keys"] == change["Keys"]
        if held is not None and not twice:
            yield held
        held = None
        if record["eventName"] == "INSERT" and change["NewImage"] == change["Keys"]:
            held = record
        elif record["eventName"] != "MODIFY" or item_of(change["NewImage"]) != item_of(change["OldImage"]):
            yield record
    if held is not None:
        yield held


def _base64(value: Any) -> Any:
    """Binary as the text that Lambda's JSON has: boto3 decoded it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _base64(member) for name, member in value.items()}
    return [_base64(member) for member in value] if isinstance(value, list) else value


def second_of(record: Record) -> float:
    """A record's time (epoch s)."""
    return float(record["dynamodb"]["ApproximateCreationDateTime"])
