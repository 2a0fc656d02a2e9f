"""A change set: made, shown, and executed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.common.aws import Aws
from pipeline.common.errors import DeploymentError
from pipeline.common.person import Person
from pipeline.deploy.stack.events import Following, why
from pipeline.deploy.stack.standing import Standing
from pipeline.deploy.stack.template import Template

#: What the replacement or removal of a resource means.
_GRAVE: Final = {
    "AWS::S3::Bucket": "the history goes on in another bucket; what was captured stays in the old one, and no answer "
    "sees both",
    "AWS::KinesisFirehose::DeliveryStream": "what is in its buffer when it is deleted is not delivered",
    "AWS::Lambda::EventSourceMapping": "the stream is read from its oldest change again, or no longer at all; changes "
    "older than 24 hours that were not yet read are lost, and what is attested ends with the old mapping",
    "AWS::DynamoDB::Table": "the table is deleted WITH ALL ITS ITEMS",
    "AWS::Glue::Table": "questions by Athena fail until the new one is there",
    "AWS::Glue::Database": "its tables, also those of others, may be deleted",
}
#: What CloudFormation says where a change set would change nothing.
_NOTHING: Final = ("didn't contain changes", "No updates are to be performed")
_NAMED_IAM: Final = re.compile(
    r"^\s+(RoleName|ManagedPolicyName|UserName|GroupName|InstanceProfileName):", re.MULTILINE
)
_PAUSE_SECONDS: Final = 2


@dataclass(frozen=True)
class Change:
    """What a change set does to one resource; ``replacement`` is ``True``, ``Conditional``, ``False`` or empty."""

    action: str
    resource: str
    type: str
    replacement: str = ""

    @property
    def warning(self) -> str:
        """What this means where it is grave, else empty."""
        is_lost = self.action == "Remove" or self.replacement in ("True", "Conditional")
        if not (is_lost and self.type in _GRAVE):
            return ""
        how = {"Remove": "is REMOVED"}.get(self.action, "may be REPLACED")
        how = "is REPLACED" if self.replacement == "True" and self.action != "Remove" else how
        return f"{self.resource} ({self.type}) {how}: {_GRAVE[self.type]}"


@dataclass(frozen=True)
class Wanted:
    """What a stack is to be; a parameter of None keeps its value."""

    template: Template
    parameters: Mapping[str, str | None]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class ChangeSet:
    """A change set that waits to be executed; without ``changes`` of resources it changes outputs or tags only."""

    arn: str
    stack_arn: str
    changes: tuple[Change, ...]


def capabilities(template: str) -> list[str]:
    """What the template has to be allowed: roles, the SAM transform, and names of roles where it gives them."""
    named = ["CAPABILITY_NAMED_IAM"] if _NAMED_IAM.search(template) else []
    return ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", *named]


def make_change_set(aws: Aws, standing: Standing, wanted: Wanted, person: Person) -> ChangeSet | None:
    """A change set that brings the stack to what is wanted; None where it is so already.

    Raises:
        DeploymentError: CloudFormation cannot make it, and why.
        HistlibError: AWS refuses.
    """
    made = aws.call(
        "cloudformation",
        "create_change_set",
        StackName=standing.name,
        ChangeSetName=f"histlib-{datetime.now(UTC):%Y%m%d-%H%M%S}",
        ChangeSetType="UPDATE" if standing.is_updatable else "CREATE",
        Parameters=[_parameter(name, value) for name, value in wanted.parameters.items()],
        Capabilities=capabilities(wanted.template.text),
        Tags=[{"Key": key, "Value": value} for key, value in wanted.tags.items()],
        **wanted.template.argument,
    )
    arn, stack_arn = made["Id"], made["StackId"]
    while (found := _describe(aws, arn))["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
        person.pause(_PAUSE_SECONDS)
    if found["Status"] == "CREATE_COMPLETE":
        listed = aws.each("cloudformation", "describe_change_set", "Changes", ChangeSetName=arn)
        return ChangeSet(arn, stack_arn, tuple(_change(one["ResourceChange"]) for one in listed))
    discard(aws, ChangeSet(arn, stack_arn, ()), standing)
    reason = str(found.get("StatusReason", ""))
    if any(text in reason for text in _NOTHING):
        return None
    raise DeploymentError(
        f"CloudFormation cannot make the change set for stack {standing.name}: "
        f"{reason.rstrip('. ') or 'no reason is given'}. The stack is as it was; mend that, then deploy again",
        standing.name,
    )


def _parameter(name: str, value: str | None) -> dict[str, Any]:
    given = {"UsePreviousValue": True} if value is None else {"ParameterValue": value}
    return {"ParameterKey": name, **given}


def _describe(aws: Aws, arn: str) -> dict[str, Any]:
    return aws.call("cloudformation", "describe_change_set", ChangeSetName=arn)


def _change(change: Mapping[str, Any]) -> Change:
    texts = (change.get(name) for name in ("Action", "LogicalResourceId", "ResourceType", "Replacement"))
    return Change(*(str(text or "") for text in texts))


def discard(aws: Aws, change_set: ChangeSet, standing: Standing) -> None:
    """Delete a change set, and the stack that was there for nothing else."""
    aws.call("cloudformation", "delete_change_set", ChangeSetName=change_set.arn)
    if not standing.is_updatable:
        aws.call("cloudformation", "delete_stack", StackName=change_set.stack_arn)


def table_of(changes: tuple[Change, ...]) -> list[str]:
    """The changes as lines: action, resource, type, replacement."""
    if not changes:
        return ["  no resource changes, only outputs or tags"]
    rows = [("action", "resource", "type", "replacement")]
    rows += [(one.action, one.resource, one.type, one.replacement or "-") for one in changes]
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    return ["  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
            for row in rows]  # fmt: skip


def execute(aws: Aws, change_set: ChangeSet, standing: Standing, person: Person) -> None:
    """Execute the change set and follow the stack to its end.

    Raises:
        DeploymentError: it was rolled back; which resource failed first and why, and what to do next.
        HistlibError: AWS refuses.
    """
    following = Following(aws, change_set.stack_arn)
    aws.call("cloudformation", "execute_change_set", ChangeSetName=change_set.arn)
    status = following.until_rest(person)
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return
    kept = following.kept()
    left = f" These were kept, delete them by hand if they are empty: {', '.join(kept)}." if kept else ""
    raise DeploymentError(
        f"stack {standing.name} ended in {status}. {why(following.first_failure())}.{left} {_next(status, standing)}",
        standing.name,
    )


def _next(status: str, standing: Standing) -> str:
    if standing.is_updatable:
        return "It is as it was before and captures on. Mend that, then deploy again"
    return f"Nothing is captured. Mend that, then deploy again: it asks, deletes this {status} stack, and makes it anew"
