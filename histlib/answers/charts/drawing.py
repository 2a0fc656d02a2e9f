"""What the charts share: the renderer, the axis of time, limits, texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, cast

import altair as alt
import pandas as pd
from altair.vegalite.v5.display import VEGALITE_MIME_TYPE

from histlib import markup

WIDTH: Final = 720
#: Marks in a chart, at the most.
MOST_MARKS: Final = 2_000
MISSING_CHANGE: Final = "missing change"
ACTION_COLOURS: Final = {"INSERT": "#2e7d32", "MODIFY": "#1f6fb2", "REMOVE": "#c62828", MISSING_CHANGE: "#d98200"}
#: Of things that have no colour of their own; told apart by the colour-blind, too.
PALETTE: Final = ("#1f6fb2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00", "#7b5ea7", "#8c6d31", "#17becf")
OTHERS_COLOUR: Final = "#b0b0b0"
_SHAPES: Final = ["circle", "circle", "circle", "cross"]
_SHOWN: Final = 80
_ROOM: Final = 0.02
_MINUTE, _DAY = pd.Timedelta(minutes=1), pd.Timedelta(days=1)

Domain = tuple[pd.Timestamp, pd.Timestamp]


def enable() -> None:
    """Show charts as Vega-Lite where JupyterLab runs, and as a picture in exported HTML; nothing is fetched."""
    alt.renderers.register("histlib", _offline)
    alt.renderers.enable("histlib")


def _offline(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The chart twice: as Vega-Lite (JupyterLab draws it) and, where vl-convert is there, as SVG."""
    bundle = {VEGALITE_MIME_TYPE: spec, "text/plain": "(a chart: open the notebook in JupyterLab)"}
    with suppress(ImportError):
        import vl_convert

        bundle["image/svg+xml"] = vl_convert.vegalite_to_svg(spec)
    return bundle


def about(frame: pd.DataFrame) -> dict[str, Any]:
    """What a table says of itself."""
    found: dict[str, Any] = frame.attrs.get("histlib", {})
    return found


def edge(frame: pd.DataFrame, *names: str) -> pd.Timestamp | None:
    """The earliest of some times that a table says of itself: ``start``, ``end``, ``captured_through``."""
    found = [pd.Timestamp(about(frame)[name]) for name in names if about(frame).get(name)]
    return min(found, default=None)


def title(text: str, frame: pd.DataFrame, *lines: str) -> alt.TitleParams:
    """A title, and below it what the chart leaves out or how to read it, and the caveats of the answer."""
    caveats = [caveat["name"] for caveat in about(frame).get("caveats", [])]
    below = [*(line for line in lines if line), *([f"caveats: {', '.join(caveats)}"] if caveats else [])]
    return alt.TitleParams(short(text), subtitle=below, anchor="start", subtitleColor="#666", offset=8)


def clock(times: pd.Series[Any]) -> pd.Series[Any]:
    """Local times as if they were UTC, in which charts are drawn: Vega would shift others into the browser's zone."""
    local: pd.Series[Any] = times.dt.tz_localize(None).dt.tz_localize("UTC")
    return local


def told(times: pd.Series[Any]) -> list[str]:
    """The times with their offsets, as tables have them; empty for NaT."""
    return ["" if pd.isna(moment) else moment.isoformat(sep=" ") for moment in times]


def clock_note(times: pd.Series[Any], *, days: bool = False) -> str:
    """Says so where the clocks went forward or back between these times; ``days``: whole days are drawn."""
    known = times.dropna()
    offsets = known.dt.tz_localize(None) - known.dt.tz_convert("UTC").dt.tz_localize(None)
    if offsets.nunique() <= 1:
        return ""
    drawn = "not every day has 24 hours" if days else "an hour is empty or drawn twice"
    return f"the clocks were changed in this time: {drawn}; the tips have the offsets"


def time_axis(times: pd.Series[Any], field: str, domain: Domain | None) -> alt.X:
    """The axis of time, in the zone of ``times``; ``domain`` is in those of :func:`clock`."""
    span = domain[1] - domain[0] if domain else _DAY
    style = "%H:%M:%S" if span <= 10 * _MINUTE else "%d %b %H:%M" if span < 40 * _DAY else "%d %b %Y"
    shown = [moment.timestamp() * 1_000 for moment in domain] if domain else alt.Undefined
    axis = alt.Axis(format=style, labelAngle=0, labelFlush=False, tickCount=6)
    return alt.X(f"{field}:T", title=f"time ({times.dt.tz})", scale=alt.Scale(type="utc", domain=shown), axis=axis)


def padded(first: pd.Timestamp, last: pd.Timestamp) -> Domain | None:
    """A domain with a little room on both sides; None for NaT."""
    if pd.isna(first) or pd.isna(last):
        return None
    room = max((last - first) * _ROOM, _MINUTE / 2)
    return first - room, last + room


def nothing(heading: alt.TitleParams) -> alt.Chart:
    """What is drawn where there is nothing to draw."""
    text = alt.Chart(pd.DataFrame({"nothing": ["(no rows)"]})).mark_text(align="left", x=0, color="#666")
    return cast(alt.Chart, text.encode(text="nothing:N").properties(width=WIDTH, height=20, title=heading))


def action_encoding() -> dict[str, Any]:
    """Colour and shape of a change."""
    names = list(ACTION_COLOURS)
    colours = alt.Scale(domain=names, range=list(ACTION_COLOURS.values()))
    legend = alt.Legend(orient="top")
    return {
        "color": alt.Color("action:N", title=None, scale=colours, legend=legend),
        "shape": alt.Shape("action:N", title=None, scale=alt.Scale(domain=names, range=_SHAPES), legend=legend),
    }


def short(text: str) -> str:
    """A text in one line, not long."""
    text = markup.one_line(text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def values(frame: pd.DataFrame, name: str) -> list[str]:
    """The values of a column as short image JSON; a dash where missing."""
    return ["—" if pd.isna(text) else short(text) for text in frame[f"{name}_json"]]


def thinned(times: pd.Series[Any], numbers: pd.Series[Any], most: int = MOST_MARKS) -> list[int]:
    """The positions of the first, last, lowest and highest number in each of ``most`` / 4 spans of time, in order.

    A line through them looks as a line through all. Everything where there are no more than ``most``.
    """
    if len(numbers) <= most:
        return list(range(len(numbers)))
    held = pd.DataFrame({"span": spans(times, most // 4), "number": numbers.to_numpy(dtype=float)})
    kept = {*held.index[~held["span"].duplicated()], *held.index[~held["span"].duplicated(keep="last")]}
    known = held.dropna().groupby("span")["number"]
    return sorted(int(position) for position in {*kept, *known.idxmin(), *known.idxmax()})


def spans(times: pd.Series[Any], count: int) -> Any:
    """For each time, in which of ``count`` equal spans between the first and the last it lies."""
    since_first = (times - times.min()).astype("int64").to_numpy()
    return since_first // (int(since_first.max()) // count + 1)


def ranked(names: Iterable[str], most: int) -> tuple[list[str], int]:
    """The most frequent names, most frequent first, and how many others there are."""
    counts = pd.Series(list(names), dtype=object).value_counts()
    ordered: Sequence[str] = sorted(counts.index, key=lambda name: (-counts[name], name))
    return list(ordered[:most]), max(len(ordered) - most, 0)
