"""What a landing has by day is known as it is now, for few requests, and what Athena leaves out is said."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from histlib.engines.athena.landing import listing as landing_list
from histlib.engines.athena.landing.listing import LandingList
from histlib.engines.athena.landing.objects import LandingDays
from histlib.errors import NotAHistoryError, SourceError
from histlib.format.days import day_begin
from histlib.stores import memo as kept
from histlib.stores.s3.address import Address
from tests.support.athena.listings import BASE, delete, listed, put, written
from tests.support.s3.histories import today
from tests.support.s3.server import BUCKET, Answer, error


def counts(landing: LandingDays) -> dict[str, int]:
    """Objects by day."""
    return {day: found.objects for day, found in landing.days.items()}


def test_what_each_day_has(s3, cache):
    """Objects, bytes, the newest LastModified and names; ranges include both ends; sums of none are 0."""
    for file, body in {"2026/01/01/a.gz": b"123", "2026/01/01/b.gz": b"4", "2026/01/03/c.gz": b"56789"}.items():
        put(s3, f"changes/{file}", body)
    old, new = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, 1, 2, 3, tzinfo=UTC)
    written(s3, "changes/2026/01/01/a.gz", new)
    written(s3, "changes/2026/01/01/b.gz", old)
    landing = listed(s3, cache).fresh()
    assert counts(landing) == {"2026/01/01": 2, "2026/01/03": 1}
    assert (landing.first, landing.last, landing.first_micros) == ("2026/01/01", "2026/01/03", 1_767_225_600_000_000)
    assert [landing.bytes_between("2026/01/01", last) for last in ("2026/01/01", "2026/01/02", "2026/01/03")] == [
        4, 4, 9,
    ]  # fmt: skip
    assert landing.bytes_between("2026/01/02", "2026/01/02") == landing.newest_between("2027/01/01", "2027/01/02") == 0
    assert landing.objects_between("2026/01/01", "2026/01/03") == 3
    assert landing.newest_between("2026/01/01", "2026/01/02") == int(new.timestamp()) * 1_000_000
    assert landing.files("2026/01/01") == ("changes/2026/01/01/a.gz", "changes/2026/01/01/b.gz")
    assert landing.files("2026/01/02") == ()
    assert landing.has("changes/2026/01/03/c.gz")
    for file in ("changes/2026/01/03/d.gz", "changes/2026/01/02/c.gz", "coverage/2026/01/03/c.gz", ""):
        assert not landing.has(file)
    assert landing.problems == ()
    assert (landing.revision.etag, landing.revision.modified) == ("", 0)


def test_the_articles_layout(s3, cache):
    """Hour folders below a day count for it; where the days lie right below the prefix, nothing else is looked at."""
    for file in ("2026/01/01/05/a", "2026/01/01/23/b", f"{today()}/00/c", "results/x.csv", "2026.csv", "20260/01/x"):
        put(s3, file)
    article = listed(s3, cache, folder="")
    for _ in range(2):
        landing = article.fresh()
        assert counts(landing) == {"2026/01/01": 2, today(): 1}
        assert landing.files("2026/01/01") == ("2026/01/01/05/a", "2026/01/01/23/b")
        assert landing.problems == ()
        put(s3, "changes/2026/01/01/05/a")
    assert counts(listed(s3, cache).fresh()) == {"2026/01/01": 1}
    put(s3, f"{today()}/01/d")
    assert counts(article.fresh()) == {"2026/01/01": 2, today(): 2}
    assert not any(prefix.startswith(f"{BASE}results") for prefix in s3.lists())


def test_days_of_years_to_come_are_told_each_time(s3, cache):
    """Where the days lie right below the prefix, later questions do not list them, and do not forget them."""
    put(s3, f"{today()}/a")
    put(s3, "2999/01/01/b")
    article = listed(s3, cache, folder="")
    for _ in range(2):
        assert [one.file for one in article.fresh().problems] == ["2999/01/01/b"]


def test_what_athena_hides_is_left_out(s3, cache):
    """Names with _ or . in front, whatever folder they are of, and marks of folders."""
    put(s3, "changes/2026/01/01/a.gz")
    for file in ("_b.gz", ".c.gz", "_tmp/d.gz", "05/.e.gz", "x/"):
        put(s3, f"changes/2026/01/01/{file}", b"")
    landing = listed(s3, cache).fresh()
    assert (counts(landing), landing.problems) == ({"2026/01/01": 1}, ())


@pytest.mark.parametrize(
    "file",
    [
        "x.gz",
        "2026/01/x.gz",
        "2026/01/01",
        "2026/1/1/x.gz",
        "2026/02/30/x.gz",
        "2026/13/01/x.gz",
        "0000/01/01/x.gz",
        "old/2026/01/01/x.gz",
        "٢٠٢٦/01/01/x.gz",
        "zzz/x.gz",
    ],
)
def test_an_object_in_no_folder_of_a_day_is_told(file, s3, cache):
    """Athena does not see it, since no partition holds it; told by the next questions too, from what was kept."""
    put(s3, "changes/2026/01/01/a.gz")
    put(s3, f"changes/{file}")
    lists = listed(s3, cache)
    for landing in (lists.fresh(), lists.fresh(), listed(s3, cache).fresh()):
        assert counts(landing) == {"2026/01/01": 1}
        ((told, detail),) = [(one.file, one.detail) for one in landing.problems]
        assert (told, "in no folder of a day (changes/yyyy/MM/dd/)" in detail) == (f"changes/{file}", True)


def test_days_out_of_the_projections_range_are_told(s3, cache):
    """Before its begin or after today: Athena ignores them; they are not the first and last day that it sees."""
    tomorrow = today(-1)
    for day in ("2011/12/31", "2012/01/01", today(), tomorrow):
        put(s3, f"changes/{day}/a.gz")
    landing = listed(s3, cache).fresh()
    assert counts(landing) == {"2012/01/01": 1, today(): 1}
    assert [one.file for one in landing.problems] == ["changes/2011/12/31/a.gz", f"changes/{tomorrow}/a.gz"]
    assert "dateday 2011/12/31 is not from 2012/01/01 to today" in landing.problems[0].detail
    assert counts(listed(s3, cache, shown=("2026/01/01", "NOW")).fresh()) == {today(): 1}


def test_the_projections_range_may_be_relative_and_reach_into_tomorrow(s3, cache):
    """As for days of a zone ahead of UTC: what the range shows is read, what it hides is told."""
    days = [today(at) for at in (400, 200, 0, -1, -2)]
    for day in days:
        put(s3, f"changes/{day}/a.gz")
    landing = listed(s3, cache, shown=("NOW-1YEARS", "NOW+1DAYS")).fresh()
    assert list(landing.days) == days[1:4]
    assert [one.file for one in landing.problems] == [f"changes/{day}/a.gz" for day in (days[0], days[4])]
    assert "from NOW-1YEARS to NOW+1DAYS (UTC)" in landing.problems[1].detail
    assert "NOW+1DAYS where Firehose's CustomTimeZone" in listed(s3, cache).fresh().problems[0].detail


def test_archived_objects_are_told(s3, cache):
    """Athena leaves them out without an error: neither bytes nor objects of their day, and one problem a day."""
    put(s3, "changes/2026/01/01/a.gz", b"12")
    before = listed(s3, cache / "before").fresh()
    for name, storage in (("b.gz", "GLACIER"), ("c.gz", "DEEP_ARCHIVE")):
        put(s3, f"changes/2026/01/01/{name}", StorageClass=storage)
    landing = listed(s3, cache).fresh()
    assert (counts(landing), landing.bytes_between("2026/01/01", "2026/01/01")) == ({"2026/01/01": 1}, 2)
    ((file, detail),) = [(one.file, one.detail) for one in landing.problems]
    assert (file, "2 objects of 2026/01/01 are archived" in detail) == ("changes/2026/01/01/b.gz", True)
    assert not landing.has("changes/2026/01/01/b.gz")
    assert landing.digest("2026/01/01") == before.digest("2026/01/01")


@pytest.mark.parametrize(("reads", "objects"), [(False, 1), (True, 2)])
def test_restored_objects_are_read_only_where_the_table_says_so(reads, objects, s3, cache):
    """Back from the archive for a while: by default Athena leaves them out all the same."""
    put(s3, "changes/2026/01/01/a.gz")
    put(s3, "changes/2026/01/01/b.gz", StorageClass="GLACIER")
    status = b"<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>2030-01-01T00:00:00Z"
    status += b"</RestoreExpiryDate></RestoreStatus><StorageClass>GLACIER<"
    s3.harm = lambda _, true: Answer(200, true.headers, true.body.replace(b"<StorageClass>GLACIER<", status))
    landing = listed(s3, cache, reads_restored=reads).fresh()
    assert counts(landing) == {"2026/01/01": objects}
    assert len(landing.problems) == (0 if reads else 1)


def test_requests_at_first_and_later(s3, cache):
    """At first one for the years, one a year and one a month (more where it has over 1,000 objects); later one."""
    for day in ("2025/11/30", "2025/12/01", "2025/12/31", "2026/01/01", today(1)):
        put(s3, f"changes/{day}/a.gz")
    lists = listed(s3, cache)
    expected = counts(lists.fresh())
    years, months = {"2025/", "2026/"}, {"2025/11/", "2025/12/", "2026/01/", f"{today(1)[:8]}"}
    years.add(today(1)[:5])
    assert s3.lists() == sorted(f"{BASE}changes/{path}" for path in {"", *years, *months})
    for again in (lists, listed(s3, cache)):
        s3.asked.clear()
        assert counts(again.fresh()) == expected
        assert s3.lists() == [f"{BASE}changes/"]
        assert s3.asked[0].query["start-after"] == f"{BASE}changes/{today(3)}"


def test_what_changes_today_is_seen_at_once(s3, cache):
    """New objects, replaced ones and removed ones of recent days: counts, bytes and digests."""
    put(s3, "changes/2025/01/01/a.gz")
    put(s3, f"changes/{today()}/a.gz", b"1")
    lists = listed(s3, cache)
    one = lists.fresh()
    put(s3, f"changes/{today()}/b.gz", b"2")
    two = lists.fresh()
    put(s3, f"changes/{today()}/b.gz", b"3")
    three = lists.fresh()
    delete(s3, f"changes/{today()}/b.gz")
    four = lists.fresh()
    assert [counts(found)[today()] for found in (one, two, three, four)] == [1, 2, 2, 1]
    assert len({found.digest(today()) for found in (one, two, three)}) == 3
    assert one.digest(today()) == four.digest(today())
    assert {found.digest("2025/01/01") for found in (one, two, three, four)} == {one.digest("2025/01/01")}
    assert one.digest_between("2025/01/01", today()) != two.digest_between("2025/01/01", today())
    delete(s3, f"changes/{today()}/a.gz")
    assert counts(lists.fresh()) == {"2025/01/01": 1}


def test_a_late_object_is_seen_with_the_revision_or_within_the_hour(s3, cache, monkeypatch):
    """As is a removed one; another process with the same cache does not see it earlier."""
    put(s3, "changes/2025/01/01/a.gz")
    lists = listed(s3, cache)
    lists.fresh()
    put(s3, "changes/2025/01/02/late.gz")
    assert counts(lists.fresh()) == counts(listed(s3, cache).fresh()) == {"2025/01/01": 1}
    put(s3, "changes/_revision", b"1")
    landing = lists.fresh()
    assert counts(landing) == {"2025/01/01": 1, "2025/01/02": 1}
    assert landing.revision.etag
    assert abs(landing.revision.modified / 1e6 - time.time()) < 60
    delete(s3, "changes/2025/01/01/a.gz")
    assert counts(lists.fresh()) == {"2025/01/01": 1, "2025/01/02": 1}
    monkeypatch.setattr(landing_list, "FULL_EVERY", 0.0)
    assert counts(lists.fresh()) == {"2025/01/02": 1}
    delete(s3, "changes/_revision")
    assert lists.fresh().revision.etag == ""


def test_what_was_watched(s3, cache, monkeypatch):
    """Days count as unchanged since they were first seen as they are, empty ones too; a new revision begins anew."""
    for file in ("2025/01/01/a.gz", "2025/01/01/b.gz", "2025/01/03/a.gz"):
        put(s3, f"changes/{file}")
    lists = listed(s3, cache)
    began = lists.fresh().watched_since
    assert abs(began / 1e6 - time.time()) < 60
    monkeypatch.setattr(landing_list, "FULL_EVERY", 0.0)
    s3.ahead = 1_000
    delete(s3, "changes/2025/01/01/b.gz")
    delete(s3, "changes/2025/01/03/a.gz")
    landing = listed(s3, cache).fresh()
    assert landing.watched_since == landing.unchanged_since("2025/01/02", "2025/01/02") == began
    for days in (("2025/01/01", "2025/01/02"), ("2025/01/03", "2025/01/03")):
        assert landing.unchanged_since(*days) == landing.asked >= began + 900_000_000
    put(s3, "changes/_revision", b"1")
    s3.ahead = 2_000
    landing = lists.fresh()
    assert landing.unchanged_since("2025/01/02", "2025/01/02") == landing.asked == landing.watched_since


def test_a_clock_that_was_set_back_lists_anew(s3, cache, monkeypatch):
    """What was listed in the future says nothing of now."""
    put(s3, "changes/2025/01/01/a.gz")
    lists = listed(s3, cache)
    lists.fresh()
    put(s3, "changes/2025/01/02/late.gz")
    then = time.time() - 10
    monkeypatch.setattr(landing_list.time, "time", lambda: then)
    assert counts(lists.fresh()) == {"2025/01/01": 1, "2025/01/02": 1}


@pytest.mark.parametrize("harm", ["gone", "cut", "damaged", "edition", "other"])
def test_a_cache_that_is_not_as_it_was_written_is_made_again(harm, s3, cache, monkeypatch):
    """The answer is the same, and the next question finds it whole."""
    put(s3, "changes/2025/01/01/a.gz")
    lists = listed(s3, cache)
    expected = lists.fresh()
    (file,) = cache.glob("athena/*/*/landing")
    put(s3, "changes/2025/01/02/late.gz")
    raw = file.read_bytes()
    if harm == "gone":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(raw[: len(raw) // 2])
    elif harm == "damaged":
        file.write_bytes(raw.replace(b"2025/01/01", b"2025/01/07"))
    else:
        known = kept.load(file, landing_list._Known)
        with monkeypatch.context() as patched:
            if harm == "edition":
                patched.setattr("histlib.stores.memo.edition", lambda: "another")
            else:
                known.source = "s3://other"
            kept.save(file, known)
    for again in (lists, listed(s3, cache)):
        assert counts(again.fresh()) == {**counts(expected), "2025/01/02": 1}
    assert file.read_bytes().count(b"2025/01/02") == 1
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


def test_the_cache_is_private(s3, cache):
    """0700, all the way down, also where someone opened it up; without account ids."""
    put(s3, "changes/2025/01/01/a.gz", base="111122223333/things/")
    address = Address(BUCKET, "111122223333/things")
    LandingList(s3.client, address, cache).fresh()
    (home,) = cache.glob("athena/*/*")
    assert home.name.startswith("account-things-")
    home.chmod(0o755)
    LandingList(s3.client, address, cache).fresh()
    assert {folder.stat().st_mode & 0o777 for folder in (cache, cache / "athena", home.parent, home)} == {0o700}


def test_a_listing_cut_short_or_refused_is_an_error(s3, cache):
    """At first and later: never what came so far, nor what was known before; nothing is kept of it."""
    for number in range(1_001):
        put(s3, f"changes/2025/01/01/{number}.gz")
    cut = lambda asked, true: (  # noqa: E731
        Answer(200, true.headers, true.body.replace(b"NextContinuationToken", b"Other")) if asked.prefix else None
    )
    lists = listed(s3, cache)
    for harm, says in (
        (cut, "listing is cut short"),
        (lambda asked, _: error(403, "AccessDenied") if "continuation-token" in asked.query else None, "is denied"),
        (lambda *_: error(403, "AccessDenied"), r"s3://histories/of/things/changes/: s3:ListBucket is denied"),
    ):
        s3.harm = harm
        with pytest.raises(SourceError, match=says):
            lists.fresh()
    assert list(cache.glob("athena/*/*/landing")) == []
    s3.harm = None
    assert counts(lists.fresh()) == {"2025/01/01": 1_001}
    s3.harm = lambda *_: error(403, "AccessDenied")
    with pytest.raises(SourceError, match="s3:ListBucket is denied"):
        lists.fresh()


def test_what_is_no_history_is_refused(s3, cache):
    """Nothing, or nothing that Athena reads: says what is there, and sees what comes."""
    lists = listed(s3, cache)
    put(s3, "readme.txt")
    with pytest.raises(NotAHistoryError, match=r"has no objects; under s3://histories/of/things is readme.txt"):
        lists.fresh()
    put(s3, "changes/2011/01/01/a.gz")
    with pytest.raises(NotAHistoryError, match=r"none that Athena reads: changes/2011/01/01/a.gz: dateday 2011"):
        lists.fresh()
    put(s3, "changes/2013/01/01/a.gz")
    assert counts(lists.fresh()) == {"2013/01/01": 1}


def test_a_cache_that_cannot_be_written(s3, tmp_path, cache, monkeypatch):
    """Says where, and how to name another."""
    put(s3, "changes/2025/01/01/a.gz")
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"name another place with connect\(cache=…\)"):
        listed(s3, tmp_path / "file").fresh()
    lists = listed(s3, cache)
    lists._home().joinpath("landing").mkdir()
    with pytest.raises(SourceError, match=r"cannot write what is known .*name another place"):
        lists.fresh()


FRESH = """
import sys, boto3
from pathlib import Path
from histlib.engines.athena.landing.listing import LandingList
from histlib.stores.s3.address import Address
landing = LandingList(boto3.client("s3"), Address(*sys.argv[1:3]), Path(sys.argv[3])).fresh()
print({day: found.objects for day, found in landing.days.items()})
"""


def test_two_processes_list_everything_once(s3, cache):
    """One lists while the others wait for it, and then know what it knows."""
    for day in ("2025/01/01", "2025/02/01"):
        put(s3, f"changes/{day}/a.gz")
    s3.harm = lambda asked, _: time.sleep(3) if asked.prefix == f"{BASE}changes/2025/" else None
    command = [sys.executable, "-c", FRESH, BUCKET, "of/things", str(cache)]
    running = [
        subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in running]
    assert said == ["{'2025/01/01': 1, '2025/02/01': 1}"] * 3
    assert s3.lists().count(f"{BASE}changes/2025/") == 1


def test_the_begin_of_a_day():
    """Epoch µs, UTC; what is no day is an error."""
    assert day_begin("1970/01/02") == 86_400_000_000
    for text in ("", "2026/02/30", "2026-01-01"):
        with pytest.raises(ValueError, match=r"day|match"):
            day_begin(text)
