"""The embedded source: what it holds, what it knows to be missing, where it keeps its index, what it refuses."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.memory import memory_setting
from histlib.engines.queries import Attestations, ItemChanges, MatchingKeys, Streams
from histlib.errors import NotAHistoryError, RequestError, SourceError
from histlib.format import rows
from histlib.values.image_json import encode_image, encode_value
from tests.support.history.landings import NOON, holes, ids, numbers, put, record
from tests.support.values import names, texts
from tests.support.values import numbers as dynamodb_numbers


def test_every_column_comes_back_as_it_was_written(tmp_path):
    """A row has the record's fields, untouched, and the file that it was read from."""
    odd = record(
        1, new_image={"id": "a", "text": 'é\u2028\U0001f35a\x00;"\\'}, actor='{"type":"Service"}', redaction="r1"
    )
    put(tmp_path, [odd], name="odd.gz")
    table = EmbeddedSource(tmp_path).fetch(ItemChanges((odd["keys"],)))
    (row,) = table.to_pylist()
    derived = {"format", "timestamp", "timestamp_utc"}
    assert row == {name: value for name, value in odd.items() if name not in derived} | {
        "file": "changes/2026/01/01/odd.gz"
    }


def test_files_put_aside_are_no_landing(tmp_path):
    """Names that begin with _ or . are not read, as Athena does not."""
    put(tmp_path, [record(1)])
    put(tmp_path, [record(2)], name="_half.gz")
    put(tmp_path, [record(3)], name=".hidden.gz")
    (tmp_path / "changes" / "_revision").write_text("x")
    assert numbers(EmbeddedSource(tmp_path)) == ids(1)


def test_keys_that_share_a_hash_stay_apart(tmp_path, monkeypatch):
    """The hash only finds the place: rows are told apart by the whole key."""
    monkeypatch.setattr("histlib.engines.folder.source.key_hash", lambda keys: 7)
    monkeypatch.setattr(rows, "hash_column", lambda keys: pa.array([7] * len(keys), pa.uint64()))
    put(tmp_path, [record(1, "a"), record(2, "b"), record(3, "a")])
    source = EmbeddedSource(tmp_path)
    assert (numbers(source, "a"), numbers(source, "b")) == (ids(1, 3), ids(2))


def test_part_of_a_key_finds_all_items_below_it(tmp_path):
    """One attribute of a key of two finds its items, and none whose text only looks like it."""
    keys = [{"pk": "a", "sk": 1}, {"pk": "a", "sk": 2}, {"pk": 'x","pk":"a', "sk": 1}, {"pk": "ab", "sk": 11}]
    put(tmp_path, [record(number, keys=key) for number, key in enumerate(keys)])
    source = EmbeddedSource(tmp_path)

    def matching(name: str, value: str) -> list[str]:
        return sorted(source.fetch(MatchingKeys(((name, value),))).column("keys").to_pylist())

    assert matching("pk", '"a"') == ['{"pk":"a","sk":1}', '{"pk":"a","sk":2}']
    assert len(matching("sk", "1")) == 2
    assert matching("sk", "3") == []


def test_undelivered_changes_are_holes_until_done(tmp_path):
    """What lies under failed/ and in Lambda's on-failure objects is told with its times and its key."""
    put(tmp_path, [record(1)])
    change = {"dynamodb": {"Keys": {"id": {"S": "a"}}, "ApproximateCreationDateTime": NOON}}
    (tmp_path / "failed/records").mkdir(parents=True)
    (tmp_path / "failed/records/17").write_text(json.dumps(change))
    (tmp_path / "failed/done").mkdir()
    (tmp_path / "failed/done/18").write_text(json.dumps(change))
    payload = tmp_path / "aws/lambda/m/s/2026/01/01/x"
    payload.parent.mkdir(parents=True)
    payload.write_text(json.dumps({"payload": json.dumps({"Records": [change]})}))
    source = EmbeddedSource(tmp_path)
    found = holes(source)
    assert [(hole["kind"], hole["start"], hole["keys"]) for hole in found] == [
        ("unconverted", NOON * 1_000_000, '{"id":"a"}'),
        ("undelivered", NOON * 1_000_000, '{"id":"a"}'),
    ]
    (tmp_path / "failed/records/17").rename(tmp_path / "failed/done/17")
    payload.unlink()
    assert holes(source) == []


@pytest.mark.parametrize(
    ("body", "start", "keys"),
    [
        (b"not json", None, None),
        (b"[]", None, None),
        (b'{"dynamodb":{"Keys":{"id":{"N":"x"}},"ApproximateCreationDateTime":5}}', 5_000_000, None),
        (b'{"dynamodb":{"Keys":{"id":{"S":"a"}},"ApproximateCreationDateTime":"soon"}}', None, '{"id":"a"}'),
        (b'{"eventID":"1"}', None, None),
        (b'{"Records":[{"dynamodb":{}},{"dynamodb":{"ApproximateCreationDateTime":5}}]}', None, None),
    ],
)
def test_a_failed_change_that_cannot_be_read_is_a_hole_all_the_same(tmp_path, body, start, keys):
    """Without a time it may touch any time, without a key any item; it never keeps a question from its answer."""
    put(tmp_path, [record(1)])
    (tmp_path / "failed/records").mkdir(parents=True)
    (tmp_path / "failed/records/17").write_bytes(body)
    (hole,) = holes(EmbeddedSource(tmp_path))
    assert (hole["kind"], hole["start"], hole["keys"]) == ("unconverted", start, keys)


def test_what_is_no_history_is_refused(tmp_path):
    """Nothing, something else, or only unreadable files: an error that says what was seen and what was expected."""
    with pytest.raises(NotAHistoryError, match="no folder changes/"):
        EmbeddedSource(tmp_path)
    (tmp_path / "changes").mkdir()
    with pytest.raises(NotAHistoryError, match="no files below changes/"):
        EmbeddedSource(tmp_path).fetch(Streams())
    put(tmp_path, b"hello\n")
    with pytest.raises(NotAHistoryError, match=r"of 1 files .* none has a readable change .*a\.gz"):
        EmbeddedSource(tmp_path).fetch(Streams())
    put(tmp_path, [record(1)], name="b.gz")
    assert numbers(EmbeddedSource(tmp_path)) == ids(1)


def test_a_read_only_history_is_indexed_in_the_cache(tmp_path, monkeypatch):
    """Where nothing can be written beside the history, the index lies in a private cache."""
    history = tmp_path / "history"
    put(history, [record(1)])
    monkeypatch.setattr("histlib.engines.folder.source.os.access", lambda *_: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert numbers(EmbeddedSource(history)) == ids(1)
    assert not (history / ".histlib").exists()
    made = tmp_path / "cache" / "histlib"
    assert made.stat().st_mode & 0o777 == 0o700
    assert list(made.rglob("manifest.json"))


def test_the_memory_setting_is_read_and_checked(monkeypatch):
    """HISTLIB_MEMORY takes sizes like 512MiB; anything else is refused with what was expected."""
    monkeypatch.setenv("HISTLIB_MEMORY", "512MiB")
    assert memory_setting() == 512 << 20
    for wrong in ("lots", "5", "1MiB", "256MiB", "-1GiB"):
        monkeypatch.setenv("HISTLIB_MEMORY", wrong)
        with pytest.raises(RequestError, match="expected at least 512MiB"):
            memory_setting()


#: Keys of one table: their first attribute is of one type.
keys_of_two = st.sampled_from([texts, dynamodb_numbers(), st.binary(max_size=3)]).flatmap(
    lambda first: st.lists(st.fixed_dictionaries({"pk": first, "sk": texts}), min_size=1, max_size=8)
)


@given(keys_of_two, names)
def test_part_of_a_key_matches_whole_values_only(tmp_path_factory, keys, other):
    """For any keys, either attribute, or both, finds exactly the items that have these values."""
    folder = tmp_path_factory.mktemp("history")
    put(folder, [record(number, keys=key) for number, key in enumerate(keys)])
    source = EmbeddedSource(folder)
    for asked in ("pk",), ("sk",), ("pk", "sk"):
        wanted = tuple((name, encode_value(keys[0][name])) for name in asked)
        found = source.fetch(MatchingKeys(wanted)).column("keys").to_pylist()
        expected = {encode_image(key) for key in keys if all(encode_value(key[n]) == value for n, value in wanted)}
        assert sorted(found) == sorted(expected)
    if other not in ("pk", "sk"):
        assert source.fetch(MatchingKeys(((other, '"x"'),))).num_rows == 0


def test_several_items_at_once_and_none_twice(tmp_path):
    """Asked for several keys, some twice and some unknown, each row comes once."""
    put(tmp_path, [record(number, item=f"i{number}") for number in range(5)])
    source = EmbeddedSource(tmp_path)
    asked = tuple(f'{{"id":"i{number}"}}' for number in (1, 1, 3, 99))
    assert sorted(source.fetch(ItemChanges(asked)).column("event_id").to_pylist()) == ids(1, 3)
    assert source.fetch(ItemChanges(())).num_rows == 0


def test_streams_and_views_are_told_apart(tmp_path):
    """A row for each stream and view: who asks decides what a mixture means."""
    put(tmp_path, [record(1), record(2), record(3, stream=None), record(4, view="KEYS_ONLY")])
    rows_found = EmbeddedSource(tmp_path).fetch(Streams()).to_pylist()
    assert sorted(row["changes"] for row in rows_found) == [1, 1, 2]
    assert [row["last_micros"] - row["first_micros"] for row in rows_found if row["changes"] == 2] == [1_000_000]


def test_attestations_come_and_go_with_their_files(tmp_path):
    """Each file below coverage/ is a row; damaged ones too, for the reader to refuse."""
    put(tmp_path, [record(1)])
    day = tmp_path / "coverage/2026/01/01"
    day.mkdir(parents=True)
    (day / "a.json").write_text('{"format":1}')
    (day / "b.json").write_bytes(b"\x1f\x8bnothing")
    source = EmbeddedSource(tmp_path)
    source.fetch(Streams())
    assert source.fetch(Attestations()).column("attestation").to_pylist() == ['{"format":1}', ""]
    (day / "b.json").unlink()
    source.fetch(Streams())
    assert source.fetch(Attestations()).column("file").to_pylist() == ["coverage/2026/01/01/a.json"]


def test_an_attestation_that_cannot_be_read_is_an_error(tmp_path):
    """Answers depend on it, so none is given without it: the error names the file."""
    put(tmp_path, [record(1)])
    (tmp_path / "coverage").mkdir()
    (tmp_path / "coverage/b.json").symlink_to("b.json")
    source = EmbeddedSource(tmp_path)
    source.fetch(Streams())
    with pytest.raises(SourceError, match=r"coverage/b\.json"):
        source.fetch(Attestations())
