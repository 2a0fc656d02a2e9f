"""The Lambda handler: one run of the attester."""

from __future__ import annotations

import os
import time
from typing import Any, Final

from ..owned import require_owner
from ..recorder import log
from .judging import Previous, judge
from .observing import Clients, observe
from .reach import LATE, LOOKBACK
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

    names = ("dynamodb", "lambda", "cloudwatch", "s3", "dynamodbstreams")
    clients = Clients(*(boto3.client(name) for name in names))
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
        observed = observe(clients, settings, now, _since(previous, now), _begin(previous, now))
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
    """From when on losses are looked for: a little before the last run that saw all, since metrics come late.
    Attestations more than a day apart do not continue each other, so that older losses than two days' need not be
    looked for."""
    last = now - _DAY if previous is None or previous.observed_at is None else previous.observed_at / 1_000_000
    return max(last - LATE, now - 2 * _DAY)


def _begin(previous: Previous | None, now: float) -> float:
    """From when on metrics tell what has landed and is captured: well before that was known last."""
    last = previous.landed if previous and previous.landed is not None else now - _DAY
    return max(last - LOOKBACK, now - 2 * _DAY)


def _tell(cloudwatch: Any, settings: Settings, attestation: dict[str, Any]) -> None:
    """The metrics that alarms look at. A pipeline that just starts has nothing wrong with it, and nothing proven."""
    well = (attestation["healthy"] or attestation["starting"]) and not attestation["undelivered"]
    dimensions = [{"Name": "StackName", "Value": settings.stack}]
    values = {"Healthy": float(well), "Undelivered": float(attestation["undelivered"])}
    if attestation["healthy"] and not attestation["undelivered"]:
        values["AttestedAge"] = attestation["iterator_age_ms"] / 1_000 + attestation["firehose_freshness_s"]
    cloudwatch.put_metric_data(
        Namespace=settings.namespace,
        MetricData=[{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in values.items()],
    )
    names = ("healthy", "undelivered", "losses", "problems", "iterator_age_ms", "firehose_freshness_s")
    log.write({"level": "INFO" if well else "ERROR", "message": "attested", **{n: attestation[n] for n in names}})
