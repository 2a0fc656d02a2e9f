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
        name = f"changes/{day}/oversize-{line.sequence:0{SEQUENCE_DIGITS}}.gz"
        return self._put(name, gzip.compress(line.data, mtime=0), delivery)

    def put_unconverted(self, record: Record, redaction: Redaction, delivery: Delivery) -> bool:
        """A record raw, but for what must not be stored, under ``failed/records/``; returns whether it is there."""
        body = json.dumps(redaction.apply_to_raw(record), separators=(",", ":")).encode()
        number = sequence_text(record)
        name = number.zfill(SEQUENCE_DIGITS) if number else f"unnumbered-{hashlib.sha256(body).hexdigest()[:32]}"
        return self._put(f"failed/records/{name}", body, delivery)

    def _put(self, name: str, body: bytes, delivery: Delivery) -> bool:
        return delivery.store(self.s3, self.bucket, self.prefix + name, body)
