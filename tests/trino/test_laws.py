"""The laws' worlds on real Trino: a bounded number, equal to the folder to the last caveat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.laws.answers import asked
from tests.laws.engines import readable_seeds, unlike_on_athena
from tests.laws.making import make_world


@pytest.mark.parametrize("seed", readable_seeds(300, 2))
def test_trino_answers_as_the_folder(athena, tmp_path, seed):
    """All kinds of questions, with conditions and keys."""
    with asked(make_world(seed), seed) as one:
        assert unlike_on_athena(one, Path(one.folder), tmp_path, every=20) == []
