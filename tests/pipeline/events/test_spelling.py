"""Records as tools print them mean what Lambda's mean; no value changes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipeline.events.files import read_events
from pipeline.events.json_values import parse
from pipeline.events.spelling import may_hold_numbers, respell
from pipeline.functions.recorder.record import read_stamp
from tests.support.pipeline.capture import EVENTS, record


def stamped(stamp: Any) -> Any:
    made = record(7)
    made["dynamodb"]["ApproximateCreationDateTime"] = stamp
    respell(made)
    return made["dynamodb"]["ApproximateCreationDateTime"]


@pytest.mark.parametrize(
    ("text", "micros", "precision"),
    [
        ("2026-01-01T12:00:00+01:00", 1767265200_000000, "s"),
        ("2026-01-01T11:00:00Z", 1767265200_000000, "s"),
        ("2026-01-01T11:00:00.000Z", 1767265200_000000, "s"),  # JavaScript prints so what is floored to the second
        ("2026-01-01 11:00:00+00:00", 1767265200_000000, "s"),
        ("2026-01-01T16:30:00.250+05:30", 1767265200_250000, "ms"),
        ("2026-01-01T11:00:00.000123Z", 1767265200_000123, "us"),
        ("2025-12-31T23:00:00.120000-12:00", 1767265200_120000, "ms"),
    ],
)
def test_iso_stamps(text: str, micros: int, precision: str) -> None:
    """Any offset, as fine as the text tells and no finer."""
    stamp = read_stamp(stamped(text))
    assert (stamp.micros, stamp.precision) == (micros, precision)


@pytest.mark.parametrize("text", ["2026-01-01T11:00:00", "2026-01-01", "2026-13-01T11:00:00Z", "soon", "1767265200"])
def test_what_is_no_instant_stays(text: str) -> None:
    """A time without its offset is none: whose midnight it is would be a guess."""
    assert stamped(text) == text


def test_numbers_as_json_numbers_keep_all_digits() -> None:
    """At any depth and in sets; true is no number."""
    text = (
        '{"dynamodb": {"Keys": {"id": {"N": 5}}, "NewImage": {"id": {"N": 5}, "m": {"M": {"l": {"L": [{"N": '
        '1.10000000000000000000000000000000000001}, {"N": 1E+5}, {"N": "7"}]}}}, "s": {"NS": [1, 2.50, "3"]}, '
        '"b": {"BOOL": true}, "odd": {"N": true}}}}'
    )
    made = parse(text, "x")
    respell(made)
    assert made["dynamodb"]["Keys"] == {"id": {"N": "5"}}
    assert made["dynamodb"]["NewImage"] == {
        "id": {"N": "5"},
        "m": {"M": {"l": {"L": [{"N": "1.10000000000000000000000000000000000001"}, {"N": "1E+5"}, {"N": "7"}]}}},
        "s": {"NS": ["1", "2.50", "3"]},
        "b": {"BOOL": True},
        "odd": {"N": True},
    }


@pytest.mark.parametrize("name", sorted(path.name for path in EVENTS.glob("*.json")))
def test_lambdas_own_records_stay_as_they_are(name: str) -> None:
    """Nothing of what Lambda gives is touched."""
    for event in read_events([str(EVENTS / name)]):
        for one in event["Records"]:
            before = copy.deepcopy(one)
            respell(one)
            assert one == before


@pytest.mark.parametrize("odd", [None, 5, [], {"dynamodb": None}, {"dynamodb": {"Keys": 3, "NewImage": [1]}}])
def test_records_of_no_shape_stay(odd: Any) -> None:
    """Why they are none is told later."""
    respell(odd)


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ('{"N": 5}', True),
        ('{"N":-5}', True),
        ('{"NS": ["1", 2]}', True),
        ('{"NS" : [\n2]}', True),
        ('{"N": "5"}', False),
        ('{"NS": ["1", "2"], "n": 3}', False),
    ],
)
def test_numbers_are_looked_for_only_where_they_may_be(text: str, may: bool) -> None:
    """Never missed; most records have none."""
    assert may_hold_numbers(text) == may
