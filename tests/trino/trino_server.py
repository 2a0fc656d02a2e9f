"""Real Trino on the loopback: one process that is coordinator and worker, over a Glue and an S3 at a given address."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.athena import trino_client
from tests.support.athena.engines import EngineError
from tests.trino.trino_parts import java, parts

CATALOG: Final = "awsdatacatalog"
#: Seconds that a start may take.
PATIENCE: Final = 180
#: As Trino's own jvm.config has them; the heap is what keeps the whole below 4 GiB.
FLAGS: Final = [
    "-Xms1G",
    "-Xmx3G",
    "-XX:+UseG1GC",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:ReservedCodeCacheSize=256M",
    "-XX:PerMethodRecompilationCutoff=10000",
    "-XX:PerBytecodeRecompilationCutoff=10000",
    "-Djdk.attach.allowAttachSelf=true",
    "-Djdk.nio.maxCachedBufferSize=2000000",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:+UseAESCTRIntrinsics",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
    "-Dconfig=etc/config.properties",
]


class DidNotStart(Exception):
    """Trino ended at its start, or was not ready in time; says the end of its log."""


@dataclass(frozen=True)
class Server:
    """A running Trino: where it answers, its process, and the folder with its configuration and log."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path


@contextmanager
def running(aws: str, region: str = "ap-northeast-1") -> Iterator[Server]:
    """Trino, ready for queries, over the Glue and S3 at ``aws`` (an http address). At the end nothing is left of it.

    Raises:
        CannotBeHad: Java or Trino's parts are not to be had.
        DidNotStart: it was not ready within PATIENCE seconds.
    """
    lib, command = parts(), [java(), *FLAGS]
    with tempfile.TemporaryDirectory(prefix="histlib-trino-") as temporary:
        folder, port = Path(temporary), _free_port()
        _configure(folder, lib, port, aws, region)
        command += ["-cp", f"{lib / 'lib'}/*", str(Path(__file__).parent / "Start.java")]
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        try:
            server = Server(f"http://127.0.0.1:{port}", process, folder)
            _wait(server)
            yield server
        finally:
            _stop(process)


def _configure(folder: Path, lib: Path, port: int, aws: str, region: str) -> None:
    """Write ``etc/``: a single node on the loopback with one catalog, named as Athena names its own."""
    keys = {"aws-access-key": "testing", "aws-secret-key": "testing"}
    node = {
        "node.environment": "tests",
        "node.id": "one",
        "node.bind-ip": "127.0.0.1",
        "node.internal-address": "127.0.0.1",
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": str(port),
        "http-server.log.enabled": "false",
        "discovery.uri": f"http://127.0.0.1:{port}",
        "web-ui.enabled": "false",
        "query.max-memory": "1GB",
        "query.max-memory-per-node": "1GB",
        "memory.heap-headroom-per-node": "768MB",
        "plugin.dir": str(lib / "plugin"),
        "catalog.config-dir": "etc/catalog",
        "log.levels-file": "etc/log.properties",
    }
    catalog = {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.metastore.glue.endpoint-url": aws,
        "hive.metastore.glue.region": region,
        **{f"hive.metastore.glue.{name}": value for name, value in keys.items()},
        "fs.hadoop.enabled": "false",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": aws,
        "s3.region": region,
        "s3.path-style-access": "true",
        **{f"s3.{name}": value for name, value in keys.items()},
        "hive.security": "allow-all",
        "hive.partition-projection-enabled": "true",
        "hive.recursive-directories": "true",  # as Athena reads them: Firehose makes a folder per hour
        "hive.non-managed-table-writes-enabled": "true",
        # One request a day of a table less, for statistics that there are not.
        "hive.table-statistics-enabled": "false",
        "hive.collect-column-statistics-on-write": "false",
    }
    _write(folder / "etc" / "config.properties", node)
    _write(folder / "etc" / "catalog" / f"{CATALOG}.properties", catalog)
    _write(folder / "etc" / "log.properties", {"": "WARN", "io.trino.server.Server": "INFO"})


def _write(file: Path, properties: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), encoding="utf-8")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait(server: Server) -> None:
    """Until it says that it has started and has answered a query (one that needs a worker, unlike SELECT 1)."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(OSError, ValueError, EngineError):
            if trino_client.started(server.url):
                trino_client.run(server.url, "SELECT count(*) FROM TABLE(sequence(1, 2))")
                return
        time.sleep(0.2)
    log = (server.folder / "server.log").read_text(encoding="utf-8", errors="replace")
    ended = server.process.returncode
    how = f"was not ready within {PATIENCE} s" if ended is None else f"ended with code {ended}"
    raise DidNotStart(f"Trino {how}; the end of its log:\n{log[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process: it ends when its input does; by force where it does not."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
