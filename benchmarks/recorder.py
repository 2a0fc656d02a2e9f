"""The recorder against the article's way, side by side: one ``put_record`` an item, behind one stand-in for Firehose.

``python -m benchmarks.recorder`` prints a table. Both use boto3's own client against a small HTTP server on this
machine that answers each call after 5 ms. CPU is that of the handler alone, with a client that does nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

import boto3
import botocore
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from benchmarks.rows import Row
from pipeline.functions.recorder.app import Recorder
from pipeline.functions.recorder.packing import billed
from pipeline.functions.recorder.storage import Storage

LATENCY = 0.005
BATCH = 1_000
BATCHES = 10
ARTICLE_RECORDS = 200
ROUNDS = 5


def run() -> list[Row]:
    """Measure; medians of five rounds, the two ways by turns."""
    batches = [[record(number) for number in range(at, at + BATCH)] for at in range(0, BATCH * BATCHES, BATCH)]
    article, ours = Counted(), Counted()
    with stand_in() as client:
        article.client = ours.client = client
        speeds = [(_article_speed(article, batches[0]), _our_speed(ours, batches)) for _ in range(ROUNDS)]
    cpu = [(_article_cpu(batches[0]), _our_cpu(batches)) for _ in range(ROUNDS)]
    small = Counted()
    _record_all(small, [batches[0][at : at + 100] for at in range(0, BATCH, 100)])
    article_speed, our_speed = (statistics.median(way) for way in zip(*speeds, strict=True))
    article_cpu, our_cpu = (statistics.median(way) for way in zip(*cpu, strict=True))
    return [
        Row("article: records a second", article_speed, "/s", ""),
        Row("recorder: records a second", our_speed, "/s", ""),
        Row("recorder: times the article's records a second", our_speed / article_speed, "x", ">= 50"),
        Row("article: calls for 1,000 changes", article.calls_a_thousand, "", ""),
        Row("recorder: calls for 1,000 changes, batches of 1,000", ours.calls_a_thousand, "", "<= 3"),
        Row("recorder: calls for 1,000 changes, batches of 100", small.calls_a_thousand, "", ""),
        Row("article: billed bytes / payload", article.billed_ratio, "x", ""),
        Row("recorder: billed bytes / payload, batches of 1,000", ours.billed_ratio, "x", "<= 1.15"),
        Row("recorder: billed bytes / payload, batches of 100", small.billed_ratio, "x", ""),
        Row("article: CPU a record", article_cpu, "µs", ""),
        Row("recorder: CPU a record", our_cpu, "µs", f"<= {article_cpu:.1f}"),
        Row("article: bytes a line", article.bytes / article.changes, "B", ""),
        Row("recorder: bytes a line (lossless, both images)", ours.bytes / ours.changes, "B", ""),
    ]


def record(number: int) -> dict[str, Any]:
    """A MODIFY of an item with seven attributes, as Lambda gives it."""

    def image(stock: int) -> dict[str, Any]:
        return {
            "productId": {"S": f"p{number:05d}"},
            "name": {"S": "Teapot, blue glaze, 0.8 l"},
            "category": {"S": "kitchen"},
            "price": {"N": f"{number % 90}.95"},
            "stock": {"N": str(stock)},
            "active": {"BOOL": True},
            "updated_by": {"S": "price-service@2.14.0"},
        }

    return {
        "eventID": f"{number:032x}",
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_603_679_304.0 + number // 50,
            "Keys": {"productId": {"S": f"p{number:05d}"}},
            "NewImage": image(number % 97),
            "OldImage": image(number % 97 + 1),
            "SequenceNumber": str(271_300_000_000_000_104_729 + 7_919 * number),
            "SizeBytes": 214,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:111122223333:table/products/stream/2026-10-31T22:04:11.502",
    }


class Counted:
    """A Firehose client that counts calls, changes, bytes, and what Firehose bills; passes on where it has one."""

    def __init__(self) -> None:
        self.client: Any = None
        self.calls = self.changes = self.bytes = self.billed = 0

    @property
    def calls_a_thousand(self) -> float:
        return 1_000 * self.calls / self.changes

    @property
    def billed_ratio(self) -> float:
        return self.billed / self.bytes

    def put_record(self, **request: Any) -> Any:
        self._count([request["Record"]["Data"].encode()])
        return self.client.put_record(**request) if self.client else None

    def put_record_batch(self, **request: Any) -> Any:
        self._count([record["Data"] for record in request["Records"]])
        if self.client:
            return self.client.put_record_batch(**request)
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "x"}] * len(request["Records"])}

    def _count(self, data: list[bytes]) -> None:
        self.calls += 1
        self.changes += sum(one.count(b"\n") for one in data)
        self.bytes += sum(map(len, data))
        self.billed += sum(billed(len(one)) for one in data)


# --- the article's handler, to the letter but for its client and the deprecated utcfromtimestamp ---

_deserializer = TypeDeserializer()


def article_handler(event: dict[str, Any], firehose: Any) -> None:
    """The Lambda of the article."""
    for item in event["Records"]:
        timestamp = int(item["dynamodb"]["ApproximateCreationDateTime"])
        to_firehose_item = {
            "action": item["eventName"],
            "keys": _deserialize(item["dynamodb"]["Keys"]),
            "new_image": None,
            "old_image": None,
            "timestamp": timestamp,
            "timestamp_utc": datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None),
        }
        if "NewImage" in item["dynamodb"]:
            to_firehose_item["new_image"] = _deserialize(item["dynamodb"]["NewImage"])
        if "OldImage" in item["dynamodb"]:
            to_firehose_item["old_image"] = _deserialize(item["dynamodb"]["OldImage"])
        firehose.put_record(
            DeliveryStreamName="stream", Record={"Data": json.dumps(to_firehose_item, default=str) + "\n"}
        )


def _deserialize(item: dict[str, Any]) -> dict[str, Any]:
    return {key: _deserializer.deserialize(item[key]) for key in item}


# --- measuring ---


class _Idle:
    def put_record(self, **request: Any) -> None:
        return None

    def put_record_batch(self, **request: Any) -> dict[str, Any]:
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "x"}] * len(request["Records"])}


def _article_speed(client: Counted, batch: list[dict[str, Any]]) -> float:
    event = {"Records": batch[:ARTICLE_RECORDS]}
    return ARTICLE_RECORDS / _seconds(time.perf_counter, lambda: article_handler(event, client))


def _our_speed(client: Counted, batches: list[list[dict[str, Any]]]) -> float:
    return BATCH * len(batches) / _seconds(time.perf_counter, lambda: _record_all(client, batches))


def _article_cpu(batch: list[dict[str, Any]]) -> float:
    return 1e6 * _seconds(time.process_time, lambda: article_handler({"Records": batch}, _Idle())) / len(batch)


def _our_cpu(batches: list[list[dict[str, Any]]]) -> float:
    return 1e6 * _seconds(time.process_time, lambda: _record_all(_Idle(), batches)) / (BATCH * len(batches))


def _record_all(client: Any, batches: list[list[dict[str, Any]]]) -> None:
    recorder = Recorder(client, "stream", Storage(None, "bucket"))  # nothing goes to S3 here
    with contextlib.redirect_stdout(io.StringIO()):  # it logs a line a batch
        for batch in batches:
            response = recorder.record({"Records": batch}, None)
            if response["batchItemFailures"]:
                raise RuntimeError(f"the stand-in did not take a batch: {response}")


def _seconds(clock: Callable[[], float], work: Callable[[], None]) -> float:
    started = clock()
    work()
    return clock() - started


# --- the stand-in for Firehose ---


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(LATENCY)
        responses = [{"RecordId": "x"}] * body.count(b'"Data"')
        batch = self.headers["X-Amz-Target"].endswith("PutRecordBatch")
        answer = json.dumps({"FailedPutCount": 0, "RequestResponses": responses} if batch else responses[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing: it would only slow things."""


def _serve(connection: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    connection.send(server.server_address[1])
    server.serve_forever()


@contextlib.contextmanager
def stand_in() -> Iterator[Any]:
    """A boto3 Firehose client of a server of its own, in another process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield boto3.client(
            "firehose",
            endpoint_url=f"http://127.0.0.1:{ours.recv()}",
            region_name="eu-west-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
            config=Config(proxies={}),
        )
    finally:
        process.terminate()
        process.join()


def main() -> None:
    """Print the table."""
    print(
        f"Python {platform.python_version()}, boto3 {boto3.__version__}, botocore {botocore.__version__}, "
        f"{platform.system()} {platform.machine()}; 5 ms an answer, median of {ROUNDS} rounds"
    )
    for row in run():
        print(f"{row.name:<55} {row.value:>10,.2f} {row.unit:<3} {row.target}")


if __name__ == "__main__":
    sys.exit(main())
