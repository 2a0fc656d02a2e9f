"""Whole objects into a landing, in a folder and in S3: what is written into days past does not go unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from pipeline.common.aws import Aws
from pipeline.common.landing import REVISION, Bucket, Folder, Landing, Place

TODAY = f"{datetime.now(UTC):%Y/%m/%d}"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if request.param == "folder":
        yield Folder(tmp_path)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="shop-history")
        yield Bucket(Aws(region="us-east-1"), "shop-history", "shop/")


def test_a_day_past_replaces_the_revision_before_and_after(place: Place) -> None:
    """The revision is another one when the first object is written, and another again when all are; today's is not."""
    with Landing(place) as landing:
        landing.put(f"changes/{TODAY}/a.gz", b"a")
        landing.put("baseline/a.json", b"{}")
        assert place.get(REVISION) is None
        landing.put("changes/2025/01/02/b.gz", b"b")
        before = place.get(REVISION)
        landing.put("changes/2025/01/03/c.gz", b"c")
        assert before and place.get(REVISION) == before
    after = place.get(REVISION)
    assert after and after != before
    with Landing(place) as landing:
        landing.remove("changes/2025/01/03/c.gz")
        landing.remove("changes/2025/01/03/c.gz")
        assert place.get(REVISION) not in (before, after)
    assert list(place.names("changes/2025/")) == ["changes/2025/01/02/b.gz"]
    assert sorted(place.names("changes/")) == sorted([f"changes/{TODAY}/a.gz", "changes/2025/01/02/b.gz", REVISION])


def test_the_revision_is_replaced_where_writing_fails(place: Place) -> None:
    """What was written before an error is told to readers as well."""
    seen = []
    with pytest.raises(ValueError, match="broken"), Landing(place) as landing:
        landing.put("changes/2025/01/02/b.gz", b"b")
        seen.append(place.get(REVISION))
        raise ValueError("broken")
    assert place.get(REVISION) not in (None, *seen)


def test_names_of_what_is_whole(tmp_path: Path) -> None:
    """What a killed writer left half written in a folder has no name."""
    (tmp_path / "changes/2025/01/02").mkdir(parents=True)
    (tmp_path / "changes/2025/01/02/_b.gz.77").write_bytes(b"b")
    assert list(Folder(tmp_path).names("changes/")) == []
    assert list(Folder(tmp_path).names("nowhere/at/all")) == []
    assert Folder(tmp_path).get("changes/2025/01/02") is None
