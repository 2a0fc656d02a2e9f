"""The fixture ``athena``: one moto and one stand-in for all tests of a module run, emptied between tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from histlib.engines.athena.running import watching as attending
from tests.support.athena.aws import Aws, entered, serving


@pytest.fixture(scope="session")
def athena_server() -> Iterator[Aws]:
    """The servers of this test run; the environment leads to them only while a test uses ``athena``."""
    with serving() as aws:
        yield aws


@pytest.fixture
def athena(athena_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty AWS: S3, Glue and Athena on DuckDB, found by unmodified clients in the environment. It is nearer than
    the real one, and looked at sooner."""
    monkeypatch.setattr(attending, "_FIRST", 0.005)
    with entered(athena_server):
        yield athena_server
