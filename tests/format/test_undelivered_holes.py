"""The hole that an undelivered object makes: never narrower than what may be missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from histlib.format.undelivered import hole

SECONDS = 1_700_000_000


def made(stamp: Any = SECONDS, keys: Any = None) -> dict[str, Any]:
    change = {"ApproximateCreationDateTime": stamp, "Keys": {"id": {"S": "a"}} if keys is None else keys}
    return hole("unconverted", "failed/records/1", json.dumps({"dynamodb": change}).encode())


@pytest.mark.parametrize("stamp", [0, -1, SECONDS * 1_000, SECONDS * 1_000_000, "soon", None])
def test_a_time_that_is_no_seconds_is_not_known(stamp: Any):
    """The recorder sets such a record aside just because of it; milliseconds are not taken for seconds."""
    assert (made(stamp)["start"], made(stamp)["end"]) == (None, None)


def test_a_time_in_seconds_is_that_whole_second():
    """As DynamoDB gives it."""
    assert (made()["start"], made()["end"]) == (SECONDS * 1_000_000, SECONDS * 1_000_000 + 999_999)


def test_a_record_without_a_key_may_be_of_any_item():
    """No item has an empty key: such a hole would touch none."""
    assert made()["keys"] == '{"id":"a"}'
    assert made(keys={})["keys"] is None
