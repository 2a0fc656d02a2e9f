"""One process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from histlib.progress import progress


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold a lock file: waits, visibly, for another process (or thread) that holds it."""
    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with progress(f"waiting for another process that holds {lock.lock_file}", None):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
