"""An item of the table → a BASELINE row of the landing (format 1)."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json.encoder import encode_basestring as quote
from typing import Any, NamedTuple

from ..recorder.images import Image, encode_image
from ..recorder.redact import Redaction

#: Before a baseline's id, where its rows name their stream.
STREAM_PREFIX = "baseline:"
_SECOND = 1_000_000


class Window(NamedTuple):
    """When a page was read, epoch µs: its items were so at some instant in [``begin``, ``end``]."""

    begin: int
    end: int


@dataclass(frozen=True)
class RowMaker:
    """Makes the rows of one baseline of one table; ``keys`` are the names of the key's attributes."""

    id: str
    table: str
    keys: tuple[str, ...]
    redaction: Redaction

    def row(self, item: Image, window: Window) -> bytes:
        """The line of an item in DynamoDB JSON, binary as base64 text; with its newline.

        Raises:
            NotConvertibleError: no item as DynamoDB has them; so do the others of ``images.MALFORMED``.
        """
        key = encode_image({name: item[name] for name in self.keys})
        stream = f"{STREAM_PREFIX}{self.id}"
        digest = hashlib.blake2b(f"{stream} {key}".encode(), digest_size=12).hexdigest()
        kept = self.redaction.apply(item, self.keys) if self.redaction.id else item
        seconds = window.begin // _SECOND
        return (
            f'{{"format":1,"event_id":"{stream}:{digest}","table":{quote(self.table)},"stream":"{stream}"'
            f',"view":"NEW_IMAGE","action":"BASELINE","keys":{quote(key)},"new_image":{quote(encode_image(kept))}'
            f',"old_image":null,"timestamp":{seconds}'
            f',"timestamp_utc":"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"'
            f',"timestamp_micros":{window.begin},"precision":"us","sequence_number":null,"actor":null'
            f',"redaction":{quote(self.redaction.id) if self.redaction.id else "null"},"size_bytes":null'
            f',"read_begin":{window.begin},"read_end":{window.end}}}\n'
        ).encode()


def as_text(value: Any) -> Any:
    """An item, or a part of it, as boto3 gives it, with binary as base64 text: DynamoDB's own JSON."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {name: as_text(member) for name, member in value.items()}
    return [as_text(member) for member in value] if isinstance(value, list) else value


def key_from_text(key: Image) -> dict[str, Any]:
    """A key in DynamoDB's own JSON as boto3 takes it."""
    return {name: {"B": b64decode(one["B"])} if "B" in one else dict(one) for name, one in key.items()}


def key_names(schema: Collection[dict[str, str]]) -> tuple[str, ...]:
    """The names of a key's attributes, partition key first."""
    return tuple(one["AttributeName"] for one in sorted(schema, key=lambda one: one["KeyType"] != "HASH"))


def window_of(answer: dict[str, Any], before: float, after: float) -> Window:
    """When DynamoDB read what it answers, by the clock of AWS, which stamps the changes as well.

    The answer's ``Date`` is in whole seconds; ``before`` and ``after`` (epoch seconds here) tell how long the call
    took, and when it was where there is no such header.
    """
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if told is None:
        return Window(int(before * _SECOND), int(after * _SECOND) + 1)
    date = parsedate_to_datetime(told).timestamp()
    return Window(int((date - max(0.0, after - before)) * _SECOND), int((date + 1) * _SECOND))
