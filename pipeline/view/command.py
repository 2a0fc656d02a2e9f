"""``python -m pipeline view``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipeline.common.arguments import add_account, at_least_1


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("view", help="make or refresh a view with typed rows for the Athena console")
    command.set_defaults(run=_run)
    command.add_argument("source", metavar="athena://DATABASE/TABLE", help="the history; also with ?workgroup=…")
    command.add_argument("--name", help="NAME or DATABASE.NAME (default: the table's, with _view)")
    command.add_argument(
        "--days", type=at_least_1, metavar="N", help="only attributes of the last N days (default all)"
    )
    command.add_argument("--attributes", nargs="+", metavar="NAME", help="only these, and the key (default all)")
    command.add_argument("--dry-run", action="store_true", help="find the attributes, print the SQL, make nothing")
    add_account(command)


def _run(options: argparse.Namespace) -> int:
    from pipeline.view.view import ViewOptions, make_view, report

    names = tuple(options.attributes) if options.attributes else None
    wanted = ViewOptions(
        options.source, options.name, options.days, names, options.dry_run, options.profile, options.region
    )
    view = make_view(wanted)
    if options.dry_run:
        print(f"{view.sql};")
    print("\n".join(report(view)), file=sys.stderr if options.dry_run else sys.stdout)
    return 0
