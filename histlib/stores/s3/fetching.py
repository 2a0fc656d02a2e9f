"""Objects into files: in parallel, each checked, none half."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event
from typing import Any, Final
from uuid import uuid4

from histlib.errors import SourceError
from histlib.progress import progress
from histlib.stores.aws.errors import code_of, errors
from histlib.stores.s3.address import Address
from histlib.stores.s3.client import THREADS
from histlib.stores.s3.errors import CHANGED, request_error, unreadable
from histlib.stores.s3.listing import Remote

#: Takes in an object that is whole.
Keep = Callable[[str, Remote, Path], None]

#: Why an object could not be had: it is not there any more, or is another one now.
GONE: Final = ""

_CHUNK: Final = 1 << 20
_MD5: Final = re.compile(r'"([0-9a-f]{32})"')
#: What a body that breaks off raises, and is worth another try.
_BROKEN: Final = {"IncompleteReadError", "ResponseStreamingError", "FlexibleChecksumError"}
#: So many objects, taken anywhere, refused and none had: no matter of single objects.
_HOPELESS: Final = 64


class _DamagedError(Exception):
    """The body is not what was listed; says how."""


class _StoppedError(Exception):
    """Someone interrupted."""


class Fetcher:
    """Fetches objects of one bucket."""

    def __init__(self, client: Any, address: Address, profile: str | None) -> None:
        self._client = client
        self._address = address
        self._profile = profile
        self._stop = Event()

    def fetch(self, wanted: Mapping[str, Remote], parts: Path, keep: Keep) -> dict[str, str]:
        """Fetch objects through files in ``parts``; returns why those are missing that could not be had.

        Whatever stops it, what was kept stays.

        Raises:
            SourceError: what is no matter of single objects (network, credentials, none of them can be had).
        """
        self._stop.clear()
        files = list(wanted)
        random.Random(0).shuffle(files)
        failures: dict[str, str] = {}
        total = sum(remote.size for remote in wanted.values())
        what = f"fetching {len(files):,} objects from {self._address}"
        with ThreadPoolExecutor(THREADS) as pool, progress(what, total) as bar:
            try:
                jobs = {pool.submit(self._one, file, wanted[file], parts, keep): file for file in files}
                for number, job in enumerate(as_completed(jobs), start=1):
                    file, failure = jobs[job], job.result()
                    bar.update(wanted[file].size)
                    if failure is not None:
                        failures[file] = failure
                        self._despair(failures, number)
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return failures

    def _despair(self, failures: Mapping[str, str], tried: int) -> None:
        details = set(failures.values()) - {GONE}
        if tried == len(failures) == _HOPELESS and len(details) == 1:
            raise SourceError(
                f"{self._address}: none of {tried} objects tried can be read: {details.pop()}", str(self._address)
            )

    def _one(self, file: str, remote: Remote, parts: Path, keep: Keep) -> str | None:
        """Fetch one object, once more where it arrives damaged; says why it cannot be had."""
        part = parts / uuid4().hex
        for again in (True, False):
            try:
                self._download(remote, part)
                keep(file, remote, part)
                return None
            except _DamagedError as damage:
                if not again:
                    return f"arrived damaged twice: {damage}"
            except errors() as error:
                if code_of(error) in CHANGED:
                    return GONE
                reason = unreadable(error)
                if reason is None:
                    raise request_error(error, self._address, "s3:GetObject", self._profile) from error
                return reason
            finally:
                part.unlink(missing_ok=True)
        return None

    def _download(self, remote: Remote, part: Path) -> None:
        """The object as it was listed, into a file.

        Raises:
            _DamagedError: it is not whole, or not what its checksum says.
        """
        found = self._client.get_object(Bucket=self._address.bucket, Key=remote.key, IfMatch=remote.etag)
        digest, size = hashlib.md5(usedforsecurity=False), 0
        with part.open("wb") as stream, found["Body"] as body:
            try:
                while chunk := body.read(_CHUNK):
                    if self._stop.is_set():
                        raise _StoppedError
                    size += len(chunk)
                    digest.update(chunk)
                    stream.write(chunk)
            except errors() as error:
                if code_of(error) not in _BROKEN:
                    raise
                raise _DamagedError(f"{code_of(error)} after {size:,} of {remote.size:,} bytes") from error
        if size != remote.size or size != found["ContentLength"]:
            raise _DamagedError(f"{size:,} bytes, {remote.size:,} were listed")
        expected = _MD5.fullmatch(remote.etag)
        if expected and _has_md5(found) and expected[1] != digest.hexdigest():
            raise _DamagedError("its MD5 is not its ETag")


def _has_md5(found: Mapping[str, Any]) -> bool:
    """Whether the ETag of an object in one part is its MD5: not of those encrypted with keys of KMS or the writer's."""
    return found.get("ServerSideEncryption", "AES256") == "AES256" and "SSECustomerAlgorithm" not in found
