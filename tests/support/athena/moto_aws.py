"""moto's own Glue and S3 over HTTP on the loopback, and an environment in which boto3 finds them and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.moto_api._internal import moto_api_backend
from moto.server import ThreadedMotoServer

REGION = "ap-northeast-1"


@contextmanager
def moto_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server with nothing in it; the environment points to it until the end."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    moto_api_backend.reset()
    with monkeypatch.context() as environment:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            environment.delenv(name, raising=False)
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nowhere/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        }.items():
            environment.setenv(name, value)
        try:
            yield f"http://{host}:{port}"
        finally:
            server.stop()
