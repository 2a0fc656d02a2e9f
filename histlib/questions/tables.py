"""Questions about the whole table at one time, or between two: every item, who was hit, what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from histlib.engines.queries import Around, KeysBetween, Upcoming
from histlib.engines.where import Condition, Subject
from histlib.markup import plural
from histlib.questions.asking import Asking, Scope, hidden_keys, said
from histlib.questions.facts import Facts
from histlib.questions.names import first_images, meant
from histlib.rules import doubt
from histlib.rules.state import Finding, state_at
from histlib.rules.stretches import build_stretches
from histlib.values.times import TimeRange, format_time, parse_range, parse_state_time, second_of

if TYPE_CHECKING:
    import pyarrow as pa

    from histlib.answers.frames import ResultFrame


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
            where: a condition on the item then, over ``keys.x`` and ``item.x``; see :mod:`histlib.engines.where`.
            params: values of ``:name`` in ``where``.
            columns: paths whose values stand in columns of their own, ``item.<path>``.

        Returns:
            A DataFrame in order of key (with ``keys`` in their order): ``keys``, ``keys.<name>``,
            :data:`histlib.answers.frames.STATE_COLUMNS`, and for each of ``columns`` ``item.<path>`` and its twin
            ``item.<path>_json`` before ``caveats``. Items that the history cannot tell of are counted in the caveats.

        Raises:
            KeyNotValidError, TimeNotValidError, PathNotValidError: not a key of this table, a time, a path.
            ConditionNotValidError: a condition that cannot be read.
            SourceError: the history cannot be read.
        """
        from histlib.answers.frames import snapshot_frame

        facts = self._facts()
        moment = parse_state_time(time, self._tz)
        paths = self._paths(columns)
        condition = self._condition(where, params, Subject.ITEM, facts)
        scope = self._scope(keys, facts, condition)
        known = self._states(facts, moment, scope, condition)
        every_status = keys is not None and condition is None
        shown = _shown(known, every_status=every_status)
        unknown, left_out = (
            (0, {}) if every_status else (_unknown([known], condition), _left_out([known], shown, condition))
        )
        wide = list(self._wide_caveats(facts, [moment], scope, unknown))
        caveats = [
            *wide,
            *doubt.of_rows(_cells(shown), left_out, wide),
            *doubt.of_text(old_format=facts.old_format and (scope.wide or condition is not None), not_shown=""),
        ]
        images = first_images(shown.column("image"))
        paths = meant(paths, self._names(facts), images)
        heading = f"{_heading(shown, every_status=every_status)} at {format_time(moment, self._tz)}{said(where)}"
        attrs = self._answer_attrs(facts, heading, caveats, attested=_attested(facts, [known], [moment]))
        attrs |= self._noticed(facts, condition, paths, images)
        return snapshot_frame(shown, facts.key_names, paths, self._tz, attrs)

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
            :data:`histlib.rules.hits.COLUMNS`, ``item.<path>`` and twins, ``caveats``.

        Raises:
            TimeNotValidError, PathNotValidError: not a range, not a path.
            ConditionNotValidError: a condition that cannot be read.
            SourceError: the history cannot be read.
        """
        from histlib.answers.frames import affected_frame
        from histlib.rules.hits import Hit, condition_on_images, find_hits, hit_columns, in_doubt, may_show

        facts = self._facts()
        window = parse_range(start, end, self._tz)
        paths = self._paths(columns)
        condition = self._condition(where, params, Subject.ITEM, facts)
        assert condition is not None
        holds = condition_on_images(condition)
        scope = self._scope(None, facts, condition)
        candidates, apart, left_out = self._candidates(facts, window, condition, scope)
        self._opened.source.fetch(Upcoming(tuple(candidates), condition))
        hits: list[Hit] = []
        for item in self._items_by_batch(candidates, facts):
            stretches = build_stretches(item, facts.coverage)
            found = find_hits(item.keys, stretches, window, facts.coverage, holds)
            hits += found
            certain = item.keys in apart and not may_show(item, window, condition)
            if condition.possible(item.keys) and not certain:
                left_out[in_doubt(item.keys, stretches, window, facts.coverage, condition)] += 1
        hits.sort(key=lambda hit: (hit.period.from_earliest or 0, hit.keys))
        rows = Counter(hit.caveats for hit in hits)
        wide = list(self._range_caveats(facts, window, scope))
        caveats = [*wide, *doubt.of_rows(rows, left_out, wide)]
        items, periods = plural(len({hit.keys for hit in hits}), "item"), plural(len(hits), "period")
        heading = f"{items} where {where}, {periods}"
        attrs = self._answer_attrs(facts, heading, caveats, window=window)
        told = hit_columns(hits, self._actor_attribute)
        images = first_images(told["image"])
        paths = meant(paths, self._names(facts), images)
        attrs |= self._noticed(facts, condition, paths, images)
        return affected_frame(told, facts.key_names, paths, self._tz, attrs)

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
            A DataFrame in order of key and path: ``keys``, ``keys.<name>`` and
            :data:`histlib.answers.differences.COLUMNS`.

        Raises:
            As :meth:`snapshot_at`.
        """
        from histlib.answers.differences import difference_columns, pair_states
        from histlib.answers.frames import answer_frame

        facts = self._facts()
        moments = [parse_state_time(time, self._tz) for time in (time1, time2)]
        condition = self._condition(where, params, Subject.ITEM, facts)
        scope = self._scope(key, facts, condition)
        sides = [self._states(facts, moment, scope, condition, whole=True) for moment in moments]
        columns = difference_columns(pair_states(*sides), None if condition is None else condition.item)
        told = set(columns["keys"])
        wide = list(self._wide_caveats(facts, moments, scope, _unknown(sides, condition)))
        caveats = [
            *wide,
            *doubt.of_rows(Counter(columns["caveats"]), _left_out(sides, told, condition), wide),
            *doubt.of_text(old_format=facts.old_format and (scope.wide or condition is not None), not_shown=""),
        ]
        times = " and ".join(format_time(moment, self._tz) for moment in moments)
        heading = (
            f"{plural(len(told), 'item')} {'differs' if len(told) == 1 else 'differ'} between {times}{said(where)}"
        )
        attrs = self._answer_attrs(facts, heading, caveats, attested=_attested(facts, sides, moments))
        attrs |= self._noticed(facts, condition, (), first_images(*(side.column("image") for side in sides)))
        return answer_frame(columns, facts.key_names, self._tz, attrs)

    # --- what the answers share ---

    def _states(
        self, facts: Facts, moment: int, scope: Scope, condition: Condition | None, *, whole: bool = False
    ) -> pa.Table:
        """The states (:data:`histlib.engines.bulk.states.SCHEMA`) of the known items of a scope, and whether a
        condition holds of each; those of which it surely does not may be left out, unless all are asked for."""
        if scope.keys is not None:
            return self._states_of(facts, moment, scope.keys, condition)
        return self._table_states(facts, moment, condition, whole=whole)

    def _table_states(self, facts: Facts, moment: int, condition: Condition | None, *, whole: bool = False) -> pa.Table:
        """The same of the whole table, by key."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from histlib.engines.bulk.states import states_around

        query = _around(facts, moment, None if whole else condition)
        around = self._opened.source.fetch(query)
        known = around.column("keys").to_pylist()
        if facts.straddling or (facts.old_format and facts.has_number_keys):  # one may have two texts
            keys = self._known_as([*known, *hidden_keys(facts)], facts)
            return self._states_of(facts, moment, keys, condition).sort_by("keys")
        alone = around.column("odd") if condition is None else pc.or_kleene(around.column("odd"), around.column("gap"))
        plain, left_open = states_around(around.filter(pc.invert(alone)), query.last, facts.coverage)
        if whole and condition is not None:
            plain = _judged(plain, condition)
        others = {
            *around.column("keys").filter(alone).to_pylist(),
            *left_open,
            *set(hidden_keys(facts)).difference(known),
        }
        return _by_key(pa.concat_tables([plain, self._states_of(facts, moment, sorted(others), condition)]))

    def _states_of(self, facts: Facts, moment: int, keys: Sequence[str], condition: Condition | None) -> pa.Table:
        """The same of these items, one by one, in their order."""
        from histlib.engines.bulk.states import states_of

        found = self._findings(facts, moment, keys)
        return states_of([(text, finding, *_verdicts(condition, text, finding)) for text, finding in found])

    def _findings(self, facts: Facts, moment: int, keys: Sequence[str]) -> Iterator[tuple[str, Finding]]:
        for item in self._items_by_batch(keys, facts, *second_of(moment)):
            yield item.keys, state_at(item.steps, item.keys, moment, facts.coverage, item.sightings)

    def _candidates(
        self, facts: Facts, window: TimeRange, condition: Condition, scope: Scope
    ) -> tuple[list[str], set[str], Counter[str]]:
        """The keys of which the condition may hold at some time in a window, or of which a change is missing in it; and
        those of them that only changes in the window told of (perhaps in vain: engines need not decide all); and the
        caveats of other items that are in doubt when it begins, with their number."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from histlib.engines.bulk.states import states_around

        if scope.keys is not None:
            return list(scope.keys), set(), Counter()
        source = self._opened.source
        query = _around(facts, window.before, condition)
        query = replace(query, through=window.end, baselines=facts.counting(window.end))
        around = source.fetch(query)
        within = source.fetch(KeysBetween(window.start, window.end, condition)).column("keys").to_pylist()
        keys = around.column("keys")
        asked = pc.is_in(keys, pa.array([*within, *hidden_keys(facts)], pa.string()))
        for name in ("odd", "gap", "may"):
            asked = pc.or_kleene(asked, around.column(name))
        begin = max(query.last, facts.coverage.last_instant(window.start))
        rest = around.filter(pc.invert(asked))
        others, left_open = states_around(rest, begin, facts.coverage)
        seen = rest.filter(pc.is_valid(rest.column("seen_begin"))) if facts.coverage.windows else rest.slice(0, 0)
        at_end, more = states_around(seen, window.end - 1, facts.coverage)
        left_out = _left_out([others, at_end], (), condition)
        found = {*keys.filter(asked).to_pylist(), *left_open, *more, *hidden_keys(facts)}
        by_changes = set(self._known_as(within, facts)).difference(self._known_as(found, facts))
        return self._known_as({*found, *within}, facts), by_changes, Counter(left_out)


def _around(facts: Facts, moment: int, condition: Condition | None) -> Around:
    """The query for all items around a moment; with a condition also those of which a change is missing there."""
    last = facts.coverage.last_instant(moment)
    return Around(
        moment,
        condition,
        through=None if condition is None else moment,
        baselines=facts.counting(last),
        silent=() if condition is None else facts.silent(last),
        exact=last == moment,
    )


def _judged(states: pa.Table, condition: Condition) -> pa.Table:
    """The states, with what a condition says of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from histlib.engines.bulk.arrays import mask
    from histlib.engines.bulk.selecting import holding, or_holding

    keys, images, cells = states.column("keys"), states.column("image"), states.column("caveats")
    holds = holding(keys, images, condition)
    redacted = [cell for cell in pc.unique(cells).to_pylist() if doubt.is_redacted(cell.split())]
    dropped = mask(pc.is_in(cells, pa.array(redacted, pa.string())))
    may = or_holding(holds, dropped, keys, images, condition.lacking)
    for name, verdict in (("holds", holds), ("may", may)):
        states = states.set_column(states.schema.get_field_index(name), name, pa.array(verdict))
    return states


def _verdicts(condition: Condition | None, keys: str, finding: Finding) -> tuple[bool, bool]:
    """Whether a condition holds of a state, and whether it may: of a candidate, of an image that is not seen, or of
    what was redacted."""
    if condition is None:
        return finding.status == "present", True
    holds = finding.status == "present" and condition.item(keys, finding.image)
    if holds or (finding.status == "unknown" and not finding.candidates):
        return holds, holds or condition.possible(keys)
    following = finding.basis.following  # it may have found another state, where the two cannot be compared
    found = following.before if following is not None else None
    images = [image for image in (finding.image, *finding.candidates, found) if isinstance(image, str)]
    redacted = doubt.is_redacted(finding.caveats)
    return holds, any(doubt.may_hold(condition, keys, image, redacted=redacted) for image in images)


def _by_key(states: pa.Table) -> pa.Table:
    """In order of key: Python sorts texts with long common beginnings faster than Arrow."""
    import pyarrow as pa

    keys = states.column("keys").to_pylist()
    return states.take(pa.array(sorted(range(len(keys)), key=keys.__getitem__), pa.int64()))


def _shown(states: pa.Table, *, every_status: bool) -> pa.Table:
    return states if every_status else states.filter(states.column("holds"))


def _heading(shown: pa.Table, *, every_status: bool) -> str:
    if not every_status:
        return plural(shown.num_rows, "item")
    present = shown.column("status").to_pylist().count("present")
    return f"{plural(shown.num_rows, 'key')}, {present:,} present,"


def _attested(facts: Facts, sides: Sequence[pa.Table], moments: Sequence[int]) -> bool:
    """Whether attestations prove all states at some moments, and that nothing is missing at them."""
    import pyarrow.compute as pc

    coverage = facts.coverage
    lasts = map(coverage.last_instant, moments)
    return all(coverage.attests(last, last) for last in lasts) and all(
        pc.all(side.column("attested"), min_count=0).as_py() for side in sides
    )


def _unknown(sides: Sequence[pa.Table], condition: Condition | None) -> int:
    """How many items there are of which the state is unknown at some time, and of which a condition may hold."""
    import pyarrow.compute as pc

    found: set[str] = set()
    for states in sides:
        open_ones = states.filter(pc.and_(pc.equal(states.column("status"), "unknown"), states.column("may")))
        found.update(open_ones.column("keys").to_pylist())
    return sum(condition is None or condition.possible(keys) for keys in found)


def _cells(states: pa.Table) -> dict[str, int]:
    """The number of states with each ``caveats`` text."""
    import pyarrow.compute as pc

    return {found["values"]: found["counts"] for found in pc.value_counts(states.column("caveats")).to_pylist()}


def _left_out(
    sides: Sequence[pa.Table], shown: pa.Table | Iterable[str], condition: Condition | None
) -> dict[str, int]:
    """The names of the caveats of items that an answer does not show but that may belong to it, with the number of
    items: with a condition, those of which at one of the times it holds or may hold, or that were perhaps in another
    state."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = shown.column("keys") if isinstance(shown, pa.Table) else pa.array(list(shown), pa.string())
    rest = [side.filter(pc.invert(pc.is_in(side.column("keys"), keys))) for side in sides]
    if condition is not None:
        belong = pa.array(sorted(set().union(*(_may_belong(side, condition) for side in rest))), pa.string())
        rest = [side.filter(pc.is_in(side.column("keys"), belong)) for side in rest]
    found: dict[str, set[str]] = {}
    for side in rest:
        for cell in filter(None, pc.unique(side.column("caveats")).to_pylist()):
            items = side.column("keys").filter(pc.equal(side.column("caveats"), cell)).to_pylist()
            for name in cell.split():
                found.setdefault(name, set()).update(items)
    return {name: len(items) for name, items in found.items()}


def _may_belong(states: pa.Table, condition: Condition) -> set[str]:
    """The keys of which a condition holds or may hold, or that were perhaps in another state."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = states.column("caveats")
    doubtful = pa.array([cell for cell in pc.unique(cells).to_pylist() if doubt.leaves_open(cell)], pa.string())
    found = states.column("keys").filter(pc.or_(pc.is_in(cells, doubtful), states.column("may")))
    return {text for text in found.to_pylist() if condition.possible(text)}
