"""A deployed pipeline in moto, as far as the attester looks at it; metrics are put as AWS would."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import boto3
from moto import mock_aws

from pipeline.functions.attester.observing import Clients, metric_queries
from pipeline.functions.attester.settings import Settings

REGION = "eu-west-1"
BUCKET = "history"


@dataclass
class Deployed:
    """Clients and settings of what is there."""

    clients: Clients
    settings: Settings
    worked: int = 0

    def metric(self, name: str, minute: float, value: float) -> None:
        """A value of a metric, by the attester's name for it, at a time in epoch seconds."""
        asked = next(query["MetricStat"] for query in metric_queries(self.settings) if query["Id"] == name)["Metric"]
        datum = {"MetricName": asked["MetricName"], "Dimensions": asked["Dimensions"], "Value": value}
        moment = datetime.fromtimestamp(minute, UTC)
        # AWS keeps names that begin with AWS/ for itself; moto takes them.
        self.clients.cloudwatch.put_metric_data(
            Namespace=asked["Namespace"], MetricData=[{**datum, "Timestamp": moment}]
        )

    def working(self, now: float, *, age: float = 1.0, freshness: float = 200) -> None:
        """The metrics of an hour of a pipeline that works, up to two minutes ago; none twice."""
        begin, self.worked = max(int(now - 3_660), self.worked), int(now - 119)
        for minute in range(begin, self.worked, 60):
            self.metric("polled", minute, 3)
            self.metric("iterator_age", minute, age * 1_000)
            self.metric("freshness", minute, freshness)
            self.metric("success", minute, 1)

    def put(self, key: str, body: bytes = b"{}") -> None:
        """An object in the history's bucket."""
        self.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def attested(self) -> list[dict[str, Any]]:
        """All attestations that lie there, in order."""
        listed = self.clients.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{self.settings.prefix}coverage/")
        bodies = [
            self.clients.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed["Contents"]
        ]
        return [json.loads(line) for body in bodies for line in body.splitlines()]


@contextmanager
def deployed(**changed: Any) -> Iterator[Deployed]:
    """A table with its stream, a function and a mapping, and a bucket."""
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name=REGION)
        dynamodb, lambda_, cloudwatch, s3, iam = (
            session.client(name) for name in ("dynamodb", "lambda", "cloudwatch", "s3", "iam")
        )
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        table = dynamodb.create_table(
            TableName="things",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]
        mapping = _mapping(iam, lambda_, table["LatestStreamArn"])
        settings = Settings("things", table["LatestStreamArn"], mapping, "recorder", "delivery", BUCKET, "things-stack")
        clients = Clients(dynamodb, lambda_, cloudwatch, s3, session.client("dynamodbstreams"))
        yield Deployed(clients, replace(settings, **changed))


def _mapping(iam: Any, lambda_: Any, stream: str) -> str:
    role = iam.create_role(RoleName="recorder", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("app.py", "")
    lambda_.create_function(
        FunctionName="recorder", Runtime="python3.13", Role=role, Handler="app.f", Code={"ZipFile": packed.getvalue()}
    )
    made = lambda_.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName="recorder",
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{BUCKET}"}},
    )
    return str(made["UUID"])
