"""The stand-in for incremental exports keeps DynamoDB's rules, so what works on it is allowed there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from histlib.values.times import from_micros
from tests.support.pipeline.backfill_world import ACCOUNT, ARN, HOUR, REGION, T0, World, a_world
from tests.support.pipeline.export_standin import DAY, MINUTE, SECOND


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with a_world(tmp_path, monkeypatch) as made:
        yield made


def export(start: int, end: int, token: str = "t", bucket: str = "exports") -> dict[str, Any]:
    asked = boto3.client("dynamodb").export_table_to_point_in_time(
        TableArn=ARN,
        ClientToken=token,
        S3Bucket=bucket,
        S3Prefix="p",
        ExportType="INCREMENTAL_EXPORT",
        ExportFormat="DYNAMODB_JSON",
        IncrementalExportSpecification={
            "ExportFromTime": from_micros(start, UTC),
            "ExportToTime": from_micros(end, UTC),
            "ExportViewType": "NEW_AND_OLD_IMAGES",
        },
    )
    return dict(asked["ExportDescription"])


def status(arn: str) -> dict[str, Any]:
    return dict(boto3.client("dynamodb").describe_export(ExportArn=arn)["ExportDescription"])


def refused(start: int, end: int, token: str = "t") -> str:
    with pytest.raises(ClientError) as error:
        export(start, end, token)
    return str(error.value.response["Error"]["Code"])


def test_windows_outside_the_limits_are_refused(world: World) -> None:
    """15 minutes and 24 hours are allowed, a second beyond either is not; nor is what recovery does not reach."""
    world.exports.recovery(ACCOUNT, REGION, T0, T0 + 2 * DAY)
    assert refused(T0, T0 + 15 * MINUTE - SECOND) == "ValidationException"
    assert refused(T0, T0 + DAY + SECOND) == "ValidationException"
    assert refused(T0 - SECOND, T0 + HOUR) == "InvalidExportTimeException"
    assert refused(T0 + DAY + HOUR, T0 + 2 * DAY + SECOND) == "InvalidExportTimeException"
    export(T0, T0 + 15 * MINUTE, "one")
    export(T0 + DAY, T0 + 2 * DAY, "two")
    boto3.client("dynamodb").update_continuous_backups(
        TableName="things", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    assert refused(T0, T0 + HOUR) == "PointInTimeRecoveryUnavailableException"


def test_a_token_is_one_export(world: World) -> None:
    """The same request with the same token is the same export; another request with it is refused; all are listed."""
    first = export(T0, T0 + HOUR)["ExportArn"]
    assert export(T0, T0 + HOUR)["ExportArn"] == first
    assert refused(T0, T0 + 2 * HOUR) == "ExportConflictException"
    others = {export(T0, T0 + HOUR, str(number))["ExportArn"] for number in range(2)}
    page = boto3.client("dynamodb").list_exports(TableArn=ARN)
    rest = boto3.client("dynamodb").list_exports(TableArn=ARN, NextToken=page["NextToken"])
    listed = [*page["ExportSummaries"], *rest["ExportSummaries"]]
    assert {one["ExportArn"] for one in listed} == {first, *others}


def test_it_goes_on_before_it_ends(world: World) -> None:
    """An export is IN_PROGRESS first; complete, its files are in S3; without a bucket it fails and says so."""
    world.exports.looks = 1
    arn = export(T0, T0 + DAY)["ExportArn"]
    assert (status(arn)["ExportStatus"], world.keys("exports")) == ("IN_PROGRESS", [])
    done = status(arn)
    assert done["ExportStatus"] == "COMPLETED"
    assert done["ExportManifest"] in world.keys("exports")
    assert done["ItemCount"] == 3  # a and d changed, c went; b came and went
    lost = export(T0, T0 + DAY, "other", "nowhere")["ExportArn"]
    status(lost)
    assert (status(lost)["ExportStatus"], status(lost)["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
