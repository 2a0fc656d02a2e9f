"""``python -m pipeline baseline --export``: a baseline from DynamoDB's own export, which reads nothing of the table.

AWS writes the export below ``exports/`` of the history, where no reader looks; from there its items become rows of the
landing, file by file, and the manifest comes last. An export's items are those of its time, exact to a minute, which is
what changes near a baseline are given anyhow (``histlib.format.exports.convert``). To run it again finds the export
under way, or one that is finished and not yet converted, and the files that are converted already.
"""

from __future__ import annotations

import gzip
import json
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from histlib.errors import SourceError
from histlib.format.exports.files import DamagedError, check_file
from histlib.format.exports.manifests import FILES, SUMMARY, DataFile, Export, opened, read_export
from histlib.values.times import from_micros
from pipeline.baseline.scan import EXPORTED_GB, Target
from pipeline.common.aws import Aws
from pipeline.common.errors import DeploymentError
from pipeline.functions.baseline.rows import RowMaker, Window, key_names
from pipeline.functions.baseline.step import Hears, Outcome
from pipeline.functions.recorder.images import MALFORMED
from pipeline.functions.recorder.redact import Redaction

#: Below this of the history AWS writes exports.
FOLDER: Final = "exports"
#: An export that began longer ago is not gone on with: its rows would land in a day long past.
GOES_ON_WITHIN: Final = timedelta(days=1)
POLL_SECONDS: Final = 15.0


def pitr_is_on(aws: Aws, table: str) -> bool:
    """Whether point-in-time recovery is on, without which there are no exports. Raises as ``Aws.call``."""
    found = aws.call("dynamodb", "describe_continuous_backups", TableName=table)["ContinuousBackupsDescription"]
    return bool(found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED")


def require_pitr(aws: Aws, table: str) -> None:
    """Raises DeploymentError where point-in-time recovery is off; says what to do."""
    if not pitr_is_on(aws, table):
        raise DeploymentError(
            f"point-in-time recovery of {table} is off, and only with it DynamoDB exports a table: turn it on (it "
            "costs by the table's size), or leave out --export to scan",
            table,
        )


def export_plan(aws: Aws, target: Target, now: datetime) -> list[str]:
    """What an export would do and cost, a line each.

    Raises:
        HistlibError: AWS cannot be asked.
    """
    size, found = target.table.get("TableSizeBytes", 0) / 1e9, find_export(aws, target, now)
    first = f"goes on with export {found['ExportArn']} ({found['ExportStatus']})" if found else "a new full export"
    cost = "none, it is paid for" if found else f"about ${size * EXPORTED_GB:,.4f} for {size:,.3f} GB"
    return [
        f"{first} of {target.name}",
        f"table: {target.table['TableArn']}, about {target.table.get('ItemCount', 0):,} items (as DynamoDB last "
        "counted); none of its read capacity is used",
        f"cost: {cost} at ${EXPORTED_GB:.2f} per GB exported (us-east-1; Regions differ)",
        f"writes: AWS the export below {target.location}{FOLDER}/, which may be deleted afterwards; from it "
        f"{target.location}changes/yyyy/MM/dd/baseline-<id>-*.gz, then {target.location}baseline/<id>.json",
    ]


def find_export(aws: Aws, target: Target, now: datetime) -> dict[str, Any] | None:
    """The newest export into this history that is to be gone on with: under way, or finished without a manifest."""
    ours = (export for export in _exports(aws, target) if _goes_on(aws, target, export, now))
    return max(ours, key=lambda export: export["StartTime"], default=None)


def run_export(
    aws: Aws,
    target: Target,
    hears: Hears,
    *,
    now: datetime | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Have the table exported, wait, and make a baseline of it.

    Raises:
        DeploymentError: the export failed, or is not whole, or of another table by this name.
        HistlibError: AWS cannot be asked. To run again goes on.
    """
    export = find_export(aws, target, now or datetime.now(UTC)) or _begin(aws, target)
    hears.said(f"export {export['ExportArn']}; it goes on without this command, run again to go on with it")
    export = _wait(aws, export, hears, sleep)
    with tempfile.TemporaryDirectory(prefix="histlib-export-") as folder:
        return _Conversion(aws, target, export, Path(folder), hears).run()


@dataclass
class _Conversion:
    """One finished export on its way into the landing, by way of ``folder`` on this machine."""

    aws: Aws
    target: Target
    described: dict[str, Any]
    folder: Path
    hears: Hears

    def run(self) -> Outcome:
        export = self._manifests()
        moment, redaction = export.window[0], Redaction(self.target.redact)
        id = f"{export.id}-{redaction.id}" if redaction.id else export.id
        schema = self.target.table["KeySchema"]
        rows = RowMaker(id, export.summary.table_arn, key_names(schema), redaction)
        day = from_micros(moment, UTC).strftime("%Y/%m/%d")
        names = [f"changes/{day}/baseline-{id}-{number:05}.gz" for number in range(len(export.files))]
        there = self._there(f"changes/{day}/baseline-{id}-")
        for name, file in zip(names, export.files, strict=True):
            if file.item_count and name not in there:
                self._convert(export, file, rows, name)
            self.hears.read(file.item_count)
        files = [name for name, file in zip(names, export.files, strict=True) if file.item_count]
        items = sum(file.item_count for file in export.files)
        told = {"read_begin": moment, "read_end": moment, "items": items, "files": files, "redaction": redaction.id}
        head = {"format": 1, "id": id, "kind": "export", "table": export.summary.table_arn}
        manifest = head | {"table_id": export.summary.table_id or None, **told, "key_schema": schema}
        self._put(f"baseline/{id}.json", json.dumps(manifest).encode())
        return Outcome(id, True, items, len(files))

    def _manifests(self) -> Export:
        """What the export's manifests say.

        Raises:
            DeploymentError: they are of another table of this name, or do not agree.
            SourceError: they cannot be read.
        """
        place = self.folder / "AWSDynamoDB" / export_id(self.described)
        (place / "data").mkdir(parents=True)
        for name in (SUMMARY, FILES):
            self._fetch(f"{self._base}{name}", place / name)
        export = read_export(place)
        expected, found = export.summary.item_count, sum(file.item_count for file in export.files)
        if export.damage or (expected is not None and expected != found):
            why = export.damage or f"its files have {found:,} items, its summary says {expected:,}"
            raise DeploymentError(f"export {export.id} is not whole: {why}; export once more", export.id)
        table_id = self.target.table.get("TableId")
        if table_id and export.summary.table_id and table_id != export.summary.table_id:
            raise DeploymentError(
                f"export {export.id} is of the table {export.summary.table_id}, by now {self.target.name} is another, "
                f"{table_id}: export once more",
                export.id,
            )
        return export

    @property
    def _base(self) -> str:
        prefix = str(self.described.get("S3Prefix") or "").strip("/")
        return f"{prefix}/AWSDynamoDB/{export_id(self.described)}/".lstrip("/")

    def _convert(self, export: Export, file: DataFile, rows: RowMaker, name: str) -> None:
        """Write one data file's items as rows; none of them where it is not as the manifest says."""
        source = export.folder / "data" / file.data_file_s3_key.rpartition("/")[2]
        made = self.folder / "rows.gz"
        self._fetch(file.data_file_s3_key, source)
        try:
            check_file(source, file)
            count = _write_rows(source, made, rows, Window(*export.window))
            if count != file.item_count:
                raise DamagedError(f"{count:,} items, the manifest says {file.item_count:,}")
        except (DamagedError, OSError, EOFError, zlib.error) as error:
            raise SourceError(
                f"s3://{self.target.bucket}/{file.data_file_s3_key}: {error}; export once more"
            ) from error
        with made.open("rb") as body:
            self._put(name, body)
        source.unlink()

    def _there(self, name: str) -> set[str]:
        prefix = self.target.prefix
        found = self.aws.each("s3", "list_objects_v2", "Contents", Bucket=self.target.bucket, Prefix=prefix + name)
        return {one["Key"].removeprefix(prefix) for one in found}

    def _fetch(self, key: str, path: Path) -> None:
        body = self.aws.call("s3", "get_object", Bucket=self.target.bucket, Key=key)["Body"]
        with path.open("wb") as out:
            for piece in body.iter_chunks(1 << 20):
                out.write(piece)

    def _put(self, name: str, body: Any) -> None:
        self.aws.call("s3", "put_object", Bucket=self.target.bucket, Key=self.target.prefix + name, Body=body)


def export_id(described: dict[str, Any]) -> str:
    """The id in an export's ARN, by which its folder is named."""
    return str(described["ExportArn"]).rpartition("/")[2]


def _write_rows(source: Path, made: Path, rows: RowMaker, window: Window) -> int:
    """The items of a data file as rows; how many. Raises DamagedError where a line is no item."""
    count = 0
    with opened(source) as lines, gzip.GzipFile(made, "wb", 6, mtime=0) as out:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                out.write(rows.row(json.loads(line)["Item"], window))
            except MALFORMED as error:
                raise DamagedError(f"line {number} is no item ({type(error).__name__})") from error
            count += 1
    return count


def _exports(aws: Aws, target: Target) -> Iterator[dict[str, Any]]:
    """Each full export of the table that AWS still tells of (90 days), described."""
    asked: dict[str, Any] = {"TableArn": target.table["TableArn"]}
    while True:
        page = aws.call("dynamodb", "list_exports", **asked)
        for one in page["ExportSummaries"]:
            if one.get("ExportType", "FULL_EXPORT") == "FULL_EXPORT" and one["ExportStatus"] != "FAILED":
                yield _describe(aws, one["ExportArn"])
        if not page.get("NextToken"):
            return
        asked["NextToken"] = page["NextToken"]


def _goes_on(aws: Aws, target: Target, export: dict[str, Any], now: datetime) -> bool:
    place = (export["S3Bucket"], str(export.get("S3Prefix") or "").strip("/"))
    if place != (target.bucket, f"{target.prefix}{FOLDER}") or now - export["StartTime"] > GOES_ON_WITHIN:
        return False
    redaction = Redaction(target.redact).id
    id = f"{export_id(export)}-{redaction}" if redaction else export_id(export)
    key = f"{target.prefix}baseline/{id}.json"
    return aws.find("s3", "head_object", Bucket=target.bucket, Key=key) is None


def _begin(aws: Aws, target: Target) -> dict[str, Any]:
    asked = {"TableArn": target.table["TableArn"], "S3Bucket": target.bucket, "S3Prefix": f"{target.prefix}{FOLDER}"}
    asked |= {"ExportFormat": "DYNAMODB_JSON", "ExportType": "FULL_EXPORT"}
    if target.kms_key_arn:
        asked |= {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": target.kms_key_arn}
    return dict(aws.call("dynamodb", "export_table_to_point_in_time", **asked)["ExportDescription"])


def _describe(aws: Aws, arn: str) -> dict[str, Any]:
    return dict(aws.call("dynamodb", "describe_export", ExportArn=arn)["ExportDescription"])


def _wait(aws: Aws, export: dict[str, Any], hears: Hears, sleep: Callable[[float], None]) -> dict[str, Any]:
    """The export as described when it is finished."""
    while export["ExportStatus"] == "IN_PROGRESS":
        sleep(POLL_SECONDS)
        export = _describe(aws, export["ExportArn"])
    if export["ExportStatus"] != "COMPLETED":
        why = f"{export.get('FailureCode')}: {export.get('FailureMessage')}"
        raise DeploymentError(f"export {export['ExportArn']} failed, {why}; mend it and run again", export["ExportArn"])
    hears.said("the export is complete; its items are written into the landing")
    return export
