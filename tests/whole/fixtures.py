"""The fixture ``rig``: the whole path, empty, and attested once before anything is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from athena.aws import Aws

from whole.attesting import attest
from whole.rig import Rig, running


@pytest.fixture
def rig(athena: Aws) -> Iterator[Rig]:
    """See :class:`whole.rig.Rig`."""
    with running() as made:
        attest(made)
        made.clock.sleep(60)
        yield made
