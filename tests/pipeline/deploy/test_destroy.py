"""Removal in moto: what goes, what stays, and that nothing on its way is lost unsaid."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.common.aws import Aws
from pipeline.common.deployment import read_deployment
from pipeline.deploy.destroy import RETAINED
from tests.support.pipeline.deploy_world import REGION, STACK, TABLE, World, deploy_world
from tests.support.pipeline.template.sam import decided


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with deploy_world(monkeypatch, tmp_path) as made:
        made.make_table()
        assert made.deploy() == 0
        made.paused.clear()
        capsys.readouterr()
        yield made


def destroy(world: World, *arguments: str) -> int:
    return world.run("destroy", "--table", TABLE, *arguments)


def put(world: World, *keys: str) -> str:
    """Objects in the history's bucket; returns its name."""
    bucket = world.outputs()["HistoryBucket"]
    for key in keys:
        world.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    return bucket


def mapping_state(world: World, mapping: str) -> str:
    return world.client("lambda").get_event_source_mapping(UUID=mapping)["State"]


def test_the_history_stays(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The stack goes after one buffer's time; history, table and stream stay; how to read and go on is said."""
    bucket, stream = put(world, "changes/2026/11/01/one.gz"), world.outputs()["StreamArn"]
    assert destroy(world, "--yes") == 0
    assert world.stacks() == []
    assert world.client("s3").head_object(Bucket=bucket, Key="changes/2026/11/01/one.gz")
    table = world.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    assert (table["StreamSpecification"]["StreamEnabled"], table["LatestStreamArn"]) == (True, stream)
    assert sum(world.paused) == 360
    said = capsys.readouterr().out
    assert "Firehose delivers what it holds: 360 s left\n" in said and "held: 60 s" not in said
    assert f"histlib timeline --source s3://{bucket} " in said
    assert f"python -m pipeline deploy --table {TABLE} --bucket {bucket};" in said
    assert f"--table-name {TABLE} --stream-specification StreamEnabled=false --region {REGION}\n" in said


def test_the_mapping_stops_before_the_wait_and_the_stack_goes_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Firehose is given its time with nothing new coming in: in each pause the mapping is disabled, the stack there."""
    mapping, seen = world.outputs()["MappingId"], set()

    def pause(_: float) -> None:
        seen.add((mapping_state(world, mapping), world.stack()["StackStatus"]))

    monkeypatch.setattr("time.sleep", pause)
    assert destroy(world, "--yes") == 0
    assert seen == {("Disabled", "CREATE_COMPLETE")}


def test_over_the_same_bucket_again(world: World) -> None:
    """Destroyed and deployed again over its bucket, the history goes on where it was."""
    bucket = put(world, "changes/2026/11/01/one.gz")
    assert destroy(world, "--yes", "--now") == 0
    assert world.deploy("--bucket", bucket) == 0
    assert world.outputs()["HistoryBucket"] == bucket


def test_dry_run_says_exactly_what_goes_and_stays(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Every resource of the stack is listed as deleted or kept, and none is touched."""
    put(world, "failed/done/a", "failed/unreadable/b")
    deployment = read_deployment(Aws(region=REGION), TABLE)
    listed = world.client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    made = sorted((one["ResourceType"], one["PhysicalResourceId"] or one["LogicalResourceId"]) for one in listed)
    goes = "".join(f"  deleted  {kind} {name}\n" for kind, name in made if kind not in RETAINED)
    stays = "".join(f"  kept     {kind} {name}\n" for kind, name in made if kind in RETAINED)
    lambdas = f"aws/lambda/{deployment.mapping_id}/"
    assert destroy(world, "--dry-run") == 0
    assert (
        capsys.readouterr().out
        == f"""\
table      {TABLE} in {REGION}
stack      {STACK} (CREATE_COMPLETE)
step       disable mapping {deployment.mapping_id}: no change is captured from then on
step       wait 360 s, until Firehose has delivered what it holds
step       delete stack {STACK}:
{goes}{stays}\
kept       the history in {deployment.location}, with 0 undelivered below failed/ and {lambdas}
kept       the table and its stream, which stays on
kept       the artifacts bucket
dry run: nothing was done
"""
    )
    assert mapping_state(world, deployment.mapping_id) == "Enabled"
    assert world.stack()["StackStatus"] == "CREATE_COMPLETE"


def test_what_is_said_to_stay_is_what_the_template_retains() -> None:
    """The types that destroy tells as kept are those with a policy of retaining, no more and no fewer."""
    resources = decided({})["Resources"].values()
    retained = {one["Type"] for one in resources if str(one.get("DeletionPolicy")).startswith("Retain")}
    assert retained == set(RETAINED)
    assert not {one["Type"] for one in resources if one["Type"] in RETAINED and "DeletionPolicy" not in one}


@pytest.mark.parametrize("key", ["failed/records/1", "failed/firehose/x/2026/11/01/y", "aws/lambda/{mapping}/shard/z"])
def test_undelivered_objects_are_in_the_way(world: World, capsys: pytest.CaptureFixture[str], key: str) -> None:
    """What redrive could still bring in is not left behind unasked; it stays in the bucket in any case."""
    key = key.format(mapping=world.outputs()["MappingId"])
    bucket = put(world, key, "failed/done/old", "failed/unreadable/old")
    assert destroy(world, "--yes") == 3
    error = capsys.readouterr().err
    assert "1 undelivered objects lie in" in error and f"python -m pipeline redrive --table {TABLE}" in error
    assert mapping_state(world, world.outputs()["MappingId"]) == "Enabled"
    assert destroy(world, "--yes", "--leave-undelivered") == 0
    assert world.client("s3").head_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize(("age", "code"), [(361.0, 3), (360.0, 0)])
def test_what_firehose_cannot_deliver_is_in_the_way(
    world: World, capsys: pytest.CaptureFixture[str], age: float, code: int
) -> None:
    """Where the oldest record in Firehose is older than the wait, S3 does not take it: nothing is deleted."""
    dimension = {"Name": "DeliveryStreamName", "Value": world.outputs()["DeliveryStream"]}
    point = {"MetricName": "DeliveryToS3.DataFreshness", "Dimensions": [dimension], "Value": age}
    when = datetime.now(UTC) - timedelta(minutes=2)
    older = {**point, "Value": 5_000.0, "Timestamp": when - timedelta(minutes=3)}
    world.client("cloudwatch").put_metric_data(
        Namespace="AWS/Firehose", MetricData=[older, {**point, "Timestamp": when}]
    )
    assert destroy(world, "--yes") == code
    if code:
        error = capsys.readouterr().err
        assert "Firehose still holds changes that are 361 s old" in error and "Nothing is deleted" in error
        assert world.stack()["StackStatus"] == "CREATE_COMPLETE"
        assert destroy(world, "--yes", "--now") == 0
    assert world.stacks() == []


def test_interrupted_while_waiting(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C deletes nothing, says that the mapping is disabled and how to go on or back; again goes on."""
    mapping = world.outputs()["MappingId"]
    world.interrupts()
    assert destroy(world, "--yes") == 130
    error = capsys.readouterr().err
    assert f"mapping {mapping} is disabled, nothing is deleted" in error
    assert f"aws lambda update-event-source-mapping --uuid {mapping} --enabled --region {REGION}" in error
    assert (mapping_state(world, mapping), world.stack()["StackStatus"]) == ("Disabled", "CREATE_COMPLETE")
    world.monkeypatch.setattr("time.sleep", world.paused.append)
    assert world.deploy() == 0
    assert f"!! mapping {mapping} is disabled: NOTHING IS CAPTURED" in capsys.readouterr().err
    assert destroy(world, "--yes") == 0
    assert world.stacks() == []


def test_nobody_to_ask(world: World) -> None:
    """Without --yes, and with nobody to ask, nothing is done."""
    assert destroy(world) == 2
    assert mapping_state(world, world.outputs()["MappingId"]) == "Enabled"
    assert world.stack()["StackStatus"] == "CREATE_COMPLETE"


def test_nothing_there(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A table without a stack, and a stack of another table, are errors that name it."""
    assert world.run("destroy", "--table", "other", "--yes") == 3
    assert "no stack histlib-other in eu-central-1: nothing to destroy" in capsys.readouterr().err
    assert world.run("destroy", "--table", "other", "--stack", STACK, "--yes") == 3
    assert f"is that of table {TABLE}" in capsys.readouterr().err
    assert world.stack()["StackStatus"] == "CREATE_COMPLETE"


def test_a_deletion_that_fails_names_the_resource(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """DELETE_FAILED says which resource and why, not what was cancelled for it. (moto deletes all: these
    are AWS's answers.)"""
    arn = world.stack()["StackId"]
    described = _description(world, "DELETE_FAILED")
    world.answers("cloudformation.DeleteStack", "<DeleteStackResponse/>")
    before = [_event("old", arn, "CREATE_COMPLETE", "AWS::CloudFormation::Stack", STACK)]
    events = [
        _event("3", arn, "DELETE_FAILED", "AWS::CloudFormation::Stack", STACK, "The following failed: [Workgroup]."),
        _event("2", arn, "DELETE_FAILED", "AWS::Athena::WorkGroup", "Workgroup", "WorkGroup is not empty"),
        _event("1b", arn, "DELETE_FAILED", "AWS::Glue::Table", "HistoryTable", "Resource deletion cancelled"),
        _event("1", arn, "DELETE_IN_PROGRESS", "AWS::CloudFormation::Stack", STACK),
        *before,
    ]
    listed = iter([before, events])
    world.answers("cloudformation.DescribeStackEvents", lambda: _events(next(listed)))
    statuses = iter([world.stack()["StackStatus"]])
    whole = _description(world, "CREATE_COMPLETE")
    world.answers("cloudformation.DescribeStacks", lambda: whole if next(statuses, None) else described)
    assert destroy(world, "--yes", "--now") == 3
    error = capsys.readouterr().err
    assert (
        f"stack {STACK} is in DELETE_FAILED, not deleted. Workgroup (AWS::Athena::WorkGroup): WorkGroup is not" in error
    )
    assert re.search(r"!! DELETE_FAILED +AWS::Athena::WorkGroup +Workgroup: WorkGroup is not empty", error)


def _description(world: World, status: str) -> str:
    outputs = "".join(
        f"<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for name, value in world.outputs().items()
    )
    return f"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>{STACK}</StackName>
      <StackId>{world.stack()["StackId"]}</StackId><StackStatus>{status}</StackStatus><Outputs>{outputs}</Outputs>
      </member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""


def _event(number: str, arn: str, status: str, kind: str, name: str, reason: str = "") -> str:
    return f"""<member><EventId>{number}</EventId><StackId>{arn}</StackId><StackName>{STACK}</StackName>
      <LogicalResourceId>{name}</LogicalResourceId><ResourceType>{kind}</ResourceType>
      <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason></member>"""


def _events(members: list[str]) -> str:
    return f"""<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>{"".join(members)}</StackEvents>
      </DescribeStackEventsResult></DescribeStackEventsResponse>"""
