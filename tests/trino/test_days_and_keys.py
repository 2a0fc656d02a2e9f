"""Through ``athena://`` on real Trino: new days, days that files outreach, late changes, and keys of every kind."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import histlib
from tests.support.athena.answers import on_athena
from tests.support.athena.equal_answers import differences, told
from tests.support.athena.histories import put_history, upload
from tests.support.history.landings import NOON, put, record

HOUR = 3_600
MIDNIGHT = NOON + 12 * HOUR
LONG = 'it\'s "long"? 100% \\ \n\t日本語👍🏽' * 60
KEYS = ({"id": LONG}, {"id": 10**37 + 1}, {"id": Decimal("-0.001")}, {"id": b"\x00\xff?'"}, {"id": "%"}, {"id": "?"})
PAIRS = ({"pk": "a'b", "sk": 1}, {"pk": "a'b", "sk": 2}, {"pk": LONG[:900], "sk": 1})


def states(history: histlib.History, key: object, *seconds: float) -> list[dict]:
    """What is told of an item at some times."""
    return [told(history, lambda h, at=at: h.state_at(key, f"{_text(at)}+00:00")) for at in seconds]


def _text(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_new_days_and_late_changes(athena, tmp_path: Path):
    """Each question sees what has landed until then, also on days that nobody announced, as embedded."""
    folder = tmp_path / "h"
    put(folder, [record(1)])
    embedded = histlib.connect(folder)
    other = on_athena(folder, embedded, tmp_path / "cache")
    landings = {
        "2026/01/01/b.gz": [record(2, seconds=MIDNIGHT - 60), record(3, seconds=MIDNIGHT + 59 * 60)],
        "2026/01/02/a.gz": [record(4, seconds=MIDNIGHT + 2 * HOUR)],
        "2026/01/05/a.gz": [record(6, seconds=MIDNIGHT + 4 * 24 * HOUR)],
        "2026/01/04/late.gz": [record(5, seconds=MIDNIGHT + 26 * HOUR)],
    }
    for name, records in landings.items():
        day, file = name.rsplit("/", 1)
        put(folder, records, day=day, name=file)
        (folder / "changes/_revision").write_text(name)  # as whoever writes into a day already past does
        upload(folder, "histories", "things/")
        moments = [NOON, MIDNIGHT, MIDNIGHT + HOUR, MIDNIGHT + 27 * HOUR, MIDNIGHT + 5 * 24 * HOUR]
        assert states(other, "a", *moments) == states(embedded, "a", *moments), name
    now = int(time.time())
    put(folder, [record(7, seconds=now - 90)], day=f"{datetime.fromtimestamp(now - 90, UTC):%Y/%m/%d}")
    upload(folder, "histories", "things/")
    assert other.state_at("a").item == {"id": "a", "version": 7}
    assert differences(embedded, other, [("timeline", lambda h: h.timeline("a"))]) == []


def test_days_of_a_zone(athena, tmp_path: Path):
    """Counted by days that have 23 hours, or by hours: as embedded, with a condition that Trino decides."""
    begin = int(datetime(2026, 3, 28, 12, 30, tzinfo=UTC).timestamp())
    for number in range(48):
        seconds = begin + number * HOUR
        day = f"{datetime.fromtimestamp(seconds, UTC):%Y/%m/%d}"
        put(tmp_path / "h", [record(number, seconds=seconds)], day=day, name=f"{number}.gz")
    embedded = histlib.connect(tmp_path / "h", tz="Europe/Berlin")
    other = histlib.connect(put_history(tmp_path / "h"), tz="Europe/Berlin", cache=tmp_path / "cache")
    days = other.activity("2026-03-28", "2026-03-30", by="1d")
    assert [(str(one), int(count)) for one, count in zip(days["period"], days["changes"], strict=True)] == [
        ("2026-03-28 00:00:00+01:00", 11),
        ("2026-03-29 00:00:00+01:00", 23),
        ("2026-03-30 00:00:00+02:00", 14),
    ]
    where = "new_image.version > 20"
    questions = [(by, lambda h, b=by: h.activity("2026-03-28", "2026-03-30", by=b, where=where)) for by in ("2d", "5h")]
    assert differences(embedded, other, questions) == []


@pytest.mark.parametrize("keys", [KEYS, PAIRS], ids=["one attribute", "two"])
def test_keys_of_every_kind(athena, tmp_path: Path, keys):
    """Texts over 1,024 characters with quotes, ``%``, ``?``, line breaks, emoji; 38 digits; binary; parts of keys."""
    folder = tmp_path / "h"
    for name in ("S", "N", "B"):  # one type a table, as in DynamoDB
        kind = {"S": str, "N": (int, Decimal), "B": bytes}[name]
        some = [key for key in keys if isinstance(next(iter(key.values())), kind)]
        if not some:
            continue
        own = folder / name
        put(own, [record(at, keys=key, new_image=key | {"n": at}, old_image=None, action="INSERT")
                  for at, key in enumerate(some)])  # fmt: skip
        embedded = histlib.connect(own)
        other = on_athena(own, embedded, tmp_path / "cache" / name, prefix=f"{name}/", table=f"things_{name.lower()}")
        for key in some:
            state = other.state_at(key)
            assert (state.status, dict(state.keys)) == ("present", key)
            assert told(other, lambda h, k=key: h.state_at(k, _text(NOON + 60))) == told(
                embedded, lambda h, k=key: h.state_at(k, _text(NOON + 60))
            )
        questions = [("snapshot", lambda h: h.snapshot_at(_text(NOON + 60)))]
        if "pk" in some[0]:
            questions.append(("part", lambda h: h.timeline("a'b")))
        assert differences(embedded, other, questions) == []
