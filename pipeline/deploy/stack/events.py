"""Following a stack until it rests: each event once, and of a failure the first, which is its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from pipeline.common.aws import Aws
from pipeline.common.person import Person

_PAUSE_SECONDS: Final = 4
#: What CloudFormation says of resources that it gave up since another one failed.
_CANCELLED: Final = re.compile(r"Resource \w+ cancelled")


@dataclass
class Following:
    """What happens to the stack ``arn`` from now on; ``events`` are those seen, oldest first.

    Unless it has ``begun`` already, the stack does not rest before its first event: right after a call, the status may
    still be that of before.
    """

    aws: Aws
    arn: str
    begun: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Know what happened before, so that it is not told again."""
        self._new()

    def until_rest(self, person: Person) -> str:
        """Tell each event once; returns the status in which the stack came to rest.

        Raises:
            KeyboardInterrupt: with how to look, and that CloudFormation goes on.
            HistlibError: AWS cannot be asked.
        """
        try:
            while True:
                status = stack_status(self.aws, self.arn)
                for event in reversed(self._new()):
                    self.events.append(event)
                    (person.warn if is_failure(event) else person.say)(event_line(event))
                if not status.endswith("_IN_PROGRESS") and (self.begun or self.events):
                    return status
                person.pause(_PAUSE_SECONDS)
        except KeyboardInterrupt:
            name = self.arn.split("/")[1]
            look = f"aws cloudformation describe-stack-events --stack-name {name} --region {self.aws.region}"
            message = (
                f"interrupted; CloudFormation goes on with stack {name}. Look: {look}; or run this again: it follows"
            )
            raise KeyboardInterrupt(message) from None

    def _new(self) -> list[dict[str, Any]]:
        listed = self.aws.each("cloudformation", "describe_stack_events", "StackEvents", StackName=self.arn)
        fresh = list(takewhile(lambda event: event["EventId"] not in self._seen, listed))
        self._seen |= {event["EventId"] for event in fresh}
        return fresh

    def first_failure(self) -> dict[str, Any] | None:
        """What failed first; what was cancelled for it comes later and tells nothing."""
        failed = (one for one in self.events if is_failure(one) and not _CANCELLED.search(_reason(one)))
        return next(failed, None)

    def kept(self) -> list[str]:
        """The resources that were not deleted, by what CloudFormation skipped."""
        skipped = (one for one in self.events if one["ResourceStatus"] == "DELETE_SKIPPED")
        return [f"{one['ResourceType']} {one.get('PhysicalResourceId') or one['LogicalResourceId']}" for one in skipped]


def stack_status(aws: Aws, arn: str) -> str:
    """The stack's status; a deleted one is still found by its ARN."""
    return str(aws.call("cloudformation", "describe_stacks", StackName=arn)["Stacks"][0]["StackStatus"])


def is_failure(event: dict[str, Any]) -> bool:
    """Whether an event tells of something that failed."""
    return bool(event["ResourceStatus"].endswith("_FAILED"))


def event_line(event: dict[str, Any]) -> str:
    """An event in one line."""
    line = f"  {event['ResourceStatus']:<28} {event['ResourceType']:<36} {event['LogicalResourceId']}"
    return f"{line}: {_reason(event)}" if is_failure(event) else line


def why(event: dict[str, Any] | None) -> str:
    """What failed, and the reason that CloudFormation gives."""
    if event is None:
        return "CloudFormation names no resource that failed"
    reason = _reason(event).rstrip(". ") or "no reason is given"
    return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"


def _reason(event: dict[str, Any]) -> str:
    return str(event.get("ResourceStatusReason") or "")
