"""Whole objects into a history's landing, in a folder or in S3, so that readers notice them.

Readers look again at recent days only, unless ``changes/_revision`` says that something else has changed (design,
section 3). Whoever writes into a day already past replaces it before and after: a reader in between takes the history
for changed either way. A manifest that vouches for such objects is put after that, as the last.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from histlib.stores.aws.errors import errors
from pipeline.common.aws import Aws

#: The landing's folder in a history.
CHANGES: Final = "changes/"
REVISION: Final = "changes/_revision"

#: The article's landings lie right below the history's root.
_DAY: Final = re.compile(r"(?:changes/)?(\d{4}/\d{2}/\d{2})/")


class Place(Protocol):
    """Where a history lies. Names are relative to it and have ``/`` between their parts."""

    @property
    def address(self) -> str:
        """As a person, and histlib, names it."""

    def put(self, name: str, data: bytes) -> None:
        """Write an object whole or not at all."""

    def get(self, name: str) -> bytes | None:
        """What an object holds; None where there is none."""

    def remove(self, name: str) -> None:
        """Take an object away; one that is not there is no error."""

    def names(self, prefix: str) -> Iterator[str]:
        """The objects whose names begin so."""


@dataclass(frozen=True)
class Folder:
    """A history in a folder of this machine."""

    path: Path

    @property
    def address(self) -> str:
        """The path."""
        return str(self.path)

    def put(self, name: str, data: bytes) -> None:
        """As :class:`Place`."""
        write_whole(self.path / name, data)

    def get(self, name: str) -> bytes | None:
        """As :class:`Place`."""
        path = self.path / name
        return path.read_bytes() if path.is_file() else None

    def remove(self, name: str) -> None:
        """As :class:`Place`."""
        (self.path / name).unlink(missing_ok=True)

    def names(self, prefix: str) -> Iterator[str]:
        """As :class:`Place`; without what a killed writer left half written."""
        folder = prefix.rpartition("/")[0]
        for path in sorted((self.path / folder).rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if name.startswith(prefix) and path.is_file() and not _is_half_written(path):
                yield name


@dataclass(frozen=True)
class Bucket:
    """A history in S3; ``prefix`` is empty or ends in ``/``."""

    aws: Aws
    bucket: str
    prefix: str = ""

    @property
    def address(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def put(self, name: str, data: bytes) -> None:
        """As :class:`Place`."""
        self.aws.call("s3", "put_object", Bucket=self.bucket, Key=self.prefix + name, Body=data)

    def get(self, name: str) -> bytes | None:
        """As :class:`Place`."""
        asked = {"Bucket": self.bucket, "Key": self.prefix + name}
        found = self.aws.find("s3", "get_object", **asked)
        try:
            return None if found is None else bytes(found["Body"].read())
        except errors() as error:  # the connection broke within the answer
            raise self.aws.trouble(error, "s3", "get_object", asked) from error

    def has(self, name: str) -> bool:
        """Whether there is such an object."""
        return self.aws.find("s3", "head_object", Bucket=self.bucket, Key=self.prefix + name) is not None

    def download(self, name: str, path: Path) -> None:
        """An object into a file. Raises ``OSError``, or as :meth:`pipeline.common.aws.Aws.call`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.aws.call("s3", "download_file", Bucket=self.bucket, Key=self.prefix + name, Filename=str(path))

    def remove(self, name: str) -> None:
        """As :class:`Place`."""
        self.aws.call("s3", "delete_object", Bucket=self.bucket, Key=self.prefix + name)

    def names(self, prefix: str) -> Iterator[str]:
        """As :class:`Place`."""
        listed = self.aws.each("s3", "list_objects_v2", "Contents", Bucket=self.bucket, Prefix=self.prefix + prefix)
        return (one["Key"].removeprefix(self.prefix) for one in listed)


@dataclass
class Revision:
    """``changes/_revision`` of one landing, which ``put`` replaces: before and after writes into days past.

    ``newest`` is a dateday from which on no day is past, though this machine's clock says so: none where empty.
    """

    put: Callable[[str, bytes], object]
    newest: str = ""
    replaced: bool = False

    def begin(self, name: str) -> None:
        """To be called before an object of the history is written or taken away."""
        found = _DAY.match(name)
        if not found and not name.startswith(CHANGES):
            return
        day = found[1] if found else ""
        if day >= max(self.newest, f"{datetime.now(UTC):%Y/%m/%d}"):
            self.newest = day
        elif not self.replaced:
            self.replaced = True
            self._replace()

    def end(self) -> None:
        """Say, where days of the past were written into, that this is done."""
        if self.replaced:
            self.replaced = False
            self._replace()

    def _replace(self) -> None:
        self.put(REVISION, f"{uuid.uuid4()}\n".encode())


@dataclass
class Landing:
    """Writes into a history; on leaving the ``with`` block readers are told, also after an error."""

    place: Place
    _revision: Revision = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._revision = Revision(self.place.put)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._revision.end()

    def put(self, name: str, data: bytes) -> None:
        """Write an object whole or not at all. Raises ``OSError``, or as :meth:`pipeline.common.aws.Aws.call`."""
        self._revision.begin(name)
        self.place.put(name, data)

    def remove(self, name: str) -> None:
        """Take an object away. Raises as :meth:`put`."""
        self._revision.begin(name)
        self.place.remove(name)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"_{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


def _is_half_written(path: Path) -> bool:
    return path.name.startswith("_") and path.name != Path(REVISION).name
