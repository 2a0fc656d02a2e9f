"""The fixture ``rig``: the whole path, empty, and attested once before anything is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.athena.aws import Aws
from tests.whole.rig import Rig, running


@pytest.fixture
def rig(athena: Aws) -> Iterator[Rig]:
    """See :class:`tests.whole.rig.Rig`."""
    with running() as made:
        made.begin()
        yield made
