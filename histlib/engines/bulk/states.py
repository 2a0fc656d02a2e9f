"""States of many items at one time, decided for all of them at once by the rules of :mod:`histlib.rules.state`.

Pure. It takes what :class:`histlib.engines.queries.Around` yields of the items that are not odd; a test holds it equal
to :func:`histlib.rules.state.state_at`. What is doubtful :mod:`histlib.rules.doubt` says, once for all items of which
the times that matter lie alike between the times that it compares with. All times are epoch µs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from histlib.engines.bulk.arrays import Mask, mask
from histlib.rules import doubt
from histlib.rules.caveats import MEANINGS, to_cell
from histlib.rules.chain.chain import Link
from histlib.rules.coverage.baselines import NEAR, Sighting
from histlib.rules.coverage.coverage import Coverage
from histlib.rules.doubt import Silence
from histlib.rules.state import Finding
from histlib.values.times import SECOND

#: States: ``since`` and ``until`` int64, null where open or not known; ``image`` null unless present; ``holds``:
#: whether a condition holds of it, ``may`` whether it may all the same; both are ``present`` where there is none.
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
        ("holds", pa.bool_()),
        ("may", pa.bool_()),
    ]
)

_NAMES: Final = list(MEANINGS)

Times = np.ndarray[Any, np.dtype[np.int64]]
#: States, and which of them are cut off: the time up to the moment is not covered, or holds a hole.
_Decided = tuple[pa.Table, Mask]


def states_around(around: pa.Table, last: int, coverage: Coverage) -> tuple[pa.Table, list[str]]:
    """The states (:data:`SCHEMA`) of the items in the rows around a moment that ends with ``last``, none of them odd;
    and the keys of those left open: cut off from what is known before the moment, so that what comes after may decide.
    """
    seen = pc.is_valid(around.column("seen_begin"))
    before = pc.fill_null(pc.less_equal(around.column("seen_begin"), last), False)
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
        states, cut_off = decide(rows, last, coverage)
        left = cut_off & mask(rows.column("later"))
        found.append(states.filter(pa.array(~left)))
        left_open += rows.column("keys").filter(pa.array(left)).to_pylist()
    return pa.concat_tables(found), left_open


def states_of(findings: Sequence[tuple[str, Finding, bool, bool]]) -> pa.Table:
    """The same table from findings, one by one: (key text, finding, holds, may)."""
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
            holds,
            may,
        )
        for keys, finding, holds, may in findings
    ]
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA.names)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def _after_change(around: pa.Table, last: int, coverage: Coverage) -> _Decided:
    """The last change up to the moment tells."""
    silences = _Silences(
        around.column("keys"), _times(around, "effective"), _constant(around, last), coverage, around.column("stream")
    )
    links = {link.value: _bits(doubt.of_link(link, 0)) for link in Link}
    doubts = silences.doubts | _redacted(around.column("redaction")) | _mapped(around.column("link"), links)
    removed = mask(pc.equal(around.column("action"), "REMOVE"))
    states = _states(
        around,
        status=np.where(removed, "deleted", "present"),
        evidence="change",
        since=around.column("effective"),
        image=pc.if_else(pa.array(removed), None, around.column("new_image")),
        doubts=_at(last, doubts, coverage),
        proven=silences.proven,
    )
    return states, silences.cut_off


def _before_change(around: pa.Table, last: int, coverage: Coverage) -> _Decided:
    """There is none up to the moment: the first one after it tells, if the time between is covered."""
    start, end = _constant(around, last), _times(around, "next_effective")
    silences = _Silences(around.column("keys"), start, end, coverage, around.column("next_stream"))
    doubts = _at(last, silences.doubts | _redacted(around.column("next_redaction")), coverage)
    evidence = ("next_change", around.column("next_effective"))
    return _if_covered(around, around.column("next_old_image"), silences, doubts, evidence)


def _after_sighting(around: pa.Table, last: int, coverage: Coverage) -> _Decided:
    """A baseline saw the item after its last change."""
    start, seen_end = _times(around, "seen_begin"), _times(around, "seen_end")
    silences = _Silences(around.column("keys"), start, np.maximum(seen_end, last), coverage, None, _seen(around))
    doubts = _at(last, silences.doubts | _redacted(_of_seen(around)), coverage)
    image, changed = around.column("seen_image"), pc.is_valid(around.column("effective"))
    step = pa.array(_surely_set(around, seen_end, coverage))
    states = _states(
        around,
        status=pc.if_else(pc.is_valid(image), "present", pc.if_else(changed, "deleted", "absent")),
        evidence=pc.if_else(step, "change", "baseline"),
        since=pc.if_else(step, around.column("effective"), None),
        image=image,
        doubts=doubts,
        proven=silences.proven,
    )
    return states, silences.cut_off


def _surely_set(around: pa.Table, seen_end: Times, coverage: Coverage) -> Mask:
    """Whether the last change set what was seen: nothing may have come between."""
    changed, set_seen = _times(around, "effective"), mask(around.column("set_seen"))
    between = _Silences(around.column("keys"), changed, seen_end, coverage, around.column("stream"))
    return set_seen & ~between.cut_off


def _before_sighting(around: pa.Table, last: int, coverage: Coverage) -> _Decided:
    """Nothing is known up to the moment, and a baseline saw the item before any change after it: it tells, if the time
    between is covered."""
    start, end = _constant(around, last), _times(around, "seen_end")
    silences = _Silences(around.column("keys"), start, end, coverage, None, _seen(around))
    doubts = _at(last, silences.doubts | _redacted(_of_seen(around)), coverage)
    evidence = ("baseline", around.column("next_effective"))
    return _if_covered(around, around.column("seen_image"), silences, doubts, evidence)


def _if_covered(
    around: pa.Table, image: pa.ChunkedArray, silences: _Silences, doubts: Times, evidence: tuple[str, Any]
) -> _Decided:
    """States told by what comes after the moment, unknown where the time up to it is not covered. Nothing else could
    tell of these: none is cut off."""
    unknown = silences.outside
    by, until = evidence
    told = pa.array(~unknown)
    states = _states(
        around,
        status=np.where(unknown, "unknown", np.where(mask(pc.is_valid(image)), "present", "absent")),
        evidence=pc.if_else(told, by, None),
        since=pa.nulls(around.num_rows, pa.int64()),
        until=pc.if_else(told, until, None),
        image=pc.if_else(told, image, None),
        doubts=doubts,
        proven=silences.proven & ~unknown,
    )
    return states, np.zeros(around.num_rows, dtype=bool)


def _states(around: pa.Table, *, status: Any, evidence: Any, since: Any, **columns: Any) -> pa.Table:
    texts = pa.array([evidence] * around.num_rows, pa.string()) if isinstance(evidence, str) else evidence
    cells, attested = _told(columns["doubts"], columns["proven"])
    present = pc.is_valid(columns["image"])
    found = {
        "keys": around.column("keys"),
        "status": pa.array(status.astype(object), pa.string()) if isinstance(status, np.ndarray) else status,
        "evidence": texts,
        "since": since,
        "until": columns.get("until", around.column("next_effective")),
        "image": columns["image"],
        "caveats": cells,
        "attested": attested,
        "holds": pc.and_(present, pc.coalesce(around.column("holds"), True)),
        "may": pc.coalesce(around.column("may"), True),
    }
    return pa.table([found[name] for name in SCHEMA.names], names=SCHEMA.names).cast(SCHEMA)


# --- caveats as bits of a number, in the vocabulary's order ---


def _bits(caveats: Any) -> int:
    return sum(1 << _NAMES.index(name) for name in set(map(str, caveats)))


def _names(bits: int) -> list[str]:
    return [name for at, name in enumerate(_NAMES) if bits >> at & 1]


def _at(last: int, doubts: Times, coverage: Coverage) -> Times:
    """With the caveats of the moment itself."""
    return doubts | _bits(doubt.of_moment((), last, coverage))


def _redacted(rules: pa.ChunkedArray) -> Times:
    return np.where(mask(pc.is_valid(rules)), _bits(doubt.of_redaction("")), 0)


def _mapped(texts: pa.ChunkedArray, bits: dict[str, int]) -> Times:
    """The bits of each text; of null none."""
    encoded = texts.combine_chunks().dictionary_encode()
    known = np.array([*map(bits.__getitem__, encoded.dictionary.to_pylist()), 0], dtype=np.int64)
    found: Times = known[pc.fill_null(encoded.indices, len(known) - 1).to_numpy()]
    return found


def _told(doubts: Times, proven: Mask) -> tuple[pa.Array, pa.Array]:
    """The ``caveats`` texts, and what is attested."""
    places, different = pd.factorize(doubts)
    names = list(map(_names, different.tolist()))
    texts = pa.array(list(map(to_cell, names)), pa.string()).take(pa.array(places))
    spared = np.array([doubt.completeness(some, proven=True) == "attested" for some in names], dtype=bool)
    return texts, pa.array(proven & spared[places] if names else proven)


@dataclass(frozen=True)
class _Silences:
    """The times [start, end] in which items are taken not to have changed.

    ``streams``: whose span must cover it; None: any one's. ``seen``: begin and end of the reading that tells of it, and
    whether it found the item.
    """

    keys: pa.ChunkedArray
    start: Times
    end: Times
    coverage: Coverage
    streams: pa.ChunkedArray | None
    seen: tuple[Times, Times, Mask] | None = None

    @cached_property
    def doubts(self) -> Times:
        """The caveats' bits."""
        found: Times = self._each(lambda keys, silence: _bits(doubt.of_silence(silence, keys, self.coverage)), np.int64)
        return found

    @cached_property
    def outside(self) -> Mask:
        found: Mask = self._each(lambda keys, silence: doubt.is_outside(silence, keys, self.coverage), np.bool_)
        return found

    @cached_property
    def cut_off(self) -> Mask:
        found: Mask = self._each(lambda keys, silence: doubt.is_cut_off(silence, keys, self.coverage), np.bool_)
        return found

    @cached_property
    def proven(self) -> Mask:
        """Whether attestations prove that all of it has landed."""
        found: Mask = self._each(
            lambda _, silence: self.coverage.attests(silence.start, silence.end, silence.stream), np.bool_
        )
        return found

    def _each(self, judge: Any, kind: Any) -> Any:
        """A verdict for each row, judged once for all that are alike."""
        places, rows = self._alike
        verdicts = np.array([judge(*self._row(row)) for row in rows.tolist()], dtype=kind)
        return verdicts[places] if len(rows) else np.zeros(len(places), dtype=kind)

    def _row(self, row: int) -> tuple[str, Silence]:
        stream = None if self.streams is None else self.streams[row].as_py()
        seen = None
        if self.seen is not None:
            begin, end, there = self.seen
            seen = Sighting(int(begin[row]), int(end[row]), "{}" if there[row] else None, None, "")
        return self.keys[row].as_py(), Silence(int(self.start[row]), int(self.end[row]), stream, seen)

    @cached_property
    def _alike(self) -> tuple[Times, Times]:
        """The group of each row, and a row of each group: of one stream, with times that lie alike between all that a
        verdict compares them with; an item of which something is known to be missing by itself."""
        edges = np.array(doubt.edges(self.coverage), dtype=np.int64)
        codes = np.zeros(len(self.start), dtype=np.int64)
        for times in self._compared():
            codes = (
                codes * (2 * len(edges) + 1) + np.searchsorted(edges, times) + np.searchsorted(edges, times, "right")
            )
            codes = pd.factorize(codes)[0].astype(np.int64)
        if self.streams is not None and len(codes):
            streams = self.streams.combine_chunks().dictionary_encode()
            codes = codes * (len(streams.dictionary) + 1) + pc.fill_null(streams.indices, -1).to_numpy() + 1
        alone = [hole.keys for hole in self.coverage.holes if hole.keys is not None]
        if alone:
            own = np.flatnonzero(mask(pc.is_in(self.keys, pa.array(alone, pa.string()))))
            codes[own] = -1 - np.arange(len(own))
        places, _ = pd.factorize(codes)
        first = np.zeros(places.max(initial=-1) + 1, dtype=np.int64)
        first[places[::-1]] = np.arange(len(places))[::-1]
        return places, first

    def _compared(self) -> list[Times]:
        """What verdicts compare: as :class:`histlib.rules.doubt.Silence` has it."""
        if self.seen is None:
            return [self.start, self.end, _ends_of_seconds(self.end)]
        begin, end, there = self.seen
        first, last = np.minimum(self.start, begin - NEAR), np.maximum(self.end, end + NEAR)
        found = [self.start, self.end, first, last, begin, end, there.astype(np.int64)]
        return [*found, _ends_of_seconds(self.end), _ends_of_seconds(last)]


def _ends_of_seconds(times: Times) -> Times:
    """As :func:`histlib.values.times.end_of_second`, of all at once."""
    ends: Times = np.where(times % SECOND == 0, times + SECOND - 1, times)
    return ends


def _of_seen(around: pa.Table) -> pa.ChunkedArray:
    """The redaction of what was seen; null where that was no item."""
    return pc.if_else(pc.is_valid(around.column("seen_image")), around.column("seen_redaction"), None)


def _seen(around: pa.Table) -> tuple[Times, Times, Mask]:
    there = mask(pc.is_valid(around.column("seen_image")))
    return _times(around, "seen_begin"), _times(around, "seen_end"), there


def _times(table: pa.Table, name: str) -> Times:
    times: Times = pc.fill_null(table.column(name), 0).to_numpy()
    return times


def _constant(table: pa.Table, moment: int) -> Times:
    return np.full(table.num_rows, moment, dtype=np.int64)
