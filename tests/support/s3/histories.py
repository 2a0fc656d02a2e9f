"""Histories in an S3 on the loopback: the fixtures that tests of the mirror share."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import boto3
import pytest

import histlib
from histlib.rules.coverage.coverage import Hole
from tests.support.history.landings import lines, record
from tests.support.s3.server import BUCKET, running, upload

ASKED = "2026-01-01T12:30"
SOURCE = f"s3://{BUCKET}/of/things"


@pytest.fixture
def s3(monkeypatch, tmp_path):
    """The server, with an empty bucket; boto3 finds it, and credentials, in the environment."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HISTLIB_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "aws" / name))
    with running() as server:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_S3": server.url,
        }.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        server.client = client
        yield server


@pytest.fixture
def cache(tmp_path):
    """A cache folder that is not there yet."""
    return tmp_path / "cache"


def fill(s3, folder, prefix: str = "of/things/") -> list[str]:
    """Upload a folder, then forget what was asked."""
    keys = upload(s3.client, folder, prefix)
    s3.asked.clear()
    return keys


def configure(folder, text: str) -> None:
    """Write what boto3 reads as the user's AWS configuration."""
    (folder / "aws").mkdir()
    (folder / "aws" / "AWS_CONFIG_FILE").write_text(text)


def today(days: int = 0) -> str:
    """A dateday, as of now."""
    return f"{datetime.now(UTC) - timedelta(days=days):%Y/%m/%d}"


def put_object(s3, records, key: str) -> None:
    """Put one landing object."""
    raw = records if isinstance(records, bytes) else gzip.compress(lines(records), mtime=0)
    s3.client.put_object(Bucket=BUCKET, Key=key, Body=raw)
    s3.asked.clear()


def versions(history: histlib.History, item: str = "a") -> list[int]:
    """The versions of an item that its timeline has come to."""
    frame = history.timeline(item, paths=["version"])
    return sorted(int(value) for value in frame["after"])


def holes(history: histlib.History) -> tuple[Hole, ...]:
    """What the history knows to be missing, as of its last question."""
    return history._facts().coverage.holes


def numbered(*numbers: int):
    """Records of one item."""
    return [record(number) for number in numbers]
