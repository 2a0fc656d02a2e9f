"""moto's CloudFormation brought nearer to AWS's where deployments depend on it, and faults answered as AWS does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import yaml
from botocore.awsrequest import AWSResponse
from moto.cloudformation import parsing
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.core.common_models import CloudFormationModel
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from samtranslator.translator.transform import transform

ACCOUNT = "123456789012"
REGION = "ap-northeast-1"


def _translated(parse: Callable[[str], dict[str, Any]], text: str) -> dict[str, Any]:
    """The template as CloudFormation has it: the SAM transform applied, which moto does not know."""
    template = parse(text)
    if "Transform" not in template:
        return template
    # A template that SAM may change, whose tags are plain types: what yaml's constructors made is shared.
    return transform(yaml.safe_load(yaml.safe_dump(template)), {}, _NoManagedPolicies())


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


class _Named(CloudFormationModel):
    """A resource of a type that moto's CloudFormation does not make: there is only its name, so that others refer."""

    __module__ = "moto.named"  # moto reads the service's name there

    def __init__(self, name: str, kind: str) -> None:
        self.physical_resource_id, self.kind = name, kind

    @classmethod
    def create_from_cloudformation_json(cls, name: str, json: Any, account: str, region: str, **_: Any) -> _Named:
        return cls(name, json["Type"])

    @classmethod
    def update_from_cloudformation_json(cls, original_resource: _Named, **_: Any) -> _Named:
        return original_resource

    def get_cfn_attribute(self, name: str) -> str:
        service, what = self.kind.lower().split("::")[1:]
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{what}/{self.physical_resource_id}"

    def delete(self, account: str, region: str) -> None:
        """Nothing is there."""

    def is_created(self) -> bool:
        return True


@contextmanager
def stacks_as_on_aws() -> Iterator[None]:
    """Templates go through SAM; a stack that a change set made has outputs and parameters, which moto forgets."""
    parse, apply = Stack.parse_template, ChangeSet.apply

    def applied(change_set: ChangeSet) -> None:
        apply(change_set)
        stack = change_set.stack
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack.template_dict = change_set.template_dict
        stack.output_map = stack._create_output_map()

    def parsed(change_set: ChangeSet) -> None:
        change_set.template_dict = Stack.parse_template(change_set.template)

    permitted = IAMPolicyStatement.is_action_permitted

    def by_tls(statement: IAMPolicyStatement, *asked: Any, **how: Any) -> PermissionResult:
        """moto denies where a condition does not hold, as if it did: what is denied without TLS is all denied."""
        if statement._statement["Effect"] == "Deny" and "Condition" in statement._statement:
            return PermissionResult.NEUTRAL
        return permitted(statement, *asked, **how)

    known, update = parsing.resource_class_from_type, parsing.parse_and_update_resource

    def updated(logical_id: str, json: Any, resources: Any, **where: str) -> Any:
        """moto updates resources whose condition does not hold as well."""
        condition = json.get("Condition")
        if condition and not resources.lazy_condition_map[condition]:
            return None
        return update(logical_id, json, resources, **where)

    with (
        mock.patch.object(parsing, "resource_class_from_type", lambda kind: known(kind) or _Named),
        mock.patch.object(parsing, "parse_and_update_resource", updated),
        mock.patch.object(IAMPolicyStatement, "is_action_permitted", by_tls),
        mock.patch.object(Stack, "parse_template", staticmethod(lambda text: _translated(parse, text))),
        mock.patch.object(ChangeSet, "_parse_template", parsed),
        mock.patch.object(ChangeSet, "apply", applied),
    ):
        yield


class Faults:
    """Answers in AWS's stead, at botocore's before-send: what moto cannot do, or does not refuse."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def answer(self, service: str, operation: str, body: str | bytes, status: int = 200, times: int = 1 << 30) -> None:
        """From now on the operation is answered so, ``times`` times; moto sees none of it."""
        left = [times]

        def send(request: Any, **_: Any) -> AWSResponse | None:
            if left[0] == 0:
                return None
            left[0] -= 1
            raw = body.encode() if isinstance(body, str) else body
            return AWSResponse(request.url, status, {"Content-Type": "text/xml"}, _Raw(raw))

        self.session.events.register_first(f"before-send.{service}.{operation}", send)

    def deny(self, service: str, operation: str, *, json: bool) -> None:
        """The operation is denied, as IAM does it."""
        text = f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: {service}:{operation}"
        xml = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{text}</Message></Error></ErrorResponse>"
        document = f'{{"__type": "AccessDeniedException", "Message": "{text}"}}'
        self.answer(service, operation, document if json else xml, 403)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.body


def backend() -> CloudFormationBackend:
    """moto's CloudFormation of the tests' account and Region."""
    from moto.cloudformation.models import cloudformation_backends

    return cloudformation_backends[ACCOUNT][REGION]
