"""Each shim of ``pipeline/emulator/shims.py`` does what it says, and MiniStack without it does not: one that is no
longer needed fails here, and is to go."""

from __future__ import annotations

import ast
import gzip
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pipeline.emulator.server import SHIMS, Emulator, running
from tests.aws.rig import Aws

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
FUNCTION = """
def handler(event, context):
    first = event["Records"][0]["dynamodb"]
    bad = first["NewImage"]["do"]["S"] == "report"
    return {"batchItemFailures": [{"itemIdentifier": first["SequenceNumber"]}] if bad else []}
"""


@dataclass
class Probed:
    """An emulator, and what of it is asked; each probe tells whether it is as AWS is."""

    emulator: Emulator

    def client(self, service: str, key: str = "", secret: str = "") -> Any:
        told = self.emulator.client_environment()
        return boto3.client(
            service,
            endpoint_url=told["AWS_ENDPOINT_URL"],
            region_name=told["AWS_DEFAULT_REGION"],
            aws_access_key_id=key or told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=secret or told["AWS_SECRET_ACCESS_KEY"],
        )

    def bucket(self, name: str) -> Any:
        """A client of S3, with this bucket made."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        return s3

    def allowed(self, name: str, statement: dict[str, Any], service: str) -> Any:
        """A client of somebody who may do what a statement says."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
        iam.put_user_policy(UserName=name, PolicyName="it", PolicyDocument=json.dumps(policy))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return self.client(service, made["AccessKeyId"], made["SecretAccessKey"])

    def lands(self, stream: str, bucket: str, *, bucket_comes_later: bool = False) -> list[str]:
        """What lies in the bucket after a record was put into a delivery stream that compresses."""
        firehose = self.client("firehose")
        destination = {
            "RoleARN": "arn:aws:iam::123456789012:role/any",
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "CompressionFormat": "GZIP",
        }
        firehose.create_delivery_stream(DeliveryStreamName=stream, ExtendedS3DestinationConfiguration=destination)
        if not bucket_comes_later:
            self.bucket(bucket)
        firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"line\n"}])
        if bucket_comes_later:
            time.sleep(0.5)
            self.bucket(bucket)
        s3, patience = self.client("s3"), time.monotonic() + 3
        while time.monotonic() < patience:
            if found := s3.list_objects_v2(Bucket=bucket).get("Contents"):
                return [one["Key"] for one in found]
            time.sleep(0.1)
        return []

    def calls_a_function(self, name: str) -> str:
        """The stream of a new table, beside a function that a mapping may call; both have this name."""
        made = self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as package:
            package.writestr("app.py", FUNCTION)
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="app.handler",
            Code={"ZipFile": packed.getvalue()},
        )
        return str(made["TableDescription"]["LatestStreamArn"])

    def stack(self, name: str, template: dict[str, Any], parameters: dict[str, str] | None = None) -> str:
        """Make a stack, or where it is there update it; how it stands then."""
        cloudformation = self.client("cloudformation")
        given = [{"ParameterKey": one, "ParameterValue": value} for one, value in (parameters or {}).items()]
        asked = {"StackName": name, "TemplateBody": json.dumps(template), "Parameters": given}
        try:
            cloudformation.create_stack(**asked)
        except cloudformation.exceptions.AlreadyExistsException:
            cloudformation.update_stack(**asked)
        while (status := cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("GRESS"):
            time.sleep(0.1)
        return str(status)

    def result_after(self, uuid: str, table: str, do: str) -> str:
        """What a mapping says when it has called its function with an item that is written to the table now."""
        lambda_ = self.client("lambda")
        before = lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
        self.client("dynamodb").put_item(TableName=table, Item={"id": {"S": do}, "do": {"S": do}})
        patience = time.monotonic() + (30 if self.emulator.command[-1] != "bare" else 6)
        while (found := lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]) == before:
            if time.monotonic() > patience:
                break
            time.sleep(0.1)
        return str(found)

    @cached_property
    def mapping(self) -> dict[str, Any]:
        """What a mapping said after a good batch, and after one that the function reported as failed, and what there is
        of it in S3 and in CloudWatch."""
        stream = self.calls_a_function("probe")
        lambda_ = self.client("lambda")
        s3 = self.bucket("probe-given-up")
        uuid = lambda_.create_event_source_mapping(
            EventSourceArn=stream,
            FunctionName="probe",
            StartingPosition="TRIM_HORIZON",
            MaximumRetryAttempts=0,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::probe-given-up"}},
        )["UUID"]

        good, bad = (self.result_after(uuid, "probe", do) for do in ("record", "report"))
        time.sleep(0.5)
        dimension = [{"Name": "EventSourceMappingUUID", "Value": uuid}]
        metrics = self.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", Dimensions=dimension)["Metrics"]
        kept = s3.list_objects_v2(Bucket="probe-given-up").get("Contents", ())
        bodies = [json.loads(s3.get_object(Bucket="probe-given-up", Key=one["Key"])["Body"].read()) for one in kept]
        names = {one["MetricName"] for one in metrics}
        return {"good": good, "bad": bad, "given_up": bodies, "metrics": names}


def the_loopback_counts_as_tls(probed: Probed) -> bool:
    s3 = probed.bucket("by-tls-only")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::by-tls-only/*"}
    policy = {"Version": "2012-10-17", "Statement": [{**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}
    s3.put_bucket_policy(Bucket="by-tls-only", Policy=json.dumps(policy))
    reader = probed.allowed("by-tls", {"Action": "s3:*", "Resource": "*"}, "s3")
    return done(lambda: reader.put_object(Bucket="by-tls-only", Key="it", Body=b""))


def iam_knows_the_namespace_of_metrics(probed: Probed) -> bool:
    condition = {"StringEquals": {"cloudwatch:namespace": "histlib"}}
    statement = {"Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": condition}
    cloudwatch = probed.allowed("measuring", statement, "cloudwatch")
    data = [{"MetricName": "Healthy", "Value": 1.0}]
    elsewhere = done(lambda: cloudwatch.put_metric_data(Namespace="other", MetricData=data))
    return done(lambda: cloudwatch.put_metric_data(Namespace="histlib", MetricData=data)) and not elsewhere


def iam_knows_a_mapping_from_the_list_of_them(probed: Probed) -> bool:
    statement = {"Action": "lambda:GetEventSourceMapping", "Resource": "*"}
    lambda_ = probed.allowed("asking", statement, "lambda")
    asked = {"UUID": "11111111-2222-3333-4444-555555555555"}
    return code_of(lambda: lambda_.get_event_source_mapping(**asked)) == "ResourceNotFoundException"


def iam_knows_the_stream_that_is_asked(probed: Probed) -> bool:
    stream = "arn:aws:dynamodb:eu-west-1:123456789012:table/gone/stream/2026-01-01T00:00:00.000"
    streams = probed.allowed("reading", {"Action": "dynamodb:DescribeStream", "Resource": stream}, "dynamodbstreams")
    other = done(lambda: streams.describe_stream(StreamArn=stream.replace("gone", "other")))
    return code_of(lambda: streams.describe_stream(StreamArn=stream)) == "ResourceNotFoundException" and not other


def templates_are_found_by_their_address(probed: Probed) -> bool:
    template = {"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}}}
    probed.bucket("templates").put_object(Bucket="templates", Key="it.json", Body=json.dumps(template))
    url = "https://templates.s3.eu-west-1.amazonaws.com/it.json"
    return done(lambda: probed.client("cloudformation").create_stack(StackName="by-address", TemplateURL=url))


def alarms_of_metric_math(probed: Probed) -> bool:
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors"}
    formula = [
        {"Id": "all", "Expression": "FILL(one, 0)", "ReturnData": True},
        {"Id": "one", "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}},
    ]
    alarm = {"AlarmName": "formula", "Metrics": formula, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0}
    properties = {**alarm, "EvaluationPeriods": 1}
    template = {"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}
    return probed.stack("formula", template) == "CREATE_COMPLETE"


def an_updated_mapping_keeps_its_numbers(probed: Probed) -> bool:
    stream = probed.calls_a_function("updated")
    properties = {"EventSourceArn": stream, "FunctionName": "updated", "StartingPosition": "TRIM_HORIZON"}
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {**properties, "BatchSize": {"Ref": "Size"}},
    }
    template = {"Parameters": {"Size": {"Type": "Number"}}, "Resources": {"Mapping": mapping}}
    for size in ("100", "1000"):
        probed.stack("updated", template, {"Size": size})
    lambda_ = probed.client("lambda")
    (found,) = lambda_.list_event_source_mappings(FunctionName="updated")["EventSourceMappings"]
    result = probed.result_after(found["UUID"], "updated", "record")
    lambda_.delete_event_source_mapping(UUID=found["UUID"])  # one that fails keeps all others from being polled
    return result.startswith("OK")


def firehose_compresses(probed: Probed) -> bool:
    found = probed.lands("compressed", "compressed-lands")
    body = probed.client("s3").get_object(Bucket="compressed-lands", Key=found[0])["Body"].read()
    return found[0].endswith(".gz") and gzip.decompress(body) == b"line\n"


def firehose_tries_again(probed: Probed) -> bool:
    return len(probed.lands("patient", "comes-later", bucket_comes_later=True)) == 1


def mappings_heed_batch_item_failures(probed: Probed) -> bool:
    return not probed.mapping["bad"].startswith("OK")


def mappings_keep_what_they_give_up_in_s3(probed: Probed) -> bool:
    return [json.loads(one["payload"])["Records"][0]["eventName"] for one in probed.mapping["given_up"]] == ["INSERT"]


def mappings_tell_their_last_result_in_words(probed: Probed) -> bool:
    return bool(probed.mapping["good"] == "OK")


def mappings_count_polls(probed: Probed) -> bool:
    return "PolledEventCount" in probed.mapping["metrics"]


PROBES: list[Callable[[Probed], bool]] = [
    the_loopback_counts_as_tls,
    iam_knows_the_namespace_of_metrics,
    iam_knows_a_mapping_from_the_list_of_them,
    iam_knows_the_stream_that_is_asked,
    templates_are_found_by_their_address,
    alarms_of_metric_math,
    an_updated_mapping_keeps_its_numbers,
    firehose_compresses,
    firehose_tries_again,
    mappings_heed_batch_item_failures,
    mappings_keep_what_they_give_up_in_s3,
    mappings_tell_their_last_result_in_words,
    mappings_count_polls,
]


def done(call: Callable[[], Any]) -> bool:
    return code_of(call) == ""


def code_of(call: Callable[[], Any]) -> str:
    """The code with which AWS refuses a call; empty where it does not."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    """MiniStack as it is."""
    emulator = Emulator(tmp_path_factory.mktemp("bare"), command=(str(SHIMS), "bare"))
    with running(emulator):
        yield Probed(emulator)


@pytest.fixture(scope="module")
def mended(aws: Aws) -> Probed:
    """MiniStack with its shims."""
    return Probed(aws.emulator)


def test_every_shim_is_probed():
    """In the order in which they stand there."""
    tree = ast.parse(Path(SHIMS).read_text(encoding="utf-8"))
    listed = next(node.value for node in tree.body if isinstance(node, ast.AnnAssign) and node.target.id == "SHIMS")
    assert {name.id for name in listed.elts} == {probe.__name__ for probe in PROBES}


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_the_shim_does_what_it_says(mended, probe):
    """With it, the emulator is there as AWS is."""
    assert probe(mended)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_the_shim_is_still_needed(bare, probe):
    """Without it, MiniStack is not: should this fail, the shim is to go."""
    assert not probe(bare)
