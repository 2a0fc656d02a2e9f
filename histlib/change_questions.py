"""Questions about changes between two times: each of them, and how many of what kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from histlib.asking import Asking, said, told_as_text
from histlib.caveats import Caveat
from histlib.chain import Link, Step
from histlib.errors import ConditionNotValidError, PathNotValidError, RequestError
from histlib.facts import Facts
from histlib.paths import Path, format_path
from histlib.queries import NOTHING, Activity, Around, ChangeKeys
from histlib.timelines import TimelineOptions, Wanted, change_columns, timeline_caveats
from histlib.times import HOUR, TimeRange, from_micros, parse_period, parse_range, to_micros
from histlib.where import Condition, Subject

if TYPE_CHECKING:
    from histlib.frames import ResultFrame

#: How far the stamps of one item's changes may run backwards and still be found in their place.
_SKEW: Final = HOUR


class ChangeQuestions(Asking):
    """``changes``, ``activity``."""

    def changes(  # noqa: PLR0913 — the signature of the design
        self,
        start: Any,
        end: Any = "now",
        *,
        keys: Any = None,
        where: str | None = None,
        params: Mapping[str, Any] | None = None,
        paths: Sequence[str] | str | None = None,
        limit: int = 10_000,
    ) -> ResultFrame:
        """What changed within start ≤ t < end, a row per change, in order of time, then key.

        Args:
            start, end: as for :meth:`timeline`.
            keys: only these items; as for :meth:`snapshot_at`.
            where: a condition on the change, over ``keys.x new_image.x old_image.x action timestamp actor``.
            params: values of ``:name`` in ``where``.
            paths: only changes at or below these paths.
            limit: more changes than this are an error, with their number.

        Returns:
            A DataFrame with ``keys``, ``keys.<name>`` and :data:`histlib.timelines.CHANGE_COLUMNS`. Where a change is
            missing right before one, its row carries ``gap``.

        Raises:
            KeyNotValidError, TimeNotValidError, PathNotValidError: not a key of this table, a range, a path.
            ConditionNotValidError: a condition that cannot be read.
            RequestError: more changes than ``limit``.
            SourceError: the history cannot be read.
        """
        from histlib.frames import answer_frame

        facts = self._facts()
        window = parse_range(start, end, self._tz)
        options = TimelineOptions(window, self._paths(paths or ()), self._actor_attribute)
        condition = self._condition(where, params, Subject.CHANGE, facts)
        at_paths = self._change_at(options.paths, where, params, facts)
        if keys is None:
            wanted_keys = self._changed_keys(facts, window, at_paths or condition, limit)
        else:
            wanted_keys = self._wanted_keys(keys, facts)
        items = {item.keys: item.steps for item in self._items_by_batch(wanted_keys, facts, *window.instants)}
        columns = change_columns(items, facts.coverage, options, _wanted(condition))
        found = len(columns["keys"])
        if found > limit:
            raise _too_many(found, limit)
        caveats = [*self._changes_caveats(facts, window, items if keys is not None else None)]
        caveats += timeline_caveats(items, facts.coverage, options)
        if keys is None and (at_paths or condition):
            caveats += self._not_selected(facts, window, items)
        attrs = self._answer_attrs(facts, f"{found:,} changes{said(where)}", caveats, window=window)
        return answer_frame(columns, facts.key_names, self._tz, attrs)

    def activity(
        self,
        start: Any,
        end: Any = "now",
        *,
        by: str = "1min",
        where: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> ResultFrame:
        """How many changes of what kind there were in each period of start ≤ t < end; periods without any are left out.

        Args:
            start, end: as for :meth:`timeline`.
            by: length of a period: a number and ``s``, ``min``, ``h`` or ``d``. Days begin at midnight in the history's
                zone, shorter periods at the full unit of UTC.
            where: a condition on the change, as for :meth:`changes`.
            params: values of ``:name`` in ``where``.

        Returns:
            A DataFrame in order of period, action and path: :data:`histlib.frames.ACTIVITY_COLUMNS`. A change of three
            attributes counts in three rows. Changes count by their stamp, once however often they were delivered.

        Raises:
            TimeNotValidError: not a range, not a period.
            ConditionNotValidError: a condition that cannot be read.
            SourceError: the history cannot be read.
        """
        from histlib.frames import activity_frame

        facts = self._facts()
        window = parse_range(start, end, self._tz)
        unit = parse_period(by)
        condition = self._condition(where, params, Subject.CHANGE, facts)
        query = Activity(
            window.start, window.end, unit, self._origin_of_periods(window), condition, self._actor_attribute
        )
        counts = self._opened.source.fetch(query)
        caveats = [*self._changes_caveats(facts, window, None)]
        attrs = self._answer_attrs(facts, f"activity by {by}{said(where)}", caveats, window=window) | {"by": by}
        return activity_frame(counts, self._tz, attrs)

    def _change_at(
        self, paths: Sequence[Path], where: str | None, params: Mapping[str, Any] | None, facts: Facts
    ) -> Condition | None:
        """The condition that a change is at or below one of the paths, and that ``where`` holds.

        Raises:
            PathNotValidError: a path that no image has.
        """
        if not paths:
            return None
        texts = [".".join(["{}", *map(_sql_step, path)]).replace(".[", "[") for path in paths]
        differ = " OR ".join(f"{text.format('new_image')} <> {text.format('old_image')}" for text in texts)
        both = f"({where}) AND ({differ})" if where else differ
        try:
            condition = self._condition(both, params, Subject.CHANGE, facts)
        except ConditionNotValidError as error:
            what = str(error).partition(": ")[2]  # without the place: the condition is not the caller's
            raise PathNotValidError(f"not a path that an image has: {what}", error.value) from error
        names = {path[0] for path in condition.paths} if condition else set()
        for path in paths:
            if path[0] not in names:
                raise PathNotValidError(
                    f"no image has {format_path(path)!r}; there is {', '.join(map(str, names))}", path
                )
        return condition

    def _changed_keys(self, facts: Facts, window: TimeRange, condition: Condition | None, limit: int) -> list[str]:
        """The keys of the rows that may be asked for.

        Raises:
            RequestError: they are of more items than there may be changes.
        """
        import pyarrow.compute as pc

        query = ChangeKeys(window.start - _SKEW, window.end, condition, self._actor_attribute)
        rows = self._opened.source.fetch(query)
        inside = rows.filter(pc.greater_equal(rows.column("timestamp_micros"), window.start))
        if len(inside.column("keys").unique()) > limit:
            raise _too_many(inside.num_rows, limit)
        return self._known_as(rows.column("keys").to_pylist(), facts)

    def _not_selected(self, facts: Facts, window: TimeRange, items: Mapping[str, Any]) -> Iterator[Caveat]:
        """A condition cannot select what is missing: whether it is so of items other than these."""
        around = self._opened.source.fetch(Around(window.before, NOTHING, through=window.end))
        keys = around.column("keys")
        broken = set(keys.filter(around.column("gap")).to_pylist()) - set(items)
        odd = set(keys.filter(around.column("odd")).to_pylist()) - set(items)
        others = self._items_by_batch(sorted(odd), facts, *window.instants)
        broken |= {item.keys for item in others if _broken_within(item.steps, window)}
        if broken:
            yield Caveat(
                "gap", f"of {len(broken):,} more item{'s'[: len(broken) > 1]} a change in this time is missing"
            )

    def _origin_of_periods(self, window: TimeRange) -> int:
        """Midnight in the history's zone before the window, epoch µs."""
        begin = from_micros(max(window.start, 0), self._tz)
        return to_micros(begin.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))

    def _changes_caveats(self, facts: Facts, window: TimeRange, items: Mapping[str, Any] | None) -> Iterator[Caveat]:
        from histlib.timelines import window_caveats

        yield from window_caveats(None if items is None else list(items), facts.coverage, window)
        yield from told_as_text(facts)


def _wanted(condition: Condition | None) -> Wanted | None:
    """Whether a condition holds of a step, by the images that its record has."""
    if condition is None:
        return None

    def wanted(step: Step, actor: str | None) -> bool:
        change = step.change
        return condition.change(change.keys, change.new_image, change.old_image, change.action, step.effective, actor)

    return wanted


def _broken_within(steps: Sequence[Step], window: TimeRange) -> bool:
    """Whether a change is missing between two of which it may lie in the window."""
    return any(
        step.link is Link.GAP and step.effective >= window.start and before.effective < window.end
        for before, step in pairwise(steps)
    )


def _sql_step(step: str | int) -> str:
    """A step of a path as a condition writes it."""
    return (
        f"[{step}]"
        if isinstance(step, int)
        else '"' + step.replace('"', '""').replace("{", "{{").replace("}", "}}") + '"'
    )


def _too_many(found: int, limit: int) -> RequestError:
    return RequestError(
        f"{found:,} changes, more than limit={limit:,}; narrow start and end, add where or paths, raise limit, or "
        "count them with activity()",
        found,
    )
