"""S3 is asked for buckets of the account only: every call of the commands and of the functions names it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import pipeline
from pipeline.common.aws import Aws
from pipeline.common.landing import Bucket
from pipeline.functions.attester import app as attester
from pipeline.functions.baseline import app as baseline
from pipeline.functions.owned import require_owner
from pipeline.functions.recorder import app as recorder

ACCOUNT, REGION, OTHER = "123456789012", "eu-west-1", "111122223333"
PIPELINE = Path(pipeline.__file__).parent


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": REGION,
        "BUCKET": "histories", "BUCKET_OWNER": OTHER, "DELIVERY_STREAM_NAME": "stream",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with mock_aws():
        here = {"LocationConstraint": REGION}
        boto3.client("s3").create_bucket(Bucket="histories", CreateBucketConfiguration=here)
        yield


def owners(s3: Any) -> list[tuple[str, str | None]]:
    """What is sent from now on: the operation, and the account that it asks for."""
    sent: list[tuple[str, str | None]] = []

    def keep(request: Any, event_name: str, **_: Any) -> None:
        owner = request.headers.get("x-amz-expected-bucket-owner")
        sent.append((event_name.rpartition(".")[2], owner and (owner if isinstance(owner, str) else owner.decode())))

    s3.meta.events.register("before-send.s3", keep)
    return sent


def test_every_call_of_the_commands_names_the_account_of_the_credentials(tmp_path: Path) -> None:
    """Single calls, pages, and the transfers that boto3 makes of several calls."""
    aws = Aws(region=REGION)
    sent = owners(aws.client("s3"))
    place = Bucket(aws, "histories", "of/todo/")
    place.put("changes/a", b"x")
    assert place.get("changes/a") == b"x"
    assert list(place.names("changes/")) == ["changes/a"]
    place.download("changes/a", tmp_path / "a")
    assert place.has("changes/a")
    place.remove("changes/a")
    aws.call("s3", "head_bucket", Bucket="histories")
    assert {name for name, _ in sent} == {
        "PutObject", "GetObject", "ListObjectsV2", "HeadObject", "DeleteObject", "HeadBucket",
    }  # fmt: skip
    assert {owner for _, owner in sent} == {ACCOUNT}


def test_calls_of_no_bucket_name_none() -> None:
    """CreateBucket and ListBuckets know no such thing."""
    aws = Aws(region=REGION)
    sent = owners(aws.client("s3"))
    aws.call("s3", "create_bucket", Bucket="more", CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.call("s3", "list_buckets")
    assert sent == [("CreateBucket", None), ("ListBuckets", None)]


def test_who_names_another_owner_means_it() -> None:
    """An owner that is given with a call is left."""
    s3 = require_owner(boto3.client("s3"), lambda: ACCOUNT)
    sent = owners(s3)
    s3.head_bucket(Bucket="histories", ExpectedBucketOwner=OTHER)
    assert sent == [("HeadBucket", OTHER)]


@pytest.mark.parametrize("function", ["recorder", "baseline", "attester"])
def test_the_functions_name_the_stacks_account(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable that the template sets."""
    s3 = client_of(function, monkeypatch)
    sent = owners(s3)
    s3.list_objects_v2(Bucket="histories")
    assert sent == [("ListObjectsV2", OTHER)]


def client_of(function: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The S3 client that a function works with, made anew."""
    if function == "recorder":
        recorder._from_environment.cache_clear()
        return recorder._from_environment().storage.s3
    if function == "baseline":
        baseline._clients.cache_clear()
        return baseline._clients().s3
    made: list[Any] = []
    monkeypatch.setattr(attester, "attest", lambda clients, *_: made.append(clients.s3))
    monkeypatch.setattr(attester, "from_environment", lambda: None)
    attester.lambda_handler({}, None)
    return made[0]


def test_no_client_is_made_elsewhere() -> None:
    """Who makes clients in the pipeline by boto3 itself are these four, which the tests above hold to it."""
    makers = {path for path in PIPELINE.rglob("*.py") if re.search(r"(boto3|session)\.client\(", path.read_text())}
    assert {path.relative_to(PIPELINE).as_posix() for path in makers} == {
        "common/aws.py", "functions/attester/app.py", "functions/baseline/app.py", "functions/recorder/app.py",
    }  # fmt: skip
