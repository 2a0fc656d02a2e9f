"""Tables written and read back are the same, or are not written, or not read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.answers.frames import ResultFrame, objects, texts, times
from histlib.errors import RequestError
from histlib.values.image_json import MISSING
from tests.support.effort import examples
from tests.support.tables import ATTRS, ODD_ROWS, assert_same, frame_of
from tests.support.values import items, values
from tests.support.values import texts as any_text


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
def test_a_table_reads_back_the_same(tmp_path, suffix, tz):
    """Odd values, texts that look like formulas or NA, an hour that comes twice: all come back."""
    frame = frame_of(ODD_ROWS, tz)
    assert_same(histlib.read(histlib.write(frame, tmp_path / f"t{suffix}")), frame)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_without_rows_keeps_what_it_says(tmp_path, suffix):
    """No rows: the columns, their dtypes and the caveats of the table are still there."""
    frame = frame_of([])
    read = histlib.read(histlib.write(frame, tmp_path / f"t{suffix}"))
    assert_same(read, frame)
    assert (len(read), read.attrs["histlib"]) == (0, ATTRS)


any_row = st.tuples(st.one_of(st.none(), any_text), st.sampled_from(["p", "a.b"]), values, values)


@settings(max_examples=examples(40))
@given(rows=st.lists(any_row, max_size=5))
def test_any_values_read_back(tmp_path_factory, rows):
    """Whatever DynamoDB can hold survives both formats."""
    folder = tmp_path_factory.mktemp("t")
    frame = frame_of(rows)
    for suffix in (".csv", ".parquet"):
        assert_same(histlib.read(histlib.write(frame, folder / f"t{suffix}")), frame)


@settings(max_examples=examples(40))
@given(items)
def test_any_whole_item_reads_back(tmp_path_factory, item):
    """A whole item's top level is never taken for a ``$`` object."""
    folder = tmp_path_factory.mktemp("t")
    frame = frame_of([(None, "", item, MISSING)])
    for suffix in (".csv", ".parquet"):
        assert_same(histlib.read(histlib.write(frame, folder / f"t{suffix}")), frame)


def test_other_columns_of_results_read_back(tmp_path):
    """Times that are not known, counts, booleans, lists and items, as the other questions have them."""
    tz = ZoneInfo("Asia/Tokyo")
    frame = ResultFrame(
        {
            "since": pd.Series(times([5, 0], tz)).where([True, False]),
            "count": np.array([1, 2**62], dtype="int64"),
            "still": [True, False],
            "paths": objects([["a", "b;c"], []]),
            "item": objects([{"$N": "1"}, MISSING]),
            "item_json": texts(['{"$N":"1"}', None]),
        }
    )
    for suffix in (".csv", ".parquet"):
        assert_same(histlib.read(histlib.write(frame, tmp_path / f"t{suffix}")), frame)


def test_a_damaged_parquet_is_refused(tmp_path):
    """A page with a bit turned, or a file cut short, is an error and never other values."""
    path = histlib.write(frame_of(ODD_ROWS), tmp_path / "t.parquet")
    content = path.read_bytes()
    turned = bytearray(content)
    turned[len(content) // 8] ^= 1
    for damaged in (bytes(turned), content[: len(content) // 2], b""):
        path.write_bytes(damaged)
        with pytest.raises(RequestError, match="damaged"):
            histlib.read(path)


KEYS = {"keys": texts(['{"id":"a"}'])}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "columns",
    [
        {"path": texts([None])},
        {"path": texts([""]), "actor": texts([""])},
        {"keys": texts(['{"a":"1","a_json":"2"}']), "keys.a": objects(["1"]), "keys.a_json": objects(["2"])},
        {"keys": texts(['{"n":-5}']), "keys.n": objects([-5])},
        {"keys": texts(['{"n":12345678901234567}']), "keys.n": objects([12345678901234567])},
        {"keys": texts(['{"b":{"$B":"AA=="}}']), "keys.b": objects([b"\0"])},
        {"keys.a;|\t,=b": objects(["1"]), "keys": texts(['{"a;|\\t,=b":"1"}'])},
        {"time": times([0], timezone(timedelta(hours=-9, minutes=-30)))},
        {"since": times([0], ZoneInfo("Africa/Monrovia"))},
        {"item.a": objects([5]), "item.a_json": texts(["5"]), "path": texts([""])},
        {"x": np.array([-0.1]), "y": np.array([float("nan")])},
        {"n": pd.array([None], dtype="Int64"), "b": pd.array([None], dtype="boolean")},
        {"n": pd.array([-(1 << 63)], dtype="Int64"), "b": pd.array([False], dtype="boolean")},
        {"paths": objects([["NA", "=1", "a|b;c\n"]])},
        {"after": objects(["x" * 400_000]), "after_json": texts(['"' + "x" * 400_000 + '"'])},
    ],
    ids=str,
)
def test_odd_columns_read_back(tmp_path, suffix, columns):
    """NA is not "", names may hold anything, zones may be offsets, cells may be as long as an item."""
    frame = ResultFrame(KEYS | columns)
    if "item.a" in columns:
        frame = frame.drop(columns="path")
    assert_same(histlib.read(histlib.write(frame, tmp_path / f"t{suffix}")), frame)


def test_a_row_of_nothing_is_a_row(tmp_path):
    """One row with no content is not a table without rows."""
    for rows in (0, 1, 2):
        frame = ResultFrame({"actor": texts([None] * rows)})
        assert_same(histlib.read(histlib.write(frame, tmp_path / "t.csv")), frame)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"x": objects(["abc"])}, "could not come back exactly"),
        ({"x": objects([["a", 1]])}, "could not come back exactly"),
        ({"x": pd.array([None], dtype="Int32")}, "could not come back exactly"),
        ({"x": pd.Categorical(["a"])}, "could not come back exactly"),
        ({"time": pd.DatetimeIndex(["2026-01-01T00:00:00.123456789Z"])}, "could not come back exactly"),
        ({"time": pd.DatetimeIndex(["2026-01-01"])}, "could not come back exactly"),
        ({"after": objects([7]), "after_json": texts(["5"])}, "'after' is 7, but 'after_json' is '5'"),
        ({"after": objects([MISSING]), "after_json": texts(["null"])}, "set both"),
        ({"after": objects([0.5]), "after_json": texts(["0.5"])}, "float"),
        ({"path": texts([""]), "after": objects([5]), "after_json": texts(["5"])}, "no value of DynamoDB"),
        ({"keys.id": objects(["b"])}, "not what 'keys' says"),
        ({5: texts(["a"])}, "named by texts"),
    ],
    ids=str,
)
def test_a_table_that_could_not_come_back_is_not_written(tmp_path, columns, says):
    """Columns of other kinds, and values that differ from their twins, are refused, and no file is left."""
    for suffix in (".csv", ".parquet", ".xlsx"):
        with pytest.raises(RequestError, match=says):
            histlib.write(ResultFrame(KEYS | columns), tmp_path / f"t{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_other_things_that_cannot_be_written(tmp_path):
    """No table, two columns of one name in the CSV, attrs that JSON has not."""
    clash = ResultFrame({"time": times([0], ZoneInfo("UTC")), "offset": texts(["x"])})
    odd = ResultFrame(KEYS)
    odd.attrs["histlib"] = {"x": (1, 2)}
    for wrong, says in ((clash, "one name"), (odd, "plain JSON"), ({"a": 1}, "expected a DataFrame")):
        with pytest.raises(RequestError, match=says):
            histlib.write(wrong, tmp_path / "t.csv")


def test_a_file_that_cannot_be_replaced_is_told(tmp_path, monkeypatch):
    """As when a spreadsheet has it open on Windows: one clear error, the old file as it was, no litter."""
    path = histlib.write(frame_of([]), tmp_path / "t.CSV")
    before = path.read_bytes()

    def denied(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "replace", denied)
    with pytest.raises(RequestError, match=r"could not be written: Permission denied"):
        histlib.write(frame_of(ODD_ROWS), path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


def test_what_cannot_be_written_or_read_says_so(tmp_path):
    """Unknown suffixes, missing folders and files, foreign and changed files: errors with what to do."""
    frame = frame_of(ODD_ROWS)
    for file, says in (("t.json", "expected .csv"), ("t", "no suffix"), ("none/t.csv", "there is no folder")):
        with pytest.raises(RequestError, match=says):
            histlib.write(frame, tmp_path / file)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty.csv").write_text("")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    for file, says in (
        ("none.csv", "no such file"),
        ("t.xlsx", "cannot read"),
        ("other.csv", "not written by histlib"),
        ("empty.csv", "not written by histlib"),
        ("other.parquet", "not written by histlib"),
    ):
        with pytest.raises(RequestError, match=says):
            histlib.read(tmp_path / file)
    path = histlib.write(frame, tmp_path / "changed.csv")
    path.write_text(path.read_text(encoding="utf-8").replace(",2026-10-25 ", ",25.10.2026 "), encoding="utf-8")
    with pytest.raises(RequestError, match="not as histlib wrote it"):
        histlib.read(path)


def test_a_file_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    """Writing that fails leaves the file of before, and no litter."""
    path = histlib.write(frame_of([("a", "p", 1, 2)]), tmp_path / "t.csv")
    before = path.read_bytes()
    monkeypatch.setattr("histlib.answers.writers.csv.json_cell", lambda value: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        histlib.write(frame_of(ODD_ROWS), path)
    assert (path.read_bytes(), [p.name for p in tmp_path.iterdir()]) == (before, ["t.csv"])


def test_read_gives_what_the_question_gave(tmp_path):
    """The timeline of a real history, through both formats."""
    history = histlib.connect("sample:todo", tz="Asia/Tokyo")
    timeline = history.timeline("t2222")
    assert isinstance(timeline["time"].iloc[0], datetime)
    for suffix in (".csv", ".parquet"):
        assert_same(histlib.read(histlib.write(timeline, tmp_path / f"t{suffix}")), timeline)
