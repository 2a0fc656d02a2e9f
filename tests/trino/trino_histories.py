"""A history in S3 with its Glue table, as the deployment template makes it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import Any, Final

import boto3

from tests.support.athena.template import create_table
from tests.support.history.landings import lines

BUCKET: Final = "histories"
DATABASE: Final = "histories"
TABLE: Final = "todo_item_changes"


def make_table() -> None:
    """The bucket and the table, over no objects yet."""
    region = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
    create_table(boto3.client("glue"), BUCKET, "of/todo", DATABASE, TABLE)


def land(records: Iterable[dict[str, Any]] | bytes, day: str = "2026/01/01", name: str = "a.gz") -> tuple[str, int]:
    """Put records, or raw lines, as one object of a day. Its address and its bytes."""
    raw = gzip.compress(records if isinstance(records, bytes) else lines(records), mtime=0)
    key = f"of/todo/changes/{day}/{name}"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=raw)
    return f"s3://{BUCKET}/{key}", len(raw)
