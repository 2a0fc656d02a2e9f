"""All that is asked, side by side: what cannot be asked says why, and the rest is there all the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from histlib.errors import HistlibError
from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment
from pipeline.status.checks import Unanswered
from pipeline.status.seen import objects, resources
from pipeline.status.seen.metrics import Metrics, read_metrics


@dataclass(frozen=True)
class Facts:
    """What AWS tells of a deployment, at ``now`` (epoch µs)."""

    deployment: Deployment
    now: int
    stack: resources.Stack | Unanswered | None
    table: resources.Table | Unanswered | None
    mapping: resources.Mapping | Unanswered | None
    recorder_log: str | Unanswered | None
    attester_log: str | Unanswered | None
    delivery_stream: resources.DeliveryStream | Unanswered | None
    alarms: tuple[resources.Alarm, ...] | Unanswered
    metrics: Metrics | Unanswered
    landed: objects.Landed | Unanswered | None
    undelivered: objects.Objects | Unanswered
    quarantined: objects.Objects | Unanswered
    baselines: objects.Baselines | Unanswered
    attestations: objects.Attestations | Unanswered


def ask(aws: Aws, deployment: Deployment, now: int) -> Facts:
    """Ask all of it."""
    questions: dict[str, Callable[[], Any]] = {
        "stack": lambda: resources.read_stack(aws, deployment),
        "table": lambda: resources.read_table(aws, deployment),
        "mapping": lambda: resources.read_mapping(aws, deployment),
        "recorder_log": lambda: resources.read_log_group(aws, deployment.recorder_function),
        "attester_log": lambda: resources.read_log_group(aws, deployment.attester_function),
        "delivery_stream": lambda: resources.read_delivery_stream(aws, deployment),
        "alarms": lambda: resources.read_alarms(aws, deployment),
        "metrics": lambda: read_metrics(aws, deployment, now),
        "landed": lambda: objects.read_landed(aws, deployment, now),
        "undelivered": lambda: objects.read_undelivered(aws, deployment),
        "quarantined": lambda: objects.read_quarantined(aws, deployment),
        "baselines": lambda: objects.read_baselines(aws, deployment),
        "attestations": lambda: objects.read_attestations(aws, deployment),
    }
    with ThreadPoolExecutor(len(questions)) as pool:
        answers = dict(zip(questions, pool.map(_answer, questions.values()), strict=True))
    return Facts(deployment, now, **answers)


def _answer(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except HistlibError as error:
        return Unanswered(str(error))
