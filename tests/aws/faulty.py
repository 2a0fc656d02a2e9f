"""The emulated AWS, run in its own environment, with what tests do to it: ``python faulty.py FOLDER``.

A file in FOLDER is a fault that lasts as long as it is there.
"""

from __future__ import annotations

import copy
import json
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "pipeline" / "emulator"), str(Path(__file__).parent / "clock")]

import shared_clock  # noqa: E402

shared_clock.leave()

import shims  # noqa: E402
from ministack.core.responses import error_response_json  # noqa: E402
from ministack.services import dynamodb, firehose, lambda_svc, s3  # noqa: E402

FAULTS = Path(sys.argv[1])


def lasts(fault: str) -> bool:
    """Whether a fault is on now."""
    return (FAULTS / fault).exists()


def harm_firehose() -> None:
    """PutRecordBatch throttles, refuses, takes each second record, or takes all and does not say so."""
    put = firehose._HANDLERS["PutRecordBatch"]

    def harmed(data: dict[str, Any]) -> Any:
        if lasts("firehose-throttles"):
            return error_response_json("ServiceUnavailableException", "Slow down.", 503)
        if lasts("firehose-refuses"):
            return error_response_json("InvalidKMSResourceException", "The key is disabled.", 400)
        if lasts("firehose-takes-half") and len(data["Records"]) > 1:
            return _half(put, data)
        answer = put(data)
        if lasts("firehose-breaks-off"):
            return error_response_json("InternalFailure", "The connection broke off.", 500)
        return answer

    firehose._HANDLERS["PutRecordBatch"] = harmed


def _half(put: Any, data: dict[str, Any]) -> Any:
    status, headers, body = put({**data, "Records": data["Records"][::2]})
    taken = iter(json.loads(body)["RequestResponses"])
    refused = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
    said = [next(taken) if place % 2 == 0 else refused for place in range(len(data["Records"]))]
    answer = {"FailedPutCount": len(said) // 2, "Encrypted": False, "RequestResponses": said}
    return status, headers, json.dumps(answer).encode()


def deliver_twice() -> None:
    """Firehose's delivery is at least once: an object comes again, under another name."""
    put = firehose._put_s3_object

    def twice(bucket: str, key: str, body: bytes) -> None:
        put(bucket, key, body)
        if lasts("firehose-delivers-twice"):
            put(bucket, key.replace("-1-", "-2-", 1), body)

    firehose._put_s3_object = twice


def harm_s3() -> None:
    """S3 takes nothing for a landing, of Firehose and of the recorder alike."""
    handle = s3.handle_request

    async def refusing(method: str, path: str, *rest: Any, **options: Any) -> Any:
        if method == "PUT" and "/changes/" in path and lasts("s3-refuses"):
            return 503, {"Content-Type": "application/xml"}, b"<Error><Code>SlowDown</Code></Error>"
        return await handle(method, path, *rest, **options)

    s3.handle_request = refusing


def poison() -> None:
    """An attribute named ``poison`` comes in the stream with a type that nobody knows."""
    read = dynamodb.stream_records_since

    def poisoned(*asked: Any, **options: Any) -> Any:
        records = copy.deepcopy(read(*asked, **options))
        for record in records:
            image = record["dynamodb"].get("NewImage", {})
            if "poison" in image:
                image["poison"] = {"X": "of a type to come"}
        return records

    dynamodb.stream_records_since = poisoned


def poll_often() -> None:
    """Mappings are polled fifty times a second, not each second: minutes are short here."""
    waiting = threading.Event()

    def wait(_: float | None = None) -> bool:
        waiting.wait(0.02)
        return False

    lambda_svc._esm_wake.wait = wait


if __name__ == "__main__":
    shims.install()
    harm_firehose()
    deliver_twice()
    harm_s3()
    poison()
    poll_often()
    shims.serve()
