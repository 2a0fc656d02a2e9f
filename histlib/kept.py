"""A value kept in a file for the next process: written whole or not at all, and not believed where it is damaged."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

T = TypeVar("T")


def load(path: Path, kind: type[T]) -> T | None:
    """The value that was kept; None where there is none, or not as it was written or of another shape."""
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        checksum, _, body = path.read_bytes().partition(b"\n")
        if checksum == _checksum(body):
            return msgspec.json.decode(body, type=kind)
    return None


def save(path: Path, value: Any) -> None:
    """Keep a value, in the place of the one before.

    Raises:
        OSError: it cannot be written; what was kept before stays.
    """
    body = msgspec.json.encode(value)
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{uuid4().hex}")
    try:
        temporary.write_bytes(_checksum(body) + b"\n" + body)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).hexdigest().encode()
