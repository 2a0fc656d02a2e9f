"""A table with writes of the past, in moto with exports that work, and ways to run a backfill of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import histlib
from histlib.history import History
from histlib.values.image_json import item_to_dynamodb
from pipeline.cli import main
from pipeline.common.deployment import Deployment
from tests.support.history.exports import Image, iso
from tests.support.pipeline.export_standin import DAY, SECOND, ExportStandIn

REGION, ACCOUNT = "us-east-1", "123456789012"
ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/things"
HOUR = 3_600 * SECOND
#: A midnight ten days ago.
T0 = (int(time.time()) // 86_400 - 10) * DAY

BEFORE: dict[str, Image] = {"a": {"v": 1}, "c": {"v": 7}}
#: In two days: b comes and goes within one, c goes; the last five may be a stream's.
WRITES: list[tuple[int, str, Image]] = [
    (T0 + 1 * HOUR + 5, "a", {"v": 2}),
    (T0 + 2 * HOUR + 7, "b", {"v": 1}),
    (T0 + 3 * HOUR + 7, "b", None),
    (T0 + 4 * HOUR, "c", None),
    (T0 + 5 * HOUR, "a", {"v": 3, "email": "a@example.com"}),
    (T0 + 23 * HOUR, "d", {"v": 1}),
    (T0 + 25 * HOUR, "a", {"v": 4}),
    (T0 + 26 * HOUR, "d", {"v": 2}),
    (T0 + 37 * HOUR, "a", {"v": 5}),
    (T0 + 38 * HOUR, "b", {"v": 2}),
    (T0 + 40 * HOUR, "a", {"v": 6}),
    (T0 + 41 * HOUR, "d", None),
    (T0 + 42 * HOUR, "c", {"v": 8}),
]

OUTPUTS = {
    "source": "existing",
    "table_name": "things",
    "stream_arn": f"{ARN}/stream/2020-01-01T00:00:00.000",
    "history_bucket": "shop-history",
    "history_prefix": "shop/",
    "retention_days": "0",
    "redact": "",
    "kms_key_arn": "",
    **{name: name for name in Deployment.__dataclass_fields__ if name.endswith(("_function", "_id", "_stream"))},
    **{name: name for name in ("glue_database", "glue_table", "workgroup", "results_location")},
}


@dataclass
class World:
    """moto with the table ``things``, the buckets ``shop-history`` and ``exports``, and exports that are made."""

    exports: ExportStandIn
    folder: Path
    patch: pytest.MonkeyPatch

    def deploy(self, **outputs: str) -> None:
        """A stack as CloudFormation tells of it after ``deploy`` (moto's needs packages that nothing else does)."""
        outputs = OUTPUTS | outputs
        told = [
            {"OutputKey": "".join(word.capitalize() for word in name.split("_")), "OutputValue": value}
            for name, value in outputs.items()
        ]
        stack = {"StackName": "histlib-things", "StackStatus": "CREATE_COMPLETE", "Outputs": told}
        self.patch.setattr(
            "pipeline.common.deployment.find_stack", lambda aws, name: stack if name in stack.values() else None
        )

    def run(self, *extra: str, start: int = T0, end: int = T0 + 2 * DAY, into: bool = True) -> int:
        """``python -m pipeline backfill``, agreed to, into a folder unless there is a stack; its exit code."""
        where = ["--into", str(self.folder), "--export-bucket", "exports"] if into else []
        times = ["--from", iso(start), "--to", iso(end)]
        return main(["backfill", "--table", "things", "--region", REGION, *times, *where, "--yes", *extra])

    def keys(self, bucket: str) -> list[str]:
        """The keys of a bucket's objects."""
        listed = boto3.client("s3").list_objects_v2(Bucket=bucket)
        return [one["Key"] for one in listed.get("Contents", ())]

    def history(self, source: str = "") -> History:
        """The folder's history, or another's."""
        return histlib.connect(source or str(self.folder), cache=self.folder.parent / "cache")


@contextmanager
def a_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """moto as it is said above, and a backfill that does not wait between its looks."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr("pipeline.backfill.running.POLL_SECONDS", 0)
    with mock_aws():
        yield _make_world(tmp_path, monkeypatch)


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    boto3.client("dynamodb").create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for bucket in ("shop-history", "exports"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    stand_in = ExportStandIn(tmp_path / "made", writes=WRITES, before=BEFORE)
    stand_in.install(monkeypatch)
    now = int(time.time()) * SECOND
    stand_in.recovery(ACCOUNT, REGION, now - 35 * DAY, now - 300 * SECOND)
    return World(stand_in, tmp_path / "history", monkeypatch)


def truth(item: str, moment: int) -> dict[str, Any] | None:
    """What an item was at a moment, after the writes of that instant."""
    image = BEFORE.get(item)
    for at, name, after in WRITES:
        if name == item and at <= moment:
            image = after
    return None if image is None else {"id": item, **image}


def stream_event(stream: str, since: int) -> dict[str, Any]:
    """The Lambda event of all writes from a time on."""
    images = {item: truth(item, since - 1) for item in "abcd"}
    records = []
    for number, (at, item, after) in enumerate(WRITES):
        if at < since:
            continue
        old, new = images[item], None if after is None else {"id": item, **after}
        images[item] = new
        shown = {"OldImage": old and item_to_dynamodb(old), "NewImage": new and item_to_dynamodb(new)}
        records.append(
            {
                "eventID": f"event-{number}",
                "eventName": "REMOVE" if new is None else "MODIFY" if old else "INSERT",
                "eventSource": "aws:dynamodb",
                "eventSourceARN": stream,
                "dynamodb": {
                    "ApproximateCreationDateTime": at // SECOND,
                    "Keys": {"id": {"S": item}},
                    **{name: image for name, image in shown.items() if image},
                    "SequenceNumber": f"{number + 1:021}",
                    "SizeBytes": 1,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
            }
        )
    return {"Records": records}
