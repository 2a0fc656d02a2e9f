"""moto's CloudFormation nearer to the service: a transform, change sets with outputs, events, and types it leaves out.

What is still not as on AWS: an update that fails is not rolled back (its events say so), nothing is asynchronous,
drift is not found, and permissions are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError

from tests.support.pipeline.template import moto_types

#: A template's text and parameters → the text to make: no condition and no parameter's value is left open in it.
Transform = Callable[[str, dict[str, str]], str]


@contextmanager
def as_the_service(transform: Transform) -> Iterator[None]:
    """Until the end, moto's CloudFormation does as said above."""
    with ExitStack() as stack:
        for owner, name, make in (
            (models.CloudFormationBackend, "create_stack", lambda old: _create_stack(old, transform)),
            (models.CloudFormationBackend, "update_stack", lambda old: _update_stack(old, transform)),
            (models.CloudFormationBackend, "create_change_set", lambda old: _create_change_set(old, transform)),
            (models.CloudFormationBackend, "execute_change_set", _execute_change_set),
            (models.Stack, "has_parameters", _whatever_parameters),
            (models.Stack, "delete", _keeping_what_was_once_created),
            (parsing, "resource_class_from_type", _with_more_types),
            (parsing, "resource_name_property_from_type", _with_their_names),
            (parsing, "parse_and_create_resource", _told_by_events),
            (parsing, "parse_and_update_resource", _keeping_what_cannot_change),
        ):
            stack.enter_context(patch.object(owner, name, make(getattr(owner, name))))
        stack.enter_context(patch.object(models.Stack, "stack_resources", property(_made)))
        yield


def _made(stack: Any) -> list[Any]:
    """A stack's resources; moto would make, while it lists, those that are not made or are gone."""
    return [one for one in stack.resource_map._parsed_resources.values() if hasattr(one, "logical_resource_id")]


def _create_stack(old: Any, transform: Transform) -> Any:
    def create_stack(self: Any, name: str, template: str, parameters: dict[str, str], **asked: Any) -> Any:
        return old(self, name, transform(template, parameters), parameters, **asked)

    return create_stack


def _update_stack(old: Any, transform: Transform) -> Any:
    def update_stack(self: Any, name: str, template: str, role_arn: Any, parameters: Any, tags: Any) -> Any:
        given = self._resolve_update_parameters(instance=self.get_stack(name), incoming_params=parameters)
        return old(self, name, transform(template, given), role_arn, parameters, tags)

    return update_stack


def _create_change_set(old: Any, transform: Transform) -> Any:
    def create_change_set(self: Any, stack_name: str, change_set_name: str, **asked: Any) -> Any:
        asked["template"] = transform(asked["template"], asked["parameters"])
        if asked["change_set_type"] == "CREATE" and any(one.name == stack_name for one in self.stacks.values()):
            raise ValidationError(message=f"Stack [{stack_name}] already exists and cannot be created again")
        return old(self, stack_name, change_set_name, **asked)

    return create_change_set


def _execute_change_set(old: Any) -> Any:
    def execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = self.describe_change_set(change_set_name)
        stack = self.stacks[change_set.stack_id]
        try:
            old(self, change_set_name, stack_name)
        except Exception as error:  # noqa: BLE001 whatever goes wrong with a resource fails the stack, not the call
            _fail(stack, change_set.change_set_type, str(error))
            return
        stack._parse_template()
        stack.parameters = change_set.parameters
        stack.output_map = stack._create_output_map()

    return execute_change_set


def _fail(stack: Any, change_set_type: str, reason: str) -> None:
    """The end of a stack that failed; one that was being created is taken back, but for what is to be retained."""
    rollback = "ROLLBACK" if change_set_type == "CREATE" else "UPDATE_ROLLBACK"
    stack._add_stack_event(f"{rollback}_IN_PROGRESS", reason)
    if change_set_type == "CREATE":
        stack.resource_map.delete()
    stack.status = f"{rollback}_COMPLETE"
    stack._add_stack_event(stack.status)


def _whatever_parameters(_old: Any) -> Any:
    """Whether something changes is seen from the template alone: the transform has put the parameters into it."""
    return lambda _stack, _parameters: True


def _keeping_what_was_once_created(old: Any) -> Any:
    """moto does not know ``RetainExceptOnCreate``."""

    def delete(stack: Any) -> None:
        for resource in stack.resource_map._resource_json_map.values():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"
        old(stack)

    return delete


def _with_more_types(old: Any) -> Any:
    return lambda resource_type: moto_types.TYPES.get(resource_type) or old(resource_type)


def _with_their_names(old: Any) -> Any:
    def name_property(resource_type: str) -> str | None:
        more = moto_types.TYPES.get(resource_type)
        return more.cloudformation_name_type() if more else old(resource_type)

    return name_property


def _told_by_events(old: Any) -> Any:
    def create(name: str, resource: dict[str, Any], resources: Any, account_id: str, region_name: str) -> Any:
        try:
            made = old(name, resource, resources, account_id, region_name)
        except Exception as error:
            _tell(resources, account_id, region_name, name, resource["Type"], "CREATE_FAILED", str(error))
            raise
        if made is not None:
            _tell(resources, account_id, region_name, name, resource["Type"], "CREATE_COMPLETE", None, made)
        return made

    return create


def _tell(
    resources: Any, account: str, region: str, name: str, kind: str, status: str, reason: str | None, made: Any = None
) -> None:
    stack = models.cloudformation_backends[account][region].stacks[resources.stack_id]
    if reason and any(event.resource_status_reason == reason for event in stack.events):
        return  # of a resource that this one needs, and that was told
    physical = getattr(made, "physical_resource_id", "")
    stack.events.append(models.Event(stack.stack_id, stack.name, name, physical, kind, status, reason, None))


def _keeping_what_cannot_change(old: Any) -> Any:
    """moto forgets a resource of a type that it cannot update; it stays, as it was."""

    def update(name: str, resource: dict[str, Any], resources: Any, account_id: str, region_name: str) -> Any:
        return old(name, resource, resources, account_id, region_name) or resources._parsed_resources.get(name)

    return update
