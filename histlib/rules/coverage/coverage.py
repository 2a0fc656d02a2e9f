"""Coverage: for which spans silence means that nothing happened, and what is known to be missing.

Landing proves changes; only an attestation proves silence. Where a history has attestations, the spans
between them are covered; where it has none at all, the span from the first to the last change of each stream
counts as covered, and answers say ``observed``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import msgspec

from histlib.format.streams import BACKFILL_PREFIX as STREAM_PREFIX
from histlib.format.streams import is_net, is_old_format, lane
from histlib.rules.coverage.net_windows import Window, at_an_end, joined
from histlib.values.times import DAY, HOUR, SECOND, end_of_second, second_of

#: Later than any time, epoch µs; it fits into 63 bits with room to spare.
FOREVER: Final = 1 << 62


class Attestation(msgspec.Struct, frozen=True):
    """What the attesting job wrote: at ``attested_at`` (epoch µs) the pipeline was so.

    ``iterator_age_ms`` and ``firehose_freshness_s`` tell how far behind the landing then was.
    """

    attested_at: int
    table: str
    stream: str
    view: str
    mapping: str
    mapping_state: str
    iterator_age_ms: int
    firehose_freshness_s: int
    undelivered: int
    healthy: bool
    table_id: str | None = None
    redaction: str | None = None
    key_schema: list[dict[str, str]] = []
    retention_days: int | None = None
    """After how many days the landing's objects expire; 0: never; None: not known."""
    losses: int = 0
    """How often, up to then, the job noticed that changes were lost for good."""
    problems: list[str] = []
    """Why it is not healthy, in words."""

    @property
    def whole(self) -> bool:
        """Healthy, with nothing undelivered."""
        return self.healthy and self.mapping_state == "Enabled" and self.undelivered == 0

    @property
    def captured_through(self) -> int:
        """Up to when (epoch µs) all changes had landed."""
        return self.attested_at - self.iterator_age_ms * 1_000 - self.firehose_freshness_s * 1_000_000

    def continues(self, earlier: Attestation) -> bool:
        """Whether nothing can be lost between the two: one pipeline, no loss noticed, and what had not landed at the
        earlier one was still in the stream at the later one, which keeps changes for 24 h."""
        return self.attested_at - earlier.captured_through <= DAY and self._line() == earlier._line()

    def _line(self) -> tuple[str | int | None, ...]:
        return self.table, self.table_id, self.stream, self.view, self.mapping, self.losses


@dataclass(frozen=True)
class Stream:
    """One stream as the landing shows it: its ARN and the times of its first and last change."""

    arn: str
    first: int
    last: int


@dataclass(frozen=True)
class Span:
    """Covered from ``start`` to ``end`` (epoch µs, both included) by one stream."""

    start: int
    end: int
    stream: str
    table_id: str | None = None


@dataclass(frozen=True)
class Hole:
    """Something known to be missing; ``start`` and ``end`` None where its time is not known.

    ``kind``: ``unreadable`` (a damaged file or line), ``unconverted`` (a change under ``failed/records``),
    ``undelivered`` (whole batches). ``keys`` where it is known to be of one item.
    """

    kind: str
    start: int | None
    end: int | None
    detail: str
    file: str
    line: int | None = None
    keys: str | None = None

    def touches(self, start: int, end: int, keys: str | None) -> bool:
        """Whether it may hide a change of this item (None: of any) in [start, end]."""
        if None not in (self.keys, keys) and self.keys != keys:
            return False
        return (self.start is None or self.start <= end) and (self.end is None or self.end >= start)

    def __str__(self) -> str:
        line = "" if self.line is None else f" line {self.line}"
        return f"{self.kind}: {self.file}{line} ({self.detail})"


@dataclass(frozen=True)
class Coverage:
    """What is covered, by what right, and what is known to be missing.

    ``horizon`` (epoch µs): landing objects of changes before it may have expired, so nothing is covered there.
    """

    spans: tuple[Span, ...]
    holes: tuple[Hole, ...]
    captured_through: int | None
    attested: bool
    horizon: int | None = None
    windows: tuple[Window, ...] = ()
    """Complete incremental exports: net changes."""
    read_seconds: tuple[tuple[int, int], ...] = ()
    """The seconds (first and last instant) in which baselines were read, where they count as covered."""

    @property
    def earliest(self) -> int | None:
        """Where coverage begins (epoch µs)."""
        return min((span.start for span in self.spans), default=None)

    def settled(self, moment: int) -> bool:
        """Whether all changes up to the moment have landed, as far as is known: those of a whole second up to its end,
        since a change made in it after the attestation would bear its stamp. Without attestations the last change's
        second is settled as a whole, but no instant within it."""
        through = self.captured_through
        if through is None:
            return False
        if self.attested:
            return end_of_second(moment) <= through
        return moment <= through or moment == second_of(through)[1]

    @property
    def _settled_through(self) -> int:
        """The last instant up to which all is settled, whole seconds and parts of them."""
        through = self.captured_through
        if through is None:
            return -FOREVER
        begin, end = second_of(through)
        return through if through == end else begin - 1 if self.attested else end

    def covers(self, start: int, end: int, stream: str | None = None) -> bool:
        """Whether one span (of that stream, where given) covers [start, end].

        What lies past ``captured_through`` is a matter of :meth:`settled`, not of this.
        """
        if self.captured_through is None:
            return False
        start, end = min(start, self.captured_through), min(end, self.captured_through)
        spans = ((span.start, self.last_of(span)) for span in self.spans_of(stream))
        return any(first <= start and end <= last for first, last in (*spans, *self.read_seconds))

    def spans_of(self, stream: str | None) -> list[Span]:
        """The spans of a stream; None: all."""
        return [span for span in self.spans if stream is None or span.stream == lane(stream)]

    def last_of(self, span: Span) -> int:
        """The last instant that a span covers: without attestations all of its last change's second."""
        if self.is_attested(span) or is_net(span.stream):
            return span.end
        return second_of(span.end)[1]

    def span_around(self, moment: int, stream: str | None) -> int | None:
        """Where the span of a stream that holds a moment begins (epoch µs)."""
        found = (span.start for span in self.spans if span.stream == lane(stream) and span.start <= moment <= span.end)
        return min(found, default=None)

    def attests(self, start: int, end: int, stream: str | None = None) -> bool:
        """Whether attestations prove that all of [start, end] has landed."""
        return self.settled(end) and any(
            span.start <= start and end <= span.end and self.is_attested(span) for span in self.spans_of(stream)
        )

    def is_attested(self, span: Span) -> bool:
        """Whether attestations cover this span: what came in format 0 or by an export is but observed."""
        return self.attested and not _only_observed(span.stream)

    def last_instant(self, moment: int) -> int:
        """The last time that a state at a moment counts: the end of a whole second, but at an end of an export's
        window, where all is known, that instant itself."""
        return moment if at_an_end(self.windows, moment) else end_of_second(moment)

    def net_window(self, moment: int) -> Window | None:
        """The export's window that alone tells of a moment strictly inside it."""
        return next(iter(self.net_windows(moment, moment)), None)

    def net_windows(self, first: int, last: int) -> list[Window]:
        """The exports' windows that alone tell of some moment of [first, last] strictly inside them."""
        found = [window for window in self.windows if window.start < last and first < window.end]
        return [window for window in found if not self._streamed(max(first, window.start), min(last, window.end))]

    def cut_windows(self, first: int, last: int) -> list[Window]:
        """Those of them that [first, last] begins or ends strictly inside of."""
        ends = (self.net_window(first), self.net_window(last))
        return list(dict.fromkeys(window for window in ends if window is not None))

    def silent_around(self, moment: int, stream: str | None, near: int = 0) -> tuple[int, int]:
        """Around a moment, from when to when it is certain that nothing of a stream (None: of any) is missing, with
        nothing known to be missing within ``near`` of it; an empty time, from late to early, where it is not."""
        through = moment if self.captured_through is None else min(moment, self.captured_through)
        around = [span for span in self.spans_of(stream) if span.start <= through <= self.last_of(span)]
        since = min((span.start for span in around), default=FOREVER)
        until = max((min(self.last_of(span), self._settled_through) for span in around), default=-FOREVER)
        for hole in self.holes:
            if hole.start is None or hole.start <= moment:
                since = max(since, FOREVER if hole.end is None else hole.end + near + SECOND)
            if hole.end is None or hole.end >= moment:
                until = min(until, -FOREVER if hole.start is None else hole.start - near - SECOND)
        return since, until

    def _streamed(self, first: int, last: int) -> bool:
        """Whether one span of a stream tells of all of [first, last]."""
        return any(span.start <= first and last <= span.end for span in self.spans if not _only_observed(span.stream))

    def holes_in(self, start: int, end: int, keys: str | None) -> list[Hole]:
        """What may hide a change of this item in [start, end]; None: of any."""
        return [hole for hole in self.holes if hole.touches(start, end, keys)]


def build_coverage(
    streams: Sequence[Stream],
    attestations: Sequence[Attestation] | None,
    holes: tuple[Hole, ...],
    first_day: int | None = None,
    *,
    windows: tuple[Window, ...] = (),
) -> Coverage:
    """The coverage of a history. ``attestations`` is None where it has none at all; an empty list covers nothing.

    Attestations say nothing of changes in format 0 and of exports, which stay observed. ``first_day`` is the first
    dateday (its begin, epoch µs) of which the landing still has a file.
    """
    holes = tuple(sorted(holes, key=lambda hole: (hole.start or 0, hole.end or 0, hole.file, hole.line or 0)))
    streamed = (Span(stream.first, stream.last, stream.arn) for stream in streams if not is_net(stream.arn))
    found = sorted(streamed, key=lambda span: (span.start, span.end, span.stream))  # engines tell streams in any order
    observed = (*found, *(Span(start, end, STREAM_PREFIX) for start, end in joined(windows)))
    if attestations is None:
        last = max((span.end for span in observed), default=None)
        return Coverage(observed, holes, last, attested=False, windows=windows)
    whole = sorted((a for a in attestations if a.whole), key=lambda attestation: attestation.attested_at)
    through = whole[-1].captured_through if whole else None
    horizon = retention_horizon(attestations, first_day)
    beside = tuple(span for span in observed if _only_observed(span.stream))
    spans = (*beside, *_from_horizon(_attested_spans(whole), horizon))
    return Coverage(spans, holes, through, attested=True, horizon=horizon, windows=windows)


def _only_observed(stream: str) -> bool:
    return is_old_format(stream) or is_net(stream)


def retention_horizon(attestations: Sequence[Attestation], first_day: int | None) -> int | None:
    """Before when (epoch µs) landing objects may have expired, so that attestations prove no silence any more.

    A dateday before the landing's first has no files, or none any more, and which of the two cannot be seen, except
    where the capture began on that first day. Its files hold nothing that came before it; but the file of the day
    before it may reach an hour into it. A file written into an old day later may outlive its neighbours: only where
    attestations say after how many days objects expire does that not matter.
    """
    if not attestations:
        return None
    first, last = attestations[0].attested_at, attestations[-1].attested_at
    retention = next((a.retention_days for a in reversed(attestations) if a.retention_days is not None), None)
    if retention == 0:
        return None
    horizons = [] if retention is None else [last - retention * DAY]
    if first_day is not None and first_day > first:
        horizons.append(first_day + HOUR)
    return max((horizon for horizon in horizons if horizon > first), default=None)


def read_attestation(text: str) -> Attestation:
    """The attestation in a JSON text.

    Raises:
        ValueError: not an attestation (msgspec's errors are ValueErrors).
    """
    return _attestations.decode(text)


def read_attestations(text: str) -> list[Attestation]:
    """The attestations in an object's text: one, or one a line. What is none attests nothing, and is left out."""
    with suppress(ValueError):
        return [read_attestation(text)]
    found = []
    for line in text.splitlines():
        with suppress(ValueError):
            found.append(read_attestation(line))
    return found


def _attested_spans(whole: Sequence[Attestation]) -> tuple[Span, ...]:
    spans: list[Span] = []
    goes_on = False  # whether the last span ends with ``earlier``: its time alone may be that of another pipeline too
    for earlier, later in pairwise(whole):
        if not later.continues(earlier):
            goes_on = False
            continue
        start, goes_on = spans.pop().start if goes_on else earlier.attested_at, True
        spans.append(Span(start, later.captured_through, later.stream, later.table_id))
    return tuple(span for span in spans if span.start <= span.end)


def _from_horizon(spans: Sequence[Span], horizon: int | None) -> tuple[Span, ...]:
    if horizon is None:
        return tuple(spans)
    return tuple(replace(span, start=max(span.start, horizon)) for span in spans if span.end >= horizon)


_attestations = msgspec.json.Decoder(Attestation)
