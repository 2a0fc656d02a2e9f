"""Tables written and read back are the same, and no cell of a CSV can do more than be read."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from values_strategies import items, same, values
from values_strategies import texts as any_text

import histlib
from histlib.errors import RequestError
from histlib.frames import ResultFrame, objects, texts, timeline_frame, times
from histlib.timelines import COLUMNS
from histlib.times import zone
from histlib.values import MISSING, encode_image, encode_value
from histlib.writers.cells import read_text_cell, read_value_cell, text_cell, value_cell

ATTRS = {
    "table": "t; =1",
    "tz": "UTC",
    "caveats": [{"name": "gap", "detail": "é; \n"}],
    "end_clipped": False,
    "n": None,
}
DST_TWICE = [1_792_888_200_000_000, 1_792_891_800_000_000]  # 2026-10-25 02:30 in Berlin, before and after


def frame_of(rows: list[tuple[Any, Any, Any, Any]], tz: str = "UTC") -> ResultFrame:
    """A timeline with rows of (actor, path, before, after)."""
    encode = [encode_value if path else encode_image for _, path, _, _ in rows]

    def twin(column: int) -> list[str | None]:
        return [None if row[column] is MISSING else made(row[column]) for row, made in zip(rows, encode, strict=True)]

    columns = {
        "keys": [encode_image({"id": f"=k{n}", "n": n}) for n, _ in enumerate(rows)],
        "time": [DST_TWICE[n % 2] + n * 7 for n, _ in enumerate(rows)],
        "action": ["MODIFY" if n % 3 else None for n, _ in enumerate(rows)],
        "actor": [row[0] for row in rows],
        "event_id": [f"e{n}" for n, _ in enumerate(rows)],
        "path": [row[1] for row in rows],
        "before": [row[2] for row in rows],
        "before_json": twin(2),
        "after": [row[3] for row in rows],
        "after_json": twin(3),
        "caveats": ["gap redacted" if n % 2 else "" for n, _ in enumerate(rows)],
    }
    assert set(columns) == {"keys", *COLUMNS}
    return timeline_frame(columns, ["id", "n"], zone(tz), ATTRS)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Equal in columns, dtypes, values (1 is not True, MISSING is MISSING), times and attrs."""
    assert list(left.columns) == list(right.columns)
    assert list(left.dtypes) == list(right.dtypes)
    assert left.attrs == right.attrs
    for name in left.columns:
        for one, other in zip(left[name], right[name], strict=True):
            assert (one is other) or same(one, other) or (pd.isna(one) and pd.isna(other)), (name, one, other)


ODD_ROWS = [
    (None, "", {"$N": "1", "a": 1}, MISSING),
    ("=1+1", "price", 0, Decimal("0.1000000000000000055511151231257827")),
    ("", "a", "", None),
    ("NA", "b", "NA", "null"),
    ('"quoted"', '"a.b".c', "x;y\r\nz,\t=1", MISSING),
    ("@SUM(A1)", "c", 12345678901234567890, frozenset({12345678901234567890, 1})),
    ("-2+3", "d", {"$N": "5"}, {"$M": {"$N": 12345678901234567890}}),
    ("tab\t", "e", [1, True, None, b"\0", {"$M": 1}], {"$M": 12345678901234567890, "b": 1}),
    ("é🫖", "f", "\u2028", "'=1"),
    ("a;=1", "", {"$N": "1"}, {"$SS": ["a"]}),
]


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


@settings(max_examples=40)
@given(rows=st.lists(any_row, max_size=5))
def test_any_values_read_back(tmp_path_factory, rows):
    """Whatever DynamoDB can hold survives both formats."""
    folder = tmp_path_factory.mktemp("t")
    frame = frame_of(rows)
    for suffix in (".csv", ".parquet"):
        assert_same(histlib.read(histlib.write(frame, folder / f"t{suffix}")), frame)


@settings(max_examples=40)
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


@given(any_text)
def test_no_text_cell_is_a_formula(text):
    """No cell begins with what a spreadsheet acts on, nor does any part of it under another separator."""
    cell = text_cell(text)
    assert read_text_cell(cell) == text
    assert not cell or cell[0] not in "=+-@\t\r＝＋－＠'"
    assert not set(cell) & set(";\t\r\n")


@given(values)
def test_no_value_cell_is_a_formula(value):
    """Values are JSON: only a number may begin with a minus, and there is no bare separator or long number."""
    text = encode_value(value)
    cell = value_cell(text)
    assert read_value_cell(cell, False) == text
    assert not set(cell) & set(";\t\r\n")
    assert cell[0] in '"{[tfn0123456789-'
    if cell[0] == "-":
        float(cell)
        assert sum(char.isdigit() for char in cell) <= 15


def test_the_csv_is_for_people_too(tmp_path):
    """UTF-8 with BOM, local time with its offset beside it, one cell a value, and the table's words at the end."""
    path = histlib.write(frame_of([("alice", "price", 26, 0)], "Europe/Berlin"), tmp_path / "t.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    header, row = list(csv.reader(path.open(encoding="utf-8-sig", newline="")))
    cells = dict(zip(header, row, strict=True))
    assert header[:5] == ["keys", "keys.id", "keys.n", "time", "offset"]
    assert header[5:] == ["action", "actor", "event_id", "path", "before", "after", "caveats", "histlib"]
    assert (cells["time"], cells["offset"]) == ("2026-10-25 02:30:00", "UTC+02:00")
    assert (cells["keys.id"], cells["before"], cells["after"], cells["actor"]) == ('"=k0"', "26", "0", "alice")
    assert '"gap"' in cells["histlib"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_csv_saved_by_a_spreadsheet_reads_back(tmp_path, separator):
    """Another separator, other line ends and no BOM do no harm."""
    frame = frame_of(ODD_ROWS)
    path = histlib.write(frame, tmp_path / "t.csv")
    rows = list(csv.reader(path.open(encoding="utf-8-sig", newline="")))
    with (tmp_path / "saved.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
    assert_same(histlib.read(tmp_path / "saved.csv"), frame)


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
    monkeypatch.setattr("histlib.writers.csv.json_cell", lambda value: 1 / 0)
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
