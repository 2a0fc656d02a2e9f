"""The handler: every record of a batch is stored, or at or after the checkpoint that Lambda is given."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

import pipeline.functions
from pipeline.functions.recorder import app
from pipeline.functions.recorder.app import NotAStreamEventError, Recorder
from pipeline.functions.recorder.record import convert
from pipeline.functions.recorder.redact import Redaction
from pipeline.functions.recorder.storage import Storage
from pipeline.replay.local import Faults, LocalClock, LocalContext, LocalFirehose, LocalS3, client_error
from tests.support.pipeline.capture import EVENTS, NOW, STREAM, Capture, FakeFirehose, FakeS3, event, record

BIG = {"S": "x" * 400_000}


def denied(*_: Any) -> Exception:
    return client_error("AccessDenied", 403, "", "PutObject")


@pytest.mark.parametrize(
    "name", sorted({path.stem for path in EVENTS.glob("*.json")} - {"poison", "kinesis", "on_failure"})
)
def test_realistic_events(name: str) -> None:
    """Each record of a realistic event lands as one line, in order, and nothing is reported."""
    capture = Capture()
    records = event(name)["Records"]
    assert capture.run(records) is None
    landed = capture.landed()
    assert [line["event_id"] for line in landed] == [one["eventID"] for one in records]
    assert [line["action"] for line in landed] == [one["eventName"] for one in records]
    assert [line["stream"] for line in landed] == [STREAM] * len(records)
    assert capture.logs[-1]["lines"] == len(records)


def test_poison_is_kept_raw_and_the_rest_lands() -> None:
    """What cannot be converted lies raw under failed/records, by number and content; the rest lands: all is done."""
    capture = Capture()
    records = event("poison")["Records"]
    assert capture.run(records) is None
    assert capture.landed_numbers() == {int(records[at]["dynamodb"]["SequenceNumber"]) for at in (0, 5)}
    kept = {name.rpartition("-")[0]: json.loads(body) for name, body in capture.s3.objects.items()}
    for one in records[1:4]:
        assert kept.pop(f"todo/failed/records/{one['dynamodb']['SequenceNumber']:0>40}") == one
    assert kept == {"todo/failed/records/unnumbered": records[4]}
    assert (capture.logs[-1]["level"], capture.logs[-1]["unconverted"]) == ("ERROR", 4)


@pytest.mark.parametrize("spoiled", [{"bad": {"Q": 1}}, {"big": {"S": '"' * 520_000}}])
def test_changes_that_claim_one_number_do_not_overwrite_each_other(spoiled: dict[str, Any]) -> None:
    """Nor those of different batches; the same sent again is one object. Long lines alike: one lost copy would hide
    that two of them differ."""
    capture = Capture()
    first, second = record(5, **spoiled), record(5, **spoiled, other={"S": "x"})
    for batch in ([first, second], [second], [first]):
        assert capture.run(batch) is None
    assert len(capture.s3.objects) == 2


def test_poison_that_cannot_be_put_is_reported() -> None:
    """Where S3 refuses the raw record, its number is the checkpoint; what lies before it is done."""
    capture = Capture(s3=FakeS3(errors=[denied()]))
    records = [record(5), record(7), record(9)]
    records[1]["eventName"] = "UPSERT"
    assert capture.run(records) == "7"
    assert capture.landed_numbers() == {5, 9}


def test_poison_without_a_number_fails_the_whole_batch_rather_than_vanish() -> None:
    """A record that can be named by nothing is reported by the one way there is: everything is sent again."""
    capture = Capture(s3=FakeS3(errors=[denied()]))
    records = [record(5), record(7)]
    del records[1]["dynamodb"]["SequenceNumber"]
    assert capture.run(records) == ""
    assert capture.run(records) is None
    assert capture.landed_numbers() == {5}
    assert [json.loads(body) for body in capture.s3.objects.values()] == [records[1]]


def test_raw_records_keep_every_character() -> None:
    """Even half a surrogate pair, which UTF-8 cannot hold, comes back from the raw record."""
    capture = Capture()
    one = record(7, odd={"S": "\ud83c"})
    assert capture.run([one]) is None
    assert [json.loads(body) for body in capture.s3.objects.values()] == [one]


def test_line_too_long_for_firehose_is_an_object_of_its_own() -> None:
    """Two images of 400 KB of quotes are over 1,000 KiB: the line is in the landing's day, by its number, whole."""
    capture = Capture()
    one = record(9, big={"S": '"' * 380_000})
    one["eventName"], one["dynamodb"]["OldImage"] = "MODIFY", {**one["dynamodb"]["NewImage"], "n": {"N": "1"}}
    assert capture.run([record(5), one]) is None
    (name,) = capture.s3.objects
    assert re.fullmatch(rf"todo/changes/2020/10/26/oversize-{9:040}-[0-9a-f]{{32}}\.gz", name)
    assert len(gzip.decompress(capture.s3.objects[name])) > 1_024_000
    assert capture.landed_numbers() == {5, 9}
    assert capture.logs[-1]["oversize"] == 1


def test_longest_line_that_firehose_takes(tmp_path: Path) -> None:
    """A line of exactly 1,024,000 bytes goes through Firehose, one byte more makes it an object of its own."""
    spare = 1_024_000 - len(convert(record(7, big={"S": ""}), Redaction()).data)
    for extra, names in ((0, ["replay-1"]), (1, ["oversize", "replay-1"])):
        clock, s3 = LocalClock(NOW), LocalS3(tmp_path)
        firehose = LocalFirehose(s3, clock)
        recorder = Recorder(firehose, "replay", Storage(s3, "bucket", clock=lambda: NOW), sleep=clock.sleep)
        one = record(7, big={"S": "x" * (spare + extra)})
        assert recorder.record({"Records": [one]}, LocalContext(clock, 60)) == {"batchItemFailures": []}
        firehose.flush()
        assert sorted({path.name[:8] for path in tmp_path.glob("changes/*/*/*/*")}) == names


def test_slow_puts_stop_before_lambda_does() -> None:
    """Where many records go to S3 one by one and slowly, what there is no time for is the checkpoint, not lost."""
    capture = Capture(timeout=60)
    put = capture.s3.put_object

    def slow_put(**request: Any) -> Any:
        capture.clock.sleep(12)
        return put(**request)

    capture.s3.put_object = slow_put  # type: ignore[method-assign]
    records = [record(number, bad={"Q": 1}) for number in range(1, 9)]
    checkpoint = capture.run(records)
    assert checkpoint == "5"
    assert capture.clock.seconds == NOW + 48
    assert sorted(name.split("-")[0][-1] for name in capture.s3.objects) == ["1", "2", "3", "4"]


def test_line_too_long_whose_put_fails_is_reported() -> None:
    """No long line is lost: where S3 refuses it, it is the checkpoint."""
    capture = Capture(s3=FakeS3(errors=[denied()]))
    assert capture.run([record(5), record(9, big={"S": '"' * 400_000})]) == "9"
    assert capture.run([record(9, big={"S": '"' * 400_000})]) is None
    assert capture.landed_numbers() == {5, 9}


def test_checkpoint_is_the_lowest_number_not_the_lowest_text() -> None:
    """Sequence numbers have different lengths: 99 is below 100, though its text is above."""
    capture = Capture(firehose=FakeFirehose(errors=[denied()]))
    assert capture.run([record(100), record(99), record(1000)]) == "99"
    assert capture.logs[-1]["lowest_failed"] == "99"


def test_failure_of_one_firehose_record_maps_to_its_own_lines() -> None:
    """Of several packed records one fails for good: the checkpoint is its lowest line, not the batch's."""
    capture = Capture(firehose=FakeFirehose(refuses=lambda data: b'"t12"' in data or b't12\\"' in data))
    records = [record(number, big=BIG) for number in range(10, 16)]
    assert capture.run(records) == "12"
    assert capture.landed_numbers() == {10, 11, 14, 15}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        {"Records": None},
        {"Records": ["text"]},
        {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
        {"Records": [{"body": "x"}]},
        {"key1": "value1"},
    ],
    ids=repr,
)
def test_other_events_are_refused(wrong: Any) -> None:
    """A function wired to something else fails loudly, and stores nothing."""
    capture = Capture()
    with pytest.raises(NotAStreamEventError, match=r"expected|records DynamoDB"):
        capture.recorder.record(wrong, None)
    with pytest.raises(NotAStreamEventError):
        capture.recorder.record(event("kinesis"), None)
    assert (capture.firehose.calls, capture.s3.objects) == ([], {})


@pytest.mark.parametrize("name", ["every_type", "poison", "ttl_delete"])
def test_logs_tell_counts_and_no_content(name: str) -> None:
    """A batch is one log line of JSON, in which no value of an item or key appears, whatever went wrong."""
    capture = Capture(firehose=FakeFirehose(errors=[denied()]), s3=FakeS3(errors=[denied()] * 9))
    capture.run(event(name)["Records"])
    (log,) = capture.logs
    text = json.dumps(log, ensure_ascii=False)
    for one in event(name)["Records"]:
        for image in (one["dynamodb"]["Keys"], one["dynamodb"].get("NewImage", {})):
            for attribute in image.values():
                for value in attribute.values():
                    assert not (isinstance(value, str) and len(value) > 2 and value in text)
    assert {"records", "bytes", "billed_bytes", "calls", "retries", "errors", "lowest_failed"} <= log.keys()


def test_what_was_not_recorded_is_a_metric_of_the_stack() -> None:
    """Changes that Firehose or S3 did not take, each counted, and those set aside: in the batch's own log line, which
    CloudWatch takes for metrics. A batch that was recorded tells none."""
    capture = Capture(FakeFirehose(errors=[client_error("AccessDenied", 403, "", "PutRecordBatch")]))
    capture.recorder.stack = "histlib-things"
    poison = record(9)
    poison["eventName"] = "UPSERT"
    assert capture.run([record(5), record(7), poison]) == "5"
    told = capture.logs[-1]
    counts = {"Refused": 2, "SetAside": 1, "Unrecorded": 3}
    assert {name: told[name] for name in counts} == counts
    assert told["StackName"] == "histlib-things"
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "histlib",
        "Dimensions": [["StackName"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    assert told["_aws"]["Timestamp"] == NOW * 1_000
    assert capture.run([record(5), record(7)]) is None
    assert "_aws" not in capture.logs[-1]
    capture.s3.errors, capture.recorder.stack = [denied()], ""
    assert capture.run([poison]) == "9"
    assert "_aws" not in capture.logs[-1]


def test_rules_that_name_keys_are_told_once() -> None:
    """Key attributes are never dropped, and the log says so, once."""
    capture = Capture(redact="todoId, email")
    capture.run([record(5)])
    capture.run([record(6)])
    assert [log["names"] for log in capture.logs if "names" in log] == [["todoId"]]
    assert capture.landed_numbers() == {5, 6}


def test_redaction_holds_for_raw_records_too() -> None:
    """A poison record under failed/records lacks what REDACT names."""
    capture = Capture(redact="email")
    capture.run([record(5, email={"S": "SECRET"}, bad={"Q": 1})])
    (body,) = capture.s3.objects.values()
    assert b"SECRET" not in body
    assert json.loads(body)["dynamodb"]["NewImage"]["bad"] == {"Q": 1}


troubles = st.builds(
    Faults,
    throttle=st.sampled_from([0.0, 0.3, 0.95, 1.0]),
    refuse=st.sampled_from([0.0, 0.3, 0.95, 1.0]),
    s3=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 10**6),
)
kinds = st.lists(st.sampled_from(["small", "big", "oversize", "poison", "unnumbered"]), min_size=1, max_size=12)
SPOILED = {
    "big": BIG,
    "oversize": {"S": '"' * 520_000},
    "poison": {"Q": 1},
    "unnumbered": {"S": ""},
    "small": {"S": ""},
}


@given(kinds, troubles)
def test_nothing_is_lost_whatever_fails(
    tmp_path_factory: pytest.TempPathFactory, batch: list[str], faults: Faults
) -> None:
    """Under any throttling and partial failures each record is stored, or at or after the reported checkpoint."""
    folder = tmp_path_factory.mktemp("history")
    clock = LocalClock(NOW)
    s3 = LocalS3(folder, faults)
    firehose = LocalFirehose(s3, clock, faults=faults)
    logs: list[dict[str, Any]] = []
    storage = Storage(s3, "bucket", "", lambda: clock.seconds)
    recorder = Recorder(firehose, "replay", storage, Redaction(), clock.sleep, logs.append)
    records = [record(90 + at, kind=SPOILED[kind]) for at, kind in enumerate(batch)]
    for one, kind in zip(records, batch, strict=True):
        if kind == "unnumbered":
            del one["dynamodb"]["SequenceNumber"]
    failures = recorder.record({"Records": records}, LocalContext(clock, 60))["batchItemFailures"]
    firehose.flush()
    assert clock.seconds <= NOW + 60 - 2
    stored = {name.split("-")[1] for name in s3.written if "oversize" in name}
    stored |= {Path(name).name.split("-")[0] for name in s3.written if name.startswith("failed/records/")}
    for path in folder.glob("changes/*/*/*/replay-*.gz"):
        stored |= {json.loads(line)["sequence_number"] for line in gzip.decompress(path.read_bytes()).splitlines()}
    if failures == [{"itemIdentifier": ""}]:
        return
    checkpoint = int(failures[0]["itemIdentifier"]) if failures else 10**40
    for at, kind in enumerate(batch):
        if kind == "unnumbered":
            assert "unnumbered" in stored
        else:
            assert 90 + at >= checkpoint or f"{90 + at:040}" in stored
    if failures:
        assert f"{checkpoint:040}" not in stored
    else:
        assert logs[-1]["lowest_failed"] is None


def test_lambda_handler_is_what_lambda_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two arguments the environment decides; a missing or wrong setting says what to do."""
    app._from_environment.cache_clear()
    for name in ("DELIVERY_STREAM_NAME", "BUCKET", "PREFIX", "REDACT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(RuntimeError, match="DELIVERY_STREAM_NAME is not set"):
        app.lambda_handler(event("insert"), None)
    monkeypatch.setenv("DELIVERY_STREAM_NAME", "stream")
    monkeypatch.setenv("BUCKET", "bucket")
    monkeypatch.setenv("REDACT", "a..b")
    with pytest.raises(ValueError, match="REDACT"):
        app.lambda_handler(event("insert"), None)
    monkeypatch.setenv("REDACT", "email")
    made = app._from_environment()
    assert (made.stream, made.storage.bucket, made.redaction.rules) == ("stream", "bucket", ("email",))
    assert app.lambda_handler(event("empty"), None) == {"batchItemFailures": []}
    app._from_environment.cache_clear()


@mock_aws
def test_boto3_takes_what_the_handler_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Called as Lambda does, with boto3's own clients, the lines, the long one and the raw one are in the bucket."""
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "DELIVERY_STREAM_NAME": "stream",
        "BUCKET": "history",
        "BUCKET_OWNER": "123456789012",
        "PREFIX": "todo/",
    }.items():
        monkeypatch.setenv(name, value)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="history", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    boto3.client("firehose").create_delivery_stream(
        DeliveryStreamName="stream",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::111122223333:role/firehose",
            "BucketARN": "arn:aws:s3:::history",
            "Prefix": "todo/changes/",
        },
    )
    app._from_environment.cache_clear()
    records = [record(5), record(7, bad={"Q": 1}), record(9, big={"S": '"' * 520_000})]
    assert app.lambda_handler({"Records": records}, None) == {"batchItemFailures": []}
    app._from_environment.cache_clear()
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="history")["Contents"]]
    (landed,) = [key for key in keys if "/stream-" in key]
    body = s3.get_object(Bucket="history", Key=landed)["Body"].read()
    assert [json.loads(line)["event_id"] for line in body.splitlines()] == ["event-5"]
    oversize, raw = sorted({*keys} - {landed})
    assert re.fullmatch(rf"todo/changes/\d{{4}}/\d{{2}}/\d{{2}}/oversize-{9:040}-\w{{32}}\.gz", oversize)
    assert raw.startswith(f"todo/failed/records/{7:040}-")


def test_lambda_needs_nothing_but_boto3(tmp_path: Path) -> None:
    """The package works under Lambda's name for it, and loads nothing of histlib nor the rest of pipeline."""
    shutil.copytree(Path(pipeline.functions.__file__).parent, tmp_path / "functions")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import functions.recorder.app as app; import json;"
        "assert app.lambda_handler.__module__ == 'functions.recorder.app';"
        "third = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names);"
        "print(sorted(third - {'functions', 'botocore', 'boto3', '__main__'}))"
    )
    said = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"histlib", "pipeline", "msgspec", "duckdb", "pandas"} & set(json.loads(said.replace("'", '"')))
