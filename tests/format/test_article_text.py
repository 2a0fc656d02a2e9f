"""Histories written by following the article: what they say, what they hide, and where they go over into format 1."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import histlib
from histlib import cli
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Streams
from histlib.errors import KeyNotValidError, NotAHistoryError
from histlib.format.article_lines import decode_old_lines
from histlib.rules.chain.chain import Link, build_chain
from histlib.rules.chain.ordering import ANY, in_chain
from histlib.values.article_text import same_as_old_format, to_format0
from histlib.values.image_json import encode_image
from histlib.values.times import from_micros
from tests.support.effort import examples
from tests.support.history.article_lines import ARTICLE_LINES, as_line, in_old_format, old_line, put_article, put_old
from tests.support.history.article_worlds import SECONDS, moved_history
from tests.support.history.landings import holes
from tests.support.history.worlds import TABLE, moments, stream_arn, worlds
from tests.support.values import items as any_items


def line(old: dict | None, new: dict | None, seconds: int = SECONDS, dice: random.Random | None = None) -> str:
    """A change of the item ``a``."""
    action = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    images = tuple(None if image is None else {"id": "a", **image} for image in (old, new))
    return old_line(action, {"id": "a"}, images, seconds, dice=dice)


def history(folder: Path, *lines: str) -> histlib.History:
    put_old(folder, "".join(lines), "2026/01/01/12")
    return histlib.connect(folder)


# --- the article ---


@pytest.mark.parametrize("inside", ["", "dynamodb_item", "changes"])
def test_the_article_line_for_line(tmp_path, inside):
    """A folder that holds the days, the prefix, or changes/: every state of the article, Japanese texts included."""
    put_article(tmp_path / "todo" / inside)
    told = histlib.connect(tmp_path / "todo")
    assert (told.table, told.account, told.region) == ("dynamodb_item" if inside == "dynamodb_item" else "todo", "", "")
    mini = {"todoId": "t2222", "title": "iPhone 12 miniを予約する", "done": False}
    pro = {**mini, "title": "iPhone 12 Pro Maxを予約する"}
    for key, time, item in [
        ("t0001", "2020-10-26T02:28:24", {"todoId": "t0001"}),
        ("t0001", "2020-10-26T02:40:00", None),
        ("t2222", "2020-10-26T03:00", mini),
        ("t2222", "2020-10-27T01:48:36", mini),
        ("t2222", "2020-10-27T01:48:37", pro),
        ("t2222", "2020-10-27T01:58:10", {**pro, "memo": "Apple Storeオンラインで予約する"}),
        ("t8888", "2020-10-27T01:47:36", {"todoId": "t8888", "title": "お米を買う", "done": False}),
        (
            "t8888",
            "2020-10-27T02:01:27",
            {"todoId": "t8888", "title": "お米を買う", "done": False, "memo": "あきたこまち！"},
        ),
    ]:
        state = told.state_at(key, time)
        assert (state.item, set(state.caveats)) == (item, {"old_format"}), (key, time)
    timeline = told.timeline("t2222")
    assert list(timeline["path"]) == ["", "done", "title", "title", "memo"]
    assert set(timeline["caveats"]) == {"old_format"}
    assert " ·  · " not in repr(told) + repr(told.state_at("t0001", "2020-10-26T02:40:00"))


def test_the_lines_that_the_article_shows(tmp_path):
    """The five lines as printed, without those it leaves out: t2222 was there before its first line."""
    for hour, lines in ARTICLE_LINES.items():
        put_old(tmp_path, "\n".join(lines) + "\n", hour)
    told = histlib.connect(tmp_path)
    before = told.state_at("t2222", "2020-10-27T01:00")
    assert (before.evidence, before.item["title"]) == ("next_change", "iPhone 12 miniを予約する")
    assert told.captured_through.isoformat() == "2020-10-27T02:01:27+00:00"


def test_the_command_on_a_folder_made_by_following_the_article(tmp_path, monkeypatch, capsys):
    """The state on stdout, and the one caveat on stderr."""
    put_article(tmp_path / "folder")
    monkeypatch.chdir(tmp_path)
    assert cli.main(("state-at", "t2222", "2020-10-26T03:00", "--source", "./folder")) == 0
    said = capsys.readouterr()
    assert "iPhone 12 miniを予約する" in said.out
    assert said.err.startswith("caveat old_format")
    assert said.err.count("caveat ") == 1


# --- lines ---


def test_any_article_item_becomes_its_canonical_text():
    """The quick way to image JSON gives what the careful one gives."""

    @settings(max_examples=examples(200), deadline=None)
    @given(
        st.dictionaries(
            st.text(),
            st.recursive(
                st.text() | st.booleans() | st.none() | st.integers(-9, 9),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=6,
            ),
            min_size=1,
        )
    )
    def check(item):
        raw = json.dumps({"action": "INSERT", "keys": {"id": "a"}, "new_image": item, "timestamp": 1}).encode()
        (record,) = decode_old_lines(raw)
        assert record[3] == encode_image(item)

    check()


@pytest.mark.parametrize(
    ("fields", "micros", "precision"),
    [
        ({"timestamp": 1603679304.0}, 1603679304_000_000, "s"),
        ({"timestamp": "1603679304"}, 1603679304_000_000, "s"),
        ({"timestamp": 1603679304.25}, 1603679304_250_000, "ms"),
        ({"timestamp": None}, 1603679304_000_000, "s"),
        ({"timestamp_utc": None, "more": [1, {"x": 2}]}, 1603679304_000_000, "s"),
        ({"timestamp": None, "timestamp_utc": "2020-10-26T02:28:24Z"}, 1603679304_000_000, "s"),
        ({"timestamp": None, "timestamp_utc": "2020-10-26T04:28:24+02:00"}, 1603679304_000_000, "s"),
        ({"timestamp": None, "timestamp_utc": "2020-10-25 21:58:24.250-04:30"}, 1603679304_250_000, "ms"),
    ],
)
def test_lines_that_others_wrote_so(fields, micros, precision):
    """A time as float or text, with an offset or without, no UTC text, further fields: read all the same."""
    given = json.loads(ARTICLE_LINES["2020/10/26/02"][0]) | fields
    (record,) = decode_old_lines(json.dumps(given).encode())
    assert record[5:7] == (micros, precision)


def test_lines_that_are_none_are_told_by_file_and_line(tmp_path):
    """Each damaged line is a problem of its own, and hides no other."""
    good = ARTICLE_LINES["2020/10/26/02"][0]
    bad = [
        good.replace("INSERT", "UPSERT"),
        good.replace('{"todoId": "t0001"}', "{}", 1),
        good.replace("1603679304", "1603679304000"),
        good.replace("1603679304", '"soon"'),
        good[:-20],
        good.replace('"new_image": {', '"new_image": ["t", {').replace('}, "old', '}], "old', 1),
    ]
    put_old(tmp_path, "\n".join([good, *bad]) + "\n")
    source = EmbeddedSource(tmp_path)
    told = holes(source)
    assert [row["line"] for row in told] == [2, 3, 4, 5, 6, 7]
    wide = (1603497600 - 14 * 3_600, 1603760400 + 12 * 3_600)  # by its day, in whichever zone that is one
    assert {(row["start"], row["end"]) for row in told} == {tuple(second * 1_000_000 for second in wide)}
    assert "UPSERT" in told[0]["detail"]
    assert "1603679304000" in told[2]["detail"]
    assert histlib.connect(tmp_path).state_at("t0001", "2020-10-26T02:28:24").status == "present"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"keys": {"todoId": {"S": "t0001"}}}, 'line 2: keys.todoId is {"S": "t0001"}: DynamoDB JSON that was not'),
        ({"keys": {"todoId": {"N": "1"}}}, "boto3's TypeDeserializer"),
        ({"keys": {"todoId": ["t0001"]}}, 'keys.todoId is ["t0001"]: expected a text or a number'),
        ({"keys": {"todoId": True}}, "keys.todoId is true"),
        ({"keys": {"todoId": None}}, "keys.todoId is null"),
        ({"new_image": {"todoId": {"S": "t0001"}, "done": {"BOOL": True}}}, "new_image.todoId is "),
        ({"timestamp": None, "timestamp_utc": "2020-10-26"}, "timestamp_utc '2020-10-26'"),
        ({"timestamp": None, "timestamp_utc": 5}, "timestamp_utc 5"),
    ],
)
@pytest.mark.parametrize("alone", [False, True])
def test_lines_that_nobody_can_read_say_why_and_what_to_do(tmp_path, fields, said, alone):
    """Keys that were not decoded would be found by no question, a day is no time: told by file, line and field."""
    good = ARTICLE_LINES["2020/10/26/02"][0]
    put_old(tmp_path, f"{good}\n", name="good")
    put_old(tmp_path, ("\n" if alone else f"{good}\n") + json.dumps(json.loads(good) | fields) + "\n", name="bad")
    (told,) = holes(EmbeddedSource(tmp_path))
    assert told["file"] == "./2020/10/26/02/bad"
    assert said in f"line {told['line']}: {told['detail']}"
    assert "line 2: " in f"line {told['line']}: {told['detail']}"


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_hides_no_change(tmp_path, packed):
    """At the head of a file, of one of several that were put together, and of a file's only line without its end."""
    marked = [f"\ufeff{line}\n".encode() for line in ARTICLE_LINES["2020/10/27/01"]]
    files = [b"".join(marked), f"\ufeff{ARTICLE_LINES['2020/10/26/02'][0]}".encode()]
    for number, raw in enumerate(files):
        path = put_old(tmp_path, "", name=f"file{number}")
        parts = [gzip.compress(part) for part in (marked if number == 0 else [raw])]
        path.write_bytes(b"".join(parts) if packed else raw)
    source = EmbeddedSource(tmp_path)
    assert holes(source) == []
    assert sum(row["changes"] for row in source.fetch(Streams()).to_pylist()) == 5
    assert histlib.connect(tmp_path).state_at("t0001", "2020-10-26 02:28:24").status == "present"


def test_lines_without_their_ends_and_packed_files(tmp_path):
    """Objects one after another on a line, a last line without its end, gzip: all the same changes."""
    lines = [line({"v": n}, {"v": n + 1}, SECONDS + n) for n in range(4)]
    put_old(tmp_path, "".join(lines[:3]).replace("\n", ""), "2026/01/01/12")
    path = put_old(tmp_path, "", "2026/01/01/13", "b.gz")
    path.write_bytes(gzip.compress(lines[3].strip().encode()))
    timeline = histlib.connect(tmp_path).timeline("a")
    assert [row[1:-1] for row in timeline["after_json"]] == ["1", "2", "3", "4"]
    assert set(timeline["caveats"]) == {"old_format"}


def test_a_retry_is_no_second_change(tmp_path):
    """The same record again, also with a set's members in another order, in another file."""
    tags = frozenset("abcdef")
    first = line(None, {"tags": tags}, dice=random.Random(1))
    again = line(None, {"tags": tags}, dice=random.Random(2))
    assert first != again
    put_old(tmp_path, again, "2026/01/01/13")
    told = history(tmp_path, first, line({"tags": tags}, {"tags": frozenset("ab")}, SECONDS + 5, random.Random(3)))
    assert list(told.timeline("a")["path"]) == ["", "tags"]
    assert set(told.timeline("a")["caveats"]) == {"old_format"}
    assert set(told.state_at("a", "2026-01-01T12:00:00").caveats) == {"old_format"}


def test_a_set_in_another_order_is_no_difference(tmp_path):
    """Where the old image's text has other places for the same members, only what changed is a row."""
    tags = frozenset("abcdef")
    old = line({"tags": tags, "v": 1}, {"tags": tags, "v": 2}, dice=random.Random(1))
    images = [json.loads(old)[name]["tags"] for name in ("old_image", "new_image")]
    assert images[0] != images[1]
    timeline = history(tmp_path, old).timeline("a")
    assert list(timeline["path"]) == ["v"]


# --- where the landing lies ---


def test_two_prefixes_with_days_are_refused_by_name(tmp_path):
    """Which of two histories is meant is not guessed; one named is read."""
    put_article(tmp_path / "todo")
    put_article(tmp_path / "users")
    put_old(tmp_path, "x", "error/2020/10/26/02")
    with pytest.raises(NotAHistoryError, match="todo, users"):
        histlib.connect(tmp_path)
    assert histlib.connect(tmp_path / "users").table == "users"


def test_other_files_beside_the_days_do_not_count(tmp_path):
    """What a user keeps beside the years is neither a change nor a problem."""
    put_article(tmp_path)
    (tmp_path / "notes.txt").write_text("no change")
    (tmp_path / "query-results").mkdir()
    (tmp_path / "query-results" / "a.csv").write_text("a,b")
    assert holes(EmbeddedSource(tmp_path)) == []


def test_new_files_are_seen(tmp_path):
    """A sync that brings another hour changes the next answer."""
    told = history(tmp_path, line(None, {"v": 1}))
    assert told.timeline("a")["action"].to_list() == ["INSERT"]
    put_old(tmp_path, line({"v": 1}, {"v": 2}, SECONDS + 3_600), "2026/01/01/13")
    assert told.timeline("a")["action"].to_list() == ["INSERT", "MODIFY"]


# --- order within a second ---


@settings(deadline=None, max_examples=examples(200))
@given(st.lists(st.integers(0, 4), min_size=2, max_size=8), st.randoms(use_true_random=False), st.booleans())
def test_a_walk_is_put_together_again(nodes, dice, known):
    """Changes in any order become a walk without a break from where the item was, to where it went."""
    edges = list(pairwise(nodes))
    shuffled = dice.sample(edges, len(edges))
    order, sure = in_chain(shuffled, nodes[0] if known else ANY, nodes[-1])
    walked = [shuffled[at] for at in order]
    assert sorted(order) == list(range(len(edges)))
    assert all(left[1] == right[0] for left, right in pairwise(walked))
    assert sure
    assert walked[-1][1] == nodes[-1]


@settings(deadline=None, max_examples=examples(200))
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=5), st.integers(0, 4))
def test_an_order_has_as_few_breaks_as_any(edges, start):
    """Where no walk fits, no other order has less breaks by more than the start; certain means no break."""

    def breaks(order):
        return sum(edges[left][1] != edges[right][0] for left, right in pairwise(order))

    order, sure = in_chain(edges, start, ANY)
    assert breaks(order) == min(map(breaks, permutations(range(len(edges)))))
    if sure and len(edges) > 1:
        assert breaks(order) == 0


def test_changes_of_one_second_follow_each_other(tmp_path):
    """Whatever order they came in: the last one is what the next second found."""
    images = [{"v": version} for version in "abcad"]
    lines = [line(left, right) for left, right in zip([None, *images], images, strict=False)]
    for turn, shuffled in enumerate((lines, lines[::-1], [lines[at] for at in (3, 0, 4, 2, 1)])):
        told = history(tmp_path / str(turn), *shuffled, line(images[-1], {"v": "z"}, SECONDS + 1))
        state = told.state_at("a", "2026-01-01T12:00:00")
        assert (state.item["v"], set(state.caveats)) == ("d", {"same_second", "old_format"})
        assert "gap" not in " ".join(told.timeline("a")["caveats"])


def test_a_lost_change_of_a_second_is_a_gap_in_both_places(tmp_path):
    """What does not chain is told, also where no later change would show it."""
    told = history(tmp_path, line({"v": 1}, {"v": 2}), line({"v": 3}, {"v": 4}))
    assert "gap" in told.timeline("a")["caveats"].iloc[-1]
    put_old(tmp_path, old_line("INSERT", {"id": "b"}, (None, {"id": "b"}), SECONDS + 60), "2026/01/01/12", "b")
    assert {"gap", "old_format"} <= set(told.state_at("a", "2026-01-01T12:00:30").caveats)


def test_there_and_back_and_there_again_within_a_second(tmp_path):
    """Two equal records may be a retry or the same change made again: which came last is told to be a guess."""
    there, back = line({"v": 1}, {"v": 2}), line({"v": 2}, {"v": 1})
    later = old_line("INSERT", {"id": "b"}, (None, {"id": "b"}), SECONDS + 60)
    before = line(None, {"v": 1}, SECONDS - 9)
    told = history(tmp_path / "again", before, there, back, there, later)
    assert {"gap", "old_format"} <= set(told.state_at("a", "2026-01-01T12:00:30").caveats)
    told = history(tmp_path / "once", before, there, back, later)
    assert set(told.state_at("a", "2026-01-01T12:00:30").caveats) == {"old_format"}
    told = history(tmp_path / "retry", before, there, there, later)
    assert set(told.state_at("a", "2026-01-01T12:00:30").caveats) == {"old_format"}


# --- beside other formats ---


@settings(max_examples=examples(200), deadline=None)
@given(any_items.filter(bool), st.randoms(use_true_random=False))
def test_an_image_is_the_same_in_both_formats(item, dice):
    """What the article's Lambda made of an item equals the item, and the other way round."""
    try:
        written = old_line("INSERT", {"id": "a"}, (None, item), 1, dice=dice)
    except (TypeError, ArithmeticError):  # a binary, a number of 39 places: that Lambda failed
        return
    ((_, _, _, image, *_),) = decode_old_lines(written.encode())
    assert same_as_old_format(encode_image(item), image)
    assert to_format0(to_format0(image)) == to_format0(image)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"n": 1}, {"n": "1"}, True),
        ({"n": Decimal("1E-7")}, {"n": "1E-7"}, True),
        ({"n": Decimal("1E+30")}, {"n": "1" + 30 * "0"}, True),
        ({"n": 1}, {"n": "2"}, False),
        ({"s": frozenset({"it's", '"'})}, {"s": """{'"', "it's"}"""}, True),
        ({"s": frozenset({1, Decimal("2.5")})}, {"s": "{Decimal('2.5'), Decimal('1')}"}, True),
        ({"s": frozenset({b"\0"})}, {"s": r"{Binary(b'\x00')}"}, True),
        ({"s": frozenset({"a"})}, {"s": "{'b'}"}, False),
        ({"s": "{'a', b}"}, {"s": "{b, 'a'}"}, False),
        ({"b": b"x'"}, {"b": 'b"x\'"'}, True),
        ({"l": [1, {"m": frozenset({"b", "a"})}]}, {"l": ["1", {"m": "{'b', 'a'}"}]}, True),
        ({"x": None}, {"x": "None"}, False),
        ({"x": True}, {"x": "True"}, False),
        ({"x": ""}, {}, False),
    ],
)
def test_what_is_the_same_as_format_0_has_it(left, right, same):
    """Numbers and sets are their texts; all else stays what it is."""
    assert same_as_old_format(encode_image(left), encode_image(right)) is same


@settings(deadline=None, max_examples=examples(150))
@given(worlds(trouble=False), st.data())
def test_a_move_leaves_no_gap(world, data):
    """A history that goes over from format 0 to a stream, captured twice for a while: no gap, and no other states."""
    moved = data.draw(st.integers(0, len(world.writes)))
    doubled = data.draw(st.integers(moved, len(world.writes)))
    stamps, now = {}, 0
    for write in world.writes:  # format 0 has no order but its stamps
        now = max(now, write.stamp)
        stamps[write.number] = now
    world.writes = [replace(write, stamp=stamps[write.number]) for write in world.writes]
    changes = world.changes()
    old = [in_old_format(change) for change in changes[:doubled]]
    for item in {write.item for write in world.writes}:
        keys = encode_image({"id": item})
        truth = build_chain(change for change in changes if change.keys == keys)
        if len({in_old_format(step.change).event_id for step in truth}) < len(truth):
            continue  # equal records of one second: one change, as far as format 0 can tell
        steps = build_chain(change for change in (*old, *changes[moved:]) if change.keys == keys)
        assert len(steps) == len(truth)
        assert Link.GAP not in {step.link for step in steps}
        for at, (step, true) in enumerate(zip(steps, truth, strict=True)):
            last = at + 1 == len(truth) or truth[at + 1].effective > true.effective
            if last and step.sure:
                assert same_as_old_format(text(step.after), text(true.after))


def text(image: object) -> str | None:
    return image if isinstance(image, str) else None


@settings(deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds(trouble=False), st.randoms(use_true_random=False))
def test_random_worlds_as_the_article_wrote_them(tmp_path_factory, world, dice):
    """States of what its Lambda wrote are true, or say why not; and every one of them carries old_format."""
    folder = tmp_path_factory.mktemp("old")
    lines, lost, images = [], set(), dict(world.before)
    for write in world.writes:
        before, images[write.item] = images.get(write.item), write.after
        written = as_line(write, before, dice)
        lines.append(written or "")
        lost |= set() if written else {write.item}
    dice.shuffle(lines)
    if not any(lines):
        return
    put_old(folder, "".join(lines), "2026/01/01/12")
    told = histlib.connect(folder)
    for item in images:
        for moment in moments(world):
            state = told.state_at(item, from_micros(moment, UTC))
            truth = world.truth(item, moment)
            expected = None if truth is None else {"id": item, **truth}
            true = same_as_old_format(expected and encode_image(expected), state.item and encode_image(state.item))
            if state.status != "unknown":
                assert "old_format" in state.caveats
            if item not in lost and set(state.caveats) == {"old_format"}:
                assert true or skewed(world, item), (item, moment, state)


def skewed(world, item: str) -> bool:
    """Whether stamps run backwards: format 0 has nothing else to go by."""
    stamps = [write.stamp for write in world.of(item)]
    return stamps != sorted(stamps)


# --- a move, as files ---


@pytest.mark.parametrize("number_key", [False, True])
def test_a_moved_history_goes_on(tmp_path, number_key):
    """One item, one timeline without a gap or a false row; only what is in format 0 says so; the table has its name."""
    told = moved_history(tmp_path, number_key)
    key = 7 if number_key else "a"
    assert (told.table, told.account) == ("things", "111122223333")
    timeline = told.timeline(key)
    assert timeline["path"].to_list() == ["", *["v"] * 39]
    caveats = timeline["caveats"].to_list()
    assert caveats[:20] == ["old_format"] * 20
    assert caveats[20] == "outside_coverage"
    assert caveats[21:] == [""] * 19
    assert told.state_at(key, "2026-01-01T12:00:05").get("v") == "6"
    assert told.state_at(key, "2026-01-01T12:00:25").get("v") == 26


def test_numbers_in_keys(tmp_path):
    """What had become text is asked for as the number that it was, or as its text; parts of keys too."""
    for at, key in enumerate((7, Decimal("1.5"))):
        images = (None, {"pk": key, "sk": "x"})
        put_old(tmp_path, old_line("INSERT", {"pk": key, "sk": "x"}, images, SECONDS + at), name=f"{at}")
    told = histlib.connect(tmp_path)
    for key in (7, "7", Decimal("1.5"), "1.5"):
        assert told.state_at({"pk": key, "sk": "x"}, "2026-01-01T12:00:01").status == "present"
        assert len(told.timeline({"pk": key})) == 1
    with pytest.raises(KeyNotValidError):
        told.state_at({"pk": True, "sk": "x"})


def test_attestations_of_the_pipeline_say_nothing_of_before(tmp_path):
    """After a move, states of then stay observed, bear old_format alone, and are not called uncovered."""
    moved_history(tmp_path)
    attestation = {
        "table": TABLE, "stream": stream_arn(1), "view": "NEW_AND_OLD_IMAGES", "mapping": "m",
        "mapping_state": "Enabled", "iterator_age_ms": 0, "firehose_freshness_s": 0, "undelivered": 0, "healthy": True,
    }  # fmt: skip
    (tmp_path / "coverage").mkdir()
    for number, second in enumerate((SECONDS + 20, SECONDS + 3_600)):
        told = json.dumps({**attestation, "attested_at": second * 1_000_000})
        (tmp_path / "coverage" / f"{number}.json").write_text(told)
    history = histlib.connect(tmp_path)
    before, after = (history.state_at("a", f"2026-01-01T12:00:{second}") for second in ("05", "35"))
    assert (before.completeness, set(before.caveats)) == ("observed", {"old_format"})
    assert (after.completeness, after.caveats) == ("attested", ())


@pytest.mark.parametrize("number_key", [False, True])
def test_table_questions_over_a_move(tmp_path, number_key):
    """No false change at the seam, each item once, whichever format told of it first; old_format where it matters."""
    history, key = moved_history(tmp_path, number_key), 7 if number_key else "a"
    before, after = "2026-01-01T12:00:10", "2026-01-01T12:00:35"
    first, second = history.snapshot_at(before), history.snapshot_at(after)
    assert len(first) == len(second) == 1
    assert first["keys"].tolist() == second["keys"].tolist()
    assert ("old_format" in first["caveats"].iloc[0], "old_format" in second["caveats"].iloc[0]) == (True, False)
    told = history.diff(before, after)
    assert [(row.path, row.before, row.after) for row in told.itertuples()] == [("v", "11", 36)]
    blame = history.blame(key, after, paths=["id", "v", "tags"])
    assert [(row.path, row.time.second) for row in blame.itertuples()] == [("id", 0), ("tags", 0), ("v", 35)]
    since = history.since(key, "tags", time=after)
    assert (since.status, since.since.second, since.earlier) == ("holds", 0, ())
    assert len(history.changes(before, after)) == 25
    names = [caveat["name"] for caveat in history.affected("item.v = 30", before, after).attrs["histlib"]["caveats"]]
    assert "old_format" in names


def test_a_stream_without_old_images(tmp_path):
    """That Lambda behind a stream of another view: what was before is not made up, and the order within a second, which
    nothing tells, is called a guess."""
    lines = []
    for version, second in ((1, 0), (2, 5), (3, 5)):
        told = json.loads(line({"v": 0}, {"v": version}, SECONDS + second))
        lines.append(json.dumps(told | {"old_image": None}) + "\n")
    told = history(tmp_path, *lines, old_line("INSERT", {"id": "b"}, (None, {"id": "b"}), SECONDS + 60))
    assert told.state_at("a", "2026-01-01T12:00:02").get("v") == "1"
    assert {"old_format", "chain_unproven"} <= set(told.state_at("a", "2026-01-01T12:00:30").caveats)
    assert "view NEW_IMAGE" in told.state_at("a", "2026-01-01T11:59:59").reason
