"""Replay: recorded Lambda events through the real handler into a history on disk."""

from __future__ import annotations

import gzip
import json
import sys
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from histlib.progress import progress
from pipeline.local import SECOND, Faults, LocalFirehose, LocalS3, write_whole
from pipeline.recorder.app import Recorder
from pipeline.recorder.delivery import Delivery
from pipeline.recorder.images import NotConvertibleError
from pipeline.recorder.record import stamps
from pipeline.recorder.redact import Redaction
from pipeline.recorder.storage import Storage

#: Seconds from a batch's first change to its arrival at Firehose, unless the event says otherwise.
DELAY: Final = 60
#: How often a batch is sent again from where it failed, as Lambda would, before it is set aside.
ATTEMPTS: Final = 10

Event = dict[str, Any]


class ReplayError(Exception):
    """What was given cannot be replayed; says why and what was expected."""


@dataclass
class ReplayResult:
    """What a replay did. ``set_aside`` are objects with batches that could not be delivered."""

    events: int = 0
    records: int = 0
    objects: int = 0
    unconverted: int = 0
    set_aside: list[Path] = field(default_factory=list)
    views: set[str] = field(default_factory=set)

    @property
    def whole(self) -> bool:
        """Whether every change is in the landing."""
        return not self.set_aside and not self.unconverted


@dataclass(frozen=True)
class ReplayOptions:
    """How the stand-in behaves: arrival ``delay`` in s, Firehose's buffer, redaction rules, injected faults."""

    delay: float = DELAY
    buffer_bytes: int = 5 << 20
    buffer_seconds: int = 300
    redact: str = ""
    faults: Faults = field(default_factory=Faults)


def replay(events: Iterable[Event], into: Path, options: ReplayOptions | None = None) -> ReplayResult:
    """Run events through the handler into the history folder ``into``.

    An event may say when it arrived (``arrival``, ISO 8601 text); else that is ``delay`` after its first change.
    Replaying the same events again writes the same files.

    Raises:
        ReplayError: something that is no event of a DynamoDB stream.
    """
    options = options or ReplayOptions()
    replayer = _Replayer(into, options)
    for event in events:
        replayer.run(event)
    return replayer.finish()


def read_events(paths: Iterable[str]) -> Iterator[Event]:
    """The events in files: JSON (one event, or a list), JSON lines, gzip of either, ``-`` for standard input.

    Objects that Lambda wrote to S3 for failed batches are taken too: their ``payload`` is the event.

    Raises:
        ReplayError: a file that cannot be read, or holds something else; names file and line.
    """
    for path in paths:
        if path == "-":
            yield from _events_in(sys.stdin.buffer, "standard input")
            continue
        try:
            with Path(path).open("rb") as stream:
                yield from _events_in(stream, path)
        except OSError as error:
            raise ReplayError(f"cannot read {path}: {error.strerror or error}") from error
        except EOFError as error:
            raise ReplayError(f"{path}: truncated gzip: {error}") from error


class _Replayer:
    def __init__(self, into: Path, options: ReplayOptions) -> None:
        self._into = into
        self._options = options
        self._firehose = LocalFirehose(
            into, buffer_bytes=options.buffer_bytes, buffer_seconds=options.buffer_seconds, faults=options.faults
        )
        self._s3 = LocalS3(into, options.faults)
        self._recorder = Recorder(
            Delivery(self._firehose, self._firehose.stream, sleep=lambda _: None),
            Storage(self._s3, "replay", clock=lambda: self._firehose.now / SECOND),
            Redaction(options.redact),
            log=self._log,
        )
        self._result = ReplayResult()

    def run(self, event: Event) -> None:
        """One event, again from where it failed, as Lambda does with ReportBatchItemFailures."""
        records = event["Records"]
        self._result.events += 1
        self._result.records += len(records)
        self._result.views |= {str(record.get("dynamodb", {}).get("StreamViewType")) for record in records}
        self._firehose.now = self._arrival(event)
        for _ in range(ATTEMPTS):
            try:
                failures = self._recorder.record({"Records": records}, None)["batchItemFailures"]
            except ValueError as error:
                raise ReplayError(f"event {self._result.events}: {error}") from error
            if not failures:
                return
            lowest = failures[0]["itemIdentifier"]
            numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
            records = records[numbers.index(lowest) :]
        self._result.set_aside.append(self._set_aside({**event, "Records": records}))

    def finish(self) -> ReplayResult:
        self._firehose.flush()
        (self._into / "changes").mkdir(parents=True, exist_ok=True)
        written = [path for path in (*self._firehose.written, *self._s3.written) if "changes" in path.parts]
        today = f"{datetime.now(UTC):%Y/%m/%d}"
        if any(path.parent.as_posix()[-10:] < today for path in written):
            write_whole(self._into / "changes" / "_revision", uuid.uuid4().hex.encode())
        self._result.objects = len(written)
        return self._result

    def _arrival(self, event: Event) -> int:
        if "arrival" in event:
            try:
                return int(datetime.fromisoformat(event["arrival"]).astimezone(UTC).timestamp() * SECOND)
            except (TypeError, ValueError) as error:
                raise ReplayError(f"event {self._result.events}: arrival is no ISO 8601 time: {error}") from error
        first = min((moment for record in event["Records"] if (moment := _moment(record))), default=0)
        return first + int(self._options.delay * SECOND)

    def _set_aside(self, event: Event) -> Path:
        """What could not be delivered, as Lambda's on-failure destination keeps it."""
        body = json.dumps({"version": "1.0", "payload": json.dumps(event)}).encode()
        moment = datetime.fromtimestamp(self._firehose.now // SECOND, UTC)
        name = f"aws/lambda/replay/shard/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        return write_whole(self._into / name, body)

    def _log(self, text: str) -> None:
        facts = json.loads(text)
        if facts["message"] == "not converted":
            self._result.unconverted += 1


def _moment(record: Any) -> int | None:
    try:
        return int(stamps(record["dynamodb"]["ApproximateCreationDateTime"])[1])
    except (KeyError, TypeError, NotConvertibleError):
        return None


def _events_in(stream: BinaryIO, name: str) -> Iterator[Event]:
    lines = iter(_uncompressed(stream))
    first = next(lines, b"")
    try:
        found = json.loads(first or b"[]")
    except ValueError:
        yield from _checked(_parse(first + b"".join(lines), name), name)
        return
    yield from _checked(found, f"{name} line 1")
    for number, line in enumerate(lines, start=2):
        if line.strip():
            yield from _checked(_parse(line, f"{name} line {number}"), f"{name} line {number}")


def _uncompressed(stream: Any) -> BinaryIO:
    """The stream itself, or what is in it where it is gzip."""
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if stream.peek(2)[:2] == b"\x1f\x8b" else stream


def _parse(text: bytes, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ReplayError(f"{where}: no JSON: {error}") from error


def _checked(found: Any, where: str) -> Iterator[Event]:
    """The events in a JSON value."""
    if isinstance(found, list):
        for number, one in enumerate(found, start=1):
            yield from _checked(one, f"{where} entry {number}")
    elif isinstance(found, dict) and isinstance(found.get("payload"), str):
        yield from _checked(_parse(found["payload"].encode(), f"{where} payload"), where)
    elif isinstance(found, dict) and isinstance(found.get("Records"), list):
        yield found
    else:
        raise ReplayError(f"{where}: no Lambda event: expected an object with Records, got {str(found)[:40]!r}")


def run(options: Any) -> int:
    """The command ``replay``; returns its exit code."""
    settings = ReplayOptions(options.delay, int(options.buffer_mib * (1 << 20)), options.buffer_seconds, options.redact)
    with progress("replaying", len(options.events), "file") as bar:
        result = replay(_counted(options.events, bar), options.into, settings)
    if result.views - {"NEW_AND_OLD_IMAGES"}:
        views = ", ".join(sorted(result.views - {"NEW_AND_OLD_IMAGES"}))
        print(f"caution: events of view {views}: without both images much cannot be told", file=sys.stderr)
    print(
        f"{result.records:,} changes in {result.events:,} events → {result.objects:,} objects in {options.into}/changes"
    )
    for path in result.set_aside:
        print(f"not delivered, set aside: {path}", file=sys.stderr)
    if result.unconverted:
        print(f"not converted: {result.unconverted:,}, kept in {options.into}/failed/records", file=sys.stderr)
    return 0 if result.whole else 1


def _counted(paths: list[str], bar: Any) -> Iterator[Event]:
    for path in paths:
        yield from read_events([path])
        bar.update(1)
