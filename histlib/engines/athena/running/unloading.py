"""Large answers: Parquet that Athena writes below a prefix of our own, read in parallel, and removed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from histlib.engines.athena.running.refusals import Place, no_output
from histlib.engines.athena.statements.literals import literal
from histlib.errors import SourceError
from histlib.progress import progress
from histlib.stores.aws.errors import code_of, errors
from histlib.stores.s3.address import Address, split
from histlib.stores.s3.errors import request_error

#: Files fetched ahead of the one that is read.
_AHEAD: Final = 4
#: Rows of one table that is handed on, at most.
_ROWS: Final = 1 << 17


def output_location(client: Any, place: Place) -> str:
    """Where results go, by the workgroup and the address, without ``/`` at its end.

    Raises:
        RequestError: neither of them says.
    """
    settings = client.get_work_group(WorkGroup=place.address.workgroup)["WorkGroup"].get("Configuration", {})
    own = settings.get("ResultConfiguration", {}).get("OutputLocation")
    enforced = own if settings.get("EnforceWorkGroupConfiguration") else None
    output = enforced or place.address.output or own
    if not output:
        raise no_output(place)
    return str(output).rstrip("/")


def unload_text(select: str, folder: str) -> str:
    """The statement that writes what a SELECT yields into a folder (``s3://…/``), which must be empty."""
    return f"UNLOAD ({select}) TO {literal(folder)} WITH (format='PARQUET', compression='SNAPPY')"


class Written:
    """What an UNLOAD wrote into a folder. ``client`` is for S3; ``manifest`` lists the files, where there is one."""

    def __init__(self, client: Any, folder: str, manifest: str | None, profile: str | None) -> None:
        self._client = client
        self._folder = folder
        self._manifest = manifest
        self._profile = profile

    def tables(self, columns: pa.Schema) -> Iterator[pa.Table]:
        """The rows, typed as ``columns``, file by file.

        Raises:
            SourceError: a file is not there, denied, damaged, or holds other columns.
        """
        names = self._names()
        rest, ahead = iter(names), deque[tuple[str, Future[bytes]]]()
        with ThreadPoolExecutor(_AHEAD) as pool, progress("reading the answer", len(names), " files") as bar:
            try:
                while True:
                    ahead.extend((name, pool.submit(self._get, name)) for name in islice(rest, _AHEAD - len(ahead)))
                    if not ahead:
                        return
                    name, job = ahead.popleft()
                    yield from _read(name, job.result(), columns)
                    bar.update(1)
            finally:
                pool.shutdown(cancel_futures=True)

    def _names(self) -> list[str]:
        if self._manifest is None:
            return list(listed(self._client, self._folder))
        lines = self._get(self._manifest).decode().split("\n")
        return [line.strip() for line in lines if line.strip()]

    def _get(self, name: str) -> bytes:
        bucket, key = split(name)
        try:
            found = self._client.get_object(Bucket=bucket, Key=key)
            with found["Body"] as body:
                content: bytes = body.read()
        except errors() as error:
            raise request_error(error, Address(bucket, key), "s3:GetObject", self._profile) from error
        return content


def _read(name: str, content: bytes, columns: pa.Schema) -> Iterator[pa.Table]:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        if [one.lower() for one in file.schema_arrow.names] != [one.lower() for one in columns.names]:
            raise SourceError(f"{name} has the columns {file.schema_arrow.names}; expected {columns.names}", name)
        for batch in file.iter_batches(_ROWS):
            yield pa.Table.from_batches([batch]).rename_columns(columns.names).cast(columns)
    except (pa.ArrowException, OSError) as error:  # pyarrow raises OSError for pages that it cannot decompress
        raise SourceError(f"{name}, which Athena wrote, cannot be read ({error}); ask again", name) from error


def listed(client: Any, folder: str) -> Iterator[str]:
    """The objects below a folder, as ``s3://…``."""
    bucket, prefix = split(folder)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return (f"s3://{bucket}/{one['Key']}" for page in pages for one in page.get("Contents", ()))


def remove(client: Any, names: Iterable[str]) -> str:
    """Remove objects (``s3://…``), also such as are not there; returns what is left behind and why, or nothing."""
    left = ""
    for name in names:
        bucket, key = split(name)
        try:
            client.delete_object(Bucket=bucket, Key=key)
        except errors() as error:
            left = f"{name} is left behind in S3 ({code_of(error)}); allow s3:DeleteObject, and remove it"
    return left
