"""``python -m pipeline deploy``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from histlib.errors import HistlibError, RequestError
from pipeline.common.arguments import add_consent, add_place, person
from pipeline.common.aws import Aws
from pipeline.common.deployment import read_deployment, stack_name
from pipeline.common.person import Person
from pipeline.deploy.by_hand import write_template
from pipeline.deploy.deploy import Request, deploy, make_plan, plan_lines
from pipeline.deploy.stack.drift import drifts

#: Switch → the template's parameter, and what it is.
_SWITCHES: Final = {
    "--bucket": ("HistoryBucket", "the bucket of the history (default: the stack makes one)"),
    "--prefix": ("HistoryPrefix", "where in the bucket the history begins"),
    "--database": ("DatabaseName", "the Glue database; made where it is not there"),
    "--glue-table": ("TableName", "the Glue table (default: the table's name in lower case, with _changes)"),
    "--retention-days": ("RetentionDays", "days that changes are kept; 0 for ever"),
    "--kms-key": ("KmsKeyArn", "ARN of the key that encrypts the history"),
    "--redact": ("Redact", "attribute paths never to store"),
    "--alarm-topic": ("AlarmTopicArn", "ARN of the SNS topic that alarms go to"),
    "--permissions-boundary": ("PermissionsBoundaryArn", "ARN of the policy that bounds the roles"),
    "--batch-size": ("BatchSize", "records a call of the recorder"),
}


def add(commands: Any) -> None:
    """Its parser."""
    command = commands.add_parser("deploy", help="capture a table's changes, or bring what captures them up to date")
    command.set_defaults(run=_run)
    add_place(command, several=True)
    for switch, (name, what) in _SWITCHES.items():
        command.add_argument(switch, dest=name, metavar="VALUE", help=what)
    command.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="any parameter of the template"
    )
    command.add_argument("--artifacts-bucket", metavar="NAME", help="where packages lie (default: one is made)")
    command.add_argument("--drift", action="store_true", help="only say what was changed beside the template")
    command.add_argument(
        "--template-only", type=Path, metavar="DIR", help="write template, package and steps; ask no AWS"
    )
    add_consent(command)


def _run(options: argparse.Namespace) -> int:
    given = _given(options)
    if len(options.table) > 1:
        _check_several(options)
    if options.template_only:
        return _write(options, given)
    aws = Aws(options.profile, options.region)
    requests = [
        Request(table, options.stack or stack_name(table), given, options.artifacts_bucket, Path.cwd())
        for table in options.table
    ]
    if options.drift:
        return max(_drift(aws, request) for request in requests)
    if options.dry_run:
        for request in requests:
            _dry_run(aws, request)
        return 0
    _deploy(aws, requests, person(yes=options.yes))
    return 0


def _given(options: argparse.Namespace) -> dict[str, str]:
    given = {name: str(value) for name, _ in _SWITCHES.values() if (value := getattr(options, name)) is not None}
    for text in options.parameter:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"--parameter {text}: expected NAME=VALUE", text)
        if name in given and given[name] != value:
            raise RequestError(f"{name} is given twice, as {given[name]} and as {value}: give it once", name)
        given[name] = value
    return given


def _check_several(options: argparse.Namespace) -> None:
    for switch, value in {
        "--stack": options.stack,
        "--glue-table": options.TableName,
        "--bucket": options.HistoryBucket,
    }.items():
        if value:
            message = f"{switch} {value} cannot be that of several tables: deploy them one by one"
            raise RequestError(f"{message}, each with its own stack, Glue table and place", value)
    if len(set(options.table)) < len(options.table):
        raise RequestError("a table is named twice: name each once", options.table)


def _write(options: argparse.Namespace, given: dict[str, str]) -> int:
    for table in options.table:
        folder = options.template_only / table if len(options.table) > 1 else options.template_only
        for file in write_template(folder, table, given):
            print(f"wrote {file}")
    return 0


def _drift(aws: Aws, request: Request) -> int:
    stack = read_deployment(aws, request.table, request.stack).stack
    found = drifts(aws, stack, person(yes=True))
    print(f"stack {stack}: {'as its template says' if not found else 'changed beside its template'}")
    for line in found:
        print(f"  {line}")
    return 1 if found else 0


def _dry_run(aws: Aws, request: Request) -> None:
    for line in plan_lines(aws, make_plan(aws, request)):
        print(line)
    print("dry run: nothing was done, and no change set was made, since that would change AWS")


def _deploy(aws: Aws, requests: list[Request], watcher: Person) -> None:
    """One after another; where one fails, which were done is said."""
    done: list[str] = []
    for request in requests:
        try:
            deploy(aws, request, watcher)
        except (HistlibError, KeyboardInterrupt):
            left = [one.table for one in requests if one.table not in done and one is not request]
            if len(requests) > 1:
                watcher.warn(f"deployed: {_names(done)}; not: {request.table}; not begun: {_names(left)}")
            raise
        done.append(request.table)
        print(f"table {request.table} is captured by stack {request.stack}")


def _names(tables: list[str]) -> str:
    return ", ".join(tables) or "none"
