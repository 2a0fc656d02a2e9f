"""A baseline by DynamoDB's export: moto's control plane, with the files that AWS writes and moto does not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from histlib.errors import SourceError
from histlib.rules.coverage.baselines import read_manifest
from histlib.values.times import from_micros
from pipeline.baseline.export import find_export, pitr_is_on, run_export
from pipeline.baseline.scan import Target
from pipeline.common.aws import Aws
from pipeline.common.errors import DeploymentError
from pipeline.functions.baseline.step import Hears
from tests.support.history.exports import full_export
from tests.support.pipeline.baseline_world import BUCKET, PREFIX, TABLE, World, world

NOW = datetime(2026, 1, 15, 12, 0, 30, tzinfo=UTC)
MOMENT = 1_768_478_400_000_000  # 2026-01-15T12:00:00Z


class ExportingAws(Aws):
    """Calls moto, but answers those of exports as AWS does: an export takes some asking, then its files are there."""

    def __init__(self, aws: World, folder: Path, items: list[dict[str, Any]], **told: Any) -> None:
        self.world, self.folder, self.items, self.told = aws, folder, items, told
        self.exports: dict[str, dict[str, Any]] = {}
        self.takes = 2
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def client(self, service: str) -> Any:
        return self.world.dynamo if service == "dynamodb" else self.world.s3

    def call(self, service: str, operation: str, **asked: Any) -> dict[str, Any]:
        self.calls.append((operation, asked))
        own = getattr(self, f"_{operation}", None)
        return own(**asked) if own else super().call(service, operation, **asked)

    profile = None

    def _export_table_to_point_in_time(self, **asked: Any) -> dict[str, Any]:
        id = f"{MOMENT // 1_000:014}-{len(self.exports):08x}"
        arn = f"{asked['TableArn']}/export/{id}"
        self.exports[arn] = asked | {"ExportArn": arn, "ExportStatus": "IN_PROGRESS", "StartTime": NOW}
        return {"ExportDescription": dict(self.exports[arn])}

    def _describe_export(self, ExportArn: str) -> dict[str, Any]:
        export = self.exports[ExportArn]
        self.takes -= 1
        if self.takes <= 0 and export["ExportStatus"] == "IN_PROGRESS":
            export["ExportStatus"] = "COMPLETED"
            self._write(export)
        return {"ExportDescription": dict(export)}

    def _list_exports(self, **asked: Any) -> dict[str, Any]:
        found = [{"ExportArn": arn, "ExportStatus": one["ExportStatus"]} for arn, one in self.exports.items()]
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"ExportSummaries": found[at : at + 1], **more}

    def _write(self, export: dict[str, Any]) -> None:
        id, prefix = export["ExportArn"].rpartition("/")[2], export["S3Prefix"]
        root = full_export(self.folder, self.items, MOMENT, name=id, tableArn=export["TableArn"], **self.told)
        files = (root / "manifest-files.json").read_text().replace("some/prefix/", f"{prefix}/")
        (root / "manifest-files.json").write_text(files)
        for path in root.rglob("*.*"):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(self.folder).as_posix()}"
                self.world.s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())


ITEMS = [{"id": f"i{number}", "email": "x", "n": number} for number in range(7)]


@pytest.fixture
def aws() -> Iterator[World]:
    with world() as made:
        yield made


def target(aws: World, redact: str = "") -> Target:
    return Target(aws.dynamo.client.describe_table(TableName=TABLE)["Table"], BUCKET, PREFIX, redact)


def run(asked: ExportingAws, redact: str = "", sleep: Any = lambda seconds: None) -> Any:
    return run_export(asked, target(asked.world, redact), Hears(), now=NOW, sleep=sleep)


def test_histlib_reads_it_back(aws: World, tmp_path: Path) -> None:
    """The items of an export are present by the baseline at its time, others absent, and nothing of the table is
    read."""
    asked = ExportingAws(aws, tmp_path / "export", ITEMS)
    outcome = run(asked)
    assert (outcome.items, outcome.files, aws.dynamo.scans) == (7, 2, [])
    manifest = read_manifest(aws.body(f"{PREFIX}baseline/{outcome.id}.json").decode())
    assert (manifest.kind, manifest.read_begin, manifest.read_end) == ("export", MOMENT, MOMENT)
    history = aws.history(tmp_path / "history")
    moment = from_micros(MOMENT, UTC)
    assert len(history.snapshot_at(moment)) == 7
    state = history.state_at("i3", moment)
    assert (state.evidence, state.item) == ("baseline", ITEMS[3])
    assert history.state_at("nobody", moment).status == "absent"


def test_redacted(aws: World, tmp_path: Path) -> None:
    """What must not be stored is in no row of the landing."""
    outcome = run(ExportingAws(aws, tmp_path, ITEMS), "email")
    manifest = read_manifest(aws.body(f"{PREFIX}baseline/{outcome.id}.json").decode())
    texts = [gzip.decompress(aws.body(PREFIX + file)).decode() for file in manifest.files]
    found = [json.loads(line) for text in texts for line in text.splitlines()]
    assert sorted(row["new_image"] for row in found) == [f'{{"id":"i{n}","n":{n}}}' for n in range(7)]
    assert {row["redaction"] for row in found} == {manifest.redaction}
    assert manifest.redaction


def test_interrupted_while_waiting(aws: World, tmp_path: Path) -> None:
    """Interrupted while AWS exports, it goes on with that export, and pays for no second one."""
    asked = ExportingAws(aws, tmp_path, ITEMS)
    asked.takes = 5

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(asked, sleep=interrupt)
    assert run(asked).items == 7
    assert len(asked.exports) == 1


def test_interrupted_while_converting(aws: World, tmp_path: Path) -> None:
    """Interrupted between two files, the files written are not written again, and the manifest comes last."""
    asked = ExportingAws(aws, tmp_path, ITEMS)
    puts: list[str] = []

    def put(**given: Any) -> dict[str, Any]:
        puts.append(given["Key"])
        if len(puts) == 2:
            raise KeyboardInterrupt
        return dict(aws.s3.put_object(**given))

    asked._put_object = put  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        run(asked)
    assert run(asked).files == 2
    assert len(puts) == 4
    assert "/changes/" in puts[0] and puts[1] == puts[2] != puts[0]
    assert puts[3].startswith(f"{PREFIX}baseline/")


def test_once_converted_the_next_is_a_new_one(aws: World, tmp_path: Path) -> None:
    """An export that became a baseline, or began more than a day ago, is not taken for one under way."""
    asked = ExportingAws(aws, tmp_path, ITEMS)
    first = run(asked)
    assert find_export(asked, target(aws), NOW) is None
    asked.takes = 2
    assert run(asked).id != first.id
    aws.s3.delete_object(Bucket=BUCKET, Key=f"{PREFIX}baseline/{first.id}.json")
    assert find_export(asked, target(aws), NOW) is not None
    assert find_export(asked, target(aws), NOW.replace(day=17)) is None


def test_an_export_that_fails(aws: World, tmp_path: Path) -> None:
    """A failed export says AWS's reason, and the next run begins a new one."""
    asked = ExportingAws(aws, tmp_path, ITEMS)

    def fail(seconds: float) -> None:
        failed = {"ExportStatus": "FAILED", "FailureCode": "S3AccessDenied", "FailureMessage": "no"}
        next(iter(asked.exports.values())).update(failed)

    with pytest.raises(DeploymentError, match="failed, S3AccessDenied: no"):
        run(asked, sleep=fail)
    assert find_export(asked, target(aws), NOW) is None


@pytest.mark.parametrize("harm", ["changed", "short"])
def test_a_damaged_file(aws: World, tmp_path: Path, harm: str) -> None:
    """A data file that is not as the manifest says gives no row, and there is no manifest."""
    asked = ExportingAws(aws, tmp_path, ITEMS)
    asked.takes = 0
    written = asked._write

    def damage(export: dict[str, Any]) -> None:
        written(export)
        key = max((key for key in aws.objects() if key.endswith(".json.gz")), key=lambda key: len(aws.body(key)))
        body = gzip.compress(b'{"Item":{}}\n') if harm == "changed" else aws.body(key)[:-9]
        aws.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    asked._write = damage  # type: ignore[method-assign]
    with pytest.raises(
        SourceError, match=r"(not the file that was exported|ended before the end-of-stream).*; export once more"
    ):
        run(asked)
    assert not [key for key in aws.objects() if "/changes/" in key and key.endswith("-00000.gz")]
    assert not [key for key in aws.objects() if "/baseline/" in key]


def test_its_summary_counts_otherwise(aws: World, tmp_path: Path) -> None:
    """An export whose summary counts other items than its files is not whole."""
    with pytest.raises(DeploymentError, match="its files have 7 items, its summary says 8"):
        run(ExportingAws(aws, tmp_path, ITEMS, itemCount=8))


def test_of_a_table_made_anew(aws: World, tmp_path: Path) -> None:
    """An export of the table that had this name before is refused."""
    made = target(aws)
    anew = Target(made.table | {"TableId": "another"}, BUCKET, PREFIX)
    with pytest.raises(DeploymentError, match="by now things is another"):
        run_export(ExportingAws(aws, tmp_path, ITEMS), anew, Hears(), now=NOW, sleep=lambda seconds: None)


def test_point_in_time_recovery(aws: World, tmp_path: Path) -> None:
    """Whether exports are possible is asked of AWS."""
    asked = ExportingAws(aws, tmp_path, [])
    assert not pitr_is_on(asked, TABLE)
    enabled = {"PointInTimeRecoveryEnabled": True}
    aws.dynamo.client.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=enabled)
    assert pitr_is_on(asked, TABLE)
