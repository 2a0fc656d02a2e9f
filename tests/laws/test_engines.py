"""The laws' worlds on every engine: whatever doubt says of a folder it says of S3 and of Athena, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

import histlib
from tests.laws.answers import asked
from tests.laws.engines import readable_seeds, unlike_elsewhere, unlike_on_athena
from tests.laws.making import make_world
from tests.support.s3.histories import SOURCE, fill


@pytest.mark.parametrize("seed", range(100, 104))
def test_s3_answers_as_the_folder(s3, cache, seed):
    """Damaged objects, what failed, attestations, baselines and windows among what is there."""
    world = make_world(seed)
    if world.source != "folder":
        pytest.skip("exports are read from a folder alone")
    with asked(world, seed) as one:
        fill(s3, Path(one.folder))
        assert unlike_elsewhere(one, histlib.connect(SOURCE, cache=cache), every=8) == []


@pytest.mark.parametrize("seed", readable_seeds(200, 4))
def test_athena_answers_as_the_folder(athena, tmp_path, seed):
    """DuckDB behind the stand-in; on Trino it is a test of ``tests/trino``."""
    with asked(make_world(seed), seed) as one:
        assert unlike_on_athena(one, Path(one.folder), tmp_path, every=12) == []
