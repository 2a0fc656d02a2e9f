"""How the suite runs: ``--hypothesis-profile=thorough`` looks longer."""

from hypothesis import HealthCheck, settings
from s3_histories import cache, s3  # noqa: F401

settings.register_profile("default", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=5_000)
settings.load_profile("default")
