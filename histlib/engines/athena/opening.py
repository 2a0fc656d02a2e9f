"""Opens a history in Athena: what Glue says of the table, and the parts of its source."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from histlib.engines.athena.article_rows import OldRowSelection
from histlib.engines.athena.landing.beside import BucketFacts
from histlib.engines.athena.landing.day_cache import DayCache
from histlib.engines.athena.landing.listing import LandingList
from histlib.engines.athena.rows import RowSelection
from histlib.engines.athena.running.runner import Runner
from histlib.engines.athena.source import AthenaSource
from histlib.engines.athena.statements.literals import identifier
from histlib.engines.athena.table.address import parse_address
from histlib.engines.athena.table.description import TableDescription, describe
from histlib.engines.athena.table.glue import make_glue
from histlib.errors import RequestError
from histlib.stores.aws.session import make_session
from histlib.stores.s3.client import endpoint_of, make_client


def open_athena(  # noqa: PLR0913 — as whom, where and how much
    text: str, *, profile: str | None, region: str | None, session: Any, cache: Path, limit: int | None, explained: bool
) -> tuple[AthenaSource, str]:
    """The source that ``athena://database/table?…`` names, and its address as results show it.

    Raises:
        RequestError: no address, nothing there, or a limit that is no number of bytes.
        NotAHistoryError: the table is something else.
        SourceError: AWS cannot be asked.
    """
    address = parse_address(text)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise RequestError(f"max_scan_bytes={limit!r}: expected a number of bytes", limit)
    made = make_session(profile, region, session)
    table = describe(make_glue(None, region, made), address, profile)
    client = make_client(None, region, made)
    root = f"{table.location}".rstrip("/") + "/"
    source = AthenaSource(
        Runner(made, address, limit=limit, location=root, profile=profile),
        f"{identifier(table.database)}.{identifier(table.table)}",
        root,
        LandingList(
            client,
            table.location,
            cache,
            profile=profile,
            folder=_folder(table),
            shown=table.projected,
            reads_restored=table.reads_restored,
        ),
        BucketFacts(client, table.location, cache, profile=profile),
        DayCache(cache, table.location, endpoint_of(client), _kept(table)),
        table.altered,
        partial(OldRowSelection, columns=table.columns) if table.format == 0 else RowSelection,
        explained=explained,
    )
    return source, str(address)


def _folder(table: TableDescription) -> str:
    """The folder below the history in which the days lie; empty where they lie right there."""
    return table.days.removeprefix(table.location.base).strip("/")


def _kept(table: TableDescription) -> str:
    """Where what was found out about single days is kept: of a table that shows what it declares, by what it does."""
    name = f"days-{table.database}-{table.table}"
    if table.format:
        return name
    declared = repr(sorted(table.columns.items())).encode()
    return f"{name}-{blake2b(declared, digest_size=6).hexdigest()}"
