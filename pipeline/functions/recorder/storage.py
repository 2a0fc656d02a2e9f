"""What goes to S3 directly: lines too long for Firehose, and records that cannot be converted."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from .delivery import S3, Delivery
from .record import SEQUENCE_DIGITS, Line, Record, sequence_text
from .redact import Redaction


@dataclass(frozen=True)
class Storage:
    """The history's place in S3: bucket and prefix (empty, or ending in ``/``). ``clock`` gives epoch seconds."""

    s3: S3
    bucket: str
    prefix: str = ""
    clock: Callable[[], float] = time.time

    def put_line(self, line: Line, delivery: Delivery) -> bool:
        """A line as an object of its own in the landing's day of arrival; returns whether it is there."""
        day = time.strftime("%Y/%m/%d", time.gmtime(self.clock()))
        name = _named(f"{line.sequence:0{SEQUENCE_DIGITS}}", line.data)
        return self._put(f"changes/{day}/oversize-{name}.gz", gzip.compress(line.data, mtime=0), delivery)

    def put_unconverted(self, record: Record, redaction: Redaction, delivery: Delivery) -> bool:
        """A record raw, but for what must not be stored, under ``failed/records/``; returns whether it is there."""
        return self._put(*unconverted(record, redaction), delivery)

    def _put(self, name: str, body: bytes, delivery: Delivery) -> bool:
        return delivery.store(self.s3, self.bucket, self.prefix + name, body)


def unconverted(record: Record, redaction: Redaction) -> tuple[str, bytes]:
    """The name, below the history's place, under which a record that cannot be converted is kept, and what is kept."""
    body = json.dumps(redaction.apply_to_raw(record), separators=(",", ":")).encode()
    number = sequence_text(record)
    return f"failed/records/{_named(number.zfill(SEQUENCE_DIGITS) if number else 'unnumbered', body)}", body


def _named(number: str, content: bytes) -> str:
    """Other content, another name, whatever numbers records claim; the same again, as Lambda may send it, the same."""
    return f"{number}-{hashlib.sha256(content).hexdigest()[:32]}"
