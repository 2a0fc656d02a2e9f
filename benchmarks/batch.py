"""The handler on one full batch, in a process of its own: how fast, in how much memory, in how many calls.

``python -m benchmarks.batch`` prints a table. The process holds what Lambda's does: boto3 and its two clients, the
event parsed from JSON, the handler. Firehose is a small HTTP server on this machine that answers each call after 5 ms.
Lambda itself never sends more than 6 MB of event: that batch is measured beside the one of 10,000 records.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import sys
import time
from typing import Any

from benchmarks.recorder import Counted, record, stand_in
from benchmarks.rows import Row

RECORDS = 10_000
PAYLOAD = 6_000_000
ROUNDS = 5


def run() -> list[Row]:
    """Measure; each round in a fresh process, medians."""
    rows = []
    sizes = {f"{RECORDS:,} records of 1 KB": RECORDS, "6 MB of event": _records_in(PAYLOAD)}
    for name, count in sizes.items():
        found = [_in_a_process(count) for _ in range(ROUNDS)]
        median = {what: statistics.median(one[what] for one in found) for what in found[0]}
        rows += [
            Row(f"{name}: records", count, "", ""),
            Row(f"{name}: event", median["event_bytes"] / 1e6, "MB", ""),
            Row(f"{name}: records a second", count / median["seconds"], "/s", ""),
            Row(f"{name}: CPU a record", 1e6 * median["cpu"] / count, "µs", ""),
            Row(f"{name}: peak memory of the process", median["peak_mib"], "MiB", "≤ the Lambda's"),
            Row(f"{name}: of it before the event came", median["idle_mib"], "MiB", ""),
            Row(f"{name}: Firehose calls", median["calls"], "", ""),
            Row(f"{name}: bytes", median["bytes"], "B", ""),
            Row(f"{name}: billed bytes", median["billed"], "B", ""),
            Row(f"{name}: billed bytes / bytes", median["billed"] / median["bytes"], "×", ""),
        ]
    return rows


def big_record(number: int) -> dict[str, Any]:
    """A MODIFY whose stream record has 1 KB (SizeBytes, as DynamoDB counts: the key and both images)."""
    made = record(number)
    change = made["dynamodb"]
    for image in ("NewImage", "OldImage"):
        change[image]["description"] = {"S": f"{number:05d} " + "blue glaze, hand made; " * 18}
    change["SizeBytes"] = 1_024
    return made


def _records_in(payload: int) -> int:
    return payload // (len(json.dumps(big_record(12_345))) + 2)


def _in_a_process(count: int) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with stand_in() as client:
        process = context.Process(target=_measure, args=(theirs, client.meta.endpoint_url, count))
        process.start()
        found: dict[str, float] = ours.recv()
        process.join()
    return found


def _measure(connection: Any, endpoint: str, count: int) -> None:
    import contextlib
    import io

    import boto3

    from pipeline.functions.recorder.app import Recorder
    from pipeline.functions.recorder.storage import Storage

    names = {"region_name": "eu-west-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}
    firehose = Counted()
    firehose.client = boto3.client("firehose", endpoint_url=endpoint, **names)
    recorder = Recorder(firehose, "stream", Storage(boto3.client("s3", **names), "bucket"))
    idle = _peak()
    event_bytes = _event(count)
    started, cpu = time.perf_counter(), time.process_time()
    event = json.loads(event_bytes)  # Lambda's runtime does this too, before it calls the handler
    with contextlib.redirect_stdout(io.StringIO()):
        response = recorder.record(event, None)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    if response["batchItemFailures"]:
        raise RuntimeError(f"the stand-in did not take the batch: {response}")
    connection.send(
        {
            "seconds": seconds,
            "cpu": cpu,
            "peak_mib": _peak(),
            "idle_mib": idle,
            "event_bytes": len(event_bytes),
            "calls": firehose.calls,
            "bytes": firehose.bytes,
            "billed": firehose.billed,
        }
    )


def _event(count: int) -> bytes:
    """The event's text, made piece by piece so that making it is no part of the peak."""
    text = bytearray(b'{"Records":[')
    for number in range(count):
        text += (b"," if number else b"") + json.dumps(big_record(number)).encode()
    return bytes(text + b"]}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    for row in run():
        print(f"{row.name:<55} {row.value:>14,.2f} {row.unit:<4} {row.target}")


if __name__ == "__main__":
    sys.exit(main())
