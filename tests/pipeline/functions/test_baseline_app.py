"""The baseline's Lambda handler, its schedule, its rate and its clock."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pipeline.functions
from pipeline.functions.baseline import app
from pipeline.functions.baseline.progress import Progress, Segment, Table, from_json
from pipeline.functions.baseline.rate import ReadBucket
from pipeline.functions.baseline.rows import Window, window_of
from pipeline.functions.baseline.scan import page_items
from pipeline.functions.baseline.step import step
from pipeline.replay.local import LocalClock, LocalContext
from tests.support.pipeline.baseline_world import BUCKET, PREFIX, TABLE, OfPages, World, settings, world

DAY = 86_400
THINGS = Table("arn:things", "id-1", "id-1", ({"AttributeName": "id", "KeyType": "HASH"},))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    said = {"TABLE_NAME": TABLE, "BUCKET": BUCKET, "PREFIX": PREFIX, "READ_UNITS": "1", "RETENTION_DAYS": "30"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with world() as made:
        yield made


def invoke(aws: World, seconds: float = 900) -> str:
    clients = aws.clients(dynamo=OfPages(aws.dynamo, 2))
    return str(app.lambda_handler({}, LocalContext(aws.clock, seconds), clients)["message"])


def test_its_schedule(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The first invocation takes a baseline, those of the next 15 of 30 days none, then there is a new one."""
    aws.put({"id": "a"})
    assert invoke(aws) == "baseline complete"
    assert invoke(aws) == "no baseline is due"
    assert len(aws.dynamo.scans) == 4
    aws.clock.seconds += 15 * DAY - 60
    assert invoke(aws) == "no baseline is due"
    aws.clock.seconds += 120
    assert invoke(aws) == "baseline complete"
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (logged[0]["items"], logged[0]["level"]) == (1, "INFO")


def test_one_that_takes_longer_than_an_invocation(aws: World) -> None:
    """An invocation ends before Lambda does, and the next ones go on, whether a new one is due or not."""
    aws.put(*({"id": f"i{number}"} for number in range(40)))
    aws.dynamo.units = 40.0
    said = [invoke(aws, 100)]
    while said[-1] != "baseline complete":
        assert said[-1] == "baseline under way"
        said.append(invoke(aws, 100))
    assert len(said) > 1
    assert invoke(aws) == "no baseline is due"


def test_while_another_works_it_does_nothing(aws: World) -> None:
    """While a person's run works on the baseline, a scheduled invocation is no failure and does nothing."""
    aws.put({"id": "a"})
    said: list[str] = []

    def scheduled(number: int) -> None:
        aws.dynamo.before_scan = lambda number: None
        said.append(invoke(aws))

    aws.dynamo.before_scan = scheduled
    assert step(aws.clients(), settings(segments=1)).finished
    assert said[0].startswith("nothing done: another run works on baseline")
    assert len(aws.dynamo.scans) == 1


def manifest(days_ago: float, now: float, **fields: Any) -> dict[str, Any]:
    return {"table": THINGS.arn, "table_id": "id-1", "read_begin": int((now - days_ago * DAY) * 1e6), **fields}


@pytest.mark.parametrize(
    ("manifests", "retention", "due"),
    [
        ([], 30, True),
        ([], 0, False),
        ([14.99], 30, False),
        ([15.01], 30, True),
        ([40, 3], 30, False),
        ([3, 40], 30, False),
    ],
)
def test_when_one_is_due(manifests: list[float], retention: int, due: bool) -> None:
    """One is due when the last is older than half of the retention, or there is none; with none to expire, never."""
    now = 1_800_000_000.0
    assert app.is_due([manifest(days, now) for days in manifests], THINGS, retention, now) == due


def test_another_tables_baseline_does_not_count() -> None:
    """A baseline of a table that has been deleted since, under the same name, is none of this one."""
    assert app.is_due([manifest(1, 1e9, table_id="id-0")], THINGS, 30, 1e9)


def test_a_variable_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function deployed without its environment says which variable is missing."""
    for name in ("TABLE_NAME", "BUCKET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match="TABLE_NAME is not set"):
        app._settings()


@pytest.mark.parametrize("units", [5.0, 100.0, 2_000.0])
def test_the_rate_is_kept(units: float) -> None:
    """Whatever pages cost, read units stay within the rate over a long run, but for one second's and one page."""
    clock, spent = LocalClock(1_000.0), 0.0
    bucket = ReadBucket(units, lambda: clock.seconds, clock.sleep)
    for page in range(200):
        assert bucket.wait(lambda pause: True)
        cost = (7.0, 128.0, 0.5, 256.0)[page % 4]
        bucket.spend(cost)
        spent += cost
        assert spent <= units * (clock.seconds - 1_000.0 + 1) + 256
    assert spent >= 0.9 * units * (clock.seconds - 1_000.0)


def test_readers_at_once_do_not_overdraw_it_each() -> None:
    """Of several that wait at once, as many read as the rate has pages for, before any of them knows its cost."""
    clock = LocalClock()
    bucket = ReadBucket(512, lambda: clock.seconds, clock.sleep)
    assert [bucket.wait(lambda pause: not pause) for _ in range(4)] == [True, True, False, False]


def test_waiting_ends_where_it_would_be_too_long() -> None:
    """Who has no time to wait for the next read units is told so at once, without a sleep."""
    clock = LocalClock()
    bucket = ReadBucket(1, lambda: clock.seconds, clock.sleep)
    assert bucket.wait(lambda pause: True)
    bucket.spend(100)
    assert not bucket.wait(lambda pause: pause < 50)
    assert clock.seconds == 0


def test_a_pages_size_follows_the_rate() -> None:
    """A page costs about a second's read units; 1 MB, DynamoDB's own limit, where that is less."""
    assert page_items(10, items=1_000, size=1_000 * 400) == 102
    assert page_items(1, items=10, size=10 * 400_000) == 1
    assert page_items(256, items=1_000, size=400_000) is None
    assert page_items(10, items=0, size=0) is None


def test_times_are_those_of_aws() -> None:
    """A page's times are by the clock that stamps the changes, as the answer tells it, however wrong the one here is;
    without an answer's date they are those of the call."""
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 26 Oct 2020 02:30:00 GMT"}}}
    assert window_of(answer, 5.0, 7.5) == Window(1_603_679_397_500_000, 1_603_679_401_000_000)
    assert window_of({}, 5.0, 7.5) == Window(5_000_000, 7_500_001)


def test_progress_of_another_version() -> None:
    """Progress that another version wrote is not guessed at."""
    with pytest.raises(ValueError, match="is of format 2, expected 1"):
        from_json(b'{"format": 2}')


def test_a_manifests_fields() -> None:
    """The manifest has histlib's fields, no other."""
    from histlib.rules.coverage.baselines import Manifest

    assert set(Progress("x", THINGS, None, (Segment("2026/01/01"),)).manifest()) == set(Manifest.__struct_fields__)


def test_lambda_needs_nothing_but_boto3(tmp_path: Path) -> None:
    """The function works under Lambda's name for it, and loads nothing of histlib nor the rest of pipeline."""
    shutil.copytree(Path(pipeline.functions.__file__).parent, tmp_path / "functions")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import functions.baseline.app as app; import json;"
        "assert app.lambda_handler.__module__ == 'functions.baseline.app';"
        "third = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names);"
        "print(json.dumps(sorted(third)))"
    )
    said = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"histlib", "pipeline", "msgspec", "duckdb", "pandas"} & set(json.loads(said))
