"""What is deployed for a table: the outputs of its CloudFormation stack, which every command begins from."""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final

from pipeline.common.aws import Aws, RefusedError
from pipeline.common.errors import DeploymentError

#: Before the table's name in the names of stacks.
STACK_PREFIX: Final = "histlib-"


@dataclass(frozen=True)
class Deployment:
    """A stack's outputs (each field of it is the template's output of that name in CamelCase), its name and status.

    ``history_prefix`` is empty or ends in ``/``; ``retention_days`` "0" means for ever; ``results_location`` is an
    ``s3://`` address; ``redact`` and ``kms_key_arn`` may be empty.
    """

    stack: str
    status: str
    source: str
    table_name: str
    stream_arn: str
    history_bucket: str
    history_prefix: str
    retention_days: str
    redact: str
    kms_key_arn: str
    recorder_function: str
    attester_function: str
    mapping_id: str
    delivery_stream: str
    glue_database: str
    glue_table: str
    workgroup: str
    results_location: str
    #: Of CloudWatch; empty where the stack was deployed before there was one.
    dashboard: str = ""

    @property
    def location(self) -> str:
        """``s3://bucket/prefix`` of the history, as histlib takes it."""
        return f"s3://{self.history_bucket}/{self.history_prefix}".rstrip("/")

    @property
    def table_arn(self) -> str:
        """The DynamoDB table's ARN."""
        return self.stream_arn.partition("/stream/")[0]


def stack_name(table: str) -> str:
    """The stack of a table, unless another is named: letters, digits and hyphens, at most 128 characters."""
    return (STACK_PREFIX + re.sub(r"[^A-Za-z0-9]+", "-", table).strip("-"))[:128]


def find_stack(aws: Aws, name: str) -> dict[str, Any] | None:
    """CloudFormation's description of a stack; None where there is none.

    Raises:
        HistlibError: AWS cannot be asked.
    """
    try:
        stacks = aws.call("cloudformation", "describe_stacks", StackName=name)["Stacks"]
    except RefusedError as error:
        if error.code == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return next((one for one in stacks if one["StackStatus"] != "DELETE_COMPLETE"), None)


def read_deployment(aws: Aws, table: str, stack: str | None = None) -> Deployment:
    """What is deployed for a table.

    Raises:
        DeploymentError: nothing is, it is another table's, or it lacks outputs.
        HistlibError: AWS cannot be asked.
    """
    name = stack or stack_name(table)
    found = find_stack(aws, name)
    if found is None:
        raise DeploymentError(
            f"no stack {name} in {aws.region}; deploy it (python -m pipeline deploy --table {table}), or name its "
            "stack by --stack and its Region by --region",
            name,
        )
    deployment = deployment_of(found)
    if deployment.table_name != table:
        raise DeploymentError(f"stack {name} is that of table {deployment.table_name}, not of {table}", name)
    return deployment


def deployment_of(stack: dict[str, Any]) -> Deployment:
    """The deployment that CloudFormation's description of a stack tells.

    Raises:
        DeploymentError: outputs are missing that every release has.
    """
    outputs = {one["OutputKey"]: one.get("OutputValue", "") for one in stack.get("Outputs", ())}
    wanted = {field.name: _output(field.name) for field in fields(Deployment)[2:]}
    needed = [_output(field.name) for field in fields(Deployment)[2:] if field.default is MISSING]
    if lacking := [output for output in needed if output not in outputs]:
        raise DeploymentError(
            f"stack {stack['StackName']} ({stack['StackStatus']}) lacks the outputs {', '.join(lacking)}: it is "
            "another stack, or not whole; deploy again",
            stack["StackName"],
        )
    values = {name: outputs[output] for name, output in wanted.items() if output in outputs}
    return Deployment(stack=stack["StackName"], status=stack["StackStatus"], **values)


def _output(field: str) -> str:
    return "".join(word.capitalize() for word in field.split("_"))
