"""Objects of a history in S3, each written only if nobody else wrote it meanwhile.

The conditions are S3's own (user guide, "How to prevent object overwrites with conditional writes").

Permissions: s3:PutObject and s3:GetObject on the history, s3:ListBucket on its bucket.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .progress import NAME, Progress, from_json, to_json

#: What S3 answers to a condition that does not hold, and to a write that met another.
_NOT_SO = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "412", "409"))
_MISSING = frozenset(("NoSuchKey", "404", "NotFound"))


class BusyError(RuntimeError):
    """Another runner works on this baseline; says until when, where it is known."""


@dataclass
class Storage:
    """The history in ``bucket`` below ``prefix`` (empty, or ending in ``/``)."""

    s3: Any
    bucket: str
    prefix: str = ""
    _etag: str | None = None

    def load(self) -> Progress | None:
        """The progress as it is now; None where there is none. Who saves next replaces this one.

        Raises:
            ValueError: of another version.
            ClientError, BotoCoreError: S3 cannot be asked; so do the others.
        """
        found = self._get(NAME)
        self._etag = found[1] if found else None
        return from_json(found[0]) if found else None

    def save(self, progress: Progress) -> None:
        """Replace the progress as last loaded or saved.

        Raises:
            BusyError: somebody else did, meanwhile.
        """
        body = to_json(progress)
        if etag := self._put(NAME, body, self._etag):
            self._etag = etag
            return
        found = self._get(NAME)  # an answer that was lost makes botocore ask again, in vain
        if found is None or found[0] != body:
            raise BusyError(f"another run has taken over the baseline of s3://{self.bucket}/{self.prefix}")
        self._etag = found[1]

    def put_part(self, name: str, body: bytes, prove: Callable[[], None]) -> None:
        """Put a part, in place of one that an earlier runner left; ``prove`` saves, which only the runner can.

        Raises:
            BusyError: somebody else runs, or wrote it meanwhile.
        """
        if self._put(name, body, None):
            return
        prove()
        etag = self.s3.head_object(Bucket=self.bucket, Key=self.prefix + name)["ETag"]
        if not self._put(name, body, etag):
            raise BusyError(f"another run writes s3://{self.bucket}/{self.prefix}{name}")

    def put_manifest(self, manifest: dict[str, Any]) -> None:
        """Put a baseline's manifest, once.

        Raises:
            BusyError: there is one that says something else.
        """
        name, body = f"baseline/{manifest['id']}.json", json.dumps(manifest).encode()
        if not self._put(name, body, None):
            found = self._get(name)
            if found is None or found[0] != body:
                raise BusyError(f"s3://{self.bucket}/{self.prefix}{name} is there and says something else")

    def manifests(self) -> list[dict[str, Any]]:
        """All manifests of baselines, by scan or export, in no order."""
        base = f"{self.prefix}baseline/"
        names = [key.removeprefix(base) for key in self.keys(base)]
        wanted = [name for name in names if name.endswith(".json") and not name.startswith(("_", ".", "backfill-"))]
        found = (self._get(f"baseline/{name}") for name in wanted if "/" not in name)
        return [json.loads(one[0]) for one in found if one]

    def missing(self, progress: Progress) -> str | None:
        """The first of a baseline's files that is not there; None where all are."""
        names = {file.partition(progress.id)[0] + progress.id for file in progress.files}
        there = {key for name in sorted(names) for key in self.keys(self.prefix + name)}
        return next((file for file in progress.files if self.prefix + file not in there), None)

    def keys(self, base: str) -> list[str]:
        """The keys below a prefix of the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=base)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def _get(self, name: str) -> tuple[bytes, str] | None:
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + name)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return answer["Body"].read(), answer["ETag"]

    def _put(self, name: str, body: bytes, etag: str | None) -> str | None:
        """Put in place of the object with this ETag, or where there is none: the new ETag, None where it is not so."""
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            answer = self.s3.put_object(Bucket=self.bucket, Key=self.prefix + name, Body=body, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_SO | _MISSING:
                return None
            raise
        return str(answer["ETag"])
