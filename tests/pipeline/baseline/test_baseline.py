"""A baseline by scan: rows and manifest that histlib believes, whatever happens on the way."""

from __future__ import annotations

import gzip
import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from histlib.format.record import COLUMNS
from histlib.rules.coverage.baselines import Manifest, read_manifest
from histlib.values.image_json import encode_image
from histlib.values.times import from_micros
from pipeline.functions.baseline import scan
from pipeline.functions.baseline.run import LEASE_SECONDS, AbandonedError
from pipeline.functions.baseline.step import Hears, OtherTableError, step
from pipeline.functions.baseline.storage import BusyError
from pipeline.replay.local import client_error
from tests.support.pipeline.baseline_world import (
    BUCKET,
    PREFIX,
    TABLE,
    Killed,
    MortalS3,
    OfPages,
    World,
    settings,
    world,
)


@pytest.fixture
def aws() -> Iterator[World]:
    with world() as made:
        yield made


def manifests(aws: World) -> list[Manifest]:
    names = [key for key in aws.objects() if key.startswith(f"{PREFIX}baseline/") and "/_" not in key]
    return [read_manifest(aws.body(name).decode()) for name in names]


def rows(aws: World, manifest: Manifest) -> list[dict[str, Any]]:
    texts = (gzip.decompress(aws.body(PREFIX + file)).decode() for file in manifest.files)
    return [json.loads(line) for text in texts for line in text.split("\n")[:-1]]


def test_histlib_knows_all_items_and_that_others_are_absent(aws: World, tmp_path: Path) -> None:
    """Items that never changed are present by the baseline, a key it lacks is absent, and the snapshot is all of it."""
    aws.put(*({"id": f"i{n}", "n": n} for n in range(30)))
    outcome = step(aws.clients(), settings(segments=4))
    assert (outcome.finished, outcome.items) == (True, 30)
    (manifest,) = manifests(aws)
    assert manifest.id == outcome.id
    assert (manifest.kind, manifest.items, manifest.key_schema[0]["AttributeName"]) == ("scan", 30, "id")
    assert len(rows(aws, manifest)) == 30
    history = aws.history(tmp_path)
    moment = from_micros(manifest.read_end, UTC)
    state = history.state_at("i7", moment)
    assert (state.status, state.evidence, state.item) == ("present", "baseline", {"id": "i7", "n": 7})
    assert history.state_at("nobody", moment).status == "absent"
    assert len(history.snapshot_at(moment)) == 30


def test_rows_have_the_records_fields(aws: World) -> None:
    """A row has the fields of format 1, in their order, and was read within the manifest's times."""
    aws.put({"id": "a"})
    step(aws.clients(), settings())
    (manifest,) = manifests(aws)
    (row,) = rows(aws, manifest)
    assert list(row) == list(COLUMNS)
    assert row | {"event_id": "", "timestamp": 0, "timestamp_utc": "", "timestamp_micros": 0} == {
        "format": 1, "event_id": "", "table": manifest.table, "stream": manifest.stream, "view": "NEW_IMAGE",
        "action": "BASELINE", "keys": '{"id":"a"}', "new_image": '{"id":"a"}', "old_image": None, "timestamp": 0,
        "timestamp_utc": "", "timestamp_micros": 0, "precision": "us", "sequence_number": None, "actor": None,
        "redaction": None, "size_bytes": None, "read_begin": row["read_begin"], "read_end": row["read_end"],
    }  # fmt: skip
    assert manifest.read_begin <= row["read_begin"] < row["read_end"] <= manifest.read_end


EVERY_TYPE = {
    "id": "a",
    "big": Decimal("1234567890123456789012345678901234567.8"),
    "small": Decimal("-1E-130"),
    "text": 'ü;=1+1\n"',
    "raw": b"\x00\xff",
    "yes": True,
    "nothing": None,
    "texts": {"x", "y"},
    "numbers": {Decimal(1), Decimal("2.5")},
    "raws": {b"1", b"2"},
    "empty": [],
    "deep": {"list": [1, {"raw": b"3"}, None], "$one": {"$B": "no binary"}},
}


def test_all_types_come_through(aws: World, tmp_path: Path) -> None:
    """Each type of DynamoDB, nested as well, 38 digits and binary, is read back as it was."""
    aws.put(EVERY_TYPE)
    step(aws.clients(), settings())
    (manifest,) = manifests(aws)
    assert rows(aws, manifest)[0]["new_image"] == encode_image(EVERY_TYPE)
    found = aws.history(tmp_path).state_at("a", from_micros(manifest.read_end, UTC)).item
    assert encode_image(found) == encode_image(EVERY_TYPE)


def test_keys_of_numbers_and_binary(tmp_path: Path) -> None:
    """A table with a number and a binary as its key is read in pages, each begun after such a key."""
    with world((("n", "N", "HASH"), ("b", "B", "RANGE"))) as aws:
        items = [{"n": n % 3, "b": bytes([n]), "v": n} for n in range(20)]
        aws.put(*items)
        outcome = step(aws.clients(dynamo=OfPages(aws.dynamo, 2)), settings())
        assert outcome.items == 20
        (manifest,) = manifests(aws)
        assert [one["AttributeName"] for one in manifest.key_schema] == ["n", "b"]
        snapshot = aws.history(tmp_path).snapshot_at(from_micros(manifest.read_end, UTC))
        assert sorted(snapshot["keys.b"]) == [bytes([n]) for n in range(20)]


def test_an_empty_table(aws: World) -> None:
    """Of an empty table there is a whole baseline, too: nothing was there."""
    assert step(aws.clients(), settings()).finished
    (manifest,) = manifests(aws)
    assert (manifest.items, rows(aws, manifest)) == (0, [])


def test_redacted(aws: World) -> None:
    """What must not be stored is in no row, and rows and manifest name the redaction; attributes of the key stay."""
    aws.put({"id": "a", "email": "secret", "address": {"zip": "secret", "town": "x"}})
    step(aws.clients(), settings(redact="email address.zip id"))
    (manifest,) = manifests(aws)
    (row,) = rows(aws, manifest)
    assert row["new_image"] == '{"address":{"town":"x"},"id":"a"}'
    assert row["redaction"] == manifest.redaction is not None


# --- killed, and run again ---


@pytest.fixture
def tiny_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part for each page."""
    monkeypatch.setattr(scan, "PART_BYTES", 1)


@pytest.mark.usefixtures("tiny_parts")
@pytest.mark.parametrize("after", [True, False], ids=["after the put", "before the put"])
def test_killed_at_each_put_while_writes_go_on(aws: World, after: bool) -> None:
    """Killed at the n-th put, for every n, with items coming and going before it is run again: it goes on with the same
    id, its manifest comes once, and each key is in its rows once, those that were there all the time in any case."""
    whole = MortalS3(aws.s3)
    _fill(aws)
    step(aws.clients(whole, OfPages(aws.dynamo, 3)), settings())
    assert len(whole.puts) > 15
    for n in range(len(whole.puts) - 1):  # the last one says that nothing is left to do
        aws.empty()
        _kill_and_go_on(aws, n, after)


def _fill(aws: World) -> None:
    aws.put(*({"id": f"i{number:02}"} for number in range(24)))


def _kill_and_go_on(aws: World, n: int, after: bool) -> None:
    _fill(aws)
    dynamo = OfPages(aws.dynamo, 3)
    with pytest.raises(Killed):
        step(aws.clients(MortalS3(aws.s3, n, after), dynamo), settings())
    begun = {key.split("-")[1] for key in aws.objects() if "/changes/" in key}
    for number in range(1, 24, 2):
        aws.delete(f"i{number:02}")
    aws.put({"id": "i04x"}, {"id": "i12x"}, {"id": "zzz"})
    aws.clock.seconds += LEASE_SECONDS + 1
    step(aws.clients(dynamo=dynamo), settings())
    (manifest,) = manifests(aws)
    assert begun <= {manifest.id.split("-")[0]}
    keys = [row["keys"] for row in rows(aws, manifest)]
    assert len(keys) == len(set(keys)) == manifest.items
    assert {f'{{"id":"i{number:02}"}}' for number in range(0, 24, 2)} <= set(keys)
    assert sorted(PREFIX + file for file in manifest.files) == [key for key in aws.objects() if "/changes/" in key]


@pytest.mark.usefixtures("tiny_parts")
def test_killed_then_whole_for_histlib(aws: World, tmp_path: Path) -> None:
    """A baseline that was killed half way does not exist for histlib; once it was gone on with, it is complete."""
    _fill(aws)
    dynamo = OfPages(aws.dynamo, 3)
    with pytest.raises(Killed):
        step(aws.clients(MortalS3(aws.s3, 6), dynamo), settings())
    half = aws.history(tmp_path / "half")
    assert half.state_at("i00", "now").status == "unknown"
    aws.clock.seconds += LEASE_SECONDS + 1
    step(aws.clients(dynamo=dynamo), settings())
    history = aws.history(tmp_path / "whole")
    (manifest,) = manifests(aws)
    snapshot = history.snapshot_at(from_micros(manifest.read_end, UTC))
    assert (len(snapshot), set(snapshot["evidence"])) == (24, {"baseline"})


@pytest.mark.usefixtures("tiny_parts")
def test_a_part_left_by_a_kill_does_not_stay(aws: World) -> None:
    """Rows of a part that was written but not noted go when it is written again, even if then there is none of them,
    and even on another day: a deleted item must not appear in the baseline."""
    aws.put({"id": "a"}, {"id": "b"})
    with pytest.raises(Killed):
        step(aws.clients(MortalS3(aws.s3, 1)), settings(segments=1))
    assert any("/changes/" in key for key in aws.objects())
    aws.delete("a")
    aws.delete("b")
    aws.clock.seconds += 86_400
    step(aws.clients(), settings(segments=1))
    (manifest,) = manifests(aws)
    assert manifest.items == 0
    assert [key for key in aws.objects() if "/changes/" in key] == [PREFIX + file for file in manifest.files]
    assert rows(aws, manifest) == []


@pytest.mark.usefixtures("tiny_parts")
def test_a_time_limit_ends_a_step_and_the_next_goes_on(aws: World) -> None:
    """A step ends in time, with all that it read noted; the next one goes on at once, and none reads a page twice."""
    _fill(aws)
    dynamo = OfPages(aws.dynamo, 3)
    steps = 0
    while not step(aws.clients(dynamo=dynamo), settings(segments=1), aws.clock.seconds + 1.5).finished:
        steps += 1
    assert steps > 1
    starts = [json.dumps(asked.get("ExclusiveStartKey")) for asked in aws.dynamo.scans]
    assert len(starts) == len(set(starts))
    (manifest,) = manifests(aws)
    assert len(rows(aws, manifest)) == manifest.items == 24


def _press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _refuse() -> None:
    raise client_error("ProvisionedThroughputExceededException", 400, "too fast", "Scan")


@pytest.mark.usefixtures("tiny_parts")
@pytest.mark.parametrize(("trouble", "raised"), [(_press_ctrl_c, KeyboardInterrupt), (_refuse, ClientError)])
def test_interrupted_it_writes_what_it_read(aws: World, trouble: Callable[[], None], raised: Any) -> None:
    """Ctrl-C, or an error of AWS in one segment, leaves all that is read written, and no lease: the next run goes
    on at once, and reads no page twice."""
    _fill(aws)
    aws.dynamo.before_scan = lambda number: trouble() if number == 5 else None
    with pytest.raises(raised):
        step(aws.clients(dynamo=OfPages(aws.dynamo, 3)), settings())
    progress = json.loads(aws.body(f"{PREFIX}baseline/_progress.json"))
    aws.dynamo.before_scan = lambda number: None
    said: list[str] = []
    step(aws.clients(dynamo=OfPages(aws.dynamo, 3)), settings(), hears=Hears(said=said.append))
    (manifest,) = manifests(aws)
    assert 3 <= progress["items"] < 24
    assert said == [f"goes on with baseline {manifest.id}: {progress['items']} items are read already"]
    assert len(rows(aws, manifest)) == manifest.items == 24


@pytest.mark.parametrize(
    ("days", "same"), [(1, True), (2, True), (3, False)], ids=["next day", "after two days", "after three days"]
)
def test_left_lying(aws: World, days: int, same: bool) -> None:
    """The parts of a baseline gone on with later go where they were planned, which readers still look at unasked; one
    that has lain for longer is abandoned, and a new one begins."""
    _fill(aws)
    first = step(aws.clients(), settings(), aws.clock.seconds)
    aws.clock.seconds += days * 86_400
    said: list[str] = []
    second = step(aws.clients(), settings(), hears=Hears(said=said.append))
    assert (second.id == first.id) == same
    assert ("is abandoned: it has lain still" in said[0]) != same


# --- two at once ---


def test_a_second_run_is_told_to_wait(aws: World) -> None:
    """While one works on a baseline, another is refused, told for how long; after a kill, it goes on then."""
    _fill(aws)

    def second(number: int) -> None:
        with pytest.raises(BusyError, match=r"run again in 300 s"):
            step(aws.clients(dynamo=aws.dynamo.client), settings())

    aws.dynamo.before_scan = second
    assert step(aws.clients(), settings(segments=1)).finished


@pytest.mark.usefixtures("tiny_parts")
def test_a_runner_that_slept_harms_nothing(aws: World) -> None:
    """A runner that sleeps through its lease, before any of its scans, while another finishes the baseline and the
    table changes, writes nothing into it and gives up."""
    for number in range(8):
        aws.empty()
        _sleep_through(aws, number)


def _sleep_through(aws: World, slept_at: int) -> None:
    _fill(aws)
    dynamo = OfPages(aws.dynamo, 3)

    def sleep(number: int) -> None:
        if number == slept_at:
            aws.dynamo.before_scan = lambda _: None
            aws.delete("i05")
            aws.clock.seconds += LEASE_SECONDS + 1
            step(aws.clients(dynamo=dynamo), settings(segments=1))
            aws.put({"id": "i99"}, {"id": "i00x"})

    aws.dynamo.before_scan = sleep
    with pytest.raises(BusyError):
        step(aws.clients(dynamo=dynamo), settings(segments=1))
    (manifest,) = manifests(aws)
    keys = {row["keys"] for row in rows(aws, manifest)}
    assert len(keys) == manifest.items
    assert not {'{"id":"i99"}', '{"id":"i00x"}'} & keys
    assert sorted(PREFIX + file for file in manifest.files) == [key for key in aws.objects() if "/changes/" in key]


def test_two_that_begin_at_once(aws: World) -> None:
    """Of two that find no baseline under way and begin one, one begins."""
    _fill(aws)
    other = Rival(aws.s3, lambda: step(aws.clients(), settings()))
    with pytest.raises(BusyError, match="another run has taken over"):
        step(aws.clients(other), settings())
    assert len(manifests(aws)) == 1


class Rival:
    """An S3 client that lets another act right before its first put."""

    def __init__(self, client: Any, act: Any) -> None:
        self._client = client
        self._act = act

    def put_object(self, **asked: Any) -> dict[str, Any]:
        act, self._act = self._act, None
        if act is not None:
            act()
        return self._client.put_object(**asked)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_lost_answer_is_no_rival(aws: World) -> None:
    """Where S3's answer to a put is lost and botocore asks again, its refusal is not taken for another runner."""
    _fill(aws)
    assert step(aws.clients(Forgetful(aws.s3)), settings()).finished
    (manifest,) = manifests(aws)
    assert len(rows(aws, manifest)) == manifest.items == 24


class Forgetful(Rival):
    """An S3 client that sends each put twice, as after an answer that was lost."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, None)

    def put_object(self, **asked: Any) -> dict[str, Any]:
        self._client.put_object(**asked)
        return self._client.put_object(**asked)


# --- what can never be whole ---


@pytest.mark.usefixtures("tiny_parts")
def test_a_table_made_anew_meanwhile(aws: World) -> None:
    """A table that is deleted and made anew while it is read gets no manifest from its two halves; the next run begins
    a new one."""
    _fill(aws)

    def anew(number: int) -> None:
        if number == 2:
            aws.dynamo.client.delete_table(TableName=TABLE)
            aws.make_table()
            aws.put({"id": "zz"})

    aws.dynamo.before_scan = anew
    with pytest.raises(AbandonedError, match="deleted and made anew"):
        step(aws.clients(dynamo=OfPages(aws.dynamo, 3)), settings(segments=1))
    assert manifests(aws) == []
    aws.dynamo.before_scan = lambda number: None
    step(aws.clients(), settings())
    (manifest,) = manifests(aws)
    assert [row["keys"] for row in rows(aws, manifest)] == ['{"id":"zz"}']


def test_other_rules_of_redaction(aws: World) -> None:
    """A baseline begun under other rules of redaction is not gone on with: its rows would be of two kinds."""
    _fill(aws)
    first = step(aws.clients(), settings(), aws.clock.seconds)
    said: list[str] = []
    assert step(aws.clients(), settings(redact="email"), hears=Hears(said=said.append)).id != first.id
    assert "by now it is" in said[0]


@pytest.mark.usefixtures("tiny_parts")
def test_parts_that_are_gone(aws: World) -> None:
    """Where parts have expired or were deleted before the end, no manifest promises them."""
    _fill(aws)
    step(aws.clients(dynamo=OfPages(aws.dynamo, 3)), settings(segments=1), aws.clock.seconds + 1.5)
    name, *_ = (key for key in aws.objects() if "/changes/" in key)
    aws.s3.delete_object(Bucket=BUCKET, Key=name)
    with pytest.raises(AbandonedError, match="is not there any more"):
        step(aws.clients(), settings())
    assert manifests(aws) == []


def test_another_tables_history(aws: World) -> None:
    """A history that holds another table's baseline is refused before anything is read."""
    step(aws.clients(), settings())
    progress = json.loads(aws.body(f"{PREFIX}baseline/_progress.json"))
    progress["table"]["arn"] += "-other"
    aws.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}baseline/_progress.json", Body=json.dumps(progress).encode())
    aws.dynamo.scans.clear()
    with pytest.raises(OtherTableError, match="things-other, expected one of"):
        step(aws.clients(), settings())
    assert aws.dynamo.scans == []
