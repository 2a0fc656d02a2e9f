"""How many items were so at each time."""

from __future__ import annotations

from typing import Any, cast

import altair as alt
import numpy as np
import pandas as pd

from histlib.answers.charts.affected import heading
from histlib.answers.charts.bars import Bars, cut_bars
from histlib.answers.charts.drawing import MOST_MARKS, WIDTH, clock_note, nothing, thinned, time_axis, title


def affected_count_chart(affected: pd.DataFrame) -> alt.Chart | alt.LayerChart:
    """How many items were so at each time, as steps; pale up to how many it may have been."""
    bars = cut_bars(affected)
    curve = _curve(affected["keys"], bars)
    shown = curve.iloc[sorted({*thinned(curve["at"], curve["at_least"], MOST_MARKS // 2),
                               *thinned(curve["at"], curve["at_most"], MOST_MARKS // 2)})]  # fmt: skip
    least, most = (int(curve[name].max()) if len(curve) else 0 for name in ("at_least", "at_most"))
    lines = [heading(affected), f"most at once: {least:,}" + (f" to {most:,}" if most > least else "")]
    lines += ["pale: up to how many it may have been"] if (curve["at_least"] != curve["at_most"]).any() else []
    lines += [clock_note(pd.concat([affected["since"], affected["until"]]))]
    about_it = title("How many items were so", affected, *lines)
    if affected.empty:
        return nothing(about_it)
    axis = time_axis(affected["since"], "at", bars.domain)
    number = alt.Y("at_least:Q", title="items", axis=alt.Axis(tickMinStep=1, format=",d"))
    chart = alt.Chart(shown).encode(x=axis, y=number, tooltip=["time:N", "at_least:Q", "at_most:Q"])
    drawn = (
        chart.mark_area(interpolate="step-after", color="#c62828", opacity=0.25, clip=True).encode(y2="at_most:Q")
        + chart.mark_line(interpolate="step-after", color="#c62828", clip=True)
    ).properties(width=WIDTH, height=160, title=about_it)
    return cast(alt.LayerChart, drawn)


def _curve(keys: pd.Series[Any], bars: Bars) -> pd.DataFrame:
    """Columns ``at``, ``time`` (text), ``at_least`` and ``at_most``, a row for each time at which one changes."""
    frame, domain = bars.frame, bars.domain
    keys = keys.reset_index(drop=True)
    most = _changes(keys, frame["begin"], frame["end"], frame["goes_on"])
    known = frame["surely"].notna()
    least = _changes(keys[known], frame["surely"][known], frame["surely_end"][known], frame["surely_goes_on"][known])
    edges = list(domain) if domain else []
    at = pd.DatetimeIndex([*most.index, *least.index, *edges], tz="UTC").unique().sort_values()
    counts = {name: one.reindex(at, fill_value=0).cumsum() for name, one in (("at_least", least), ("at_most", most))}
    times = [moment.tz_localize(None).isoformat(sep=" ", timespec="seconds") for moment in at]
    return pd.DataFrame({"at": at, "time": times, **{name: one.to_numpy() for name, one in counts.items()}})


def _changes(
    keys: pd.Series[Any], begin: pd.Series[Any], end: pd.Series[Any], goes_on: pd.Series[Any]
) -> pd.Series[Any]:
    """By how many items the number changes at each time; periods of one item that overlap count once."""
    moments: list[Any] = []
    steps: list[int] = []
    last: tuple[Any, Any, bool] | None = None
    ordered = pd.DataFrame({"key": keys, "begin": begin, "end": end, "on": goes_on}).sort_values(["key", "begin"])
    for key, first, until, on in [*ordered.itertuples(index=False, name=None), (None, None, None, False)]:
        if last is not None and key == last[0] and first <= last[1]:
            last = (key, max(last[1], until), last[2] or on)
            continue
        if last is not None and not last[2]:
            moments.append(last[1])
            steps.append(-1)
        if key is not None:
            moments.append(first)
            steps.append(1)
        last = (key, until, on)
    changes = pd.Series(np.array(steps, dtype=int), index=pd.DatetimeIndex(moments, tz="UTC"))
    return changes.groupby(level=0).sum()
