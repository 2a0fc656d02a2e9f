"""How the suite runs: ``--hypothesis-profile=thorough`` looks longer, ``unshrunk`` tells of a failure at once."""

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest.register_assert_rewrite("tests.support", "tests.laws", "tests.whole", "tests.aws.rig")

from tests.support.athena.fixtures import athena, athena_server  # noqa: E402, F401
from tests.support.effort import examples  # noqa: E402
from tests.support.s3.histories import cache, s3  # noqa: E402, F401

settings.register_profile(
    "default", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=5_000)
settings.register_profile(
    "unshrunk", parent=settings.get_profile("default"), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
settings.load_profile("default")
