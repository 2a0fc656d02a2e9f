"""A history: the questions that can be asked of one table's changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histlib.caveats import Caveat
from histlib.chain import Step, build_chain
from histlib.errors import KeyNotValidError, PathNotValidError, RequestError
from histlib.facts import Facts, current_facts
from histlib.keys import Key, KeySchema, parse_key
from histlib.paths import Path as ValuePath
from histlib.paths import format_path, get, parse_path
from histlib.queries import ItemChanges, MatchingKeys
from histlib.reconstruct import Finding, state_after, state_at
from histlib.record import Change, changes_of
from histlib.results import ItemState, Origin, StateChange
from histlib.sources import Opened, default_source, open_source
from histlib.timelines import TimelineOptions, actor_of, timeline_caveats, timeline_columns
from histlib.times import TimeRange, from_micros, parse_range, parse_state_time, zone
from histlib.values import MISSING, decode_image, encode_value

if TYPE_CHECKING:
    from histlib.frames import ResultFrame


class History:
    """All changes of one table, from one source. Made by :func:`connect`."""

    def __init__(self, opened: Opened, tz: str = "UTC") -> None:
        self._opened = opened
        self._tz = zone(tz)
        self._known: Facts | None = None

    @property
    def table(self) -> str:
        """The table's name."""
        return self._facts().table

    @property
    def account(self) -> str:
        """The table's AWS account id."""
        return self._facts().account

    @property
    def region(self) -> str:
        """The table's Region."""
        return self._facts().region

    @property
    def key_schema(self) -> KeySchema:
        """Names and types of the key's attributes."""
        return self._facts().key_schema

    @property
    def captured_through(self) -> datetime | None:
        """Up to when changes have surely landed (with no attestations: the last change's time)."""
        return self._time(self._facts().coverage.captured_through)

    @property
    def completeness(self) -> str:
        """``attested`` where the pipeline attests what it captured, else ``observed``."""
        return "attested" if self._facts().coverage.attested else "observed"

    def __repr__(self) -> str:
        through = self.captured_through
        captured = through.isoformat(sep=" ") if through else "not known"
        return f"<History of {self._origin(self._facts())} · {self.completeness} · captured through {captured}>"

    def state_at(self, key: Any, time: Any = "now", *, change: str | None = None) -> ItemState:
        """What one item was at a time: the state after all its changes up to and in that second.

        Args:
            key: a dict, a bare value for a key of one attribute, a tuple (partition key, sort key).
            time: ISO text, datetime, pandas Timestamp, ``now``, ``-2h``; naive means the history's zone.
            change: an event id: the state right after that change of the item, whatever the time.

        Raises:
            KeyNotValidError: not a whole key of this table.
            TimeNotValidError: not a time, or in the future.
            RequestError: the item has no such change.
            SourceError: the history cannot be read.
        """
        facts = self._facts()
        whole = self._whole_key(key, facts.key_schema)
        moment = parse_state_time(time, self._tz)
        steps = self._chains([whole.text])[whole.text]
        if change is None:
            finding = state_at(steps, whole.text, moment, facts.coverage)
        else:
            position = _position_of(steps, change, whole.text)
            moment = steps[position].effective
            finding = state_after(steps, position, facts.coverage)
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
        from histlib.frames import timeline_frame

        facts = self._facts()
        parsed = parse_key(key, facts.key_schema)
        wanted = [paths] if isinstance(paths, str) else list(paths or ())
        parsed_paths = tuple(map(parse_path, wanted))
        window = parse_range(start, end, self._tz)
        items = self._chains(self._keys_of(parsed))
        _check_paths(items, parsed_paths)
        options = TimelineOptions(window, parsed_paths, self._opened.actor_attribute)
        columns = timeline_columns(items, facts.coverage, options)
        caveats = timeline_caveats(items, facts.coverage, options)
        attrs = self._attrs(facts, f"timeline of {parsed.text}", window, caveats)
        return timeline_frame(columns, facts.key_schema.names, self._tz, attrs)

    # --- what the answers share ---

    def _chains(self, keys: Sequence[str]) -> dict[str, list[Step]]:
        changes = changes_of(self._opened.source.fetch(ItemChanges(tuple(keys))))
        by_key: dict[str, list[Change]] = {text: [] for text in keys}
        for change in changes:
            by_key[change.keys].append(change)
        return {text: build_chain(group) for text, group in by_key.items()}

    def _keys_of(self, key: Key) -> list[str]:
        if key.complete:
            return [key.text]
        names = tuple((name, encode_value(value)) for name, value in key.values.items())
        return sorted(self._opened.source.fetch(MatchingKeys(names)).column("keys").to_pylist())

    def _whole_key(self, key: Any, schema: KeySchema) -> Key:
        parsed = parse_key(key, schema)
        if not parsed.complete:
            raise KeyNotValidError(
                f"{key!r} is only a part of this table's key, {schema}; a state is of one item, timeline takes a part",
                key,
            )
        return parsed

    def _facts(self) -> Facts:
        self._known = current_facts(self._opened.source, self._known, self._opened.key_schema)
        return self._known

    def _origin(self, facts: Facts) -> Origin:
        through = self._time(facts.coverage.captured_through)
        return Origin(self._opened.name, facts.table, facts.account, facts.region, through)

    def _time(self, micros: int | None) -> datetime | None:
        return None if micros is None else from_micros(micros, self._tz)

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
            until_known=True,
            change=self._state_change(finding.step, item),
            completeness=finding.completeness,
            caveats=finding.caveats,
            reason=finding.reason,
            candidates=tuple(None if text is None else decode_image(text) for text in finding.candidates),
            origin=self._origin(facts),
        )

    def _state_change(self, step: Step | None, item: Any) -> StateChange | None:
        if step is None:
            return None
        return StateChange(
            time=from_micros(step.effective, self._tz),
            action=step.change.action,
            actor=actor_of(step.change, item, self._opened.actor_attribute),
            event_id=step.change.event_id,
            sequence_number=step.change.sequence_number,
            file=step.change.file,
        )

    def _attrs(self, facts: Facts, heading: str, window: TimeRange, caveats: Sequence[Caveat]) -> dict[str, Any]:
        """What a timeline says of itself."""
        origin = self._origin(facts)
        doubtful = {"outside_coverage", "unreadable_files", "not_settled", "gap"} & set(map(str, caveats))
        attested = facts.coverage.attested and not doubtful
        return {
            **origin.attrs(f"{heading} in {origin}", self._tz, "attested" if attested else "observed", caveats),
            "start": from_micros(window.start, self._tz).isoformat(sep=" ") if window.explicit_start else None,
            "end": from_micros(window.end, self._tz).isoformat(sep=" ") if window.explicit_end else None,
            "end_clipped": window.clipped,
        }


def connect(  # noqa: PLR0913 — the signature of the design
    source: str | Path | None = None,
    *,
    profile: str | None = None,
    region: str | None = None,
    session: Any = None,
    tz: str = "UTC",
    cache: str | Path | None = None,
    max_scan_bytes: int | None = None,
) -> History:
    """Open a history.

    Args:
        source: a folder, ``sample:`` (also ``sample:orders``, ``sample:todo``), or a name from ``histlib.toml``;
            default: the environment variable ``HISTLIB_SOURCE``.
        profile, region, session, max_scan_bytes: for sources on AWS; a local history refuses them.
        tz: IANA zone of naive times that go in and of all times that come out.
        cache: where the index of a local history is kept; default: beside it, or the user's cache folder
            where that cannot be written.

    Raises:
        RequestError: no such source, or none given.
        SourceError: it cannot be read.
    """
    on_aws = {"profile": profile, "region": region, "session": session, "max_scan_bytes": max_scan_bytes}
    if given := sorted(name for name, value in on_aws.items() if value is not None):
        raise RequestError(f"{', '.join(given)}: only a source on AWS takes this", given)
    text = default_source() if source is None else str(source)
    history = History(open_source(text, Path(cache) if cache is not None else None), tz)
    history._facts()
    return history


def _position_of(steps: Sequence[Step], event_id: str, keys: str) -> int:
    for position, step in enumerate(steps):
        if step.change.event_id == event_id:
            return position
    raise RequestError(
        f"{event_id!r} is no change of {keys}, which has {len(steps)}; timeline() lists them with event_id",
        event_id,
    )


def _check_paths(items: dict[str, list[Step]], paths: Sequence[ValuePath]) -> None:
    """A path that no image of these items ever had is a mistake, not an empty answer."""
    images = [decode_image(text) for text in _image_texts(items)] if paths else []
    for path in paths:
        if images and all(get(image, path) is MISSING for image in images):
            names = ", ".join(sorted({format_path((name,)) for image in images for name in image}))
            raise PathNotValidError(
                f"no image of this item has the path {format_path(path)!r}; its attributes are {names}",
                format_path(path),
            )


def _image_texts(items: dict[str, list[Step]]) -> set[str]:
    images = {image for steps in items.values() for step in steps for image in (step.before, step.after)}
    return {image for image in images if isinstance(image, str)}
