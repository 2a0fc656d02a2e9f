"""Incremental exports: started once each, found again, and waited for.

Sources: DynamoDB API reference, ExportTableToPointInTime (a client token counts for 8 hours), ListExports (those of the
past 90 days), DescribeExport.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import Any, Final

from histlib.values.times import SECOND, from_micros, to_micros
from pipeline.backfill.plan import Table
from pipeline.backfill.target import Target
from pipeline.backfill.windows import Window
from pipeline.common.aws import Aws, RefusedError

_TYPE: Final = "INCREMENTAL_EXPORT"
_VIEW: Final = "NEW_AND_OLD_IMAGES"
_FORMAT: Final = "DYNAMODB_JSON"

#: DescribeExport's ExportDescription.
Description = dict[str, Any]


@dataclass
class Exports:
    """The exports of one table into one place; those that runs before have started are found again."""

    aws: Aws
    table: Table
    target: Target

    @cached_property
    def _earlier(self) -> dict[Window, list[Description]]:
        """Looked up once, when first needed: what this run starts itself is known to it."""
        found = defaultdict(list)
        for one in filter(self._ours, self._listed()):
            found[window_of(one)].append(one)
        return found

    def running(self, window: Window) -> Description | None:
        """An export of this window that goes on, or whose files are there; None where there is none."""
        usable = (one for one in self._earlier[window] if one["ExportStatus"] != "FAILED" and self._has_files(one))
        return next(usable, None)

    def start(self, window: Window) -> Description | None:
        """Start an export, the same again within 8 hours being the same one; None: too many are running.

        Raises:
            RefusedError: DynamoDB refuses it for another reason.
        """
        start, end = (from_micros(edge, UTC) for edge in window)
        key = {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": self.target.kms_key} if self.target.kms_key else {}
        try:
            answer = self.aws.call(
                "dynamodb",
                "export_table_to_point_in_time",
                TableArn=self.table.arn,
                ClientToken=self._token(window),
                S3Bucket=self.target.exports.bucket,
                S3Prefix=self.target.prefix,
                ExportType=_TYPE,
                ExportFormat=_FORMAT,
                IncrementalExportSpecification={
                    "ExportFromTime": start,
                    "ExportToTime": end,
                    "ExportViewType": _VIEW,
                },
                **key,
            )
        except RefusedError as error:
            if error.code == "LimitExceededException":
                return None
            raise
        return dict(answer["ExportDescription"])

    def look(self, export: Description) -> Description:
        """How an export stands now."""
        answer = self.aws.call("dynamodb", "describe_export", ExportArn=export["ExportArn"])
        return dict(answer["ExportDescription"])

    def _listed(self) -> Iterator[Description]:
        asked: dict[str, Any] = {"TableArn": self.table.arn}
        while True:
            page = self.aws.call("dynamodb", "list_exports", **asked)
            for one in page.get("ExportSummaries", ()):
                if one.get("ExportType") == _TYPE:
                    yield self.look(one)
            if not page.get("NextToken"):
                return
            asked["NextToken"] = page["NextToken"]

    def _ours(self, one: Description) -> bool:
        return (
            one["S3Bucket"] == self.target.exports.bucket
            and one.get("S3Prefix", "") == self.target.prefix
            and one.get("TableId", self.table.id) == self.table.id
            and one.get("ExportFormat") == _FORMAT
            and one["IncrementalExportSpecification"].get("ExportViewType") == _VIEW
        )

    def _has_files(self, one: Description) -> bool:
        """Whether it has not been converted, and its files taken away, before."""
        return one["ExportStatus"] == "IN_PROGRESS" or self.target.exports.has(self.target.summary_key(export_id(one)))

    def _token(self, window: Window) -> str:
        """One for each attempt: with that of an export that failed DynamoDB would only name that one again."""
        attempt = len(self._earlier[window])
        said = [self.table.id, *window, self.target.exports.bucket, self.target.prefix, self.target.kms_key, attempt]
        return "histlib-" + hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()[:28]


def export_id(export: Description) -> str:
    """The id with which DynamoDB names an export's folder."""
    return str(export["ExportArn"]).rpartition("/")[2]


def window_of(export: Description) -> Window:
    """The window of an incremental export."""
    told = export["IncrementalExportSpecification"]
    start, end = (to_micros(told[f"Export{edge}Time"]) // SECOND * SECOND for edge in ("From", "To"))
    return start, end


def failure(export: Description) -> str:
    """Why an export failed, as DynamoDB says it."""
    return f"{export.get('FailureCode', 'no code')}: {export.get('FailureMessage', 'no message')}"
