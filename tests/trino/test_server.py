"""The server's process: nothing is left of it, however its user ends; what cannot be had is said."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.trino import trino_parts
from tests.trino.trino_server import FLAGS, DidNotStart, Server, running

NOWHERE = "http://127.0.0.1:1"
START = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.trino.trino_server import running
with running({NOWHERE!r}) as server:
    print(server.process.pid, server.folder, flush=True)
    sys.stdin.read()
"""


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and is not yet waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_memory_is_bounded(trino_server: Server):
    """Below 4 GiB, whatever it does: the heap's limit is 3 GiB."""
    status = Path(f"/proc/{trino_server.process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak < 4 * 1024**2


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_nothing_is_left_running(end):
    """Its user is interrupted, or killed with no chance to clean up: Trino ends too."""
    with subprocess.Popen([sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        pid, folder = user.stdout.readline().decode().split()
        assert alive(int(pid))
        user.send_signal(end)
        user.wait(60)
    deadline = time.monotonic() + 60
    while alive(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(int(pid))
    assert Path(folder).exists() == (end == signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def test_no_java_is_said(monkeypatch):
    """With what was found in its place."""
    monkeypatch.setattr(trino_parts, "JAVA", range(9, 11))
    with pytest.raises(trino_parts.CannotBeHad, match=r"^Trino 435 cannot be had: it needs a JDK of version 9 to 10; "):
        trino_parts.java()


def test_no_maven_is_said(monkeypatch, tmp_path):
    """And nothing half-made stays in the cache."""
    monkeypatch.setenv("HISTLIB_TRINO", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(trino_parts.CannotBeHad, match="there is no Maven"):
        trino_parts.parts()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_what_maven_could_not_get_is_said(monkeypatch, tmp_path):
    """Maven's own first error, and the command to try."""
    pom = tmp_path / "pom.xml"
    pom.write_text(trino_parts.POM.read_text().replace("<version>435<", "<version>0-none<"))
    monkeypatch.setattr(trino_parts, "POM", pom)
    monkeypatch.setenv("HISTLIB_TRINO", str(tmp_path / "cache"))
    with pytest.raises(trino_parts.CannotBeHad, match=r"(?s)0-none.*\(mvn -q -B "):
        trino_parts.parts()


def test_a_start_that_fails_shows_the_log(monkeypatch):
    """A server that ends at its start is an error at once, with the end of its log."""
    monkeypatch.setattr("tests.trino.trino_server.FLAGS", [*FLAGS, "-Dconfig=etc/none.properties"])
    ended = r"(?s)ended with code \d+; the end of its log:.*none\.properties"
    with pytest.raises(DidNotStart, match=ended), running(NOWHERE):
        pytest.fail("it started")
