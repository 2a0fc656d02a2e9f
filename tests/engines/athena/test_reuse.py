"""An earlier result is reused only where it must be what a new one would be."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from histlib.engines.athena.landing import listing as landing_list
from histlib.engines.athena.landing.objects import Day, LandingDays, Revision
from histlib.engines.athena.landing.reuse import CLOCKS, LONGEST_RUN, OLDEST, reuse_minutes
from histlib.format.days import day_begin
from histlib.values.times import DAY, HOUR, MINUTE
from tests.support.athena.listings import delete, listed, put, written

ENDED = day_begin("2026/01/11")
SETTLED = ENDED + 2 * DAY + HOUR
MARGIN = LONGEST_RUN + CLOCKS
DAYS = ("2026/01/01", "2026/01/10")


def landing(**fields) -> LandingDays:
    """Two days, of objects as old as can be, watched for ever."""
    days = {day: Day(1, 0, day, ("a.gz",)) for day in DAYS}
    return replace(LandingDays("changes/", days, Revision(), SETTLED), **fields)


@pytest.mark.parametrize(("now", "minutes"), [(SETTLED - 1, 0), (SETTLED, OLDEST), (SETTLED + DAY, OLDEST)])
def test_only_settled_days(now, minutes):
    """The last day has ended, and two days and an hour have passed since: at that instant, not just before it."""
    assert reuse_minutes(landing(), DAYS, Revision(), now) == minutes


@pytest.mark.parametrize("days", [("", ""), ("2026/01/01", ""), ("", "2026/01/10"), ("2026/01/10", "2026/01/01")])
def test_only_bounded_days(days):
    """A statement that reads all days reads those to come."""
    assert reuse_minutes(landing(), days, Revision(), SETTLED) == 0


def modified(when: int) -> dict:
    return {"days": {"2026/01/05": Day(1, when, "x", ("a.gz",))}}


CAUSES = [
    lambda when: (landing(**modified(when)), Revision(), 0),
    lambda when: (landing(), Revision("x", when), 0),
    lambda when: (landing(watched_since=when), Revision(), 0),
    lambda when: (landing(changed={"2026/01/05": when}), Revision(), 0),
    lambda when: (landing(), Revision(), when),
]


@pytest.mark.parametrize("cause", CAUSES)
def test_nothing_from_before_the_last_change(cause):
    """A write to the days, a new revision, a removal, the begin of watching, a changed table: the whole minutes since
    each of them, less the longest run of a statement and the clocks, up to a week; none where it lies in the future."""
    for since, minutes in (
        (MARGIN - 1, 0),
        (MARGIN, 0),
        (MARGIN + MINUTE - 1, 0),
        (MARGIN + MINUTE, 1),
        (MARGIN + 90 * MINUTE, 90),
        (MARGIN + (OLDEST + 1) * MINUTE, OLDEST),
        (0, 0),
        (-HOUR, 0),
    ):
        found, revision, table = cause(SETTLED - since)
        assert reuse_minutes(found, DAYS, revision, SETTLED, table_changed=table) == minutes


def test_other_days_do_not_matter():
    """What changes outside the statement's days leaves its result as it is."""
    found = landing(
        days={"2025/12/31": Day(1, SETTLED, "x", ("a.gz",)), "2026/01/11": Day(1, SETTLED, "y", ("a.gz",))},
        changed={"2025/12/31": SETTLED, "2026/01/11": SETTLED},
    )
    assert reuse_minutes(found, DAYS, Revision(), SETTLED) == OLDEST


def test_what_happens_in_s3(s3, cache, monkeypatch):
    """Nothing at first; more as time goes by; nothing again after a removal that no LastModified shows, an object that
    goes into the archive, or a new revision."""
    days = ("2025/01/01", "2025/01/02")
    for name in "abc":
        put(s3, f"changes/2025/01/01/{name}.gz")
        written(s3, f"changes/2025/01/01/{name}.gz", datetime(2025, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(landing_list, "FULL_EVERY", 0.0)
    lists = listed(s3, cache)

    def minutes() -> int:
        found = lists.fresh()
        return reuse_minutes(found, days, found.revision, found.asked)

    def rises(hours: int) -> None:
        s3.ahead = hours * 3_600
        assert 74 <= minutes() <= 75  # two hours since the last change, less the margin

    assert minutes() == 0
    rises(2)
    delete(s3, "changes/2025/01/01/a.gz")
    assert minutes() == 0
    rises(4)
    put(s3, "changes/2025/01/01/b.gz", StorageClass="GLACIER")
    written(s3, "changes/2025/01/01/b.gz", datetime(2025, 1, 1, tzinfo=UTC))
    assert minutes() == 0
    rises(6)
    put(s3, "changes/_revision", b"1")
    written(s3, "changes/_revision", datetime.now(UTC) + timedelta(hours=5, minutes=59))
    assert minutes() == 0
    rises(8)
    put(s3, "changes/2025/01/02/late.gz")
    written(s3, "changes/2025/01/02/late.gz", datetime.now(UTC) + timedelta(hours=8))
    assert minutes() == 0
    assert reuse_minutes(lists.fresh(), days, Revision(), int(time.time() * 1e6)) == 0  # a clock set back
