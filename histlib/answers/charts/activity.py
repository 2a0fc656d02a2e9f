"""How many changes of what kind there were in each period."""

from __future__ import annotations

from typing import Any, Final, Literal, cast

import altair as alt
import numpy as np
import pandas as pd

from histlib.answers.charts.drawing import (
    ACTION_COLOURS,
    OTHERS_COLOUR,
    PALETTE,
    WIDTH,
    Domain,
    about,
    clock,
    clock_note,
    edge,
    nothing,
    short,
    time_axis,
    title,
    told,
)
from histlib.values.times import parse_period

_MOST_BARS: Final = 240
_NOTHING: Final = pd.Timedelta(0)
_DAY: Final = pd.Timedelta(days=1)
_EPOCH: Final = pd.Timestamp(0, tz="UTC")
_MOST_KINDS: Final = len(PALETTE)
_WHOLE: Final = {"INSERT": "(item inserted)", "REMOVE": "(item removed)", "MODIFY": "(not seen)"}
_REST: Final = "(all other attributes)"
_WIDTHS: Final = "1s 5s 10s 30s 1min 2min 5min 10min 15min 30min 1h 2h 3h 6h 12h 1D 2D 7D 14D 28D 91D 365D"


def activity_chart(activity: pd.DataFrame, by: Literal["path", "action"] = "path") -> alt.Chart:
    """The changes of each period, stacked by the attribute that changed, or by action.

    A change of three attributes counts three times, as in the table. Many periods are drawn together, the attributes
    that changed least as one.
    """
    kinds = _kinds(activity, by)
    colours = _colours(kinds, by)
    width, together = _bar_width(activity)
    rows = _stacked(activity, kinds, width, list(colours))
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    bars = f"a bar is {_said(width)}" + (
        f", the periods of {_said(_unit(activity))} taken together" if together else ""
    )
    note = clock_note(activity["period"], days=width % _DAY == _NOTHING)
    lines = [f"{bars}; a change of several attributes counts once for each", note]
    about_it = title(f"What changed, by {by}", activity, *lines)
    if activity.empty:
        return nothing(about_it)
    chart = (
        alt.Chart(rows)
        .mark_rect(stroke="white", strokeWidth=0.4)
        .encode(
            x=time_axis(activity["period"], "begin", _domain(activity, rows)),
            x2="end:T",
            y=alt.Y("low:Q", title="changes", axis=alt.Axis(tickMinStep=1, format=",d")),
            y2="high:Q",
            color=alt.Color("kind:N", title=None, scale=scale, legend=alt.Legend(labelLimit=200)),
            tooltip=["time:N", alt.Tooltip("kind:N", title=by), "changes:Q"],
        )
        .properties(width=WIDTH, height=220, title=about_it)
    )
    return cast(alt.Chart, chart)


def _kinds(activity: pd.DataFrame, by: str) -> pd.Series[Any]:
    """Of each row what it is drawn as: of many kinds the most frequent keep their names."""
    if by == "action":
        return pd.Series(list(activity["action"]), dtype=object)
    columns = zip(activity["path"], activity["action"], strict=True)
    kinds = pd.Series([short(path) if path else _WHOLE[action] for path, action in columns], dtype=object)
    counts = activity["changes"].reset_index(drop=True).groupby(kinds).sum().sort_index()
    ordered = list(counts.sort_values(ascending=False, kind="stable").index)
    attributes = [kind for kind in ordered if kind not in _WHOLE.values()]
    if len(attributes) > _MOST_KINDS:
        kinds = kinds.mask(kinds.isin(attributes[_MOST_KINDS:]), _REST)
    return kinds


def _colours(kinds: pd.Series[Any], by: str) -> dict[str, str]:
    """The kinds, most frequent first, the rest last, with their colours."""
    found = list(dict.fromkeys(kinds))
    if by == "action":
        return {name: colour for name, colour in ACTION_COLOURS.items() if name in found}
    whole = {_WHOLE[action]: colour for action, colour in ACTION_COLOURS.items() if action in _WHOLE}
    whole[_WHOLE["MODIFY"]] = OTHERS_COLOUR
    named = sorted(kind for kind in found if kind not in whole and kind != _REST)
    colours = dict(zip(named, PALETTE, strict=False)) | ({_REST: OTHERS_COLOUR} if _REST in found else {})
    return colours | {name: colour for name, colour in whole.items() if name in found}


def _bar_width(activity: pd.DataFrame) -> tuple[pd.Timedelta, bool]:
    """How long a bar is, and whether that is more than a period."""
    unit = _unit(activity)
    times = activity["period"]
    span = times.max() - times.min() + unit if len(times) else unit
    if span <= _MOST_BARS * unit:
        return unit, False
    fitting = [
        width for width in map(pd.Timedelta, _WIDTHS.split()) if width % unit == _NOTHING and span <= _MOST_BARS * width
    ]
    return (fitting[0] if fitting else unit * -(-span // (_MOST_BARS * unit))), True


def _unit(activity: pd.DataFrame) -> pd.Timedelta:
    """The length of the table's periods."""
    return pd.Timedelta(parse_period(about(activity).get("by", "1min")), unit="us")


def _stacked(activity: pd.DataFrame, kinds: pd.Series[Any], width: pd.Timedelta, names: list[str]) -> pd.DataFrame:
    """A row for each bar's part: ``begin``, ``end``, ``time`` (text), ``kind``, ``changes``, ``low``, ``high``."""
    begins = _begins(activity, width)
    found = pd.DataFrame({"begin": begins, "kind": kinds, "changes": activity["changes"].to_numpy()})
    parts = found.groupby(["begin", "kind"])["changes"].sum().reset_index()
    parts["rank"] = [names.index(kind) for kind in parts["kind"]]
    parts = parts.sort_values(["begin", "rank"]).reset_index(drop=True)
    high = parts.groupby("begin")["changes"].cumsum()
    firsts = activity["period"].reset_index(drop=True).groupby(begins).min()
    bars = firsts.index.to_series()
    drawn = pd.DataFrame({"end": (bars + width).where(~(bars.shift(-1) < bars + width), bars.shift(-1))})
    drawn["time"] = _times(bars, firsts)
    return parts.join(drawn, on="begin").assign(low=high - parts["changes"], high=high)


def _begins(activity: pd.DataFrame, width: pd.Timedelta) -> pd.Series[Any]:
    """Where the bar of each row begins, on the clock. Bars of days go from midnight to midnight, also where the clock
    left midnight out."""
    at, unit = clock(activity["period"]).reset_index(drop=True), _unit(activity)
    first = at.min()
    if unit % _DAY == _NOTHING:
        start = edge(activity, "start")
        first = (first if start is None else start.tz_localize(None).tz_localize("UTC")).floor("D")
    elif width == unit:
        return at
    origin = first - (first - _EPOCH) % width + (first - _EPOCH) % unit
    begins: pd.Series[Any] = origin + (at - origin) // width * width
    return begins


def _times(bars: pd.Series[Any], firsts: pd.Series[Any]) -> list[str]:
    """When bars begin, with offsets: with the first of its periods, or where that is later, at the clock's time."""
    local = bars.dt.tz_localize(None)
    known = local.dt.tz_localize(firsts.dt.tz, ambiguous=np.ones(len(bars), bool), nonexistent="shift_forward")
    return told(firsts.where(clock(firsts) == bars, known))


def _domain(activity: pd.DataFrame, rows: pd.DataFrame) -> Domain | None:
    """The whole window, also where nothing changed in it; as far as it is captured."""
    edges = pd.Series([edge(activity, "start"), edge(activity, "end", "captured_through")], dtype="datetime64[us, UTC]")
    start, stop = clock(edges.dt.tz_convert(activity["period"].dt.tz))
    first, last = pd.Series([start, rows["begin"].min()]).min(), pd.Series([stop, rows["end"].max()]).max()
    return None if pd.isna(first) or pd.isna(last) or first >= last else (first, last)


def _said(length: pd.Timedelta) -> str:
    """A length of time in words."""
    seconds = length.total_seconds()
    for name, unit in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= unit and seconds % unit == 0:
            count = int(seconds // unit)
            return f"{count:,} {name}{'s'[: count != 1]}"
    return f"{seconds:g} second{'s'[: seconds != 1]}"
