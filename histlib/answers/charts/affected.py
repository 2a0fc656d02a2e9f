"""Who was hit: a bar for each item from when to when it was so, coloured by how that ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import altair as alt
import pandas as pd

from histlib import markup
from histlib.answers.charts.bars import Bars, cut_bars
from histlib.answers.charts.drawing import (
    MOST_MARKS,
    OTHERS_COLOUR,
    PALETTE,
    WIDTH,
    about,
    clock_note,
    nothing,
    ranked,
    short,
    time_axis,
    title,
    told,
)
from histlib.values.image_json import MISSING, encode_value

STILL: Final = "still so"
_OTHERS: Final = "ended in other ways"
_MISSING: Final = "ended by a missing change"
_COLOURS: Final = {STILL: "#c62828", _MISSING: "#d98200", _OTHERS: OTHERS_COLOUR}
_MOST_ENDINGS: Final = len(PALETTE)
#: Columns of times → what tips call them.
_TIMES: Final = {"since": "since", "until": "until", "from_latest": "at latest since", "to_earliest": "at least until"}


def how_it_ended(affected: pd.DataFrame) -> pd.Series[Any]:
    """For each row of the answer to ``affected`` how the period ended, in words: ``still so``, ``ended by alice``,
    ``deleted by ttl``, ``deleted``, ``ended, not known by whom``, ``ended by a missing change``."""
    columns = zip(affected["still"], affected["ended_action"], affected["ended_by"], strict=True)
    endings = [_ending(bool(still), action, actor) for still, action, actor in columns]
    return pd.Series(endings, index=affected.index, name="how it ended", dtype=object)


def affected_chart(affected: pd.DataFrame, limit: int = 50) -> alt.Chart | alt.LayerChart:
    """A bar for each item from since to until, coloured by how it ended; pale where it only may have been so.

    Of more than ``limit`` items those are drawn that were so longest. Bars that began before what is drawn, or end
    after it, reach its edge.
    """
    bars = cut_bars(affected)
    rows, left = _longest(_rows(affected, bars), limit)
    about_it = title("Who was hit, from when to when", affected, *_readings(affected, bars, rows, left))
    if rows.empty:
        return nothing(about_it)
    item = alt.Y("item:N", title=None, sort=_staircase(rows), axis=alt.Axis(labelLimit=200, labelOverlap=False))
    tips = ["item:N", *(f"{name}:N" for name in _TIMES.values()), "set by:N", "how it ended:N", "caveats:N"]
    look: dict[str, Any] = {"y": item, "color": _colours(rows["how it ended"]), "tooltip": tips}
    begin, surely = (time_axis(affected["since"], field, bars.domain) for field in ("begin", "surely"))
    may = alt.Chart(rows).encode(x=begin, **look)
    sure = alt.Chart(rows[rows["surely"].notna()]).encode(x=surely, x2="surely_end:T", **look)
    chart = (
        may.encode(x2="end:T").mark_bar(clip=True, height=9, opacity=0.3)
        + sure.mark_bar(clip=True, height=9)
        + may.mark_tick(clip=True, size=9, thickness=2)
    ).properties(width=WIDTH, height=alt.Step(14), title=about_it)
    return cast(alt.LayerChart, chart)


def heading(affected: pd.DataFrame) -> str:
    """What was asked and found, as the table says it, without the table's name."""
    return short(str(about(affected).get("heading", "")).split(" in ")[0])


def _ending(still: bool, action: Any, actor: Any) -> str:
    if still:
        return STILL
    if pd.isna(action):
        return _MISSING
    if action == "REMOVE":
        return "deleted" if pd.isna(actor) else f"deleted by {short(actor)}"
    return "ended, not known by whom" if pd.isna(actor) else f"ended by {short(actor)}"


def _rows(affected: pd.DataFrame, bars: Bars) -> pd.DataFrame:
    """A row for each bar, with its item, its colour and what its tip says."""
    ended = how_it_ended(affected)
    most, _ = ranked(ended[ended != STILL], _MOST_ENDINGS)
    named = {STILL, *most}
    return bars.frame.reset_index(drop=True).assign(
        item=_labels(affected),
        **{shown: told(affected[name]) for name, shown in _TIMES.items()},
        **{
            "set by": ["" if pd.isna(actor) else short(actor) for actor in affected["set_by"]],
            "how it ended": [ending if ending in named else _OTHERS for ending in ended],
            "caveats": list(affected["caveats"]),
        },
    )


def _labels(affected: pd.DataFrame) -> list[str]:
    """The key as a person reads it: a text as it is, else values as image JSON; by its names where keys have others."""
    columns = [affected[name] for name in affected.columns if name.startswith("keys.")]
    if len(columns) == 1:
        return [markup.one_line(value if isinstance(value, str) else encode_value(value)) for value in columns[0]]
    rows = list(zip(*columns, strict=True))
    if any(MISSING in row for row in rows):
        return [markup.one_line(text) for text in affected["keys"]]
    return [", ".join(map(encode_value, values)) for values in rows]


def _longest(rows: pd.DataFrame, limit: int) -> tuple[pd.DataFrame, str]:
    """The rows of the items that were so longest, and what is left out."""
    lasted = (rows["end"] - rows["begin"]).groupby(rows["item"]).sum().sort_index()
    items = lasted.sort_values(ascending=False, kind="stable").index[:limit]
    kept = rows[rows["item"].isin(items)]
    left = f"drawn: the {len(items):,} of {len(lasted):,} items that were so longest" if len(lasted) > limit else ""
    if len(kept) > MOST_MARKS:
        found, order = len(kept), (kept["end"] - kept["begin"]).sort_values(ascending=False, kind="stable").index
        kept = kept.loc[sorted(order[:MOST_MARKS])]
        left = f"{left or 'drawn'}; the {MOST_MARKS:,} longest of their {found:,} periods"
    return kept, left


def _staircase(rows: pd.DataFrame) -> list[str]:
    """The items in the order in which it ended."""
    last = rows.groupby("item").agg(goes_on=("goes_on", "max"), end=("end", "max"), begin=("begin", "min"))
    return list(last.sort_values(["end", "goes_on", "begin"], kind="stable").index)


def _colours(endings: pd.Series[Any]) -> alt.Color:
    others, _ = ranked(endings[~endings.isin(list(_COLOURS))], _MOST_ENDINGS)
    colours = {name: _COLOURS[name] for name in (STILL, _MISSING) if (endings == name).any()}
    colours |= dict(zip(others, PALETTE, strict=False))
    colours |= {_OTHERS: OTHERS_COLOUR} if (endings == _OTHERS).any() else {}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = alt.Legend(orient="top", columns=4, labelLimit=220, symbolType="square", symbolOpacity=1)
    return alt.Color("how it ended:N", title=None, scale=scale, legend=legend)


def _readings(affected: pd.DataFrame, bars: Bars, rows: pd.DataFrame, left: str) -> Iterator[str]:
    """How to read the bars, as far as there is something to say."""
    yield heading(affected)
    yield left
    edges: Sequence[str] = [
        *(["left: it was so before"] if rows["earlier"].any() else []),
        *(["right: it did not end before"] if rows["goes_on"].any() else []),
    ]
    yield f"bars that reach the edge, {'; '.join(edges)}" if edges else ""
    unsure = (rows["surely"] != rows["begin"]) | (rows["surely_end"] != rows["end"])
    yield "pale: it may have been so; a change is missing, or its time is not known" if unsure.any() else ""
    yield clock_note(pd.concat([affected["since"], affected["until"]]))
