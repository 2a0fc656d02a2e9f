"""The application: writes with boto3, and after each acknowledged write reads and notes what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from pipeline.replay.local import LocalClock

Item = dict[str, Any]

_read = TypeDeserializer().deserialize
_write = TypeSerializer().serialize


@dataclass(frozen=True)
class Seen:
    """At ``at`` (epoch s) the item was so (Python values; None: it was not there), before it was ``before``."""

    at: float
    key: str
    item: Item | None
    before: Item | None

    @property
    def second(self) -> int:
        """The second, as DynamoDB stamps it."""
        return int(self.at)

    @property
    def changed(self) -> bool:
        """Whether the write changed anything: DynamoDB tells its stream of no other."""
        return self.item != self.before


@dataclass
class App:
    """A table of the application, keyed by ``id``, and in ``seen`` all that it saw, in order."""

    clock: LocalClock
    table: str = "things"
    seen: list[Seen] = field(default_factory=list)
    _now: dict[str, Item | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dynamodb = boto3.client("dynamodb")
        self.dynamodb.meta.events.register("after-call.dynamodb", self._date)

    def create(self) -> str:
        """Make the table with its stream on; the stream's ARN. What an earlier table of that name held is gone."""
        self._now.clear()
        made = self.dynamodb.create_table(
            TableName=self.table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return str(made["TableDescription"]["LatestStreamArn"])

    def drop(self) -> None:
        """DeleteTable: all items are gone, of which the stream tells nothing."""
        self.dynamodb.delete_table(TableName=self.table)
        self.seen += [Seen(self.clock.seconds, key, None, item) for key, item in self._now.items()]

    def disable_stream(self) -> None:
        """Switch the table's stream off."""
        self.dynamodb.update_table(TableName=self.table, StreamSpecification={"StreamEnabled": False})

    def enable_stream(self) -> str:
        """Switch it on again: it is another one; its ARN."""
        asked = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        answer = self.dynamodb.update_table(TableName=self.table, StreamSpecification=asked)
        return str(answer["TableDescription"]["LatestStreamArn"])

    def put(self, key: str, **attributes: Any) -> None:
        """PutItem."""
        self.dynamodb.put_item(TableName=self.table, Item=_attributes({"id": key, **attributes}))
        self._note(key)

    def update(self, key: str, **attributes: Any) -> None:
        """UpdateItem: sets attributes; makes the item where there is none."""
        self.dynamodb.update_item(
            TableName=self.table,
            Key=_attributes({"id": key}),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            ExpressionAttributeValues={f":{name}": _write(value) for name, value in attributes.items()},
        )
        self._note(key)

    def delete(self, key: str) -> None:
        """DeleteItem."""
        self.dynamodb.delete_item(TableName=self.table, Key=_attributes({"id": key}))
        self._note(key)

    def read(self, key: str) -> Item | None:
        """What is there now."""
        found = self.dynamodb.get_item(TableName=self.table, Key=_attributes({"id": key}), ConsistentRead=True)
        return item_of(found["Item"]) if "Item" in found else None

    def changes(self) -> list[Seen]:
        """The writes that changed something."""
        return [one for one in self.seen if one.changed]

    def state_at(self, key: str, second: int) -> Item | None:
        """What the application saw of an item at the end of a second."""
        past = [one.item for one in self.seen if one.key == key and one.second <= second]
        return past[-1] if past else None

    def _date(self, parsed: dict[str, Any], **_: Any) -> None:
        """moto's server tells this machine's time in ``Date``, from which the baseline takes DynamoDB's."""
        parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = formatdate(self.clock.seconds, usegmt=True)

    def _note(self, key: str) -> None:
        item = self.read(key)
        self.seen.append(Seen(self.clock.seconds, key, item, self._now.get(key)))
        self._now[key] = item


def item_of(image: Mapping[str, Any]) -> Item:
    """An item as Python values, of DynamoDB's JSON."""
    return {name: _plain(_read(attribute)) for name, attribute in image.items()}


def _attributes(item: Item) -> dict[str, Any]:
    return {name: _write(value) for name, value in item.items()}


def _plain(value: Any) -> Any:
    """Binary values as bytes: boto3 wraps them."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, set):
        return {_plain(member) for member in value}
    return value.value if hasattr(value, "value") else value
