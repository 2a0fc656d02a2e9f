"""The answer to "was anything lost?": what of a time is covered, by what right, and what is known to be missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

import pandas as pd

from histlib import markup
from histlib.answers.frames import SHOWN_ROWS, ResultFrame, texts, times
from histlib.answers.state import Origin
from histlib.rules.caveats import Caveat
from histlib.rules.coverage.rows import KINDS, Row

#: Columns of ``spans`` and ``holes``: name → what it holds.
COLUMNS: Final[dict[str, str]] = {
    "kind": "of a span attested, observed or net (an export's window); of a hole unreadable, unconverted, undelivered, "
    "not_covered, stream, table, net or baseline",
    "start": "first instant, datetime64[us, tz]; NaT where not known (it may be any time)",
    "end": "last instant; NaT where not known",
    "detail": "of a span the stream's ARN; of a hole what is known of it",
    "file": "the object that it is about; NA where there is none",
    "line": "Int64, line of the file; NA: the whole file, or none",
}

_GAPS_ELSEWHERE = (
    "a change that is missing from one item's chain shows there, as its caveat gap: it is not counted here"
)


@dataclass(frozen=True, repr=False)
class CoverageReport:
    """What is known of a time: start ≤ t < end.

    Attributes:
        start, end: the time asked for (aware); by default from the first change, or where coverage begins, to
            ``captured_through``.
        complete: whether one span covers all of it and nothing of it is known to be missing. Where completeness is
            ``observed`` that is no proof. A baseline that is not complete does not count.
        completeness: ``attested`` where attestations prove it complete, else ``observed``.
        captured_through: up to when all changes have landed (aware), None where nothing is known to have.
        spans: a row per covered span, columns :data:`COLUMNS`.
        holes: a row per thing known to be missing, the same columns.
        caveats: ``outside_coverage``, ``unreadable_files``, ``not_settled`` where they apply.
        origin: the table and the source.
    """

    start: datetime
    end: datetime
    complete: bool
    completeness: str
    captured_through: datetime | None
    spans: ResultFrame
    holes: ResultFrame
    caveats: tuple[Caveat, ...]
    origin: Origin

    @property
    def attrs(self) -> dict[str, Any]:
        """``{"histlib": …}`` as a result table has it: what this speaks of, its completeness and caveats."""
        return {"histlib": self.holes.attrs["histlib"]}

    def __repr__(self) -> str:
        lines = [f"{self._title()}: {self._status()}", *(f"  {line}" for line in self._lines())]
        for name, frame in (("covered", self.spans), ("missing", self.holes)):
            if len(frame):
                lines += [f"  {name}:", *(f"    {line}" for line in _table(frame))]
        return "\n".join([*lines, *(f"  ! {warning!r}" for warning in self.caveats)])

    def _repr_html_(self) -> str:
        warnings = [repr(caveat) for caveat in self.caveats]
        card = markup.card(self._title(), self._status(), self._lines(), [], warnings)
        frames = [("covered", self.spans), ("missing", self.holes)]
        return card + "".join(_html(name, frame) for name, frame in frames if len(frame))

    def _title(self) -> str:
        return markup.one_line(f"coverage of {self.origin.table} from {_time(self.start)} to {_time(self.end)}")

    def _status(self) -> str:
        return "complete" if self.complete else "not complete"

    def _lines(self) -> list[str]:
        through = "nothing known to have landed" if self.captured_through is None else _time(self.captured_through)
        return [
            self._verdict(),
            _GAPS_ELSEWHERE,
            f"{self.completeness} · captured through {through}",
            markup.one_line(str(self.origin)),
        ]

    def _verdict(self) -> str:
        """Was anything lost, in words."""
        if self.complete and self.completeness == "attested":
            return "nothing was lost: the pipeline attests that it captured all of this time"
        if self.complete:
            return (
                "nothing is known to be missing, but no attestation proves it: a change may be missing without a trace"
            )
        counts = Counter(self.holes["kind"])
        told = [f"{KINDS[kind]} ({counts[kind]:,})" for kind in KINDS if counts[kind] and kind != "baseline"]
        return f"changes may be missing: {'; '.join(told)}"


def report_frame(rows: Sequence[Row], tz: tzinfo, attrs: dict[str, Any]) -> ResultFrame:
    """The columns :data:`COLUMNS` of spans or of what is missing."""
    frame = ResultFrame(
        {
            "kind": texts([row.kind for row in rows]),
            "start": times([row.start for row in rows], tz),
            "end": times([row.end for row in rows], tz),
            "detail": texts([row.detail for row in rows]),
            "file": texts([row.file for row in rows]),
            "line": pd.array([row.line for row in rows], dtype="Int64"),
        }
    )
    frame.attrs["histlib"] = attrs
    return frame


def _table(frame: ResultFrame) -> list[str]:
    names, rows = _shown(frame)
    return [*markup.text_table(names, rows), *_more(frame)]


def _html(name: str, frame: ResultFrame) -> str:
    return markup.table([name], *_shown(frame), _more(frame))


def _shown(frame: ResultFrame) -> tuple[list[str], list[list[str]]]:
    """Names and texts of the first rows, without columns that have nothing to say; details in full."""
    names = [name for name in frame.columns if name not in ("file", "line") or frame[name].notna().any()]
    head = frame[names].head(SHOWN_ROWS)
    return names, [["" if pd.isna(cell) else markup.one_line(str(cell)) for cell in row] for row in head.to_numpy()]


def _more(frame: ResultFrame) -> list[str]:
    return [f"… {len(frame) - SHOWN_ROWS:,} more of {len(frame):,} rows"] if len(frame) > SHOWN_ROWS else []


def _time(moment: datetime) -> str:
    return moment.isoformat(sep=" ")
