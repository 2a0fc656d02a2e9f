"""Delivery to Firehose and S3: what failed is sent again, and only that, while the time lasts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from .packing import Packed, calls

#: Seconds that one call may take: the timeouts that the clients are made with.
CONNECT_SECONDS, READ_SECONDS = 2, 10
#: Seconds kept free for the answer to Lambda.
MARGIN_SECONDS = 2
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

#: Codes that pass by themselves, beside every 5xx and 429.
_PASSING = frozenset(
    (
        "InternalFailure",
        "KMSThrottlingException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    )
)

_T = TypeVar("_T")


class Firehose(Protocol):
    """What the recorder needs of a Firehose client."""

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]: ...


class S3(Protocol):
    """What the recorder needs of an S3 client."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any: ...


class Context(Protocol):
    """What the recorder needs of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int: ...


class Delivery:
    """The calls for one batch. ``calls``, ``retries`` and ``errors`` (code → how often) count what happened."""

    def __init__(self, context: Context | None, sleep: Callable[[float], None]) -> None:
        self._context = context
        self._sleep = sleep
        self._passing = True
        self.calls = self.retries = 0
        self.errors: Counter[str] = Counter()

    def send(self, firehose: Firehose, stream: str, records: Sequence[Packed]) -> list[Packed]:
        """Put the records into the delivery stream; returns those that it did not take."""

        def put(batch: list[Packed]) -> list[Packed]:
            data = [{"Data": record.data} for record in batch]
            answer = self._call(lambda: firehose.put_record_batch(DeliveryStreamName=stream, Records=data))
            return batch if answer is None else self._refused(batch, answer)

        return self._persist(list(records), lambda pending: [one for batch in calls(pending) for one in put(batch)])

    def store(self, s3: S3, bucket: str, key: str, body: bytes) -> bool:
        """Put one object; returns whether it is there now."""

        def put(pending: list[str]) -> list[str]:
            answer = self._call(lambda: s3.put_object(Bucket=bucket, Key=key, Body=body))
            return pending if answer is None else []

        return not self._persist([key], put)

    def _persist(self, pending: list[_T], put: Callable[[list[_T]], list[_T]]) -> list[_T]:
        """Call ``put``, which returns what failed, until nothing fails, it can only fail again, or the time is up."""
        self._passing = True
        attempt = 0
        while pending := put(pending):
            if not (self._passing and self._pause(attempt)):
                break
            attempt += 1
            self.retries += 1
        return pending

    def _call(self, call: Callable[[], Any]) -> Any:
        """The answer of a call; None where there is none, for a reason now counted in ``errors``."""
        if not self._passing:
            return None
        if self.calls and not self._has_time():
            self.errors["OutOfTime"] += 1
            return None
        self.calls += 1
        try:
            return call()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "Unknown"))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            self._passing = code in _PASSING or status >= 500 or status == 429
            self.errors[code] += 1
        except BotoCoreError as error:
            self._passing = isinstance(error, (ConnectionError, HTTPClientError))
            self.errors[type(error).__name__] += 1
        return None

    def _refused(self, batch: list[Packed], answer: dict[str, Any]) -> list[Packed]:
        """What the answer says was not taken: all, where it does not say which."""
        said = answer.get("RequestResponses", [])
        refused = [record for record, one in zip(batch, said, strict=False) if one.get("ErrorCode")]
        self.errors.update(one["ErrorCode"] for one in said if one.get("ErrorCode"))
        if len(said) != len(batch) or len(refused) < answer.get("FailedPutCount", 0):
            self.errors["UnclearAnswer"] += 1
            return batch
        return refused

    def _pause(self, attempt: int) -> bool:
        """Wait with backoff and jitter; False, at once, where no time would be left for another call."""
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 10))
        pause = random.uniform(longest / 2, longest)
        if not self._has_time(pause):
            self.errors["OutOfTime"] += 1
            return False
        self._sleep(pause)
        return True

    def _has_time(self, pause: float = 0) -> bool:
        """Whether a call after a pause would end before Lambda does, even a call that hangs."""
        if self._context is None:
            return True
        needed = pause + CONNECT_SECONDS + READ_SECONDS + MARGIN_SECONDS
        return self._context.get_remaining_time_in_millis() >= needed * 1_000
