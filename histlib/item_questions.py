"""Questions about one item: its state, its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from histlib.asking import Asking
from histlib.baselines import Sighting
from histlib.chain import Step
from histlib.errors import PathNotValidError, RequestError
from histlib.facts import Facts
from histlib.keys import Key, parse_keys
from histlib.paths import Path as ValuePath
from histlib.paths import format_path, get, parse_path
from histlib.reconstruct import Finding, state_after, state_at
from histlib.results import ItemState, Seen, StateChange
from histlib.timelines import TimelineOptions, actor_of, timeline_caveats, timeline_columns
from histlib.times import from_micros, parse_range, parse_state_time, second_of
from histlib.values import MISSING, Item, decode_image

if TYPE_CHECKING:
    from histlib.frames import ResultFrame


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
            A DataFrame with the columns ``keys``, ``keys.<name>`` and those in :data:`histlib.timelines.COLUMNS`.

        Raises:
            KeyNotValidError, TimeNotValidError: not a key of this table, not a range.
            PathNotValidError: not a path, or one that no image of the item has.
            SourceError: the history cannot be read.
        """
        from histlib.frames import answer_frame

        facts = self._facts()
        meant = parse_keys(key, facts.key_schemas)
        wanted = [paths] if isinstance(paths, str) else list(paths or ())
        parsed_paths = tuple(map(parse_path, wanted))
        window = parse_range(start, end, self._tz)
        keys = self._keys_of(meant)
        items = {text: item.steps for text, item in self._items(keys, facts, *window.instants).items()}
        if not have_paths(items, parsed_paths):
            check_paths({text: item.steps for text, item in self._items(keys, facts).items()}, parsed_paths)
        options = TimelineOptions(window, parsed_paths, self._actor_attribute)
        columns = timeline_columns(items, facts.coverage, options)
        caveats = timeline_caveats(items, facts.coverage, options)
        attrs = self._answer_attrs(facts, f"timeline of {meant[0].text}", caveats, window=window)
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


def have_paths(
    items: Mapping[str, Sequence[Step]], paths: Sequence[ValuePath], sightings: Sequence[Sighting] = ()
) -> bool:
    """Whether images of these items have each of the paths."""
    images = _images(items, sightings) if paths else []
    return all(any(get(image, path) is not MISSING for image in images) for path in paths)


def check_paths(
    items: Mapping[str, Sequence[Step]], paths: Sequence[ValuePath], sightings: Sequence[Sighting] = ()
) -> None:
    """A path that no image of these items ever had is a mistake, not an empty answer."""
    images = _images(items, sightings) if paths else []
    for path in paths:
        if images and all(get(image, path) is MISSING for image in images):
            names = ", ".join(sorted({format_path((name,)) for image in images for name in image}))
            raise PathNotValidError(
                f"no image of this item has the path {format_path(path)!r}; its attributes are {names}",
                format_path(path),
            )


def _images(items: Mapping[str, Sequence[Step]], sightings: Sequence[Sighting]) -> list[Item]:
    seen = {image for steps in items.values() for step in steps for image in (step.before, step.after)}
    texts = {image for image in seen if isinstance(image, str)} | {one.image for one in sightings if one.image}
    return list(map(decode_image, texts))
