"""An AWS (moto's, in this process) with a deployed history of which some lies undelivered."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest import mock

import pytest
from moto import mock_aws

import histlib
from pipeline.cli import main
from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment, read_deployment
from pipeline.functions.recorder.record import convert
from pipeline.functions.recorder.redact import Redaction
from pipeline.mend.redrive import History, history_of
from tests.support.pipeline.capture import STREAM, record

REGION = "ap-northeast-1"
BUCKET = "histories"
PREFIX = "of/todo/"
TABLE = "todo-sample-table"
MAPPING = "0c8a7ac8-5cd3-4b5c-9f6e-0d0a2c9f3f10"
SOURCE = f"s3://{BUCKET}/{PREFIX.rstrip('/')}"
FIRST = 1_603_679_304  # 2020-10-26 02:28:24 UTC
DAY = "2020/10/26"
KEY = {"todoId": "t1"}


def change(number: int, title: str, **dynamodb: Any) -> dict[str, Any]:
    """The stream record of t1's change ``number``, a minute after the one before it: its title becomes so."""
    made = record(number, title={"S": title})
    key = {"todoId": {"S": "t1"}}
    made["dynamodb"] |= {"Keys": key, "ApproximateCreationDateTime": FIRST + 60 * number}
    made["dynamodb"] |= {"NewImage": {**key, "title": {"S": title}}, **dynamodb}
    if number > 1:
        made["eventName"] = "MODIFY"
        made["dynamodb"].setdefault("OldImage", {**key, "title": {"S": f"{number - 1}"}})
    return made


def line(made: dict[str, Any], redact: str = "") -> bytes:
    """It as a line of the landing."""
    return convert(made, Redaction(redact)).data


def batch(*records: Any) -> bytes:
    """What Lambda keeps of a batch."""
    return json.dumps({"version": "1.0", "payload": json.dumps({"Records": records})}).encode()


def refused(*lines: bytes) -> bytes:
    """What Firehose keeps below its error prefix."""
    told = {"attemptsMade": 4, "arrivalTimestamp": 1, "errorCode": "x", "errorMessage": "y"}
    return b"".join(json.dumps({**told, "rawData": base64.b64encode(one).decode()}).encode() + b"\n" for one in lines)


#: Where each kind of undelivered object lies, and how it holds records.
SHAPES: dict[str, tuple[str, Callable[..., bytes]]] = {
    "record": (f"{PREFIX}failed/records/{2:040}", lambda made: json.dumps(made).encode()),
    "lambda": (f"aws/lambda/{MAPPING}/shardId-0/2020/10/26/2020-10-26T03.00.00-x", batch),
    "firehose": (f"{PREFIX}failed/firehose/processing-failed/2020/10/26/x", lambda made: refused(line(made))),
    "firehose gzip": (f"{PREFIX}failed/firehose/x.gz", lambda made: gzip.compress(refused(line(made)))),
}


@dataclass
class Deployed:
    """The deployment in its AWS. ``calls`` are S3 operations that were asked; the ``kill``-th raises instead."""

    aws: Aws
    cache: Path
    calls: list[str] = field(default_factory=list)
    kill: int | None = None

    @property
    def s3(self) -> Any:
        """A client whose calls do not count."""
        return self.aws.session.client("s3", region_name=REGION)

    def put(self, key: str, body: bytes) -> None:
        """An object."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """What an object holds."""
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def listed(self, prefix: str = "") -> list[str]:
        """All keys that begin so."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [one["Key"] for one in found]

    def landed(self) -> list[dict[str, Any]]:
        """All lines of the landing."""
        keys = [key for key in self.listed(f"{PREFIX}changes/") if key.endswith(".gz")]
        return [json.loads(one) for key in keys for one in gzip.decompress(self.get(key)).splitlines()]

    def land(self, *records: dict[str, Any], name: str = "a.gz", day: str = DAY, redact: str = "") -> None:
        """An object of the landing."""
        lines = b"".join(line(one, redact) for one in records)
        self.put(f"{PREFIX}changes/{day}/{name}", gzip.compress(lines, mtime=0))

    def history(self) -> histlib.History:
        """As a user connects."""
        return histlib.connect(SOURCE, cache=self.cache, region=REGION)

    def deployment(self) -> Deployment:
        """As commands read it."""
        return read_deployment(self.aws, TABLE)

    def opened(self) -> History:
        """As commands work on it."""
        return history_of(self.aws, self.deployment())

    def count(self, **_: Any) -> None:
        """A call of S3 begins."""
        self.calls.append("call")
        if self.kill is not None and len(self.calls) > self.kill:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's own AWS."""
    for name in ("AWS_PROFILE", "HISTLIB_SOURCE", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@contextmanager
def deployed(tmp_path: Path, redact: str = "") -> Iterator[Deployed]:
    """A stack with these outputs, an empty bucket."""
    with mock_aws(), _stack(redact) as url, mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL_CLOUDFORMATION": url}):
        found = Deployed(Aws(region=REGION), tmp_path / "cache")
        place = {"LocationConstraint": REGION}
        found.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        found.aws.client("s3").meta.events.register("before-call", found.count)
        yield found


@contextmanager
def _stack(redact: str) -> Iterator[str]:
    """CloudFormation, knowing one stack: moto's needs packages that the tests lack."""
    outputs = {
        "TableName": TABLE,
        "StreamArn": STREAM,
        "HistoryBucket": BUCKET,
        "HistoryPrefix": PREFIX,
        "Redact": redact,
        "MappingId": MAPPING,
    }
    names = ["".join(word.capitalize() for word in one.name.split("_")) for one in fields(Deployment)[2:]]
    told = "".join(
        f"<member><OutputKey>{name}</OutputKey><OutputValue>{outputs.get(name, '-')}</OutputValue></member>"
        for name in names
    )
    body = (
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackStatus>CREATE_COMPLETE</StackStatus>"
        f"<StackName>histlib-{TABLE}</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>"
        f"<Outputs>{told}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def run(*arguments: str) -> int:
    """The command line."""
    return main([*arguments, "--region", REGION])
