"""The whole path on one clock: an application, its table's stream, the recorder, the delivery to S3, the attester."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3

from pipeline.common.aws import Aws
from pipeline.common.landing import Bucket
from pipeline.functions.attester.app import attest
from pipeline.functions.attester.observing import Clients, metric_queries
from pipeline.functions.attester.settings import Settings
from pipeline.functions.recorder.app import Recorder, lambda_handler
from pipeline.functions.recorder.storage import Storage
from pipeline.mend.redrive import History, Waiting, redrive, undelivered_files
from pipeline.replay.local import LocalClock, LocalContext
from tests.whole.app import App
from tests.whole.delivery import Delivery, Landing, OwnS3
from tests.whole.mapping import Mapping
from tests.whole.mended import mended
from tests.whole.stream import Stream

BEGIN: Final = datetime(2026, 3, 1, 20, 30, 0, 328_000, UTC).timestamp()
BUCKET, PREFIX = "histories", "of/things/"
FIREHOSE, FUNCTION = "things", "recorder"
#: The recorder's timeout in s.
TIMEOUT: Final = 60
_LOCATION: Final = {"LocationConstraint": "eu-west-1"}


@dataclass
class Rig:
    """All parts. Tests write through ``app``, let time go by with :meth:`wait`, and do harm to the parts."""

    clock: LocalClock = field(default_factory=lambda: LocalClock(BEGIN))
    scratch: Path = field(default_factory=Path)
    logs: list[dict[str, Any]] = field(default_factory=list)
    told: float = BEGIN

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=_LOCATION)
        self.app = App(self.clock)
        self.landing = Landing(self.s3, BUCKET, PREFIX, self.clock)
        self.firehose = Delivery(self.landing, self.clock, FIREHOSE, buffer_seconds=60)
        self.own_s3 = OwnS3(self.s3)
        storage = Storage(self.own_s3, BUCKET, PREFIX, lambda: self.clock.seconds)
        self.recorder = Recorder(self.firehose, FIREHOSE, storage, sleep=self.clock.sleep, write_log=self.logs.append)
        lambda_, cloudwatch, streams = (boto3.client(name) for name in ("lambda", "cloudwatch", "dynamodbstreams"))
        self.clients = Clients(self.app.dynamodb, lambda_, cloudwatch, self.s3, streams)
        _make_function(self.clients.lambda_)
        self.capture(self.app.create())

    def capture(self, stream_arn: str) -> None:
        """Deploy for a stream: another stream has another mapping."""
        self.stream = Stream(stream_arn, self.clock)
        self.mapping = Mapping(self.stream, self.clock, self.invoke, self._keep_failed, uuid=self._deploy(stream_arn))
        self.settings = Settings(
            self.app.table,
            stream_arn,
            self.mapping.uuid,
            FUNCTION,
            FIREHOSE,
            BUCKET,
            "things",
            PREFIX,
            buffer_seconds=int(self.firehose.buffer_seconds),
        )

    def enable(self, on: bool) -> None:
        """Switch the mapping."""
        self.clients.lambda_.update_event_source_mapping(UUID=self.mapping.uuid, Enabled=on)
        self.mapping.enabled = on

    def begin(self) -> None:
        """Be at work until a first attestation, from which on silence is attested; what is written comes after it."""
        self.wait(3_600)
        self.attest()
        self.clock.sleep(60)

    def attest(self) -> dict[str, Any]:
        """Run the attester."""
        return attest(self.clients, self.settings, self.clock.seconds)

    def invoke(self, event: dict[str, Any]) -> Any:
        """Call the function."""
        return lambda_handler(event, LocalContext(self.clock, TIMEOUT), self.recorder)

    def redrive(self) -> list[Waiting]:
        """Redrive all that is undelivered, as the command does."""
        aws = Aws()
        history = History(
            Bucket(aws, BUCKET, PREFIX),
            Bucket(aws, BUCKET),
            self.mapping.uuid,
            self.settings.table_arn,
            self.recorder.redaction,
        )
        return list(redrive(history, undelivered_files(history)))

    def wait(self, seconds: float) -> None:
        """Let time go by, with the pipeline at work at each step of it."""
        step = 60 if seconds <= 1_200 else 300 if seconds <= 3_600 else 600
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
        self._put_metrics()

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

    def _deploy(self, stream_arn: str) -> str:
        made = self.clients.lambda_.create_event_source_mapping(
            EventSourceArn=stream_arn,
            FunctionName=FUNCTION,
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{BUCKET}"}},
        )
        return str(made["UUID"])

    def _put_metrics(self) -> None:
        """What AWS would tell CloudWatch: polls in each minute while the mapping is on, IteratorAge for calls, which of
        them failed, and Firehose's."""
        ages, self.mapping.ages = self.mapping.ages, []
        failed, self.mapping.failed = self.mapping.failed, 0
        values = {"iterator_age": max(ages) * 1_000} if ages else {}
        values |= {"failed": float(failed)} if failed else {}
        values |= {"freshness": self.firehose.freshness, "success": float(not self.landing.refusing)}
        self._put(values, self.clock.seconds)
        came, self.firehose.came = self.firehose.came, []
        for moment, count in came:
            self._put({"incoming": float(count)}, moment)
        while self.told <= self.clock.seconds:
            if self.mapping.enabled:
                self._put({"polled": 1}, self.told)
            self.told += 60

    def _put(self, values: dict[str, float], seconds: float) -> None:
        data: dict[str, list[dict[str, Any]]] = {}
        for query in metric_queries(self.settings):
            if query["Id"] in values:
                metric = query["MetricStat"]["Metric"]
                datum = {"MetricName": metric["MetricName"], "Dimensions": metric["Dimensions"]}
                moment = datetime.fromtimestamp(seconds, UTC)
                told = data.setdefault(metric["Namespace"], [])
                told.append({**datum, "Value": values[query["Id"]], "Timestamp": moment})
        for namespace, told in data.items():
            self.clients.cloudwatch.put_metric_data(Namespace=namespace, MetricData=told)

    def _keep_failed(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def _make_function(lambda_: Any) -> None:
    """The recorder's name in moto's Lambda: the rig itself calls it."""
    role = boto3.client("iam").create_role(RoleName=FUNCTION, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("app.py", "")
    lambda_.create_function(
        FunctionName=FUNCTION, Runtime="python3.13", Role=role, Handler="app.f", Code={"ZipFile": packed.getvalue()}
    )


@contextmanager
def running() -> Iterator[Rig]:
    """A rig in the AWS of the fixture ``athena``."""
    clock = LocalClock(BEGIN)
    with mended(clock), tempfile.TemporaryDirectory() as scratch:
        yield Rig(clock, Path(scratch))
