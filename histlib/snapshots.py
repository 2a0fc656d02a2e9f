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

from histlib.baselines import Manifest
from histlib.caveats import MEANINGS, to_cell
from histlib.coverage import Coverage
from histlib.reconstruct import Finding
from histlib.times import SECOND

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

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Times = np.ndarray[Any, np.dtype[np.int64]]


def states_around(around: pa.Table, moment: int, coverage: Coverage) -> pa.Table:
    """The states (:data:`SCHEMA`) of the items in the rows around a moment, none of them odd."""
    after_change = around.filter(pc.is_valid(around.column("effective")))
    before_change = around.filter(pc.is_null(around.column("effective")))
    return pa.concat_tables(
        [_after_change(after_change, moment, coverage), _before_change(before_change, moment, coverage)]
    )


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


def missed_by_baselines(around: pa.Table, baselines: Sequence[Manifest]) -> pa.Array:
    """A mask of the rows around a moment, none of them odd, that :func:`histlib.reconstruct.state_at` must decide.

    An item with a baseline's row is odd; so every complete baseline lacks these, and where one was read between the
    two changes, it may tell that the item was not there.
    """
    ends = np.iinfo(np.int64)
    before = pc.fill_null(around.column("effective"), ends.min).to_numpy()
    after = pc.fill_null(around.column("next_effective"), ends.max).to_numpy()
    found = np.zeros(around.num_rows, dtype=bool)
    for baseline in baselines:
        found |= (before <= baseline.read_end) & (after >= baseline.read_begin)
    return pa.array(found)


def _after_change(around: pa.Table, moment: int, coverage: Coverage) -> pa.Table:
    """The last change up to the moment tells."""
    silence = _Silence(around, "", _times(around, "effective"), _constant(around, moment), moment, coverage)
    caveats = silence.caveats() | {
        "redacted": _mask(pc.is_valid(around.column("redaction"))),
        "gap": _mask(pc.equal(around.column("link"), "gap")),
        "chain_unproven": _mask(pc.equal(around.column("link"), "unproven")),
    }
    removed = _mask(pc.equal(around.column("action"), "REMOVE"))
    return _states(
        around,
        status=np.where(removed, "deleted", "present"),
        evidence="change",
        since=around.column("effective"),
        image=pc.if_else(pa.array(removed), None, around.column("new_image")),
        caveats=caveats,
        attested=silence.attested(caveats),
    )


def _before_change(around: pa.Table, moment: int, coverage: Coverage) -> pa.Table:
    """There is none up to the moment: the first one after it tells, if the time between is covered."""
    silence = _Silence(around, "next_", _constant(around, moment), _times(around, "next_effective"), moment, coverage)
    caveats = silence.caveats() | {"redacted": _mask(pc.is_valid(around.column("next_redaction")))}
    unknown = caveats["outside_coverage"]
    there = _mask(pc.is_valid(around.column("next_old_image")))
    return _states(
        around,
        status=np.where(unknown, "unknown", np.where(there, "present", "absent")),
        evidence=pc.if_else(pa.array(unknown), None, "next_change"),
        since=pa.nulls(around.num_rows, pa.int64()),
        until=pc.if_else(pa.array(unknown), None, around.column("next_effective")),
        image=pc.if_else(pa.array(unknown), None, around.column("next_old_image")),
        caveats=caveats,
        attested=silence.attested(caveats) & ~unknown,
    )


def _states(around: pa.Table, *, status: Any, evidence: Any, since: Any, **columns: Any) -> pa.Table:
    texts = pa.array([evidence] * around.num_rows, pa.string()) if isinstance(evidence, str) else evidence
    found = {
        "keys": around.column("keys"),
        "status": pa.array(status.astype(object), pa.string()),
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


@dataclass(frozen=True)
class _Silence:
    """Why it is not certain that items did not change within [start, end], for all of them at once."""

    around: pa.Table
    prefix: str
    start: Times
    end: Times
    moment: int
    coverage: Coverage

    def caveats(self) -> dict[str, Mask]:
        found = {"unreadable_files": self._none(), "outside_coverage": ~self._covered & ~self._same_second()}
        last = np.where(self.end % SECOND == 0, self.end + SECOND - 1, self.end)
        for hole in self.coverage.holes:
            touched = np.ones(len(self.start), dtype=bool)
            if hole.keys is not None:
                touched &= _mask(pc.equal(self.around.column("keys"), hole.keys))
            if hole.start is not None:
                touched &= hole.start <= last
            if hole.end is not None:
                touched &= hole.end >= self.start
            found["unreadable_files" if hole.kind == "unreadable" else "outside_coverage"] |= touched
        return found | {"not_settled": ~self._settled}

    def attested(self, caveats: dict[str, Mask]) -> Mask:
        """Whether attestations prove that all of it has landed."""
        if not self.coverage.attested:
            return self._none()
        doubtful: Mask = np.logical_or.reduce([caveats[name] for name in _DOUBTFUL if name in caveats])
        return ~doubtful & self._settled & self._covered

    @cached_property
    def _settled(self) -> Mask:
        through = self.coverage.captured_through
        return self._none() if through is None else self.end <= through

    @cached_property
    def _covered(self) -> Mask:
        through = self.coverage.captured_through
        covered = self._none()
        if through is None:
            return covered
        start, end = np.minimum(self.start, through), np.minimum(self.end, through)
        streams = self.around.column(f"{self.prefix}stream")
        for stream in pc.unique(streams).to_pylist():
            own = self._none()
            for span in self.coverage.spans:
                if span.stream == stream:
                    own |= (span.start <= start) & (end <= span.end)
            covered |= own & _mask(pc.equal(streams, stream))
        return covered

    def _same_second(self) -> Mask:
        """Asked for the very second of the last change: no silence to prove."""
        return self._none() if self.prefix else self.start // SECOND == self.end // SECOND

    def _none(self) -> Mask:
        return np.zeros(len(self.start), dtype=bool)


def _times(table: pa.Table, name: str) -> Times:
    times: Times = pc.fill_null(table.column(name), 0).to_numpy()
    return times


def _constant(table: pa.Table, moment: int) -> Times:
    return np.full(table.num_rows, moment, dtype=np.int64)


def _mask(values: Any) -> Mask:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask
