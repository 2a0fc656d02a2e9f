"""``python -m pipeline baseline``: what it says before, what it does, how it goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import boto3
import pytest

from pipeline.cli import main
from pipeline.common.deployment import Deployment
from pipeline.functions.baseline.step import step
from tests.support.pipeline.baseline_world import BUCKET, PREFIX, REGION, TABLE, World, settings, world
from tests.support.pipeline.template.sam import without_api_gateway

INTO = f"s3://{BUCKET}/{PREFIX.rstrip('/')}"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    without_api_gateway()
    with world() as made:
        made.put(*({"id": f"i{number}"} for number in range(5)))
        yield made


def deploy(aws: World) -> None:
    """A stack with the outputs of the template, and nothing in it that matters."""
    told = {field.name: "x" for field in fields(Deployment)[2:]}
    arn = aws.dynamo.client.describe_table(TableName=TABLE)["Table"]["TableArn"]
    told |= {"table_name": TABLE, "stream_arn": f"{arn}/stream/1", "history_bucket": BUCKET, "history_prefix": PREFIX}
    told |= {"redact": "email", "kms_key_arn": ""}
    outputs = {"".join(map(str.capitalize, name.split("_"))): {"Value": value} for name, value in told.items()}
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}
    client = boto3.client("cloudformation", region_name=REGION)
    client.create_stack(StackName=f"histlib-{TABLE}", TemplateBody=json.dumps(template))


def test_dry_run_says_exactly_what_and_does_nothing(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The dry run names table, reads, time, money with its assumption, and what is written where; nothing is."""
    assert main(["baseline", "--table", TABLE, "--into", INTO, "--dry-run"]) == 0
    said = re.sub(r"[0-9.]+ MB", "N MB", capsys.readouterr().out)
    assert said == (
        "a new baseline of things by scan\n"
        "table: arn:aws:dynamodb:eu-west-1:123456789012:table/things, about 5 items, N MB (as DynamoDB last counted)\n"
        "reads: about 0 read units, strongly consistent, 100 a second in 4 segments: about 1 s\n"
        "cost: about $0.0000 at $0.125 per million read request units (us-east-1; Regions differ)\n"
        "by --export instead: about $0.0000 ($0.10 per GB) and no read of the table; better where a scan takes hours "
        "or its read units are scarce; needs point-in-time recovery\n"
        "writes: s3://the-history/of/things/changes/yyyy/MM/dd/baseline-<id>-*.gz by the day, then "
        "s3://the-history/of/things/baseline/<id>.json; its progress is "
        "s3://the-history/of/things/baseline/_progress.json\n"
        "nothing done (--dry-run)\n"
    )
    assert aws.objects() == []


def test_without_a_stack(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    """With --into and --yes it is taken without a stack; run again, it takes another one."""
    assert main(["baseline", "--table", TABLE, "--into", INTO, "--yes"]) == 0
    assert re.search(r"^baseline \S+: 5 items in 4 objects$", capsys.readouterr().out, re.MULTILINE)
    assert main(["baseline", "--table", TABLE, "--into", INTO, "--yes", "--segments", "1"]) == 0
    assert len([key for key in aws.objects() if "/baseline/2" in key]) == 2


def test_of_a_deployed_table(aws: World) -> None:
    """Without --into, history and redaction are those of the table's stack."""
    deploy(aws)
    assert main(["baseline", "--table", TABLE, "--yes"]) == 0
    (name,) = (key for key in aws.objects() if key.startswith(f"{PREFIX}baseline/2"))
    assert json.loads(aws.body(name))["redaction"]


def test_provisioned_capacity(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Of provisioned read units a quarter is taken, and it says that this costs nothing beside them."""
    throughput = {"ReadCapacityUnits": 40, "WriteCapacityUnits": 5}
    aws.dynamo.client.update_table(TableName=TABLE, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    main(["baseline", "--table", TABLE, "--into", INTO, "--dry-run"])
    said = capsys.readouterr().out
    assert "10 a second in 4 segments" in said
    assert "cost: none beside the table's 40 provisioned read units" in said


def test_nobody_to_ask(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --yes, and nobody to ask, nothing is done."""
    assert main(["baseline", "--table", TABLE, "--into", INTO]) == 2
    assert "nothing was done" in capsys.readouterr().err
    assert aws.objects() == []


def test_goes_on(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    """One under way is named before it is gone on with; one on which another works is, too, and is left alone."""
    step(aws.clients(), settings(), aws.clock.seconds)
    main(["baseline", "--table", TABLE, "--into", INTO, "--dry-run"])
    assert "goes on with baseline 2" in capsys.readouterr().out
    progress = json.loads(aws.body(f"{PREFIX}baseline/_progress.json"))
    progress |= {"owner": "another", "lease_until": 1e11}
    aws.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}baseline/_progress.json", Body=json.dumps(progress).encode())
    assert main(["baseline", "--table", TABLE, "--into", INTO, "--yes"]) == 3
    said = capsys.readouterr()
    assert "on which another run works now" in said.out
    assert "another run works on baseline" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--into", "folder"], 2, "expected s3://bucket"),
        (["--into", "s3://no-such-bucket-here"], 3, "NoSuchBucket"),
        (["--segments", "17", "--into", INTO], 2, "at most 16"),
        (["--redact", "email"], 2, "has its own rules"),
        (["--export", "--read-units", "5", "--into", INTO], 2, "reads nothing"),
        (["--export", "--into", INTO], 3, "point-in-time recovery of things is off"),
        ([], 3, "no stack histlib-things"),
    ],
)
def test_refused(aws: World, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str) -> None:
    """What cannot be is refused in one line that says what was expected."""
    assert main(["baseline", "--table", TABLE, "--yes", *arguments]) == code
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_no_such_table(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A table that is not there is said to be missing, by the action that found it so."""
    assert main(["baseline", "--table", "nothing", "--into", INTO, "--yes"]) == 3
    assert "dynamodb:DescribeTable (nothing) failed, ResourceNotFoundException" in capsys.readouterr().err
