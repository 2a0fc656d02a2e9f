"""Delivery to Firehose: what it refuses is sent again, alone, with backoff, while the Lambda has time."""

import random
import time
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from .packing import calls

FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0
#: Seconds kept for the answer and for what goes to S3.
MARGIN = 3.0
#: Errors that sending again does not mend.
HOPELESS = {
    "AccessDeniedException",
    "ResourceNotFoundException",
    "InvalidArgumentException",
    "InvalidKMSResourceException",
}


@dataclass
class Delivered:
    """What became of a delivery: ``failed`` are the records that Firehose never took."""

    failed: list
    calls: int = 0
    retries: int = 0
    error: str = ""


class Delivery:
    """Sends packed records to one Firehose stream."""

    def __init__(self, firehose, stream, sleep=time.sleep, jitter=random.random):
        self._firehose = firehose
        self._stream = stream
        self._sleep = sleep
        self._jitter = jitter

    def send(self, records, remaining):
        """Send all records, again and again where need be, while ``remaining()`` seconds allow."""
        outcome = Delivered(list(records))
        wait = FIRST_WAIT
        while True:
            hopeless = self._send_once(outcome, remaining)
            if not outcome.failed or hopeless or remaining() < MARGIN + wait:
                return outcome
            self._sleep(wait * (0.5 + self._jitter() / 2))
            wait = min(2 * wait, LONGEST_WAIT)
            outcome.retries += 1

    def _send_once(self, outcome, remaining):
        """One call for each group; returns whether trying again is hopeless."""
        waiting, outcome.failed = outcome.failed, []
        hopeless = False
        for group in calls(waiting):
            if hopeless or remaining() < MARGIN:
                outcome.failed += group
                continue
            outcome.calls += 1
            try:
                answer = self._firehose.put_record_batch(
                    DeliveryStreamName=self._stream, Records=[{"Data": record.data} for record in group]
                )
            except ClientError as error:
                outcome.error = error.response["Error"]["Code"]
                outcome.failed += group
                hopeless = outcome.error in HOPELESS
            except BotoCoreError as error:
                outcome.error = type(error).__name__
                outcome.failed += group
            else:
                outcome.failed += _refused(group, answer, outcome)
        return hopeless


def _refused(group, answer, outcome):
    """The records of a call that came back with an error: an answer of status 200 may hold some."""
    codes = [response.get("ErrorCode") for response in answer["RequestResponses"]]
    refused = [record for record, code in zip(group, codes, strict=True) if code]
    if refused:
        outcome.error = ", ".join(sorted(set(filter(None, codes))))
    elif answer["FailedPutCount"]:
        outcome.error = "FailedPutCount without an ErrorCode"
        return group
    return refused
