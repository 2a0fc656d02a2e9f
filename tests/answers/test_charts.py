"""Charts: what is drawn is what the table says; what is left out is said; all of it is plain JSON."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

import histlib
from histlib.answers import charts
from histlib.answers.charts.drawing import MOST_MARKS
from histlib.answers.frames import affected_frame
from histlib.values.times import MINUTE, SECOND, zone
from tests.support.history.landings import NOON, put, record

WHERE = "item.category = 'kitchen' AND item.price = 0"
WINDOW = ("2026-11-07", "2026-11-09")
ATTRS = {
    "heading": "3 items where item.x = 0, 3 periods in t",
    "start": "2026-01-01 12:00:00+00:00",
    "end": "2026-01-01 13:00:00+00:00",
    "captured_through": "2026-01-01 15:00:00+00:00",
    "caveats": [],
}


@cache
def sample(tz: str = "UTC") -> histlib.History:
    return histlib.connect("sample:", tz=tz)


@cache
def sample_affected() -> pd.DataFrame:
    return sample().affected(WHERE, *WINDOW, columns="price")


def spec(chart: Any) -> dict[str, Any]:
    """What Vega-Lite gets; checked to be strict JSON, and small."""
    found = chart.to_dict()
    json.dumps(found, allow_nan=False)
    assert all(len(rows) <= MOST_MARKS + 500 for rows in found["datasets"].values())
    return found


def data(chart: Any, column: str) -> list[dict[str, Any]]:
    """The rows of the largest data set that has a column."""
    sets = [rows for rows in spec(chart)["datasets"].values() if rows and column in rows[0]]
    return max(sets, key=len, default=[])


def below(chart: Any) -> str:
    """The lines below the title."""
    return "\n".join(spec(chart)["title"].get("subtitle", []))


def domain(chart: Any) -> list[str]:
    """Where the axis of time begins and ends."""
    found = spec(chart)
    axis = found.get("layer", [found])[0]["encoding"]["x"]
    assert axis["scale"]["type"] == "utc"
    return [pd.Timestamp(edge, unit="ms").isoformat() for edge in axis["scale"]["domain"]]


def hit(item: Any, since: int | None, until: int | None, **more: Any) -> dict[str, Any]:
    """A row of ``affected``, times in minutes after noon; bounds are exact unless given."""
    row = {"keys": f'{{"id":{json.dumps(item)}}}', "since": since, "until": until, "from_latest": since or 0,
           "to_earliest": until, "set_by": "job", "set_event": "e1", "ended_by": None if until is None else "ann",
           "ended_action": None if until is None else "MODIFY", "ended_event": None, "still": until is None,
           "image": '{"id":"a"}', "caveats": ""}  # fmt: skip
    return {**row, **more}


def frame_of(*rows: dict[str, Any], attrs: dict[str, Any] | None = None, tz: str = "UTC") -> pd.DataFrame:
    """A table as ``affected`` makes it."""
    columns = {name: [row[name] for row in rows] for name in hit("a", 0, 0)}
    for name in ("since", "until", "from_latest", "to_earliest"):
        columns[name] = [None if at is None else NOON * SECOND + at * MINUTE for at in columns[name]]
    return affected_frame(columns, ["id"], [], zone(tz), ATTRS if attrs is None else attrs)


# --- affected ---


def test_bars_of_the_sample():
    """The items that were wrong longest, coloured by how it ended; how many there are is said."""
    chart = charts.affected_chart(sample_affected())
    rows = data(chart, "set by")
    assert len({row["item"] for row in rows}) == 50
    assert sum(row["how it ended"] == "still so" for row in rows) == 28
    assert {row["set by"] for row in rows} == {"price-service@2.14.0"}
    assert "drawn: the 50 of 127 items that were so longest" in below(chart)
    assert "127 items where item.category = 'kitchen'" in below(chart)
    assert "caveats: same_second, gap, unknown_keys" in below(chart)
    assert "pale:" in below(chart)
    gap = next(row for row in rows if row["item"] == "p0363")
    assert (gap["surely"], gap["how it ended"]) == ("", "ended by a missing change")


def test_each_way_to_end_has_its_word():
    """Still so, deleted, changed, by whom, by nobody known, by a change that is missing: all different."""
    frame = frame_of(
        hit("a", 0, None),
        hit("b", 0, 1),
        hit("c", 0, 1, ended_by=None),
        hit("d", 0, 1, ended_by="ttl", ended_action="REMOVE"),
        hit("e", 0, 1, ended_by=None, ended_action="REMOVE"),
        hit("f", 0, 1, ended_by=None, ended_action=None),
    )
    words = ["still so", "ended by ann", "ended, not known by whom", "deleted by ttl", "deleted"]
    assert list(charts.how_it_ended(frame)) == [*words, "ended by a missing change"]
    colours = spec(charts.affected_chart(frame))["layer"][0]["encoding"]["color"]["scale"]
    assert set(colours["domain"]) == {*words, "ended by a missing change"}
    assert len(set(colours["range"])) == 6


def test_open_bars_reach_the_edge_of_the_window():
    """Where it began before the history tells, or has not ended, or ended later: to the edge, and it is said."""
    chart = charts.affected_chart(frame_of(hit("a", None, 10), hit("b", 20, None), hit("c", 30, 90)))
    rows = {row["item"]: row for row in data(chart, "set by")}
    edges = ["2026-01-01T12:00:00", "2026-01-01T13:00:00"]
    assert domain(chart) == edges
    assert rows["a"]["begin"].startswith(edges[0])
    assert rows["b"]["end"].startswith(edges[1])
    assert rows["c"]["end"].startswith(edges[1])
    assert (rows["b"]["until"], rows["c"]["until"]) == ("", "2026-01-01 13:30:00+00:00")
    assert "bars that reach the edge, left: it was so before; right: it did not end before" in below(chart)


def test_nothing_is_drawn_past_what_is_captured():
    """A window that goes on after the last that is captured ends there."""
    attrs = {**ATTRS, "captured_through": "2026-01-01 12:30:00+00:00"}
    chart = charts.affected_chart(frame_of(hit("a", 0, None), attrs=attrs))
    assert domain(chart)[1] == "2026-01-01T12:30:00"


def test_without_window_the_bars_tell_where_to_draw():
    """A table that has lost its attrs, and one asked for without start and end, are drawn all the same."""
    for frame in (frame_of(hit("a", 0, 10), hit("b", 5, None), attrs={}), frame_of(hit("a", None, None), attrs={})):
        assert data(charts.affected_chart(frame), "item")
        assert spec(charts.affected_count_chart(frame))


def test_where_bounds_are_wide_the_bar_is_pale():
    """Surely so from the latest beginning to the earliest end; nowhere surely where these cross."""
    chart = charts.affected_chart(
        frame_of(hit("a", 0, 40, from_latest=10, to_earliest=30), hit("b", 0, 40, from_latest=30, to_earliest=10))
    )
    sure = [rows for rows in spec(chart)["datasets"].values() if len(rows) == 1]
    assert [(row["item"], row["surely"][11:16], row["surely_end"][11:16]) for row in sure[0]] == [
        ("a", "12:10", "12:30")
    ]
    assert "pale:" in below(chart)
    assert "pale:" not in below(charts.affected_chart(frame_of(hit("a", 0, 40))))


def test_many_items_are_limited_and_said():
    """5,000 items, and one with 5,000 periods: a readable number of bars; the curve counts them all."""
    many = frame_of(*(hit(f"i{number}", number % 50, None if number % 9 else 59) for number in range(5_000)))
    chart = charts.affected_chart(many, limit=30)
    assert len(data(chart, "set by")) == 30
    assert "the 30 of 5,000 items" in below(chart)
    assert "most at once: 5,000" in below(charts.affected_count_chart(many))
    one = frame_of(*(hit("a", 2 * number, 2 * number + 1) for number in range(5_000)), attrs={})
    assert len(data(charts.affected_chart(one), "set by")) == MOST_MARKS
    assert "2,000 longest of their 5,000 periods" in below(charts.affected_chart(one))
    assert "most at once: 1" in below(charts.affected_count_chart(one))


def test_keys_of_any_kind_are_names_of_lanes():
    """Numbers, line breaks and long texts."""
    frame = frame_of(hit("a\nb", 0, 1), hit(12.5, 0, 1), hit("x" * 500, 0, 1))
    assert {row["item"][:5] for row in data(charts.affected_chart(frame), "item")} == {"a\\nb", "12.5", "xxxxx"}


def test_a_composite_key_is_one_lane():
    """Each item of a table with two key attributes has its own lane."""
    history = histlib.connect("sample:orders")
    frame = history.affected("item.customerId = 'c-0106' AND item.address.zip IS MISSING", "2026-11-05", "2026-11-08")
    assert len({row["item"] for row in data(charts.affected_chart(frame), "item")}) == 6
    assert '"c-0106", 900163' in {row["item"] for row in data(charts.affected_chart(frame), "item")}


def counts(chart: Any) -> list[tuple[str, int, int]]:
    return [(row["at"][11:16], row["at_least"], row["at_most"]) for row in data(chart, "at_least")]


def test_the_curve_counts_items_at_each_time():
    """Each beginning counts up, each end down; what goes on does not fall at the edge; an item counts once."""
    frame = frame_of(hit("a", 0, 10), hit("b", 5, None), hit("c", 20, 90), hit("a", 30, 40))
    steps = [("12:00", 1, 1), ("12:05", 2, 2), ("12:10", 1, 1), ("12:20", 2, 2), ("12:30", 3, 3), ("12:40", 2, 2)]
    found = counts(charts.affected_count_chart(frame))
    assert found[-1] == ("13:00", 2, 2)
    assert [step for step in found if step[1]][:-1] == steps
    assert found[0][1:] == (0, 0)


def test_the_curve_tells_at_least_and_at_most():
    """Where bounds are wide, it is between two numbers; periods of one item that may overlap count once."""
    frame = frame_of(
        hit("a", 0, 40, from_latest=10, to_earliest=20), hit("a", 30, 50, from_latest=45), hit("b", None, 50)
    )
    chart = charts.affected_count_chart(frame)
    assert [step for step in counts(chart) if step[2]] == [
        ("12:00", 1, 2), ("12:10", 2, 2), ("12:20", 1, 2), ("12:45", 2, 2)]  # fmt: skip
    assert "pale: up to how many" in below(chart)


def test_the_curve_of_the_sample_agrees_with_snapshots():
    """At any time as many as a snapshot with the same condition has."""
    steps = data(charts.affected_count_chart(sample_affected()), "at_least")
    for time in ("2026-11-08T02:27:00", "2026-11-08T02:30:00", "2026-11-08T05:00:00", "2026-11-09T12:00:00"):
        last = [step for step in steps if step["at"][:19] <= time][-1]
        present = len(sample().snapshot_at(time, where=WHERE))
        assert last["at_least"] <= present <= last["at_most"]


# --- activity ---


def test_activity_adds_up():
    """Every change of the table is in a bar; bars do not overlap; silence before and after is on the axis."""
    frame = sample().activity("2026-11-08T01:30", "2026-11-08T03:30")
    for by in ("path", "action"):
        chart = charts.activity_chart(frame, by=by)
        rows = pd.DataFrame(data(chart, "kind"))
        assert rows["changes"].sum() == frame["changes"].sum()
        for _, bar in rows.groupby("begin"):
            assert list(bar["low"])[1:] == list(bar["high"])[:-1]
            assert bar["low"].min() == 0
        assert domain(chart) == ["2026-11-08T01:30:00", "2026-11-08T03:30:00"]
        assert "a bar is 1 minute" in below(chart)


def test_many_periods_are_drawn_together():
    """Three days by minute are a few hundred bars that still add up; many attributes become one."""
    frame = sample().activity(*WINDOW)
    chart = charts.activity_chart(frame)
    rows = pd.DataFrame(data(chart, "kind"))
    assert rows["begin"].nunique() <= 240
    assert rows["changes"].sum() == frame["changes"].sum()
    assert "a bar is 30 minutes, the periods of 1 minute taken together" in below(chart)
    assert "(all other attributes)" in set(rows["kind"])
    assert set(rows["kind"]) == set(spec(chart)["encoding"]["color"]["scale"]["domain"])


@pytest.mark.parametrize(
    ("by", "said"), [("7min", "7 minutes"), ("1s", "10 minutes"), ("1h", "1 hour"), ("90s", "15 minutes")]
)
def test_periods_of_any_length(by, said):
    """Bars are whole periods, and not too many; each change is in the bar of its time."""
    frame = sample().activity("2026-11-08", "2026-11-08", by=by)
    chart = charts.activity_chart(frame)
    rows = pd.DataFrame(data(chart, "kind"))
    assert rows["changes"].sum() == frame["changes"].sum()
    assert rows["begin"].nunique() <= 240
    assert f"a bar is {said}" in below(chart)
    bars = rows.groupby("begin").agg(end=("end", "first"), changes=("changes", "sum"))
    for begin, (end, changes) in zip(pd.to_datetime(bars.index), bars.to_numpy(), strict=True):
        inside = (frame["period"] >= begin) & (frame["period"] < pd.Timestamp(end))
        assert frame["changes"][inside].sum() == changes


def hourly(tmp_path: Any, first: str, hours: float, tz: str) -> histlib.History:
    """A change each half hour from a time on."""
    begin = int(pd.Timestamp(first).timestamp()) - NOON
    put(tmp_path, [record(begin + at, f"i{at}") for at in range(0, int(hours * 3_600), 1_800)])
    return histlib.connect(tmp_path, tz=tz)


def bars_of(chart: Any) -> list[tuple[str, str, str, int]]:
    """Begin and end on the axis, begin as it is told, changes."""
    rows = data(chart, "kind")
    return [(row["begin"][:16], row["end"][:16], row["time"], row["changes"]) for row in rows]


@pytest.mark.parametrize(
    ("tz", "first", "by", "expected"),
    [
        ("Europe/Berlin", "2025-03-28T23:00Z", "1d", [
            ("2025-03-29T00:00", "2025-03-30T00:00", "2025-03-29 00:00:00+01:00", 48),
            ("2025-03-30T00:00", "2025-03-31T00:00", "2025-03-30 00:00:00+01:00", 46),
            ("2025-03-31T00:00", "2025-04-01T00:00", "2025-03-31 00:00:00+02:00", 2),
        ]),
        ("America/Santiago", "2025-09-07T04:00Z", "1d", [
            ("2025-09-07T00:00", "2025-09-08T00:00", "2025-09-07 01:00:00-03:00", 46),
            ("2025-09-08T00:00", "2025-09-09T00:00", "2025-09-08 00:00:00-03:00", 48),
            ("2025-09-09T00:00", "2025-09-10T00:00", "2025-09-09 00:00:00-03:00", 2),
        ]),
        ("Pacific/Apia", "2011-12-30T10:00Z", "2d", [
            ("2011-12-31T00:00", "2012-01-02T00:00", "2011-12-31 00:00:00+14:00", 96),
        ]),
        ("Europe/Berlin", "2025-03-28T23:00Z", "24h", [
            ("2025-03-29T00:00", "2025-03-30T00:00", "2025-03-29 00:00:00+01:00", 48),
            ("2025-03-30T00:00", "2025-03-31T00:00", "2025-03-30 00:00:00+01:00", 46),
            ("2025-03-31T00:00", "2025-04-01T00:00", "2025-03-31 00:00:00+02:00", 2),
        ]),
    ],
)  # fmt: skip
def test_days_are_drawn_from_midnight_to_midnight(tmp_path, tz, first, by, expected):
    """However long a day was, and where midnight was left out: each bar is its own day, told with its offset."""
    history = hourly(tmp_path, first, 48, tz)
    begin = str(pd.Timestamp(first).tz_convert(tz).date())
    chart = charts.activity_chart(history.activity(begin, "2025-12-01", by=by), by="action")
    assert bars_of(chart) == expected
    assert ("not every day has 24 hours" in below(chart)) is (tz == "Europe/Berlin")


@pytest.mark.parametrize(
    ("tz", "first", "by", "expected"),
    [
        ("Europe/Berlin", "2025-10-25T22:00Z", "2h", [
            ("2025-10-26T00:00", "2025-10-26T02:00", "2025-10-26 00:00:00+02:00", 4),
            ("2025-10-26T02:00", "2025-10-26T03:00", "2025-10-26 02:00:00+02:00", 4),
            ("2025-10-26T03:00", "2025-10-26T05:00", "2025-10-26 03:00:00+01:00", 4),
        ]),
        ("Europe/Berlin", "2025-10-26T00:00Z", "1h", [
            ("2025-10-26T02:00", "2025-10-26T03:00", "2025-10-26 02:00:00+02:00", 4),
            ("2025-10-26T03:00", "2025-10-26T04:00", "2025-10-26 03:00:00+01:00", 2),
        ]),
        ("Europe/Berlin", "2025-03-30T00:00Z", "2h", [
            ("2025-03-30T01:00", "2025-03-30T03:00", "2025-03-30 01:00:00+01:00", 4),
            ("2025-03-30T04:00", "2025-03-30T06:00", "2025-03-30 04:00:00+02:00", 4),
        ]),
        ("Australia/Lord_Howe", "2025-04-05T14:00Z", "1h", [
            ("2025-04-06T01:00", "2025-04-06T01:30", "2025-04-06 01:00:00+11:00", 2),
            ("2025-04-06T01:30", "2025-04-06T02:30", "2025-04-06 01:30:00+10:30", 2),
        ]),
        ("Asia/Kolkata", "2025-04-05T14:00Z", "1h", [
            ("2025-04-05T19:30", "2025-04-05T20:30", "2025-04-05 19:30:00+05:30", 2),
            ("2025-04-05T20:30", "2025-04-05T21:30", "2025-04-05 20:30:00+05:30", 2),
        ]),
    ],
)  # fmt: skip
def test_hours_are_drawn_where_the_clock_shows_them(tmp_path, tz, first, by, expected):
    """Also after the clocks were changed a bar begins when its period does, and none covers another."""
    hours = sum(changes for *_, changes in expected) / 2
    chart = charts.activity_chart(hourly(tmp_path, first, hours, tz).activity("2025-01-01", "2025-12-01", by=by))
    assert bars_of(chart) == expected


def test_bars_of_many_periods_tell_offsets(tmp_path):
    """Minutes drawn together begin at full clock times of the zone, and the tips say at which offset."""
    begin = int(pd.Timestamp("2025-10-25T22:10Z").timestamp()) - NOON
    put(tmp_path, [record(begin + at, f"i{at}") for at in range(0, 12 * 3_600, 60)])
    frame = histlib.connect(tmp_path, tz="Europe/Berlin").activity("2025-10-26", "2025-10-27")
    found = bars_of(charts.activity_chart(frame))
    assert [told for _, _, told, _ in found][:4] == [
        "2025-10-26 00:10:00+02:00", "2025-10-26 00:15:00+02:00", "2025-10-26 00:20:00+02:00",
        "2025-10-26 00:25:00+02:00",
    ]  # fmt: skip
    assert found[-1][2].endswith("+01:00")
    assert all(one[1] <= later[0] for one, later in pairwise(found))
    assert sum(changes for *_, changes in found) == len(frame) == 720


def test_inserts_removes_and_what_was_not_seen_have_words(tmp_path):
    """Changes of the whole item are named by what they did."""
    put(tmp_path, [
        record(0, action="INSERT", old_image=None),
        record(1, old_image=None, new_image=None, view="KEYS_ONLY"),
        record(2, action="REMOVE", new_image=None),
    ])  # fmt: skip
    frame = histlib.connect(tmp_path).activity("2026-01-01", "2026-01-02")
    found = {row["kind"] for row in data(charts.activity_chart(frame), "kind")}
    assert {"(item inserted)", "(item removed)"} <= found


# --- one item ---


@pytest.mark.parametrize("window", [("2026-11-08", "2026-11-09"), ("2026-11-01", "2026-11-01")])
def test_charts_of_any_timeline(window):
    """A timeline with a missing change, and an empty one, draw without error."""
    timeline = sample().timeline("p0363", *window)
    for chart in (charts.timeline_chart(timeline), charts.value_chart(timeline, "price")):
        assert ("missing change" in {row["action"] for row in data(chart, "action")}) == bool(len(timeline))


def changing(tmp_path: Any, values: list[Any]) -> histlib.History:
    """An item whose attribute x takes values, a second each; ``...``: it has none; None: no item."""
    images = [None if value is None else {"id": "a"} if value is ... else {"id": "a", "x": value} for value in values]
    actions = {(True, False): "INSERT", (False, True): "REMOVE", (False, False): "MODIFY"}
    put(tmp_path, [
        record(at, action=actions[before is None, after is None], old_image=before, new_image=after)
        for at, (before, after) in enumerate(zip([None, *images], images, strict=False))
    ])  # fmt: skip
    return histlib.connect(tmp_path)


def test_a_line_ends_where_there_is_no_number(tmp_path):
    """Between a number and the next one a text, nothing or no item is no number: no line goes on there."""
    history = changing(tmp_path, [1, 2, "text", 3, ..., 4, None, 5])
    chart = charts.value_chart(history.timeline("a", paths="x"), "x")
    runs: dict[int, list[tuple[int, float]]] = {}
    for row in data(chart, "run"):
        runs.setdefault(row["run"], []).append((int(row["at"][17:19]), row["value"]))
    assert list(runs.values()) == [[(0, 1), (1, 2), (2, 2)], [(3, 3), (4, 3)], [(5, 4), (6, 4)], [(7, 5)]]
    assert "the line ends where it was no number" in below(chart)


def test_many_values_keep_their_extremes(tmp_path):
    """A line of thousands of changes is drawn through the lowest and highest of each span, and says so."""
    values = [100 + number % 7 for number in range(6_000)]
    values[1234], values[4321] = 9_999, -5
    timeline = changing(tmp_path, values).timeline("a", paths="x")
    chart = charts.value_chart(timeline, "x")
    drawn = [row["value"] for row in data(chart, "run")]
    assert (min(drawn), max(drawn)) == (-5, 9_999)
    assert "of 6,000 changes" in below(chart)
    assert "of 6,000 marks" in below(charts.timeline_chart(timeline))


def test_many_paths_are_limited_and_said(tmp_path):
    """An item with hundreds of attributes: the lanes that changed most, and how many there are."""
    images = [{"id": "a", **{f"n{name:03}": at for name in range(300)}, "often": at} for at in (1, 2, 3)]
    images.append({**images[-1], "often": 4})
    put(tmp_path, [record(at, old_image=images[at - 1], new_image=images[at]) for at in (1, 2, 3)])
    chart = charts.timeline_chart(histlib.connect(tmp_path).timeline("a"))
    lanes = {row["path"] for row in data(chart, "path")}
    assert len(lanes) == 40
    assert "often" in lanes
    assert "the 40 of 301 paths" in below(chart)


# --- all ---


def test_empty_answers_draw_as_nothing():
    """Each chart of an answer without rows says so, and still tells what it speaks of."""
    history = sample()
    affected = history.affected(WHERE, "2026-11-02", "2026-11-02")
    activity = history.activity("2020-01-01", "2020-01-02")
    for chart in (
        charts.affected_chart(affected),
        charts.affected_count_chart(affected),
        charts.activity_chart(activity),
    ):
        assert data(chart, "nothing") == [{"nothing": "(no rows)"}]
    assert "0 items where" in below(charts.affected_chart(affected))
    assert "caveats: outside_coverage" in below(charts.activity_chart(activity))
    assert charts.how_it_ended(affected).empty


def test_times_are_the_historys_whatever_the_browsers():
    """The same marks at the clock of the history's zone, on a scale that knows no other; tips have the offset."""
    timeline = sample("Asia/Tokyo").timeline("p0417", paths="price")
    first = data(charts.timeline_chart(timeline), "action")[0]
    assert first["at"] == "2026-11-05T18:30:12+00:00"
    assert first["time"] == "2026-11-05 18:30:12+09:00"
    assert spec(charts.timeline_chart(timeline))["encoding"]["x"]["title"] == "time (Asia/Tokyo)"
    assert domain(charts.timeline_chart(timeline))[0] < "2026-11-05T18:30:12"


def test_an_hour_that_the_clocks_repeat_is_said(tmp_path):
    """Where the zone's offset changed within what is drawn, a line below the title says so; else not."""
    night = 1_792_890_000 - NOON  # 2026-10-25T01:00Z, when Berlin's clocks go back
    put(tmp_path, [record(night - 1_800, old_image=None, action="INSERT"), record(night + 1_800)])
    for tz, said in (("Europe/Berlin", True), ("UTC", False)):
        timeline = histlib.connect(tmp_path, tz=tz).timeline("a")
        assert ("the clocks were changed" in below(charts.timeline_chart(timeline))) is said


def test_charts_are_pictures_without_the_internet():
    """Each comes as Vega-Lite and as SVG; nothing in it is fetched."""
    pytest.importorskip("vl_convert")
    from histlib.answers.charts.drawing import _offline

    affected = sample_affected()
    timeline = sample().timeline("p0363", paths="price")
    empty = charts.affected_chart(sample().affected(WHERE, "2026-11-02", "2026-11-02"))
    for chart in (charts.affected_chart(affected), charts.affected_count_chart(affected), empty,
                  charts.value_chart(timeline, "price")):  # fmt: skip
        bundle = _offline(spec(chart))
        assert bundle["image/svg+xml"].startswith("<svg")
        assert "href=" not in bundle["image/svg+xml"]
