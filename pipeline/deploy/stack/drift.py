"""What was changed by hand beside the template, as CloudFormation detects it."""

from __future__ import annotations

from typing import Any, Final

from pipeline.common.aws import Aws
from pipeline.common.errors import DeploymentError
from pipeline.common.person import Person

_PAUSE_SECONDS: Final = 3


def drifts(aws: Aws, stack: str, person: Person) -> list[str]:
    """A line for each property that is not as the template has it, and for each resource that is gone.

    Resources of types that CloudFormation cannot check are not among them.

    Raises:
        DeploymentError: CloudFormation cannot detect it.
        HistlibError: AWS refuses.
    """
    asked = aws.call("cloudformation", "detect_stack_drift", StackName=stack)["StackDriftDetectionId"]
    while (found := _detection(aws, asked))["DetectionStatus"] == "DETECTION_IN_PROGRESS":
        person.pause(_PAUSE_SECONDS)
    if found["DetectionStatus"] != "DETECTION_COMPLETE":
        reason = found.get("DetectionStatusReason", "no reason is given")
        raise DeploymentError(f"the drift of stack {stack} cannot be detected: {reason}", stack)
    wanted = ["MODIFIED", "DELETED"]
    asking: dict[str, Any] = {"StackName": stack, "StackResourceDriftStatusFilters": wanted}
    lines: list[str] = []
    while True:
        page = aws.call("cloudformation", "describe_stack_resource_drifts", **asking)
        lines += [line for drift in page["StackResourceDrifts"] for line in _lines(drift)]
        if "NextToken" not in page:
            return lines
        asking["NextToken"] = page["NextToken"]


def _detection(aws: Aws, asked: str) -> dict[str, Any]:
    operation = "describe_stack_drift_detection_status"
    return aws.call("cloudformation", operation, StackDriftDetectionId=asked)


def _lines(drift: dict[str, Any]) -> list[str]:
    what = f"{drift['LogicalResourceId']} ({drift['ResourceType']})"
    if drift["StackResourceDriftStatus"] == "DELETED":
        return [f"{what}: deleted"]
    return [
        f"{what}: {one['PropertyPath']} is {one['ActualValue']}, the template has {one['ExpectedValue']}"
        for one in drift.get("PropertyDifferences", ())
    ]
