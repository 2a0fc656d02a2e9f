"""Histories in the AWS of tests: a landing folder put into S3, and the Glue table over it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import boto3

from tests.support.athena.aws import OUTPUT
from tests.support.athena.template import create_table

WORKGROUP = "primary"


def put_history(
    folder: Path, bucket: str = "histories", prefix: str = "things/", database: str = "histories", table: str = "things"
) -> str:
    """Upload a history's folder (as :func:`landings.put` makes it) and make its table; the address to connect to.

    Bucket and database are made where they are not there. Once more with the same names: uploads what is in the
    folder now.
    """
    upload(folder, bucket, prefix)
    make_table(bucket, prefix, database, table)
    return f"athena://{database}/{table}?workgroup={WORKGROUP}&output={OUTPUT}"


def upload(folder: Path, bucket: str, prefix: str) -> list[str]:
    """Upload the files of a folder, hidden folders left out; their keys."""
    s3 = boto3.client("s3")
    if bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    keys = []
    for path in files:
        parts = path.relative_to(folder)
        if not any(part.startswith(".") for part in parts.parts):
            keys.append(prefix + parts.as_posix())
            s3.put_object(Bucket=bucket, Key=keys[-1], Body=path.read_bytes())
    return keys


def make_table(bucket: str, prefix: str, database: str, table: str) -> None:
    """Make, or make anew, the table of the deployment's own template over a history at this prefix (ends in ``/``)."""
    glue = boto3.client("glue")
    with suppress(glue.exceptions.EntityNotFoundException):
        glue.delete_table(DatabaseName=database, Name=table)
    create_table(glue, bucket, prefix, database, table)
