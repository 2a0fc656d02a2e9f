"""``python -m pipeline redrive``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from histlib.progress import progress
from histlib.values.times import SECOND, format_time
from pipeline.common.arguments import add_consent, add_place, agree, warn
from pipeline.common.words import many

if TYPE_CHECKING:
    from pipeline.mend.redrive import History, Waiting


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("redrive", help="write what lies undelivered into the history")
    command.set_defaults(run=_run)
    add_place(command)
    add_consent(command)


class _Planned(NamedTuple):
    """Of an object what the sums are made of; the object itself may be large."""

    file: str
    changes: int
    landings: int
    stays: bool


def _run(options: argparse.Namespace) -> int:
    from pipeline.common.aws import Aws
    from pipeline.common.deployment import read_deployment
    from pipeline.mend.redrive import history_of

    aws = Aws(options.profile, options.region)
    deployment = read_deployment(aws, options.table, options.stack)
    history = history_of(aws, deployment)
    plan = _plan(history)
    if not plan:
        print(f"nothing lies undelivered in {deployment.location}")
        return 0
    stay = [one for one in plan if one.stays]
    _redrive(history, plan, options)
    if not stay:
        return 0
    warn(
        f"{many(len(stay), 'object')} cannot be converted in full and {'stays' if len(stay) == 1 else 'stay'} where it "
        "is: a hole to answers, and no attestation is whole meanwhile. Redrive again when the recorder can convert it, "
        f"or accept the hole: python -m pipeline quarantine --table {options.table} {stay[0].file}"
    )
    return 1


def _plan(history: History) -> list[_Planned]:
    from pipeline.mend.redrive import examine, undelivered_files

    plan = []
    files = undelivered_files(history)
    with progress("reading", len(files), " objects") as bar:
        for file in files:
            found = examine(history, file)
            bar.update(1)
            if found is not None:
                print("\n".join(_told(found)))
                plan.append(_Planned(file, len(found.changes), len(found.landings), bool(found.problems)))
    return plan


def _redrive(history: History, plan: list[_Planned], options: argparse.Namespace) -> None:
    from pipeline.mend.redrive import redrive

    moved = sum(not one.stays for one in plan)
    changes, landings = sum(one.changes for one in plan), sum(one.landings for one in plan)
    written = f"{many(changes, 'change')} in {many(landings, 'landing object')}"
    what = f"{written}; moved to failed/done/: {many(moved, 'object')}"
    if options.dry_run or not (changes or moved):
        print(f"would be written: {what}" if options.dry_run else f"nothing to write: {what}")
        return
    agree(f"Write {many(changes, 'change')}?", yes=options.yes)
    with progress("redriving", len(plan), " objects") as bar:
        for _ in redrive(history, [one.file for one in plan]):
            bar.update(1)
    print(f"written: {what}")


def _told(waiting: Waiting) -> Iterator[str]:
    """An object: its changes, when they were, where they land, and what keeps others from it."""
    times = [change.seconds for change in waiting.changes]
    spans = f" of {_utc(min(times))} to {_utc(max(times))}" if times else ""
    yield f"{waiting.file}: {many(len(times), 'change')}{spans}"
    yield from (f"  to {name}" for name in waiting.landings)
    yield from (f"  not converted: {problem}" for problem in waiting.problems)
    yield "  stays where it is" if waiting.problems else f"  then to {waiting.done_file}"


def _utc(seconds: int) -> str:
    return format_time(seconds * SECOND, UTC)
