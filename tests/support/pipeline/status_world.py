"""A deployment in moto for the tests of ``status``: whole, until a test breaks one thing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from histlib.values.times import now_micros, to_micros
from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment, read_deployment
from pipeline.status.verdicts.alarms import ALARMS
from tests.support.pipeline.template.sam import without_api_gateway

REGION = "eu-west-1"
TABLE = "todo-sample-table"
STACK = "histlib-todo-sample-table"
BUCKET = "history-bucket"
PREFIX = "todo/"
STREAM = "histlib-todo-delivery"
#: As CloudFormation names them, and the log groups as the template does.
RECORDER, ATTESTER = "histlib-todo-RecorderFunction-1Q2W3E4R5T6Y", "histlib-todo-AttesterFunction-6Y5T4R3E2W1Q"
LOGS = {RECORDER: f"/aws/lambda/{STACK}-recorder", ATTESTER: f"/aws/lambda/{STACK}-attester"}
ROLE_POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def before(**ago: float) -> datetime:
    """So long ago."""
    return datetime.now(UTC) - timedelta(**ago)


def telling_logs(session: boto3.Session) -> boto3.Session:
    """moto keeps no LoggingConfig: Lambda's answer, in its place, has the log group that the template gives."""

    def tell(parsed: dict[str, Any], **_: Any) -> None:
        if (function := parsed.get("FunctionName")) in LOGS:
            parsed["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": LOGS[function]}

    session.events.register("after-call.lambda.GetFunctionConfiguration", tell)
    return session


#: Making boto3's clients takes longer than all else; inside moto they keep nothing.
ADMIN = Aws(session=telling_logs(boto3.Session("testing", "testing", region_name=REGION)))


@dataclass
class World:
    """moto's AWS with a whole deployment in it, once ``deploy`` is called; each ``put_…`` adds one thing."""

    aws: Aws = field(default_factory=lambda: ADMIN)
    retention_days: str = "0"
    table: dict[str, Any] = field(default_factory=dict)
    mapping_id: str = ""

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    @property
    def deployment(self) -> Deployment:
        return read_deployment(self.aws, TABLE)

    def deploy(self) -> World:
        """All resources, and what a healthy quarter of an hour leaves behind."""
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.make_table()
        self.make_functions()
        self.make_delivery_stream()
        self.make_stack()
        for name in ALARMS:
            self.put_alarm(name, "OK")
        for function in (RECORDER, ATTESTER):
            self.put_metric("Lambda", function, "Invocations", 5)
        self.put_landing(f"{STREAM}-1-a.gz")
        self.put_attestation()
        self.put_manifest()
        return self

    def make_table(self, view: str = "NEW_AND_OLD_IMAGES") -> None:
        stream = {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
        self.table = self.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "todoId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "todoId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification=stream,
        )["TableDescription"]

    def make_functions(self) -> None:
        role = self.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=ROLE_POLICY)["Role"]["Arn"]
        for name in (RECORDER, ATTESTER):
            self.client("lambda").create_function(
                FunctionName=name, Runtime="python3.13", Role=role, Handler="x.y", Code={"ZipFile": b"x"}
            )
        self.make_mapping()

    def make_mapping(self, **settings: Any) -> None:
        """The mapping, as the template makes it but for ``settings``."""
        as_deployed = {
            "EventSourceArn": self.table["LatestStreamArn"],
            "FunctionName": RECORDER,
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 1000,
            "MaximumBatchingWindowInSeconds": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumRetryAttempts": 1000,
            "MaximumRecordAgeInSeconds": 85500,
            "DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:s3:::{BUCKET}"}},
        }
        made = self.client("lambda").create_event_source_mapping(**as_deployed | settings)
        self.mapping_id = made["UUID"]

    def make_delivery_stream(self, bucket: str = BUCKET) -> None:
        self.client("firehose").create_delivery_stream(
            DeliveryStreamName=STREAM,
            ExtendedS3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::123456789012:role/role",
                "BucketARN": f"arn:aws:s3:::{bucket}",
            },
        )

    def make_stack(self, name: str = STACK) -> None:
        """A stack of outputs only, and of the one parameter that is read."""
        without_api_gateway()
        outputs = {key: {"Value": value} for key, value in self.outputs().items()}
        template = {
            "Parameters": {"AttestMinutes": {"Type": "Number", "Default": "15"}},
            "Resources": {"Nothing": {"Type": "AWS::SNS::Topic"}},
            "Outputs": outputs,
        }
        self.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))

    def outputs(self) -> dict[str, str]:
        return {
            "Source": "athena://db/changes?workgroup=w",
            "TableName": TABLE,
            "StreamArn": self.table["LatestStreamArn"],
            "HistoryBucket": BUCKET,
            "HistoryPrefix": PREFIX,
            "RetentionDays": self.retention_days,
            "Redact": "",
            "KmsKeyArn": "",
            "RecorderFunction": RECORDER,
            "AttesterFunction": ATTESTER,
            "MappingId": self.mapping_id,
            "DeliveryStream": STREAM,
            "GlueDatabase": "db",
            "GlueTable": "changes",
            "Workgroup": "w",
            "ResultsLocation": "s3://results/",
        }

    def put_object(self, key: str, body: bytes = b"x") -> None:
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def put_landing(self, name: str, **ago: float) -> None:
        self.put_object(f"{PREFIX}changes/{before(**ago):%Y/%m/%d}/{name}")

    def put_attestation(self, **other: Any) -> None:
        """The day's attestations: one, of five minutes ago and whole but for ``other``."""
        attested_at = other.pop("attested_at", to_micros(before(minutes=5)))
        self.put_object(
            f"{PREFIX}coverage/{datetime.now(UTC):%Y/%m/%d}/attestations.json",
            json.dumps(self.attestation(attested_at=attested_at, **other)).encode() + b"\n",
        )

    def attestation(self, **other: Any) -> dict[str, Any]:
        whole = {
            "attested_at": now_micros(),
            "table": self.table["TableArn"],
            "table_id": "table-id",
            "stream": self.table["LatestStreamArn"],
            "view": "NEW_AND_OLD_IMAGES",
            "mapping": self.mapping_id,
            "mapping_state": "Enabled",
            "iterator_age_ms": 2_000,
            "firehose_freshness_s": 60,
            "undelivered": 0,
            "healthy": True,
        }
        return whole | other

    def put_manifest(self, name: str = "b1", **other: Any) -> None:
        begin = to_micros(before(days=3))
        manifest = {
            "format": 1, "id": name, "kind": "scan", "table": self.table["TableArn"], "table_id": "table-id",
            "read_begin": begin, "read_end": begin + 60_000_000, "items": 1_200, "files": [],
        }  # fmt: skip
        self.put_object(f"{PREFIX}baseline/{name}.json", json.dumps(manifest | other).encode())

    def put_alarm(self, name: str, state: str, reason: str = "Threshold Crossed: 1 datapoint [3.0] was high") -> None:
        alarms = self.client("cloudwatch")
        alarms.put_metric_alarm(
            AlarmName=f"{STACK}-{name}",
            AlarmDescription=f"What {name} means.",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
        alarms.set_alarm_state(AlarmName=f"{STACK}-{name}", StateValue=state, StateReason=reason)

    def put_metric(self, namespace: str, resource: str, name: str, value: float, **ago: float) -> None:
        """A number of a resource, of some minutes ago unless another time is given."""
        dimension = {"Lambda": "FunctionName", "Firehose": "DeliveryStreamName", "DynamoDB": "TableName"}[namespace]
        datum = {
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": resource}],
            "Timestamp": before(**ago or {"minutes": 7}),
            "Value": value,
        }
        self.client("cloudwatch").put_metric_data(Namespace=f"AWS/{namespace}", MetricData=[datum])


def denied(service: str, operation: str) -> Aws:
    """AWS for somebody who may do all but this: its refusal is put in place of moto's answer, whose IAM does not know
    all of these actions."""
    session = telling_logs(boto3.Session("testing", "testing", region_name=REGION))
    text = f"not authorized to perform: {service}:{operation}"
    xml = f"<Code>AccessDenied</Code><Message>{text}</Message>"
    body = {
        "s3": f"<Error>{xml}</Error>",
        "cloudformation": f"<ErrorResponse><Error>{xml}</Error></ErrorResponse>",
    }.get(service, json.dumps({"__type": "AccessDeniedException", "message": text}))
    session.events.register_first(
        f"before-send.{service}.{operation}", lambda request, **_: _refusal(request.url, body)
    )
    return Aws(session=session)


def _refusal(url: str, body: str) -> AWSResponse:
    # CloudWatch's protocol tells the code in a header.
    return AWSResponse(url, 403, {"x-amzn-query-error": "AccessDenied;Sender"}, _Raw(body.encode()))


@dataclass
class _Raw:
    body: bytes

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.body
