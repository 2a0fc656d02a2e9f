"""Charts for the notebook, drawn with Altair, without the internet."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, cast

import altair as alt
import pandas as pd
from altair.vegalite.v5.display import VEGALITE_MIME_TYPE

from histlib.errors import PathNotValidError
from histlib.frames import display_frame

_ACTIONS: Final = {"INSERT": "#2e7d32", "MODIFY": "#1f6fb2", "REMOVE": "#c62828"}
_WIDTH: Final = 720


def enable() -> None:
    """Show charts as Vega-Lite where JupyterLab runs, and as a picture in exported HTML; nothing is fetched."""
    alt.renderers.register("histlib", _offline)
    alt.renderers.enable("histlib")


def timeline_chart(timeline: pd.DataFrame) -> alt.Chart:
    """What changed when: a lane for each path, a mark for each change, coloured by action.

    A change before which another one is missing (caveat ``gap``) is drawn as a cross.
    """
    rows = display_frame(timeline)
    rows["path"] = rows["path"].replace("", "(whole item)")
    rows["time"] = _wall_clock(timeline)
    rows["trouble"] = ["gap before it" if "gap" in cell.split() else "none" for cell in timeline["caveats"]]
    chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=_time_axis(timeline),
            y=alt.Y("path:N", title=None),
            color=alt.Color("action:N", scale=alt.Scale(domain=list(_ACTIONS), range=list(_ACTIONS.values()))),
            shape=alt.Shape("trouble:N", scale=alt.Scale(domain=["none", "gap before it"], range=["circle", "cross"])),
            tooltip=["time:T", "action:N", "actor:N", "path:N", "before:N", "after:N", "caveats:N"],
        )
        .properties(width=_WIDTH, title="What changed when")
    )
    return cast(alt.Chart, chart)


def value_chart(timeline: pd.DataFrame, path: str) -> alt.LayerChart:
    """A number over time, as steps: what the path held from each change on. Other values are left out.

    Raises:
        PathNotValidError: the timeline has no number at this path.
    """
    rows = pd.DataFrame(
        {
            "time": _wall_clock(timeline),
            "value": [_number(value) for value in timeline["after"]],
            "by": timeline["actor"].fillna("").to_numpy(),
        }
    )[(timeline["path"] == path).to_numpy()]
    rows = rows[rows["value"].notna()]
    if rows.empty:
        raise PathNotValidError(f"the timeline has no number at {path!r}; ask timeline(key, paths={path!r})", path)
    base = alt.Chart(rows).encode(
        x=_time_axis(timeline),
        y=alt.Y("value:Q", title=path),
        tooltip=["time:T", "value:Q", "by:N"],
    )
    chart = base.mark_line(interpolate="step-after", color="#1f6fb2") + base.mark_point(filled=True, color="#1f6fb2")
    return cast(alt.LayerChart, chart.properties(width=_WIDTH, height=160, title=f"{path} over time"))


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
