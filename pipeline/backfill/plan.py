"""What a backfill would do, checked whole before anything is started, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

from histlib.errors import MixedTablesError, RequestError, TimeNotValidError
from histlib.rules.chain.chain import stream_started
from histlib.rules.coverage.net_windows import Window as Manifest
from histlib.rules.coverage.net_windows import read_window
from histlib.values.times import (
    DAY,
    SECOND,
    TimeRange,
    format_time,
    from_micros,
    now_micros,
    parse_period,
    parse_range,
    to_micros,
)
from pipeline.backfill.target import Target
from pipeline.backfill.windows import FURTHEST, LONGEST, SHORTEST, Window, split, without
from pipeline.common.aws import Aws
from pipeline.common.errors import DeploymentError

#: Of each window's manifest in a history.
MANIFESTS: Final = "baseline/backfill-"

_OBJECT: Final = re.compile(r"changes/\d{4}/\d{2}/\d{2}/backfill-(?P<id>.+)-\d{4,}\.gz")


@dataclass(frozen=True)
class Table:
    """What DynamoDB says of the table; ``earliest`` and ``latest`` (epoch µs) bound what can be exported."""

    arn: str
    id: str
    key_schema: tuple[dict[str, str], ...]
    earliest: int
    latest: int


@dataclass(frozen=True)
class Plan:
    """``windows`` to export; ``done`` are manifests that the history has of the time asked for.

    ``half_written`` are objects of windows without a manifest; ``unclear`` are ids of converted exports whose files are
    still there, to be removed; ``left_out`` is time too short for an export.
    """

    table: Table
    target: Target
    asked: Window
    windows: tuple[Window, ...]
    done: tuple[Manifest, ...]
    half_written: tuple[str, ...]
    unclear: tuple[str, ...]
    left_out: tuple[Window, ...]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.windows or self.half_written or self.unclear)


def read_table(aws: Aws, name: str) -> Table:
    """What DynamoDB says of a table.

    Raises:
        DeploymentError: there is none, or it has no point-in-time recovery.
        HistlibError: AWS cannot be asked.
    """
    found = aws.find("dynamodb", "describe_table", TableName=name)
    if found is None:
        raise DeploymentError(f"no table {name} in {aws.region}; name another by --table, or its Region by --region")
    told = found["Table"]
    backups = aws.call("dynamodb", "describe_continuous_backups", TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise DeploymentError(
            f"table {name} has point-in-time recovery off, and exports are made from it: what was before cannot be had "
            "any more; turn it on for what comes",
            name,
        )
    earliest, latest = (to_micros(recovery[f"{end}RestorableDateTime"]) for end in ("Earliest", "Latest"))
    return Table(told["TableArn"], told.get("TableId", ""), tuple(told["KeySchema"]), earliest, latest)


def parse_length(text: str) -> int:
    """The length of windows in µs.

    Raises:
        TimeNotValidError: no period, or one that an export cannot have.
    """
    length = parse_period(text)
    if not SHORTEST <= length <= LONGEST:
        raise TimeNotValidError(f"--window {text}: an export is of 15min to 24h", text)
    return length


def parse_span(start: str, end: str, table: Table, tz: tzinfo, now: int | None = None) -> tuple[Window, list[str]]:
    """[start, end) in whole seconds, and what is to say of it: nothing later than can be exported now.

    Raises:
        TimeNotValidError: not times, too far back, before the recovery began, or shorter than an export may be.
    """
    now = now_micros() if now is None else now
    asked = _floored(parse_range(start, end, tz, now=now))
    since = format_time(table.earliest, tz)
    if asked[0] < now - FURTHEST:
        raise TimeNotValidError(
            f"--from {format_time(asked[0], tz)} is more than 35 days back, which is all that DynamoDB keeps; for this "
            f"table the earliest is {since}",
            start,
        )
    if asked[0] < table.earliest:
        raise TimeNotValidError(
            f"--from {format_time(asked[0], tz)} is before {since}, from when on the table's point-in-time recovery "
            "reaches; ask from then on",
            start,
        )
    latest = table.latest - table.latest % SECOND
    found = asked[0], min(asked[1], latest)
    if found[1] - found[0] < SHORTEST:
        ends = f" (the latest that can be exported now is {format_time(latest, tz)})" if asked[1] > latest else ""
        raise TimeNotValidError(
            f"{format_time(asked[0], tz)} to {format_time(asked[1], tz)}{ends} is shorter than the 15 minutes "
            "that an export is of at least",
            (start, end),
        )
    later = f"--to is {format_time(asked[1], tz)}; the latest that can be exported now is {format_time(latest, tz)}"
    return found, [later] if asked[1] > latest else []


def make_plan(table: Table, target: Target, asked: Window, length: int, *, clear: bool = True) -> Plan:
    """What is to be done in a history that may have some of it; ``clear``: converted exports are removed.

    Raises:
        MixedTablesError: the history is another table's.
        HistlibError: it cannot be read.
    """
    manifests = _manifests(table, target)
    done = [one for one in manifests if one.start < asked[1] and one.end > asked[0]]
    left = without(asked, [(one.start, one.end) for one in done])
    began = stream_started(target.stream) // SECOND * SECOND
    windows = [window for part in left if _long(part) for window in split(part, length, (began,))]
    return Plan(
        table,
        target,
        asked,
        tuple(windows),
        tuple(done),
        tuple(_half_written(target, asked, {one.id for one in manifests})),
        tuple(one.id for one in done if clear and target.exports.has(target.summary_key(one.id))),
        tuple(part for part in left if not _long(part)),
    )


def _manifests(table: Table, target: Target) -> list[Manifest]:
    found = []
    for name in target.place.names(MANIFESTS):
        window = read_window((target.place.get(name) or b"").decode("utf-8", "replace"))
        if window is None:
            raise RequestError(f"{target.place.address}/{name} is no manifest of a window: move it away", name)
        if window.table != table.arn:
            raise MixedTablesError(
                f"{target.place.address} holds windows of {window.table}, not of {table.arn}: each table's history "
                "lies in its own place",
                window.table,
            )
        found.append(window)
    return found


def _half_written(target: Target, asked: Window, whole: set[str]) -> Iterator[str]:
    """Objects that a run left behind, of windows that reach into this one, whose manifest it did not come to write."""
    for day in range((asked[0] - LONGEST) // DAY, (asked[1] + LONGEST) // DAY + 1):
        for name in target.place.names(f"changes/{from_micros(day * DAY, UTC):%Y/%m/%d}/backfill-"):
            match = _OBJECT.fullmatch(name)
            if match and match["id"] not in whole:
                yield name


def _long(window: Window) -> bool:
    return window[1] - window[0] >= SHORTEST


def _floored(asked: TimeRange) -> Window:
    return asked.start // SECOND * SECOND, asked.end // SECOND * SECOND
