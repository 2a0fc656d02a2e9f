"""The behaviour suite with real Trino behind Athena's protocol: equal to the embedded source, to the last caveat."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.athena.answers import on_athena, sample, unlike, world_unlike


@pytest.mark.parametrize("name", ["todo", "orders", "products"])
def test_the_samples(athena, tmp_path, name):
    """Each sample, its questions: frames, dtypes, attributes, states, errors."""
    embedded, folder = sample(name)
    assert unlike(embedded, on_athena(folder, embedded, tmp_path), few=name != "todo") == []


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_random_worlds(athena, data):
    """Loss, two streams, views, redaction, conflicts, attestations, baselines, late and shuffled files."""
    assert world_unlike(data) == []
