"""Questions about one item: its state, its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from histlib.answers.state import ItemState, Seen, StateChange
from histlib.answers.timelines import TimelineOptions, timeline_caveats, timeline_columns
from histlib.errors import RequestError
from histlib.questions.asking import Asking, Scope
from histlib.questions.facts import Facts
from histlib.questions.names import ItemNames, as_attrs, meant, notices
from histlib.rules.actor import actor_of
from histlib.rules.chain.chain import Step
from histlib.rules.coverage.baselines import ItemHistory, Sighting
from histlib.rules.state import Finding, state_after, state_at
from histlib.values.image_json import decode_image
from histlib.values.keys import Key, parse_keys
from histlib.values.times import from_micros, parse_range, parse_state_time, second_of

if TYPE_CHECKING:
    from histlib.answers.frames import ResultFrame


class ItemQuestions(Asking):
    """``state_at``, ``timeline``."""

    def state_at(self, key: Any, time: Any = "now", *, change: str | None = None) -> ItemState:
        """What one item was at a time: the state after all its changes up to and in that second.

        Args:
            key: a dict, a bare value for a key of one attribute, a tuple (partition key, sort key). Where the table was
                made anew with another key, a dict is of the key that has its attributes, others are of the latest.
            time: ISO text, datetime, pandas Timestamp, ``now``, ``-2h``; naive means the history's zone.
            change: an event id: the state right after that change of the item, whatever the time.

        Raises:
            KeyNotValidError: not a whole key of this table.
            TimeNotValidError: not a time, or in the future.
            RequestError: the item has no such change.
            SourceError: the history cannot be read.
        """
        facts = self._facts()
        whole = self._whole_key(key, facts)
        moment = parse_state_time(time, self._tz)
        if change is None:
            item = self._items([whole.text], facts, *second_of(moment))[whole.text]
            finding = state_at(item.steps, whole.text, moment, facts.coverage, item.sightings)
        else:
            item = self._items([whole.text], facts)[whole.text]
            position = _position_of(item.steps, change, whole.text)
            moment = item.steps[position].effective
            finding = state_after(item.steps, position, facts.coverage)
        return self._state(facts, whole, moment, finding)

    def timeline(
        self, key: Any, start: Any = None, end: Any = None, *, paths: Sequence[str] | str | None = None
    ) -> ResultFrame:
        """The changes of an item in order, a row per changed path (a partition key alone: of all its items).

        Args:
            key: as for :meth:`state_at`, or one attribute of a key of two.
            start, end: start ≤ time < end; a date as end includes that day. Default: all.
            paths: only changes at or below these paths, INSERT and REMOVE by path too.

        Returns:
            A DataFrame with the columns ``keys``, ``keys.<name>`` and those in
            :data:`histlib.answers.timelines.COLUMNS`.

        Raises:
            KeyNotValidError, TimeNotValidError: not a key of this table, not a range.
            PathNotValidError: not a path, or one that no image of the item has.
            SourceError: the history cannot be read.
        """
        from histlib.answers.frames import answer_frame

        facts = self._facts()
        asked = self._paths(paths or ())
        window = parse_range(start, end, self._tz)
        text = parse_keys(key, facts.key_schemas)[0].text
        scope = self._scope([key], facts)
        assert scope.keys is not None
        found = self._items(scope.keys, facts, *window.instants)
        names = names_of(found if asked else {})
        if not names.have(asked):
            names = names_of(self._items(scope.keys, facts))
        wanted = tuple(dict.fromkeys(meant(asked, names)))
        items = {text: item.steps for text, item in found.items()}
        options = TimelineOptions(window, wanted, self._actor_attribute)
        columns = timeline_columns(items, facts.coverage, options)
        caveats = timeline_caveats(items, columns, facts.coverage, options, wide=scope.wide)
        attrs = self._answer_attrs(facts, f"timeline of {text}", caveats, window=window)
        attrs |= as_attrs([*_nothing_of(items, scope), *notices(wanted, (), names)])
        return answer_frame(columns, facts.key_names, self._tz, attrs)

    def _state(self, facts: Facts, key: Key, moment: int, finding: Finding) -> ItemState:
        item = None if finding.image is None else decode_image(finding.image)
        return ItemState(
            keys=dict(key.values),
            time=from_micros(moment, self._tz),
            status=finding.status,
            item=item,
            evidence=finding.evidence,
            since=self._time(finding.since),
            until=self._time(finding.until),
            until_known=finding.until_known,
            change=self._state_change(finding.step, item),
            completeness=finding.completeness,
            caveats=finding.caveats,
            reason=finding.reason,
            candidates=tuple(None if text is None else decode_image(text) for text in finding.candidates),
            origin=self._origin(facts),
            seen=self._seen(finding.sighting),
        )

    def _seen(self, sighting: Sighting | None) -> Seen | None:
        if sighting is None:
            return None
        begin, end = (from_micros(micros, self._tz) for micros in (sighting.read_begin, sighting.read_end))
        return Seen(sighting.baseline, begin, end)

    def _state_change(self, step: Step | None, item: Any) -> StateChange | None:
        if step is None:
            return None
        return StateChange(
            time=from_micros(step.effective, self._tz),
            action=step.change.action,
            actor=actor_of(step.change, item, self._actor_attribute),
            event_id=step.change.event_id,
            sequence_number=step.change.sequence_number,
            file=step.change.file,
        )


def _position_of(steps: Sequence[Step], event_id: str, keys: str) -> int:
    for position, step in enumerate(steps):
        if step.change.event_id == event_id:
            return position
    raise RequestError(
        f"{event_id!r} is no change of {keys}, which has {len(steps)}; timeline() lists them with event_id",
        event_id,
    )


def _nothing_of(items: Mapping[str, Sequence[Step]], scope: Scope) -> list[str]:
    """What is told where a history has no change of what it is asked for."""
    if any(items.values()):
        return []
    return [f"the history holds no change of {'any item under this key' if scope.wide else 'this key'}"]


def names_of(items: Mapping[str, ItemHistory]) -> ItemNames:
    """The names in the images of these items."""
    steps = [step for item in items.values() for step in item.steps]
    changed = {image for step in steps for image in (step.before, step.after) if isinstance(image, str)}
    seen = {sighting.image for item in items.values() for sighting in item.sightings if sighting.image}
    return ItemNames([decode_image(text) for text in changed | seen], several=len(items) > 1)
