"""Packing: many lines into one Firehose record, records into calls.

Firehose bills each record in steps of 5,120 bytes (its pricing page: "rounded up to the nearest 5 KB") and takes
at most 1,024,000 bytes a record, 500 records and 4 MiB a call (API reference, PutRecordBatch). The largest record is
exactly 200 billing steps, so full records waste less than a line.
"""

from dataclasses import dataclass, field

RECORD_BYTES = 1_024_000
CALL_RECORDS = 500
CALL_BYTES = 4 << 20
BILLED_BYTES = 5_120


@dataclass
class Packed:
    """A Firehose record: its data, and the lowest sequence number of the changes in it."""

    data: bytes
    lowest: int
    changes: int


@dataclass
class _Open:
    lines: list = field(default_factory=list)
    size: int = 0
    lowest: int = 0

    def close(self):
        return Packed(b"".join(self.lines), self.lowest, len(self.lines))


def pack(lines):
    """(sequence number, line) pairs, none longer than a record, as few full Firehose records, order kept."""
    opened = _Open()
    for number, line in lines:
        if opened.lines and opened.size + len(line) > RECORD_BYTES:
            yield opened.close()
            opened = _Open()
        opened.lowest = min(opened.lowest, number) if opened.lines else number
        opened.lines.append(line)
        opened.size += len(line)
    if opened.lines:
        yield opened.close()


def calls(records):
    """Records in groups that one PutRecordBatch takes, order kept."""
    group, size = [], 0
    for record in records:
        if group and (len(group) == CALL_RECORDS or size + len(record.data) > CALL_BYTES):
            yield group
            group, size = [], 0
        group.append(record)
        size += len(record.data)
    if group:
        yield group


def billed(size):
    """The bytes that Firehose bills for a record of this size."""
    return -(-size // BILLED_BYTES) * BILLED_BYTES
