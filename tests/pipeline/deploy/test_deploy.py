"""Deployment in moto: from nothing, again, changed, and each way in which it cannot be."""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from pipeline.common.aws import Aws, RefusedError
from pipeline.common.deployment import read_deployment
from pipeline.deploy.package import is_made, make_bucket, make_package
from tests.support.pipeline.deploy_world import ACCOUNT, ARTIFACTS, REGION, STACK, TABLE, World, deploy_world

SHA = make_package().sha256
FILES = len(make_package().files)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with deploy_world(monkeypatch, tmp_path) as made:
        yield made


def test_from_nothing(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stream on, bucket and package there, stack made and tagged, events told, and a connection that reads back."""
    world.make_table()
    assert world.deploy() == 0
    table = world.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    stack, outputs = world.stack(), world.outputs()
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {"Key": "histlib:table", "Value": TABLE} in stack["Tags"]
    assert (outputs["TableName"], outputs["StreamArn"]) == (TABLE, table["LatestStreamArn"])
    assert (outputs["GlueTable"], outputs["RetentionDays"]) == ("todo_sample_changes", "0")
    entry = tomllib.loads((tmp_path / "histlib.toml").read_text())["history"][TABLE]
    assert entry == {"source": outputs["Source"], "region": REGION}
    said = capsys.readouterr()
    assert re.search(r"CREATE_COMPLETE +AWS::Lambda::EventSourceMapping +RecorderMapping", said.out)
    assert re.search(r"Add +RecorderMapping +AWS::Lambda::EventSourceMapping +-", said.out)
    assert f"table {TABLE} is captured by stack {STACK}" in said.out


def test_the_artifacts_bucket_is_closed(world: World) -> None:
    """The bucket for packages is private, encrypted, by TLS only, tagged; the package lies there by its hash."""
    world.make_table()
    world.deploy()
    s3 = world.client("s3")
    closed = s3.get_public_access_block(Bucket=ARTIFACTS)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True} and len(closed) == 4
    rules = s3.get_bucket_encryption(Bucket=ARTIFACTS)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=ARTIFACTS)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{ARTIFACTS}", f"arn:aws:s3:::{ARTIFACTS}/*"]
    assert s3.get_bucket_tagging(Bucket=ARTIFACTS)["TagSet"] == [{"Key": "histlib", "Value": "artifacts"}]
    body = s3.get_object(Bucket=ARTIFACTS, Key=f"functions/{SHA}.zip")["Body"].read()
    assert "functions/recorder/app.py" in zipfile.ZipFile(io.BytesIO(body)).namelist()


@pytest.mark.parametrize(
    "killed", ["PutPublicAccessBlock", "PutBucketEncryption", "PutBucketPolicy", "PutBucketTagging"]
)
def test_an_artifacts_bucket_that_was_half_made_is_finished(world: World, killed: str) -> None:
    """Whatever call was the last that came to AWS, the next deployment leaves the bucket as it has to be."""
    aws = Aws(region=REGION)
    world.answers(f"s3.{killed}", "<Error><Code>Killed</Code></Error>", 400)
    with pytest.raises(RefusedError):
        make_bucket(aws, ARTIFACTS)
    assert not is_made(aws, ARTIFACTS)
    world.faults.clear()
    make_bucket(aws, ARTIFACTS)
    assert is_made(aws, ARTIFACTS)
    s3 = world.client("s3")
    assert all(s3.get_public_access_block(Bucket=ARTIFACTS)["PublicAccessBlockConfiguration"].values())
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=ARTIFACTS)["Policy"]


def test_dry_run_from_nothing_says_exactly_what_would_be_done(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every change is said, and none is made."""
    world.make_table()
    assert world.run("deploy", "--table", TABLE, "--dry-run", "--retention-days", "90", "--prefix", "of/todo") == 0
    assert (
        capsys.readouterr().out
        == f"""\
table    {TABLE} in {REGION} of account {ACCOUNT}
stream   off
writes   none in the last 5 days
package  functions, {FILES} files, sha256 {SHA}
stack    {STACK}: make it
  StreamArn = (the new stream's ARN)
  HistoryPrefix = of/todo/
  CreateDatabase = true
  TableName = todo_sample_changes
  RetentionDays = 90
step     turn on the stream of table {TABLE} with NEW_AND_OLD_IMAGES
step     make bucket {ARTIFACTS} (private, encrypted, TLS only)
step     upload s3://{ARTIFACTS}/functions/{SHA}.zip
step     make a change set for stack {STACK}, show it, and ask before it is executed
step     write [history.{TABLE}] into histlib.toml
dry run: nothing was done, and no change set was made, since that would change AWS
"""
    )
    assert "StreamSpecification" not in world.client("dynamodb").describe_table(TableName=TABLE)["Table"]
    assert (world.stacks(), world.client("s3").list_buckets()["Buckets"], list(tmp_path.iterdir())) == ([], [], [])


def test_dry_run_of_an_update_says_exactly_what_would_differ(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Only parameters that change are listed, with what they were; template and functions are compared."""
    stream = world.make_table(view="NEW_AND_OLD_IMAGES")
    world.deploy()
    capsys.readouterr()
    assert world.run("deploy", "--table", TABLE, "--dry-run", "--batch-size", "500") == 0
    assert (
        capsys.readouterr().out
        == f"""\
table    {TABLE} in {REGION} of account {ACCOUNT}
stream   on with NEW_AND_OLD_IMAGES: {stream}
writes   none in the last 5 days
package  functions, {FILES} files, sha256 {SHA}
stack    {STACK}: update it; template and functions as deployed
  BatchSize = 1000 -> 500
  all others as they are
step     make a change set for stack {STACK}, show it, and ask before it is executed
step     write [history.{TABLE}] into histlib.toml
dry run: nothing was done, and no change set was made, since that would change AWS
"""
    )
    assert world.client("cloudformation").list_change_sets(StackName=STACK)["Summaries"][1:] == []


def test_again_is_nothing_to_change(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Run again, it says that nothing is to change, asks nothing, leaves no change set, and exits with 0."""
    world.make_table()
    world.deploy()
    before = (Path("histlib.toml").read_text(), world.outputs())
    made = len(world.client("cloudformation").list_change_sets(StackName=STACK)["Summaries"])
    capsys.readouterr()
    assert world.run("deploy", "--table", TABLE) == 0
    assert f"stack {STACK} is as it should be: nothing to change" in capsys.readouterr().out
    assert (Path("histlib.toml").read_text(), world.outputs()) == before
    assert len(world.client("cloudformation").list_change_sets(StackName=STACK)["Summaries"]) == made


def test_an_update_keeps_what_is_not_given(world: World) -> None:
    """Parameters of the first deployment hold in the second; those given now take effect in the mapping."""
    world.make_table()
    assert world.deploy("--redact", "email, address.zip", "--prefix", "of/todo/") == 0
    assert world.deploy("--batch-size", "500", "--parameter", "BatchingWindowSeconds=5") == 0
    parameters = {one["ParameterKey"]: str(one["ParameterValue"]) for one in world.stack()["Parameters"]}
    kept = {name: parameters[name] for name in ("Redact", "HistoryPrefix", "CreateDatabase", "BatchSize")}
    assert kept == {"Redact": "email, address.zip", "HistoryPrefix": "of/todo/", "CreateDatabase": "true",
                    "BatchSize": "500"}  # fmt: skip
    assert parameters["BatchingWindowSeconds"] == "5"
    assert world.stack()["StackStatus"] == "UPDATE_COMPLETE"


def test_a_table_that_is_not_there(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The error has Region, account and the name that was probably meant."""
    world.make_table()
    assert world.deploy(table="todo-sampel") == 3
    error = capsys.readouterr().err
    assert f"no table todo-sampel in {REGION} of account {ACCOUNT}" in error
    assert f"did you mean {TABLE}?" in error


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("sts.GetCallerIdentity", "sts:GetCallerIdentity"),
        ("dynamodb.DescribeTable", "dynamodb:DescribeTable"),
        ("dynamodb.UpdateTable", "dynamodb:UpdateTable"),
        ("lambda.ListEventSourceMappings", "lambda:ListEventSourceMappings"),
        ("s3.CreateBucket", "s3:CreateBucket"),
        ("cloudformation.CreateChangeSet", "cloudformation:CreateChangeSet"),
        ("glue.GetDatabase", "glue:GetDatabase"),
    ],
)
def test_no_permission(world: World, capsys: pytest.CaptureFixture[str], call: str, named: str) -> None:
    """A denied call is named; once it is allowed, running again finishes the deployment. (moto checks no permissions,
    so the denial is AWS's answer put in its place.)"""
    world.make_table(view="NEW_AND_OLD_IMAGES" if call.startswith("lambda") else None)
    world.denies(call)
    assert world.deploy() == 3
    error = capsys.readouterr().err
    assert f"{named}" in error and "is denied" in error and "Traceback" not in error
    assert world.stacks() == []
    world.faults.clear()
    assert world.deploy() == 0
    assert world.stack()["StackStatus"] == "CREATE_COMPLETE"


def test_rollback_names_what_failed_first_and_deploys_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A resource that cannot be made is named with its reason; the next run deletes what is left and deploys."""
    world.make_table()
    # The table appears between the check and the making: moto then fails the stack as CloudFormation does.
    world.client("glue").create_database(DatabaseInput={"Name": "shared"})
    world.answers("glue.GetTable", json.dumps({"__type": "EntityNotFoundException", "Message": "no"}), 400)
    taken = {"Name": "todo_sample_changes"}
    world.client("glue").create_table(DatabaseName="shared", TableInput=taken)
    assert world.deploy("--database", "shared") == 3
    said = capsys.readouterr()
    assert f"stack {STACK} ended in ROLLBACK_COMPLETE. HistoryTable (AWS::Glue::Table): " in said.err
    assert "Nothing is captured" in said.err and "deploy again" in said.err
    assert re.search(r"!! CREATE_FAILED +AWS::Glue::Table +HistoryTable: ", said.err)
    world.faults.clear()
    world.client("glue").delete_table(DatabaseName="shared", Name="todo_sample_changes")
    assert world.deploy("--database", "shared") == 0
    assert f"delete stack {STACK}, which is in ROLLBACK_COMPLETE" in capsys.readouterr().out
    assert world.outputs()["GlueDatabase"] == "shared"


def test_a_stack_that_failed_is_not_deleted_unasked(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --yes and with nobody to ask, what a failed run left stays as it is."""
    world.make_table()
    world.denies("cloudformation.ExecuteChangeSet")
    assert world.deploy() == 3
    assert world.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    world.faults.clear()
    capsys.readouterr()
    assert world.run("deploy", "--table", TABLE) == 2
    assert f"Do this (delete stack {STACK}, which is in REVIEW_IN_PROGRESS)?" in capsys.readouterr().err
    assert world.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"


def test_not_agreed_leaves_no_change_set(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who agrees to the first steps, but not to the change set, has no stack, and is asked the same next time."""
    world.make_table()
    answers = iter(["y", "n"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert world.run("deploy", "--table", TABLE) == 2
    assert world.stacks() == []
    assert world.client("cloudformation").list_change_sets(StackName=STACK)["Summaries"] == []


def test_a_name_that_a_foreign_stack_has(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A stack that is not of histlib is left alone, whatever its outputs; another name can be given."""
    world.make_table()
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}}}
    world.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(topic))
    assert world.deploy() == 3
    assert STACK in (error := capsys.readouterr().err) and "another stack" in error
    assert [one["OutputKey"] for one in world.stack()["Outputs"]] == ["Arn"]
    assert world.deploy("--stack", "todo-history") == 0
    assert world.outputs("todo-history")["TableName"] == TABLE


def test_the_stack_of_another_table(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Names that differ in punctuation only would share a stack: the second is refused."""
    world.make_table("todo.a")
    world.make_table("todo-a")
    assert world.deploy(table="todo.a") == 0
    assert world.deploy(table="todo-a") == 3
    assert "is that of table todo.a; name another one by --stack" in capsys.readouterr().err


def test_another_tables_place(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Two tables never share bucket and prefix, where their changes could not be told apart."""
    world.make_table("a")
    world.make_table("b")
    world.deploy(table="a")
    bucket = world.outputs("histlib-a")["HistoryBucket"]
    assert world.deploy("--bucket", bucket, table="b") == 3
    assert f"the history of table a (stack histlib-a) lies in s3://{bucket}" in capsys.readouterr().err
    assert world.deploy("--bucket", bucket, "--prefix", "b", table="b") == 0


def test_another_tables_place_by_another_way(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the other stack was not made by this command, and so has no tag."""
    world.make_table("a")
    world.make_table("b")
    world.deploy(table="a")
    bucket = world.outputs("histlib-a")["HistoryBucket"]
    world.as_moto_has_it("histlib-a").tags.clear()
    assert world.stack("histlib-a")["Tags"] == []
    assert world.deploy("--bucket", bucket, table="b") == 3
    assert f"the history of table a (stack histlib-a) lies in s3://{bucket}" in capsys.readouterr().err


def test_a_stack_of_before_there_was_a_dashboard(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Outputs that came with later releases are no condition: such a stack is ours, and is brought up to date."""
    world.make_table()
    world.deploy()
    world.as_moto_has_it(STACK).output_map._output_json_map.pop("Dashboard")
    capsys.readouterr()
    assert read_deployment(Aws(region=REGION), TABLE).dashboard == ""
    assert world.run("deploy", "--table", TABLE, "--dry-run") == 0
    assert f"stack    {STACK}: update it" in capsys.readouterr().out


def test_a_glue_table_that_is_there(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A Glue table that is not the stack's is found before anything is made; a database that is there is used."""
    world.make_table()
    world.client("glue").create_database(DatabaseInput={"Name": "shared"})
    world.client("glue").create_table(DatabaseName="shared", TableInput={"Name": "todo_sample_changes"})
    assert world.deploy("--database", "shared") == 3
    assert "the Glue table shared.todo_sample_changes is there already" in capsys.readouterr().err
    assert world.deploy("--database", "shared", "--glue-table", "todo_history") == 0
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in world.stack()["Parameters"]}
    assert parameters["CreateDatabase"] == "false"


def test_several_tables(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its own stack and entry; where one fails, it is said which were done and which not begun."""
    for name in ("a", "c"):
        world.make_table(name)
    assert world.run("deploy", "--table", "a", "--table", "b", "--table", "c", "--yes") == 3
    error = capsys.readouterr().err
    assert "!! deployed: a; not: b; not begun: c" in error and "no table b" in error
    world.make_table("b")
    assert world.run("deploy", "--table", "a", "--table", "b", "--table", "c", "--yes") == 0
    assert sorted(world.stacks()) == ["histlib-a", "histlib-b", "histlib-c"]
    assert sorted(tomllib.loads(Path("histlib.toml").read_text())["history"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--redact", "items[x"], "--redact"),
        (["--parameter", "Nothing=1"], "the template has no parameter Nothing"),
        (["--parameter", "BatchSize"], "expected NAME=VALUE"),
        (["--batch-size", "400", "--parameter", "BatchSize=500"], "BatchSize is given twice"),
        (["--table", "b", "--stack", "s"], "--stack s cannot be that of several tables"),
        (["--table", "b", "--bucket", "h"], "--bucket h cannot be that of several tables"),
    ],
)
def test_wrong_requests(world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    """What is wrong is said before AWS is asked to change anything; exit code 2."""
    world.make_table()
    assert world.deploy(*arguments) == 2
    assert says in capsys.readouterr().err
    assert (world.stacks(), world.client("s3").list_buckets()["Buckets"]) == ([], [])


def test_interrupted_while_following(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends the following only, and says how to look; the next run follows to the end and goes on."""
    world.make_table()
    world.deploy()
    capsys.readouterr()
    arn = world.stack()["StackId"]
    moving = f"""<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>{arn}</StackId>
      <StackName>{STACK}</StackName><StackStatus>UPDATE_IN_PROGRESS</StackStatus><Tags><member>
      <Key>histlib:table</Key><Value>{TABLE}</Value></member></Tags></member></Stacks></DescribeStacksResult>
      </DescribeStacksResponse>"""
    world.answers("cloudformation.DescribeStacks", moving)
    world.interrupts()
    assert world.deploy() == 130
    said = capsys.readouterr()
    assert f"stack {STACK} is in UPDATE_IN_PROGRESS: following that first" in said.out
    assert f"aws cloudformation describe-stack-events --stack-name {STACK} --region {REGION}" in said.err
    world.faults.clear()
    world.monkeypatch.setattr("time.sleep", world.paused.append)
    assert world.deploy() == 0


def test_drift(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What was changed by hand is listed, property by property; exit code 1. (moto cannot detect it: AWS's answers.)"""
    world.make_table()
    world.deploy()
    capsys.readouterr()
    world.answers(
        "cloudformation.DetectStackDrift",
        _result("DetectStackDrift", "<StackDriftDetectionId>d-1</StackDriftDetectionId>"),
    )
    steps = iter(["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"])
    status = "DescribeStackDriftDetectionStatus"
    world.answers(
        f"cloudformation.{status}",
        lambda: _result(status, f"<DetectionStatus>{next(steps)}</DetectionStatus>"),
    )
    world.answers("cloudformation.DescribeStackResourceDrifts", _result("DescribeStackResourceDrifts", _DRIFTS))
    assert world.run("deploy", "--table", TABLE, "--drift") == 1
    assert (
        capsys.readouterr().out
        == f"""\
stack {STACK}: changed beside its template
  RecorderMapping (AWS::Lambda::EventSourceMapping): /BatchSize is 100, the template has 1000
  AttesterLogs (AWS::Logs::LogGroup): deleted
"""
    )


_DRIFTS = """<StackResourceDrifts>
<member><LogicalResourceId>RecorderMapping</LogicalResourceId><ResourceType>AWS::Lambda::EventSourceMapping</ResourceType>
<StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus><PropertyDifferences><member>
<PropertyPath>/BatchSize</PropertyPath><ExpectedValue>1000</ExpectedValue><ActualValue>100</ActualValue>
<DifferenceType>NOT_EQUAL</DifferenceType></member></PropertyDifferences></member>
<member><LogicalResourceId>AttesterLogs</LogicalResourceId><ResourceType>AWS::Logs::LogGroup</ResourceType>
<StackResourceDriftStatus>DELETED</StackResourceDriftStatus></member></StackResourceDrifts>"""


def _result(operation: str, body: str) -> str:
    return f"<{operation}Response><{operation}Result>{body}</{operation}Result></{operation}Response>"
