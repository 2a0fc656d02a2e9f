"""What a deployment asks before it builds: is a given bucket fit, does Firehose take what the table writes?"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from pipeline.common.aws import Aws, partition
from pipeline.deploy.load import PERIOD, QUOTA, UNIT_BYTES
from tests.support.pipeline.deploy_world import ACCOUNT, REGION, TABLE, World, deploy_world
from tests.support.pipeline.template.sam import source

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f9d7a1e-0000-4000-8000-1234567890ab"
HERE = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with deploy_world(monkeypatch, tmp_path) as made:
        made.make_table(view="NEW_AND_OLD_IMAGES")
        yield made


def bucket(world: World, name: str = "histories", *, key: str = "", policy: list[dict[str, Any]] | None = None) -> str:
    """A bucket of the account, which encrypts by the key where one is given."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket=name, **HERE)
    if key:
        by = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by}]}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)
    if policy:
        text = json.dumps({"Version": "2012-10-17", "Statement": policy})
        s3.put_bucket_policy(Bucket=name, Policy=text)
    return name


def plan(world: World, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a dry run says, be it its plan or why not; nothing is made."""
    assert world.run("deploy", "--table", TABLE, "--dry-run", *arguments) == code
    assert world.stacks() == []
    said = capsys.readouterr()
    return said.err if code else said.out


def test_a_bucket_of_another_region(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused, with both Regions."""
    there = {"CreateBucketConfiguration": {"LocationConstraint": "us-west-2"}}
    boto3.client("s3", region_name="us-west-2").create_bucket(Bucket="elsewhere", **there)
    said = plan(world, capsys, "--bucket", "elsewhere", code=3)
    assert f"bucket elsewhere for the history is in us-west-2, the table in {REGION}" in said


def test_a_bucket_that_is_not_there(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, and what to do."""
    assert "there is no bucket gone for the history: name one that is there" in plan(
        world, capsys, "--bucket", "gone", code=3
    )


def test_a_bucket_of_another_account(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """S3 refuses it, and the account that was asked for is said. (moto looks at no owner: S3's answer.)"""
    answers = iter([None, (403, "")])  # of the artifacts bucket, then of this one
    world.faults["s3.HeadBucket"] = lambda: next(answers)
    said = plan(world, capsys, "--bucket", bucket(world), code=3)
    assert "s3:ListBucket (histories) is denied" in said and f"is the bucket one of account {ACCOUNT}?" in said


def test_a_bucket_with_a_key_that_the_stack_is_not_given(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Its functions could write nothing there: refused, with the key; given that key, all is well."""
    place = bucket(world, key=KEY)
    assert f"encrypts by default with key {KEY}, and the stack is given none" in plan(
        world, capsys, "--bucket", place, code=3
    )
    other = KEY.replace("0f9d", "ffff")
    assert f"and the stack is given {other}" in plan(world, capsys, "--bucket", place, "--kms-key", other, code=3)
    assert "bucket   " not in plan(world, capsys, "--bucket", place, "--kms-key", KEY)


@pytest.mark.parametrize("default", ["", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3"])
def test_a_bucket_that_does_not_encrypt_by_the_key(
    world: World, capsys: pytest.CaptureFixture[str], default: str
) -> None:
    """What Firehose writes is encrypted by it all the same; what functions write is not, which is said."""
    said = plan(world, capsys, "--bucket", bucket(world, key=default), "--kms-key", KEY)
    assert f"is then not encrypted by {KEY}; make it the bucket's default" in said
    assert "bucket   " not in plan(world, capsys, "--bucket", "histories")


def test_what_the_policy_of_a_bucket_denies(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Each denial is shown with its condition, but for that of access without TLS."""
    without = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    deny = {"Effect": "Deny", "Principal": "*", "Resource": "arn:aws:s3:::histories/*"}
    tls = {**deny, "Sid": "Tls", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    place = bucket(world, policy=[{**deny, "Sid": "Sse", "Action": "s3:PutObject", "Condition": without}, tls])
    lines = [one for one in plan(world, capsys, "--bucket", place).splitlines() if one.startswith("bucket ")]
    assert len(lines) == 1
    assert f"denies s3:PutObject (Sse) if {json.dumps(without)}" in lines[0]


def test_what_could_not_be_asked_of_a_bucket(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Who may not read encryption and policy is told so, and may deploy."""
    place = bucket(world)
    world.denies("s3.GetBucketEncryption")
    world.denies("s3.GetBucketPolicy")
    said = plan(world, capsys, "--bucket", place)
    assert (
        "how histories encrypts by default could not be asked: s3:GetEncryptionConfiguration (histories) is denied"
        in said
    )
    assert "the policy of histories could not be asked" in said


@pytest.mark.parametrize("name", ["Versioning=true", "ObjectLockDays=30", "AccessLogBucket=to-logs"])
def test_nothing_of_a_given_bucket_is_changed(world: World, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Versions, locks and access logs of it are its owner's to set: to ask for them is wrong, not ignored."""
    said = plan(world, capsys, "--bucket", bucket(world), "--parameter", name, code=2)
    assert f"{name.partition('=')[0]}: nothing of a bucket that is given (histories) is changed" in said


def test_the_bucket_for_access_logs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It has to be there, and not to encrypt by KMS: S3 then writes no logs."""
    assert "there is no bucket to-logs for access logs" in plan(
        world, capsys, "--parameter", "AccessLogBucket=to-logs", code=3
    )
    bucket(world, "to-logs", key=KEY)
    assert "S3 writes no access logs" in plan(world, capsys, "--parameter", "AccessLogBucket=to-logs", code=3)
    bucket(world, "plain")
    assert "AccessLogBucket = plain" in plan(world, capsys, "--parameter", "AccessLogBucket=plain")


def wrote(world: World, units: float, **ago: float) -> None:
    """So many write units in a minute."""
    datum = {
        "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [{"Name": "TableName", "Value": TABLE}],
        "Timestamp": datetime.now(UTC) - timedelta(**ago),
        "Value": units,
    }
    world.client("cloudwatch").put_metric_data(Namespace="AWS/DynamoDB", MetricData=[datum])


#: Write units in five minutes that fill Firehose's quota of the Region.
FULL = QUOTA * 2**20 / UNIT_BYTES * PERIOD


@pytest.mark.parametrize(("share", "asks"), [(0.99, False), (1.01, True)])
def test_what_the_table_writes_beside_the_quota_of_firehose(
    world: World, capsys: pytest.CaptureFixture[str], share: float, asks: bool
) -> None:
    """The busiest five minutes of five days decide; above the quota it is said what to ask AWS for."""
    wrote(world, FULL * share, days=3)
    wrote(world, 10, days=2)
    wrote(world, FULL * 100, days=6)
    said = plan(world, capsys)
    assert f"up to about {share:.2f} MiB/s for Firehose, which takes 1 MiB/s in {REGION}" in said
    assert ("ask AWS for 2 MiB/s (Service Quotas" in said) is asks


def test_how_much_waits_in_a_stream_that_is_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """As many changes as write units of the last 24 hours, at most; once our mapping reads it, nothing is said."""
    for hours in (1, 20, 30):
        wrote(world, 500, hours=hours)
    said = plan(world, capsys)
    label = world.client("dynamodb").describe_table(TableName=TABLE)["Table"]["LatestStreamArn"].rpartition("/")[2]
    assert f"waiting  the stream is on since {label}: up to 1,000 changes of the last 24 h wait in it" in said
    assert world.deploy() == 0
    capsys.readouterr()
    assert world.run("deploy", "--table", TABLE, "--dry-run") == 0
    assert "waiting" not in capsys.readouterr().out


def test_writes_that_cannot_be_asked(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the permission it is not known, and that is said. (IAM's answer.)"""
    world.denies("cloudwatch.GetMetricStatistics")
    assert "writes   not known: cloudwatch:GetMetricStatistics" in plan(world, capsys)


def test_china_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Before AWS is asked to change anything."""
    from pipeline.common.errors import DeploymentError
    from pipeline.deploy.deploy import Request, make_plan

    with pytest.raises(DeploymentError, match="cn-north-1: Regions of China are not supported"):
        make_plan(Aws(region="cn-north-1"), Request("orders", "histlib-orders"))


def test_every_arn_takes_its_partition_from_where_it_is() -> None:
    """No ARN of the template or of the commands is of one partition only; patterns allow all."""
    assert [partition(one) for one in ("eu-west-1", "us-gov-west-1", "cn-north-1")] == ["aws", "aws-us-gov", "aws-cn"]
    assert not re.findall(r"arn:aws:", source())
    patterns = [line for line in source().splitlines() if "AllowedPattern" in line and "arn:" in line]
    assert patterns and all('"(arn:aws[a-z-]*:' in line for line in patterns)
