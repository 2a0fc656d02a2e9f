"""What is asked for, as the template's parameters: given, found out, or kept from before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from histlib.errors import RequestError
from pipeline.common.aws import Aws
from pipeline.common.deployment import deployment_of
from pipeline.common.errors import DeploymentError
from pipeline.deploy.bucket import check_history_bucket, check_log_bucket
from pipeline.deploy.stack.standing import Standing
from pipeline.deploy.stack.template import Parameter
from pipeline.functions.recorder.redact import Redaction

#: What the parameter of the stream's ARN is shown as while there is no stream.
NEW_STREAM = "(the new stream's ARN)"
#: Parameters that are of the bucket which the stack makes.
_OF_OWN_BUCKET = ("Versioning", "ObjectLockDays", "AccessLogBucket")


def glue_name(table: str) -> str:
    """The Glue table of a DynamoDB table unless another is named: ``Todo-Sample`` → ``todo_sample_changes``."""
    return re.sub(r"[^a-z0-9_]", "_", table.lower()) + "_changes"


def check_given(given: Mapping[str, str], known: Iterable[Parameter]) -> dict[str, str]:
    """The parameters that were given, the prefix ending in a slash.

    Raises:
        RequestError: one that the template does not have, or redaction rules that are none.
    """
    names = {one.name for one in known}
    if unknown := sorted(given.keys() - names):
        raise RequestError(
            f"the template has no parameter {', '.join(unknown)}; it has {', '.join(sorted(names))}", unknown
        )
    try:
        Redaction(given.get("Redact", ""))
    except ValueError as error:
        raise RequestError(f"--redact: {error}", given["Redact"]) from error
    prefix = given.get("HistoryPrefix", "")
    return {**given, "HistoryPrefix": f"{prefix.rstrip('/')}/"} if prefix else dict(given)


def settle(
    aws: Aws, table: str, standing: Standing, given: Mapping[str, str], known: Iterable[Parameter]
) -> dict[str, str | None]:
    """All parameters but the stream's ARN, in the template's order: None keeps the stack's, an absent one its default.

    Raises:
        RequestError: one that has no default was not given.
        DeploymentError: what they name is taken, or not there.
        HistlibError: AWS cannot be asked.
    """
    values = dict(given)
    if not standing.is_updatable:
        values.setdefault("TableName", glue_name(table))
    defaults = {one.name: one.default for one in known}
    before = standing.before
    now = {**{name: value or "" for name, value in defaults.items()}, **before, **values}
    if now["DatabaseName"] != before.get("DatabaseName"):
        there = aws.find("glue", "get_database", Name=now["DatabaseName"]) is not None
        values.setdefault("CreateDatabase", "false" if there else "true")
    if any(now[name] != before.get(name) for name in ("DatabaseName", "TableName")):
        _check_glue_table(aws, now["DatabaseName"], now["TableName"])
    settled: dict[str, str | None] = {}
    for name, default in defaults.items():
        if name in values:
            settled[name] = values[name]
        elif name in before:
            settled[name] = None
        elif default is None:
            raise RequestError(f"the template's parameter {name} has no default: give --parameter {name}=VALUE", name)
    return settled


def check_buckets(aws: Aws, settled: Mapping[str, str | None], standing: Standing) -> list[str]:
    """See that buckets that are given, now or with a key, are fit; returns notes to show.

    Raises:
        RequestError: what is asked of the bucket would have to be done to one that is given.
        DeploymentError, HistlibError: as :func:`check_history_bucket`.
    """
    bucket, key, logs = (_now(name, settled, standing) for name in ("HistoryBucket", "KmsKeyArn", "AccessLogBucket"))
    if bucket and (asked := [name for name in _OF_OWN_BUCKET if settled.get(name) not in (None, "", "false", "0")]):
        raise RequestError(
            f"{', '.join(asked)}: nothing of a bucket that is given ({bucket}) is changed. Set it on the bucket, or "
            "give no --bucket",
            asked,
        )
    if settled.get("AccessLogBucket"):
        check_log_bucket(aws, logs)
    if bucket and (settled.get("HistoryBucket") or settled.get("KmsKeyArn")):
        return check_history_bucket(aws, bucket, key)
    return []


def _check_glue_table(aws: Aws, database: str, name: str) -> None:
    if aws.find("glue", "get_table", DatabaseName=database, Name=name) is not None:
        raise DeploymentError(
            f"the Glue table {database}.{name} is there already and not of this stack: name another by --glue-table "
            "or --database, or drop it if nobody needs it",
            name,
        )


def check_location(aws: Aws, table: str, settled: Mapping[str, str | None], standing: Standing) -> None:
    """See that no other table's history lies where this one's is to be: two in one place could not be told apart.

    Raises:
        DeploymentError: one does; whose.
        HistlibError: AWS cannot be asked.
    """
    bucket, prefix = (_now(name, settled, standing) for name in ("HistoryBucket", "HistoryPrefix"))
    if not bucket:
        return
    for stack in aws.each("cloudformation", "describe_stacks", "Stacks"):
        try:  # by its outputs, since who deploys by other ways may have set no tag
            other = deployment_of(stack)
        except DeploymentError:
            continue
        if (other.history_bucket, other.history_prefix) == (bucket, prefix) and other.stack != standing.name:
            raise DeploymentError(
                f"the history of table {other.table_name} (stack {other.stack}) lies in {other.location}: name another "
                f"place for that of {table} by --prefix or --bucket",
                other.location,
            )


def _now(name: str, settled: Mapping[str, str | None], standing: Standing) -> str:
    return settled.get(name) or standing.before.get(name, "")


def parameter_lines(settled: Mapping[str, str | None], standing: Standing) -> list[str]:
    """The parameters that are not left to their defaults, as lines; on an update, those that change."""
    if not standing.is_updatable:
        return [f"  {name} = {value}" for name, value in settled.items()]
    before = standing.parameters
    changed = {name: value for name, value in settled.items() if value is not None and value != before.get(name)}
    lines = [f"  {name} = {before.get(name, '(new)')} -> {value}" for name, value in changed.items()]
    return [*lines, "  all others as they are"]
