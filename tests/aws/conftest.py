"""An emulated AWS for each file of tests, and one clock for all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.emulator.server import running
from tests.aws.clock.shared_clock import SharedClock, join
from tests.aws.rig import Aws


@pytest.fixture(scope="session")
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clock of all, by which this process goes from now on."""
    path = tmp_path_factory.mktemp("clock") / "clock"
    SharedClock.make(path)
    join(path, sleeping=False)
    return path


@pytest.fixture(scope="module")
def aws(clock_file: Path) -> Iterator[Aws]:
    """The emulated AWS; boto3 and histlib in this process know no other."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        aws = Aws(Path(folder), clock_file)
        with running(aws.emulator):
            for name, value in aws.emulator.client_environment().items():
                patch.setenv(name, value)
            yield aws
