"""Only what failed is sent again, only where that may help, and only while Lambda has time."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from pipeline.functions.recorder.delivery import Delivery
from pipeline.functions.recorder.packing import Packed
from pipeline.replay.local import LocalClock, LocalContext, client_error
from tests.support.pipeline.capture import NOW, FakeFirehose, FakeS3

RECORDS = [Packed(name.encode(), number, 1) for number, name in enumerate(["one\n", "two\n", "three\n"])]


def throttle() -> Exception:
    return client_error("ServiceUnavailableException", 503, "Slow down.", "PutRecordBatch")


def denied() -> Exception:
    return client_error("AccessDeniedException", 400, "not authorized", "PutRecordBatch")


def deliver(firehose: FakeFirehose, timeout: float = 60) -> tuple[list[Packed], Delivery, LocalClock]:
    clock = LocalClock(NOW)
    delivery = Delivery(LocalContext(clock, timeout), clock.sleep)
    return delivery.send(firehose, "stream", RECORDS), delivery, clock


def test_only_what_failed_is_sent_again() -> None:
    """What Firehose took stays away from the second call; what it refused is in it."""
    refused = {b"two\n": 2}

    def refuses(data: bytes) -> bool:
        refused[data] = refused.get(data, 0) - 1
        return refused[data] >= 0

    firehose = FakeFirehose(refuses=refuses)
    failed, delivery, _ = deliver(firehose)
    assert failed == []
    assert firehose.calls == [[b"one\n", b"two\n", b"three\n"], [b"two\n"], [b"two\n"]]
    assert sorted(firehose.taken) == [b"one\n", b"three\n", b"two\n"]
    assert (delivery.calls, delivery.retries, delivery.errors) == (3, 2, {"InternalFailure": 2})


@pytest.mark.parametrize(
    "error",
    [
        throttle(),
        client_error("ThrottlingException", 400, "", "PutRecordBatch"),
        client_error("Whatever", 500, "", "PutRecordBatch"),
        client_error("Whatever", 429, "", "PutRecordBatch"),
        EndpointConnectionError(endpoint_url="https://firehose"),
        ReadTimeoutError(endpoint_url="https://firehose"),
        ConnectTimeoutError(endpoint_url="https://firehose"),
    ],
    ids=repr,
)
def test_what_passes_is_tried_again(error: Exception) -> None:
    """A call that failed as a whole, for a reason that passes, is made again with all its records."""
    firehose = FakeFirehose(errors=[error])
    failed, delivery, clock = deliver(firehose)
    assert failed == []
    assert firehose.calls == [[record.data for record in RECORDS]] * 2
    assert (delivery.calls, delivery.retries) == (2, 1)
    assert clock.seconds > NOW


@pytest.mark.parametrize(
    "error",
    [
        denied(),
        client_error("ResourceNotFoundException", 400, "", "PutRecordBatch"),
        client_error("ExpiredTokenException", 403, "", "PutRecordBatch"),
        NoCredentialsError(),
    ],
    ids=repr,
)
def test_what_does_not_pass_is_not_tried_again(error: Exception) -> None:
    """Where permission or the stream is missing, all is reported at once, for Lambda's own retries to deal with."""
    firehose = FakeFirehose(errors=[error])
    failed, delivery, clock = deliver(firehose)
    assert failed == RECORDS
    assert (len(firehose.calls), clock.seconds) == (1, NOW)
    assert sum(delivery.errors.values()) == 1


def test_gives_up_before_lambda_ends() -> None:
    """While Firehose refuses all, the recorder goes on, with longer pauses, and still answers with 2 s to spare."""
    firehose = FakeFirehose(refuses=lambda data: True)
    failed, delivery, clock = deliver(firehose, timeout=60)
    assert failed == RECORDS
    assert 10 < len(firehose.calls) < 60
    assert 30 < clock.seconds - NOW <= 60 - 14
    assert delivery.errors["OutOfTime"] == 1


def test_no_call_that_could_outlast_lambda() -> None:
    """A call may hang for 12 s, so after the first none begins with less than that and 2 s left."""
    begun: list[float] = []
    clock = LocalClock(NOW)
    firehose = FakeFirehose(before=lambda: (begun.append(clock.seconds), clock.sleep(12))[0], refuses=lambda data: True)
    delivery = Delivery(LocalContext(clock, 60), clock.sleep)
    assert delivery.send(firehose, "stream", RECORDS) == RECORDS
    assert len(begun) >= 3
    assert all(start + 12 <= NOW + 60 - 2 for start in begun)


def test_first_call_is_made_however_short_the_time() -> None:
    """With a timeout of seconds the batch is still tried once: else it would never move on."""
    failed, delivery, _ = deliver(FakeFirehose(), timeout=3)
    assert (failed, delivery.calls) == ([], 1)


@pytest.mark.parametrize(
    "answer",
    [
        {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "x"}]},
        {"FailedPutCount": 1, "RequestResponses": [{"RecordId": "x"}] * 3},
        {},
    ],
)
def test_an_unclear_answer_counts_as_a_failure(answer: dict[str, object]) -> None:
    """Where the answer does not say what became of each record, all are sent again: twice is better than never."""
    answers = [answer, {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "x"}] * 3}]
    sent: list[int] = []

    class Unclear:
        def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, object]:
            sent.append(len(Records))
            return answers.pop(0)

    clock = LocalClock(NOW)
    assert Delivery(LocalContext(clock, 60), clock.sleep).send(Unclear(), "stream", RECORDS) == []
    assert sent == [3, 3]


def test_s3_is_tried_again_too() -> None:
    """An object is there once S3 has got over its trouble; where it may not be put, that is said at once."""
    clock = LocalClock(NOW)
    slow = client_error("SlowDown", 503, "", "PutObject")
    s3 = FakeS3(errors=[slow, slow])
    assert Delivery(LocalContext(clock, 60), clock.sleep).store(s3, "bucket", "key", b"body")
    assert s3.objects == {"key": b"body"}
    s3 = FakeS3(errors=[client_error("AccessDenied", 403, "", "PutObject")] * 9)
    assert not Delivery(LocalContext(clock, 60), clock.sleep).store(s3, "bucket", "key", b"body")
    assert len(s3.errors) == 8


def test_trouble_with_firehose_does_not_keep_s3_from_being_tried() -> None:
    """What one service denies says nothing of the other."""
    clock = LocalClock(NOW)
    delivery = Delivery(LocalContext(clock, 60), clock.sleep)
    assert delivery.send(FakeFirehose(errors=[denied()]), "stream", RECORDS) == RECORDS
    assert delivery.store(FakeS3(), "bucket", "key", b"body")
