"""Facts of a whole deployment at a fixed time, of which a test changes one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from histlib.rules.coverage.baselines import Manifest
from histlib.rules.coverage.coverage import Attestation
from histlib.values.times import DAY, MINUTE, to_micros
from pipeline.common.deployment import Deployment
from pipeline.status.checks import Check, Commands
from pipeline.status.report import Report, judge
from pipeline.status.seen.facts import Facts
from pipeline.status.seen.metrics import Metrics, Series
from pipeline.status.seen.objects import Attestations, Baselines, Landed, Objects
from pipeline.status.seen.resources import Alarm, DeliveryStream, Mapping, Stack, Table
from pipeline.status.verdicts.alarms import ALARMS

NOW = to_micros(datetime(2026, 11, 26, 2, 10, tzinfo=UTC))
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
STREAM = f"{ARN}/stream/2026-11-01T00:00:00.000"
#: CloudFormation names functions so, and the template their log groups otherwise.
RECORDER = "histlib-orders-RecorderFunction-1Q2W3E4R5T6Y"
COMMANDS = Commands("--table orders --region eu-west-1", " --region eu-west-1")

DEPLOYMENT = Deployment(
    stack="histlib-orders",
    status="UPDATE_COMPLETE",
    source="athena://histories/orders_changes?workgroup=histlib-orders",
    table_name="orders",
    stream_arn=STREAM,
    history_bucket="histories",
    history_prefix="orders/",
    retention_days="0",
    redact="",
    kms_key_arn="",
    recorder_function=RECORDER,
    attester_function="histlib-orders-AttesterFunction-6Y5T4R3E2W1Q",
    mapping_id="mapping-1",
    delivery_stream="histlib-orders",
    glue_database="histories",
    glue_table="orders_changes",
    workgroup="histlib-orders",
    results_location="s3://results/",
)

MAPPING = Mapping(
    state="Enabled",
    result="OK",
    function=f"arn:aws:lambda:eu-west-1:123456789012:function:{RECORDER}",
    stream=STREAM,
    settings={
        "BatchSize": 1000,
        "MaximumBatchingWindowInSeconds": 10,
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 1000,
        "MaximumRecordAgeInSeconds": 85500,
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::histories"}},
    },
)

ATTESTATION = Attestation(
    attested_at=NOW - 7 * MINUTE,
    table=ARN,
    stream=STREAM,
    view="NEW_AND_OLD_IMAGES",
    mapping="mapping-1",
    mapping_state="Enabled",
    iterator_age_ms=1_000,
    firehose_freshness_s=60,
    undelivered=0,
    healthy=True,
    table_id="table-1",
)

MANIFEST = Manifest(
    format=1,
    id="b1",
    kind="scan",
    table=ARN,
    read_begin=NOW - 3 * DAY,
    read_end=NOW - 3 * DAY + MINUTE,
    items=1_234_567,
    files=(),
    table_id="table-1",
)


def series(*values: float, ago: int = 5 * MINUTE) -> Series:
    """Numbers of periods of five minutes, the newest first; it begins so long (µs) before now."""
    return Series(tuple((NOW - ago - 5 * MINUTE * index, value) for index, value in enumerate(values)))


METRICS = Metrics(
    iterator_age=series(1_500),
    recorder_invocations=series(12),
    recorder_errors=Series(),
    recorder_throttles=Series(),
    attester_invocations=series(1),
    attester_errors=Series(),
    attester_throttles=Series(),
    freshness=series(240),
    throttled_records=Series(),
    writes=series(50),
)

FACTS = Facts(
    deployment=DEPLOYMENT,
    now=NOW,
    stack=Stack("UPDATE_COMPLETE", "", {"AttestMinutes": "15"}),
    table=Table("ACTIVE", "table-1", True, "NEW_AND_OLD_IMAGES", STREAM),
    mapping=MAPPING,
    recorder_log="/aws/lambda/histlib-orders-recorder",
    attester_log="/aws/lambda/histlib-orders-attester",
    delivery_stream=DeliveryStream("ACTIVE", "histories"),
    alarms=tuple(Alarm(f"histlib-orders-{name}", "OK", "", f"What {name} means.") for name in ALARMS),
    metrics=METRICS,
    landed=Landed("orders/changes/2026/11/26/histlib-orders-1-a.gz", NOW - 3 * MINUTE),
    undelivered=Objects(0, None),
    quarantined=Objects(0, None),
    baselines=Baselines((MANIFEST,), ()),
    attestations=Attestations(ATTESTATION, ATTESTATION),
)


def report_of(**other: Any) -> Report:
    """Of these facts but for some."""
    return judge(replace(FACTS, **other), "eu-west-1", COMMANDS)


def check_of(name: str, **other: Any) -> Check:
    """One check of them."""
    return next(one for one in report_of(**other).checks if one.name == name)


def measured(**other: Series) -> dict[str, Any]:
    """The metrics but for some, as what to change in the facts."""
    return {"metrics": replace(METRICS, **other)}


def attested(**other: Any) -> dict[str, Any]:
    """The last attestation, but for some of it, as what to change in the facts."""
    fields = {name: getattr(ATTESTATION, name) for name in ATTESTATION.__struct_fields__}
    last = Attestation(**fields | other)
    return {"attestations": Attestations(last, last if last.whole else None)}


def set_otherwise(**other: Any) -> dict[str, Any]:
    """The mapping's settings, but for some, as what to change in the facts."""
    return {"mapping": replace(MAPPING, settings=MAPPING.settings | other)}
