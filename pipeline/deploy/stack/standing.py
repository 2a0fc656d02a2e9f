"""The stack as it stands: ours or another's, fit for an update, or debris that has to be deleted first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment, deployment_of, find_stack
from pipeline.common.errors import DeploymentError
from pipeline.common.person import Person
from pipeline.deploy.stack.events import Following, why

#: The tag that says of which table a stack is, also of one that never came to have outputs.
TABLE_TAG: Final = "histlib:table"
#: From these a stack cannot be updated; nothing of it runs.
_DEBRIS: Final = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")


@dataclass(frozen=True)
class Standing:
    """A stack before anything is done; ``arn`` is None where there is none, ``deployment`` where it has no outputs."""

    name: str
    arn: str | None = None
    status: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    deployment: Deployment | None = None

    @property
    def is_debris(self) -> bool:
        """Whether it has to be deleted before a stack of its name can be made."""
        return self.status in _DEBRIS

    @property
    def is_updatable(self) -> bool:
        """Whether it is there and not debris: then it is updated, and else made."""
        return self.arn is not None and not self.is_debris

    @property
    def before(self) -> dict[str, str]:
        """The parameters that an update can keep; none where the stack is made anew."""
        return self.parameters if self.is_updatable else {}

    @property
    def is_moving(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and not self.is_debris


def read_standing(aws: Aws, name: str, table: str) -> Standing:
    """The stack of that name.

    Raises:
        DeploymentError: it is none of ours, another table's, or stuck.
        HistlibError: AWS cannot be asked.
    """
    found = find_stack(aws, name)
    if found is None:
        return Standing(name)
    tags = {one["Key"]: one["Value"] for one in found.get("Tags", ()) if not one["Key"].startswith("aws:")}
    deployment = _deployment(found, tags)
    owner = tags.get(TABLE_TAG) or (deployment.table_name if deployment else "")
    if owner != table:
        whose = f"that of table {owner}" if owner else "no stack of histlib"
        raise DeploymentError(
            f"the name {name} is taken: that stack ({found['StackStatus']}) is {whose}; name another one by --stack",
            name,
        )
    if found["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        raise DeploymentError(
            f"stack {name} is stuck in UPDATE_ROLLBACK_FAILED; go on with its rollback (aws cloudformation "
            f"continue-update-rollback --stack-name {name} --region {aws.region}), then deploy again",
            name,
        )
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())}
    return Standing(name, found["StackId"], found["StackStatus"], parameters, tags, deployment)


def _deployment(found: dict[str, Any], tags: dict[str, str]) -> Deployment | None:
    """What its outputs tell; a stack without all of them is ours only by its tag."""
    try:
        return deployment_of(found)
    except DeploymentError:
        if TABLE_TAG not in tags and found.get("Outputs"):
            raise
        return None


def wait_for_rest(aws: Aws, standing: Standing, person: Person) -> None:
    """Follow what CloudFormation is at with the stack, until it rests."""
    if standing.is_moving:
        person.say(f"stack {standing.name} is in {standing.status}: following that first")
        Following(aws, str(standing.arn), begun=True).until_rest(person)


def delete_stack(aws: Aws, name: str, arn: str, person: Person) -> Following:
    """Delete a stack and follow it to its end.

    Raises:
        DeploymentError: it could not be deleted; which resource, and why.
        HistlibError: AWS refuses.
    """
    following = Following(aws, arn)
    aws.call("cloudformation", "delete_stack", StackName=arn)
    status = following.until_rest(person)
    if status != "DELETE_COMPLETE":
        raise DeploymentError(
            f"stack {name} is in {status}, not deleted. {why(following.first_failure())}. Mend that, then run this "
            "again",
            name,
        )
    return following
