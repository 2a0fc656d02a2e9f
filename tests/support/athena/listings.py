"""Objects of a landing in S3, and lists of it."""

from __future__ import annotations

from datetime import datetime

import boto3
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from histlib.engines.athena.landing.listing import LandingList
from histlib.stores.s3.address import Address
from tests.support.s3.server import BUCKET

BASE = "of/things/"
ADDRESS = Address(BUCKET, "of/things")


def put(s3, file: str, body: bytes = b"x", base: str = BASE, **fields) -> None:
    """Put an object of the history, then forget what was asked."""
    s3.client.put_object(Bucket=BUCKET, Key=base + file, Body=body, **fields)
    s3.asked.clear()


def delete(s3, file: str) -> None:
    s3.client.delete_object(Bucket=BUCKET, Key=BASE + file)
    s3.asked.clear()


def written(s3, file: str, when: datetime) -> None:
    """Let an object be as old as that."""
    get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"].get_object(BUCKET, BASE + file).last_modified = when


def listed(s3, cache, **options) -> LandingList:
    return LandingList(boto3.client("s3"), ADDRESS, cache, **options)
