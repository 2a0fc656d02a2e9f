"""A tiny simulated DynamoDB table: every write that changes something emits a stream record.

The records are shaped as Lambda delivers them (AWS Lambda developer guide, "Using AWS Lambda with Amazon
DynamoDB"): stamps floored to the second, sequence numbers that grow in length and skip, ``SizeBytes`` by
DynamoDB's own rules. A write that changes nothing makes no record, as in DynamoDB.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from histlib.samples.dice import Dice

Attribute = dict[str, Any]
Image = dict[str, Attribute]
Key = tuple[str, ...]
Record = dict[str, Any]
Event = dict[str, Any]

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
VIEW: Final = "NEW_AND_OLD_IMAGES"
TTL_IDENTITY: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
FIRST_SEQUENCE: Final = 271_300_000_000_000_104_729


def micros_of(text: str) -> int:
    """Epoch microseconds of an ISO text, taken as UTC where it names no offset."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return int(moment.timestamp()) * SECOND + moment.microsecond


def iso(micros: int) -> str:
    """ISO text in UTC of epoch microseconds, to the second."""
    return datetime.fromtimestamp(micros // SECOND, UTC).isoformat()[:19] + "Z"


@dataclass(frozen=True, slots=True)
class Change:
    """One change as it truly happened: the true time in epoch µs, and the stream record it made."""

    micros: int
    record: Record

    @property
    def keys(self) -> Image:
        """The key's attributes in DynamoDB JSON."""
        keys: Image = self.record["dynamodb"]["Keys"]
        return keys

    @property
    def image(self) -> Image | None:
        """The item after the change in DynamoDB JSON, None when it was removed."""
        image: Image | None = self.record["dynamodb"].get("NewImage")
        return image


class Table:
    """A table with a stream. Writes must come in the order of their times; ``changes`` holds what they made.

    Args:
        arn: the table's ARN; the Region is taken from it.
        label: the stream's label, the time it was enabled.
        key_schema: as in DescribeTable.
        seed: of the sequence numbers.
        growth: each sequence number is about 1/growth larger than the one before it.
    """

    def __init__(
        self, arn: str, label: str, key_schema: Sequence[Mapping[str, str]], *, seed: int, growth: int
    ) -> None:
        self.stream = f"{arn}/stream/{label}"
        self.region = arn.split(":")[3]
        self.key_names = tuple(part["AttributeName"] for part in key_schema)
        self.items: dict[Key, Image] = {}
        self.before: list[Image] = []
        self.changes: list[Change] = []
        self._sizes: dict[Key, int] = {}
        self._last: dict[Key, int] = {}
        self._dice = Dice(seed)
        self._sequence = FIRST_SEQUENCE
        self._growth = growth

    def load(self, item: Image) -> None:
        """Put an item that was in the table before the capture began: it makes no record."""
        key = self._key(item)
        self.items[key], self._sizes[key] = item, image_size(item)
        self.before.append(item)

    def put(self, micros: int, item: Image) -> None:
        """PutItem: the whole item, new or in place of the old one."""
        self._write(micros, self._key(item), item, image_size(item))

    def update(self, micros: int, key: Key, values: Image, remove: Sequence[str] = ()) -> None:
        """UpdateItem of an item that is there: attributes set and removed."""
        old = self.items[key]
        new = old | values
        for name in remove:
            new.pop(name, None)
        touched = [*values, *remove]
        size = self._sizes[key] + _names_size(new, touched) - _names_size(old, touched)
        self._write(micros, key, new, size)

    def delete(self, micros: int, key: Key, *, ttl: bool = False) -> None:
        """DeleteItem, or the deletion by DynamoDB of an expired item."""
        self._write(micros, key, None, 0, ttl)

    def changed_in_second(self, key: Key, micros: int) -> bool:
        """Whether the item's last change lies in the same second as this time."""
        return self._last.get(key, -1) == micros // SECOND

    def _key(self, item: Image) -> Key:
        return tuple(next(iter(item[name].values())) for name in self.key_names)

    def _write(self, micros: int, key: Key, new: Image | None, size: int, ttl: bool = False) -> None:
        """The one way in: put, replace (``new``) or remove (None) an item, and emit the record of it."""
        old, old_size = self.items.pop(key, None), self._sizes.pop(key, 0)
        if new is not None:
            self.items[key], self._sizes[key] = new, size
        if new == old:
            return
        image = new or old or {}
        keys = {name: image[name] for name in self.key_names}
        record = self._record(micros, keys, old, new, old_size + size + image_size(keys))
        if ttl:
            record["userIdentity"] = dict(TTL_IDENTITY)
        self._last[key] = micros // SECOND
        self.changes.append(Change(micros, record))

    def _record(self, micros: int, keys: Image, old: Image | None, new: Image | None, size: int) -> Record:
        sequence = self._next_sequence()
        change: dict[str, Any] = {"ApproximateCreationDateTime": float(micros // SECOND), "Keys": keys}
        if new is not None:
            change["NewImage"] = new
        if old is not None:
            change["OldImage"] = old
        change["SequenceNumber"] = sequence
        change["SizeBytes"] = size
        change["StreamViewType"] = VIEW
        return {
            "eventID": blake2b(f"{self.stream}/{sequence}".encode(), digest_size=16).hexdigest(),
            "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": change,
            "eventSourceARN": self.stream,
        }

    def _next_sequence(self) -> str:
        self._sequence += self._sequence // self._growth + self._dice.below(1_000_000) + 1
        return str(self._sequence)


# --- sizes, by DynamoDB's rules ("DynamoDB item sizes and formats") ---


def image_size(image: Image) -> int:
    """Bytes of an item or key: names in UTF-8 and values."""
    return _names_size(image, image)


def _names_size(image: Image, names: Iterable[str]) -> int:
    size = 0
    for name in names:
        if name in image:
            size += len(name.encode()) + value_size(image[name])
    return size


def value_size(attribute: Attribute) -> int:
    """Bytes of one value in DynamoDB JSON."""
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return _number_size(value)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "B":
        return len(base64.b64decode(value))
    if kind == "M":
        return 3 + len(value) + image_size(value)
    if kind == "L":
        return 3 + len(value) + sum(map(value_size, value))
    return sum(value_size({kind[0]: member}) for member in value)


def _number_size(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


# --- delivery ---


@dataclass(frozen=True, slots=True)
class Late:
    """Batches whose first change is stamped in [start, end) only arrived from ``resumed`` on (epoch µs)."""

    start: int
    end: int
    resumed: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """How Lambda delivered the stream: batches of at most ``limit`` changes within ``window`` µs of the first.

    ``lost`` and ``repeated`` hold true times of changes: those that never were delivered, and those whose whole
    batch was delivered twice.
    """

    window: int
    limit: int = 100
    lost: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    late: Late | None = None


def deliver(changes: Sequence[Change], how: Delivery) -> Iterator[Event]:
    """Lambda's events in the order of their delivery."""
    delayed = 0
    for batch in _batches(changes, how):
        event: Event = {"Records": [change.record for change in batch if change.micros not in how.lost]}
        if how.late and how.late.start <= batch[0].micros < how.late.end:
            event["arrival"] = iso(how.late.resumed + delayed * SECOND)
            delayed += 1
        if not event["Records"]:
            continue
        yield event
        if any(change.micros in how.repeated for change in batch):
            yield {"Records": list(event["Records"])}


def _batches(changes: Sequence[Change], how: Delivery) -> Iterator[list[Change]]:
    batch: list[Change] = []
    for change in changes:
        if batch and (len(batch) == how.limit or change.micros - batch[0].micros > how.window):
            yield batch
            batch = []
        batch.append(change)
    if batch:
        yield batch
