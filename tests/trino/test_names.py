"""What images have at a path, by real Trino as by the embedded source."""

from __future__ import annotations

import histlib
from tests.support.athena.answers import on_athena
from tests.support.cases.names import IMAGES, parts_unlike
from tests.support.history.landings import put, record


def test_what_is_at_a_path(athena, tmp_path):
    """Every type, and names that look like positions or wrappings; notices and sql's notes."""
    folder = tmp_path / "h"
    put(folder, [record(at, image["id"], new_image=image, old_image=None) for at, image in enumerate(IMAGES)])
    embedded = histlib.connect(folder)
    other = on_athena(folder, embedded, tmp_path / "cache")
    assert parts_unlike(embedded, other) == []
    for query in (
        "SELECT new_image.v.a, new_image.v.z FROM h WHERE action = 'x'",
        "SELECT new_image.v.a FROM h WHERE dateday = '2026/01/02' UNION SELECT keys FROM h WHERE dateday > '2026/01/5'",
        "SELECT json_extract_scalar(new_image, '$.v.z') FROM h WHERE dateday IN ('2026/01/01', '2026/01/07')",
    ):
        told = [history.sql(query).attrs["histlib"]["notices"] for history in (embedded, other)]
        assert told[0] == told[1] and len(told[0]) == 2
