"""What Trino is run from: Java, and Trino's jars as Maven brings them, kept in a cache outside the tree.

The release is the last one for Java 17. Its server archive is no longer on Maven Central, but all that was packed
into it is: the server with its dependencies, and the Hive plugin.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import platformdirs
from filelock import FileLock

RELEASE: Final = "435"
JAVA: Final = range(17, 22)
#: Seconds for Maven to bring some 260 MB.
PATIENCE: Final = 1200
POM: Final = Path(__file__).parent / "pom.xml"


class CannotBeHad(Exception):
    """Trino cannot be had on this machine; says what was tried."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Trino {RELEASE} cannot be had: {why}")


def parts() -> Path:
    """The folder with ``lib/`` and ``plugin/``: the one of ``HISTLIB_TRINO``, else of the user's cache; filled once."""
    folder = Path(os.environ.get("HISTLIB_TRINO") or platformdirs.user_cache_path("histlib-tests")) / f"trino-{RELEASE}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            print(f"getting Trino {RELEASE} by Maven (260 MB, once) into {folder}", flush=True)
            _fill(folder)
    return folder


def java() -> str:
    """The Java that this release runs on: of ``JAVA_HOME``, of the PATH, or of the system's usual places.

    Raises:
        CannotBeHad: there is none; names those found.
    """
    home = os.environ.get("JAVA_HOME")
    usual = sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    candidates += [found for found in [shutil.which("java"), *map(str, usual)] if found]
    versions = {candidate: _version(candidate) for candidate in candidates}
    fitting = [candidate for candidate, version in versions.items() if version in JAVA]
    if not fitting:
        found = ", ".join(f"{candidate} ({version or 'does not run'})" for candidate, version in versions.items())
        raise CannotBeHad(f"it needs a JDK of version {JAVA[0]} to {JAVA[-1]}; found {found or 'no Java'}")
    return fitting[0]


def _version(candidate: str) -> int | None:
    """The feature release of a Java that has a compiler (Trino is started from a line of source), else None."""
    with suppress(OSError, subprocess.TimeoutExpired):
        command = [candidate, "-XshowSettings:properties", "--list-modules"]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        found = re.search(r"java\.specification\.version = (\d+)", said.stderr)
        if found and "jdk.compiler" in said.stdout:
            return int(found[1])
    return None


def _fill(folder: Path) -> None:
    """Bring the parts into a folder beside it, then rename that: a folder that is there is complete."""
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as temporary:
        new = Path(temporary) / "new"
        _maven(new / "lib")
        (archive,) = (new / "lib").glob("trino-hive-*.zip")
        with zipfile.ZipFile(archive) as plugin:
            plugin.extractall(new / "plugin")
        archive.unlink()
        new.rename(folder)


def _maven(target: Path) -> None:
    """Have Maven copy the parts into a folder."""
    command = [shutil.which("mvn") or "mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    shown = " ".join(["mvn", *command[1:]])
    try:
        maven = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
    except OSError:
        raise CannotBeHad("there is no Maven; install it (Debian: apt-get install maven)") from None
    try:
        said, _ = maven.communicate(timeout=PATIENCE)
    except BaseException as error:
        os.killpg(maven.pid, signal.SIGKILL)
        maven.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise CannotBeHad(f"Maven was not done within {PATIENCE} s: {shown}") from None
        raise
    if maven.returncode:
        error = re.search(r"\[ERROR\] (\S.*)", said)
        raise CannotBeHad(f"{error[1] if error else said[-300:]} ({shown})")
