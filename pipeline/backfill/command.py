"""``python -m pipeline backfill``."""

from __future__ import annotations

import argparse
from datetime import tzinfo
from pathlib import Path
from typing import Any

from pipeline.common.arguments import add_consent, add_place, agree, at_least_1, warn
from pipeline.common.words import many

#: How many exports DynamoDB runs at once for one account and Region (developer guide, quotas).
MOST_AT_ONCE = 300


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("backfill", help="history from before the pipeline, from DynamoDB's exports")
    command.set_defaults(run=_run)
    add_place(command)
    command.add_argument("--from", dest="start", required=True, metavar="TIME", help="at most 35 days back")
    command.add_argument("--to", dest="end", required=True, metavar="TIME", help="this time not included")
    command.add_argument("--tz", default="UTC", help="IANA time zone of times in and out (default UTC)")
    command.add_argument("--window", default="24h", metavar="LENGTH", help="of one export, 15min to 24h (default 24h)")
    command.add_argument("--at-once", type=at_least_1, default=8, metavar="N", help="exports that run (default 8)")
    command.add_argument("--into", type=Path, metavar="DIR", help="a folder, where nothing is deployed")
    command.add_argument("--export-bucket", metavar="BUCKET", help="for the exports (default: the history's)")
    command.add_argument("--redact", default="", metavar="PATHS", help="with --into: attribute paths never to store")
    command.add_argument("--keep-exports", action="store_true", help="leave the exports' files in S3")
    add_consent(command)


def _run(options: argparse.Namespace) -> int:
    from histlib.values.times import zone
    from pipeline.backfill.exports import Exports
    from pipeline.backfill.plan import make_plan, parse_length, parse_span, read_table
    from pipeline.backfill.report import describe
    from pipeline.backfill.target import Asked, find_target
    from pipeline.common.aws import Aws

    tz, length = zone(options.tz), parse_length(options.window)
    aws = Aws(options.profile, options.region)
    wanted = Asked(options.table, options.stack, options.into, options.export_bucket, options.redact)
    table = read_table(aws, options.table)
    span, notes = parse_span(options.start, options.end, table, tz)
    target = find_target(aws, wanted)
    plan = make_plan(table, target, span, length, clear=not options.keep_exports)
    exports = Exports(aws, table, target)
    there = {window: found for window in plan.windows if (found := exports.running(window))}
    print("\n".join([*notes, *describe(plan, there, tz, keep_exports=options.keep_exports)]))
    if options.dry_run:
        return 0
    if not plan.nothing:
        agree(f"Start {many(len(plan.windows) - len(there), 'export')} and go on?", yes=options.yes)
    return _do(options, plan, exports, tz)


def _do(options: argparse.Namespace, plan: Any, exports: Any, tz: tzinfo) -> int:
    from pipeline.backfill.running import Backfill

    run = Backfill(plan, exports, min(options.at_once, MOST_AT_ONCE), options.keep_exports)
    try:
        outcome = run.run()
    except KeyboardInterrupt:
        if run.running:
            warn(f"{many(len(run.running), 'export')} go on in AWS; run the same again, and they are used")
        raise
    return _summarise(outcome, plan, tz)


def _summarise(outcome: Any, plan: Any, tz: tzinfo) -> int:
    from pipeline.backfill.report import span_text

    changes = sum(one.items for one in outcome.written.values())
    print(f"{many(len(outcome.written), 'window')} with {many(changes, 'net change')} in {plan.target.place.address}")
    for window, why in sorted(outcome.failed.items()):
        warn(f"{span_text(window, tz)} is missing: {why}")
    return 1 if outcome.failed or plan.left_out else 0
