"""The Lambda handler: on a schedule, goes on with the baseline under way, and begins one when it is time.

Environment: ``TABLE_NAME``, ``BUCKET`` and ``PREFIX`` (the history in S3), ``REDACT`` (paths), ``READ_UNITS`` (a
second), ``RETENTION_DAYS`` (after which the landing's objects expire; 0: never, and then none is begun).
Where a table takes longer than one invocation, the next one goes on: schedule it every 15 minutes or so, since one
with nothing to do only lists ``baseline/``. Permissions: see ``storage``, ``scan`` and ``step``.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Protocol

from ..owned import require_owner
from ..recorder import log
from .progress import Table
from .step import Clients, Settings, describe, step, table_of, under_way
from .storage import BusyError, Storage

#: Seconds kept free at the end to write what is read.
MARGIN_SECONDS = 45.0
_DAY = 86_400


class Context(Protocol):
    """What is needed of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int: ...


def lambda_handler(event: dict[str, Any], context: Context, clients: Clients | None = None) -> dict[str, Any]:
    """What Lambda calls: :func:`work` of the environment's table, with the environment's clients unless others are
    given; what came of it is logged and returned."""
    made = clients or _clients()
    deadline = made.clock() + context.get_remaining_time_in_millis() / 1_000 - MARGIN_SECONDS
    result = work(made, _settings(), int(_variable("RETENTION_DAYS")), deadline)
    log.write({"level": "INFO", **result})
    return result


def work(clients: Clients, settings: Settings, retention_days: int, deadline: float) -> dict[str, Any]:
    """Go on with a baseline, or begin one where it is time, until ``deadline`` (epoch seconds).

    Raises:
        Exception: as :func:`.step.step`, but for BusyError: then another works on it, and nothing is to be done.
    """
    storage = Storage(clients.s3, settings.bucket, settings.prefix)
    table = table_of(describe(clients.dynamodb, settings.table))
    if not under_way(storage.load()) and not is_due(storage.manifests(), table, retention_days, clients.clock()):
        return {"message": "no baseline is due"}
    try:
        outcome = step(clients, settings, deadline)
    except BusyError as error:
        return {"message": f"nothing done: {error}"}
    words = "baseline complete" if outcome.finished else "baseline under way"
    return {"message": words, "baseline": outcome.id, "items": outcome.items, "files": outcome.files}


def is_due(manifests: list[dict[str, Any]], table: Table, retention_days: int, now: float) -> bool:
    """Whether the last complete baseline of this very table is older than half the retention, or there is none.

    So there is always one whose rows have not expired. ``now`` in epoch seconds; a retention of 0 is for ever.
    """
    if not retention_days:
        return False
    ours = [one for one in manifests if (one["table"], one.get("table_id")) == (table.arn, table.table_id)]
    last = max((one["read_begin"] for one in ours), default=0)
    return now - last / 1_000_000 > retention_days * _DAY / 2


@cache
def _clients() -> Clients:
    """Their retries are botocore's, which waits longer each time it is throttled."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "max_attempts": 10}, connect_timeout=5, read_timeout=20)
    s3 = require_owner(boto3.client("s3", config=config), lambda: _variable("BUCKET_OWNER"))
    return Clients(boto3.client("dynamodb", config=config), s3)


def _settings() -> Settings:
    units = float(os.environ.get("READ_UNITS") or 100)
    redact, prefix = os.environ.get("REDACT", ""), os.environ.get("PREFIX", "")
    return Settings(_variable("TABLE_NAME"), _variable("BUCKET"), prefix, redact, units)


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"the environment variable {name} is not set: expected which table, and where to; set it")
    return value
