"""A stack that 0.1.0 made, brought to today's: no change is lost while the application writes, and the mapping stays.

``vectors/`` holds the template and the functions of 0.1.0, as its ``deploy`` gave them to CloudFormation.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import boto3
import pytest

from tests.aws.app import Key
from tests.aws.rig import HERE, QUICK, Aws, Pipeline

TEMPLATE, FUNCTIONS = HERE / "vectors" / "template-0.1.0.yaml", HERE / "vectors" / "functions-0.1.0.zip"
ITEM, OTHER = Key("max", Decimal(1)), Key("max", Decimal(2))


@pytest.fixture
def wares(aws: Aws) -> Pipeline:
    """A table's pipeline as 0.1.0 deployed it."""
    wares = Pipeline.make(aws, "wares")
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    made = wares.app.dynamodb.update_table(TableName="wares", StreamSpecification=view)
    bucket = "artifacts-of-0-1-0"
    wares.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    wares.s3.upload_file(str(FUNCTIONS), bucket, "functions/0.1.0.zip")
    template = TEMPLATE.read_text(encoding="utf-8").replace("CodeUri: .", f"CodeUri: s3://{bucket}/functions/0.1.0.zip")
    wares.s3.put_object(Bucket=bucket, Key="templates/0.1.0.yaml", Body=template.encode())
    given = {"StreamArn": made["TableDescription"]["LatestStreamArn"], "TableName": "wares_changes"}
    given |= dict(one.split("=") for one in QUICK[1::2])
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName="histlib-wares",
        TemplateURL=f"https://{bucket}.s3.eu-west-1.amazonaws.com/templates/0.1.0.yaml",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": "histlib:table", "Value": "wares"}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="histlib-wares", WaiterConfig={"Delay": 1})
    wares.look()
    return wares


@contextmanager
def writing_on(wares: Pipeline) -> Iterator[None]:
    """The application writes until the block ends."""
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(0.2):
            wares.app.put(ITEM, count=len(wares.app.seen))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def test_a_stack_of_0_1_0_is_brought_to_todays(wares):
    """Parameters stay, the mapping keeps its id, what was attested before and what came while CloudFormation worked is
    there, and the day after all is attested by today's attester."""
    app, mapping = wares.app, wares.deployment.mapping_id
    app.put(Key("first", Decimal(0)), count=0)
    wares.finish()
    since = time.time()
    app.put(ITEM, count=0)
    app.put(OTHER, count=1)
    wares.finish()
    wares.prove_whole(since)
    bucket = wares.deployment.history_bucket
    assert "update it" in wares.command("deploy", "--dry-run").out
    with writing_on(wares):
        wares.command("deploy", "--yes")
        wares.look()
    assert (wares.deployment.mapping_id, wares.deployment.history_bucket) == (mapping, bucket)
    app.delete(OTHER)
    wares.finish()
    wares.prove_whole(since)
    wares.command("baseline", "--yes")
    wares.finish()
    wares.command("status")
    assert "nothing to change" in wares.command("deploy", "--yes").out
