"""What capturing costs, beside the article's design: arithmetic over what the other benchmarks measure.

``python -m benchmarks.costs`` prints it with every step. Prices are those of us-east-1, in dollars, that AWS listed in
2025 on its pages "AWS Lambda pricing", "Amazon Data Firehose pricing", "Amazon S3 pricing", "Amazon CloudWatch pricing"
and "AWS Key Management Service pricing"; free tiers are left out. Other Regions cost up to half as much again, and the
ratio of the two designs hardly depends on them. Two things these pages do not say, and are taken for the dearer: the
EventCount metrics of the mapping count as custom metrics, and Firehose asks KMS anew at each call.

The two ways differ in three things. Firehose bills each record rounded up to 5 KB: the article sends a change a record,
the recorder packs many. Lambda bills time: the article waits for a call each change. And the article's files are not
compressed, so storage, and every byte that Athena scans, is as many times more.
"""

from __future__ import annotations

import contextlib
import io
import math
import sys
from dataclasses import dataclass

from benchmarks.recorder import Counted, article_handler, record
from benchmarks.rows import Row
from pipeline.functions.recorder.app import Recorder
from pipeline.functions.recorder.packing import billed
from pipeline.functions.recorder.storage import Storage

MONTH = 30 * 24 * 3600
GB = 1e9

LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_GB_SECOND = 0.0000133334  # arm64; the article's x86 is 0.0000166667
LAMBDA_GB_SECOND_X86 = 0.0000166667
FIREHOSE_GB = 0.029
S3_PUT = 0.005 / 1e3
S3_GB_MONTH = 0.023
LOGS_GB = 0.50
ALARM, CUSTOM_METRIC, METRIC_ASKED, DASHBOARD = 0.10, 0.30, 0.01 / 1e3, 3.00
KMS_KEY, KMS_REQUEST = 1.00, 0.03 / 1e4
#: Ours (Healthy, Undelivered, AttestedAge, Unrecorded), and of the mapping (AWS Lambda developer guide, "Event source
#: mapping metrics"). An alarm costs for each metric that it looks at: dropped looks at two.
OUR_METRICS, EVENT_COUNTS, ALARM_METRICS = 4, 6, 15

#: Seconds that a call to Firehose takes from Lambda. Assumed, the same for both.
CALL = 0.010
#: Bytes that Lambda itself logs for an invocation (START, END, REPORT), and the recorder's line.
LAMBDA_LOG, RECORDER_LOG = 350, 420
#: Bytes of a change in a gzip landing: 119,584,240 for the million that ``generate`` makes (RESULTS.md, snapshot_at).
LANDED = 120
#: Of one vCPU, what Lambda gives to a MB of memory.
VCPU_MB = 1_769


@dataclass(frozen=True)
class Way:
    """How a design handles a batch: ``memory_mb`` of the Lambda, ``batch`` changes, ``seconds`` it runs for one,
    bytes that Firehose bills and that lie in S3 for it, bytes logged, and seconds that Firehose collects;
    ``kms_requests`` for a batch, made where a customer's key encrypts."""

    memory_mb: int
    gb_second: float
    batch: float
    seconds: float
    firehose_bytes: float
    stored_bytes: float
    logged_bytes: float
    buffer_seconds: float
    buffer_bytes: float
    fixed: float = 0.0
    kms_requests: float = 0.0

    def month(self, rate: float, *, key: bool = False) -> dict[str, float]:
        """Dollars a month at so many changes a second, by service; the storage is that of one month's changes.
        ``key``: a customer's key encrypts."""
        batches = rate * MONTH / self.batch
        stored = batches * self.stored_bytes
        objects = max(MONTH / self.buffer_seconds, batches * self.firehose_bytes / self.buffer_bytes)
        return {
            "Lambda": batches * (LAMBDA_REQUEST + self.seconds * self.memory_mb / 1024 * self.gb_second),
            "Firehose": batches * self.firehose_bytes / GB * FIREHOSE_GB,
            "S3 requests": objects * S3_PUT,
            "S3 storage": stored / GB * S3_GB_MONTH,
            "logs": batches * self.logged_bytes / GB * LOGS_GB,
            "KMS": KMS_KEY + batches * self.kms_requests * KMS_REQUEST if key else 0,
            "fixed": self.fixed,
        }


def our_way(rate: float, cpu: float, memory_mb: int, batch_size: int, window: float) -> Way:
    """The recorder's: ``cpu`` seconds a change on a whole vCPU, as measured. A shard carries 1,000 changes a second.

    With a key each call has KMS make a data key and decrypt it; S3 asks for few, by the bucket's key.
    """
    shards = max(1, math.ceil(rate / 1_000))
    batch = min(batch_size, max(1.0, rate / shards * window))
    firehose, calls = _recorded(int(batch))
    seconds = batch * cpu * max(1.0, VCPU_MB / memory_mb) + calls * CALL
    return Way(
        memory_mb, LAMBDA_GB_SECOND, batch, seconds, firehose, batch * LANDED,
        LAMBDA_LOG + RECORDER_LOG, 300, 64 * 2**20, _fixed(), 2 * calls,
    )  # fmt: skip


def article_way(rate: float, cpu: float) -> Way:
    """The article's: 128 MB (the default), batches of up to 100 that Lambda takes as soon as there are any (it polls
    four times a second), a call each change, 60 s, not compressed."""
    batch = min(100, max(1.0, rate / max(1, math.ceil(rate / 1_000)) / 4))
    counted = Counted()
    article_handler({"Records": [record(number) for number in range(100)]}, _Silent(counted))
    seconds = batch * (cpu * VCPU_MB / 128 + CALL)
    return Way(
        128, LAMBDA_GB_SECOND_X86, batch, seconds, batch * counted.billed / 100, batch * counted.bytes / 100,
        LAMBDA_LOG, 60, 50 * 2**20,
    )  # fmt: skip


def run(our_cpu: float = 12e-6, article_cpu: float = 19e-6, memory_mb: int = 512) -> list[Row]:
    """Dollars for a million changes and a month, of both designs; the CPU of each is what ``recorder`` measures."""
    rows = []
    for rate in (10, 1_000, 100_000):
        ours, theirs = our_way(rate, our_cpu, memory_mb, 1_000, 10), article_way(rate, article_cpu)
        ways = (("recorder", ours, False), ("recorder, with a KMS key", ours, True), ("article", theirs, False))
        for name, way, key in ways:
            month = way.month(rate, key=key)
            told = ", ".join(f"{what} {dollars:,.2f}" for what, dollars in month.items() if dollars)
            capture = sum(month[one] for one in ("Lambda", "Firehose", "S3 requests", "KMS"))
            million = 1e6 * capture / (rate * MONTH)
            rows.append(Row(f"{rate:,} changes a second, {name}: a million changes", million, "$", ""))
            rows.append(Row(f"… a month: {told}", sum(month.values()), "$", ""))
    return rows


class _Silent:
    def __init__(self, counted: Counted) -> None:
        self.put_record = lambda **request: counted._count([request["Record"]["Data"].encode()])


class _Kept:
    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.calls = 0

    def put_record_batch(self, **request: object) -> dict[str, object]:
        self.calls += 1
        data = [one["Data"] for one in request["Records"]]  # type: ignore[attr-defined]
        self.data += data
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "x"}] * len(data)}


def _recorded(batch: int) -> tuple[int, int]:
    """The bytes that Firehose bills for a batch, and the calls it took."""
    kept = _Kept()
    with contextlib.redirect_stdout(io.StringIO()):
        Recorder(kept, "stream", Storage(None, "bucket")).record(
            {"Records": [record(number) for number in range(batch)]}, None
        )
    return sum(billed(len(one)) for one in kept.data), kept.calls


def _fixed() -> float:
    """The attester every 15 minutes (1 s of 256 MB, 11 metrics asked, a PUT), alarms, metrics and a dashboard."""
    runs = MONTH / 900
    attesting = runs * (LAMBDA_REQUEST + 0.25 * LAMBDA_GB_SECOND + 11 * METRIC_ASKED + S3_PUT)
    return attesting + ALARM_METRICS * ALARM + (OUR_METRICS + EVENT_COUNTS) * CUSTOM_METRIC + DASHBOARD


def main() -> None:
    """Print the table."""
    for row in run():
        print(f"{row.value:>12,.2f} {row.unit}  {row.name}")


if __name__ == "__main__":
    sys.exit(main())
