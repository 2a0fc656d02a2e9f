"""``python -m pipeline status``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from typing import Any, Final

from pipeline.common.arguments import add_place
from pipeline.status.checks import Commands

_EXIT_CODES: Final = """\
Exit codes: 0 whole (there may be warnings); 1 something is bad, or cannot be
known; 2 the request is wrong; 3 nothing is deployed, or AWS cannot be asked.
"""


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser(
        "status",
        help="is it whole? what is captured, what is not, and what to do",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_run)
    add_place(command)
    command.add_argument(
        "--json", action="store_true", help="for programs: times ISO 8601 in UTC, durations in seconds"
    )


def _run(options: argparse.Namespace) -> int:
    from histlib.values.times import now_micros
    from pipeline.common.aws import Aws
    from pipeline.common.deployment import read_deployment
    from pipeline.status.report import as_json, look
    from pipeline.status.text import as_text

    aws = Aws(options.profile, options.region)
    deployment = read_deployment(aws, options.table, options.stack)
    report = look(aws, deployment, _commands(options), now_micros())
    if options.json:
        print(json.dumps(as_json(report), indent=2))
    else:
        print(as_text(report, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
    return 0 if report.whole else 1


def _commands(options: argparse.Namespace) -> Commands:
    """With the options that were given here."""
    account = "".join(
        f" --{name} {shlex.quote(value)}" for name in ("profile", "region") if (value := getattr(options, name))
    )
    stack = f" --stack {shlex.quote(options.stack)}" if options.stack else ""
    return Commands(f"--table {shlex.quote(options.table)}{stack}{account}", account)
