"""A workbook shows people what is there, and says what it left out."""

from __future__ import annotations

import sys
from datetime import datetime

import numpy as np
import openpyxl
import pytest

import histlib
from histlib.answers.frames import ResultFrame
from histlib.errors import RequestError
from tests.support.tables import ODD_ROWS, frame_of


def test_the_workbook_is_for_people(tmp_path):
    """Texts are texts whatever they look like, times are dates with their offset, and the caveats have a sheet."""
    frame = frame_of([*ODD_ROWS, ("_x0041_ \x01", "g", "#N/A", 2**60)], "Europe/Berlin")
    book = openpyxl.load_workbook(histlib.write(frame, tmp_path / "t.xlsx"))
    rows = list(book["table"].iter_rows())
    names = [cell.value for cell in rows[0]]
    assert names == ["keys", "keys.id", "keys.n", "time", "offset", "action", "actor", "event_id", "path", "before",
                     "after", "caveats"]  # fmt: skip
    kinds = {cell.data_type for row in rows for cell in row if cell.value is not None}
    assert kinds == {"s", "d"}
    assert [row[names.index("actor")].value for row in rows[1:3]] == [None, "=1+1"]
    first = {name: cell.value for name, cell in zip(names, rows[1], strict=True)}
    assert first["time"] == datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001
    assert (first["offset"], first["before"]) == ("UTC+02:00", '{"$N":"1","a":1}')
    assert rows[-1][names.index("actor")].value == "_x005F_x0041_ \\u0001", "Excel reads _x005F_ as an underscore"
    notes = {row[0].value: row[1].value for row in book["histlib"].iter_rows()}
    assert (notes["rows left out"], notes["cells cut short"], notes["table"]) == (0, 0, "t; =1")
    assert notes["caveat gap"].startswith("é; ")


def test_what_a_workbook_cannot_hold_is_counted(tmp_path, monkeypatch):
    """Rows and characters beyond a sheet's limits are left out, and it says how many."""
    monkeypatch.setattr("histlib.answers.writers.xlsx.MAX_ROWS", 3)
    rows = [("a", "p", "x" * 40_000, "🫖" * 20_000), ("b", "p", "y" * 32_765, 1), ("c", "p", 1, 2)]
    book = openpyxl.load_workbook(histlib.write(frame_of(rows), tmp_path / "t.xlsx"))
    table = list(book["table"].values)
    assert [len(row) for row in (table, table[0])] == [3, 12]
    before, after = table[0].index("before"), table[0].index("after")
    assert table[1][before] == '"' + "x" * 32_765 + "…"
    assert len(table[1][after].encode("utf-16-le")) <= 2 * 32_767
    assert table[2][before] == '"' + "y" * 32_765 + '"'
    notes = dict(row[:2] for row in book["histlib"].values)
    assert (notes["rows left out"], notes["cells cut short"]) == (1, 2)


def test_numbers_in_a_workbook_are_numbers_while_it_keeps_their_digits(tmp_path):
    """Counts are numbers; whole numbers beyond 15 digits are texts."""
    frame = ResultFrame({"changes": np.array([3, -(10**15), 2**60])})
    book = openpyxl.load_workbook(histlib.write(frame, tmp_path / "t.xlsx"))
    assert [row[0] for row in book["table"].values] == ["changes", 3, -(10**15), str(2**60)]


def test_a_missing_openpyxl_is_told(tmp_path, monkeypatch):
    """The error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(RequestError, match=r"histlib\[excel\]"):
        histlib.write(frame_of([]), tmp_path / "t.xlsx")
