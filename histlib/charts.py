"""Charts for the notebook, drawn with Altair, without the internet."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, cast

import altair as alt
import pandas as pd
from altair.vegalite.v5.display import VEGALITE_MIME_TYPE

from histlib.display import display_frame

_MISSING: Final = "missing change"
_ACTIONS: Final = {"INSERT": "#2e7d32", "MODIFY": "#1f6fb2", "REMOVE": "#c62828", _MISSING: "#d98200"}
_SHAPES: Final = ["circle", "circle", "circle", "cross"]
_WIDTH: Final = 720


def enable() -> None:
    """Show charts as Vega-Lite where JupyterLab runs, and as a picture in exported HTML; nothing is fetched."""
    alt.renderers.register("histlib", _offline)
    alt.renderers.enable("histlib")


def timeline_chart(timeline: pd.DataFrame) -> alt.Chart:
    """What changed when: a lane for each path, a mark for each change, coloured by action.

    What a missing change did (rows without action) is drawn as a cross, when it was found out.
    """
    rows = display_frame(timeline)
    rows["path"] = rows["path"].replace("", "(whole item)")
    rows["action"] = rows["action"].replace("", _MISSING)
    rows["time"] = _wall_clock(timeline)
    names = list(_ACTIONS)
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=_time_axis(timeline),
            y=alt.Y("path:N", title=None),
            color=alt.Color("action:N", title=None, scale=alt.Scale(domain=names, range=list(_ACTIONS.values()))),
            shape=alt.Shape("action:N", title=None, scale=alt.Scale(domain=names, range=_SHAPES)),
            tooltip=["time:T", "action:N", "actor:N", "path:N", "before:N", "after:N", "caveats:N"],
        )
        .properties(width=_WIDTH, title="What changed when")
    )
    return cast(alt.Chart, chart)


def value_chart(timeline: pd.DataFrame, path: str) -> alt.Chart | alt.LayerChart:
    """A number over time, as steps: what the path held from each change on, up to what is captured.

    Values that are no numbers are left out; a step that a missing change made is drawn as a cross. Where the path
    held no numbers, only when it changed is shown, as by :func:`timeline_chart`.
    """
    rows = pd.DataFrame(
        {
            "time": _wall_clock(timeline),
            "value": [_number(value) for value in timeline["after"]],
            "by": timeline["actor"].fillna(""),
            "action": timeline["action"].fillna(_MISSING),
        }
    )[timeline["path"] == path]
    rows = rows[rows["value"].notna()]
    if rows.empty:
        return timeline_chart(timeline)
    names = list(_ACTIONS)
    lines = alt.Chart(pd.concat([rows, _last_known(timeline, rows)]))
    points = alt.Chart(rows).encode(
        color=alt.Color("action:N", title=None, scale=alt.Scale(domain=names, range=list(_ACTIONS.values()))),
        shape=alt.Shape("action:N", title=None, scale=alt.Scale(domain=names, range=_SHAPES)),
        tooltip=["time:T", "value:Q", "by:N", "action:N"],
    )
    place = {"x": _time_axis(timeline), "y": alt.Y("value:Q", title=path)}
    line = lines.mark_line(interpolate="step-after", color="#1f6fb2").encode(**place)
    chart = (line + points.mark_point(filled=True, size=70, opacity=1).encode(**place)).properties(
        width=_WIDTH, height=160, title=f"{path} over time"
    )
    return cast(alt.LayerChart, chart)


def _last_known(timeline: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The last value again, at the end of what was asked for or captured."""
    about = timeline.attrs.get("histlib", {})
    ends = [pd.Timestamp(about[name]) for name in ("end", "captured_through") if about.get(name)]
    last = rows.iloc[[-1]].copy()
    if ends:
        last["time"] = min(ends).tz_convert(timeline["time"].dt.tz).tz_localize(None)
    return last


def _offline(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The chart twice: as Vega-Lite (JupyterLab draws it) and, where vl-convert is there, as SVG."""
    bundle = {VEGALITE_MIME_TYPE: spec, "text/plain": "(a chart: open the notebook in JupyterLab)"}
    with suppress(ImportError):
        import vl_convert

        bundle["image/svg+xml"] = vl_convert.vegalite_to_svg(spec)
    return bundle


def _time_axis(timeline: pd.DataFrame) -> alt.X:
    return alt.X("time:T", title=f"time ({timeline['time'].dt.tz})", axis=alt.Axis(format="%d %b %H:%M", labelAngle=0))


def _wall_clock(timeline: pd.DataFrame) -> Any:
    """Local times without their zone: Vega would shift aware ones into the browser's."""
    return timeline["time"].dt.tz_localize(None).to_numpy()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
