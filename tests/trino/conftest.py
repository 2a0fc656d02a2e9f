"""One Trino for all tests of this folder, over moto's Glue and S3; each test begins with nothing in those."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "athena")]

import pytest
from athena.glue_defaults import glue_defaults
from athena.moto_aws import moto_aws
from athena.trino_engine import TrinoEngine
from moto.moto_api._internal import moto_api_backend
from trino_server import Server, running


@pytest.fixture(scope="session")
def trino_server():
    """The running server; the environment has boto3 find the Glue and the S3 that it reads."""
    with pytest.MonkeyPatch.context() as environment, moto_aws(environment) as url, glue_defaults():
        with running(url) as server:
            yield server


@pytest.fixture
def trino(trino_server: Server) -> TrinoEngine:
    """The engine, with nothing in Glue and S3."""
    moto_api_backend.reset()
    return TrinoEngine(trino_server.url)
