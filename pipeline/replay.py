"""Replay: recorded Lambda events through the recorder's own handler into a history on disk."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.events import Event
from pipeline.functions.recorder.app import NotAStreamEventError, Recorder, lambda_handler
from pipeline.functions.recorder.images import MALFORMED
from pipeline.functions.recorder.record import read_stamp, sequence_text
from pipeline.functions.recorder.redact import Redaction
from pipeline.functions.recorder.storage import Storage
from pipeline.local import Faults, LocalClock, LocalContext, LocalFirehose, LocalS3, hashed_uuid

#: Seconds from a batch's first change to its arrival at Firehose, unless the event says otherwise.
DELAY: Final = 60
#: The Lambda's timeout in seconds, and how often it is invoked for a batch before this is set aside.
TIMEOUT: Final = 60
INVOCATIONS: Final = 10

Record = dict[str, Any]


class ReplayError(Exception):
    """What was asked cannot be replayed; says what was got and expected."""


@dataclass(frozen=True)
class ReplayOptions:
    """How the stand-ins behave: ``delay`` to arrival in s, Firehose's buffer, ``REDACT``'s text, injected faults."""

    delay: float = DELAY
    buffer_bytes: int = 5 << 20
    buffer_seconds: float = 300
    redact: str = ""
    faults: Faults = field(default_factory=Faults)


@dataclass
class ReplayResult:
    """What a replay did.

    ``records`` were in ``events``; ``objects`` are new in the landing and ``unchanged`` were there already;
    ``unconverted`` lie under ``failed/records/``; ``set_aside`` are files with batches that could not be delivered;
    ``views`` counts records by their stream's view; ``calls`` and ``retries`` are those of the recorder.
    """

    events: int = 0
    records: int = 0
    objects: int = 0
    unchanged: int = 0
    unconverted: int = 0
    calls: int = 0
    retries: int = 0
    set_aside: list[Path] = field(default_factory=list)
    views: Counter[str] = field(default_factory=Counter)

    @property
    def whole(self) -> bool:
        """Whether every change is in the landing."""
        return not self.set_aside and not self.unconverted


def replay(events: Iterable[Event], into: Path, options: ReplayOptions | None = None) -> ReplayResult:
    """Run events through the handler into the history folder ``into``.

    A batch arrives ``delay`` after its first change and not before its last, unless the event has ``arrival`` (ISO 8601
    text). Batches that fail are sent again as Lambda would, from the checkpoint. The same events with the same options
    again write the same files.

    Raises:
        ReplayError: an event of something else, or of another table than the folder's.
    """
    replayer = _Replayer(into, options or ReplayOptions())
    try:
        for event in events:
            replayer.run(event)
    finally:
        replayer.close()
    return replayer.result


class _Replayer:
    def __init__(self, into: Path, options: ReplayOptions) -> None:
        try:
            redaction = Redaction(options.redact)
        except ValueError as error:
            raise ReplayError(str(error)) from error
        self.result = ReplayResult()
        self._into = into
        self._delay = options.delay
        self._redaction = redaction
        self._table = _table_in(into)
        self._clock = LocalClock()
        self._s3 = LocalS3(into, options.faults)
        self._firehose = LocalFirehose(
            self._s3,
            self._clock,
            buffer_bytes=options.buffer_bytes,
            buffer_seconds=options.buffer_seconds,
            faults=options.faults,
        )
        storage = Storage(self._s3, "local", clock=lambda: self._clock.seconds)
        self._recorder = Recorder(
            self._firehose, self._firehose.stream, storage, redaction, self._clock.sleep, self._count
        )

    def run(self, event: Event) -> None:
        """One event: invoked again from where it failed, at last set aside."""
        records = event["Records"]
        self.result.events += 1
        self.result.records += len(records)
        self._check_table(records)
        self.result.views.update(map(_view, records))
        self._clock.seconds = self._arrival(event)
        left = self._invoke(records)
        if left:
            self.result.set_aside.append(self._set_aside(left))

    def close(self) -> None:
        """Deliver what is buffered, and count."""
        self._firehose.flush()
        (self._into / "changes").mkdir(parents=True, exist_ok=True)
        self._s3.close()
        self.result.objects = _count(self._s3.written, "changes/")
        self.result.unchanged = _count(self._s3.unchanged, "changes/")
        self.result.unconverted = _count(self._s3.written | self._s3.unchanged, "failed/records/")

    def _invoke(self, records: list[Record]) -> list[Record]:
        """Let the handler record a batch, as often as Lambda would; returns what is left."""
        for _ in range(INVOCATIONS):
            context = LocalContext(self._clock, TIMEOUT)
            try:
                failures = lambda_handler({"Records": records}, context, self._recorder)["batchItemFailures"]
            except NotAStreamEventError as error:
                raise ReplayError(f"event {self.result.events}: {error}") from error
            if not failures:
                return []
            records = _from_checkpoint(records, failures[0]["itemIdentifier"])
        return records

    def _check_table(self, records: list[Any]) -> None:
        for table in filter(None, map(_table_of, records)):
            self._table = self._table or table
            if table != self._table:
                raise ReplayError(
                    f"event {self.result.events} is of {table}, but {self._into} is of {self._table}; "
                    "expected one table to a folder: replay it --into another"
                )

    def _arrival(self, event: Event) -> float:
        if "arrival" in event:
            try:
                arrival = datetime.fromisoformat(event["arrival"])
            except (TypeError, ValueError) as error:
                raise ReplayError(f"event {self.result.events}: arrival is no ISO 8601 time: {error}") from error
            return arrival.replace(tzinfo=arrival.tzinfo or UTC).timestamp()
        times = [moment for record in event["Records"] if (moment := _moment(record)) is not None]
        return max(min(times) + self._delay, *times) if times else self._clock.seconds

    def _set_aside(self, records: list[Record]) -> Path:
        """What could not be delivered, in the shape of Lambda's on-failure destination, redacted."""
        event = {"Records": [self._redaction.apply_to_raw(record) for record in records]}
        body = json.dumps({"version": "1.0", "payload": json.dumps(event)}).encode()
        moment = datetime.fromtimestamp(self._clock.seconds, UTC)
        key = f"aws/lambda/local/shardId-0/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{hashed_uuid(body)}"
        self._s3.put(key, body)
        return self._into / key

    def _count(self, fields: dict[str, Any]) -> None:
        """The recorder's log."""
        self.result.calls += fields.get("calls", 0)
        self.result.retries += fields.get("retries", 0)


def _from_checkpoint(records: list[Record], identifier: str) -> list[Record]:
    """What Lambda sends again: all from the checkpoint on; the whole batch where it is empty."""
    if not identifier:
        return records
    return [record for record in records if int(sequence_text(record) or identifier) >= int(identifier)]


def _table_of(record: Any) -> str | None:
    """The ARN of a record's table; None where it tells none."""
    arn = record.get("eventSourceARN") if isinstance(record, dict) else None
    table, _, stream = arn.partition("/stream/") if isinstance(arn, str) else ("", "", "")
    return table if stream else None


def _moment(record: Any) -> float | None:
    try:
        return read_stamp(record["dynamodb"]["ApproximateCreationDateTime"]).micros / 1e6
    except MALFORMED:
        return None


def _view(record: Any) -> str:
    try:
        return str(record["dynamodb"]["StreamViewType"])
    except (LookupError, TypeError):
        return "unknown"


def _count(keys: set[str], prefix: str) -> int:
    return sum(key.startswith(prefix) for key in keys)


def _table_in(folder: Path) -> str | None:
    """The table of a history folder, by the first landing object that can be read; None where there is none."""
    for path in folder.glob("changes/*/*/*/*.gz"):
        try:
            with gzip.open(path) as lines:
                return str(json.loads(next(iter(lines)))["table"])
        except (OSError, EOFError, zlib.error, StopIteration, ValueError, LookupError, TypeError):
            continue
    return None
