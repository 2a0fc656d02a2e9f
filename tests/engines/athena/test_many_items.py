"""Questions about many items at once cost a few looks at the table, however many items there are."""

from __future__ import annotations

import pytest

from histlib.engines.athena import rows as selection
from histlib.questions import asking
from tests.support.athena.answers import on_athena, sample
from tests.support.athena.equal_answers import differences


@pytest.mark.parametrize("fitting", [200_000, 600], ids=["in one statement", "in none"])
def test_affected_brings_the_rows_of_all_candidates_at_once(athena, tmp_path, monkeypatch, fitting):
    """Part by part they are given, not asked for; where the keys do not fit, by what the condition says of images."""
    monkeypatch.setattr(asking, "_BATCH", 3)
    monkeypatch.setattr(selection, "_KEY_BYTES", fitting)
    embedded, folder = sample("orders")
    other = on_athena(folder, embedded, tmp_path)
    asked = ("affected", lambda h: h.affected("item.status = 'shipped'", "2026-11-07T00:00", "2026-11-07T01:00"))
    assert len(embedded.affected("item.status = 'shipped'", "2026-11-07T00:00", "2026-11-07T01:00")) > 30
    assert differences(embedded, other, [asked]) == []
    asked_of_rows = [one.sql for one in other._opened.source.runner.queries if '"$path" AS file' in one.sql]
    assert len(asked_of_rows) <= 4, asked_of_rows
