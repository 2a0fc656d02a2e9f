"""What of a stretch of time is covered, and what of it is known to be missing, as rows a person can read.

Pure. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import pairwise
from typing import Final

from histlib.format.streams import is_net
from histlib.rules.coverage.coverage import Attestation, Coverage, Hole, Span
from histlib.values.times import HOUR, SECOND, format_time

#: Kind of a row → what it says.
KINDS: Final[dict[str, str]] = {
    "unreadable": "a damaged file or line",
    "unconverted": "a change that could not be converted",
    "undelivered": "changes that were captured but not delivered",
    "not_covered": "a time that no span covers",
    "stream": "a boundary between two streams",
    "table": "a boundary between two tables of this name",
    "net": "an export's window that the time begins or ends inside of: true only at its ends",
    "baseline": "a baseline that is not complete, and so does not exist",
}


@dataclass(frozen=True)
class Row:
    """A covered span, an export's window, or something missing; ``start`` and ``end`` None where not known."""

    kind: str
    start: int | None
    end: int | None
    detail: str
    file: str | None = None
    line: int | None = None


def span_rows(coverage: Coverage, first: int, last: int) -> list[Row]:
    """The spans within [first, last], kind ``attested`` or ``observed``, where the detail names the stream; and the
    exports' windows, kind ``net``, where it names the export."""
    inside = [
        span for span in _ordered(coverage) if not is_net(span.stream) and span.end >= first and span.start <= last
    ]
    rows = [Row(_right(coverage, span), max(span.start, first), min(span.end, last), span.stream) for span in inside]
    windows = sorted(coverage.net_windows(first, last), key=lambda window: (window.start, window.end, window.id))
    rows += [Row("net", max(one.start, first), min(one.end, last), f"export {one.id}") for one in windows]
    return sorted(rows, key=lambda row: (row.start or 0, row.end or 0, row.detail))


def missing_rows(
    coverage: Coverage, attestations: Sequence[Attestation], unfinished: Sequence[Hole], first: int, last: int
) -> list[Row]:
    """All that is known to be missing in [first, last], in order of time; what has no time comes first.

    ``attestations`` tell why a time is not covered. The last whole second counts as covered from its begin.
    """
    holes = [hole for hole in (*coverage.holes, *unfinished) if _inside(hole.start, hole.end, first, last)]
    rows = [
        *(Row(hole.kind, hole.start, hole.end, _of_item(hole), hole.file, hole.line) for hole in holes),
        *_uncovered(coverage, attestations, first, last),
        *(
            Row("net", max(one.start, first), min(one.end, last), f"within the export {one.id}")
            for one in coverage.cut_windows(first, last + 1)
        ),
    ]
    return sorted(rows, key=lambda row: (row.start or 0, row.end or 0, row.kind, row.file or "", row.line or 0))


def _right(coverage: Coverage, span: Span) -> str:
    return "attested" if coverage.is_attested(span) else "observed"


def _uncovered(coverage: Coverage, attestations: Sequence[Attestation], first: int, last: int) -> Iterator[Row]:
    spans = _ordered(coverage)
    if not spans:
        yield Row("not_covered", first, last, _why(coverage, attestations, first, last))
        return
    begin, end = spans[0].start, max(span.end for span in spans)
    if first < begin:
        until = min(begin, last)
        yield Row("not_covered", first, until, _before(coverage, attestations, first, until))
    for earlier, later in pairwise(spans):
        if earlier.end < later.start and (last <= earlier.end or later.start <= first):
            continue  # the time between the two lies outside
        start, stop = sorted((earlier.end, later.start))
        if _inside(start, stop, first, last):
            yield _boundary(earlier, later, attestations, (max(start, first), min(stop, last)))
    if last - last % SECOND > end:
        since = max(end, first)
        yield Row("not_covered", since, last, _after(coverage, attestations, since, last))


def _boundary(earlier: Span, later: Span, attestations: Sequence[Attestation], between: tuple[int, int]) -> Row:
    """Between two spans: what may have been lost there is not known."""
    if earlier.table_id != later.table_id:
        return Row("table", *between, f"table {earlier.table_id} became {later.table_id}: it was created anew")
    if earlier.stream != later.stream:
        return Row("stream", *between, f"stream {_label(earlier.stream)} ended, {_label(later.stream)} began")
    return Row("not_covered", *between, _attested_why(attestations, *between))


def _before(coverage: Coverage, attestations: Sequence[Attestation], first: int, until: int) -> str:
    if coverage.horizon is not None and first < coverage.horizon:
        return f"files of the landing from before {_utc(coverage.horizon)} are no longer there, or may not be"
    return _why(coverage, attestations, first, until) if coverage.attested else "before the first change"


def _after(coverage: Coverage, attestations: Sequence[Attestation], since: int, last: int) -> str:
    through = coverage.captured_through
    if through is not None and since >= through:
        return f"captured through {_utc(through)}: later changes may not have landed yet"
    return _why(coverage, attestations, since, last)


def _why(coverage: Coverage, attestations: Sequence[Attestation], start: int, end: int) -> str:
    if coverage.attested:
        return _attested_why(attestations, start, end)
    return "the history holds no change of a stream"


def _attested_why(attestations: Sequence[Attestation], start: int, end: int) -> str:
    """Why attestations do not cover a time: those of it that are not whole, or that there are too few."""
    inside = [one for one in attestations if start <= one.attested_at <= end]
    if loss := _loss(attestations, start, end):
        return loss
    sick = [one for one in inside if not one.whole]
    if sick:
        more = f" (and {len(sick) - 1:,} more)" if len(sick) > 1 else ""
        return f"attested at {_utc(sick[0].attested_at)}: {', '.join(_symptoms(sick[0]))}{more}"
    if len({one.mapping for one in inside}) > 1:
        return "the stream's mapping was replaced"
    if not inside:
        return "no attestation"
    return f"no two attestations of one pipeline within 24 h ({(end - start) / HOUR:,.1f} h)"


def _loss(attestations: Sequence[Attestation], start: int, end: int) -> str:
    """What was lost for good, as the attestations up to the end of a time without coverage, and the next, tell it."""
    for earlier, later in pairwise(attestations):
        if later.losses > earlier.losses and start <= later.attested_at and earlier.attested_at <= end:
            told = f": {'; '.join(later.problems)}" if later.problems else ""
            return f"attested at {_utc(later.attested_at)} that changes were lost for good{told}"
    return ""


def _symptoms(attestation: Attestation) -> Iterator[str]:
    if attestation.problems:
        yield from attestation.problems
        return
    if attestation.undelivered:
        yield f"{attestation.undelivered:,} undelivered"
    if attestation.mapping_state != "Enabled":
        yield f"mapping {attestation.mapping_state}"
    if not attestation.healthy:
        yield "not healthy"


def _of_item(hole: Hole) -> str:
    return hole.detail if hole.keys is None else f"{hole.detail}; of {hole.keys}"


def _inside(start: int | None, end: int | None, first: int, last: int) -> bool:
    return (start is None or start <= last) and (end is None or end >= first)


def _ordered(coverage: Coverage) -> list[Span]:
    return sorted(coverage.spans, key=lambda span: (span.start, span.end, span.stream))


def _label(stream: str) -> str:
    return stream.rpartition("/stream/")[2] or "without a name"


def _utc(micros: int) -> str:
    return format_time(micros, UTC)
