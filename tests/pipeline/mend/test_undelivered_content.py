"""What an undelivered object holds, where it holds what no stream sent."""

from __future__ import annotations

import json

import pytest

from pipeline.functions.recorder.redact import Redaction
from pipeline.mend.undelivered import read_content


@pytest.mark.parametrize("record", [None, 1, "x", []])
def test_a_record_of_no_shape_is_a_problem(record: object):
    """It stays where it is; redrive and quarantine go on with the others."""
    raw = json.dumps({"payload": json.dumps({"Records": [record]})}).encode()
    content = read_content(raw, "arn:table", Redaction("email"))
    assert (len(content.changes), len(content.problems)) == (0, 1)
