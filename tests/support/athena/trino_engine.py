"""Athena's SQL run by real Trino, behind the stand-in."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import boto3

from tests.support.athena import trino_client
from tests.support.athena.engines import Answer
from tests.support.athena.trino_texts import athena_text, athena_type

CATALOG: Final = "awsdatacatalog"


@dataclass(frozen=True)
class TrinoEngine:
    """An executor on the Trino at ``url``; its S3 is the one that boto3 finds in the environment."""

    url: str

    def select(self, sql: str, parameters: Sequence[str], database: str, stop: threading.Event) -> Answer:
        """Run a query. Raises EngineError, or Cancelled once ``stop`` is set."""
        return _answer(self._run(bound(sql, parameters), database, stop))

    def unload(
        self,
        select: str,
        parameters: Sequence[str],
        database: str,
        location: str,
        options: dict[str, str],
        stop: threading.Event,
    ) -> tuple[list[str], int, int]:
        """Write a query's rows by CREATE TABLE AS at ``location``, then forget the table: its files stay.

        ``options`` are those of UNLOAD's WITH, by lower-case name: ``format`` and ``compression``.
        Returns the files written, the rows, and the bytes scanned.
        """
        unknown = set(options) - {"format", "compression"}
        assert not unknown, f"options of UNLOAD that are not translated: {sorted(unknown)}"
        table = f'{CATALOG}."{database}"."unload_{uuid.uuid4().hex}"'
        form, codec = options.get("format", "PARQUET").upper(), options.get("compression", "GZIP").upper()
        create = f"CREATE TABLE {table} WITH (format = '{form}', external_location = '{location}') AS {select}"
        try:
            written = self._run(bound(create, parameters), database, stop, {f"{CATALOG}.compression_codec": codec})
        finally:
            self._run(f"DROP TABLE IF EXISTS {table}", database)
        return _files(location), int(written.rows[0][0]), _scanned(written)

    def define(self, sql: str, database: str) -> Answer:
        """CREATE OR REPLACE VIEW, DROP VIEW, SHOW …"""
        return _answer(self._run(sql, database))

    def _run(
        self,
        sql: str,
        database: str,
        stop: threading.Event | None = None,
        session: dict[str, str] | None = None,
    ) -> trino_client.Result:
        return trino_client.run(self.url, sql, catalog=CATALOG, schema=database, session=session, stop=stop)


def bound(sql: str, parameters: Sequence[str]) -> str:
    """A statement with the values for its ``?``, each a SQL literal's text."""
    if not parameters:
        return sql
    return f"EXECUTE IMMEDIATE '{sql.replace(chr(39), chr(39) * 2)}' USING {', '.join(parameters)}"


def _answer(result: trino_client.Result) -> Answer:
    columns = [(str(column["name"]), athena_type(column)) for column in result.columns]
    signatures = [column["typeSignature"] for column in result.columns]
    rows = [tuple(map(athena_text, row, signatures)) for row in result.rows]
    return Answer(columns, rows, _scanned(result))


def _scanned(result: trino_client.Result) -> int:
    """Bytes read from storage, compressed as they lie there: what Athena bills."""
    return int(result.stats["physicalInputBytes"])


def _files(location: str) -> list[str]:
    parts = urlsplit(location)
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=parts.path[1:])
    return [f"s3://{parts.netloc}/{found['Key']}" for page in pages for found in page.get("Contents", [])]
