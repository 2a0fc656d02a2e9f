"""The periods in which something was so, cut to what is drawn of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from histlib.answers.charts.drawing import Domain, clock, edge, padded


@dataclass(frozen=True)
class Bars:
    """Periods within a domain, times as :func:`histlib.answers.charts.drawing.clock` gives them.

    Columns of ``frame``, in the rows' order: it may have been so from ``begin`` to ``end``, and surely was from
    ``surely`` to ``surely_end`` (NaT where that is at no time); ``earlier``, ``goes_on``, ``surely_goes_on``: whether
    it reaches beyond what is drawn. The domain is None where there is nothing to draw.
    """

    frame: pd.DataFrame
    domain: Domain | None


def cut_bars(affected: pd.DataFrame) -> Bars:
    """The periods of the answer to ``affected`` between the first beginning and the last end within the window.

    Where a period began before the window, or before the history tells, it is drawn from where the window starts; where
    one has not ended, or ended later, up to where the window, or what is captured, ends.
    """
    since, until = clock(affected["since"]), clock(affected["until"])
    latest, earliest = clock(affected["from_latest"]), clock(affected["to_earliest"])
    known = pd.concat([since, until, latest, earliest]).dropna()
    start = _wall(edge(affected, "start"), affected, known.min())
    stop = max(_wall(edge(affected, "end", "captured_through"), affected, known.max()), start)
    before, after = since.isna() | (since < start), until.isna() | (until > stop)
    frame = pd.DataFrame(
        {
            "begin": since.fillna(start).clip(start, stop),
            "end": until.fillna(stop).clip(start, stop),
            "surely": latest.clip(start, stop),
            "surely_end": earliest.fillna(stop).clip(start, stop),
            "earlier": before,
            "goes_on": after,
            "surely_goes_on": earliest.isna() | (earliest > stop),
        }
    )
    frame.loc[frame["surely"] >= frame["surely_end"], ["surely", "surely_end"]] = pd.NaT
    return Bars(frame, _domain(frame, start, stop))


def _domain(frame: pd.DataFrame, start: pd.Timestamp, stop: pd.Timestamp) -> Domain | None:
    """Room at the sides, but for one where bars reach the edge."""
    if frame.empty:
        return padded(start, stop)
    first, last = frame["begin"].min(), frame["end"].max()
    left, right = padded(first, last) or (first, last)
    reaches = frame["goes_on"].any() and last > first
    return first if frame["earlier"].any() else left, last if reaches else right


def _wall(moment: pd.Timestamp | None, frame: pd.DataFrame, otherwise: Any) -> Any:
    if moment is None:
        return otherwise
    return moment.tz_convert(frame["since"].dt.tz).tz_localize(None).tz_localize("UTC")
