"""``python -m pipeline replay``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from histlib.progress import progress
from pipeline.cli.arguments import at_least_0, many, warn
from pipeline.events import Event, read_events
from pipeline.replay import DELAY, ReplayOptions, ReplayResult, replay


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("replay", help="recorded Lambda events through the recorder into a history on disk")
    command.set_defaults(run=_run)
    command.add_argument("events", nargs="+", metavar="EVENTS", help="JSON or JSON lines, also gzip; - for stdin")
    command.add_argument("--into", required=True, type=Path, metavar="DIR", help="the history's folder")
    command.add_argument("--delay", type=at_least_0, default=DELAY, help="seconds to arrival (default %(default)s)")
    command.add_argument("--buffer-seconds", type=at_least_0, default=300, help="Firehose's buffer (default 300)")
    command.add_argument("--buffer-mib", type=at_least_0, default=5, help="Firehose's buffer (default 5)")
    command.add_argument("--redact", default="", metavar="PATHS", help="attribute paths never to store")


def _run(options: argparse.Namespace) -> int:
    buffer_bytes = int(options.buffer_mib * (1 << 20))
    how = ReplayOptions(options.delay, buffer_bytes, options.buffer_seconds, options.redact)
    result = replay(_with_progress(options.events), options.into, how)
    _summarise(result, options.into)
    return 0 if result.whole else 1


def _summarise(result: ReplayResult, into: Path) -> None:
    there = f", {result.unchanged:,} there already" if result.unchanged else ""
    what = f"{many(result.records, 'change')} in {many(result.events, 'event')}"
    print(f"{what}: {many(result.objects, 'new object')} in {into}/changes{there}")
    for view in ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"):
        if count := result.views[view]:
            warn(f"{many(count, 'change')} of view {view}: without both images, states and gaps may not be known")
    if result.unconverted:
        warn(f"{many(result.unconverted, 'change')} could not be converted: kept in {into}/failed/records")
    for path in result.set_aside:
        warn(f"a batch could not be delivered: kept in {path}; replay that file, then delete it")


def _with_progress(paths: list[str]) -> Iterator[Event]:
    with progress("replaying", len(paths), " files") as bar:
        for path in paths:
            yield from read_events([path])
            bar.update(1)
