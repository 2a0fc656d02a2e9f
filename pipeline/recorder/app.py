"""The Lambda handler: a batch of stream records in, what failed out.

Environment: ``DELIVERY_STREAM_NAME`` (Firehose), ``BUCKET`` and ``PREFIX`` (the history in S3), ``REDACT`` (paths).
The event source mapping must report batch item failures (FunctionResponseTypes: ReportBatchItemFailures).
"""

import json
import os
import time
from collections import Counter

from .delivery import Delivery
from .images import NotConvertibleError
from .packing import RECORD_BYTES, billed, pack
from .record import line
from .redact import Redaction
from .storage import Storage

_recorder = None


def lambda_handler(event, context):
    """What Lambda calls; see :meth:`Recorder.record`."""
    global _recorder  # noqa: PLW0603 — clients are made once for each execution environment
    if _recorder is None:
        _recorder = recorder_from_environment(os.environ)
    return _recorder.record(event, context)


def recorder_from_environment(environment):
    """The recorder that Lambda's environment variables describe."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})
    delivery = Delivery(boto3.client("firehose", config=config), environment["DELIVERY_STREAM_NAME"])
    storage = Storage(boto3.client("s3", config=config), environment["BUCKET"], environment.get("PREFIX", ""))
    return Recorder(delivery, storage, Redaction(environment.get("REDACT", "")))


class Recorder:
    """Turns batches of stream records into lines of the landing."""

    def __init__(self, delivery, storage, redaction, log=print):
        self._delivery = delivery
        self._storage = storage
        self._redaction = redaction
        self._log = log

    def record(self, event, context):
        """Record a batch.

        Returns ``{"batchItemFailures": […]}`` with the lowest sequence number that was not stored: Lambda sends the
        batch again from there. Records after it may then be stored twice, which the history tells apart.
        """
        records = event["Records"]
        for record in records:
            if record.get("eventSource") != "aws:dynamodb":
                raise ValueError(f"eventSource {record.get('eventSource')!r:.40}: this handles DynamoDB Streams only")
        counts, failed, lines = Counter(records=len(records)), [], []
        for record in records:
            self._convert(record, lines, failed, counts)
        packed = list(pack(lines))
        outcome = self._delivery.send(packed, _remaining(context))
        failed += [record.lowest for record in outcome.failed]
        counts["lines"] = len(lines)
        counts["undelivered"] = sum(record.changes for record in outcome.failed)
        counts["calls"], counts["retries"] = outcome.calls, outcome.retries
        counts["firehose_records"] = len(packed)
        counts["bytes"] = sum(len(record.data) for record in packed)
        counts["billed_bytes"] = sum(billed(len(record.data)) for record in packed)
        lowest = _as_sent(records, min(failed)) if failed else None
        self._tell(counts, lowest, outcome.error)
        return {"batchItemFailures": [{"itemIdentifier": lowest}] if lowest else []}

    def _convert(self, record, lines, failed, counts):
        """A line for Firehose; or what is too long, or cannot be converted, into S3."""
        number = sequence_of(record)
        try:
            text = line(record, self._redaction)
        except NotConvertibleError as error:
            self._log(json.dumps({"level": "ERROR", "message": "not converted", "reason": str(error)}))
            stored, what = self._storage.put_failed(number, record, self._redaction), "unconverted"
        else:
            if len(text) <= RECORD_BYTES:
                lines.append((number, text))
                return
            stored, what = self._storage.put_line(number, text), "oversize"
        counts[what] += 1
        if not stored:
            if number is None:
                raise RuntimeError(
                    "a record without sequence number could be stored nowhere: the batch must come again"
                )
            failed.append(number)

    def _tell(self, counts, lowest, error):
        level = "INFO" if lowest is None and not counts["unconverted"] else "ERROR"
        facts = {"level": level, "message": "batch recorded", **counts, "lowest_failed": lowest}
        self._log(json.dumps({**facts, "error": error} if error else facts))


def sequence_of(record):
    """The sequence number, or None where the record has none that is one."""
    try:
        text = record["dynamodb"]["SequenceNumber"]
        return int(text) if text.isascii() and text.isdecimal() else None
    except (KeyError, TypeError, AttributeError):
        return None


def _as_sent(records, number):
    """The sequence number in the very text that Lambda gave: a misnamed one fails the whole batch."""
    return next(record["dynamodb"]["SequenceNumber"] for record in records if sequence_of(record) == number)


def _remaining(context):
    """Seconds that the Lambda has left."""
    if hasattr(context, "get_remaining_time_in_millis"):
        return lambda: context.get_remaining_time_in_millis() / 1000
    deadline = time.monotonic() + 30
    return lambda: deadline - time.monotonic()
