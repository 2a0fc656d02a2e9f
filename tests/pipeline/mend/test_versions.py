"""Under versions and a lock all goes on as without, and what was there cannot be made never to have been."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline.functions.attester.app import attest
from tests.support.pipeline.attester import attesting
from tests.support.pipeline.undelivered_aws import (
    BUCKET,
    DAY,
    KEY,
    PREFIX,
    REGION,
    SHAPES,
    TABLE,
    Deployed,
    change,
    deployed,
    run,
)

LATER = "2020-10-26T02:32"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Deployed]:
    """A deployment with the template's lock, whose landing lacks the second of three changes."""
    with deployed(tmp_path) as found:
        found.s3.delete_bucket(Bucket=BUCKET)
        here = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
        found.s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True, **here)
        retention = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": retention}
        found.s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=lock)
        found.land(change(1, "1"), change(5, "5", OldImage={"todoId": {"S": "t1"}, "title": {"S": "2"}}))
        yield found


def versions(s3: Any, bucket: str, key: str) -> list[dict[str, Any]]:
    """All versions that there are of an object, without marks of deletion."""
    listed = s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])
    return [one for one in listed if one["Key"] == key]


def assert_kept(aws: Deployed, key: str, body: bytes) -> None:
    """The object is gone for readers; its version is there as it was, and nobody can delete it."""
    assert key not in aws.listed()
    [version] = versions(aws.s3, BUCKET, key)
    which = {"Bucket": BUCKET, "Key": key, "VersionId": version["VersionId"]}
    assert aws.s3.get_object(**which)["Body"].read() == body
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.s3.delete_object(**which)


@pytest.mark.parametrize("shape", SHAPES)
def test_redrive(aws: Deployed, shape: str) -> None:
    """The change lands, the hole is gone, nothing waits any more; run again there is nothing to do."""
    key, make = SHAPES[shape]
    aws.put(key, made := make(change(2, "2")))
    history = aws.history()
    assert "outside_coverage" in str(history.state_at(KEY, LATER).caveats)
    for _ in range(2):
        assert run("redrive", "--table", TABLE, "--yes") == 0
        state = history.state_at(KEY, LATER)
        assert (state.get("title"), tuple(state.caveats)) == ("2", ())
        assert aws.listed(f"{PREFIX}failed/") == [f"{PREFIX}failed/done/{key.removeprefix(PREFIX)}"]
    assert_kept(aws, key, made)
    assert len(versions(aws.s3, BUCKET, f"{PREFIX}changes/_revision")) >= 2


def test_quarantine(aws: Deployed) -> None:
    """A damaged object leaves the landing as a known hole, once; its version stays."""
    key, damaged = f"{PREFIX}changes/{DAY}/bad.gz", gzip.compress(b"no record\n", mtime=0)
    aws.put(key, damaged)
    for _ in range(2):
        assert run("quarantine", "--table", TABLE, key, "--yes") == 0
        assert aws.listed(f"{PREFIX}failed/unreadable/") == [f"{PREFIX}failed/unreadable/changes/{DAY}/bad.gz"]
    assert "unreadable_files" in str(aws.history().state_at(KEY, LATER).caveats)
    assert_kept(aws, key, damaged)


def test_attestations(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's object is replaced at each run, by a condition on what it was: each state of it stays as a version."""
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    now = time.time() // 86_400 * 86_400 - 2 * 86_400 + 7_200.0
    with attesting.deployed() as made:
        s3 = made.clients.s3
        s3.put_bucket_versioning(Bucket=attesting.BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for moment in (now, now + 900):
            made.working(moment)
            attest(made.clients, made.settings, moment)
        assert [one["healthy"] for one in made.attested()] == [True, True]
        [listed] = s3.list_objects_v2(Bucket=attesting.BUCKET)["Contents"]
        assert len(versions(s3, attesting.BUCKET, listed["Key"])) == 2
