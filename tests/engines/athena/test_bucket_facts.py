"""The small facts beside a landing in S3 are the same as those of the folder, fetched only when new, never in part."""

from __future__ import annotations

import json

import boto3
import pytest

from histlib.engines.athena.landing.beside import BucketFacts
from histlib.engines.athena.landing.listing import LandingList
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Attestations, Baselines, Holes, NetWindows, Streams
from histlib.errors import SourceError
from histlib.stores.cache import clear, entries
from histlib.stores.s3.address import Address
from tests.support.history.baselines import put_baseline
from tests.support.history.landings import NOON, STREAM, TABLE, put, record
from tests.support.s3.histories import fill, numbered, put_object, today
from tests.support.s3.server import BUCKET, error

ADDRESS = Address(BUCKET, "of/things")
CHANGE = {
    "eventSourceARN": STREAM,
    "dynamodb": {"Keys": {"id": {"S": "a"}}, "ApproximateCreationDateTime": NOON},
}


def event(table: str) -> bytes:
    """What Lambda leaves of an event that it could not deliver."""
    records = [{**CHANGE, "eventSourceARN": f"{table}/stream/2026-01-01T00:00:00.000"}]
    return json.dumps({"payload": json.dumps({"Records": records})}).encode()


@pytest.fixture
def folder(tmp_path):
    """A history with all kinds of small facts."""
    folder = tmp_path / "h"
    put(folder, numbered(1, 2))
    put_baseline(folder, "n1", [{"id": "a", "version": 2}, {"id": "b"}], NOON, NOON + 60, files=2)
    put_baseline(folder, "n2", [{"id": "a", "version": 2}], NOON, NOON + 60, files=2)
    (folder / "changes/2026/01/01/baseline-n2-0001.gz").unlink()
    put_baseline(folder, "n3", [{"id": "a"}], NOON, NOON + 60, format=7)
    window = {"format": 1, "id": "w", "kind": "incremental", "table": TABLE, "start": 1, "end": 2, "items": 0}
    files = {
        "coverage/2026/01/01/a.json": b'{"attested":1}',
        f"coverage/{today()}/b.json": b'{"attested":2}',
        "baseline/backfill-w.json": json.dumps(window).encode(),
        "failed/records/17": json.dumps(CHANGE).encode(),
        "failed/done/18": json.dumps(CHANGE).encode(),
        "failed/processing-failed/2026/01/01/x": b"junk",
        "aws/lambda/mapping/s/2026/01/01/x": event(TABLE),
        "aws/lambda/mapping/s/2026/01/01/y": event(f"{TABLE}-other"),
    }
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def opened(cache, **options) -> BucketFacts:
    return BucketFacts(boto3.client("s3"), ADDRESS, cache, **options)


def landing_of(cache):
    return LandingList(boto3.client("s3"), ADDRESS, cache).fresh()


def holes(facts: BucketFacts, cache) -> list[tuple]:
    return [(row["kind"], row["file"]) for row in facts.holes([TABLE], landing_of(cache)).to_pylist()]


def test_the_same_facts_as_of_the_folder(folder, s3, cache):
    """Attestations, windows, holes and baselines, but for what Athena itself tells; the landing is not fetched."""
    fill(s3, folder)
    source, facts = EmbeddedSource(folder), opened(cache)
    source.fetch(Streams())
    assert facts.refresh()
    assert facts.attestations().equals(source.fetch(Attestations()))
    assert facts.net_windows().equals(source.fetch(NetWindows()))
    assert facts.holes([TABLE], landing_of(cache)).equals(source.fetch(Holes()))
    assert not any("/changes/" in key for key in s3.gets())
    counted = []

    def count(baseline) -> int:
        counted.append(baseline.id)
        return 2

    told, expected = (
        {row["file"]: row for row in table.to_pylist()}
        for table in (facts.baselines(landing_of(cache), count), source.fetch(Baselines()))
    )
    assert counted == ["n1"]
    for file, row in expected.items():
        unfinished = {"keys": None} if row["missing"] else {}
        assert told.pop(file) == row | unfinished
    assert told == {}


def test_only_what_is_new_is_fetched(folder, s3, cache):
    """A second question and a second process fetch nothing; facts come, change and go."""
    fill(s3, folder)
    facts = opened(cache)
    facts.refresh()
    before = [kind for kind, _ in holes(facts, cache)]
    s3.asked.clear()
    assert not facts.refresh()
    opened(cache).refresh()
    assert s3.gets() == []
    assert not any(prefix.startswith("of/things/changes/2") for prefix in s3.lists())
    put_object(s3, b"{}", f"of/things/coverage/{today()}/c.json")
    put_object(s3, b'{"attested":3}', f"of/things/coverage/{today()}/b.json")
    s3.client.delete_object(Bucket=BUCKET, Key="of/things/failed/records/17")
    assert facts.refresh()
    assert s3.gets() == [f"of/things/coverage/{today()}/{name}.json" for name in "bc"]
    assert facts.attestations()["attestation"].to_pylist() == ['{"attested":1}', '{"attested":3}', "{}"]
    assert [kind for kind, _ in holes(facts, cache)] == [kind for kind in before if kind != "unconverted"]


def test_the_cache_tells_of_it_and_can_be_rid_of_it(folder, s3, cache):
    """As one entry, the landing's list with it; what is open makes it again."""
    fill(s3, folder)
    facts, lists = opened(cache), LandingList(boto3.client("s3"), ADDRESS, cache)
    facts.refresh()
    expected = lists.fresh().days
    (entry,) = entries(cache)
    assert (entry.name.startswith("athena/histories/of-things-"), entry.source) == (True, str(ADDRESS))
    assert entry.objects == sum(1 for key in s3.gets() if key)
    clear(cache, [entry])
    assert entries(cache) == []
    facts.refresh()
    assert (lists.fresh().days, facts.attestations().num_rows) == (expected, 2)


def test_facts_of_past_days_come_with_the_revision(folder, s3, cache):
    """As the landing's own late objects do."""
    fill(s3, folder)
    facts = opened(cache)
    facts.refresh()
    put_object(s3, b"{}", "of/things/coverage/2026/01/02/late.json")
    assert not facts.refresh()
    put_object(s3, b"1", "of/things/changes/_revision")
    assert facts.refresh()
    assert "coverage/2026/01/02/late.json" in facts.attestations()["file"].to_pylist()


@pytest.mark.parametrize("file", ["coverage/2026/01/01/a.json", "baseline/n1.json"])
@pytest.mark.parametrize("how", ["denied", "archived"])
def test_answers_depend_on_some(file, how, folder, s3, cache):
    """An attestation or a manifest that cannot be read is an error that names it."""
    fill(s3, folder)
    if how == "archived":
        s3.client.put_object(Bucket=BUCKET, Key=f"of/things/{file}", Body=b"{}", StorageClass="GLACIER")
    else:
        s3.harm = lambda asked, _: error(403, "AccessDenied") if asked.key == f"of/things/{file}" else None
    with pytest.raises(SourceError, match=rf"answers depend on {file}, and it cannot be read: .*{how}"):
        opened(cache).refresh()


def test_what_failed_and_cannot_be_read_is_a_hole(folder, s3, cache):
    """As what lies in the landing and Athena does not see; the facts are others then."""
    fill(s3, folder)
    key = "of/things/failed/records/17"
    facts = opened(cache)
    facts.refresh()
    put_object(s3, b"{}", key)
    s3.harm = lambda asked, _: error(403, "AccessDenied") if asked.key == key else None
    assert facts.refresh()
    assert ("unreadable", "failed/records/17") in holes(facts, cache)
    s3.harm = None
    put_object(s3, b"x", "of/things/changes/2011/01/01/x.gz")
    put_object(s3, b"x", "of/things/changes/_revision")
    facts.refresh()
    assert ("unreadable", "changes/2011/01/01/x.gz") in holes(facts, cache)
    assert ("unconverted", "failed/records/17") in holes(facts, cache)


def test_a_listing_that_is_refused(folder, s3, cache):
    """An error, but for Lambda's objects outside the prefix: those are a hole."""
    fill(s3, folder)
    facts = opened(cache)
    s3.harm = lambda asked, _: error(403, "AccessDenied") if asked.prefix == "aws/lambda/" else None
    facts.refresh()
    assert ("unreadable", "aws/lambda/") in holes(facts, cache)
    for prefix in ("coverage/", "baseline/", "failed/", "changes/_revision"):
        s3.harm = lambda asked, _, prefix=prefix: (
            error(403, "AccessDenied") if asked.prefix == f"of/things/{prefix}" else None
        )
        with pytest.raises(SourceError, match=f"{prefix}: s3:ListBucket is denied"):
            facts.refresh()


def test_a_history_without_small_facts(s3, cache):
    """None of them, and nothing wrong with that; that Lambda's cannot be listed is a fact that comes and goes."""
    put_object(s3, [record(1)], "of/things/changes/2026/01/01/a.gz")
    facts = opened(cache)
    facts.refresh()
    tables = [facts.attestations(), facts.net_windows(), facts.baselines(landing_of(cache), lambda _: 0)]
    assert [table.num_rows for table in tables] == [0, 0, 0]
    assert holes(facts, cache) == []
    s3.harm = lambda asked, _: error(403, "AccessDenied") if asked.prefix == "aws/lambda/" else None
    assert [facts.refresh() for _ in range(2)] == [True, False]
    s3.harm = None
    assert [facts.refresh() for _ in range(2)] == [True, False]
