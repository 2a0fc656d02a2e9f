"""What CloudFormation, DynamoDB, Lambda, Firehose and CloudWatch's alarms tell. Each ``read_…`` is one question.

All raise HistlibError where AWS cannot be asked; what is not there is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment, find_stack


@dataclass(frozen=True)
class Stack:
    """The stack's status, why it has it, and the parameters it was deployed with."""

    status: str
    reason: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class Table:
    """The table; ``table_id`` is another one when it is made anew; ``stream`` is the ARN of its newest stream, on or
    off, and empty where it never had one."""

    status: str
    table_id: str | None
    stream_on: bool
    view: str
    stream: str


@dataclass(frozen=True)
class Mapping:
    """What reads the stream: ``settings`` are Lambda's own, by their names."""

    state: str
    result: str
    function: str
    stream: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class DeliveryStream:
    """Firehose's delivery stream and the bucket it writes to."""

    status: str
    bucket: str


@dataclass(frozen=True)
class Alarm:
    """An alarm: ``state`` is ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``; ``description`` says what it means."""

    name: str
    state: str
    reason: str
    description: str


def read_stack(aws: Aws, deployment: Deployment) -> Stack | None:
    """The stack as it is now."""
    found = find_stack(aws, deployment.stack)
    if found is None:
        return None
    parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", ())}
    return Stack(found["StackStatus"], found.get("StackStatusReason", ""), parameters)


def read_table(aws: Aws, deployment: Deployment) -> Table | None:
    """The table and its stream."""
    answer = aws.find("dynamodb", "describe_table", TableName=deployment.table_name)
    if answer is None:
        return None
    table = answer["Table"]
    stream = table.get("StreamSpecification", {})
    return Table(
        status=table["TableStatus"],
        table_id=table.get("TableId"),
        stream_on=bool(stream.get("StreamEnabled")),
        view=stream.get("StreamViewType", ""),
        stream=table.get("LatestStreamArn", ""),
    )


def read_mapping(aws: Aws, deployment: Deployment) -> Mapping | None:
    """The event source mapping."""
    found = aws.find("lambda", "get_event_source_mapping", UUID=deployment.mapping_id)
    if found is None:
        return None
    return Mapping(
        state=found["State"],
        result=found.get("LastProcessingResult", ""),
        function=found["FunctionArn"],
        stream=found["EventSourceArn"],
        settings=found,
    )


def read_log_group(aws: Aws, function: str) -> str | None:
    """The log group that a Lambda function writes to: one of the stack's, which is not called as the function is."""
    found = aws.find("lambda", "get_function_configuration", FunctionName=function)
    return None if found is None else found.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function}"


def read_delivery_stream(aws: Aws, deployment: Deployment) -> DeliveryStream | None:
    """The delivery stream."""
    answer = aws.find("firehose", "describe_delivery_stream", DeliveryStreamName=deployment.delivery_stream)
    if answer is None:
        return None
    found = answer["DeliveryStreamDescription"]
    destination = found["Destinations"][0].get("ExtendedS3DestinationDescription", {})
    return DeliveryStream(found["DeliveryStreamStatus"], destination.get("BucketARN", "").rpartition(":")[2])


def read_alarms(aws: Aws, deployment: Deployment) -> tuple[Alarm, ...]:
    """The stack's alarms, and those of stacks whose names begin with its own and a hyphen."""
    prefix = f"{deployment.stack}-"
    found = aws.each("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix)
    return tuple(
        Alarm(one["AlarmName"], one["StateValue"], one.get("StateReason", ""), one.get("AlarmDescription", ""))
        for one in found
    )
