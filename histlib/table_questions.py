"""Questions about the whole table at one time, or between two: every item, who was hit, what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from histlib.asking import Asking, said, told_as_text, unknown_keys
from histlib.caveats import Caveat, in_order
from histlib.facts import Facts
from histlib.queries import Around, KeysBetween, Upcoming
from histlib.reconstruct import Finding, state_at
from histlib.stretches import build_stretches
from histlib.times import TimeRange, format_time, parse_range, parse_state_time, second_of
from histlib.where import Condition, Subject

if TYPE_CHECKING:
    import pyarrow as pa

    from histlib.frames import ResultFrame


class TableQuestions(Asking):
    """``snapshot_at``, ``affected``, ``diff``."""

    def snapshot_at(
        self,
        time: Any = "now",
        *,
        keys: Any = None,
        where: str | None = None,
        params: Mapping[str, Any] | None = None,
        columns: Sequence[str] | str = (),
    ) -> ResultFrame:
        """Every item that was in the table at a time, one a row; with ``keys`` a row for each key, of any status.

        Args:
            time: as for :meth:`state_at`.
            keys: keys as for :meth:`state_at` in a list; or one partition key alone: all items under it.
            where: a condition on the item then, over ``keys.x`` and ``item.x``; see :mod:`histlib.where`.
            params: values of ``:name`` in ``where``.
            columns: paths whose values stand in columns of their own, ``item.<path>``.

        Returns:
            A DataFrame in order of key (with ``keys`` in their order): ``keys``, ``keys.<name>``,
            :data:`histlib.frames.STATE_COLUMNS`, and for each of ``columns`` ``item.<path>`` and its twin
            ``item.<path>_json`` before ``caveats``. Items that the history cannot tell of are counted in the caveats.

        Raises:
            KeyNotValidError, TimeNotValidError, PathNotValidError: not a key of this table, a time, a path.
            ConditionNotValidError: a condition that cannot be read.
            SourceError: the history cannot be read.
        """
        from histlib.frames import snapshot_frame

        facts = self._facts()
        moment = parse_state_time(time, self._tz)
        paths = self._paths(columns)
        condition = self._condition(where, params, Subject.ITEM, facts)
        if keys is None:
            known = self._table_states(facts, moment, condition)
            caveats = [*_unknown_items(facts, [moment], [known]), *_row_caveats(known), *_unsettled(facts, moment)]
            caveats += told_as_text(facts)
            states = _present(known)
        else:
            states = known = self._states_of(facts, moment, self._wanted_keys(keys, facts), condition)
            caveats = [*_row_caveats(states)]
        heading = f"{states.num_rows:,} items at {format_time(moment, self._tz)}{said(where)}"
        attrs = self._answer_attrs(facts, heading, caveats, attested=_all_attested(known))
        return snapshot_frame(states, facts.key_names, paths, self._tz, attrs)

    def affected(
        self,
        where: str,
        start: Any,
        end: Any = "now",
        *,
        params: Mapping[str, Any] | None = None,
        columns: Sequence[str] | str = (),
    ) -> ResultFrame:
        """Who was hit: a row for each item and unbroken period in which a condition held of it, within start ≤ t < end.

        Periods are told whole, also where they began before ``start`` or go on after ``end``; deletes and re-creations
        end and begin them. Where a change is missing, or the time of one is not known, the bounds widen.

        Args:
            where: a condition on the item, over ``keys.x`` and ``item.x``, e.g. ``item.price = 0``.
            start, end: as for :meth:`timeline`.
            params: values of ``:name`` in ``where``.
            columns: paths whose values when the period began stand in columns ``item.<path>``.

        Returns:
            A DataFrame in order of ``since``, then key: ``keys``, ``keys.<name>``,
            :data:`histlib.affected.COLUMNS`, ``item.<path>`` and twins, ``caveats``.

        Raises:
            TimeNotValidError, PathNotValidError: not a range, not a path.
            ConditionNotValidError: a condition that cannot be read.
            SourceError: the history cannot be read.
        """
        from histlib.affected import condition_on_images, find_hits, hit_columns
        from histlib.frames import affected_frame

        facts = self._facts()
        window = parse_range(start, end, self._tz)
        paths = self._paths(columns)
        condition = self._condition(where, params, Subject.ITEM, facts)
        assert condition is not None
        holds = condition_on_images(condition.item)
        hits, broken, untold = [], 0, 0
        candidates = self._candidates(facts, window, condition)
        self._opened.source.fetch(Upcoming(tuple(candidates), condition))
        for item in self._items_by_batch(candidates, facts):
            stretches = build_stretches(item, facts.coverage)
            found = find_hits(item.keys, stretches, window, facts.coverage, holds)
            hits += found
            seen = [] if found else [stretch for stretch in stretches if stretch.touches(window.start, window.end)]
            broken += any("gap" in stretch.caveats for stretch in seen)
            untold += any(holds(item.keys, stretch.image) is None for stretch in seen)
        hits.sort(key=lambda hit: (hit.period.from_earliest or 0, hit.keys))
        caveats = [*_not_told(broken, untold), *self._window_caveats(facts, window), *_counted(h.caveats for h in hits)]
        heading = f"{len({hit.keys for hit in hits}):,} items where {where}, {len(hits):,} periods"
        attrs = self._answer_attrs(facts, heading, caveats, window=window)
        return affected_frame(hit_columns(hits, self._actor_attribute), facts.key_names, paths, self._tz, attrs)

    def diff(
        self,
        time1: Any,
        time2: Any = "now",
        *,
        key: Any = None,
        where: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> ResultFrame:
        """What differs between two times: a row for each item added or removed, and for each path that differs.

        What changed and changed back in between does not show; :meth:`changes` has it.

        Args:
            time1, time2: as for :meth:`state_at`.
            key: only this item, or all under this partition key.
            where: only items of which this condition holds at either time.
            params: values of ``:name`` in ``where``.

        Returns:
            A DataFrame in order of key and path: ``keys``, ``keys.<name>`` and :data:`histlib.differences.COLUMNS`.

        Raises:
            As :meth:`snapshot_at`.
        """
        from histlib.differences import difference_columns, pair_states
        from histlib.frames import answer_frame

        facts = self._facts()
        moments = [parse_state_time(time, self._tz) for time in (time1, time2)]
        condition = self._condition(where, params, Subject.ITEM, facts)
        if key is None:
            sides = [self._table_states(facts, moment, None) for moment in moments]
        else:
            keys = self._wanted_keys(key, facts)
            sides = [self._states_of(facts, moment, keys, None) for moment in moments]
        pairs = pair_states(*sides)
        columns = difference_columns(pairs, None if condition is None else condition.item)
        unknown = _unknown_items(facts, moments, sides) if key is None else _unknown_states(*sides)
        caveats = [*unknown, *_counted(columns["caveats"]), *_unsettled(facts, max(moments))]
        times = " and ".join(format_time(moment, self._tz) for moment in moments)
        heading = f"{len(set(columns['keys'])):,} items differ between {times}{said(where)}"
        attested = all(_all_attested(side) for side in sides)
        attrs = self._answer_attrs(facts, heading, caveats, attested=attested)
        return answer_frame(columns, facts.key_names, self._tz, attrs)

    # --- what the answers share ---

    def _table_states(self, facts: Facts, moment: int, condition: Condition | None) -> pa.Table:
        """The states (:data:`histlib.snapshots.SCHEMA`) of all known items of which the condition may hold, by key."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from histlib.snapshots import states_around

        around_all = Around(moment, baselines=facts.counting)
        if facts.old_format and any(
            "N" in one.types.values() for one in facts.key_schemas
        ):  # one item may have two key texts
            keys = self._opened.source.fetch(around_all).column("keys").to_pylist()
            return self._states_of(facts, moment, self._known_as(keys, facts), condition).sort_by("keys")
        around = self._opened.source.fetch(replace(around_all, condition=condition))
        odd = around.column("odd")
        plain, left_open = states_around(around.filter(pc.invert(odd)), moment, facts.coverage)
        one_by_one = [*around.column("keys").filter(odd).to_pylist(), *left_open]
        others = self._states_of(facts, moment, one_by_one, condition)
        return _by_key(pa.concat_tables([plain, others]))

    def _states_of(self, facts: Facts, moment: int, keys: Sequence[str], condition: Condition | None) -> pa.Table:
        """The states of these items, one by one; with a condition those of which it holds, or may hold."""
        from histlib.snapshots import states_of

        found = (
            (text, finding)
            for text, finding in self._findings(facts, moment, keys)
            if condition is None or _may_hold(condition, text, finding)
        )
        return states_of(list(found))

    def _findings(self, facts: Facts, moment: int, keys: Sequence[str]) -> Iterator[tuple[str, Finding]]:
        for item in self._items_by_batch(keys, facts, *second_of(moment)):
            yield item.keys, state_at(item.steps, item.keys, moment, facts.coverage, item.sightings)

    def _candidates(self, facts: Facts, window: TimeRange, condition: Condition) -> list[str]:
        """The keys of which the condition may hold at some time in a window, or of which a change is missing in it."""
        source = self._opened.source
        around = Around(window.before, condition, through=window.end, baselines=facts.counting)
        held = source.fetch(around).column("keys").to_pylist()
        within = source.fetch(KeysBetween(window.start, window.end, condition)).column("keys").to_pylist()
        return self._known_as({*held, *within}, facts)


def _by_key(states: pa.Table) -> pa.Table:
    """In order of key: Python sorts texts with long common beginnings faster than Arrow."""
    import pyarrow as pa

    keys = states.column("keys").to_pylist()
    return states.take(pa.array(sorted(range(len(keys)), key=keys.__getitem__), pa.int64()))


def _may_hold(condition: Condition, keys: str, finding: Finding) -> bool:
    """Whether the condition holds of a state; of an unknown one, whether it may."""
    if finding.status != "unknown":
        return finding.image is not None and condition.item(keys, finding.image)
    return not finding.candidates or any(
        image is not None and condition.item(keys, image) for image in finding.candidates
    )


def _present(states: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    return states.filter(pc.equal(states.column("status"), "present"))


def _all_attested(states: pa.Table) -> bool:
    import pyarrow.compute as pc

    return bool(states.num_rows and pc.all(states.column("attested")).as_py())


def _unknown_items(facts: Facts, moments: Sequence[int], states: Sequence[pa.Table]) -> Iterator[Caveat]:
    """What an answer about all items does not know."""
    import pyarrow.compute as pc

    unknown = sum(int(pc.sum(pc.equal(one.column("status"), "unknown")).as_py() or 0) for one in states)
    known = facts.all_keys_known(*moments)
    if unknown or not known:
        told = [] if known else [unknown_keys(facts).detail]
        told += [f"of {unknown:,} known items the state is unknown" + ("" if known else ", too")] if unknown else []
        yield Caveat("unknown_keys", "; ".join(told))


def _unsettled(facts: Facts, moment: int) -> Iterator[Caveat]:
    """Changes that have not landed may be of items that no row tells of."""
    if not facts.coverage.settled(moment):
        yield Caveat("not_settled")


def _unknown_states(*states: pa.Table) -> Iterator[Caveat]:
    """What an answer about some items does not know."""
    import pyarrow.compute as pc

    unknown = {key for one in states for key in one["keys"].filter(pc.equal(one["status"], "unknown")).to_pylist()}
    if unknown:
        yield Caveat("unknown_keys", f"of {len(unknown):,} of these items the state at one of the times is unknown")


def _row_caveats(states: pa.Table) -> Iterator[Caveat]:
    import pyarrow.compute as pc

    counts = pc.value_counts(states.column("caveats")).to_pylist()
    return _told({found["values"]: found["counts"] for found in counts})


def _counted(cells: Iterable[str]) -> Iterator[Caveat]:
    """The caveats of rows, each with the number of rows that carry it."""
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell] = counts.get(cell, 0) + 1
    return _told(counts)


def _told(counts: Mapping[str, int]) -> Iterator[Caveat]:
    by_name: dict[str, int] = {}
    for cell, count in counts.items():
        for name in cell.split():
            by_name[name] = by_name.get(name, 0) + count
    yield from in_order(Caveat(name, f"on {count:,} row{'s'[: count > 1]}") for name, count in by_name.items())


def _not_told(broken: int, untold: int) -> Iterator[Caveat]:
    if broken:
        yield Caveat("gap", f"of {broken:,} more items a change in this time is missing; they may have been so too")
    if untold:
        yield Caveat("chain_unproven", f"of {untold:,} more items images are missing; they may have been so too")
