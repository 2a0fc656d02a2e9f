"""Each harm to the deployed pipeline, with writes going on: nothing is lost, nothing that was written once is there
twice, nothing is attested that has not landed, and once mended all is attested."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal

import boto3
import pytest

from tests.aws.app import Key
from tests.aws.rig import Aws, Pipeline

KEYS = [Key(name, Decimal(number)) for name in ("kim", "lee") for number in (1, 2)]
Harm = Callable[[Pipeline], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def shop(aws: Aws) -> Iterator[Pipeline]:
    """A pipeline that has begun to attest."""
    shop = Pipeline.make(aws, "shop")
    shop.begin()
    write(shop)
    shop.finish()
    yield shop


def write(shop: Pipeline, rounds: int = 2, **attributes: object) -> None:
    for _ in range(rounds):
        for key in KEYS:
            shop.app.put(key, count=len(shop.app.seen), **attributes)


def emulated(fault: str) -> Harm:
    """A fault of the emulator's own."""

    def harm(shop: Pipeline) -> AbstractContextManager[None]:
        return shop.aws.harmed(fault)

    harm.__name__ = fault
    return harm


@contextmanager
def mapping_disabled(shop: Pipeline) -> Iterator[None]:
    asked = {"UUID": shop.deployment.mapping_id}
    shop.lambda_.update_event_source_mapping(Enabled=False, **asked)
    yield
    shop.lambda_.update_event_source_mapping(Enabled=True, **asked)


@contextmanager
def no_concurrency_left(shop: Pipeline) -> Iterator[None]:
    asked = {"FunctionName": shop.deployment.recorder_function}
    shop.lambda_.put_function_concurrency(ReservedConcurrentExecutions=0, **asked)
    yield
    shop.lambda_.delete_function_concurrency(**asked)


@contextmanager
def function_broken(shop: Pipeline) -> Iterator[None]:
    asked = {"FunctionName": shop.deployment.recorder_function}
    good = shop.lambda_.get_function_configuration(**asked)["Handler"]
    shop.lambda_.update_function_configuration(Handler="functions.recorder.gone.lambda_handler", **asked)
    yield
    shop.lambda_.update_function_configuration(Handler=good, **asked)


@contextmanager
def role_without_firehose(shop: Pipeline) -> Iterator[None]:
    iam = boto3.client("iam")
    role = shop.lambda_.get_function_configuration(FunctionName=shop.deployment.recorder_function)["Role"]
    asked = {"RoleName": role.rpartition("/")[2]}
    (name,) = iam.list_role_policies(**asked)["PolicyNames"]
    policy = iam.get_role_policy(PolicyName=name, **asked)["PolicyDocument"]
    iam.delete_role_policy(PolicyName=name, **asked)
    yield
    iam.put_role_policy(PolicyName=name, PolicyDocument=json.dumps(policy), **asked)


HOLDING: list[Harm] = [
    emulated("firehose-throttles"),
    emulated("firehose-refuses"),
    emulated("s3-refuses"),
    mapping_disabled,
    no_concurrency_left,
    function_broken,
    role_without_firehose,
]


@pytest.mark.parametrize("harm", HOLDING, ids=lambda harm: harm.__name__)
def test_what_holds_changes_up_is_not_attested_and_loses_nothing(shop, harm):
    """While it lasts, nothing from its begin on is attested; mended, what waited lands."""
    since = time.time()
    with harm(shop):
        write(shop)
        shop.go_on()
        assert shop.history().captured_through.timestamp() < since
        shop.prove_not_wrong(since)
    write(shop, 1)
    shop.finish()
    shop.prove_whole(since)


@pytest.mark.parametrize("fault", ["firehose-takes-half", "firehose-delivers-twice"])
def test_what_is_delivered_in_part_or_twice_is_there_once(shop, fault):
    """What was refused is sent again, what came twice counts once."""
    since, before = time.time(), shop.lines()
    with shop.aws.harmed(fault):
        write(shop, 3, text="x" * 200_000)
        shop.settle()
    shop.finish()
    if fault == "firehose-delivers-twice":
        assert shop.lines() - before > len(shop.app.changes(since))
    shop.prove_whole(since)


def test_a_firehose_that_takes_and_does_not_say_so(shop):
    """What was taken comes again and again, and is there once."""
    since, before = time.time(), shop.lines()
    with shop.aws.harmed("firehose-breaks-off"):
        write(shop)
        shop.aws.clock.sleep(120)
    shop.finish()
    assert shop.lines() - before > len(shop.app.changes(since))
    shop.prove_whole(since)


def test_a_line_too_long_for_firehose_while_s3_refuses(shop):
    """The recorder puts it into S3 itself; refused, the batch comes again."""
    since = time.time()
    with shop.aws.harmed("s3-refuses"):
        shop.app.put(KEYS[0], text="\x01" * 60_000)
        shop.app.put(KEYS[0], text="\x02" * 60_000, more="\x03" * 60_000)
        shop.app.put(KEYS[0], text="\x04" * 60_000, more="\x05" * 60_000)
        shop.go_on()
        assert shop.history().captured_through.timestamp() < since
    shop.finish()
    assert any("oversize" in key for key in shop.objects("changes/"))
    shop.prove_whole(since)


def test_a_batch_that_is_given_up_is_redriven(shop):
    """Lambda sets it aside in S3, whole, which holds up attestations for good; redriven, killed and run again, all is
    there once, and attested."""
    since = time.time()
    asked = {"UUID": shop.deployment.mapping_id}
    retries = shop.lambda_.get_event_source_mapping(**asked)["MaximumRetryAttempts"]
    shop.lambda_.update_event_source_mapping(MaximumRetryAttempts=1, **asked)
    with shop.aws.harmed("firehose-refuses"):
        write(shop, 1)
        shop.until(lambda: bool(shop.undelivered()))
    shop.lambda_.update_event_source_mapping(MaximumRetryAttempts=retries, **asked)
    write(shop, 1)
    shop.go_on(2)
    kept = {key: shop.read(key) for key in shop.undelivered()}
    assert all(key.startswith(f"aws/lambda/{shop.deployment.mapping_id}/") for key in kept)
    assert shop.history().captured_through.timestamp() < since
    assert "undelivered" in shop.command("status", code=1).out
    assert "would be written" in shop.command("redrive", "--dry-run").out
    shop.command("redrive", "--yes")
    for key, body in kept.items():
        shop.s3.put_object(Bucket=shop.deployment.history_bucket, Key=key, Body=body)  # as a kill leaves them
    shop.command("redrive", "--yes")
    assert shop.undelivered() == []
    shop.finish()
    shop.prove_whole(since)
