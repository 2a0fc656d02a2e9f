"""Lines become few, full Firehose records within Firehose's limits, and what it bills is near what is sent."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.functions.recorder.packing import RECORD_BYTES, Packed, billed, calls, pack
from pipeline.functions.recorder.record import Line
from pipeline.replay.local import MAX_CALL_BYTES, MAX_RECORD_BYTES, MAX_RECORDS

sizes = st.lists(
    st.one_of(st.integers(1, 3_000), st.integers(1, RECORD_BYTES), st.just(RECORD_BYTES), st.just(RECORD_BYTES // 2)),
    max_size=30,
)


def lines_of(lengths: list[int], sequence: int = 10**20) -> list[Line]:
    return [Line(sequence + at, bytes([97 + at % 26]) * (size - 1) + b"\n") for at, size in enumerate(lengths)]


@given(sizes)
def test_every_line_once_in_order_within_limits(lengths: list[int]) -> None:
    """Nothing is lost, doubled or cut by packing; no record is over the limit; each knows its lowest number."""
    lines = lines_of(lengths)
    packed = list(pack(lines))
    assert b"".join(record.data for record in packed) == b"".join(line.data for line in lines)
    at = 0
    for record in packed:
        held = lines[at : at + record.lines]
        assert 0 < len(record.data) <= MAX_RECORD_BYTES
        assert record.data == b"".join(line.data for line in held)
        assert record.lowest == min(line.sequence for line in held)
        at += record.lines
    assert at == len(lines)


@given(sizes)
def test_records_are_as_full_as_may_be(lengths: list[int]) -> None:
    """No two neighbours would fit into one record, so each loses less than one step of billing."""
    packed = list(pack(lines_of(lengths)))
    for first, second in pairwise(packed):
        assert len(first.data) + second.data.index(b"\n") + 1 > RECORD_BYTES
    assert sum(billed(len(record.data)) for record in packed) < sum(lengths) + 5_120 * max(1, len(packed))


def test_thousand_changes_are_one_call_and_hardly_more_than_their_bytes() -> None:
    """The promise of the benchmark: at most 3 calls and 1.15 times the payload for 1,000 changes of usual size."""
    packed = list(pack(lines_of([635] * 1_000)))
    assert len(list(calls(packed))) <= 3
    assert sum(billed(len(record.data)) for record in packed) <= 1.15 * 635_000


@given(st.lists(st.one_of(st.integers(1, 100), st.integers(1, RECORD_BYTES)), max_size=1_200))
@example([1] * 501)
@example([RECORD_BYTES] * 5)
@example([RECORD_BYTES] * 3 + [200_000])
def test_calls_stay_within_limits(lengths: list[int]) -> None:
    """Each record is in one call, in order, and no call is over 500 records or 4 MiB, even counted as base64."""
    whole = b"x" * RECORD_BYTES
    records = [Packed(whole[:size], at, 1) for at, size in enumerate(lengths)]
    batches = list(calls(records))
    assert [record for batch in batches for record in batch] == records
    for batch in batches:
        assert 0 < len(batch) <= MAX_RECORDS
        assert sum(-(-len(record.data) // 3) * 4 for record in batch) <= MAX_CALL_BYTES


def test_billed_rounds_up_to_5_kib() -> None:
    """5,120 bytes are one step, one more is two."""
    assert [billed(size) for size in (1, 5_119, 5_120, 5_121, RECORD_BYTES)] == [
        5_120,
        5_120,
        5_120,
        10_240,
        RECORD_BYTES,
    ]
