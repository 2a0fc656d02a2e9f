"""The worlds that the laws are tried on: ``LAWS_WORLDS`` of them (32), in blocks that share what was answered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.laws.answers import Asked, asked
from tests.laws.making import make_world

_WORLDS = int(os.environ.get("LAWS_WORLDS", "32"))
_BLOCK = 4


@pytest.fixture(scope="session", params=range(0, _WORLDS, _BLOCK), ids=lambda first: f"worlds{first}")
def block(request: pytest.FixtureRequest) -> Iterator[list[Asked]]:
    """Some worlds' histories; each is asked once, whatever laws it is held to. The first of them is calm."""
    with ExitStack() as stack:
        seeds = range(request.param, request.param + _BLOCK)
        yield [stack.enter_context(asked(make_world(seed), seed)) for seed in seeds]
