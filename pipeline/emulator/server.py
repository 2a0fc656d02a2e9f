"""Starting MiniStack safely, for this machine only, and what its clients are told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.common.errors import DeploymentError

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
#: Its environment, which ``make .venv-aws/.ready`` makes.
PYTHON: Final = Path(__file__).parents[2] / ".venv-aws" / "bin" / "python"
SHIMS: Final = Path(__file__).with_name("shims.py")
_HOST: Final = "127.0.0.1"
_PATIENCE_SECONDS: Final = 60


@dataclass
class Emulator:
    """MiniStack on a ``port`` of the loopback; all that it writes lies in ``folder``. ``command`` is what Python runs,
    ``extra`` adds to its environment."""

    folder: Path
    port: int = 0
    command: Sequence[str] = (str(SHIMS),)
    extra: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its clients find it."""
        return f"http://{_HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "emulator.log"

    def client_environment(self) -> dict[str, str]:
        """The environment variables by which boto3, and so each command here, asks it and nobody else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            DeploymentError: its environment is missing, the port is taken, or it does not start.
        """
        if not PYTHON.exists():
            raise DeploymentError(
                f"MiniStack's environment is not there ({PYTHON}); make it: make .venv-aws/.ready", ""
            )
        self.port = self.port or _free_port()
        if _answers(self.port):
            raise DeploymentError(f"port {self.port} of this machine is taken: name another", self.port)
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(PYTHON), *self.command],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.PIPE,  # its end tells the emulator that we are gone, however we went
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it, and the functions that it runs: nothing of it is left."""
        if self._process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self._process = None

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's AWS, no Docker, no port but its own; roles and policies are kept to."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
        return {
            **kept,
            **{name: value for name, value in self.client_environment().items() if name != "AWS_ACCESS_KEY_ID"},
            "BIND_HOST": _HOST,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "IOT_MQTT_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": f"unix://{self.folder}/no-docker.sock",
            "S3_DATA_DIR": str(self.folder / "s3"),
            "STATE_DIR": str(self.folder / "state"),
            "TMPDIR": str(self.folder / "tmp"),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.extra,
        }

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + _PATIENCE_SECONDS
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > until:
                said = self.log.read_text(errors="replace")[-2_000:]
                raise DeploymentError(f"MiniStack does not start; it said: {said}", self.port)
            time.sleep(0.1)


@contextmanager
def running(emulator: Emulator) -> Iterator[Emulator]:
    """The emulator, until the block ends, however it ends."""
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_HOST, 0))
        port: int = free.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{_HOST}:{port}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
