"""Tables as people read them: narrow enough for a terminal, and nothing left out without saying so."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
import pytest

import histlib
from histlib import markup
from histlib.answers.display import shown
from tests.support.history.landings import put, record

ROWS = 60
WIDTHS = [40, 80, 100, 120, 160, 250, None]
NIGHT = ("2026-11-08T02:00", "2026-11-08T03:00")

#: Columns that say the same as another one, where they are equal to it.
SAME = {"from_latest": "since", "to_earliest": "until", "since": "time"}

FRAMES = {
    "timeline": lambda h: h.timeline("p0363"),
    "blame": lambda h: h.blame("p0363", "2026-11-08T10:00"),
    "affected": lambda h: h.affected("item.price = 0", *NIGHT, columns=["name"]),
    "hit": lambda h: h.affected("item.price = 0", *NIGHT),
    "snapshot": lambda h: h.snapshot_at("2026-11-08T02:30", columns=["price", "name"]),
    "keys": lambda h: h.snapshot_at("2026-11-08T08:00", keys=["p0363", "p0417", "nothing"]),
    "one": lambda h: h.snapshot_at("2026-11-08T08:00", keys=["p0363"]),
    "diff": lambda h: h.diff("2026-11-08T02:27", "2026-11-08T02:30"),
    "changes": lambda h: h.changes("2026-11-08T02:00", "2026-11-08T10:00", where="new_image.price <> 0"),
    "activity": lambda h: h.activity(*NIGHT, by="10min"),
    "sql": lambda h: h.sql("SELECT * FROM h WHERE keys.productid = 'p0363' AND dateday > '2026/11/06'"),
}

history = cache(lambda: histlib.connect("sample:"))


@cache
def frame_of(name: str) -> pd.DataFrame:
    return FRAMES[name](history())


def told_apart(frame: pd.DataFrame, notes: list[str]) -> set[str]:
    """The columns that the notes below a table name."""
    names: set[str] = set()
    for note in notes:
        kind, _, rest = note.partition(": ")
        if kind == "in all rows":
            names |= {part.split(" ")[0] for part in rest.split(" · ")}
        else:
            assert re.fullmatch(r"not shown in \d+ columns", kind)
            names |= set(rest.partition(";")[0].split(", "))
    assert names <= set(frame.columns)
    return names


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FRAMES)
def test_nothing_is_left_out_without_saying_so(name, width):
    """Each column is shown, or named below the rows, or is a twin, or the same as one that is told, or the key that
    the heading names, or caveats where no row has any. Caveats and keys are always shown."""
    frame = frame_of(name)
    table = shown(frame, ROWS, width)
    there = {re.sub(r" [+-]\d\d:\d\d$", "", column) for column in table.names}
    silent = set(frame.columns) - there - told_apart(frame, table.notes)
    heading = frame.attrs["histlib"]["heading"]
    for column in silent:
        assert (
            column.endswith("_json")
            or (column == "keys" and {f"keys.{name}" for name in history().key_schema.names} & (there | silent))
            or (column.startswith("keys.") and set(frame["keys"]) == {key for key in frame["keys"] if key in heading})
            or (column == "caveats" and set(frame["caveats"]) == {""})
            or frame[column].equals(frame[SAME[column]].rename(column))
        ), column
    if name != "sql" and frame["caveats"].any() if "caveats" in frame else False:
        assert table.columns["caveats"] == list(frame["caveats"].head(ROWS))


@pytest.mark.parametrize("name", FRAMES)
def test_a_terminal_is_wide_enough(name):
    """At 100 columns no line of a table is wider, whatever the question."""
    table = shown(frame_of(name), ROWS, 100)
    assert max(map(markup.width, markup.text_table(table.names, table.rows))) <= 100


@pytest.mark.parametrize("name", FRAMES)
def test_a_pipe_has_no_width(name):
    """Where nothing is narrow, only what says nothing is left out."""
    assert not any(note.startswith("not shown") for note in shown(frame_of(name), ROWS).notes)


def test_what_is_said_once_holds_of_all_rows():
    """Of the rows that are not shown, too: one item of a thousand that is not so, and each row says it."""
    frame = frame_of("snapshot")
    assert len(frame) > ROWS
    assert shown(frame, ROWS).notes[0].startswith("in all rows: status present")
    other = frame.copy()
    other.loc[other.index[-1], "status"] = "unknown"
    assert "status" in shown(other, ROWS).names
    other.loc[other.index[-1], "caveats"] = "gap"
    assert "caveats" in shown(other, ROWS).names
    assert not any("caveats" in note for note in shown(other, ROWS).notes)


@pytest.mark.parametrize("width", WIDTHS)
def test_caveats_are_never_cut(width):
    """However many a row has, and however narrow the terminal is."""
    frame = frame_of("diff").head(2).copy()
    many = "same_second gap chain_unproven redacted conflict not_settled outside_coverage unreadable_files"
    frame.loc[frame.index[-1], "caveats"] = many
    assert shown(frame, ROWS, width).columns["caveats"][-1] == many


def test_a_column_of_sql_that_is_not_shown_is_named():
    """Whatever its name is the beginning of."""
    frame = history().sql('SELECT file AS "a b", new_image AS c, old_image AS a FROM h LIMIT 1')
    table = shown(frame, ROWS, 40)
    assert (table.names, table.notes[0].partition(";")[0]) == (["a b", "c"], "not shown in 40 columns: a")


def test_one_item_of_a_snapshot_says_which():
    """The key is left out only where the heading names it."""
    assert "keys.productId" in shown(frame_of("one"), ROWS).names
    assert "keys.productId" not in shown(frame_of("timeline"), ROWS).names


def test_times_with_two_offsets_keep_them(tmp_path):
    """An offset goes into the heading only where all rows share it: not in the night when clocks change."""
    hour = 1_793_145_600  # 2026-10-28T00:00Z
    put(tmp_path, [record(n, seconds=hour - 3 * 86_400 + 3_600 * n) for n in range(4)])
    frame = histlib.connect(tmp_path, tz="Europe/Berlin").timeline("a")
    offsets = {f"{time:%z}" for time in frame["time"]}
    assert offsets == {"+0200", "+0100"}
    table = shown(frame, ROWS, 60)
    assert table.columns["time"] == [str(time) for time in frame["time"]]
    assert "time +02:00" in shown(frame.head(1), ROWS, 60).names


def test_the_width_is_the_terminals(monkeypatch):
    """COLUMNS, or the terminal that standard output is; a page shows all."""
    frame = frame_of("affected")
    monkeypatch.setenv("COLUMNS", "100")
    assert "not shown in 100 columns" in repr(frame)
    assert "not shown" not in frame._repr_html_()
    monkeypatch.setenv("COLUMNS", "1000")
    assert "not shown" not in repr(frame)


def test_tables_made_of_answers_show_as_pandas_shows_them():
    """A pivot has its labels in the index, which a table of answers has not."""
    activity = frame_of("activity")
    pivot = activity.pivot_table(index="period", columns="action", values="changes", aggfunc="sum")
    assert repr(pivot) == repr(pd.DataFrame(pivot))
    assert "2026-11-08 02:20:00+00:00" in pivot._repr_html_()
    assert repr(activity[activity["changes"] > 100]).startswith("activity by 10min")


@pytest.mark.parametrize(("text", "limit", "cut"), [
    ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("e\u0301a", 2, "e\u0301a"),
    ("お茶碗だ", 8, "お茶碗だ"), ("お茶碗だ", 7, "お茶碗…"), ("お茶碗だ", 6, "お茶…"),
])  # fmt: skip
def test_wide_characters_count_for_two(text, limit, cut):
    """What is cut fits, with its …, in the columns it is given; marks on other characters take none."""
    assert markup.shortened(text, limit) == cut
    assert markup.width(cut) <= limit
