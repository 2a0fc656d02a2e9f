"""One emulated AWS for all tests of this folder; each file has tables, and stacks, of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent / "clock")]

import pytest  # noqa: E402

pytest.register_assert_rewrite("aws.rig")

from aws.rig import Aws  # noqa: E402

from pipeline.emulator.server import running  # noqa: E402


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """The emulated AWS; boto3 and histlib in this process know no other."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        aws = Aws(Path(folder))
        with running(aws.emulator):
            for name, value in aws.emulator.client_environment().items():
                patch.setenv(name, value)
            yield aws
