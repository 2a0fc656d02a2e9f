"""The template's types that moto's CloudFormation leaves out without a word, made by moto's own services.

Each is made by the service's client, which refuses a property that its API does not have. What moto's services do not
keep of it (Firehose's encryption, for one) is checked in the template itself, by ``test_template_promises``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import boto3

Properties = dict[str, Any]
#: client, name, properties → None
Act = Callable[[Any, str, Properties], Any]


@dataclass(frozen=True)
class Kind:
    """A type of resource, in place of moto's class for it. ``name`` is the property that names it, or empty."""

    service: str
    name: str
    make: Act
    unmake: Act
    remake: Act

    def cloudformation_name_type(self) -> str:
        """As moto asks for it."""
        return self.name

    def has_cfn_attr(self, attribute: str) -> bool:
        """As moto asks for it."""
        return attribute == "Arn"

    def create_from_cloudformation_json(
        self, name: str, resource: Properties, _account: str, region: str, **_about: Any
    ) -> Made:
        """Make one."""
        properties = resource.get("Properties", {})
        self.make(self.client(region), name, properties)
        return Made(self, region, self.name_of(name, properties), properties)

    def update_from_cloudformation_json(
        self, original_resource: Made, new_resource_name: str, cloudformation_json: Properties, **_where: Any
    ) -> Made:
        """Make it otherwise; its name stays."""
        name, properties = original_resource.physical_resource_id, cloudformation_json.get("Properties", {})
        self.remake(self.client(original_resource.region), name, properties)
        return Made(self, original_resource.region, name, properties)

    def name_of(self, generated: str, properties: Properties) -> str:
        """What ``!Ref`` gives: Glue's names lie in the input."""
        inner = properties.get("DatabaseInput") or properties.get("TableInput") or properties
        return str(inner.get(self.name, generated))

    def client(self, region: str) -> Any:
        """The service's."""
        return boto3.client(self.service, region_name=region)


@dataclass
class Made:
    """A resource that was made; ``physical_resource_id`` is what ``!Ref`` gives."""

    kind: Kind
    region: str
    physical_resource_id: str
    properties: Properties
    cf_resource_type: str = ""
    logical_resource_id: str = ""

    def get_cfn_attribute(self, attribute: str) -> str:
        """Delivery streams and alarms are asked for one: their ARN."""
        if self.kind.service == "cloudwatch":
            client = self.kind.client(self.region)
            [alarm] = client.describe_alarms(AlarmNames=[self.physical_resource_id])["MetricAlarms"]
            return str(alarm[f"Alarm{attribute}"])
        answer = self.kind.client(self.region).describe_delivery_stream(DeliveryStreamName=self.physical_resource_id)
        return str(answer["DeliveryStreamDescription"][f"DeliveryStream{attribute.upper()}"])

    def delete(self, _account: str, _region: str) -> None:
        """Unmake it."""
        self.kind.unmake(self.kind.client(self.region), self.physical_resource_id, self.properties)

    def is_created(self) -> bool:
        """At once."""
        return True


def _nothing(_client: Any, _name: str, _properties: Properties) -> None:
    """For what moto cannot do to a resource; what was made stays."""


def _workgroup(properties: Properties) -> Properties:
    return {"Configuration": properties["WorkGroupConfiguration"], "Description": properties["Description"]}


TYPES: Final = {
    "AWS::Athena::WorkGroup": Kind(
        "athena",
        "Name",
        lambda athena, name, its: athena.create_work_group(Name=name, **_workgroup(its)),
        lambda athena, name, its: athena.delete_work_group(
            WorkGroup=name, RecursiveDeleteOption=its["RecursiveDeleteOption"]
        ),
        _nothing,
    ),
    "AWS::CloudWatch::Alarm": Kind(
        "cloudwatch",
        "AlarmName",
        lambda cloudwatch, _, its: cloudwatch.put_metric_alarm(**its),
        lambda cloudwatch, name, _: cloudwatch.delete_alarms(AlarmNames=[name]),
        lambda cloudwatch, _, its: cloudwatch.put_metric_alarm(**its),
    ),
    "AWS::Glue::Database": Kind(
        "glue",
        "Name",
        lambda glue, _, its: glue.create_database(**its),
        lambda glue, name, _: glue.delete_database(Name=name),
        _nothing,
    ),
    "AWS::Glue::Table": Kind(
        "glue",
        "Name",
        lambda glue, _, its: glue.create_table(**its),
        lambda glue, name, its: glue.delete_table(DatabaseName=its["DatabaseName"], Name=name),
        lambda glue, _, its: glue.update_table(**its),
    ),
    "AWS::KinesisFirehose::DeliveryStream": Kind(
        "firehose",
        "DeliveryStreamName",
        lambda firehose, name, its: firehose.create_delivery_stream(DeliveryStreamName=name, **its),
        lambda firehose, name, _: firehose.delete_delivery_stream(DeliveryStreamName=name),
        _nothing,
    ),
    "AWS::Lambda::EventInvokeConfig": Kind(
        "lambda",
        "",
        lambda functions, _, its: functions.put_function_event_invoke_config(**its),
        _nothing,  # it goes with its function
        lambda functions, _, its: functions.put_function_event_invoke_config(**its),
    ),
    "AWS::Logs::LogStream": Kind(
        "logs",
        "LogStreamName",
        lambda logs, name, its: logs.create_log_stream(logGroupName=its["LogGroupName"], logStreamName=name),
        _nothing,  # it goes with its group
        _nothing,
    ),
    # moto refuses everything by a Deny, whatever its condition.
    "AWS::S3::BucketPolicy": Kind("s3", "", _nothing, _nothing, _nothing),
}
