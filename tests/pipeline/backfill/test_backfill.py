"""Backfill: what incremental exports tell of the time before the pipeline is in the history, whole, once, and said."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from histlib.values.times import from_micros
from pipeline.backfill.exports import Exports
from pipeline.common.aws import Aws
from pipeline.common.landing import REVISION, Bucket, Folder
from pipeline.replay.replay import replay
from tests.support.pipeline.backfill_world import ARN, HOUR, REGION, T0, World, a_world, stream_event, tree, truth
from tests.support.pipeline.capture import lines_in
from tests.support.pipeline.export_standin import DAY, SECOND


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with a_world(tmp_path, monkeypatch) as made:
        yield made


def state(world: World, item: str, micros: int, source: str = "") -> Any:
    return world.history(source).state_at(item, from_micros(micros, UTC))


def without_revision(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if name != REVISION}


# --- what it answers ---


def test_a_window_s_ends_are_exact_and_its_inside_is_said(world: World) -> None:
    """At both ends of each window every item is as it was, without a caveat; inside, answers carry net_change."""
    assert world.run() == 0
    for edge in (T0, T0 + DAY, T0 + 2 * DAY):
        for item in "abcd":
            found = state(world, item, edge)
            assert found.caveats == (), (item, edge)
            if found.status != "unknown":
                assert found.item == truth(item, edge), (item, edge)
    assert state(world, "a", T0).item == {"id": "a", "v": 1}
    assert state(world, "c", T0 + DAY).status == "deleted"
    assert state(world, "d", T0).status == "absent"
    for moment in (T0 + SECOND, T0 + 12 * HOUR, T0 + DAY - SECOND, T0 + DAY + SECOND):
        assert "net_change" in state(world, "a", moment).caveats
        assert "net_change" in state(world, "never", moment).caveats


def test_rows_lie_in_the_day_of_their_event(world: World) -> None:
    """A window that spans two days has its rows in both, so that a query bound to a day finds them."""
    world.exports.writes = [(T0 + 20 * HOUR, "a", {"v": 2}), (T0 + DAY - 1, "b", {}), (T0 + DAY, "c", None)]
    assert world.run(start=T0 + 12 * HOUR, end=T0 + 36 * HOUR) == 0
    days = []
    for path in sorted(world.folder.rglob("*.gz")):
        days.append(path.parent.relative_to(world.folder / "changes").as_posix())
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        assert {row["timestamp_utc"][:10].replace("-", "/") for row in rows} == {days[-1]}
        assert {row["stream"] for row in rows} == {"backfill:" + path.name.removeprefix("backfill-").rpartition("-")[0]}
    assert days == [f"{from_micros(T0 + day * DAY, UTC):%Y/%m/%d}" for day in (0, 1)]


def test_shorter_windows_tell_more(world: World) -> None:
    """With windows of an hour what came and went within a day is known."""
    assert world.run("--window", "1h", end=T0 + DAY) == 0
    assert len(world.exports.started) == 24
    assert state(world, "b", T0 + 3 * HOUR).item == {"id": "b", "v": 1}
    assert state(world, "b", T0 + 4 * HOUR).status == "deleted"
    assert world.exports.most_running == 8


def test_into_a_deployment(world: World) -> None:
    """The history's bucket gets the rows, the manifest and the revision; the exports are removed from it."""
    world.deploy(redact="email")
    assert world.run(into=False) == 0
    keys = world.keys("shop-history")
    assert all(key.startswith(("shop/changes/", "shop/baseline/backfill-")) for key in keys)
    assert "shop/changes/_revision" in keys
    assert state(world, "a", T0 + DAY, "s3://shop-history/shop").item == {"id": "a", "v": 3}
    assert "redacted" in state(world, "a", T0 + DAY, "s3://shop-history/shop").caveats


@pytest.mark.parametrize("into", [True, False])
def test_joins_the_stream_of_a_pipeline_that_came_later(world: World, tmp_path: Path, into: bool) -> None:
    """A window ends where the deployment's stream began, and no gap is found where nothing is missing. A window that
    reaches into a stream's time sums up what that tells, so a gap may be found there; no answer without a caveat is
    wrong either way."""
    began = T0 + 36 * HOUR
    stream = f"{ARN}/stream/{from_micros(began, UTC):%Y-%m-%dT%H:%M:%S.000}"
    captured = world.folder if into else tmp_path / "captured"
    replay([stream_event(stream, began)], captured)
    source = "" if into else "s3://shop-history/shop"
    if not into:
        world.deploy(stream_arn=stream)
        for name, data in tree(captured).items():
            Bucket(Aws(region=REGION), "shop-history", "shop/").put(name, data)
    assert world.run(into=into) == 0
    ends = {end for _, end in world.exports.started}
    assert ends == {T0 + DAY, T0 + 2 * DAY} | (set() if into else {began})
    history = world.history(source)
    right = 0
    for item in "abcd":
        for moment in range(T0, T0 + 43 * HOUR, HOUR // 2):
            found = history.state_at(item, from_micros(moment, UTC))
            assert into or "gap" not in found.caveats, (item, moment)
            told = found.status != "unknown" and not found.caveats
            assert not told or found.item == truth(item, moment), (item, moment, found)
            right += told
    assert right > 4
    for item in "abcd":
        assert history.state_at(item, from_micros(T0 + DAY, UTC)).item == truth(item, T0 + DAY)
    assert history.state_at("a", from_micros(T0 + 39 * HOUR, UTC)).item == {"id": "a", "v": 5}
    assert into or not any("gap" in caveats for caveats in history.timeline("a")["caveats"])


@pytest.mark.parametrize("into", [True, False])
def test_redacted_attributes_are_never_stored(world: World, into: bool) -> None:
    """What the rules name is in no image, each row and manifest has their id, and the key stays."""
    world.deploy(redact="email, id")
    assert world.run(*(["--redact", "email, id"] if into else []), into=into) == 0
    place = Folder(world.folder) if into else Bucket(Aws(region=REGION), "shop-history", "shop/")
    rows = [
        json.loads(line)
        for name in place.names("changes/")
        if name.endswith(".gz")
        for line in gzip.decompress(place.get(name) or b"").splitlines()
    ]
    assert rows and "email" not in json.dumps(rows)
    assert all(row["redaction"] for row in rows)
    assert all('"id"' in (row["new_image"] or row["old_image"]) for row in rows)
    manifests = [json.loads(place.get(name) or b"") for name in place.names("baseline/")]
    assert {one["redaction"] for one in manifests} == {row["redaction"] for row in rows}


# --- once, and whole ---


def test_again_does_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Windows whose manifest is there are skipped: no export is started, no file touched."""
    assert world.run() == 0
    before = tree(world.folder)
    assert world.run() == 0
    assert tree(world.folder) == before
    assert len(world.exports.started) == 2
    assert capsys.readouterr().out.count("there already") == 2


def test_more_time_exports_only_what_is_missing(world: World) -> None:
    """A longer span gets windows for the time that has none, whatever their length was; nothing overlaps."""
    assert world.run("--window", "6h", start=T0 + 6 * HOUR, end=T0 + 12 * HOUR) == 0
    assert world.run() == 0
    assert sorted(world.exports.started) == [
        (T0, T0 + 6 * HOUR),
        (T0 + 6 * HOUR, T0 + 12 * HOUR),
        (T0 + 12 * HOUR, T0 + 36 * HOUR),
        (T0 + 36 * HOUR, T0 + 48 * HOUR),
    ]
    assert state(world, "a", T0 + 12 * HOUR).caveats == ()


def test_killed_at_each_write_and_run_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is killed, the next run makes the same history as an unbroken one, of the same exports."""
    assert world.run() == 0
    whole = without_revision(tree(world.folder))
    puts = 0
    real = Folder.put

    def counted(self: Folder, name: str, data: bytes) -> None:
        nonlocal puts
        puts -= 1
        if puts < 0:
            raise KeyboardInterrupt
        real(self, name, data)

    killed = 0
    for at in range(20):
        other = World(world.exports, world.folder.with_name(f"killed-{at}"), monkeypatch)
        puts = at
        with monkeypatch.context() as patch:
            patch.setattr(Folder, "put", counted)
            code = other.run()
        if code == 0:
            break
        assert code == 130
        killed += 1
        assert other.run() == 0
        found = without_revision(tree(other.folder))
        rows = sorted((row["keys"], row["new_image"] or "") for row in lines_in(other.folder))
        assert rows == sorted((row["keys"], row["new_image"] or "") for row in lines_in(world.folder)), at
        assert len(found) == len(whole)
    assert killed >= 8
    assert world.keys("exports") == []


def test_a_half_written_window_is_replaced_though_windows_are_cut_otherwise(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Objects without a manifest, of an export not used again, are removed before they can pass for gaps."""
    real = Folder.put

    def broken(self: Folder, name: str, data: bytes) -> None:
        if name.startswith("baseline/"):
            raise KeyboardInterrupt
        real(self, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "put", broken)
        assert world.run() == 130
    revision = (world.folder / REVISION).read_bytes()
    assert world.run("--window", "12h") == 0
    assert "which a run before left half written" in capsys.readouterr().out
    ids = {path.name.removeprefix("backfill-").removesuffix(".json") for path in world.folder.glob("baseline/*")}
    assert {row["stream"].removeprefix("backfill:") for row in lines_in(world.folder)} <= ids
    assert (world.folder / REVISION).read_bytes() != revision
    assert state(world, "a", T0 + DAY).caveats == ()


def test_interrupted_while_exports_run(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C says that exports go on, and the next run uses them: none is started, and paid, twice."""
    world.exports.looks = 2

    def look(self: Exports, export: dict[str, Any]) -> dict[str, Any]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Exports, "look", look)
        assert world.run() == 130
    assert "2 exports go on in AWS; run the same again, and they are used" in capsys.readouterr().err
    assert world.run() == 0
    assert capsys.readouterr().out.count("use export") == 2
    assert len(world.exports.started) == 2
