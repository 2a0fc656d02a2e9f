"""How the suite runs: ``--hypothesis-profile=thorough`` looks longer, ``unshrunk`` tells of a failure at once."""

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest.register_assert_rewrite("tests.support", "tests.laws", "tests.whole", "tests.aws.rig")

from tests.support.athena.fixtures import athena, athena_server  # noqa: E402, F401
from tests.support.effort import examples  # noqa: E402
from tests.support.places import TESTS  # noqa: E402
from tests.support.s3.histories import cache, s3  # noqa: E402, F401

#: What takes three quarters of the time in all, and is the same on every Python: ``-m "not slow"`` leaves it out.
SLOW = (
    "engines/athena",
    "engines/folder/test_index_recovery.py",
    "format/test_empty_images.py",
    "format/test_two_keys.py",
    "laws",
    "pipeline/backfill",
    "pipeline/baseline",
    "pipeline/deploy",
    "pipeline/functions/test_attester",
    "pipeline/mend",
    "pipeline/status/test_status.py",
    "pipeline/template",
    "project/test_package.py",
    "questions/test_names.py",
    "questions/test_tables.py",
    "rules/test_reach.py",
    "rules/test_reach_pure.py",
    "samples/test_samples.py",
    "stores/test_s3_",
    "whole",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow."""
    for item in items:
        if item.path.relative_to(TESTS).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


settings.register_profile(
    "default", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=5_000)
settings.register_profile(
    "unshrunk", parent=settings.get_profile("default"), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
settings.load_profile("default")
