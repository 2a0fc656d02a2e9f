"""A table made anew with another key: each life is asked by its own key. Keys that no stream tells apart: refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import histlib
from histlib import MISSING, cli
from histlib.answers import charts
from histlib.errors import KeyNotValidError, MixedTablesError, PathNotValidError, SourceError
from histlib.format.key_forms import form_pattern, key_form
from histlib.format.rows import key_forms
from histlib.rules.coverage.coverage import Attestation
from histlib.values.image_json import decode_image, encode_image
from histlib.values.keys import infer_schema
from tests.support.athena.answers import on_athena
from tests.support.athena.equal_answers import Question, differences, questions_of
from tests.support.athena.old_histories import declare, put_old_history
from tests.support.history.article_lines import old_line, put_old
from tests.support.history.exports import SECOND, full_export, incremental_export
from tests.support.history.landings import NOON, STREAM, TABLE, put, record
from tests.support.values import texts

T0, HOUR = NOON * SECOND, 3_600 * SECOND
LATER = f"{TABLE}/stream/2026-01-03T00:00:00.000"
SECOND_LIFE = NOON + 3 * 86_400
THEN, NOW = "2026-01-01T12:00:03", "2026-01-04T12:00:04"
KEY_OF_ONE = [{"AttributeName": "id", "KeyType": "HASH"}]
KEY_OF_TWO = [{"AttributeName": "sk", "KeyType": "RANGE"}, {"AttributeName": "pk", "KeyType": "HASH"}]


def change(number: int, keys: dict[str, Any], new: int | None, old: int | None = None, **fields: Any) -> dict[str, Any]:
    """A change that puts ``v`` from one number (None: no item) to another."""
    images = {f"{name}_image": None if v is None else keys | {"v": v} for name, v in (("new", new), ("old", old))}
    action = "INSERT" if old is None else "MODIFY" if new is not None else "REMOVE"
    return record(number, keys=keys, action=action, **images, **fields)


def first_life(**fields: Any) -> list[dict[str, Any]]:
    return [
        change(1, {"id": "a"}, 1, **fields),
        change(2, {"id": "a"}, 2, 1, **fields),
        change(3, {"id": "b"}, 7, **fields),
    ]


def second_life(**fields: Any) -> list[dict[str, Any]]:
    fields = {"stream": LATER} | fields
    told = [({"pk": "a", "sk": 1}, 1, None), ({"pk": "a", "sk": 1}, 9, 1), ({"pk": "a", "sk": 2}, 1, None)]
    rows = [change(n, *one, seconds=SECOND_LIFE + n, **fields) for n, one in enumerate(told, 1)]
    return [row | {"event_id": f"later-{row['event_id']}"} for row in rows]


def attested(folder: Path) -> None:
    """What the pipeline said of the table in each of its lives: its key among the rest."""
    for table_id, stream, begin, schema in (("1", STREAM, NOON, KEY_OF_ONE), ("2", LATER, SECOND_LIFE, KEY_OF_TWO)):
        for moment in (begin * SECOND, (begin + 3_600) * SECOND):
            said = Attestation(
                moment, TABLE, stream, "NEW_AND_OLD_IMAGES", table_id, "Enabled", 0, 0, 0, True, table_id,
                key_schema=schema,
            )  # fmt: skip
            path = folder / f"coverage/2026/01/01/{moment}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.encode(said))


@pytest.fixture
def lives(tmp_path: Path) -> Path:
    """A table with the key id, made anew with the key pk, sk; some of both landed in one file."""
    put(tmp_path / "h", first_life(), day="2026/01/01")
    put(tmp_path / "h", second_life()[:2], day="2026/01/04")
    put(tmp_path / "h", second_life()[2:], day="2026/01/04", name="more.gz")
    attested(tmp_path / "h")
    return tmp_path / "h"


def columns_of(frame: pd.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(frame[name] for name in names), strict=True))


def test_each_item_is_asked_by_the_key_that_it_had(lives):
    """state_at, timeline, since and blame by the whole key of either life; a partition key stands for its items."""
    history = histlib.connect(lives)
    assert (history.key_schema.names, history.key_schema.ordered) == (("pk", "sk"), True)
    assert history.state_at({"id": "a"}, THEN).item == {"id": "a", "v": 2}
    assert history.state_at({"pk": "a", "sk": 1}, NOW).item == {"pk": "a", "sk": 1, "v": 9}
    assert history.state_at(("a", 1), NOW).item == {"pk": "a", "sk": 1, "v": 9}
    assert "outside_coverage" in history.state_at({"id": "a"}, NOW).caveats
    assert list(history.timeline({"id": "a"})["action"]) == ["INSERT", "MODIFY"]
    assert columns_of(history.timeline("a"), "keys.pk", "keys.sk", "keys.id") == [
        ("a", 1, MISSING), ("a", 1, MISSING), ("a", 2, MISSING)
    ]  # fmt: skip
    assert history.since({"id": "a"}, "v", time=THEN).change.event_id == "event-2"
    assert history.since({"sk": 1, "pk": "a"}, "v", time=NOW).change.event_id == "later-event-2"
    assert list(history.blame({"id": "a"}, THEN)["path"]) == ["id", "v"]
    assert list(history.blame({"pk": "a", "sk": 1}, NOW)["path"]) == ["pk", "sk", "v"]


@pytest.mark.parametrize("key", ["a", {"pk": "a"}, {"sk": 1}])
def test_a_part_of_a_key_is_no_item(lives, key):
    """A bare value is of the latest key, of which it is only a part."""
    with pytest.raises(KeyNotValidError, match=re.escape("only a part of this table's key, pk (string), sk (number)")):
        histlib.connect(lives).state_at(key)


@pytest.mark.parametrize("key", [{"id": 1}, {"id": "a", "pk": "a"}, {"x": "a"}, {}])
def test_a_key_of_neither_life_names_both(lives, key):
    with pytest.raises(KeyNotValidError, match=r"(?s)key is pk \(string\), sk \(number\).*key is id \(string\)"):
        histlib.connect(lives).state_at(key)


def test_lists_mix_keys_of_both(lives):
    """Whole keys of either and parts of one, in one list, in its order."""
    keys = [{"id": "b"}, {"pk": "a"}, {"id": "a"}]
    frame = histlib.connect(lives).snapshot_at(NOW, keys=keys)
    assert list(frame["keys"]) == ['{"id":"b"}', '{"pk":"a","sk":1}', '{"pk":"a","sk":2}', '{"id":"a"}']
    assert columns_of(frame, "keys.pk", "keys.sk", "keys.id")[:2] == [(MISSING, MISSING, "b"), ("a", 1, MISSING)]
    changes = histlib.connect(lives).changes("2026-01-01", NOW, keys=keys)
    assert len(changes) == 6


def test_conditions_know_the_attributes_of_both(lives):
    """A key attribute that an item's key lacks is MISSING there."""
    history = histlib.connect(lives)

    def found(where: str) -> list[str]:
        return list(history.snapshot_at(NOW, where=where)["keys"])

    assert found("keys.id = 'a'") == ['{"id":"a"}']
    assert found("keys.pk = 'a' AND item.v = 9") == ['{"pk":"a","sk":1}']
    assert found("keys.id IS MISSING") == ['{"pk":"a","sk":1}', '{"pk":"a","sk":2}']
    assert found("keys.id <> 'a' AND keys.PK IS MISSING") == ['{"id":"b"}']
    assert list(history.changes("2026-01-01", NOW, where="keys.sk = 2")["event_id"]) == ["later-event-3"]
    assert list(history.sql("SELECT event_id FROM t WHERE keys.id = 'b'")["event_id"]) == ["event-3"]
    with pytest.raises(PathNotValidError, match="attributes are id, pk, sk"):
        history.sql("SELECT keys.x FROM t")


def frames(history: histlib.History) -> dict[str, pd.DataFrame]:
    return {
        "changes": history.changes("2026-01-01", NOW),
        "snapshot": history.snapshot_at(NOW, columns=["v"]),
        "affected": history.affected("item.v = 1", "2026-01-01", NOW),
        "diff": history.diff("2026-01-01T12:00:01", NOW),
        "nothing": history.changes("2025-01-01", "2025-01-02"),
    }


def test_tables_have_the_columns_of_both_keys_and_come_back_from_files(lives, tmp_path):
    """In order of time, then key; what an item's key lacks is MISSING, an empty cell, NA in a sheet."""
    for name, frame in frames(histlib.connect(lives)).items():
        assert list(frame.columns[:4]) == ["keys", "keys.pk", "keys.sk", "keys.id"]
        assert set(frame["keys.id"]) == {"nothing": set(), "diff": {"a", "b"}, "affected": {"a", MISSING}}.get(
            name, {"a", "b", MISSING}
        )
        for suffix in (".csv", ".parquet"):
            back = histlib.read(histlib.write(frame, tmp_path / f"{name}{suffix}"))
            pd.testing.assert_frame_equal(back, frame)
            assert back.attrs == frame.attrs
        sheet = pd.read_excel(histlib.write(frame, tmp_path / f"{name}.xlsx"), dtype=str)
        assert list(sheet["keys.id"].isna()) == [value is MISSING for value in frame["keys.id"]]
        assert frame._repr_html_()


def test_the_terminal_shows_both_and_json_leaves_out_what_is_missing(lives, capsys):
    question = ["changes", "2026-01-01", NOW, "--source", str(lives)]
    assert cli.main(question) == 0
    shown = capsys.readouterr().out
    assert re.search(r'^"a" +1 +— +2026-01-04', shown, re.MULTILINE)
    assert re.search(r'^— +— +"a" +2026-01-01', shown, re.MULTILINE)
    assert cli.main([*question, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [{name for name in row if name.startswith("keys.")} for row in rows][2:4] == [
        {"keys.id"}, {"keys.pk", "keys.sk"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("id=a", ["id"]), ('{"id":"a"}', ["id"]), ("pk=a,sk=1", ["pk", "sk"]), ("sk=1,pk=a", ["pk", "sk"]),
        ('{"pk":"a","sk":1}', ["pk", "sk"]),
    ],
)  # fmt: skip
def test_keys_on_the_command_line(lives, capsys, key, found):
    """name=value and JSON mean the key that has these names; numbers are the type of its attribute."""
    assert cli.main(["state-at", key, NOW, "--source", str(lives), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["keys"]) == found


def test_columns_that_no_row_has_are_not_shown(lives):
    shown = repr(histlib.connect(lives).timeline({"pk": "a"}))
    assert "keys.pk" in shown
    assert "keys.id" not in shown


def test_a_chart_tells_items_of_both_keys_apart(tmp_path):
    """Two items whose keys have the same value are two, and named by their attributes."""
    put(tmp_path, [*first_life(), change(9, {"pk": "a"}, 2, stream=LATER, seconds=SECOND_LIFE)])
    hits = histlib.connect(tmp_path).affected("item.v = 2", "2026-01-01", NOW)
    told = json.dumps(charts.affected_chart(hits).to_dict())
    assert all(json.dumps(text)[1:-1] in told for text in ('{"id":"a"}', '{"pk":"a"}'))


def test_a_sort_key_that_was_added(tmp_path):
    """What is the whole key of one life and a part of the other's means both, where a part may be given."""
    later = [change(n, {"id": "a", "at": n}, n, stream=LATER, seconds=SECOND_LIFE + n) for n in (1, 2)]
    put(tmp_path, [*first_life(), *(row | {"event_id": f"later-{row['event_id']}"} for row in later)])
    history = histlib.connect(tmp_path)
    assert history.state_at({"id": "a"}, THEN).item == {"id": "a", "v": 2}
    assert len(history.timeline({"id": "a"})) == 4
    assert len(history.timeline({"id": "a", "at": 2})) == 1
    assert len(history.snapshot_at(NOW, keys={"id": "a"})) == 3
    assert len(history.snapshot_at(NOW, keys={"id": "b"})) == 1


def test_a_key_attribute_of_another_type(tmp_path):
    """ "5" and 5 are items of different lives."""
    later = [change(9, {"id": 5}, 9, stream=LATER, seconds=SECOND_LIFE)]
    put(tmp_path, [change(1, {"id": "5"}, 1), *later])
    history = histlib.connect(tmp_path)
    assert history.state_at(5, NOW).item == {"id": 5, "v": 9}
    assert history.state_at({"id": "5"}, THEN).item == {"id": "5", "v": 1}
    assert list(history.snapshot_at(NOW, where="keys.id = 5")["keys"]) == ['{"id":5}']
    assert list(history.sql("SELECT keys.id FROM t ORDER BY timestamp")["id"]) == ["5", "5"]


def odd(**fields: Any) -> list[dict[str, Any]]:
    return [change(99, {"id": "m"}, 1, **fields), change(100, {"id": "a", "x": "y"}, 1, **fields)]


#: Histories of two tables: what they hold, and how the error names the two keys.
TWO_TABLES = {
    "in one stream": [*first_life(), *second_life(stream=STREAM)],
    "one odd change among many": [*first_life(), *odd()[1:], *(change(n, {"id": f"z{n}"}, 1) for n in range(200, 300))],
    "of another type": [*first_life(), change(9, {"id": 1}, 1)],
    "records of Kinesis": [*first_life(stream=None, sequence_number=None),
                           *second_life(stream=None, sequence_number=None)],
    "baselines": [record(1, keys={"id": "a"}, new_image={"id": "a"}, old_image=None, stream="baseline:one",
                         action="BASELINE"),
                  record(2, keys={"pk": "a"}, new_image={"pk": "a"}, old_image=None, stream="baseline:two",
                         action="BASELINE")],
}  # fmt: skip


@pytest.mark.parametrize("kind", TWO_TABLES)
def test_keys_that_no_stream_tells_apart_are_an_error_that_names_them(tmp_path, kind):
    """Also where few rows of many have the other one, whichever file they lie in."""
    rows = TWO_TABLES[kind]
    for number, some in enumerate([rows[::2], rows[1::2]]):
        put(tmp_path, some, name=f"{number}.gz")
    with pytest.raises(MixedTablesError, match="different keys") as caught:
        histlib.connect(tmp_path)
    for keys in {tuple(json.loads(row["keys"])) for row in rows}:
        assert all(re.search(rf"\b{name} \((string|number)\)", str(caught.value)) for name in keys)
    assert not (tmp_path / ".histlib").exists()


def test_two_tables_in_one_folder_are_named_and_nothing_is_left_there(tmp_path):
    """What is refused is as it was before it was asked."""
    other = {**record(2), "table": f"{record(1)['table']}-too"}
    put(tmp_path, [record(1), other])
    with pytest.raises(MixedTablesError, match="2 tables in one place: .*-too; keep each"):
        histlib.connect(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["changes"]


def test_another_table_that_comes_later_is_indexed_once_and_refused_each_time(tmp_path):
    """The index is there already: what came is kept in it, so that a refusal costs no more than any question."""
    put(tmp_path, [record(1)])
    history = histlib.connect(tmp_path)
    put(tmp_path, [{**record(2), "table": f"{record(1)['table']}-too"}], name="b.gz")
    kept = []
    for _ in range(3):
        with pytest.raises(MixedTablesError, match="2 tables in one place"):
            history.changes("2026-01-01", NOW)
        kept.append(sorted(entry.name for entry in (tmp_path / ".histlib").rglob("segment-*")))
    assert kept[0] == kept[1] == kept[2]


def test_two_tables_of_the_article_in_one_folder(tmp_path):
    """Format 0 names neither table nor stream; keys of one name are one key, whatever they were before."""
    put_old(tmp_path, old_line("INSERT", {"todoId": "t1"}, (None, {"todoId": "t1"}), NOON))
    put_old(tmp_path, old_line("INSERT", {"todoId": 7}, (None, {"todoId": 7}), NOON + 1), name="b")
    assert histlib.connect(tmp_path).state_at(7).status == "present"
    put_old(tmp_path, old_line("INSERT", {"userId": "u1"}, (None, {"userId": "u1"}), NOON + 2), name="c")
    with pytest.raises(MixedTablesError, match=r"todoId \(string\).*userId \(string\)"):
        histlib.connect(tmp_path)


def test_a_second_key_that_comes_later_is_noticed(tmp_path):
    """An open history does not go on answering with what it knew."""
    put(tmp_path, first_life())
    history = histlib.connect(tmp_path)
    assert len(history.changes("2026-01-01", NOW)) == 3
    put(tmp_path, odd()[1:], name="b.gz")
    with pytest.raises(MixedTablesError, match=r'in one stream, arn:.*like \{"id":"a","x":"y"\}'):
        history.changes("2026-01-01", NOW)


def test_what_the_article_wrote_before_a_stream_of_numbers(tmp_path):
    """Its texts are the same key, of the type that the stream tells; of another key they are another life's."""
    old = old_line("INSERT", {"id": 5}, (None, {"id": 5}), NOON)
    put(tmp_path / "one", old.encode(), name="old")
    put(tmp_path / "one", [change(2, {"id": 5}, 3, 2, stream=LATER, seconds=SECOND_LIFE)])
    assert histlib.connect(tmp_path / "one").state_at(5, THEN).item == {"id": "5"}
    assert len(histlib.connect(tmp_path / "one").snapshot_at(NOW)) == 1
    put(tmp_path / "other", old.encode(), name="old")
    put(tmp_path / "other", second_life())
    assert histlib.connect(tmp_path / "other").state_at({"id": 5}, THEN).item == {"id": "5"}


def test_a_baseline_of_an_earlier_life_beside_streams(tmp_path, lives):
    """A baseline is its own stream: of the key of a life that a stream tells of, or of the one before all streams."""
    row = record(50, keys={"id": "q"}, new_image={"id": "q"}, old_image=None, stream="baseline:b1", action="BASELINE",
                 sequence_number=None)  # fmt: skip
    put(lives, [row], name="baseline-b1-0.gz")
    manifest = {
        "format": 1, "id": "b1", "kind": "scan", "table": TABLE, "items": 1,
        "files": ["changes/2026/01/01/baseline-b1-0.gz"],
        "read_begin": row["timestamp_micros"], "read_end": row["timestamp_micros"],
        "key_schema": KEY_OF_ONE,
    }  # fmt: skip
    (lives / "baseline").mkdir()
    (lives / "baseline/b1.json").write_text(json.dumps(manifest))
    history = histlib.connect(lives)
    assert history.key_schema.ordered
    assert history.state_at({"id": "q"}, "2026-01-01T12:00:55").evidence == "baseline"


def test_exports_of_two_keys(tmp_path):
    """Incremental ones tell their keys. A full one without the key that is named is a hole, not the other table's."""
    incremental_export(tmp_path / "two", [(T0 + 1, {"id": "a"}, None, {"id": "a"})], T0, T0 + HOUR)
    incremental_export(tmp_path / "two", [(T0 + HOUR + 1, {"pk": "a"}, None, {"pk": "a"})], T0 + HOUR, T0 + 2 * HOUR)
    with pytest.raises(MixedTablesError, match="2 different keys: id .*; pk "):
        histlib.connect(f"export:{tmp_path / 'two'}", cache=tmp_path / "cache")
    full_export(tmp_path / "full", [{"id": "a"}], T0, name="one")
    full_export(tmp_path / "full", [{"pk": "a"}], T0 + SECOND, name="two")
    history = histlib.connect(f"export:{tmp_path / 'full'}?key=id", cache=tmp_path / "cache")
    assert "unreadable_files" in history.state_at("a", "2026-01-01T12:00:01").caveats


# --- on Athena ---


def of_both(history: histlib.History) -> list[Question]:
    keys = [{"id": "a"}, {"pk": "a"}, ("a", 2)]
    return [
        ("keys", lambda h: h.snapshot_at(NOW, keys=keys)),
        ("key schema", lambda h: h.key_schema),
        ("id", lambda h: h.snapshot_at(NOW, where="keys.id = 'a'")),
        ("pk", lambda h: h.affected("keys.pk = 'a' AND item.v = 1", "2026-01-01", NOW)),
        ("missing", lambda h: h.changes("2026-01-01", NOW, where="keys.pk IS MISSING")),
        ("part", lambda h: h.timeline({"sk": 1})),
        ("neither", lambda h: h.timeline({"x": 1})),
        ("sql", lambda h: h.sql("SELECT keys.id, keys.sk FROM t ORDER BY timestamp, sequence_number")),
        *questions_of(history),
    ]


def test_athena_answers_the_same(athena, lives, tmp_path):
    """All questions, by keys of both lives, to the last caveat."""
    embedded = histlib.connect(lives)
    other = on_athena(lives, embedded, tmp_path / "cache")
    assert differences(embedded, other, of_both(embedded)) == []


@pytest.mark.parametrize("kind", TWO_TABLES)
def test_athena_refuses_the_same(athena, tmp_path, kind):
    """With the same words."""
    put(tmp_path / "h", TWO_TABLES[kind])
    with pytest.raises(MixedTablesError) as caught:
        histlib.connect(tmp_path / "h")
    with pytest.raises(MixedTablesError) as on_aws:
        on_athena(tmp_path / "h", histlib.connect("sample:todo"), tmp_path / "cache")
    assert _without_samples(str(on_aws.value)) == _without_samples(str(caught.value))


def _without_samples(text: str) -> set[str]:
    return set(re.split("; |: ", re.sub(r", like \{.*?\}(?=;|\.)", "", text)))


@pytest.mark.parametrize("keys", [{"other": "m"}, {"id": 5}])
def test_athena_notices_a_second_key_on_days_that_it_did_not_look_at(athena, tmp_path, keys):
    """Whatever reads it says so; no answer leaves it out, or shows it as an item of the table."""
    folder, seconds = tmp_path / "h", [NOON + 86_400 * day for day in range(12)]
    for day, second in enumerate(seconds):
        row = change(day, {"id": "a"}, day + 1, day or None, seconds=second)
        put(folder, [row], day=f"2026/01/{day + 1:02}")
    put(folder, [change(50, keys, 1, seconds=seconds[6])], day="2026/01/07", name="odd.gz")
    history = on_athena(folder, histlib.connect("sample:todo"), tmp_path / "cache")
    asked = [
        lambda: history.changes("2026-01-05", "2026-01-10"),
        lambda: history.activity("2026-01-05", "2026-01-10"),
        lambda: history.snapshot_at("2026-01-12T13:00"),
        lambda: history.affected("item.v = 1", "2026-01-05", "2026-01-10"),
        lambda: history.diff("2026-01-05", "2026-01-10"),
    ]
    for ask in asked:
        with pytest.raises(MixedTablesError, match=r"2 different keys.*id \(string\)"):
            ask()


def test_two_tables_of_the_article_through_its_table(athena, tmp_path):
    """As from the files, with its names in lower case; of what the table does not declare nothing is shown."""
    for number, keys in enumerate([{"todoId": "t1"}, {"userId": "u1"}]):
        put_old(tmp_path / "h", old_line("INSERT", keys, (None, keys), NOON + number), name=f"{number}")
    both = "struct<todoid:string,userid:string>"
    with pytest.raises(MixedTablesError, match=r"todoid \(string\).*userid \(string\)"):
        histlib.connect(put_old_history(tmp_path / "h", both, both), cache=tmp_path / "cache")
    declare(both)
    with pytest.raises(SourceError, match="keys are empty"):
        histlib.connect(put_old_history(tmp_path / "h", both), cache=tmp_path / "cache")


# --- forms ---

_KINDS = {"S": texts.filter(bool), "N": st.integers(), "B": st.binary(min_size=1)}
_KEYS = st.dictionaries(texts.filter(bool), st.one_of(*_KINDS.values()), min_size=1, max_size=2).map(encode_image)


@given(st.lists(_KEYS, min_size=1, max_size=5))
def test_a_form_is_what_the_schema_is(keys):
    """Keys have one form if they have the same attributes of the same types, whatever is in their texts; a column's
    forms are those of its keys."""
    schemas = [infer_schema(one).types for one in keys]
    for one, schema in zip(keys, schemas, strict=True):
        assert key_form(one)
        assert [key_form(other) == key_form(one) for other in keys] == [other == schema for other in schemas]
        assert [bool(re.search(form_pattern(one), other)) for other in keys] == [other == schema for other in schemas]
    assert key_forms(pa.chunked_array([keys])).to_pylist() == list(map(key_form, keys))


@pytest.mark.parametrize("keys", ["{}", "[1]", '{"a":true}', '{"a":[1]}', '{"a":"x","b":{"S":"y"}}', "x"])
def test_what_is_no_key_has_no_form(keys):
    assert key_form(keys) == ""
    assert decode_image('{"a":"x"}')
