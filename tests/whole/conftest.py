"""The rig, for the tests of this folder."""

import pytest

pytest.register_assert_rewrite("whole.asking")

from whole.fixtures import rig  # noqa: E402, F401
