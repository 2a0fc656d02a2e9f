"""The Lambda handler: one run of the attester."""

from __future__ import annotations

import os
import time
from typing import Any, Final

from ..owned import require_owner
from ..recorder import log
from .judging import Previous, judge
from .observing import Clients, observe
from .settings import Settings, from_environment
from .writing import append, find_previous, read_day

#: How often a run tries to write its line, where others write at the same time.
_ATTEMPTS: Final = 5
#: Seconds of metrics that a run looks at where no attestation of the day before is there.
_DAY: Final = 24 * 3600


class NotAttestedError(Exception):
    """The run could not do its work; the alarm on the function's errors tells of it."""


def lambda_handler(_event: Any, _context: Any) -> dict[str, Any]:
    """What Lambda calls, on a schedule; returns the attestation that was written.

    Raises:
        NotAttestedError: AWS did not answer everything; the attestation says so, and is not healthy.
    """
    import boto3

    clients = Clients(*(boto3.client(name) for name in ("dynamodb", "lambda", "cloudwatch", "s3")))
    require_owner(clients.s3, lambda: os.environ["BUCKET_OWNER"])
    return attest(clients, from_environment(), time.time())


def attest(clients: Clients, settings: Settings, now: float) -> dict[str, Any]:
    """Observe, judge and write one attestation, of ``now`` (epoch seconds), and the metrics that alarms look at.

    Raises:
        NotAttestedError: AWS did not answer everything (what is written is not healthy), or others always wrote first.
        DamagedError: the attestations before cannot be read; nothing is written.
        ClientError: S3 or CloudWatch does not take it.
    """
    for _ in range(_ATTEMPTS):
        day = read_day(clients.s3, settings, now)
        previous = find_previous(clients.s3, settings, day)
        observed = observe(clients, settings, now, _since(previous, now))
        attestation = judge(settings, observed, previous)
        if append(clients.s3, settings, day, attestation):
            break
    else:
        raise NotAttestedError(f"other runs were first {_ATTEMPTS} times: does more than one schedule call this?")
    _tell(clients.cloudwatch, settings, attestation)
    if observed.failures:
        raise NotAttestedError("; ".join(observed.failures))
    return attestation


def _since(previous: Previous | None, now: float) -> float:
    """From when on metrics are looked at: a little before the last run that saw them all. Attestations more than a day
    apart do not continue each other, so that older losses than two days' need not be looked for."""
    last = (previous.observed_at or 0) / 1_000_000 if previous else now - _DAY
    return max(last - 300, now - 2 * _DAY)


def _tell(cloudwatch: Any, settings: Settings, attestation: dict[str, Any]) -> None:
    whole = attestation["healthy"] and not attestation["undelivered"]
    dimensions = [{"Name": "Table", "Value": settings.table}]
    values = {"Healthy": float(whole), "Undelivered": float(attestation["undelivered"])}
    if whole:
        values["AttestedAge"] = attestation["iterator_age_ms"] / 1_000 + attestation["firehose_freshness_s"]
    cloudwatch.put_metric_data(
        Namespace=settings.namespace,
        MetricData=[{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in values.items()],
    )
    names = ("healthy", "undelivered", "losses", "problems", "iterator_age_ms", "firehose_freshness_s")
    log.write({"level": "INFO" if whole else "ERROR", "message": "attested", **{n: attestation[n] for n in names}})
