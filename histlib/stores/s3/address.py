"""``s3://bucket/prefix``: where in S3 a history lies."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from histlib.errors import RequestError

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")
_ACCOUNT_ID: Final = re.compile(r"\d{12}")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Address:
    """A bucket and a prefix (without ``/`` at its end; empty: the whole bucket)."""

    bucket: str
    prefix: str = ""

    @property
    def base(self) -> str:
        """What the keys of all objects begin with."""
        return f"{self.prefix}/" if self.prefix else ""

    def folder_names(self, endpoint: str) -> tuple[str, str]:
        """The mirror's folder below ``s3/``, without account ids; another endpoint is another place."""
        place = f"{endpoint}\n{self.bucket}\n{self.prefix}"
        digest = hashlib.blake2b(place.encode(), digest_size=10).hexdigest()
        return _plain(self.bucket), f"{_plain(self.prefix) or 'root'}-{digest}"

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def parse_address(text: str) -> Address:
    """The address in a text; what follows the bucket is taken as it is, nothing in it is an escape.

    Raises:
        RequestError: it names no bucket, or one of a kind that cannot be listed in order.
    """
    bucket, _, prefix = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not _BUCKET.fullmatch(bucket):
        raise RequestError(f"{text!r} names no bucket; expected s3://bucket/prefix", text)
    if bucket.endswith("--x-s3"):
        raise RequestError(f"{bucket} is a directory bucket, which S3 does not list in order; use another bucket", text)
    return Address(bucket, prefix.rstrip("/"))


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an object (``s3://bucket/key``), taken as they are."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _plain(text: str) -> str:
    return _NOT_IN_NAMES.sub("-", _ACCOUNT_ID.sub("account", text))[-60:].strip("-")
