"""Athena on this machine: moto's S3 and Glue, real Trino and the stand-in before it, in a process of their own.

So that what is measured here shares no interpreter with what serves it; the cores are shared all the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.athena.aws import REGION, client_of, environ, environment, serving_moto, standing_in
from tests.support.athena.glue_defaults import glue_defaults
from tests.support.athena.trino_engine import TrinoEngine
from tests.trino.trino_parts import RELEASE, CannotBeHad, java, parts
from tests.trino.trino_server import running

__all__ = ["RELEASE", "CannotBeHad", "athena_on_trino"]

#: Where results go.
OUTPUT: Final = "query-results"


@contextmanager
def athena_on_trino() -> Iterator[str]:
    """Have the environment lead to it for a while; yields Trino's own address.

    Raises:
        CannotBeHad: Java or Trino's parts are not to be had.
        RuntimeError: it did not start; what it said is on the standard error.
    """
    java()
    parts()
    command = [sys.executable, "-m", "benchmarks.on_trino"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None and server.stdout is not None
    try:
        said = next((line for line in server.stdout if line.startswith("{")), "")
        if not said:
            raise RuntimeError("Trino with the stand-in did not start")
        at = json.loads(said)
        with tempfile.TemporaryDirectory() as home, environ(environment(at["aws"], at["athena"], Path(home))):
            yield at["trino"]
    finally:
        server.stdin.close()
        server.wait()


def main() -> None:
    """Serve until the input ends."""
    with glue_defaults(), serving_moto() as url:
        client_of(url, "s3").create_bucket(Bucket=OUTPUT, CreateBucketConfiguration={"LocationConstraint": REGION})
        with (
            tempfile.TemporaryDirectory() as home,
            environ(environment(url, url, Path(home))),
            running(url, REGION) as trino,
            standing_in(url, TrinoEngine(trino.url)) as aws,
        ):
            print(json.dumps({"aws": url, "athena": aws.standin.url, "trino": trino.url}), flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main()
