"""One Trino for all tests of this folder, over moto's Glue and S3; each test begins with nothing in those.

``trino`` is the bare engine, ``athena`` the stand-in before it: Athena for unmodified clients, run by real Trino.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.athena.aws import REGION, Aws, entered, serving_moto, standing_in
from tests.support.athena.engines import Engine
from tests.support.athena.glue_defaults import glue_defaults
from tests.support.athena.trino_engine import TrinoEngine
from tests.trino.trino_server import Server, running


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The address of moto's Glue and S3."""
    with glue_defaults(), serving_moto() as url:
        yield url


@pytest.fixture(scope="session")
def trino_server(moto_server: str) -> Iterator[Server]:
    """The running server."""
    with running(moto_server, REGION) as server:
        yield server


@pytest.fixture(scope="session")
def athena_server(moto_server: str, trino_server: Server) -> Iterator[Aws]:
    """The stand-in before it."""
    with standing_in(moto_server, TrinoEngine(trino_server.url)) as aws:
        yield aws


@pytest.fixture
def athena(athena_server: Aws) -> Iterator[Aws]:
    """An empty AWS whose Athena is Trino."""
    with entered(athena_server):
        yield athena_server


@pytest.fixture
def trino(athena: Aws) -> Engine:
    """The engine, with nothing in Glue and S3."""
    return athena.engine
