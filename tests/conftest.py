"""How the suite runs: ``--hypothesis-profile=thorough`` looks longer, ``unshrunk`` tells of a failure at once."""

from athena.fixtures import athena, athena_server  # noqa: F401
from effort import examples
from hypothesis import HealthCheck, Phase, settings
from s3_histories import cache, s3  # noqa: F401

settings.register_profile(
    "default", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=5_000)
settings.register_profile(
    "unshrunk", parent=settings.get_profile("default"), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
settings.load_profile("default")
