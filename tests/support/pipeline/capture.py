"""Stand-ins and records for the tests of the recorder."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.functions.recorder.app import Recorder
from pipeline.functions.recorder.redact import Redaction
from pipeline.functions.recorder.storage import Storage
from pipeline.replay.local import LocalClock, LocalContext
from tests.support.places import EVENTS

STREAM = "arn:aws:dynamodb:ap-northeast-1:111122223333:table/todo-sample-table/stream/2020-10-26T02:20:31.328"
NOW = 1_603_679_400.0  # 2020-10-26 02:30:00 UTC


def event(name: str) -> dict[str, Any]:
    """A recorded Lambda event."""
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def record(sequence: int | str, **attributes: Any) -> dict[str, Any]:
    """An INSERT of an item with these attributes (DynamoDB JSON) beside its key."""
    key = {"todoId": {"S": f"t{sequence}"}}
    return {
        "eventID": f"event-{sequence}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "ap-northeast-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1603679304.0,
            "Keys": key,
            "NewImage": {**key, **attributes},
            "SequenceNumber": str(sequence),
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": STREAM,
    }


@dataclass
class FakeFirehose:
    """Takes what ``refuses(data)`` does not name; ``errors`` are raised first, one a call. ``calls`` are all tried."""

    errors: list[Exception] = field(default_factory=list)
    refuses: Callable[[bytes], bool] = lambda data: False
    calls: list[list[bytes]] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:
        self.before()
        self.calls.append([one["Data"] for one in Records])
        if self.errors:
            raise self.errors.pop(0)
        answers = []
        for data in self.calls[-1]:
            refused = self.refuses(data)
            answers.append({"ErrorCode": "InternalFailure"} if refused else {"RecordId": "x"})
            self.taken += [] if refused else [data]
        return {"FailedPutCount": sum("ErrorCode" in one for one in answers), "RequestResponses": answers}


@dataclass
class FakeS3:
    """Keeps objects; ``errors`` are raised first, one a call."""

    errors: list[Exception] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        if self.errors:
            raise self.errors.pop(0)
        self.objects[Key] = Body
        return {"ETag": "x"}


@dataclass
class Capture:
    """A recorder between stand-ins, on a clock that only moves when it sleeps."""

    firehose: FakeFirehose = field(default_factory=FakeFirehose)
    s3: FakeS3 = field(default_factory=FakeS3)
    redact: str = ""
    clock: LocalClock = field(default_factory=lambda: LocalClock(NOW))
    timeout: float = 60
    logs: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        storage = Storage(self.s3, "bucket", "todo/", lambda: self.clock.seconds)
        redaction = Redaction(self.redact)
        self.recorder = Recorder(self.firehose, "stream", storage, redaction, self.clock.sleep, self.logs.append)

    def run(self, records: list[dict[str, Any]]) -> str | None:
        """Record a batch; returns the identifier that failed, None where none did."""
        context = LocalContext(self.clock, self.timeout)
        failures = self.recorder.record({"Records": records}, context)["batchItemFailures"]
        assert len(failures) <= 1
        return failures[0]["itemIdentifier"] if failures else None

    def landed(self) -> list[dict[str, Any]]:
        """All lines that Firehose took or that lie in S3's landing, parsed."""
        objects = [gzip.decompress(body) for key, body in self.s3.objects.items() if "/changes/" in key]
        data = b"".join([*self.firehose.taken, *objects]).decode()
        assert data == "" or data.endswith("\n")
        return [json.loads(line) for line in data.split("\n")[:-1]]

    def landed_numbers(self) -> set[int]:
        return {int(line["sequence_number"]) for line in self.landed()}


def lines_in(folder: Path) -> list[dict[str, Any]]:
    """All lines of a history folder, parsed."""
    files = sorted((folder / "changes").rglob("*.gz"))
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).decode().split("\n")[:-1]]
