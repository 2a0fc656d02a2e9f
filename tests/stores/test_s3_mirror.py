"""A history in S3 answers as the same history in a folder, and only what is new is fetched for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import pytest

import histlib
from histlib.errors import NotAHistoryError, RequestError
from histlib.samples.landing import write_landing
from histlib.stores.s3 import mirror
from tests.support.history.landings import NOON, TABLE, put
from tests.support.s3.histories import SOURCE, configure, fill, holes, numbered, put_object, today, versions
from tests.support.s3.server import BUCKET


def objects(cache: Path) -> set[str]:
    """The files of the only mirror, without its index."""
    (root,) = cache.glob("s3/*/*/objects")
    return {
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and ".histlib" not in path.parts
    }


def test_the_same_answers_as_from_the_folder(s3, tmp_path, cache):
    """States and timelines of a sample are equal, caveats included; only the source's name differs."""
    write_landing("products", tmp_path / "history")
    local = histlib.connect(tmp_path / "history")
    fill(s3, tmp_path / "history")
    history = histlib.connect(SOURCE, cache=cache)
    assert SOURCE in repr(history)
    for key in ("p0421", "p0363", "p0417", "nobody"):
        there, here = history.state_at(key, "2026-11-08T02:30"), local.state_at(key, "2026-11-08T02:30")
        assert there.origin.source == SOURCE
        said, expected = json.loads(there.as_json()), json.loads(here.as_json())
        assert said.pop("origin") != expected.pop("origin")
        assert said == expected
        assert history.timeline(key).equals(local.timeline(key))


@pytest.mark.parametrize("source", [SOURCE, f"{SOURCE}/"])
def test_a_slash_at_the_end_says_nothing(source, s3, tmp_path, cache):
    """A prefix is meant with and without it, and does not match its neighbours."""
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h")
    put_object(s3, numbered(2), "of/things2/changes/2026/01/01/a.gz")
    assert versions(histlib.connect(source, cache=cache)) == [1]


@pytest.mark.parametrize("source", [f"s3://{BUCKET}", f"s3://{BUCKET}/"])
def test_a_whole_bucket_is_a_history_too(source, s3, tmp_path, cache):
    """Without a prefix, and what is no history beside it is left alone."""
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h", "")
    put_object(s3, b"x", "elsewhere/x")
    assert versions(histlib.connect(source, cache=cache)) == [1]
    assert s3.gets() == ["changes/2026/01/01/a.gz"]


def test_names_are_taken_as_they_are(s3, tmp_path, cache):
    """Spaces, +, %, quotes and any script, in prefix and key; nothing in them is an escape."""
    names = [
        "a b.gz",
        "a+b.gz",
        "a%2Bb.gz",
        "100%.gz",
        "お米.gz",
        "e\u0301.gz",
        "\u00e9.gz",
        "'\"&<>.gz",
        "a=b;c,d.gz",
        "\U0001f35a.gz",
    ]
    for number, name in enumerate(names):
        put(tmp_path / "h", numbered(number), name=name)
    fill(s3, tmp_path / "h", "of a/100%2F+お米/")
    assert versions(histlib.connect(f"s3://{BUCKET}/of a/100%2F+お米", cache=cache)) == list(range(len(names)))
    assert objects(cache) == {f"changes/2026/01/01/{name}" for name in names}


@pytest.mark.parametrize("name", ["/x.gz", "x" * 256 + ".gz", "a.gz/below.gz"])
def test_a_name_that_no_file_can_have_is_a_hole(name, s3, tmp_path, cache):
    """It is not fetched under another name, and not left out in silence."""
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h")
    put_object(s3, numbered(2), f"of/things/changes/2026/01/01/{name}")
    history = histlib.connect(SOURCE, cache=cache)
    told = {hole.file for hole in holes(history)}
    assert told & {f"changes/2026/01/01/{name}", "changes/2026/01/01/a.gz"}
    assert len(versions(history)) == 1 or told == {"changes/2026/01/01/a.gz"}


def test_hidden_names_and_folder_marks_are_no_objects(s3, tmp_path, cache):
    """As for Athena and local folders; a name that leads out of the folder is among them."""
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h")
    for name in ("_half.gz", ".hidden.gz", "../../../../../../out.gz", "./x.gz"):
        s3.client.put_object(Bucket=BUCKET, Key=f"of/things/changes/2026/01/01/{name}", Body=b"x")
    s3.client.put_object(Bucket=BUCKET, Key="of/things/changes/", Body=b"")
    history = histlib.connect(SOURCE, cache=cache)
    assert (versions(history), holes(history)) == ([1], ())
    assert objects(cache) == {"changes/2026/01/01/a.gz"}


def test_more_objects_than_one_page(s3, tmp_path, cache):
    """Listings of more than 1,000 objects are read to their end, in one day and over days."""
    for number in range(1_005):
        day = "2026/01/01" if number < 1_002 else f"2025/12/{number - 1_000:02}"
        put(tmp_path / "h", numbered(number), day=day, name=f"{number}.gz")
    fill(s3, tmp_path / "h")
    assert versions(histlib.connect(SOURCE, cache=cache)) == list(range(1_005))


def test_only_what_is_new_is_fetched(s3, tmp_path, cache):
    """A second question fetches nothing, nor does a second process; a new object is seen by the next question."""
    put(tmp_path / "h", numbered(1), day=today(1))
    put(tmp_path / "h", numbered(2), day=today(9))
    keys = fill(s3, tmp_path / "h")
    history = histlib.connect(SOURCE, cache=cache)
    assert s3.gets() == sorted(keys)
    s3.asked.clear()
    assert versions(history) == [1, 2]
    assert versions(histlib.connect(SOURCE, cache=cache)) == [1, 2]
    assert s3.gets() == []
    put_object(s3, numbered(3), f"of/things/changes/{today()}/new.gz")
    assert versions(history) == [1, 2, 3]
    assert s3.gets() == [f"of/things/changes/{today()}/new.gz"]


def test_an_object_put_again_is_fetched_again(s3, tmp_path, cache):
    """Another content under one name, of the same size too, replaces the old one in every answer."""
    put(tmp_path / "h", numbered(1), day=today(), name="a.json")
    put(tmp_path / "h", numbered(2), day=today(), name="b.json")
    fill(s3, tmp_path / "h")
    history = histlib.connect(SOURCE, cache=cache)
    path = put(tmp_path / "other", numbered(3), day=today(), name="a.json")
    put_object(s3, path.read_bytes(), f"of/things/changes/{today()}/a.json")
    assert versions(history) == [2, 3]


def test_later_questions_list_recent_days_only(s3, tmp_path, cache, monkeypatch):
    """Old days are listed again when the revision is replaced, or after an hour."""
    put(tmp_path / "h", numbered(1), day=today(1))
    put(tmp_path / "h", numbered(2), day="2024/01/01")
    fill(s3, tmp_path / "h")
    history = histlib.connect(SOURCE, cache=cache)
    put_object(s3, numbered(3), "of/things/changes/2024/01/02/late.gz")
    assert versions(history) == [1, 2]
    assert all(
        asked.query.get("start-after", "z") > "of/things/changes/2024/01/02" for asked in s3.asked if asked.prefix
    )
    put_object(s3, b"1", "of/things/changes/_revision")
    assert versions(history) == [1, 2, 3]
    put_object(s3, numbered(4), "of/things/changes/2024/01/03/later.gz")
    assert versions(history) == [1, 2, 3]
    monkeypatch.setattr(mirror, "FULL_EVERY", 0.0)
    assert versions(history) == [1, 2, 3, 4]


def test_what_has_expired_vanishes(s3, tmp_path, cache):
    """Objects that are gone upstream are in no answer any more, of recent days and of old ones."""
    put(tmp_path / "h", numbered(1), day=today(1))
    put(tmp_path / "h", numbered(2), day="2024/01/01")
    put(tmp_path / "h", numbered(3), day=today())
    fill(s3, tmp_path / "h")
    history = histlib.connect(SOURCE, cache=cache)
    s3.client.delete_object(Bucket=BUCKET, Key=f"of/things/changes/{today(1)}/a.gz")
    assert versions(history) == [2, 3]
    s3.client.delete_object(Bucket=BUCKET, Key="of/things/changes/2024/01/01/a.gz")
    put_object(s3, b"1", "of/things/changes/_revision")
    assert versions(history) == [3]
    assert objects(cache) == {f"changes/{today()}/a.gz", "changes/_revision"}


def test_attestations_and_failures_come_and_go(s3, tmp_path, cache):
    """coverage/, failed/ (but what is done) and Lambda's objects, which lie at the bucket's root, of this table."""
    put(tmp_path / "h", numbered(1), day=today())
    fill(s3, tmp_path / "h")
    history = histlib.connect(SOURCE, cache=cache)
    change = {"dynamodb": {"Keys": {"id": {"S": "a"}}, "ApproximateCreationDateTime": NOON}}

    def event(table: str) -> bytes:
        records = [{**change, "eventSourceARN": f"{table}/stream/2026-01-01T00:00:00.000"}]
        return json.dumps({"payload": json.dumps({"Records": records})}).encode()

    misplaced = {**change, "eventSourceARN": f"{TABLE}-other/stream/2026-01-01T00:00:00.000"}
    bodies = {
        "of/things/failed/records/17": json.dumps(change).encode(),
        "of/things/failed/records/19": json.dumps(misplaced).encode(),
        "of/things/failed/done/18": json.dumps(change).encode(),
        "aws/lambda/mapping/s/2026/01/01/x": event(TABLE),
        "aws/lambda/mapping/s/2026/01/01/y": event(f"{TABLE}-other"),
        "aws/lambda/async/function/2026/01/01/z": b"other",
        f"of/things/coverage/{today()}/a.json": b"{}",
    }
    for key, body in bodies.items():
        s3.client.put_object(Bucket=BUCKET, Key=key, Body=body)
    told = {(hole.kind, hole.file) for hole in holes(history)}
    assert told == {
        ("unconverted", "failed/records/17"),
        ("unconverted", "failed/records/19"),
        ("undelivered", "aws/lambda/mapping/s/2026/01/01/x"),
    }
    assert history.completeness == "attested"
    for key in bodies:
        s3.client.delete_object(Bucket=BUCKET, Key=key)
    assert (holes(history), history.completeness) == ((), "observed")


def test_the_limit_is_kept_before_anything_is_fetched(s3, tmp_path, cache):
    """The error says how many objects and bytes, and the argument that allows them; later only what is new counts."""
    size = put(tmp_path / "h", numbered(1), day=today()).stat().st_size
    fill(s3, tmp_path / "h")
    with pytest.raises(RequestError, match=rf"1 objects .* {size} bytes .* limit of {size - 1}.*max_scan_bytes={size}"):
        histlib.connect(SOURCE, cache=cache, max_scan_bytes=size - 1)
    assert s3.gets() == []
    history = histlib.connect(SOURCE, cache=cache, max_scan_bytes=size)
    assert versions(histlib.connect(SOURCE, cache=cache, max_scan_bytes=0)) == versions(history) == [1]
    put_object(s3, numbered(2, 3, 4, 5, 6, 7, 8), f"of/things/changes/{today()}/b.gz")
    with pytest.raises(RequestError, match="over the limit"):
        versions(history)
    with pytest.raises(RequestError, match="expected a number of bytes"):
        histlib.connect(SOURCE, cache=cache, max_scan_bytes="1GB")


def test_the_mirror_is_private_and_named_without_account_ids(s3, tmp_path, cache):
    """0700, also where someone opened it up; an account id in a prefix is not in a folder's name."""
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h", "111122223333/things/")
    histlib.connect(f"s3://{BUCKET}/111122223333/things", cache=cache)
    (home,) = cache.glob("s3/*/*")
    assert home.name.startswith("account-things-")
    home.chmod(0o755)
    histlib.connect(f"s3://{BUCKET}/111122223333/things", cache=cache)
    assert {folder.stat().st_mode & 0o777 for folder in (cache, cache / "s3", home.parent, home)} == {0o700}


def test_what_is_no_history_is_refused(s3, cache):
    """Nothing, or something else: an error that says what is there."""
    with pytest.raises(NotAHistoryError, match="under it is nothing"):
        histlib.connect(SOURCE, cache=cache)
    put_object(s3, b"x", "of/things/2026/01/01/a.gz")
    put_object(s3, b"x", "of/things/readme.txt")
    with pytest.raises(NotAHistoryError, match=r"under it is 2026/, readme.txt; expected"):
        histlib.connect(SOURCE, cache=cache)
    put_object(s3, b"hello", "of/things/changes/2026/01/01/a.gz")
    with pytest.raises(NotAHistoryError, match=rf"^{SOURCE} is no history: of 1 files"):
        histlib.connect(SOURCE, cache=cache)
    put_object(s3, b'{"eventName": "INSERT", "dynamodb": {}}', "of/things/changes/2026/01/01/a.gz")
    with pytest.raises(NotAHistoryError, match=rf"^{SOURCE} is no history: these are stream records: replay"):
        histlib.connect(SOURCE, cache=cache)


def test_a_history_of_which_all_failed_so_far_names_what_did(s3, cache):
    """A pipeline whose first changes could not be converted is no stranger."""
    put_object(s3, b"{}", "of/things/failed/records/1")
    with pytest.raises(NotAHistoryError, match=r"holds no change yet: .* \(1, the first failed/records/1\)"):
        histlib.connect(SOURCE, cache=cache)


def test_names_in_histlib_toml_bring_profile_and_region(s3, tmp_path, cache, monkeypatch):
    """They are used where none is given; explicit ones win; a session needs no profile."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "h", numbered(1))
    fill(s3, tmp_path / "h")
    (tmp_path / "histlib.toml").write_text(f'[history.things]\nsource = "{SOURCE}"\nprofile = "nobody"\n')
    with pytest.raises(RequestError, match="profile 'nobody'"):
        histlib.connect("things", cache=cache)
    configure(tmp_path, "[profile somebody]\naws_access_key_id = a\naws_secret_access_key = b\nregion = eu-west-1\n")
    assert versions(histlib.connect("things", cache=cache, profile="somebody")) == [1]
    session = boto3.Session(region_name="eu-west-1")
    assert versions(histlib.connect("things", cache=cache, session=session)) == [1]
    with pytest.raises(RequestError, match="give one of them"):
        histlib.connect("things", cache=cache, session=session, profile="somebody")
    (tmp_path / "histlib.toml").write_text('[history.things]\nsource = "h"\nprofile = "nobody"\n')
    assert versions(histlib.connect("things", cache=cache)) == [1]
    for local in ("things", "h", "./h", "sample:"):
        with pytest.raises(RequestError, match="max_scan_bytes, region: only a source on AWS"):
            histlib.connect(local, cache=cache, region="eu-west-1", max_scan_bytes=1)


@pytest.mark.parametrize("source", ["s3:", "s3://", "s3:///x", "s3:bucket/x", "s3://a b/x", "s3://x--euw1-az1--x-s3/x"])
def test_addresses_that_are_none(source):
    """Are refused before anyone is asked."""
    with pytest.raises(RequestError, match=r"names no bucket|directory bucket"):
        histlib.connect(source)


CONNECT = """
import sys, histlib
from histlib.errors import HistlibError
try:
    histlib.connect(sys.argv[1], cache=sys.argv[2])
except KeyboardInterrupt:
    sys.exit(130)
except HistlibError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_stopped_process_leaves_what_it_has(how, code, s3, tmp_path, cache):
    """Interrupted or killed in the middle: whole objects stay and are not fetched again, half ones do not count."""
    for number in range(60):
        put(tmp_path / "h", numbered(number), name=f"{number}.gz")
    keys = fill(s3, tmp_path / "h")
    halfway, goes_on = threading.Event(), threading.Event()

    def hang(asked, _):
        if asked.method == "GET" and asked.key and len(s3.gets()) > 30:
            halfway.set()
            goes_on.wait(20)

    s3.harm = hang
    process = subprocess.Popen([sys.executable, "-c", CONNECT, SOURCE, str(cache)], env=dict(os.environ))
    assert halfway.wait(30)
    while len(journal := next(cache.glob("s3/*/*/journal")).read_bytes().splitlines()) < 10:
        time.sleep(0.01)
    process.send_signal(how)
    if how == signal.SIGINT:
        time.sleep(0.2)
        goes_on.set()
    assert process.wait(30) == code
    goes_on.set()
    (parts,) = cache.glob("s3/*/*/parts")
    (parts / "left").write_bytes(b"over")
    time.sleep(0.2)
    s3.harm = None
    s3.asked.clear()
    assert versions(histlib.connect(SOURCE, cache=cache)) == list(range(60))
    assert 0 < len(s3.gets()) <= len(keys) - len(journal)
    assert list(parts.iterdir()) == []


def test_a_kill_between_file_and_journal_is_seen(s3, tmp_path, cache):
    """A file that the state does not know, or knows otherwise, or misses: the next open puts it right."""
    for number in range(4):
        put(tmp_path / "h", numbered(number), name=f"{number}.gz")
    fill(s3, tmp_path / "h")
    histlib.connect(SOURCE, cache=cache)
    (home,) = cache.glob("s3/*/*")
    folder = home / "objects/changes/2026/01/01"
    put(home / "objects", numbered(9), name="unknown.gz")
    (folder / "1.gz").unlink()
    (folder / "2.gz").write_bytes(b"short")
    with (home / "journal").open("ab") as stream:
        stream.write(b'["changes/2026/01/01/7.gz","\\"etag\\"",100]\n["changes/20')
    s3.asked.clear()
    assert versions(histlib.connect(SOURCE, cache=cache)) == [0, 1, 2, 3]
    assert s3.gets() == [f"of/things/changes/2026/01/01/{number}.gz" for number in (1, 2)]
    (home / "state.json").write_bytes(b"{damaged")
    assert versions(histlib.connect(SOURCE, cache=cache)) == [0, 1, 2, 3]


def test_a_mirror_cleared_under_a_live_history_is_made_again(s3, tmp_path, cache):
    """The next question answers as before."""
    import shutil

    put(tmp_path / "h", numbered(1, 2))
    fill(s3, tmp_path / "h")
    history = histlib.connect(SOURCE, cache=cache)
    shutil.rmtree(cache)
    assert versions(history) == [1, 2]


def test_two_processes_fetch_each_object_once(s3, tmp_path, cache):
    """One mirrors while the others wait for it, and then have what it has."""
    for number in range(40):
        put(tmp_path / "h", numbered(number), name=f"{number}.gz")
    keys = fill(s3, tmp_path / "h")
    s3.harm = lambda asked, _: time.sleep(3) if asked.key and len(s3.gets()) == 1 else None  # the others come meanwhile
    command = [sys.executable, "-c", CONNECT, SOURCE, str(cache)]
    running = [subprocess.Popen(command, env=dict(os.environ)) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert s3.gets() == sorted(keys)
