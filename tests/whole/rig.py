"""The whole path on one clock: an application, its table's stream, the recorder behind its mapping, the delivery to S3."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3

from pipeline.functions.recorder.app import Recorder, lambda_handler
from pipeline.functions.recorder.storage import Storage
from pipeline.local import LocalClock, LocalContext
from whole.app import App
from whole.delivery import Delivery, Landing, OwnS3
from whole.mapping import Mapping
from whole.mended import mended
from whole.stream import Stream

BEGIN: Final = datetime(2026, 3, 1, 9, 0, 0, 328_000, UTC).timestamp()
BUCKET, PREFIX = "histories", "of/things/"
FIREHOSE: Final = "things"
#: The recorder's timeout in s.
TIMEOUT: Final = 60
_LOCATION: Final = {"LocationConstraint": "eu-west-1"}


@dataclass
class Rig:
    """All parts. Tests write through ``app``, let time go by with :meth:`wait`, and do harm to the parts."""

    clock: LocalClock = field(default_factory=lambda: LocalClock(BEGIN))
    scratch: Path = field(default_factory=Path)
    logs: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=_LOCATION)
        self.app = App(self.clock)
        self.landing = Landing(self.s3, BUCKET, PREFIX, self.clock)
        self.firehose = Delivery(self.landing, self.clock, FIREHOSE, buffer_seconds=60)
        self.own_s3 = OwnS3(self.s3)
        storage = Storage(self.own_s3, BUCKET, PREFIX, lambda: self.clock.seconds)
        self.recorder = Recorder(self.firehose, FIREHOSE, storage, sleep=self.clock.sleep, write_log=self.logs.append)
        self.capture(self.app.create())

    def capture(self, stream_arn: str) -> None:
        """Deploy for a stream: another stream has another mapping."""
        self.stream = Stream(stream_arn, self.clock)
        self.mapping = Mapping(self.stream, self.clock, self.invoke, self._keep_failed)

    def invoke(self, event: dict[str, Any]) -> Any:
        """Call the function."""
        return lambda_handler(event, LocalContext(self.clock, TIMEOUT), self.recorder)

    def wait(self, seconds: float, step: float = 60) -> None:
        """Let time go by, with the pipeline at work at each step of it."""
        until = self.clock.seconds + seconds
        self.work()
        while self.clock.seconds < until:
            self.clock.sleep(min(step, until - self.clock.seconds))
            self.work()

    def work(self) -> None:
        """Let each part do what it can do now."""
        self.stream.pull()
        self.mapping.poll()
        self.firehose.tick()

    def objects(self, under: str) -> list[str]:
        """The keys below a prefix of the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=under)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def undelivered(self) -> list[str]:
        """What waits to be redriven."""
        ours = self.objects(f"{PREFIX}failed/")
        set_aside = (f"{PREFIX}failed/done/", f"{PREFIX}failed/unreadable/")
        return [key for key in ours if not key.startswith(set_aside)] + self.objects(f"aws/lambda/{self.mapping.uuid}/")

    def read(self, key: str) -> bytes:
        """An object's content."""
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def _keep_failed(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


@contextmanager
def running() -> Iterator[Rig]:
    """A rig in the AWS of the fixture ``athena``."""
    clock = LocalClock(BEGIN)
    with mended(clock), tempfile.TemporaryDirectory() as scratch:
        yield Rig(clock, Path(scratch))
