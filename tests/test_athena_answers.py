"""The same answers from Athena as from the embedded source, to the last caveat; here with DuckDB behind the stand-in,
in ``tests/trino`` with real Trino.
"""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

import pytest
from athena.answers import on_athena, sample, unlike
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world_histories import history_of
from worlds import any_worlds

_numbers = count()


@pytest.mark.parametrize("name", ["todo", "orders"])
def test_the_samples(athena, tmp_path, name):
    """Each sample, all questions: frames, dtypes, attributes, states, errors."""
    embedded, folder = sample(name)
    assert unlike(embedded, on_athena(folder, embedded, tmp_path), few=name != "todo") == []


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_random_worlds(athena, data):
    """Loss, two streams, views, redaction, conflicts, attestations, baselines, late and shuffled files."""
    world = data.draw(any_worlds())
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        embedded = history_of(world, Path(folder), data)
        if embedded is not None:
            table = f"world{next(_numbers)}"
            other = on_athena(Path(folder), embedded, Path(cache), prefix=f"{table}/", table=table)
            assert unlike(embedded, other, few=True) == []
