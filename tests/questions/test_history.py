"""Questions asked of a folder, as a user asks them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib import samples
from histlib.engines.folder.source import EmbeddedSource
from histlib.errors import (
    KeyNotValidError,
    MixedTablesError,
    NotAHistoryError,
    PathNotValidError,
    RequestError,
    TimeNotValidError,
)
from histlib.values.image_json import encode_image, item_from_dynamodb
from tests.support.effort import examples
from tests.support.history.landings import NOON, STREAM, TABLE, put, record
from tests.support.history.states import ask
from tests.support.history.worlds import SECOND, World, moments, worlds


@pytest.fixture
def folder(tmp_path) -> Path:
    """A history of one item, versions 0 to 4, a second each from noon on."""
    put(tmp_path, [record(0, action="INSERT", old_image=None), *(record(n) for n in range(1, 5))])
    return tmp_path


def at(seconds: int) -> str:
    return f"2026-01-01T12:00:{seconds:02}"


# --- state_at ---


def test_a_state_says_all_it_knows(folder):
    """Status, item, evidence, times, change, completeness, and whose it is."""
    state = histlib.connect(folder, tz="Asia/Tokyo").state_at("a", "2026-01-01T21:00:02")
    assert (state.status, state.item, state.evidence) == ("present", {"id": "a", "version": 2}, "change")
    assert (state.since.isoformat(), state.until.isoformat()) == (
        "2026-01-01T21:00:02+09:00",
        "2026-01-01T21:00:03+09:00",
    )
    assert (state.change.event_id, state.change.action, state.change.file) == (
        "event-2",
        "MODIFY",
        "changes/2026/01/01/a.gz",
    )
    assert (state.completeness, state.caveats, state.until_known) == ("observed", (), True)
    assert (state.origin.table, state.origin.account, state.origin.region) == ("things", "111122223333", "eu-west-1")
    assert (state.get("version"), state.get("x", 7), state.get("x")) == (2, 7, histlib.MISSING)


def test_a_state_as_json_and_text(folder):
    """The JSON has the item as JSON; the text names table, key, time, status, and every caveat."""
    history = histlib.connect(folder)
    made = json.loads(history.state_at("a", "now").as_json())
    assert (made["status"], made["item"], made["evidence"]) == ("present", {"id": "a", "version": 4}, "change")
    assert [caveat["name"] for caveat in made["caveats"]] == ["not_settled"]
    assert (made["until"], made["change"]["event_id"], made["origin"]["table"]) == (None, "event-4", "things")
    text = repr(history.state_at("a", "now"))
    assert all(part in text for part in ('things id="a" at ', "present", "version  4", "! not_settled: ", "event-4"))


def test_a_change_can_be_asked_for(folder):
    """Right after one change, by its event id; one that the item does not have is an error."""
    history = histlib.connect(folder)
    assert history.state_at("a", change="event-1").get("version") == 1
    with pytest.raises(RequestError, match=r"no change of .* which has 5"):
        history.state_at("a", change="event-99")


def test_a_key_that_is_not_known(folder):
    """Unknown, with the reason; never absent, since it may have been there all the time."""
    state = histlib.connect(folder).state_at("b", at(2))
    assert (state.status, state.item) == ("unknown", None)
    assert "no change of this key" in repr(state)


@pytest.mark.parametrize("key", [1, {"x": "a"}, {"id": 1}, ("a", "b"), {}])
def test_keys_that_are_none_say_what_the_key_is(folder, key):
    """The error names the table's key attributes and their types."""
    with pytest.raises(KeyNotValidError, match=r"id \(string\)"):
        histlib.connect(folder).state_at(key, at(2))


def test_times_that_are_none(folder):
    """Refused before anything is read; a state in the future too."""
    history = histlib.connect(folder)
    for wrong in ("12:00", 1_767_268_800, "nonsense", datetime.now().astimezone() + timedelta(hours=1)):
        with pytest.raises(TimeNotValidError):
            history.state_at("a", wrong)


def test_markup_is_escaped_everywhere(tmp_path):
    """Keys, names, values, actors and events cannot break out of the HTML, of a state or of a timeline."""
    evil = '<script>alert("1")</script>\'&'
    image = {"id": evil, evil: evil}
    put(
        tmp_path,
        [
            record(0, keys={"id": evil}, action="INSERT", new_image=image, old_image=None, event_id=evil),
            record(1, keys={"id": evil}, new_image={**image, evil: 2}, old_image={**image, "v": 0}),
        ],
    )
    history = histlib.connect(tmp_path)
    for shown in (history.state_at(evil, at(0)), history.state_at(evil, at(1)), history.timeline(evil)):
        page = shown._repr_html_()
        assert "<script" not in page
        assert 'alert("1")' not in page
        assert "&lt;script&gt;" in page


def test_text_cannot_break_a_line():
    """Line breaks and control characters in values are shown, not done."""
    from histlib.markup import one_line

    assert one_line("a\nb\x1b[31m\u2028c é 米") == "a\\nb\\u001b[31m\\u2028c é 米"


# --- timeline ---


def test_a_timeline_is_a_table_with_what_it_speaks_of(folder):
    """Columns and dtypes as documented, one row a change, and its words in .attrs."""
    frame = histlib.connect(folder, tz="Asia/Tokyo").timeline("a")
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "keys": "str",
        "keys.id": "object",
        "time": "datetime64[us, Asia/Tokyo]",
        "action": "str",
        "actor": "str",
        "event_id": "str",
        "path": "str",
        "before": "object",
        "before_json": "str",
        "after": "object",
        "after_json": "str",
        "caveats": "str",
    }
    assert frame["after"].tolist() == [{"id": "a", "version": 0}, 1, 2, 3, 4]
    assert frame["before"].iloc[0] is histlib.MISSING
    about = frame.attrs["histlib"]
    assert (about["table"], about["tz"], about["caveats"]) == ("things", "Asia/Tokyo", [])


def test_windows_of_a_timeline(folder):
    """start ≤ time < end; what lies beyond the capture is said; a future end is clipped and said."""
    history = histlib.connect(folder)
    assert len(history.timeline("a", at(1), at(3))) == 2
    late = history.timeline("a", at(1), "2100-01-01")
    assert late.attrs["histlib"]["end_clipped"] is True
    assert [caveat["name"] for caveat in late.attrs["histlib"]["caveats"]] == ["not_settled"]
    early = history.timeline("a", "2025-12-31", at(3))
    assert [caveat["name"] for caveat in early.attrs["histlib"]["caveats"]] == ["outside_coverage"]
    with pytest.raises(TimeNotValidError, match="is not before end"):
        history.timeline("a", at(3), at(1))


def test_paths_that_nothing_has_are_a_mistake(folder):
    """A misspelt path is an error with the names there are, not an empty answer."""
    with pytest.raises(
        PathNotValidError, match=r"no image of this item has an attribute 'versoin'; there are version, id"
    ):
        histlib.connect(folder).timeline("a", paths="versoin")
    with pytest.raises(PathNotValidError, match="is no path"):
        histlib.connect(folder).timeline("a", paths=["a..b"])


def test_a_part_of_a_key_gives_all_its_items():
    """The partition key alone: the timelines of all its items, in order of time; a state needs the whole."""
    story = samples.story("orders")
    history = histlib.connect("sample:orders")
    frame = history.timeline({"customerId": story.key["customerId"]}, paths="address")
    assert frame["keys.orderId"].nunique() > 3
    assert frame["time"].is_monotonic_increasing
    assert set(frame["keys.customerId"]) == {story.key["customerId"]}
    whole = tuple(story.key[name] for name in ("customerId", "orderId"))
    assert history.state_at(whole, story.ask["before"]).status == "present"
    with pytest.raises(KeyNotValidError, match="only a part"):
        history.state_at(story.key["customerId"], story.ask["before"])


# --- trouble in the folder ---


def test_two_tables_in_one_folder(folder):
    """An error that names them, not a mixture."""
    other = TABLE.replace("things", "others")
    put(folder, [record(9, table=other, stream=STREAM.replace("things", "others"))], name="b.gz")
    with pytest.raises(MixedTablesError, match=r"table/others.*table/things"):
        histlib.connect(folder)


def test_a_folder_that_is_no_history(tmp_path):
    """Says what was seen, and what a history looks like."""
    with pytest.raises(NotAHistoryError, match="has no folder changes/"):
        histlib.connect(tmp_path)


def test_keys_only_says_that_it_has_no_images(tmp_path):
    """A KEYS_ONLY stream cannot tell what the item was, and says so."""
    put(tmp_path, [record(n, view="KEYS_ONLY", new_image=None, old_image=None) for n in (1, 2)])
    history = histlib.connect(tmp_path)
    state = history.state_at("a", at(1))
    assert (state.status, state.caveats) == ("unknown", ("chain_unproven",))
    assert "KEYS_ONLY" in state.reason
    assert history.timeline("a")["caveats"].tolist() == ["chain_unproven"] * 2


def test_a_damaged_file_touches_the_answers_it_may_touch(folder):
    """Its window is its day and what may have landed late in it; answers outside carry nothing."""
    put(folder, b"junk\n", day="2026/01/10", name="bad.gz")
    put(folder, [record(5, seconds=NOON + 20 * 86_400)], day="2026/01/21")
    history = histlib.connect(folder)
    touched = {day: history.state_at("a", f"2026-01-{day:02}").caveats for day in (2, 7, 9, 11, 12)}
    assert touched[2] == touched[7] == ()
    assert touched[9] == touched[11] == touched[12] == ("unreadable_files",)
    assert "changes/2026/01/10/bad.gz" in touched[9][0].detail
    assert history.state_at("a", "2026-01-21T12:00:00").caveats == ()


def test_attestations_make_answers_attested(folder):
    """Where coverage/ holds attestations, answers between them are attested, and others not covered."""
    attestation = {
        "format": 1, "table": TABLE, "table_id": "i", "stream": STREAM, "view": "NEW_AND_OLD_IMAGES", "mapping": "m",
        "mapping_state": "Enabled", "iterator_age_ms": 0, "firehose_freshness_s": 0, "undelivered": 0,
        "redaction": None, "healthy": True, "key_schema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }  # fmt: skip
    (folder / "coverage/2026/01/01").mkdir(parents=True)
    history = histlib.connect(folder)
    assert history.completeness == "observed"
    for number, moment in enumerate((NOON - 10, NOON + 3_600)):
        file = folder / f"coverage/2026/01/01/{number}.json"
        file.write_text(json.dumps({**attestation, "attested_at": moment * SECOND}))
    assert history.completeness == "attested"
    inside = history.state_at("a", "2026-01-01T12:30")
    assert (inside.completeness, inside.caveats) == ("attested", ())
    assert history.state_at("a", "2026-01-01T11:59:55").status == "absent"
    after = history.state_at("a", "2026-01-01T13:00:01")
    assert (after.completeness, after.caveats) == ("observed", ("not_settled",))
    (folder / "coverage/2026/01/01/1.json").write_text("junk")
    assert history.state_at("a", "2026-01-01T12:30").completeness == "observed"


def test_the_default_history(folder, monkeypatch):
    """The module's functions ask the one that HISTLIB_SOURCE names; without it they say what to do."""
    monkeypatch.setenv("HISTLIB_SOURCE", str(folder))
    assert histlib.state_at("a", at(3)).get("version") == 3
    assert len(histlib.timeline("a")) == 5
    monkeypatch.delenv("HISTLIB_SOURCE")
    with pytest.raises(RequestError, match="HISTLIB_SOURCE"):
        histlib.state_at("a", at(3))


# --- the same as the pure rules, and as the truth ---


@settings(max_examples=examples(25))
@given(world=worlds(), data=st.data())
def test_files_on_disk_give_the_answers_of_the_pure_rules(tmp_path_factory, world: World, data):
    """However changes land, late, doubled, split over files and days, the answers are those of the plain rules."""
    changes = world.changes()
    if not changes:
        return
    folder = tmp_path_factory.mktemp("world")
    for number, one in enumerate(data.draw(st.permutations(changes))):
        fields = {name: getattr(one, name) for name in one.__struct_fields__ if name != "file"}
        seconds = one.timestamp_micros // SECOND
        line = record(number, **fields, timestamp=seconds, seconds=seconds)
        put(folder, [line], day=f"2026/01/{data.draw(st.integers(1, 3)):02}", name=f"{number}.gz")
    history = histlib.connect(folder)
    for item in {write.item for write in world.writes}:
        for moment in moments(world)[::3]:
            state = history.state_at(item, datetime.fromtimestamp(0).astimezone() + timedelta(microseconds=moment))
            finding = ask(world, item, moment)
            assert (state.status, state.caveats, state.completeness, state.reason) == (
                finding.status,
                finding.caveats,
                finding.completeness,
                finding.reason,
            )
            assert (state.item and encode_image(state.item)) == finding.image


def test_a_fresh_source_and_one_that_grew_agree(tmp_path):
    """Answers do not hang on when the history was opened."""
    grown = None
    for number in range(5):
        put(tmp_path, [record(number)], name=f"{number}.gz")
        grown = grown or histlib.connect(tmp_path)
        assert grown.state_at("a", "now").get("version") == number
    assert isinstance(grown._opened.source, EmbeddedSource)
    fresh = histlib.connect(tmp_path)
    assert [grown.state_at("a", at(s)).as_json() for s in range(5)] == [
        fresh.state_at("a", at(s)).as_json() for s in range(5)
    ]


@pytest.mark.parametrize("name", ["products", "orders", "todo"])
def test_the_samples_are_answered_truly(name):
    """A spread of the bundled incidents' items, at and around their changes: the truth, or a caveat."""
    history = histlib.connect(f"sample:{name}")
    truth: dict[str, list] = {}
    for micros, key, image in samples.truth(name):
        truth.setdefault(encode_image(item_from_dynamodb(key)), []).append((micros, image))
    wrong = 0
    for keys in sorted(truth)[:: max(1, len(truth) // 60)]:
        key = dict(json.loads(keys))
        for micros, _ in truth[keys][:12]:
            second = micros // SECOND * SECOND
            state = history.state_at(key, datetime.fromtimestamp(0).astimezone() + timedelta(microseconds=second))
            image = [image for moment, image in truth[keys] if moment < second + SECOND][-1]
            expected = None if image is None else item_from_dynamodb(image)
            wrong += state.item != expected and not state.caveats
    assert wrong == 0
