"""``python -m pipeline destroy``."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.common.arguments import add_consent, add_place, agree, person, warn
from pipeline.common.aws import Aws
from pipeline.common.deployment import stack_name
from pipeline.common.errors import DeploymentError
from pipeline.deploy.destroy import destroy, farewell, plan_removal, removal_lines


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("destroy", help="capture no more, and keep what was captured")
    command.set_defaults(run=_run)
    add_place(command)
    command.add_argument("--now", action="store_true", help="do not wait for what Firehose holds: it is not delivered")
    command.add_argument(
        "--leave-undelivered", action="store_true", help="go on although undelivered objects lie in the bucket"
    )
    add_consent(command)


def _run(options: argparse.Namespace) -> int:
    aws = Aws(options.profile, options.region)
    removal = plan_removal(aws, options.table, options.stack or stack_name(options.table))
    for line in removal_lines(aws, removal, now=options.now):
        print(line)
    if removal.table_goes:
        warn(f"!! table {options.table} was made by this stack and is deleted WITH ALL ITS ITEMS")
    if removal.undelivered and not options.leave_undelivered:
        raise DeploymentError(
            f"{removal.undelivered:,} undelivered objects lie in {removal.deployment.location}. They stay in the "
            "bucket, but redrive needs what would be deleted: run python -m pipeline redrive --table "
            f"{options.table} first, or give --leave-undelivered to have them as holes of the history",
            removal.undelivered,
        )
    if options.dry_run:
        print("dry run: nothing was done")
        return 0
    agree(f"Destroy stack {removal.standing.name}?", yes=options.yes)
    destroy(aws, removal, person(yes=options.yes), now=options.now)
    for line in farewell(aws, removal, now=options.now):
        print(line)
    return 0
