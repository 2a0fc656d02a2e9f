"""What a backfill refuses, what it says of exports that go wrong, and what it says before it starts any."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import boto3
import pytest

from histlib.values.times import from_micros
from pipeline.cli import main
from pipeline.common.landing import Folder
from tests.support.pipeline.backfill_world import ACCOUNT, ARN, HOUR, REGION, T0, World, a_world, tree
from tests.support.pipeline.export_standin import DAY, MINUTE


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with a_world(tmp_path, monkeypatch) as made:
        yield made


def state(world: World, item: str, micros: int) -> Any:
    return world.history().state_at(item, from_micros(micros, UTC))


# --- what goes wrong ---


def test_an_export_that_failed_says_why_and_is_tried_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The other windows are done, the failed one is named with DynamoDB's reason, and the next run starts a new one."""
    world.exports.failing = {T0: ["S3AccessDenied"]}
    assert world.run() == 1
    said = capsys.readouterr().err
    assert f"{from_micros(T0, UTC)} to {from_micros(T0 + DAY, UTC)} is missing" in said
    assert "failed, S3AccessDenied: it could not be: S3AccessDenied" in said
    assert state(world, "a", T0 + 2 * DAY).item == {"id": "a", "v": 6}
    assert world.run() == 0
    assert world.exports.started.count((T0, T0 + DAY)) == 2
    assert state(world, "a", T0).caveats == ()


@pytest.mark.parametrize(
    ("suffix", "damage", "reason"),
    [
        (".json.gz", lambda data: gzip.compress(b"", mtime=0), "not the file that was exported"),
        (".json.gz", lambda data: data[:-4], "Compressed file ended"),
        (".json.gz", lambda data: None, "404"),
        ("manifest-summary.json", lambda data: data.replace(b'"itemCount": ', b'"itemCount": 1'), "the manifest says"),
        ("manifest-summary.json", lambda data: b"{", "cannot be read"),
        ("manifest-files.json", lambda data: data.replace(b'"itemCount": ', b'"itemCount": 1'), "the manifest says"),
    ],
)
def test_a_damaged_export_leaves_nothing(
    world: World, capsys: pytest.CaptureFixture[str], suffix: str, damage: Any, reason: str
) -> None:
    """Files that are not as the manifests say are an error that says so, and no row of them is in the history."""
    world.exports.damage = lambda path, data: damage(data) if path.name.endswith(suffix) else data
    assert world.run(end=T0 + DAY) == 1
    assert reason in capsys.readouterr().err
    assert tree(world.folder) == {}


def test_too_many_exports_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DynamoDB allows fewer exports at once, the others wait for them."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # botocore's, before it asks again
    world.exports.limit = 1
    world.exports.limit = 1
    assert world.run("--window", "12h") == 0
    assert len(world.exports.started) == 4
    assert world.exports.most_running == 1


@pytest.mark.parametrize(
    ("start", "end", "code", "said"),
    [
        ("-36d", "-34d", 2, "more than 35 days back"),
        ("-2h", "-106m", 2, "shorter than the 15 minutes"),
        ("-6m", "now", 2, "the latest that can be exported now"),
        ("02:28", "now", 2, "the day is missing"),
        ("1603679304", "now", 2, "a bare number"),
        ("-1h", "-2h", 2, "is not before end"),
    ],
)
def test_times_are_checked_first(
    world: World, capsys: pytest.CaptureFixture[str], start: str, end: str, code: int, said: str
) -> None:
    """What cannot be exported is refused, with the reason, before anything is started."""
    given = ["backfill", "--table", "things", f"--from={start}", f"--to={end}", "--yes"]
    assert main([*given, "--into", str(world.folder), "--export-bucket", "exports"]) == code
    assert said in capsys.readouterr().err
    assert world.exports.started == []


def test_before_the_recovery_began(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Recovery that was turned on later than asked for is named with its begin; from its begin on, it works."""
    world.exports.recovery(ACCOUNT, REGION, T0 + HOUR, T0 + 9 * DAY)
    assert world.run() == 2
    assert f"is before {from_micros(T0 + HOUR, UTC)}" in capsys.readouterr().err
    assert world.run(start=T0 + HOUR) == 0


def test_recovery_that_is_off(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Without point-in-time recovery there is nothing to export, and the error says so; without a table likewise."""
    boto3.client("dynamodb").update_continuous_backups(
        TableName="things", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    assert world.run() == 3
    assert "has point-in-time recovery off" in capsys.readouterr().err
    boto3.client("dynamodb").delete_table(TableName="things")
    assert world.run() == 3
    assert f"no table things in {REGION}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--window", "14min"], "an export is of 15min to 24h"),
        (["--window", "25h"], "an export is of 15min to 24h"),
        (["--tz", "Mars/Olympus"], "no time zone"),
        (["--stack", "x"], "give one"),
        (["--redact", "a["], "REDACT"),
    ],
)
def test_what_does_not_go_together(
    world: World, capsys: pytest.CaptureFixture[str], extra: list[str], said: str
) -> None:
    """Options that mean nothing together, or nothing at all, are refused beforehand."""
    assert world.run(*extra) == 2
    assert said in capsys.readouterr().err
    assert world.exports.started == []


def test_another_table_s_history(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A place with windows of another table is refused."""
    other = {"format": 1, "id": "x", "kind": "incremental", "table": f"{ARN}2", "start": 1, "end": 2, "items": 0}
    Folder(world.folder).put("baseline/backfill-x.json", json.dumps(other).encode())
    assert world.run() == 3
    assert f"holds windows of {ARN}2" in capsys.readouterr().err


# --- what it says beforehand ---


def test_dry_run_is_exact(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Every export, what it costs and where all goes; nothing is started or written."""
    assert world.run("--dry-run", "--redact", "email", end=T0 + DAY + 20 * MINUTE) == 0
    day = [f"{from_micros(T0 + n * DAY, UTC)}" for n in (0, 1)]
    last = f"{from_micros(T0 + DAY + 20 * MINUTE, UTC)}"
    assert capsys.readouterr().out == (
        f"Table {ARN}, {day[0]} to {last}, into {world.folder}:\n"
        f"  start an export: {day[0]} to {day[1]}\n"
        f"  start an export: {day[1]} to {last}\n"
        "Exports go to s3://exports/histlib-exports/things/AWSDynamoDB/ and are removed once converted.\n"
        "Never stored in the history, but in exports: email.\n"
        "Inside a window only an item's last write is told, and answers say net_change; its ends are exact.\n"
        "Cost: 2 exports, billed by the change data of that time which they process. At 0.10 USD a GB and at least "
        "10 MB each (assumed: us-east-1) 0.002 USD at least, and 0.10 USD for each GB more; about 18 S3 puts, and 2 "
        "for each data file, at 0.005 USD a 1,000.\n"
    )
    assert world.exports.started == []
    assert tree(world.folder) == {}


def test_what_the_pipeline_tells_too_is_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Windows into the time of the deployment's stream are said to sum up what it tells; before it nothing is."""
    for after, said in ((DAY, 1), (2 * DAY, 0)):
        world.deploy(stream_arn=f"{ARN}/stream/{from_micros(T0 + after, UTC):%Y-%m-%dT%H:%M:%S.000}")
        assert world.run("--dry-run", into=False) == 0
        assert capsys.readouterr().out.count("The pipeline's stream began at") == said


def test_nobody_to_ask(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --yes and without a person nothing is started."""
    given = ["backfill", "--table", "things", "--from=-3d", "--to=-2d", "--into", str(world.folder)]
    assert main([*given, "--export-bucket", "exports"]) == 2
    assert "give --yes to agree beforehand" in capsys.readouterr().err
    assert world.exports.started == []
