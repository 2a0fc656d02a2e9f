"""The Lambda handler: a batch of stream records in, what failed out.

Environment: ``DELIVERY_STREAM_NAME`` (Firehose), ``BUCKET`` and ``PREFIX`` (the history in S3), ``REDACT`` (paths),
``STACK_NAME`` (whose metrics it tells).
The event source mapping must report batch item failures (FunctionResponseTypes: ReportBatchItemFailures), and the
function's timeout be well above 15 s, the time that one call may take.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..owned import require_owner
from . import log
from .delivery import CONNECT_SECONDS, READ_SECONDS, Context, Delivery, Firehose
from .images import NotConvertibleError
from .packing import RECORD_BYTES, Packed, billed, pack
from .record import Line, Record, convert, sequence_text
from .redact import Redaction
from .storage import Storage

Response = dict[str, list[dict[str, str]]]


class NotAStreamEventError(ValueError):
    """An event that no DynamoDB stream sent: the function is wired to something else."""


def lambda_handler(event: dict[str, Any], context: Context | None, recorder: Recorder | None = None) -> Response:
    """What Lambda calls: :meth:`Recorder.record`, of the environment's recorder unless another is given."""
    return (recorder or _from_environment()).record(event, context)


@dataclass
class _Batch:
    """What the records of an event became: how many of them were ``refused``, so that Lambda sends them again, and
    how many that cannot be converted ``set_aside``."""

    records: list[Record]
    lines: list[Line] = field(default_factory=list)
    oversize: list[Line] = field(default_factory=list)
    unconverted: list[Record] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    set_aside: int = 0


@dataclass
class Recorder:
    """Stores changes as lines of the landing: by Firehose's delivery stream ``stream``, or directly in ``storage``.

    ``convert`` makes the lines; replays, which read more than Lambda gives, have one of their own. ``stack``: that of
    which it tells the metrics ``Refused`` (changes that neither Firehose nor S3 took), ``SetAside`` (that could not be
    converted) and ``Unrecorded`` (both); where there is none, none are told.
    """

    firehose: Firehose
    stream: str
    storage: Storage
    redaction: Redaction = field(default_factory=Redaction)
    sleep: Callable[[float], None] = time.sleep
    write_log: Callable[[dict[str, Any]], None] = log.write
    convert: Callable[[Record, Redaction], Line] = convert
    stack: str = ""
    _told: set[str] = field(default_factory=set)

    def record(self, event: dict[str, Any], context: Context | None) -> Response:
        """Record a batch.

        Returns ``{"batchItemFailures": […]}``: empty, or one with the lowest sequence number that was not stored, so
        that Lambda sends the batch again from there; empty text stands for all of it. What is stored twice by that,
        the history tells apart.

        Raises:
            NotAStreamEventError: an event of something else; nothing of it is stored.
        """
        batch = self._convert(_records(event))
        packed = list(pack(batch.lines))
        delivery = Delivery(context, self.sleep)
        refused = delivery.send(self.firehose, self.stream, packed)
        failed: list[int | None] = []
        failed += [line.sequence for line in batch.oversize if not self.storage.put_line(line, delivery)]
        for record in batch.unconverted:
            if self.storage.put_unconverted(record, self.redaction, delivery):
                batch.set_aside += 1
            else:
                failed.append(_sequence(record))
        batch.refused = sum(record.lines for record in refused) + len(failed)
        checkpoint = _checkpoint([*(record.lowest for record in refused), *failed], batch.records)
        self._tell(batch, packed, delivery, checkpoint)
        return {"batchItemFailures": [] if checkpoint is None else [{"itemIdentifier": checkpoint}]}

    def _convert(self, records: list[Record]) -> _Batch:
        batch = _Batch(records)
        for record in records:
            try:
                line = self.convert(record, self.redaction)
            except NotConvertibleError as error:
                batch.unconverted.append(record)
                batch.reasons[str(error)] += 1
            else:
                (batch.lines if len(line.data) <= RECORD_BYTES else batch.oversize).append(line)
        return batch

    def _tell(self, batch: _Batch, packed: list[Packed], delivery: Delivery, checkpoint: str | None) -> None:
        """One log line: counts, never an image or a key; with what alarms look at, where there is any."""
        if batch.records and (names := set(self.redaction.named_keys(batch.records[0])) - self._told):
            self._told |= names
            self.write_log({"level": "WARN", "message": "REDACT names key attributes: kept", "names": sorted(names)})
        whole = checkpoint is None
        self.write_log(
            {
                "level": "ERROR" if not whole or batch.unconverted else "INFO",
                "message": "batch recorded" if whole else "batch not wholly recorded",
                "records": len(batch.records),
                "lines": len(batch.lines),
                "oversize": len(batch.oversize),
                "unconverted": len(batch.unconverted),
                "reasons": dict(batch.reasons),
                "firehose_records": len(packed),
                "bytes": sum(len(record.data) for record in packed),
                "billed_bytes": sum(billed(len(record.data)) for record in packed),
                "calls": delivery.calls,
                "retries": delivery.retries,
                "errors": dict(delivery.errors),
                "lowest_failed": checkpoint,
                **self._metrics(batch),
            }
        )

    def _metrics(self, batch: _Batch) -> dict[str, Any]:
        """Where all was recorded, none: a metric costs for each hour in which it is told."""
        if not self.stack or not batch.refused + batch.set_aside:
            return {}
        counts = {"Refused": batch.refused, "SetAside": batch.set_aside, "Unrecorded": batch.refused + batch.set_aside}
        return log.metrics(self.stack, self.storage.clock(), counts)


def _records(event: Any) -> list[Record]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise NotAStreamEventError('no event of a DynamoDB stream: expected {"Records": [{…}, …]}')
    for record in records:
        if (source := record.get("eventSource")) != "aws:dynamodb":
            raise NotAStreamEventError(f"eventSource {source!r:.40}: this records DynamoDB streams (aws:dynamodb) only")
    return records


def _sequence(record: Record) -> int | None:
    text = sequence_text(record)
    return int(text) if text else None


def _checkpoint(failed: list[int | None], records: list[Record]) -> str | None:
    """Where Lambda must go on: the lowest failed sequence number, in the very text that Lambda gave.

    A record without a number can be named only by failing the whole batch, which an empty identifier does (AWS
    Lambda developer guide, "Reporting batch item failures").
    """
    numbers = [number for number in failed if number is not None]
    if len(numbers) < len(failed):
        return ""
    if not numbers:
        return None
    lowest = min(numbers)
    return next((text for record in records if (text := sequence_text(record)) and int(text) == lowest), "")


@cache
def _from_environment() -> Recorder:
    """The recorder that Lambda's environment describes; its clients live as long as the execution environment.

    Raises:
        RuntimeError: a variable is missing.
        ValueError: ``REDACT`` holds something that is no path.
    """
    import boto3
    from botocore.config import Config

    stream, bucket = _variable("DELIVERY_STREAM_NAME"), _variable("BUCKET")
    redaction = Redaction(os.environ.get("REDACT", ""))
    once = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1})
    s3 = require_owner(boto3.client("s3", config=once), lambda: _variable("BUCKET_OWNER"))
    storage = Storage(s3, bucket, os.environ.get("PREFIX", ""))
    firehose = boto3.client("firehose", config=once)
    return Recorder(firehose, stream, storage, redaction, stack=os.environ.get("STACK_NAME", ""))


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"the environment variable {name} is not set: expected where to store changes; set it")
    return value
