"""The rig, for the tests of this folder."""

from tests.whole.fixtures import rig  # noqa: F401
