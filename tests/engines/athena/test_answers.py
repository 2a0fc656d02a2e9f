"""The same answers from Athena as from the embedded source, to the last caveat; here with DuckDB behind the stand-in,
in ``tests/trino`` with real Trino.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.athena.answers import around_unlike, on_athena, sample, unlike, world_unlike
from tests.support.effort import examples


@pytest.mark.parametrize("name", ["todo", "orders"])
def test_the_samples(athena, tmp_path, name):
    """Each sample, all questions: frames, dtypes, attributes, states, errors."""
    embedded, folder = sample(name)
    assert unlike(embedded, on_athena(folder, embedded, tmp_path), few=name != "todo") == []


@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_random_worlds(athena, data):
    """Loss, two streams, views, redaction, conflicts, attestations, baselines, late and shuffled files."""
    assert world_unlike(data) == []


@settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_all_items_around_a_moment(athena, data):
    """Which items are odd, which a condition may hold of, and which are left out: as the index says."""
    assert around_unlike(data) == []
