"""AWS on the loopback: S3 and Glue by moto's own server, Athena by the stand-in.

A test gets it as the fixture ``athena`` (see :mod:`tests.support.athena.fixtures`), a script as ``with running() as
aws``.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from moto.server import ThreadedMotoServer

from tests.support.athena.engines import Engine
from tests.support.athena.standin import StandIn

REGION = "eu-west-1"
#: Where a query's results go unless the test says otherwise; :meth:`Aws.reset` makes the bucket.
OUTPUT_BUCKET = "query-results"
OUTPUT = f"s3://{OUTPUT_BUCKET}/athena/"


@dataclass
class Aws:
    """What runs: moto's address, the stand-in, and its engine."""

    url: str
    standin: StandIn
    engine: Engine

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS, whatever the environment says."""
        return client_of(self.url if service != "athena" else self.standin.url, service)

    def reset(self) -> None:
        """Forget all buckets, tables, queries and faults; then make the results' bucket and the primary workgroup."""
        self.standin.reset()
        requests.post(f"{self.url}/moto-api/reset", timeout=30).raise_for_status()
        self.bucket(OUTPUT_BUCKET)

    def bucket(self, name: str) -> str:
        """Make a bucket; its name."""
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name


def client_of(url: str, service: str) -> Any:
    """A boto3 client for a server on the loopback."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)
    return session.client(service, endpoint_url=url)


def environment(url: str, athena_url: str, home: Path) -> dict[str, str]:
    """The variables by which unmodified clients reach this AWS and no other."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_ATHENA": athena_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
    }


#: What of a user's own environment would lead the clients elsewhere.
FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "HISTLIB_SOURCE")


@contextmanager
def environ(values: Mapping[str, str]) -> Iterator[None]:
    """Set these variables and unset :data:`FOREIGN` ones, for a while."""
    before = dict(os.environ)
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def serving(engine: Callable[[str], Engine] | None = None) -> Iterator[Aws]:
    """Run moto and the stand-in; ``engine`` makes one from moto's address (DuckDB unless given)."""
    if engine is None:
        from tests.support.athena.duckdb_engine import DuckDBEngine

        engine = DuckDBEngine
    with serving_moto() as url, standing_in(url, engine(url)) as aws:
        yield aws


@contextmanager
def serving_moto() -> Iterator[str]:
    """Run moto's S3 and Glue; their address."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    try:
        yield "http://{}:{}".format(*moto.get_host_and_port())
    finally:
        moto.stop()


@contextmanager
def standing_in(url: str, engine: Engine) -> Iterator[Aws]:
    """Run the stand-in before an engine, beside the moto at an address."""
    standin = StandIn(engine, client_of(url, "s3"))
    try:
        yield Aws(url, standin, engine)
    finally:
        standin.close()


@contextmanager
def entered(aws: Aws) -> Iterator[Aws]:
    """Empty a running AWS and lead the environment to it, for a while."""
    aws.reset()
    with tempfile.TemporaryDirectory() as home, environ(environment(aws.url, aws.standin.url, Path(home))):
        yield aws


@contextmanager
def running(engine: Callable[[str], Engine] | None = None) -> Iterator[Aws]:
    """Run moto and the stand-in with the environment leading to them: for scripts, and tests of other engines."""
    with serving(engine) as aws, entered(aws):
        yield aws
