"""Replay: recorded Lambda events through the recorder's own handler into a history on disk."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.common.errors import EventsError
from pipeline.common.words import many
from pipeline.events.files import Event
from pipeline.events.kinesis import as_stream_record, convert_kinesis, is_kinesis, table_of
from pipeline.events.why_not import reasons
from pipeline.functions.recorder.app import NotAStreamEventError, Recorder, lambda_handler
from pipeline.functions.recorder.images import NotConvertibleError
from pipeline.functions.recorder.record import Line, convert
from pipeline.functions.recorder.redact import Redaction
from pipeline.functions.recorder.storage import Storage, unconverted
from pipeline.mend.undelivered import with_rules_of
from pipeline.replay.batches import arrival, batches, from_checkpoint
from pipeline.replay.local import Faults, LocalClock, LocalContext, LocalFirehose, LocalS3, hashed_uuid
from pipeline.replay.unconverted import Note, Unconverted

#: Seconds from a batch's first change to its arrival at Firehose, unless the event says otherwise.
DELAY: Final = 60
#: The Lambda's timeout in seconds, and how often it is invoked for a batch before this is set aside.
TIMEOUT: Final = 60
INVOCATIONS: Final = 10
_STREAM: Final = re.compile(r"arn:[\w-]+:dynamodb:[\w-]+:\d*:table/[\w.-]+(/stream/\S+)?")

Record = dict[str, Any]


class ReplayError(Exception):
    """What was asked cannot be replayed; says what was got and expected."""


@dataclass(frozen=True)
class ReplayOptions:
    """How the stand-ins behave: ``delay`` to arrival in s, Firehose's buffer, ``REDACT``'s text, injected faults.

    ``stream`` is the ARN for records that do not name their stream; for those of Kinesis a table's will do.
    """

    delay: float = DELAY
    buffer_bytes: int = 5 << 20
    buffer_seconds: float = 300
    redact: str = ""
    faults: Faults = field(default_factory=Faults)
    stream: str = ""


@dataclass
class ReplayResult:
    """What a replay did.

    ``records`` were in ``events``; ``objects`` are new in the landing and ``unchanged`` were there already;
    ``unconverted`` lie under ``failed/records/``, ``notes`` tell of each why, and ``told`` is the file that says so;
    ``settled`` lay there before, and now are in the landing; ``set_aside`` are files with batches that could not be
    delivered; ``views`` counts records by their stream's view; ``table`` is the ARN; ``calls`` and ``retries`` are
    those of the recorder.
    """

    events: int = 0
    records: int = 0
    objects: int = 0
    unchanged: int = 0
    unconverted: int = 0
    settled: int = 0
    calls: int = 0
    retries: int = 0
    table: str = ""
    told: Path | None = None
    notes: list[Note] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
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
        ReplayError: an event of something else, or of another table than the folder's. The error says what before it
            was written; where that is nothing, the folder is as it was.
    """
    replayer = _Replayer(into, options or ReplayOptions())
    try:
        for event in events:
            replayer.run(event)
    except (ReplayError, EventsError) as error:
        replayer.close()
        raise type(error)(f"{error}{replayer.before}") from error
    except BaseException:
        replayer.close()
        raise
    replayer.close(whole=True)
    return replayer.result


class _Replayer:
    def __init__(self, into: Path, options: ReplayOptions) -> None:
        self.result = ReplayResult()
        self._into = into
        self._delay = options.delay
        self._redaction = _redaction(options.redact)
        self._stream = _stream(options.stream)
        self._table = _table_in(into)
        self._clock = LocalClock()
        self._s3 = LocalS3(into, options.faults)
        self._unconverted = Unconverted(into)
        self._place = ""
        self._numbers: dict[int, int] = {}
        self._firehose = LocalFirehose(
            self._s3,
            self._clock,
            buffer_bytes=options.buffer_bytes,
            buffer_seconds=options.buffer_seconds,
            faults=options.faults,
        )
        storage = Storage(self._s3, "local", clock=lambda: self._clock.seconds)
        self._recorder = Recorder(
            self._firehose,
            self._firehose.stream,
            storage,
            self._redaction,
            self._clock.sleep,
            write_log=self._count,
            convert=self._convert,
        )

    def run(self, event: Event) -> None:
        """One event: invoked again from where it failed, at last set aside."""
        self.result.events += 1
        self._place = getattr(event, "place", "") or f"event {self.result.events}"
        self._check_kind(event["Records"])
        records = [self._named(record) for record in event["Records"]]
        self._check_table(records)
        self._numbers = {id(record): number for number, record in enumerate(records, start=1)}
        for batch in [records] if "arrival" in event else batches(records):
            self._clock.seconds = self._arrival(event, batch)
            left = self._invoke(batch)
            if left:
                self.result.set_aside.append(self._set_aside(left))
        self.result.records += len(records)
        self.result.views.update(map(_view, records))

    @property
    def before(self) -> str:
        """What was written before an error, in words."""
        return f"; the {many(self.result.records, 'change')} before it are in {self._into}" if self._s3.touched else ""

    def close(self, *, whole: bool = False) -> None:
        """Deliver what is buffered, and count; after an error (not ``whole``) nothing is made where nothing was."""
        self._firehose.flush()
        if whole or self._s3.touched:
            (self._into / "changes").mkdir(parents=True, exist_ok=True)
            self._s3.close()
            self._unconverted.close(self._s3.touched)
        self._sum_up()

    def _sum_up(self) -> None:
        result, found = self.result, self._unconverted
        result.objects = _count(self._s3.written, "changes/")
        result.unchanged = _count(self._s3.unchanged, "changes/")
        result.unconverted = _count(self._s3.touched, "failed/records/")
        result.notes, result.reasons, result.settled = list(found.notes.values()), found.reasons, len(found.settled)
        result.told, result.table = found.file, self._table or ""

    def _convert(self, record: Record, redaction: Redaction) -> Line:
        """A record as the recorder converts it, or one of Kinesis, which Lambda never gives it."""
        kinesis, table = is_kinesis(record), self._table_of(record)
        try:
            rules = with_rules_of(record, redaction)
            line = convert_kinesis(record, table, rules) if kinesis else convert(record, rules)
        except NotConvertibleError as error:
            why = reasons(as_stream_record(record, table) if kinesis else record, str(error))
            place = f"{self._place} record {self._numbers.get(id(record), 1)}"
            self._unconverted.note(unconverted(record, redaction)[0], place, record, why)
            raise
        self._unconverted.converted(record)
        return line

    def _named(self, record: Any) -> Any:
        """A record with the stream that was told, where it names none itself."""
        if not isinstance(record, dict) or record.get("eventSourceARN") or is_kinesis(record):
            return record
        region = record.get("awsRegion")
        if self._stream and isinstance(region, str) and region and f":{region}:" not in self._stream:
            raise ReplayError(f"{self._place} is of Region {region}, but --stream-arn names {self._stream}")
        return {**record, "eventSourceARN": self._stream} if "/stream/" in self._stream else record

    def _invoke(self, records: list[Record]) -> list[Record]:
        """Let the handler record a batch, as often as Lambda would; returns what is left."""
        for _ in range(INVOCATIONS):
            context = LocalContext(self._clock, TIMEOUT)
            try:
                failures = lambda_handler({"Records": records}, context, self._recorder)["batchItemFailures"]
            except NotAStreamEventError as error:
                raise ReplayError(f"{self._place}: {error}") from error
            if not failures:
                return []
            records = from_checkpoint(records, failures[0]["itemIdentifier"])
        return records

    def _check_kind(self, records: list[Any]) -> None:
        for number, record in enumerate(records, start=1):
            if isinstance(record, dict) and record.get("eventSource") == "aws:kinesis":
                raise ReplayError(
                    f"{self._place}: eventSource 'aws:kinesis': the data of record {number} is no change as Kinesis "
                    "Data Streams for DynamoDB writes it"
                )

    def _check_table(self, records: list[Any]) -> None:
        for table in filter(None, map(self._table_of, records)):
            self._table = self._table or table
            if table != self._table:
                raise ReplayError(
                    f"{self._place} is of {table}, but {self._into} is of {self._table}; "
                    "expected one table to a folder: replay it --into another"
                )

    def _table_of(self, record: Any) -> str | None:
        """The ARN of a record's table; None where it tells none."""
        if is_kinesis(record):
            told = self._stream.partition("/stream/")[0]
            table = table_of(record, told or self._table)
            if told and table and table != told:
                raise ReplayError(f"{self._place} is of {table}, but --stream-arn names {told}")
            return table
        arn = record.get("eventSourceARN") if isinstance(record, dict) else None
        table, _, stream = arn.partition("/stream/") if isinstance(arn, str) else ("", "", "")
        return table if stream else None

    def _arrival(self, event: Event, records: list[Any]) -> float:
        if "arrival" in event:
            try:
                told = datetime.fromisoformat(event["arrival"])
            except (TypeError, ValueError) as error:
                raise ReplayError(f"{self._place}: arrival is no ISO 8601 time: {error}") from error
            return told.replace(tzinfo=told.tzinfo or UTC).timestamp()
        found = arrival(records, self._delay)
        return self._clock.seconds if found is None else found

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


def _redaction(text: str) -> Redaction:
    try:
        return Redaction(text)
    except ValueError as error:
        raise ReplayError(str(error)) from error


def _stream(arn: str) -> str:
    if arn and not _STREAM.fullmatch(arn):
        raise ReplayError(
            f"--stream-arn {arn}: expected arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL, as "
            "`aws dynamodbstreams list-streams` tells it; for changes of Kinesis the ARN of the table will do"
        )
    return arn


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
