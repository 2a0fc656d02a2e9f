"""The application: a shop's orders, written with boto3; after each write it reads, and notes what is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]

_read = TypeDeserializer().deserialize
_write = TypeSerializer().serialize


class Key(NamedTuple):
    """Partition and sort key of an order."""

    customer: str
    number: Decimal


@dataclass(frozen=True)
class Seen:
    """In ``second`` (epoch s) the item was so (None: it was not there), and before that ``before``."""

    second: int
    key: Key
    item: Item | None
    before: Item | None

    @property
    def changed(self) -> bool:
        """Whether the write changed anything: DynamoDB tells its stream of no other."""
        return self.item != self.before


@dataclass
class App:
    """The table and, in ``seen``, all that was seen of it, in order. ``sleep`` moves the clock on."""

    table: str
    sleep: Any
    seen: list[Seen] = field(default_factory=list)
    _now: dict[Key, Item | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dynamodb = boto3.client("dynamodb")

    def create(self) -> None:
        """Make the table, without a stream."""
        self.dynamodb.create_table(
            TableName=self.table,
            KeySchema=[
                {"AttributeName": "customer", "KeyType": "HASH"},
                {"AttributeName": "number", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "customer", "AttributeType": "S"},
                {"AttributeName": "number", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def put(self, key: Key, **attributes: Any) -> None:
        """PutItem."""
        with_key = _attributes({**key._asdict(), **attributes})
        self._note([key], lambda: self.dynamodb.put_item(TableName=self.table, Item=with_key))

    def update(self, key: Key, **attributes: Any) -> None:
        """UpdateItem: sets attributes; makes the item where there is none."""
        asked = {
            "TableName": self.table,
            "Key": _attributes(key._asdict()),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": {f":{name}": _write(value) for name, value in attributes.items()},
        }
        self._note([key], lambda: self.dynamodb.update_item(**asked))

    def delete(self, key: Key) -> None:
        """DeleteItem."""
        asked = _attributes(key._asdict())
        self._note([key], lambda: self.dynamodb.delete_item(TableName=self.table, Key=asked))

    def transact(self, puts: Mapping[Key, Item], deletes: list[Key]) -> None:
        """TransactWriteItems."""
        items = [
            {"Put": {"TableName": self.table, "Item": _attributes({**key._asdict(), **item})}}
            for key, item in puts.items()
        ]
        items += [{"Delete": {"TableName": self.table, "Key": _attributes(key._asdict())}} for key in deletes]
        self._note([*puts, *deletes], lambda: self.dynamodb.transact_write_items(TransactItems=items))

    def read(self, key: Key) -> Item | None:
        """What is there now."""
        asked = _attributes(key._asdict())
        found = self.dynamodb.get_item(TableName=self.table, Key=asked, ConsistentRead=True)
        return {name: plain(_read(value)) for name, value in found["Item"].items()} if "Item" in found else None

    def changes(self, since: float = 0) -> list[Seen]:
        """The writes, from a time on (epoch s), that changed something."""
        return [one for one in self.seen if one.changed and one.second >= int(since)]

    def state_at(self, key: Key, second: int) -> Item | None:
        """What was seen of an item at the end of a second."""
        past = [one.item for one in self.seen if one.key == key and one.second <= second]
        return past[-1] if past else None

    def _note(self, keys: list[Key], write: Any) -> None:
        if time.time() % 1 > 0.5:  # the write is to be stamped with the second that is noted
            self.sleep(1 - time.time() % 1)
        second = int(time.time())
        write()
        stamps = self._stamps() if int(time.time()) != second else {}
        for key in keys:
            item = self.read(key)
            self.seen.append(Seen(stamps.get(key, second), key, item, self._now.get(key)))
            self._now[key] = item

    def _stamps(self) -> dict[Key, int]:
        """The second of each item's newest change, as the stream has it: asked where a write took its time."""
        streams = boto3.client("dynamodbstreams")
        found: dict[Key, int] = {}
        arn = self.dynamodb.describe_table(TableName=self.table)["Table"].get("LatestStreamArn")
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"] if arn else ():
            asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = streams.get_shard_iterator(**asked)["ShardIterator"]
            while iterator and (answer := streams.get_records(ShardIterator=iterator))["Records"]:
                for record in (one["dynamodb"] for one in answer["Records"]):
                    key = Key(**{name: plain(_read(value)) for name, value in record["Keys"].items()})
                    found[key] = int(record["ApproximateCreationDateTime"].timestamp())
                iterator = answer.get("NextShardIterator")
        return found


def plain(value: Any) -> Any:
    """Binary values as bytes: boto3 wraps them."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, set):
        return {plain(member) for member in value}
    return value.value if hasattr(value, "value") else value


def _attributes(item: Mapping[str, Any]) -> Item:
    return {name: _write(value) for name, value in item.items()}
