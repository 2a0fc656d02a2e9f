"""Lines → Firehose records → calls, within Firehose's limits and at the least that it bills.

Firehose bills each record rounded up to 5,120 B and takes up to 1,024,000 B, which is 200 times that: full records
lose at most a line each, and so whatever the sizes, less than 5,120 B is lost a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .record import Line

RECORD_BYTES = 1_024_000
BILLED_STEP = 5_120
CALL_RECORDS = 500
#: Firehose takes 4 MiB a call; three full records stay below it even when counted as base64.
CALL_BYTES = 3 * RECORD_BYTES


class Packed(NamedTuple):
    """A Firehose record of whole lines, the lowest sequence number in it, and how many lines they are."""

    data: bytes
    lowest: int
    lines: int


def pack(lines: Iterable[Line]) -> Iterator[Packed]:
    """Firehose records of the lines, in order, each as full as may be. No line may be over ``RECORD_BYTES``."""
    group: list[Line] = []
    size = 0
    for line in lines:
        if size + len(line.data) > RECORD_BYTES:
            yield _packed(group)
            group, size = [], 0
        group.append(line)
        size += len(line.data)
    if group:
        yield _packed(group)


def calls(records: Iterable[Packed]) -> Iterator[list[Packed]]:
    """The records, in order, as many to a call as Firehose takes."""
    call: list[Packed] = []
    size = 0
    for record in records:
        if call and (len(call) == CALL_RECORDS or size + len(record.data) > CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(record)
        size += len(record.data)
    if call:
        yield call


def billed(size: int) -> int:
    """What Firehose bills for a record of this many bytes."""
    return -(-size // BILLED_STEP) * BILLED_STEP


def _packed(group: list[Line]) -> Packed:
    return Packed(b"".join(line.data for line in group), min(line.sequence for line in group), len(group))
