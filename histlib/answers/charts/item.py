"""What happened to one item: its timeline, the values of one path."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, cast

import altair as alt
import pandas as pd

from histlib.answers.charts.drawing import (
    MISSING_CHANGE,
    MOST_MARKS,
    WIDTH,
    action_encoding,
    clock,
    clock_note,
    edge,
    nothing,
    padded,
    ranked,
    short,
    spans,
    thinned,
    time_axis,
    title,
    told,
    values,
)

_MOST_LANES: Final = 40
_TIPS: Final = ["time", "action", "by", "path", "before", "after", "caveats"]


def timeline_chart(timeline: pd.DataFrame) -> alt.Chart:
    """What changed when: a lane for each path, a mark for each change, coloured by action.

    What a missing change did (rows without action) is drawn as a cross, when it was found out. Of many paths those are
    drawn that changed most often, of many marks close together one.
    """
    paths, others = ranked([_lane(path) for path in timeline["path"]], _MOST_LANES)
    found = timeline[[_lane(path) in set(paths) for path in timeline["path"]]]
    shown = _one_of_many(found)
    left = [f"the {len(paths)} of {len(paths) + others:,} paths that changed most often"] if others else []
    left += [f"{len(shown):,} of {len(found):,} marks: of those close together one"] if len(shown) < len(found) else []
    about_it = title("What changed when", timeline, "; ".join(left), clock_note(timeline["time"]))
    if timeline.empty:
        return nothing(about_it)
    marks = _marks(shown)
    chart = (
        alt.Chart(marks)
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=time_axis(timeline["time"], "at", padded(marks["at"].min(), marks["at"].max())),
            y=alt.Y("path:N", title=None, axis=alt.Axis(labelLimit=240)),
            tooltip=[f"{name}:N" for name in _TIPS],
            **action_encoding(),
        )
        .properties(width=WIDTH, height=alt.Step(20), title=about_it)
    )
    return cast(alt.Chart, chart)


def value_chart(timeline: pd.DataFrame, path: str) -> alt.Chart | alt.LayerChart:
    """A number over time, as steps: what the path held from each change on, up to what is captured.

    The line ends where the path came to hold something else, or nothing; what a missing change did is drawn as a
    cross. Where the path held no numbers, only when it changed is shown, as by :func:`timeline_chart`.
    """
    rows = timeline[timeline["path"] == path]
    after = pd.Series([_number(value) for value in rows["after"]], dtype=float)
    before = pd.Series([_number(value) for value in rows["before"]], dtype=float)
    if after.isna().all() and before.isna().all():
        return timeline_chart(timeline)
    kept = thinned(rows["time"], after)
    line = _steps(timeline, rows, before, after)
    marks = _marks(rows).assign(value=after.fillna(before).to_numpy()).iloc[kept]
    left = f"{len(kept):,} of {len(rows):,} changes: of each span the extremes" if len(kept) < len(rows) else ""
    ends = "the line ends where it was no number" if after.isna().any() else ""
    axis = time_axis(timeline["time"], "at", padded(line["at"].min(), line["at"].max()))
    place: dict[str, Any] = {"x": axis, "y": alt.Y("value:Q", title=short(path), scale=alt.Scale(zero=False))}
    drawn = alt.Chart(line.drop(columns="time")).mark_line(interpolate="step-after", color="#1f6fb2")
    points = alt.Chart(marks[marks["value"].notna()]).mark_point(filled=True, size=70, opacity=1)
    chart = (
        drawn.encode(detail="run:N", order="order:Q", **place)
        + points.encode(tooltip=[f"{name}:N" for name in _TIPS], **action_encoding(), **place)
    ).properties(
        width=WIDTH,
        height=180,
        title=title(f"{path} over time", timeline, left, ends, clock_note(rows["time"])),
    )
    return cast(alt.LayerChart, chart)


def _steps(timeline: pd.DataFrame, rows: pd.DataFrame, before: pd.Series[Any], after: pd.Series[Any]) -> pd.DataFrame:
    """The corners of the line: one more where a run of numbers begins and ends, and the last value again at the end."""
    found: list[tuple[pd.Timestamp, float, int]] = []
    held, run = float("nan"), 0
    for moment, old, new in zip(rows["time"], before, after, strict=True):
        if pd.isna(held) and pd.notna(old):
            found.append((moment, old, run))
        if pd.notna(new) or pd.notna(old):
            found.append((moment, old if pd.isna(new) else new, run))
        run += pd.isna(new)
        held = new
    end = edge(timeline, "end", "captured_through")
    if pd.notna(held) and end is not None and end > found[-1][0]:
        found.append((end.tz_convert(timeline["time"].dt.tz), held, run))
    corners = pd.DataFrame(found, columns=["time", "value", "run"])
    corners = corners.iloc[thinned(corners["time"], corners["value"])].reset_index(drop=True)
    return corners.assign(at=clock(corners["time"]), order=range(len(corners)))


def _marks(rows: pd.DataFrame) -> pd.DataFrame:
    """A mark for each row, with what its tip says."""
    return pd.DataFrame(
        {
            "at": clock(rows["time"]).array,
            "time": told(rows["time"]),
            "action": [MISSING_CHANGE if pd.isna(action) else str(action) for action in rows["action"]],
            "by": ["" if pd.isna(actor) else short(actor) for actor in rows["actor"]],
            "path": [_lane(path) for path in rows["path"]],
            "before": values(rows, "before"),
            "after": values(rows, "after"),
            "caveats": list(rows["caveats"]),
        }
    )


def _one_of_many(rows: pd.DataFrame) -> pd.DataFrame:
    """No more rows than can be drawn: of one path and action, one in each of equal spans of time."""
    if len(rows) <= MOST_MARKS:
        return rows
    kinds = pd.DataFrame({"path": list(rows["path"]), "action": list(rows["action"].fillna(MISSING_CHANGE))})
    kinds["span"] = spans(rows["time"], MOST_MARKS // len(kinds.drop_duplicates()))
    return rows[~kinds.duplicated().to_numpy()]


def _lane(path: str) -> str:
    return short(path) or "(whole item)"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
