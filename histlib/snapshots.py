"""States of many items at one time, decided for all of them at once by the rules of :mod:`histlib.reconstruct`.

Pure. It takes what :class:`histlib.queries.Around` yields of the items that are not odd; a test holds it equal to
:func:`histlib.reconstruct.state_at`. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.baselines import NEAR
from histlib.caveats import MEANINGS, to_cell
from histlib.coverage import Coverage, Span
from histlib.masks import Mask, mask
from histlib.reconstruct import Finding
from histlib.times import SECOND, end_of_second

#: States: ``since`` and ``until`` int64, null where open or not known; ``image`` null unless present.
SCHEMA: Final = pa.schema(
    [
        ("keys", pa.string()),
        ("status", pa.string()),
        ("evidence", pa.string()),
        ("since", pa.int64()),
        ("until", pa.int64()),
        ("image", pa.string()),
        ("caveats", pa.string()),
        ("attested", pa.bool_()),
    ]
)

_NAMES: Final = list(MEANINGS)
_DOUBTFUL: Final = ("outside_coverage", "unreadable_files", "gap", "not_settled")

Times = np.ndarray[Any, np.dtype[np.int64]]
#: States, and which of them are cut off: the time up to the moment is not covered, or holds a hole.
_Decided = tuple[pa.Table, Mask]


def states_around(around: pa.Table, moment: int, coverage: Coverage) -> tuple[pa.Table, list[str]]:
    """The states (:data:`SCHEMA`) of the items in the rows around a moment, none of them odd; and the keys of those
    left open: cut off from what is known before the moment, so that what comes after may decide."""
    seen = pc.is_valid(around.column("seen_begin"))
    before = pc.fill_null(pc.less_equal(around.column("seen_begin"), end_of_second(moment)), False)
    changed = pc.is_valid(around.column("effective"))
    kinds = (
        (_after_sighting, before),
        (_before_sighting, pc.and_(seen, pc.invert(before))),
        (_after_change, pc.and_(changed, pc.invert(seen))),
        (_before_change, pc.invert(pc.or_(changed, seen))),
    )
    found, left_open = [], []
    for decide, mine in kinds:
        rows = around.filter(mine)
        states, cut_off = decide(rows, moment, coverage)
        left = cut_off & mask(rows.column("later"))
        found.append(states.filter(pa.array(~left)))
        left_open += rows.column("keys").filter(pa.array(left)).to_pylist()
    return pa.concat_tables(found), left_open


def states_of(findings: Sequence[tuple[str, Finding]]) -> pa.Table:
    """The same table from findings, one by one: (key text, finding)."""
    rows = [
        (
            keys,
            finding.status,
            finding.evidence,
            finding.since,
            finding.until,
            finding.image,
            to_cell(finding.caveats),
            finding.completeness == "attested",
        )
        for keys, finding in findings
    ]
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA.names)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def _after_change(around: pa.Table, moment: int, coverage: Coverage) -> _Decided:
    """The last change up to the moment tells."""
    start, end = _times(around, "effective"), _constant(around, moment)
    silence = _Silence(around, start, end, start, end, coverage, around.column("stream"), same=_one_second(start, end))
    caveats = silence.caveats() | {
        "redacted": mask(pc.is_valid(around.column("redaction"))),
        "gap": mask(pc.equal(around.column("link"), "gap")),
        "chain_unproven": mask(pc.equal(around.column("link"), "unproven")),
    }
    removed = mask(pc.equal(around.column("action"), "REMOVE"))
    states = _states(
        around,
        status=np.where(removed, "deleted", "present"),
        evidence="change",
        since=around.column("effective"),
        image=pc.if_else(pa.array(removed), None, around.column("new_image")),
        caveats=caveats,
        attested=silence.attested(caveats),
    )
    return states, _cut_off(caveats)


def _before_change(around: pa.Table, moment: int, coverage: Coverage) -> _Decided:
    """There is none up to the moment: the first one after it tells, if the time between is covered."""
    start, end = _constant(around, moment), _times(around, "next_effective")
    silence = _Silence(around, start, end, start, end, coverage, around.column("next_stream"), same=_never(start))
    caveats = silence.caveats() | {"redacted": mask(pc.is_valid(around.column("next_redaction")))}
    image = around.column("next_old_image")
    return _if_covered(around, image, silence, caveats, ("next_change", around.column("next_effective")))


def _after_sighting(around: pa.Table, moment: int, coverage: Coverage) -> _Decided:
    """A baseline saw the item after its last change."""
    start, seen_end = _times(around, "seen_begin"), _times(around, "seen_end")
    end = np.maximum(seen_end, moment)
    first, last = start - NEAR, np.maximum(end, seen_end + NEAR)
    silence = _Silence(around, start, end, first, last, coverage, None, same=_one_second(start, end))
    caveats = silence.caveats() | {"redacted": mask(pc.is_valid(around.column("seen_redaction")))}
    image, changed = around.column("seen_image"), pc.is_valid(around.column("effective"))
    without = pc.if_else(changed, "deleted", "absent")
    step = pa.array(_surely_set(around, seen_end, coverage))
    states = _states(
        around,
        status=pc.if_else(pc.is_valid(image), "present", without),
        evidence=pc.if_else(step, "change", "baseline"),
        since=pc.if_else(step, around.column("effective"), None),
        image=image,
        caveats=caveats,
        attested=silence.attested(caveats),
    )
    return states, _cut_off(caveats)


def _surely_set(around: pa.Table, seen_end: Times, coverage: Coverage) -> Mask:
    """Whether the last change set what was seen: nothing may have come between."""
    changed = _times(around, "effective")
    way = _Silence(
        around, changed, seen_end, changed, seen_end, coverage, around.column("stream"), same=_never(changed)
    )
    surely = mask(around.column("set_seen")) & way.covered
    for touched in way.holes(changed, seen_end).values():
        surely &= ~touched
    return surely


def _before_sighting(around: pa.Table, moment: int, coverage: Coverage) -> _Decided:
    """Nothing is known up to the moment, and a baseline saw the item before any change after it: it tells, if the time
    between is covered."""
    start, end = _constant(around, moment), _times(around, "seen_end")
    first, last = np.minimum(start, _times(around, "seen_begin") - NEAR), end + NEAR
    silence = _Silence(around, start, end, first, last, coverage, None, same=_one_second(start, end))
    caveats = silence.caveats() | {"redacted": mask(pc.is_valid(around.column("seen_redaction")))}
    evidence = ("baseline", around.column("next_effective"))
    return _if_covered(around, around.column("seen_image"), silence, caveats, evidence)


def _if_covered(
    around: pa.Table, image: pa.ChunkedArray, silence: _Silence, caveats: dict[str, Mask], evidence: tuple[str, Any]
) -> _Decided:
    """States told by what comes after the moment, unknown where the time up to it is not covered. Nothing else could
    tell of these: none is cut off."""
    unknown = caveats["outside_coverage"]
    by, until = evidence
    told = pa.array(~unknown)
    states = _states(
        around,
        status=np.where(unknown, "unknown", np.where(mask(pc.is_valid(image)), "present", "absent")),
        evidence=pc.if_else(told, by, None),
        since=pa.nulls(around.num_rows, pa.int64()),
        until=pc.if_else(told, until, None),
        image=pc.if_else(told, image, None),
        caveats=caveats,
        attested=silence.attested(caveats) & ~unknown,
    )
    return states, _never(unknown)


def _states(around: pa.Table, *, status: Any, evidence: Any, since: Any, **columns: Any) -> pa.Table:
    texts = pa.array([evidence] * around.num_rows, pa.string()) if isinstance(evidence, str) else evidence
    found = {
        "keys": around.column("keys"),
        "status": pa.array(status.astype(object), pa.string()) if isinstance(status, np.ndarray) else status,
        "evidence": texts,
        "since": since,
        "until": columns.get("until", around.column("next_effective")),
        "image": columns["image"],
        "caveats": _cells(columns["caveats"], around.num_rows),
        "attested": pa.array(columns["attested"]),
    }
    return pa.table([found[name] for name in SCHEMA.names], names=SCHEMA.names).cast(SCHEMA)


def _cells(caveats: dict[str, Mask], rows: int) -> pa.Array:
    """The ``caveats`` texts from a mask for each name."""
    codes = np.zeros(rows, dtype=np.int64)
    for name, having in caveats.items():
        codes |= having.astype(np.int64) << _NAMES.index(name)
    different, places = np.unique(codes, return_inverse=True)
    texts = [to_cell(name for at, name in enumerate(_NAMES) if code >> at & 1) for code in different.tolist()]
    return pa.array(texts, pa.string()).take(pa.array(places))


def _ends_of_seconds(times: Times) -> Times:
    """As :func:`histlib.times.end_of_second`, of all at once."""
    ends: Times = np.where(times % SECOND == 0, times + SECOND - 1, times)
    return ends


@dataclass(frozen=True)
class _Silence:
    """Why it is not certain that items did not change within [start, end], for all of them at once.

    A hole counts that touches [first, last]. ``streams``: whose span must cover it; None: any one's. ``same``: asked
    for the very second of the last change or sighting, so that there is no silence to prove.
    """

    around: pa.Table
    start: Times
    end: Times
    first: Times
    last: Times
    coverage: Coverage
    streams: pa.ChunkedArray | None
    same: Mask

    def caveats(self) -> dict[str, Mask]:
        found = self.holes(self.first, _ends_of_seconds(self.last))
        found["outside_coverage"] |= ~self.covered & ~self.same
        return found | {"not_settled": ~self._settled}

    def holes(self, first: Times, last: Times) -> dict[str, Mask]:
        """The caveats of holes that touch [first, last]."""
        found = {"unreadable_files": self._none(), "outside_coverage": self._none()}
        for hole in self.coverage.holes:
            touched = ~self._none()
            if hole.keys is not None:
                touched &= mask(pc.equal(self.around.column("keys"), hole.keys))
            if hole.start is not None:
                touched &= hole.start <= last
            if hole.end is not None:
                touched &= hole.end >= first
            found["unreadable_files" if hole.kind == "unreadable" else "outside_coverage"] |= touched
        return found

    def attested(self, caveats: dict[str, Mask]) -> Mask:
        """Whether attestations prove that all of it has landed."""
        if not self.coverage.attested:
            return self._none()
        doubtful: Mask = np.logical_or.reduce([caveats[name] for name in _DOUBTFUL if name in caveats])
        return ~doubtful & self._settled & self.covered

    @cached_property
    def _settled(self) -> Mask:
        through = self.coverage.captured_through
        end = _ends_of_seconds(self.end) if self.coverage.attested else self.end
        return self._none() if through is None else end <= through

    @cached_property
    def covered(self) -> Mask:
        """Whether one span covers it."""
        through = self.coverage.captured_through
        if through is None:
            return self._none()
        if self.streams is None:
            return self._within(self.coverage.spans, through)
        covered = self._none()
        for stream in pc.unique(self.streams).to_pylist():
            own = self._within([span for span in self.coverage.spans if span.stream == stream], through)
            covered |= own & mask(pc.equal(self.streams, stream))
        return covered

    def _within(self, spans: Sequence[Span], through: int) -> Mask:
        start, end, found = np.minimum(self.start, through), np.minimum(self.end, through), self._none()
        for span in spans:
            found |= (span.start <= start) & (end <= span.end)
        return found

    def _none(self) -> Mask:
        return _never(self.start)


def _cut_off(caveats: dict[str, Mask]) -> Mask:
    return caveats["outside_coverage"] | caveats["unreadable_files"]


def _one_second(start: Times, end: Times) -> Mask:
    same: Mask = start // SECOND == end // SECOND
    return same


def _never(values: np.ndarray[Any, Any]) -> Mask:
    return np.zeros(len(values), dtype=bool)


def _times(table: pa.Table, name: str) -> Times:
    times: Times = pc.fill_null(table.column(name), 0).to_numpy()
    return times


def _constant(table: pa.Table, moment: int) -> Times:
    return np.full(table.num_rows, moment, dtype=np.int64)
