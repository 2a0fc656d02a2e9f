"""``python -m pipeline replay``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from histlib.progress import progress
from pipeline.common.arguments import at_least_0, warn
from pipeline.common.words import many
from pipeline.events.files import Event, read_events
from pipeline.replay.replay import DELAY, ReplayOptions, ReplayResult, replay

#: So many reasons, and so many changes, are told; all are in the file.
_TOLD: Final = 10
_HINTS: Final = {
    "eventSourceARN is missing": "give --stream-arn, the ARN of the stream that they are from",
    "eventSourceARN is no stream's": "expected arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL",
}


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("replay", help="recorded stream events through the recorder into a history on disk")
    command.set_defaults(run=_run)
    command.add_argument("events", nargs="+", metavar="EVENTS", help="files or folders of JSON, also gzip; - for stdin")
    command.add_argument("--into", required=True, type=Path, metavar="DIR", help="the history's folder")
    command.add_argument("--stream-arn", default="", metavar="ARN", help="the stream of records that do not name it")
    command.add_argument("--delay", type=at_least_0, default=DELAY, help="seconds to arrival (default %(default)s)")
    command.add_argument("--buffer-seconds", type=at_least_0, default=300, help="Firehose's buffer (default 300)")
    command.add_argument("--buffer-mib", type=at_least_0, default=5, help="Firehose's buffer (default 5)")
    command.add_argument("--redact", default="", metavar="PATHS", help="attribute paths never to store")


def _run(options: argparse.Namespace) -> int:
    how = ReplayOptions(
        options.delay,
        buffer_bytes=int(options.buffer_mib * (1 << 20)),
        buffer_seconds=options.buffer_seconds,
        redact=options.redact,
        stream=options.stream_arn,
    )
    result = replay(_with_progress(options.events, options.into), options.into, how)
    _summarise(result, options.into)
    return 0 if result.whole else 1


def _summarise(result: ReplayResult, into: Path) -> None:
    there = f", {result.unchanged:,} there already" if result.unchanged else ""
    what = f"{many(result.records, 'change')} in {many(result.events, 'event')}"
    print(f"{what}: {many(result.objects, 'new object')} in {into}/changes{there}")
    if result.settled:
        print(f"{many(result.settled, 'change')} of before, not converted then, now there: see {into}/failed/done")
    for view in ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"):
        if count := result.views[view]:
            warn(f"{many(count, 'change')} of view {view}: without both images, states and gaps may not be known")
    if "::table/" in result.table:
        warn(f"the account of {result.table} is not known: --stream-arn with the table's ARN tells it")
    if result.unconverted:
        _tell_unconverted(result, into)
    for path in result.set_aside:
        warn(f"a batch could not be delivered: kept in {path}; replay that file, then delete it")


def _tell_unconverted(result: ReplayResult, into: Path) -> None:
    warn(f"{many(result.unconverted, 'change')} could not be converted: kept in {into}/failed/records")
    for reason, count in result.reasons.most_common(_TOLD):
        hint = f": {_HINTS[reason]}" if reason in _HINTS else ""
        warn(f"  {reason} ({count:,}){hint}")
    if (more := len(result.reasons) - _TOLD) > 0:
        warn(f"  and {many(more, 'more reason')}")
    for note in result.notes[:_TOLD]:
        warn(f"  {note.place} ({_named(note.event_id)}): {'; '.join(note.reasons)}")
    if (more := len(result.notes) - _TOLD) > 0:
        warn(f"  and {many(more, 'more change')}")
    warn(f"  all of them, with their reasons: {result.told}")


def _named(event_id: str | None) -> str:
    return f"eventID {event_id}" if event_id else "no eventID"


def _with_progress(paths: list[str], into: Path) -> Iterator[Event]:
    with progress("replaying", len(paths), " files") as bar:
        for path in paths:
            yield from read_events([path], into)
            bar.update(1)
