"""A table and a bucket in moto for the tests of baselines, clients that die or let others in, and what is read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

import histlib
from histlib.values.image_json import item_to_dynamodb
from pipeline.functions.baseline.step import Clients, Settings
from pipeline.replay.local import LocalClock

REGION = "eu-west-1"
BUCKET = "the-history"
PREFIX = "of/things/"
TABLE = "things"
ID_KEY = (("id", "S", "HASH"),)


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Dynamo:
    """moto's DynamoDB with the TableId that it lacks; ``before_scan`` is called with the number of each call."""

    client: Any
    before_scan: Callable[[int], None] = lambda number: None
    scans: list[dict[str, Any]] = field(default_factory=list)
    units: float | None = None

    def describe_table(self, **asked: Any) -> dict[str, Any]:
        answer = self.client.describe_table(**asked)
        table = answer["Table"]
        table["TableId"] = f"id-of-{table['TableArn']}-{table['CreationDateTime'].timestamp()}"
        return answer

    def scan(self, **asked: Any) -> dict[str, Any]:
        self.before_scan(len(self.scans))
        self.scans.append(asked)
        answer = self.client.scan(**asked)
        if self.units is not None:
            answer["ConsumedCapacity"]["CapacityUnits"] = self.units
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


class OfPages:
    """Scans pages of so many items."""

    def __init__(self, dynamo: Dynamo, items: int) -> None:
        self._dynamo = dynamo
        self._items = items

    def scan(self, **asked: Any) -> dict[str, Any]:
        return self._dynamo.scan(**asked | {"Limit": self._items})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamo, name)


@dataclass
class MortalS3:
    """An S3 client whose process dies at its put number ``dies_at``: before it, or after it is done."""

    client: Any
    dies_at: int = -1
    after: bool = True
    puts: list[str] = field(default_factory=list)

    def put_object(self, **asked: Any) -> dict[str, Any]:
        number = len(self.puts)
        self.puts.append(asked["Key"])
        if 0 <= self.dies_at < number or (number == self.dies_at and not self.after):
            raise Killed
        answer = self.client.put_object(**asked)
        if number == self.dies_at:
            raise Killed
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


@dataclass
class World:
    """The table, the bucket and a clock that moves only when somebody sleeps."""

    dynamo: Dynamo
    s3: Any
    clock: LocalClock = field(default_factory=lambda: LocalClock(time.time()))

    def put(self, *items: dict[str, Any]) -> None:
        for item in items:
            self.dynamo.client.put_item(TableName=TABLE, Item=native(item))

    def delete(self, item: str) -> None:
        self.dynamo.client.delete_item(TableName=TABLE, Key={"id": {"S": item}})

    def make_table(self, key: tuple[tuple[str, str, str], ...] = ID_KEY) -> None:
        self.dynamo.client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, _, kind in key],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": type_} for name, type_, _ in key],
            BillingMode="PAY_PER_REQUEST",
        )

    def empty(self) -> None:
        """As at the beginning."""
        for key in self.objects():
            self.s3.delete_object(Bucket=BUCKET, Key=key)
        self.dynamo.client.delete_table(TableName=TABLE)
        self.make_table()
        self.dynamo.scans.clear()

    def clients(self, s3: Any = None, dynamo: Any = None) -> Clients:
        return Clients(dynamo or self.dynamo, s3 or self.s3, lambda: self.clock.seconds, self.clock.sleep)

    def objects(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def body(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def history(self, folder: Path) -> histlib.History:
        """The history as it is now, copied into a folder."""
        for key in self.objects():
            path = folder / key.removeprefix(PREFIX)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.body(key))
        return histlib.connect(str(folder))


@contextmanager
def world(key: tuple[tuple[str, str, str], ...] = ID_KEY) -> Iterator[World]:
    """An empty table with this key (name, type, kind), and an empty bucket."""
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name=REGION)
        made = World(Dynamo(session.client("dynamodb")), session.client("s3"))
        made.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.make_table(key)
        yield made


def native(item: dict[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB's JSON as boto3 takes it."""
    return _native(item_to_dynamodb(item))


def _native(value: Any) -> Any:
    from base64 import b64decode

    if isinstance(value, list):
        return [_native(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: b64decode(one)
        if name == "B" and isinstance(one, str)
        else [b64decode(part) for part in one]
        if name == "BS" and isinstance(one, list)
        else _native(one)
        for name, one in value.items()
    }


def settings(**fields: Any) -> Settings:
    """Of the world's table, with few segments."""
    return Settings(TABLE, BUCKET, PREFIX, **({"read_units": 1.0, "segments": 2} | fields))
