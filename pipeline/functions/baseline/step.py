"""A step of a baseline: begin one or go on with the one under way, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf
from secrets import token_hex
from typing import Any

from ..recorder.redact import Redaction
from .progress import RUNNING, Progress, Segment, Table
from .rate import ReadBucket
from .rows import RowMaker, key_names
from .run import Run, today
from .scan import Scan, page_items
from .storage import BusyError, Storage

#: A part planned for a day longer ago is not written: readers look only at recent days unasked.
PLANNED_DAYS = 2
SEGMENTS = 4


@dataclass(frozen=True)
class Clients:
    """What a step works with: boto3's clients, a clock (epoch seconds), and how to sleep."""

    dynamodb: Any
    s3: Any
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Settings:
    """Of which table, into which history, how fast. ``segments`` counts only when a baseline begins.

    ``read_units``: read units a second; ``redact``: paths as the recorder's.
    """

    table: str
    bucket: str
    prefix: str = ""
    redact: str = ""
    read_units: float = 100.0
    segments: int = SEGMENTS


@dataclass(frozen=True)
class Hears:
    """What is told while a step works: how many items a part had, and what one should know."""

    read: Callable[[int], None] = lambda items: None
    said: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Outcome:
    """Where the baseline stands after a step."""

    id: str
    finished: bool
    items: int
    files: int


class OtherTableError(ValueError):
    """The history is that of another table."""


def step(clients: Clients, settings: Settings, deadline: float = inf, hears: Hears | None = None) -> Outcome:
    """Go on with the baseline under way, or begin one, until it is finished or it is ``deadline`` (epoch seconds).

    Raises:
        BusyError: another runner works on it.
        AbandonedError: what was read is of no use: the table is another one by now, or parts are gone.
        OtherTableError: the history holds another table's baseline.
        ValueError: settings that are no good, or the progress of another version.
        ClientError, BotoCoreError: AWS cannot be asked. What is written stays, and the next step goes on from there.
    """
    hears = hears or Hears()
    storage = Storage(clients.s3, settings.bucket, settings.prefix)
    described = describe(clients.dynamodb, settings.table)
    progress = _take_up(clients, settings, storage, table_of(described), hears)
    run = Run(storage, _scan(clients, settings, progress, described), progress, clients.clock, deadline, hears.read)
    run.take()
    try:
        run.scan_all()
        if finished := run.progress.done:
            run.finish(table_of(describe(clients.dynamodb, settings.table)).identity)
    except BaseException:
        run.release_if_possible()
        raise
    if not finished:
        run.release()
    return Outcome(progress.id, finished, run.progress.items, len(run.progress.files))


def describe(dynamodb: Any, table: str) -> dict[str, Any]:
    """DescribeTable's answer. Permission: dynamodb:DescribeTable."""
    return dict(dynamodb.describe_table(TableName=table)["Table"])


def table_of(described: dict[str, Any]) -> Table:
    """The table that DescribeTable tells of; emulators may lack TableId, then its creation's time tells it apart."""
    table_id = described.get("TableId")
    identity = table_id or str(described["CreationDateTime"])
    return Table(described["TableArn"], identity, table_id, tuple(described["KeySchema"]))


def under_way(progress: Progress | None) -> bool:
    """Whether there is a baseline to go on with."""
    return progress is not None and progress.state == RUNNING


def useless(progress: Progress, table: Table, redaction: str | None, now: float) -> str:
    """Why a baseline under way cannot be gone on with; empty where it can."""
    if progress.table.identity != table.identity:
        return "the table was deleted and made anew since"
    if progress.redaction != redaction:
        return f"its rows have the redaction {progress.redaction}, by now it is {redaction}"
    oldest = f"{datetime.fromtimestamp(now, UTC) - timedelta(days=PLANNED_DAYS):%Y/%m/%d}"
    if any(segment.day < oldest for segment in progress.segments if not segment.done):
        return f"it has lain still for more than {PLANNED_DAYS} days"
    return ""


def _take_up(clients: Clients, settings: Settings, storage: Storage, table: Table, hears: Hears) -> Progress:
    redaction, now = Redaction(settings.redact).id, clients.clock()
    found = storage.load()
    if found is not None and found.table.arn != table.arn:
        raise OtherTableError(
            f"s3://{settings.bucket}/{settings.prefix} holds a baseline of {found.table.arn}, expected one of "
            f"{table.arn}: each table has a history of its own, name another bucket or prefix"
        )
    owner = token_hex(8)
    if found is None or not under_way(found):
        return _new(settings, table, redaction, now, owner)
    if found.owner and now < found.lease_until:
        raise BusyError(
            f"another run works on baseline {found.id}; if it was killed, run again in {found.lease_until - now:.0f} s"
        )
    if reason := useless(found, table, redaction, now):
        hears.said(f"baseline {found.id} is abandoned: {reason}; a new one begins")
        return _new(settings, table, redaction, now, owner)
    hears.said(f"goes on with baseline {found.id}: {found.items} items are read already")
    hears.read(found.items)
    return replace(found, owner=owner)


def _new(settings: Settings, table: Table, redaction: str | None, now: float, owner: str) -> Progress:
    name = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{token_hex(3)}"
    return Progress(name, table, redaction, (Segment(today(now)),) * settings.segments, owner=owner)


def _scan(clients: Clients, settings: Settings, progress: Progress, described: dict[str, Any]) -> Scan:
    names = key_names(progress.table.key_schema)
    rows = RowMaker(progress.id, progress.table.arn, names, Redaction(settings.redact))
    bucket = ReadBucket(settings.read_units, clients.clock, clients.sleep)
    size = page_items(settings.read_units, described.get("ItemCount", 0), described.get("TableSizeBytes", 0))
    table, segments = settings.table, len(progress.segments)
    return Scan(clients.dynamodb, table, segments, rows, bucket, clients.clock, size)
