"""The question of what a history covers: was anything lost?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from histlib.questions.asking import Asking
from histlib.questions.facts import Facts
from histlib.rules import doubt
from histlib.rules.caveats import in_order
from histlib.rules.coverage.rows import missing_rows, span_rows
from histlib.values.times import SECOND, TimeRange, from_micros, now_micros, parse_range

if TYPE_CHECKING:
    from histlib.answers.coverage import CoverageReport


class CoverageQuestion(Asking):
    """``coverage``."""

    def coverage(self, start: Any = None, end: Any = None) -> CoverageReport:
        """What of a time is covered, and what of it is known to be missing: was anything lost?

        Args:
            start, end: start ≤ time < end; a date as end includes that day. Default: from the first change, or from
                where coverage begins, through what has been captured.

        Raises:
            TimeNotValidError: not a range.
            SourceError: the history cannot be read.
        """
        from histlib.answers.coverage import CoverageReport, report_frame

        facts = self._facts()
        window = parse_range(start, end, self._tz)
        first, last = _asked(window, facts)
        spans = span_rows(facts.coverage, first, last)
        holes = missing_rows(facts.coverage, facts.attestations, facts.unfinished, first, last)
        complete = all(row.kind == "baseline" for row in holes)
        caveats = in_order(doubt.of_coverage([row.kind for row in holes], first, last, facts.coverage))
        proven = complete and facts.coverage.attests(first, last - last % SECOND)
        completeness = doubt.completeness(caveats, proven=proven)
        origin = self._origin(facts)
        begin = from_micros(first, self._tz)
        until = from_micros(window.end if window.explicit_end else last, self._tz)
        attrs = origin.attrs(f"coverage of {origin}", self._tz, completeness, caveats)
        attrs |= {"start": begin.isoformat(sep=" "), "end": until.isoformat(sep=" "), "complete": complete}
        attrs |= {"end_clipped": window.clipped}
        return CoverageReport(
            start=begin,
            end=until,
            complete=complete,
            completeness=completeness,
            captured_through=origin.captured_through,
            spans=report_frame(spans, self._tz, {**attrs, "heading": f"covered of {origin}"}),
            holes=report_frame(holes, self._tz, {**attrs, "heading": f"missing of {origin}"}),
            caveats=caveats,
            origin=origin,
        )


def _asked(window: TimeRange, facts: Facts) -> tuple[int, int]:
    """First and last instant of the time asked for; a side left open is where the history begins or ends."""
    coverage = facts.coverage
    begins = [stream.first for stream in facts.streams]
    begins += [coverage.earliest] if coverage.earliest is not None else []
    ends = [coverage.captured_through] if coverage.captured_through is not None else []
    ends = ends or [stream.last for stream in facts.streams] or [now_micros()]
    last = window.end - 1 if window.explicit_end else max(ends)
    if not window.explicit_start:
        return min([*begins, last]), last
    return window.start, last if window.explicit_end or last >= window.start else window.end - 1
