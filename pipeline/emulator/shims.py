"""Where MiniStack 1.5.33 is not AWS and the pipeline would see it: each place by name, mended as little as will do.

Run in MiniStack's environment, this file is MiniStack with its shims: ``python shims.py``. ``python shims.py bare`` is
MiniStack as it is, on which ``tests/aws/test_shims.py`` sees each fault: once MiniStack is AWS there, that test fails
and the shim goes. Left as they are, since nothing here hangs on them: Firehose delivers at once, whatever its buffer;
a stream has one shard; batches are not bisected, not gathered, and not refused for their age; TTL deletes nothing; a
set written again in another order is a change; CloudFormation makes resources whatever its caller may do.
"""

from __future__ import annotations

import asyncio
import contextvars
import gzip
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import new_uuid, request_scope
from ministack.services import cloudwatch, firehose, lambda_svc, s3
from ministack.services.cloudformation import helpers, provisioners

Record = dict[str, Any]
SHARD: Final = "shardId-00000000000000000000-00000000"


def the_loopback_counts_as_tls() -> None:
    """It listens on the loopback without TLS, which bucket policies refuse: here each request counts as made by TLS."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda address, _: pin(address, True)


def iam_knows_the_namespace_of_metrics() -> None:
    """IAM is not told ``cloudwatch:namespace``, so a role that may write to one namespace may not: here it is told."""
    context = iam_actions.request_tag_context

    def told(service: str, action: str, body: bytes, params: Record) -> Record:
        found: Record = context(service, action, body, params)
        if action != "cloudwatch:PutMetricData":
            return found
        asked = json.loads(body) if body.startswith(b"{") else dict(parse_qsl(body.decode()))
        return {**found, "cloudwatch:namespace": asked["Namespace"]}

    iam_actions.request_tag_context = told


def iam_knows_a_mapping_from_the_list_of_them() -> None:
    """IAM takes GetEventSourceMapping for ListEventSourceMappings, and knows no change of one: here each has a name."""
    action = iam_actions._lambda_action
    names = {"GET": "GetEventSourceMapping", "PUT": "UpdateEventSourceMapping", "DELETE": "DeleteEventSourceMapping"}

    def named(method: str, path: str) -> str | None:
        is_one = path.rstrip("/").split("/")[-2] == "event-source-mappings"
        known: str | None = action(method, path)
        return names[method] if is_one else known

    iam_actions._lambda_action = named


def iam_knows_the_stream_that_is_asked() -> None:
    """IAM sees the resource of a call that names a stream as ``*``, so a role for one stream may not: here it is that
    stream."""
    extract = iam_actions.extract_resource_arn

    def told(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = extract(service, method, path, headers, body, *rest)
        return json.loads(body).get("StreamArn", found) if service == "dynamodbstreams" else found

    iam_actions.extract_resource_arn = told


def templates_are_found_by_their_address() -> None:
    """CloudFormation seeks a template's bucket in the path of its URL only: here also in its host, where AWS has it."""
    parse = helpers.urlparse

    def by_path(url: str) -> Any:
        parsed = parse(url)
        bucket, is_in_host, _ = parsed.netloc.partition(".s3.")
        return parsed._replace(path=f"/{bucket}{parsed.path}") if is_in_host else parsed

    helpers.urlparse = by_path


def alarms_of_metric_math() -> None:
    """CloudFormation refuses an alarm on a formula: here the alarm is on the first metric of that formula."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]

    def plain(props: Record) -> Record:
        stats = [one["MetricStat"] for one in props.get("Metrics", ()) if "MetricStat" in one]
        if not stats:
            return props
        rest = {name: value for name, value in props.items() if name != "Metrics"}
        return {**rest, **stats[0]["Metric"], "Statistic": stats[0]["Stat"], "Period": stats[0]["Period"]}

    def create(logical_id: str, props: Record, *rest: Any) -> Any:
        return handlers["create"](logical_id, plain(props), *rest)

    def update(physical_id: str, old: Record, new: Record, *rest: Any) -> Any:
        return handlers["update"](physical_id, plain(old), plain(new), *rest)

    provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"] = {**handlers, "create": create, "update": update}


def an_updated_mapping_keeps_its_numbers() -> None:
    """CloudFormation leaves a mapping's updated numbers as texts, on which its poller fails: here they are numbers."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    numbers = ("BatchSize", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts")

    def update(physical_id: str, old: Record, new: Record, *rest: Any) -> Any:
        read = {name: int(new[name]) for name in numbers if name in new}
        return handlers["update"](physical_id, old, {**new, **read}, *rest)

    provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"] = {**handlers, "update": update}


def firehose_compresses() -> None:
    """Firehose ignores ``CompressionFormat``: here GZIP compresses, and ``.gz`` ends the object's name."""
    deliver = firehose._deliver_to_s3

    def compressed(stream: Record, dest: Record, data: bytes, keys: Any = None) -> None:
        if dest["config"].get("CompressionFormat") == "GZIP":
            dest = {**dest, "config": {**dest["config"], "FileExtension": ".gz"}}
            data = gzip.compress(data)
        deliver(stream, dest, data, keys)

    firehose._deliver_to_s3 = compressed


def firehose_tries_again() -> None:
    """Firehose forgets what S3 does not take: here it tries until S3 does, and tells CloudWatch of it as AWS does."""
    delivery = _Delivery()
    deliver, put = firehose._deliver_to_s3, firehose._HANDLERS["PutRecordBatch"]

    def note_stream(stream: Record, dest: Record, data: bytes, keys: Any = None) -> None:
        delivery.stream = stream["name"]
        deliver(stream, dest, data, keys)

    def count(data: Record) -> Any:
        _measure("AWS/Firehose", "IncomingRecords", len(data["Records"]), DeliveryStreamName=data["DeliveryStreamName"])
        return put(data)

    firehose._deliver_to_s3, firehose._put_s3_object = note_stream, delivery.put
    firehose._HANDLERS["PutRecordBatch"] = count


class _Delivery:
    """Firehose's objects on their way to S3; ``stream`` is that of the next one, which Firehose's lock guards."""

    def __init__(self) -> None:
        self.stream = ""
        self._waiting: list[tuple[contextvars.Context, str, float, str, str, bytes]] = []
        self._some = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self._waiting.append((contextvars.copy_context(), self.stream, time.time(), bucket, key, body))
        self._some.set()

    def _work(self) -> None:
        while self._some.wait():
            self._some.clear()
            for one in list(self._waiting):
                if one[0].run(self._taken, *one[1:]):
                    self._waiting.remove(one)
            if self._waiting:
                threading.Event().wait(0.05)
                self._some.set()

    def _taken(self, stream: str, since: float, bucket: str, key: str, body: bytes) -> bool:
        headers = {"content-type": "application/octet-stream", "content-length": str(len(body)), "host": "s3.localhost"}
        answer = asyncio.run(s3.handle_request("PUT", f"/{bucket}/{key}", headers, body, {}, internal=True))
        taken = int(answer[0]) < 300
        _measure("AWS/Firehose", "DeliveryToS3.Success", float(taken), DeliveryStreamName=stream)
        _measure("AWS/Firehose", "DeliveryToS3.DataFreshness", time.time() - since, DeliveryStreamName=stream)
        return taken


def mappings_heed_batch_item_failures() -> None:
    """A mapping takes a batch for done whatever the function reports: here it goes on from the lowest number reported,
    gives a batch up after ``MaximumRetryAttempts``, and tells CloudWatch of its calls, all as AWS does."""
    execute = lambda_svc._execute_function
    failed: dict[str, tuple[str, int]] = {}  # mapping → the first number of the batch that failed last, how often

    def invoke(function: Record, event: Record) -> Any:
        result = execute(function, event)
        records = event.get("Records", ()) if isinstance(event, dict) else ()
        mapping = _mapping_of(function, records)
        if mapping is None or result.get("throttle"):
            return result
        done = _done(records, result)
        _tell_of_call(mapping, records, result, done)
        if done == len(records):
            return result
        _advance(mapping, done)
        rest, first = records[done:], records[done]["dynamodb"]["SequenceNumber"]
        before, count = failed.get(mapping["UUID"], ("", 0))
        failed[mapping["UUID"]] = first, count + 1 if before == first else 1
        if 0 <= int(mapping.get("MaximumRetryAttempts", -1)) < failed[mapping["UUID"]][1]:
            why = "RetryAttemptsExhausted"
            lambda_svc._send_ddb_stream_failure_record(mapping, function, rest, mapping["EventSourceArn"], result, why)
            _advance(mapping, len(rest))
        return {"body": result.get("body"), "error": True, "log": result.get("log", "")}

    lambda_svc._execute_function = invoke


def _mapping_of(function: Record, records: Any) -> Record | None:
    """The mapping for which MiniStack's poller calls, by the function and the stream of what it sends."""
    if not records or records[0].get("eventSource") != "aws:dynamodb":
        return None
    name, source = (function.get("config") or function)["FunctionName"], records[0]["eventSourceARN"]
    found = [one for one in lambda_svc._esms.values() if (one["FunctionName"], one["EventSourceArn"]) == (name, source)]
    return found[0] if found else None


def _done(records: list[Record], result: Record) -> int:
    """How many records from the first on are done."""
    body = result.get("body")
    if result.get("error") or not isinstance(body, dict):
        return 0 if result.get("error") else len(records)
    places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(records)}
    reported = body.get("batchItemFailures") or ()
    return min((places.get(one.get("itemIdentifier"), 0) for one in reported), default=len(records))


def _advance(mapping: Record, records: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] += records


def _tell_of_call(mapping: Record, records: list[Record], result: Record, done: int) -> None:
    name, count = mapping["FunctionName"], len(records)
    age = time.time() - float(records[-1]["dynamodb"]["ApproximateCreationDateTime"])
    lambda_svc._emit_lambda_metrics(name, 0.0, bool(result.get("error")), False)
    _measure("AWS/Lambda", "IteratorAge", max(0.0, age) * 1_000, FunctionName=name)
    _measure("AWS/Lambda", "InvokedEventCount", count, EventSourceMappingUUID=mapping["UUID"])
    _measure("AWS/Lambda", "FailedInvokeEventCount", count * (done < count), EventSourceMappingUUID=mapping["UUID"])


def mappings_tell_their_last_result_in_words() -> None:
    """``LastProcessingResult`` is ``OK - 3 records`` or ``FAILED``: here it is ``OK``, or ``PROBLEM: …``, as on AWS."""
    answer = lambda_svc._esm_response
    known = {"FAILED": "PROBLEM: Function call failed"}

    def reworded(mapping: Record) -> Record:
        told = answer(mapping)
        result = str(told.get("LastProcessingResult"))
        return {**told, "LastProcessingResult": "OK" if result.startswith("OK - ") else known.get(result, result)}

    lambda_svc._esm_response = reworded


def mappings_count_polls() -> None:
    """No poll is counted: here each poll of an enabled mapping counts what it found, which may be nothing."""
    poll = lambda_svc._poll_dynamodb_streams

    def counted() -> bool:
        places = dict(lambda_svc._dynamodb_stream_positions._data)
        found = bool(poll())
        for account, region, mapping in lambda_svc._iter_all_esms():
            if mapping.get("Enabled", True) and ":dynamodb:" in mapping.get("EventSourceArn", ""):
                at = (account, region, mapping["UUID"])
                count = lambda_svc._dynamodb_stream_positions._data.get(at, 0) - places.get(at, 0)
                with request_scope(account, region):
                    _measure("AWS/Lambda", "PolledEventCount", count, EventSourceMappingUUID=mapping["UUID"])
        return found

    lambda_svc._poll_dynamodb_streams = counted


def mappings_keep_what_they_give_up_in_s3() -> None:
    """What a mapping gives up goes to SQS or SNS only: here to S3 as well, whole, under AWS's name."""
    send = lambda_svc._send_ddb_stream_failure_record

    def keep(mapping: Record, *asked: Any) -> None:
        _, batch, stream, _, why = asked
        destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
        if ":s3:::" not in destination:
            send(mapping, *asked)
            return
        now = time.gmtime()
        place = f"aws/lambda/{mapping['UUID']}/{SHARD}/{time.strftime('%Y/%m/%d/%Y-%m-%dT%H.%M.%S', now)}-{new_uuid()}"
        body = json.dumps(_given_up(mapping, batch, stream, why, now)).encode()
        headers = {"content-length": str(len(body)), "host": "s3.localhost"}
        path = f"/{destination.rpartition(':')[2]}/{place}"
        answer = asyncio.run(s3.handle_request("PUT", path, headers, body, {}, internal=True))
        name = "OnFailureDestinationDeliveredEventCount" if int(answer[0]) < 300 else "DroppedEventCount"
        _measure("AWS/Lambda", name, len(batch), EventSourceMappingUUID=mapping["UUID"])

    lambda_svc._send_ddb_stream_failure_record = keep


def _given_up(mapping: Record, batch: list[Record], stream: str, why: str, now: time.struct_time) -> Record:
    """What Lambda puts in S3 (its developer guide, "Retaining discarded batches")."""
    first, last = batch[0]["dynamodb"], batch[-1]["dynamodb"]
    iso = "%Y-%m-%dT%H:%M:%SZ"
    arrivals = (time.gmtime(float(one["ApproximateCreationDateTime"])) for one in (first, last))
    begin, end = (time.strftime(iso, one) for one in arrivals)
    return {
        "requestContext": {"requestId": new_uuid(), "functionArn": mapping["FunctionArn"], "condition": why},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
        "version": "1.0",
        "timestamp": time.strftime(iso, now),
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": begin,
            "approximateArrivalOfLastRecord": end,
            "batchSize": len(batch),
            "streamArn": stream,
        },
        "payload": json.dumps({"Records": batch}),
    }


def _measure(namespace: str, name: str, value: float, **dimensions: str) -> None:
    cloudwatch.record_metric(namespace, name, value, "None", dimensions)


#: In this order: what the last one wraps holds those before it.
SHIMS: Final[tuple[Callable[[], None], ...]] = (
    the_loopback_counts_as_tls,
    iam_knows_the_namespace_of_metrics,
    iam_knows_a_mapping_from_the_list_of_them,
    iam_knows_the_stream_that_is_asked,
    templates_are_found_by_their_address,
    alarms_of_metric_math,
    an_updated_mapping_keeps_its_numbers,
    firehose_compresses,
    firehose_tries_again,
    mappings_heed_batch_item_failures,
    mappings_keep_what_they_give_up_in_s3,
    mappings_tell_their_last_result_in_words,
    mappings_count_polls,
)


def install() -> None:
    """Mend all."""
    for shim in SHIMS:
        shim()


def serve() -> None:
    """Be MiniStack, until whoever started this ends it, or is gone and with it the other end of our standard input."""

    def end_with_parent() -> None:
        sys.stdin.read()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.argv[1:] = []
    app.main()


if __name__ == "__main__":
    if sys.argv[1:] != ["bare"]:
        install()
    serve()
