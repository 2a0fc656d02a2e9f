"""An account in moto that deployments are made in, and answers in AWS's stead where moto cannot give them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from pipeline.cli import main
from tests.support.pipeline.template.sam import sam_in_moto

ACCOUNT, REGION = "123456789012", "eu-central-1"
TABLE, STACK = "Todo-Sample", "histlib-Todo-Sample"
ARTIFACTS = f"histlib-artifacts-{ACCOUNT}-{REGION}"


class World:
    """boto3 clients of the account, the command, and faults."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.paused: list[float] = []
        self.faults: dict[str, Callable[[], tuple[int, str] | None]] = {}

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)

    def run(self, *arguments: str) -> int:
        """``python -m pipeline …`` in the Region."""
        return main([*arguments, "--region", REGION])

    def deploy(self, *arguments: str, table: str = TABLE) -> int:
        return self.run("deploy", "--table", table, "--yes", *arguments)

    def make_table(self, name: str = TABLE, view: str | None = None) -> str:
        """A table; returns its stream's ARN, empty where it is off."""
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
        made = self.client("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "todoId", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "todoId", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            **stream,
        )
        return made["TableDescription"].get("LatestStreamArn", "")

    def stack(self, name: str = STACK) -> dict[str, Any]:
        return self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]

    def as_moto_has_it(self, name: str) -> Any:
        """A stack, so that it can be made as another release, or another hand, has left it."""
        from moto.cloudformation.models import cloudformation_backends

        return next(one for one in cloudformation_backends[ACCOUNT][REGION].stacks.values() if one.name == name)

    def stacks(self) -> list[str]:
        return [one["StackName"] for one in self.client("cloudformation").describe_stacks()["Stacks"]]

    def outputs(self, name: str = STACK) -> dict[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.stack(name)["Outputs"]}

    def answers(self, call: str, body: str | Callable[[], str], status: int = 200) -> None:
        """From now on ``cloudformation.DetectStackDrift`` or the like is answered so, and moto sees none of it."""
        self.faults[call] = lambda: (status, body if isinstance(body, str) else body())

    def denies(self, call: str) -> None:
        """From now on the call is denied as IAM does it: by XML of the query protocol, or by JSON."""
        text = f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform {call}"
        xml = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{text}</Message></Error></ErrorResponse>"
        document = json.dumps({"__type": "AccessDeniedException", "Message": text})
        is_xml = call.partition(".")[0] in ("cloudformation", "sts", "s3")
        self.answers(call, xml if is_xml else document, 403)

    def interrupts(self) -> None:
        """The person presses Ctrl-C at the next pause."""

        def pause(_: float) -> None:
            raise KeyboardInterrupt

        self.monkeypatch.setattr(time, "sleep", pause)


class _Body:
    def __init__(self, body: str) -> None:
        self.body = body.encode()

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.body


@contextmanager
def deploy_world(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[World]:
    """The account, in whose time no pause takes any; the command runs in ``folder``."""
    world = World(monkeypatch)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(time, "sleep", world.paused.append)
    with mock_aws(), sam_in_moto(), _nearer_to_aws(), _faults(world):
        yield world


@contextmanager
def _faults(world: World) -> Iterator[None]:
    """Faults stand at botocore's before-send, where moto stands."""
    call = BotocoreStubber.__call__

    def send(self: Any, event_name: str, request: Any, **how: Any) -> Any:
        fault = world.faults.get(event_name.removeprefix("before-send."))
        if fault is not None and (answer := fault()) is not None:
            status, body = answer
            return AWSResponse(request.url, status, {"Content-Type": "text/xml"}, _Body(body))
        return call(self, event_name, request, **how)

    with mock.patch.object(BotocoreStubber, "__call__", send):
        yield


@contextmanager
def _nearer_to_aws() -> Iterator[None]:
    """Where deployments would see that moto is not AWS."""
    from moto.cloudformation import models, parsing, responses
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    permitted = IAMPolicyStatement.is_action_permitted
    create = models.CloudFormationBackend.create_change_set
    diff = models.ChangeSet.diff
    originals: dict[str, str] = {}

    def by_tls(statement: Any, *asked: Any, **how: Any) -> Any:
        """moto denies where the condition of a Deny does not hold."""
        if statement._statement["Effect"] == "Deny" and "Condition" in statement._statement:
            return PermissionResult.NEUTRAL
        return permitted(statement, *asked, **how)

    def remembered(self: Any, stack_name: str, change_set_name: str, **asked: Any) -> Any:
        """moto forgets the template as it was before the transform."""
        text = asked["template"]
        made = create(self, stack_name, change_set_name, **asked)
        originals[made[1]] = text
        return made

    def with_parameters(change_set: Any) -> Any:
        """moto shows no change that only a parameter makes."""
        changes = diff(change_set)
        resources, told = change_set.template_dict["Resources"], {one.logical_resource_id for one in changes}
        changed = change_set.stack.resource_map.build_resource_diff(change_set.template_dict, change_set.parameters)
        more = [name for name in changed["Modify"] if name not in told]
        return [*changes, *(models.Change("Modify", name, resources[name]["Type"]) for name in more)]

    def in_reverse(resources: Any) -> None:
        """moto deletes in no order, and fails where one took another with it; CloudFormation in that of making."""
        for name in reversed(list(resources._parsed_resources)):
            made, its = resources._parsed_resources[name], resources._resource_json_map.get(name, {})
            if hasattr(made, "logical_resource_id") and its.get("DeletionPolicy") != "Retain":
                resources._delete_resource(made, its)
                del resources._parsed_resources[name]

    backend, response = models.CloudFormationBackend, responses.CloudFormationResponse
    with (
        mock.patch.object(IAMPolicyStatement, "is_action_permitted", by_tls),
        mock.patch.object(backend, "create_change_set", remembered),
        mock.patch.object(backend, "get_template", lambda self, name: originals[self.get_stack(name).stack_id]),
        mock.patch.object(parsing.ResourceMap, "delete", in_reverse),
        mock.patch.object(models.ChangeSet, "diff", with_parameters),
        # AWS makes a change set of nothing, whose status says so; moto refuses it.
        mock.patch.object(response, "_validate_different_update", lambda *_: None),
    ):
        yield
