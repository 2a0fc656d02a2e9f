"""``python -m pipeline baseline``."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from typing import Any

from histlib.errors import RequestError
from histlib.progress import progress
from pipeline.common.arguments import add_consent, add_place, agree, at_least_1, warn
from pipeline.common.words import many


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("baseline", help="a full picture of the table, so that items that never change count")
    command.set_defaults(run=_run)
    add_place(command)
    command.add_argument("--export", action="store_true", help="by DynamoDB's export to S3 instead of a scan")
    command.add_argument(
        "--read-units",
        type=at_least_1,
        metavar="N",
        help="scan: read units a second (default: a quarter of the provisioned ones; on demand 100)",
    )
    command.add_argument("--segments", type=at_least_1, default=4, metavar="N", help="scan: at once (default 4)")
    command.add_argument("--into", metavar="s3://BUCKET/PREFIX", help="a history without a stack")
    command.add_argument("--redact", metavar="PATHS", help="with --into: attribute paths never to store")
    add_consent(command)


def _run(options: argparse.Namespace) -> int:
    from pipeline.baseline import export as baseline_export
    from pipeline.baseline import scan as baseline
    from pipeline.common.aws import Aws
    from pipeline.functions.baseline.step import Hears

    _check(options, baseline.MOST_SEGMENTS)
    aws = Aws(options.profile, options.region)
    target = (
        baseline.target_without_stack(aws, options.table, options.into, options.redact or "")
        if options.into
        else baseline.deployed_target(aws, options.table, options.stack)
    )
    units = options.read_units or baseline.default_units(target)
    if options.export:
        baseline_export.require_pitr(aws, target.name)
        plan = baseline_export.export_plan(aws, target, datetime.now(UTC))
    else:
        plan = baseline.scan_plan(aws, target, units, options.segments, time.time())
    print("\n".join(plan))
    if options.dry_run:
        print("nothing done (--dry-run)")
        return 0
    agree("Go on?", yes=options.yes)
    with progress("reading items", target.table.get("ItemCount") or None, " items") as bar:
        hears = Hears(bar.update, warn)
        if options.export:
            outcome = baseline_export.run_export(aws, target, hears)
        else:
            outcome = baseline.run_scan(aws, target, units, options.segments, hears)
    print(f"baseline {outcome.id}: {many(outcome.items, 'item')} in {many(outcome.files, 'object')}")
    return 0


def _check(options: argparse.Namespace, most: int) -> None:
    if options.segments > most:
        raise RequestError(f"--segments {options.segments}: expected at most {most}", options.segments)
    if options.export and options.read_units:
        raise RequestError("--read-units: an export reads nothing of the table; leave one out", options.read_units)
    if options.redact is not None and not options.into:
        raise RequestError("--redact: a deployed history has its own rules; leave it out", options.redact)
