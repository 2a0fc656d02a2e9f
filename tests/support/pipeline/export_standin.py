"""Incremental exports in moto, which has none: made of recorded writes, by DynamoDB's rules.

Sources of the rules: DynamoDB API reference, ExportTableToPointInTime, DescribeExport; developer guide, "Requesting a
table export". Replaces three operations of moto's DynamoDB; all else (tables, S3, recovery's status) is moto's own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import s3_backends

from tests.support.history.exports import Image, incremental_export, net_changes

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND

Write = tuple[int, str, Image]


@dataclass
class ExportStandIn:
    """``writes`` (epoch µs, item, image after) are all that ever happened to the table, in order, from ``before`` on.

    An export is IN_PROGRESS for ``looks`` calls of DescribeExport. ``failing``: why the next exports of a window (its
    start) fail, one each. ``limit``: how many may run at once. ``damage`` changes a file's bytes before it is stored.
    """

    folder: Path
    table: str = "things"
    writes: Sequence[Write] = ()
    before: Mapping[str, Image] = field(default_factory=dict)
    looks: int = 1
    limit: int = 300
    failing: dict[int, list[str]] = field(default_factory=dict)
    damage: Any = None
    started: list[tuple[int, int]] = field(default_factory=list)
    most_running: int = 0
    _exports: dict[str, dict[str, Any]] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)
    _asked: dict[str, dict[str, Any]] = field(default_factory=dict)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the place of moto's own."""
        stand_in = self

        def export(response: DynamoHandler) -> ActionResult:
            return ActionResult({"ExportDescription": stand_in.export(response)})

        def describe(response: DynamoHandler) -> ActionResult:
            return ActionResult({"ExportDescription": stand_in.describe(response.body["ExportArn"])})

        def listed(response: DynamoHandler) -> ActionResult:
            return ActionResult(stand_in.listed(response.body))

        monkeypatch.setattr(DynamoHandler, "export_table_to_point_in_time", export)
        monkeypatch.setattr(DynamoHandler, "describe_export", describe)
        monkeypatch.setattr(DynamoHandler, "list_exports", listed)

    def recovery(self, account: str, region: str, earliest: int, latest: int) -> None:
        """Point-in-time recovery on, from and to these times (epoch µs): moto's begins when it is turned on."""
        told = dynamodb_backends[account][region].tables[self.table].continuous_backups
        told["PointInTimeRecoveryDescription"] = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "EarliestRestorableDateTime": earliest / SECOND,
            "LatestRestorableDateTime": latest / SECOND,
            "RecoveryPeriodInDays": 35,
        }

    def export(self, response: DynamoHandler) -> dict[str, Any]:
        """ExportTableToPointInTime."""
        body, token = response.body, response.body["ClientToken"]
        if token in self._asked:
            if self._asked[token]["body"] != body:
                raise _error("ExportConflictException", "same client token, other parameters")
            return self._exports[self._asked[token]["arn"]]
        window = self._check(response, body)
        arn = f"{body['TableArn']}/export/{window[1] // 1_000:014}-{len(self._exports):08x}"
        self._asked[token] = {"body": body, "arn": arn}
        self.started.append(window)
        self._exports[arn] = {
            "ExportArn": arn,
            "ExportStatus": "IN_PROGRESS",
            "StartTime": int(time.time()),
            "TableArn": body["TableArn"],
            **{name: body[name] for name in _ECHOED if name in body},
        }
        self._left[arn] = self.looks
        self.most_running = max(self.most_running, self._running())
        self._backend = s3_backends[response.current_account]["aws"]
        return self._exports[arn]

    def describe(self, arn: str) -> dict[str, Any]:
        """DescribeExport."""
        export = self._exports[arn]
        if export["ExportStatus"] == "IN_PROGRESS":
            if self._left[arn] <= 0:
                self._finish(export)
            self._left[arn] -= 1
        return export

    def listed(self, body: dict[str, Any]) -> dict[str, Any]:
        """ListExports, two a page."""
        first = int(body.get("NextToken", 0))
        names = ("ExportArn", "ExportStatus", "ExportType")
        page = [{name: one[name] for name in names} for one in list(self._exports.values())[first : first + 2]]
        more = {"NextToken": str(first + 2)} if first + 2 < len(self._exports) else {}
        return {"ExportSummaries": page, **more}

    def _running(self) -> int:
        return sum(one["ExportStatus"] == "IN_PROGRESS" for one in self._exports.values())

    def _check(self, response: DynamoHandler, body: dict[str, Any]) -> tuple[int, int]:
        told = dynamodb_backends[response.current_account][response.region].tables[self.table].continuous_backups
        recovery = told["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
            raise _error("PointInTimeRecoveryUnavailableException", "Point in time recovery is not enabled")
        start, end = _window(body)
        if not 15 * MINUTE <= end - start <= DAY:
            raise _error("ValidationException", "The export period must be between 15 minutes and 24 hours")
        earliest, latest = (recovery[f"{edge}RestorableDateTime"] * SECOND for edge in ("Earliest", "Latest"))
        if start < earliest or end > latest or start < (time.time() - 35 * 86_400) * SECOND:
            raise _error("InvalidExportTimeException", "The specified ExportTime is outside of the recovery window")
        if self._running() >= self.limit:
            raise _error("LimitExceededException", "Too many exports at once")
        return start, end

    def _finish(self, export: dict[str, Any]) -> None:
        start, end = _window(export)
        export["EndTime"] = int(time.time())
        if self.failing.get(start):
            code = self.failing[start].pop(0)
            export |= {"ExportStatus": "FAILED", "FailureCode": code, "FailureMessage": f"it could not be: {code}"}
        elif export["S3Bucket"] not in self._backend.buckets:
            missing = "The specified bucket does not exist"
            export |= {"ExportStatus": "FAILED", "FailureCode": "S3NoSuchBucket", "FailureMessage": missing}
        else:
            self._store(export, start, end)

    def _store(self, export: dict[str, Any], start: int, end: int) -> None:
        name = export["ExportArn"].rpartition("/")[2]
        changes = net_changes(self.writes, self.before, start, end)
        told = {"tableArn": export["TableArn"], "s3Prefix": export["S3Prefix"]}
        root = self.folder / name
        incremental_export(root, changes, start, end, name=name, **told)
        for path in filter(Path.is_file, sorted(root.rglob("*"))):
            data = path.read_bytes() if self.damage is None else self.damage(path, path.read_bytes())
            if data is not None:
                key = f"{export['S3Prefix']}/{path.relative_to(root).as_posix()}"
                self._backend.put_object(export["S3Bucket"], key, data)
        manifest = f"{export['S3Prefix']}/AWSDynamoDB/{name}/manifest-summary.json"
        export |= {"ExportStatus": "COMPLETED", "ExportManifest": manifest, "ItemCount": len(changes)}


_ECHOED = ("ClientToken", "S3Bucket", "S3Prefix", "S3SseAlgorithm", "S3SseKmsKeyId", "ExportFormat", "ExportType",
           "IncrementalExportSpecification")  # fmt: skip


def _window(body: dict[str, Any]) -> tuple[int, int]:
    told = body["IncrementalExportSpecification"]
    start, end = (told[f"Export{edge}Time"] for edge in ("From", "To"))
    return _micros(start), _micros(end)


def _micros(moment: datetime) -> int:
    """moto gives times in UTC, without a zone."""
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * SECOND


def _error(code: str, message: str) -> DynamodbException:
    return DynamodbException(f"com.amazonaws.dynamodb.v20120810#{code}", message)
