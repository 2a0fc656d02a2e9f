"""The stream before a deployment: off, of another view, already read, re-enabled."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from moto.dynamodb.models import dynamodb_backends

from tests.support.pipeline.deploy_world import ACCOUNT, REGION, TABLE, World, deploy_world

BOTH = "NEW_AND_OLD_IMAGES"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with deploy_world(monkeypatch, tmp_path) as made:
        yield made


def read_by(world: World, stream: str, function: str, *, enabled: bool = True) -> str:
    """A function that reads the stream; returns its mapping's id."""
    package = io.BytesIO()
    zipfile.ZipFile(package, "w").close()
    role = {"RoleName": function, "AssumeRolePolicyDocument": "{}"}
    arn = world.client("iam").create_role(**role)["Role"]["Arn"]
    functions = world.client("lambda")
    code = {"ZipFile": package.getvalue()}
    functions.create_function(FunctionName=function, Role=arn, Runtime="python3.13", Handler="a.b", Code=code)
    how = {"EventSourceArn": stream, "StartingPosition": "LATEST", "Enabled": enabled}
    return functions.create_event_source_mapping(FunctionName=function, **how)["UUID"]


def test_a_stream_that_is_off_is_asked_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's stream is turned on unasked."""
    world.make_table()
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    assert world.run("deploy", "--table", TABLE) == 2
    assert asked[0].startswith(f"Do this (turn on the stream of table {TABLE} with {BOTH}; make bucket ")
    assert "StreamSpecification" not in world.client("dynamodb").describe_table(TableName=TABLE)["Table"]


def test_it_waits_until_table_and_stream_are_ready(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """UpdateTable answers before the stream can be read: the mapping is made only afterwards. (moto's is ready at
    once; the answers in between are AWS's.)"""
    world.make_table()
    statuses = iter(["ENABLING", "ENABLING"])

    def describe() -> str:
        return json.dumps({"StreamDescription": {"StreamStatus": next(statuses, "ENABLED")}})

    world.answers("dynamodb-streams.DescribeStream", describe)
    assert world.deploy() == 0
    assert world.paused == [3, 3]
    assert "the stream is on: arn:aws:dynamodb:" in capsys.readouterr().out


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_another_view(world: World, capsys: pytest.CaptureFixture[str], view: str) -> None:
    """It is explained that a view cannot be changed, who reads the stream, and how to go on; nothing is done."""
    read_by(world, world.make_table(view=view), "indexer")
    assert world.deploy() == 3
    error = capsys.readouterr().err
    assert f"has the view {view}; the history needs {BOTH}" in error
    assert "Lambda reads it by indexer (mapping " in error and "Nothing was done" in error
    off = f"aws dynamodb update-table --table-name {TABLE} --stream-specification StreamEnabled=false"
    assert f"{off} --region {REGION}" in error
    assert (
        world.client("dynamodb").describe_table(TableName=TABLE)["Table"]["StreamSpecification"]["StreamViewType"]
        == view
    )
    assert (world.stacks(), world.client("s3").list_buckets()["Buckets"]) == ([], [])


def test_one_reader_is_told_of_and_two_are_too_many(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A shard serves two readers: beside one there is room, beside two there is none."""
    stream = world.make_table(view=BOTH)
    read_by(world, stream, "indexer")
    assert world.run("deploy", "--table", TABLE, "--dry-run") == 0
    assert "readers  the stream is also read by indexer (mapping " in capsys.readouterr().out
    second = read_by(world, stream, "mailer")
    assert world.deploy() == 3
    error = capsys.readouterr().err
    assert "a stream serves 2 readers a shard" in error and "indexer" in error and "mailer" in error
    assert world.stacks() == []
    world.client("lambda").update_event_source_mapping(UUID=second, Enabled=False)
    assert world.deploy() == 0


def test_our_own_mapping_is_no_other_reader(world: World) -> None:
    """A deployment that reads the stream beside one other can be updated."""
    read_by(world, world.make_table(view=BOTH), "indexer")
    assert world.deploy() == 0
    assert world.deploy("--batch-size", "500") == 0


def test_a_global_table_has_room_for_one(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Replication reads as well: beside one reader of a global table's stream there is no room. (moto knows no
    replicas: AWS's answer.)"""
    stream = world.make_table(view=BOTH)
    on = {"StreamEnabled": True, "StreamViewType": BOTH}
    table = {"TableStatus": "ACTIVE", "LatestStreamArn": stream, "StreamSpecification": on}
    world.answers("dynamodb.DescribeTable", json.dumps({"Table": {**table, "Replicas": [{"RegionName": "eu-west-1"}]}}))
    read_by(world, stream, "indexer")
    assert world.deploy() == 3
    assert "a global table's stream (replicas in eu-west-1) serves 1 reader a shard" in capsys.readouterr().err


def test_a_stream_that_was_turned_off_and_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The new stream takes the old one's place in the stack, in the same bucket."""
    world.make_table()
    world.deploy()
    before = world.outputs()
    tables = world.client("dynamodb")
    tables.update_table(TableName=TABLE, StreamSpecification={"StreamEnabled": False})
    dynamodb_backends[ACCOUNT][REGION].tables[TABLE].latest_stream_label = None  # with it, moto makes no new stream
    assert world.run("deploy", "--table", TABLE, "--dry-run") == 0
    assert f"  StreamArn = {before['StreamArn']} -> (the new stream's ARN)\n" in capsys.readouterr().out
    assert world.deploy() == 0
    after = world.outputs()
    assert after["StreamArn"] == tables.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    assert after["StreamArn"] != before["StreamArn"]
    assert after["HistoryBucket"] == before["HistoryBucket"]


def test_the_sample_table_of_a_stack_stays_its_own(world: World) -> None:
    """A stack that made its table is updated without letting go of that table, which would delete its items."""
    world.make_table()
    world.deploy("--stack", "seed")  # for a packaged template
    cloudformation = world.client("cloudformation")
    body = cloudformation.get_template(StackName="seed")["TemplateBody"]
    name = "histlib-todo-sample-table"
    tags = [{"Key": "histlib:table", "Value": "todo-sample-table"}]
    given = [{"ParameterKey": "CreateDatabase", "ParameterValue": "false"}]
    named = {"StackName": name, "ChangeSetName": "by-hand"}
    cloudformation.create_change_set(**named, TemplateBody=body, Parameters=given, Tags=tags, ChangeSetType="CREATE")
    cloudformation.execute_change_set(**named)
    assert world.stack(name)["StackStatus"] == "CREATE_COMPLETE"
    table = world.client("dynamodb").describe_table(TableName="todo-sample-table")["Table"]["CreationDateTime"]
    assert world.deploy("--batch-size", "500", table="todo-sample-table") == 0
    assert world.client("dynamodb").describe_table(TableName="todo-sample-table")["Table"]["CreationDateTime"] == table
