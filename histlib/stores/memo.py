"""A value kept in a file for the next process: written whole or not at all, and believed only as this histlib wrote it.

One that is damaged, or that another edition of the code derived, is none: it is found out again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from histlib.stores.edition import edition

T = TypeVar("T")


def load(path: Path, kind: type[T]) -> T | None:
    """The value that was kept; None where there is none, or not as this edition wrote it, or of another shape."""
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        checksum, _, body = path.read_bytes().partition(b"\n")
        if checksum == checksum_of(body):
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
        temporary.write_bytes(checksum_of(body) + b"\n" + body)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def checksum_of(body: bytes) -> bytes:
    """What stands before bytes that are kept: no other edition of the code has the same."""
    return hashlib.blake2b(body, digest_size=16, key=edition().encode()).hexdigest().encode()
