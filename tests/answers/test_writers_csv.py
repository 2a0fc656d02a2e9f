"""No cell of a CSV can do more than be read, and a CSV that was changed is not read."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import histlib
from histlib.answers.writers.cells import read_text_cell, read_value_cell, text_cell, value_cell
from histlib.errors import RequestError
from histlib.values.image_json import encode_value
from tests.support.effort import examples
from tests.support.tables import ODD_ROWS, assert_same, frame_of
from tests.support.values import texts as any_text
from tests.support.values import values


@given(any_text)
def test_no_text_cell_is_a_formula(text):
    """No cell begins with what a spreadsheet acts on, nor does any part of it under another separator."""
    cell = text_cell(text)
    assert read_text_cell(cell) == text
    assert not cell.lstrip() or cell.lstrip()[0] not in "=+-@＝＋－＠'"
    assert not set(cell) & set(";|\t\r\n")


@given(values)
def test_no_value_cell_is_a_formula(value):
    """Values are JSON: only a number may begin with a minus, and there is no bare separator or long number."""
    text = encode_value(value)
    cell = value_cell(text)
    assert read_value_cell(cell, False) == text
    assert not set(cell) & set(";|\t\r\n")
    assert cell[0] in '"{[tfn0123456789-'
    if cell[0] == "-":
        float(cell)
        assert sum(char.isdigit() for char in cell) <= 15


@pytest.mark.parametrize(
    "text",
    [
        "0012",
        "1e5",
        "12345678901234567",
        "1-2",
        "2026-11-08",
        "10:30 PM",
        "TRUE",
        "mar1",
        "1 Dec",
        "50 %",
        " =1",
        " =SUM(A1)",
        "",
    ],
)
def test_no_text_is_taken_for_a_number_a_date_or_a_boolean(text):
    """What a spreadsheet would turn into something else, and save as that, stands as JSON text."""
    assert text_cell(text) == f'"{text}"'
    assert read_text_cell(text_cell(text)) == text


@pytest.mark.parametrize("text", ["price", "p0421", "address.zip", "alice@example.com", "decimal2", "お米", "a-b"])
def test_plain_texts_stay_plain(text):
    """What is text to any spreadsheet is not quoted."""
    assert text_cell(text) == text


def test_numbers_that_a_spreadsheet_keeps_stay_bare():
    """15 digits are bare; one more is in an object, in sets too; digits in texts are left alone."""
    assert value_cell("-1234567890.12345") == "-1234567890.12345"
    assert value_cell("1234567890.123456") == '{"$N":"1234567890.123456"}'
    assert value_cell('{"$NS":[1,1234567890123456]}') == '{"$NS":[1,{"$N":"1234567890123456"}]}'
    assert value_cell('"1234567890123456"') == '"1234567890123456"'


def test_rows_that_are_missing_or_too_long_are_told_by_number(tmp_path):
    """The error says how many rows there are, or which line has too much."""
    path = histlib.write(frame_of(ODD_ROWS), tmp_path / "t.csv")
    content = path.read_bytes()
    for changed, says in (
        (content[: content.rindex(b"\n", 0, -1) + 1], "it has 9 rows of 10"),
        (content[:-2] + b",more\r\n", "line 11 has 14 cells of 13"),
    ):
        path.write_bytes(changed)
        with pytest.raises(RequestError, match=says):
            histlib.read(path)


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


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_csv_saved_by_a_spreadsheet_reads_back(tmp_path, separator):
    """Another separator, other line ends and no BOM do no harm."""
    frame = frame_of([*ODD_ROWS, ("bob", "p", True, False)])
    path = histlib.write(frame, tmp_path / "t.csv")
    rows = list(csv.reader(path.open(encoding="utf-8-sig", newline="")))
    rows = [[cell.upper() if cell in ("true", "false") else cell for cell in row] for row in rows]
    rows[2:] = [row[:-1] for row in rows[2:]]  # empty cells at a row's end are left out, at times
    with (tmp_path / "saved.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(rows)
    assert_same(histlib.read(tmp_path / "saved.csv"), frame)


def rewritten(path, change):
    """The CSV with its text changed."""
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: text.rindex("\n", 0, -1) + 1],
        lambda text: text[:-60],
        lambda text: text.replace("1762568904123", "1.76257E+12"),
        lambda text: text.replace("0.123456789012345", "0.123456789"),
        lambda text: text.replace("2026-10-25 02:30:00.000007", "2026-10-25 02:30"),
        lambda text: text.replace("UTC+01:00", "UTC+02:00"),
        lambda text: text.replace(",alice,", ",,"),
        lambda text: text.replace(",gap redacted,", ",,"),
        lambda text: "\n".join([*text.splitlines()[:2], *reversed(text.splitlines()[2:])]),
        lambda text: text + text.splitlines()[-1] + "\n",
        lambda text: text.replace(",alice,", ",alice,more,"),
        lambda text: text.replace("12345678901234567890", "12345678901234567000"),
        lambda text: text.replace('""rows"": 4', '""rows"": 0'),
    ],
)
def test_a_csv_that_is_no_longer_what_was_written_is_refused(tmp_path, change):
    """Rows lost, doubled or moved, digits rounded, seconds cut, cells emptied: never a wrong table, always an error."""
    numbers = [1762568904123, Decimal("0.123456789012345"), 12345678901234567890]
    frame = frame_of(
        [("bob", "p", 0, 1), *(("alice", "p", n, number) for n, number in enumerate(numbers))], "Europe/Berlin"
    )
    path = histlib.write(frame, tmp_path / "t.csv")
    assert_same(histlib.read(path), frame)
    with pytest.raises(RequestError, match="not as histlib wrote it"):
        histlib.read(rewritten(path, change))


def test_another_format_or_encoding_is_named(tmp_path):
    """A newer histlib's file asks for that; one that is not UTF-8 says so; rows moved above the first are told."""
    path = histlib.write(frame_of(ODD_ROWS), tmp_path / "t.csv")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'""format"": 1', b'""format"": 2'))
    with pytest.raises(RequestError, match="update histlib"):
        histlib.read(path)
    path.write_bytes(content.replace("é".encode(), b"\xe9"))
    with pytest.raises(RequestError, match="UTF-8"):
        histlib.read(path)
    lines = content.splitlines()
    path.write_bytes(b"\r\n".join([lines[0], *reversed(lines[1:])]))
    with pytest.raises(RequestError, match="rows were moved"):
        histlib.read(path)


@settings(max_examples=examples(60))
@given(data=st.data())
def test_any_cell_that_is_changed_is_noticed(tmp_path_factory, data):
    """Whatever a person or a spreadsheet puts into a cell, the table reads as it was, or not at all."""
    folder = tmp_path_factory.mktemp("t")
    frame = frame_of([*ODD_ROWS, ("alice", "p", 0, True)], "Europe/Berlin")
    path = histlib.write(frame, folder / "t.csv")
    rows = list(csv.reader(path.open(encoding="utf-8-sig", newline="")))
    row, column = data.draw(st.integers(1, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 2))
    others = [cell for line in rows for cell in line]
    rows[row][column] = data.draw(st.one_of(st.sampled_from(others), any_text, st.sampled_from(["1E+5", "TRUE", "0"])))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    try:
        read = histlib.read(path)
    except RequestError:
        return
    assert_same(read, frame)
