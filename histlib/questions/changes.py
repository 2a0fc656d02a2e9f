"""Questions about changes between two times: each of them, and how many of what kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from histlib.answers.timelines import TimelineOptions, Wanted, chain_caveats, change_columns, timeline_caveats
from histlib.engines.queries import NOTHING, Activity, Around, ChangeKeys
from histlib.engines.where import Condition, Subject
from histlib.errors import RequestError
from histlib.markup import plural
from histlib.questions.asking import Asking, said
from histlib.questions.facts import Facts
from histlib.questions.names import first_images, meant
from histlib.rules import doubt
from histlib.rules.actor import actor_of
from histlib.rules.caveats import Caveat
from histlib.rules.chain.chain import Step
from histlib.rules.chain.images import Image
from histlib.rules.coverage.coverage import Coverage
from histlib.values.image_json import MISSING, decode_image
from histlib.values.paths import Path
from histlib.values.periods import Periods
from histlib.values.times import HOUR, TimeRange, parse_period, parse_range

if TYPE_CHECKING:
    from histlib.answers.frames import ResultFrame

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
            A DataFrame with ``keys``, ``keys.<name>`` and :data:`histlib.answers.timelines.CHANGE_COLUMNS`. Where a
            change is missing right before one, its row carries ``gap``.

        Raises:
            KeyNotValidError, TimeNotValidError, PathNotValidError: not a key of this table, a range, a path.
            ConditionNotValidError: a condition that cannot be read.
            RequestError: more changes than ``limit``.
            SourceError: the history cannot be read.
        """
        from histlib.answers.frames import answer_frame

        facts = self._facts()
        window = parse_range(start, end, self._tz)
        wanted_paths = tuple(dict.fromkeys(meant(self._paths(paths or ()), self._names(facts))))
        options = TimelineOptions(window, wanted_paths, self._actor_attribute)
        condition = self._condition(where, params, Subject.CHANGE, facts)
        at_paths = self._change_at(options.paths, where, params, facts)
        scope = self._scope(keys, facts, condition)
        if scope.keys is None:
            wanted_keys = self._changed_keys(facts, window, at_paths or condition, limit)
        else:
            wanted_keys = list(scope.keys)
        items = {item.keys: item.steps for item in self._items_by_batch(wanted_keys, facts, *window.instants)}
        columns = change_columns(items, facts.coverage, options, _wanted(condition))
        found = len(columns["keys"])
        if found > limit:
            raise _too_many(found, limit)
        others = self._strays(facts, window, at_paths or condition, set(items)) if scope.keys is None else {}
        caveats = [
            *timeline_caveats(items, columns, facts.coverage, options, wide=scope.wide),
            *doubt.of_others(strays_in(others, facts.coverage, window)),
            *self._untold_caveats(facts, window, at_paths or condition, items if scope.keys is not None else None),
            *doubt.of_text(old_format=facts.old_format, not_shown=""),
        ]
        attrs = self._answer_attrs(facts, f"{plural(found, 'change')}{said(where)}", caveats, window=window)
        images = first_images(columns["new_image_json"], columns["old_image_json"])
        attrs |= self._noticed(facts, condition, options.paths, images)
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
            by: length of a period: a number and ``s``, ``min``, ``h`` or ``d``. Whole days (``1d``, ``7d``, ``24h``)
                begin with the first instant of a date in the history's zone, also where its clocks were changed and a
                day has 23 or 25 hours; several together are counted from the date of ``start``. Periods of any other
                length begin at full multiples of it in UTC, counted from 1970-01-01.
            where: a condition on the change, as for :meth:`changes`.
            params: values of ``:name`` in ``where``.

        Returns:
            A DataFrame in order of period, action and path: :data:`histlib.answers.frames.ACTIVITY_COLUMNS`. A change
            of three attributes counts in three rows. Changes count by their stamp, once however often they were
            delivered.

        Raises:
            TimeNotValidError: not a range, not a period.
            ConditionNotValidError: a condition that cannot be read.
            SourceError: the history cannot be read.
        """
        from histlib.answers.frames import activity_frame

        facts = self._facts()
        window = parse_range(start, end, self._tz)
        periods = Periods(parse_period(by), self._tz, window.start)
        condition = self._condition(where, params, Subject.CHANGE, facts)
        query = Activity(window.start, window.end, periods, condition, self._actor_attribute)
        counts = self._opened.source.fetch(query)
        others = self._strays(facts, window, condition, set())
        strays = strays_in(others, facts.coverage, window, self._wanted_alone(condition))
        net = [stream.arn for stream in facts.streams if stream.last >= window.start and stream.first < window.end]
        caveats = [
            *doubt.of_range(window, self._scope(None, facts, condition).named, facts.coverage),
            *doubt.of_counted(
                strays,
                streams=net,
                redacted=any(counts.column("dropped").to_pylist()),
                unseen=any(counts.column("unseen").to_pylist()),
            ),
            *self._untold_caveats(facts, window, condition, None),
            *doubt.of_text(old_format=facts.old_format, not_shown=""),
        ]
        attrs = self._answer_attrs(facts, f"activity by {by}{said(where)}", caveats, window=window) | {"by": by}
        attrs |= self._noticed(facts, condition, ())
        return activity_frame(counts, self._tz, attrs)

    def _change_at(
        self, paths: Sequence[Path], where: str | None, params: Mapping[str, Any] | None, facts: Facts
    ) -> Condition | None:
        """The condition that a change is at or below one of the paths, and that ``where`` holds."""
        if not paths or () in paths:
            return None
        texts = [".".join(["{}", *map(_sql_step, path)]).replace(".[", "[") for path in paths]
        differ = " OR ".join(f"{text.format('new_image')} <> {text.format('old_image')}" for text in texts)
        both = f"({where}) AND ({differ})" if where else differ
        return self._condition(both, params, Subject.CHANGE, facts)

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

    def _strays(
        self, facts: Facts, window: TimeRange, condition: Condition | None, known: set[str]
    ) -> dict[str, Sequence[Step]]:
        """The chains of the items, beside those known, of which a change may be missing in a window, or that are not
        plain: a condition cannot select what is missing."""
        query = Around(window.before, NOTHING, through=window.end)
        around = self._opened.source.fetch(query)
        found = self._known_as(around.column("keys").to_pylist(), facts)
        keys = [text for text in found if text not in known and (condition is None or condition.possible(text))]
        return {item.keys: item.steps for item in self._items_by_batch(keys, facts, *window.instants)}

    def _wanted_alone(self, condition: Condition | None) -> Wanted | None:
        """Whether a condition holds of a step whose actor is still to be found."""
        wanted = _wanted(condition)
        if wanted is None:
            return None

        def alone(step: Step, _actor: str | None) -> bool:
            item = decode_image(step.after) if isinstance(step.after, str) else MISSING
            return wanted(step, actor_of(step.change, item, self._actor_attribute))

        return alone

    def _untold_caveats(
        self, facts: Facts, window: TimeRange, condition: Condition | None, items: Mapping[str, Sequence[Step]] | None
    ) -> Iterator[Caveat]:
        """What is left out of changes (of these items, None: of all), since they do not show what a condition asks."""
        if condition is None or not (facts.blind or facts.redacts):
            return
        untold = condition.untold
        if items is None:
            periods = Periods(HOUR, self._tz, window.start)
            query = Activity(window.start, window.end, periods, untold, self._actor_attribute)
            counts = self._opened.source.fetch(query)
            yield from doubt.of_untold(
                unseen=any(counts.column("unseen").to_pylist()), redacted=any(counts.column("dropped").to_pylist())
            )
            return
        wanted = self._wanted_alone(untold)
        assert wanted is not None
        steps = [step for some in items.values() for step in some if window.start <= step.effective < window.end]
        left_out = [step for step in steps if wanted(step, None)]
        unseen = any(Image.UNSEEN in (step.before, step.after) for step in left_out)
        yield from doubt.of_untold(unseen=unseen, redacted=any(step.change.redaction is not None for step in left_out))


def _wanted(condition: Condition | None) -> Wanted | None:
    """Whether a condition holds of a step, by the images that its record has."""
    if condition is None:
        return None

    def wanted(step: Step, actor: str | None) -> bool:
        change = step.change
        return condition.change(change.keys, change.new_image, change.old_image, change.action, step.effective, actor)

    return wanted


def strays_in(
    items: Mapping[str, Sequence[Step]], coverage: Coverage, window: TimeRange, wanted: Wanted | None = None
) -> Counter[str]:
    """The caveats of items over a window, each with the number of items; of changes that are not wanted only what may
    hide one that is."""
    found: Counter[str] = Counter()
    for steps in items.values():
        found.update({str(caveat) for caveat in chain_caveats(steps, coverage, window, wanted)})
    return found


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
