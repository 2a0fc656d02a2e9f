"""An empty image (``{}``) is no image, wherever one is read: DynamoDB leaves it out, others write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import histlib
from pipeline.replay.replay import replay
from tests.support.athena.equal_answers import Question, differences, questions_of, told
from tests.support.athena.histories import put_history
from tests.support.athena.old_histories import put_old_history
from tests.support.history.article_lines import put_old
from tests.support.history.baselines import put_baseline
from tests.support.history.exports import full_export, incremental_export
from tests.support.history.landings import NOON, put, record

BEFORE, AFTER = "2026-01-01 10:55", "2026-01-01 11:00:05"
SECONDS = NOON - 3_600  # 11:00

#: Asked of raw lines, beside the questions.
STATEMENTS: list[Question] = [
    ("nulls", lambda h: h.sql("SELECT event_id FROM t WHERE old_image IS NULL ORDER BY event_id")),
    ("both", lambda h: h.sql("SELECT event_id, new_image, old_image FROM t ORDER BY event_id, dateday")),
    ("counts", lambda h: h.sql("SELECT count(new_image) AS n, count(old_image) AS o FROM t")),
]


def landing(folder: Path, empty: str | None) -> Path:
    """Changes in which every image that was not there, and some that the view promises, are ``empty``."""
    known = {"id": "b", "version": 4}
    put(
        folder,
        [
            record(1, "a", action="INSERT", old_image=empty),
            record(2, "a"),
            record(3, "a", action="REMOVE", new_image=empty),
            record(4, "b", action="INSERT", old_image=empty),
            record(5, "b", new_image=empty, old_image=known),
            record(6, "b"),
            record(7, "c", action="INSERT", old_image=empty),
            record(8, "c", action="REMOVE", new_image=empty, old_image=empty),
            record(9, "d", old_image=empty),
            record(10, "e", action="INSERT", new_image=empty, old_image=empty),
        ],
    )
    put(folder, [record(20, "a", action="INSERT", old_image=empty, seconds=NOON + 86_400)], "2026/01/02")
    put_baseline(folder, "x", [{"id": "b", "version": 9}, {"id": "z", "version": 0}], NOON + 200, NOON + 210)
    return folder


@pytest.mark.parametrize("empty", ["{}", "{ }"])
def test_a_landing_answers_as_if_the_images_were_missing(athena, tmp_path, empty):
    """Every question, conditions, raw SQL: on the folder and through Athena."""
    missing = histlib.connect(landing(tmp_path / "missing", None))
    folder = landing(tmp_path / "empty", empty)
    questions = [*questions_of(missing), *STATEMENTS]
    assert differences(missing, histlib.connect(folder), questions) == []
    assert differences(missing, histlib.connect(put_history(folder), cache=tmp_path / "cache"), questions) == []


def test_what_an_empty_image_is_taken_for(tmp_path):
    """After a MODIFY unseen; before an INSERT, and after a REMOVE, no item."""
    history = histlib.connect(landing(tmp_path, "{}"))
    at = {second: f"2026-01-01 12:00:{second:02}" for second in range(11)}
    unseen = history.state_at("b", at[5])
    assert (unseen.status, unseen.item) == ("present", {"id": "b", "version": 5})  # by the next change's old image
    assert history.state_at("a", at[3]).status == history.state_at("c", at[9]).status == "deleted"
    assert history.state_at("d", at[8]).status == "unknown"
    assert history.state_at("e", at[10]).status == "unknown"
    assert history.state_at("d", at[1]).status == "unknown"
    added = history.diff(at[1], at[4], key="b")
    assert list(added["kind"]) == ["added"]


def stream_event(number: int, action: str, item: str, second: int, **images: object) -> dict:
    change = {
        "ApproximateCreationDateTime": second,
        "Keys": {"id": {"S": item}},
        "SequenceNumber": str(10**20 + number),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        **images,
    }
    arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/things/stream/2026-01-01T00:00:00.000"
    return {
        "eventID": f"e{number}",
        "eventName": action,
        "eventSource": "aws:dynamodb",
        "eventSourceARN": arn,
        "dynamodb": change,
    }


def test_stream_events_with_empty_images(tmp_path):
    """Stored as if DynamoDB had left the image out; one that the view promises is set aside, as a missing one is."""
    whole = {"id": {"S": "1"}, "v": {"S": "x"}}
    records = [
        stream_event(1, "INSERT", "0", SECONDS - 600, NewImage={"id": {"S": "0"}}, OldImage={}),
        stream_event(2, "INSERT", "1", SECONDS, NewImage=whole, OldImage={}),
        stream_event(3, "REMOVE", "1", SECONDS + 60, NewImage={}, OldImage=whole),
        stream_event(4, "MODIFY", "2", SECONDS + 61, NewImage={}, OldImage={"id": {"S": "2"}}),
        stream_event(5, "REMOVE", "2", SECONDS + 62, NewImage={}, OldImage={}),
    ]
    told = replay([{"Records": records}], tmp_path)
    assert (told.records, told.unconverted) == (5, 2)
    history = histlib.connect(tmp_path)
    assert history.state_at("1", BEFORE).status == "absent"
    assert list(history.diff(BEFORE, AFTER)["kind"]) == ["added"]
    assert history.state_at("1", "2026-01-01 11:01:00").status == "deleted"
    holes = history.coverage(BEFORE, "2026-01-01 11:05").holes
    assert list(holes["kind"]).count("unconverted") == 2


def article_line(action: str, item: str, new: object, old: object, seconds: int) -> str:
    told = {"action": action, "keys": {"id": item}, "new_image": new, "old_image": old, "timestamp": seconds}
    return json.dumps(told) + "\n"


def article(folder: Path, empty: object) -> Path:
    """The same in the article's files."""
    one = {"id": "1", "v": "x"}
    put_old(
        folder,
        article_line("INSERT", "0", {"id": "0", "v": "y"}, empty, SECONDS - 600)
        + article_line("INSERT", "1", one, empty, SECONDS)
        + article_line("MODIFY", "1", empty, one, SECONDS + 10)
        + article_line("REMOVE", "0", empty, empty, SECONDS + 20),
        "2026/01/01/11",
    )
    put_old(folder, article_line("MODIFY", "1", {"id": "1", "v": "z"}, one, SECONDS + 86_400), "2026/01/02/11")
    return folder


STRUCT, KEYS = "struct<id:string,v:string>", "struct<id:string>"


def test_the_article_s_files_and_table(athena, tmp_path):
    """``"old_image": {}`` in its lines, and a struct of nothing but NULLs in its table: as ``null``."""
    missing = histlib.connect(article(tmp_path / "missing" / "h", None))
    folder = article(tmp_path / "empty" / "h", {})
    history = histlib.connect(folder)
    questions = questions_of(missing)
    assert differences(missing, history, questions) == []
    assert history.state_at("1", BEFORE).status == "absent"
    assert list(history.diff(BEFORE, AFTER)["kind"]) == ["added"]
    assert history.state_at("1", "2026-01-01 11:00:15").item == {"id": "1", "v": "x"}  # by the next one's old image
    through = histlib.connect(put_old_history(folder, STRUCT, KEYS), cache=tmp_path / "cache")
    assert through.state_at("1", BEFORE).status == "absent"
    assert list(through.diff(BEFORE, AFTER)["kind"]) == ["added"]
    answers = [told(through, ask) for _, ask in questions]
    null = put_old_history(tmp_path / "missing" / "h", STRUCT, KEYS)
    of_null = histlib.connect(null, cache=tmp_path / "another")
    assert answers == [told(of_null, ask) for _, ask in questions]


def test_images_of_which_the_table_declares_nothing(athena, tmp_path):
    """Where a table declares no key in its images, a struct of NULLs may be an item: only before an INSERT and after a
    REMOVE is it none."""
    put_old(
        tmp_path / "h",
        article_line("INSERT", "1", {"id": "1", "v": "x"}, {}, SECONDS)
        + article_line("MODIFY", "1", {"id": "1"}, {"id": "1", "v": "x"}, SECONDS + 10)
        + article_line("REMOVE", "1", {}, {"id": "1"}, SECONDS + 20),
        "2026/01/01/11",
    )
    address = put_old_history(tmp_path / "h", "struct<v:string>", KEYS)
    history = histlib.connect(address, cache=tmp_path / "cache")
    states = [history.state_at("1", f"2026-01-01 11:00:{second}") for second in ("05", "15", "25")]
    assert [state.status for state in states] == ["present", "present", "deleted"]
    assert [state.item for state in states] == [{"v": "x"}, {}, None]
    assert history.timeline("1")["action"].tolist() == ["INSERT", "MODIFY", "REMOVE"]
    assert list(history.diff("2026-01-01 10:59", "2026-01-01 11:00:05")["kind"]) == []  # not covered: nothing is known
    assert all("old_format" in state.caveats for state in states[:2])


def test_exports_with_empty_images(tmp_path):
    """An incremental export's ``"OldImage": {}`` is none: the item was added within the window; a ``"NewImage": {}``:
    it was removed."""
    begin, micros = NOON * 1_000_000, 1_000_000
    full_export(tmp_path, [{"id": "gone", "v": 1}], begin)
    changes = [
        (begin + 10 * micros, {"id": "new"}, {}, {"id": "new", "v": 1}),
        (begin + 20 * micros, {"id": "gone"}, {"id": "gone", "v": 1}, {}),
    ]
    incremental_export(tmp_path, changes, begin, begin + 900 * micros)
    history = histlib.connect(f"export:{tmp_path}", cache=tmp_path / "cache")
    found = history.diff("2026-01-01 12:00", "2026-01-01 12:15")
    assert dict(zip(found["keys.id"], found["kind"], strict=True)) == {"new": "added", "gone": "removed"}
    assert history.state_at("new", "2026-01-01 12:00").status == "absent"
    assert history.state_at("gone", "2026-01-01 12:15").status == "deleted"
