"""The translated stack in moto, created as the service does it: what there is then, and what its outputs say."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from histlib.engines.athena.table.address import parse_address
from pipeline.common.aws import Aws
from pipeline.common.deployment import deployment_of
from tests.support.athena.template import read_template
from tests.support.pipeline.template.sam import CODE, OTHER, PAIRS, REGION, decided, packaged, sam_in_moto, translated

STACK = "histlib-products"
STREAMED = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}


@pytest.fixture
def aws(monkeypatch):
    """An account of moto's with a table, a bucket with the functions' code, and what the parameters may name."""
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    for name, value in {"ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing", "DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws(), sam_in_moto():
        s3 = boto3.client("s3")
        here = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
        for bucket in (CODE["Bucket"], OTHER["HistoryBucket"]):
            s3.create_bucket(Bucket=bucket, **here)
        s3.put_object(**CODE, Body=_package())
        boto3.client("glue").create_database(DatabaseInput={"Name": "given"})
        yield Aws(region=REGION)


@pytest.mark.parametrize("parameters", PAIRS, ids=lambda turned: "+".join(turned) or "defaults")
def test_it_is_made_by_a_change_set(aws, parameters):
    """The change set lists what will be made; executed, all of it is there, and a deployment is read from the stack."""
    parameters = with_table(aws, parameters)
    if "CreateDatabase" in parameters:
        parameters = parameters | {"DatabaseName": "given"}
    expected = set(decided(parameters)["Resources"])
    assert logical_ids(change(aws, parameters)) == expected
    resources = aws.call("cloudformation", "describe_stack_resources", StackName=STACK)["StackResources"]
    assert {one["LogicalResourceId"] for one in resources} == expected
    deployment = deployment_of(stack(aws))
    assert deployment.status == "CREATE_COMPLETE"
    assert deployment.table_name == ("products" if "StreamArn" in parameters else "todo-sample-table")
    assert deployment.stream_arn == streams(aws, deployment.table_name)
    assert deployment.retention_days == parameters.get("RetentionDays", "0")
    assert (deployment.history_bucket == "histories") == ("HistoryBucket" in parameters)


def test_what_the_outputs_name_is_there(aws):
    """Each output names what AWS knows by that name."""
    change(aws, {})
    deployment = deployment_of(stack(aws))
    assert aws.call("lambda", "get_function", FunctionName=deployment.recorder_function)
    assert aws.call("lambda", "get_function", FunctionName=deployment.attester_function)
    assert aws.call("firehose", "describe_delivery_stream", DeliveryStreamName=deployment.delivery_stream)
    assert aws.call("glue", "get_table", DatabaseName=deployment.glue_database, Name=deployment.glue_table)
    mapping = aws.call("lambda", "get_event_source_mapping", UUID=deployment.mapping_id)
    assert mapping["EventSourceArn"] == deployment.stream_arn
    workgroup = aws.call("athena", "get_work_group", WorkGroup=deployment.workgroup)["WorkGroup"]
    settings = workgroup["Configuration"]
    assert settings["ResultConfiguration"]["OutputLocation"] == deployment.results_location
    assert settings["EnforceWorkGroupConfiguration"]
    address = parse_address(deployment.source)
    assert (address.database, address.table, address.workgroup) == (
        deployment.glue_database,
        deployment.glue_table,
        deployment.workgroup,
    )


def test_functions_are_told_where_everything_is(aws):
    """The variables that each function begins from have the values that the outputs have."""
    change(aws, {**with_table(aws, {"StreamArn": ""}), "RetentionDays": "30", "HistoryPrefix": "of/products/"})
    its = deployment_of(stack(aws))
    named = {"STACK_NAME": STACK}
    shared = {"BUCKET": its.history_bucket, "BUCKET_OWNER": "123456789012", "PREFIX": "of/products/", "REDACT": ""}
    of_stream = {"DELIVERY_STREAM_NAME": its.delivery_stream}
    days = {"TABLE_NAME": "products", "RETENTION_DAYS": "30"}
    attested = {"STREAM_ARN": its.stream_arn, "MAPPING_ID": its.mapping_id, "RECORDER_FUNCTION": its.recorder_function}
    timing = {"BUFFER_SECONDS": "300", "BATCHING_WINDOW_SECONDS": "10", "METRICS_NAMESPACE": "histlib"}
    assert variables(aws, "RecorderFunction") == shared | of_stream | named
    assert variables(aws, "AttesterFunction") == shared | of_stream | named | days | attested | timing
    assert variables(aws, "BaselineFunction") == shared | days | {"READ_UNITS": "100"}


def test_it_is_changed_by_a_change_set(aws):
    """A retention given later adds baselines; the outputs follow, and what there was keeps its name."""
    change(aws, {})
    before = deployment_of(stack(aws))
    added = change(aws, {"RetentionDays": "90"}, "UPDATE")
    after = deployment_of(stack(aws))
    assert after == replace(before, status="UPDATE_COMPLETE", retention_days="90")
    assert {"BaselineFunction", "BaselineRole", "BaselineLogs", "BaselineFunctionGoOn", "Bucket"} <= logical_ids(added)
    assert not {"DeliveryStream", "RecorderMapping", "SampleTable"} & logical_ids(added)
    assert variables(aws, "BaselineFunction")["RETENTION_DAYS"] == "90"


def test_the_same_again_changes_nothing(aws):
    """A change set of the same template and the same values fails, and says that there is nothing to change."""
    change(aws, {})
    told = prepare(aws, {"RetentionDays": "0"}, "UPDATE")
    assert told["Status"] == "FAILED"
    assert "didn't contain changes" in told["StatusReason"]


def test_a_resource_that_cannot_be_made_takes_the_stack_back(aws):
    """Events name the resource that failed and why; the stack ends in ROLLBACK_COMPLETE, and nothing is left."""
    change(aws, {"DatabaseName": "given"})
    assert stack(aws)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws.call("cloudformation", "describe_stack_events", StackName=STACK)["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"] == "CREATE_FAILED"]
    assert [one["LogicalResourceId"] for one in failed] == ["HistoryDatabase"]
    assert "already exists" in failed[0]["ResourceStatusReason"]
    assert {one["Name"] for one in aws.call("s3", "list_buckets")["Buckets"]} == {CODE["Bucket"], "histories"}
    assert not aws.call("lambda", "list_functions")["Functions"]


def test_the_history_outlives_the_stack(aws):
    """With the stack deleted, its bucket and its database are there as before, and the functions are not."""
    change(aws, {})
    deployment = deployment_of(stack(aws))
    bucket = deployment.history_bucket
    aws.call("s3", "put_object", Bucket=bucket, Key="changes/2026/11/01/one.gz", Body=b"")
    aws.call("cloudformation", "delete_stack", StackName=STACK)
    assert aws.call("s3", "head_object", Bucket=bucket, Key="changes/2026/11/01/one.gz")
    assert aws.call("glue", "get_database", Name=deployment.glue_database)
    assert not aws.call("lambda", "list_functions")["Functions"]


def test_moto_leaves_out_no_more_than_is_made_here(aws):
    """Each type of the template is made by moto, or by ``moto_types``; none is left out without a word."""
    from moto.cloudformation.parsing import get_model_map

    from tests.support.pipeline.template.moto_types import TYPES

    types = {resource["Type"] for resource in translated({})["Resources"].values()}
    assert types - set(get_model_map()) == set(TYPES)


def with_table(aws, parameters):
    """The parameters with the stream of a table that is there, where they name one."""
    if "StreamArn" not in parameters:
        return parameters
    its = read_template()["Resources"]["SampleTable"]["Properties"]
    aws.call("dynamodb", "create_table", **its | {"TableName": "products"} | STREAMED)
    return parameters | {"StreamArn": streams(aws, "products")}


def streams(aws, table):
    """The ARN of a table's stream."""
    return aws.call("dynamodb", "describe_table", TableName=table)["Table"]["LatestStreamArn"]


def prepare(aws, parameters, kind):
    """What CloudFormation says of a change set with these parameters."""
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    named = {"StackName": STACK, "ChangeSetName": f"{kind.lower()}-{len(parameters)}"}
    about = {"TemplateBody": json.dumps(packaged()), "Parameters": given, "Capabilities": ["CAPABILITY_IAM"]}
    aws.call("cloudformation", "create_change_set", ChangeSetType=kind, **named, **about)
    return aws.call("cloudformation", "describe_change_set", **named)


def change(aws, parameters, kind="CREATE"):
    """Make or change the stack by a change set, and return its changes."""
    told = prepare(aws, parameters, kind)
    aws.call("cloudformation", "execute_change_set", StackName=STACK, ChangeSetName=told["ChangeSetName"])
    return told["Changes"]


def logical_ids(changes):
    """What the changes of a change set are of."""
    return {one["ResourceChange"]["LogicalResourceId"] for one in changes}


def stack(aws):
    """The stack's description."""
    return aws.call("cloudformation", "describe_stacks", StackName=STACK)["Stacks"][0]


def variables(aws, resource):
    """The environment of a function of the stack."""
    found = aws.call("cloudformation", "describe_stack_resource", StackName=STACK, LogicalResourceId=resource)
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    told = aws.call("lambda", "get_function_configuration", FunctionName=name)
    return {variable: str(value) for variable, value in told["Environment"]["Variables"].items()}


def _package():
    """A package with something in it: what matters is that S3 has it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("functions/__init__.py", "")
    return file.getvalue()
