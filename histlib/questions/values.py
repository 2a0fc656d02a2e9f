"""Questions about the values of one item: since when one holds, and which change set each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from histlib.answers.since import Since
from histlib.answers.state import StateChange
from histlib.errors import PathNotValidError
from histlib.questions.facts import Facts
from histlib.questions.items import ItemQuestions, names_of
from histlib.questions.names import ItemNames, as_attrs, meant, notices
from histlib.rules import doubt
from histlib.rules.caveats import Caveat
from histlib.rules.chain.chain import Step
from histlib.rules.chain.images import Image
from histlib.rules.coverage.baselines import ItemHistory
from histlib.rules.lineage import (
    Sought,
    Spell,
    blame_columns,
    find_spell,
    is_spell_told,
    is_told,
    spoken_of,
    up_to,
    value_before,
)
from histlib.rules.state import Finding, state_at
from histlib.rules.stretches import Period, build_stretches
from histlib.values.image_json import MISSING, Item, decode_image
from histlib.values.keys import Key
from histlib.values.paths import Path, format_path, get, parse_path
from histlib.values.times import format_time, from_micros, parse_state_time, second_of

if TYPE_CHECKING:
    from histlib.answers.frames import ResultFrame

#: The value that the path has at the time asked for.
_THEN: Final = object()


class ValueQuestions(ItemQuestions):
    """``since``, ``blame``."""

    def since(self, key: Any, path: str, *, value: Any = _THEN, time: Any = "now") -> Since:
        """Since when a path of an item has held the value that it has at a time, or another one.

        Args:
            key: as for :meth:`state_at`.
            path: such as ``price`` or ``address.zip``.
            value: the value to look for (``histlib.MISSING``: nothing there); default: what the path holds at ``time``.
            time: as for :meth:`state_at`; later changes are told only as the end of the period.

        Returns:
            A :class:`histlib.answers.since.Since`: the period around ``time`` in which it held, or the last one before
            it. Deletes end a period. Where a change is missing, or the time of one is not known, the bounds widen.

        Raises:
            KeyNotValidError, TimeNotValidError: not a whole key of this table, not a time.
            PathNotValidError: not a path, or one that no image of the item has.
            SourceError: the history cannot be read.
        """
        facts = self._facts()
        whole = self._whole_key(key, facts)
        moment = parse_state_time(time, self._tz)
        item, names = self._item_up_to(whole, facts, moment, [_whole_path(path)])
        (wanted,) = meant([_whole_path(path)], names)
        finding = state_at(item.steps, whole.text, moment, facts.coverage, item.sightings)
        then = value is _THEN
        if then:
            value = MISSING if finding.image is None else get(decode_image(finding.image), wanted)
        sought = Sought(wanted, value, old_format=then and doubt.is_as_text(finding.caveats))
        last = facts.coverage.last_instant(moment)
        stretches = build_stretches(item, facts.coverage)
        spell = find_spell(stretches, sought, last)
        if not is_spell_told(stretches, spell, last):
            stretches = build_stretches(self._items([whole.text], facts)[whole.text], facts.coverage)
            spell = find_spell(stretches, sought, last)
        period = spell.period
        caveats = doubt.told(finding.caveats, spoken_of(stretches, spell, last, facts.coverage))
        return Since(
            keys=dict(whole.values),
            path=format_path(wanted),
            value=value,
            time=from_micros(moment, self._tz),
            status="unknown" if finding.status == "unknown" and spell.status != "held" else spell.status,
            since=self._time(period.from_earliest) if period else None,
            from_latest=self._time(period.from_latest) if period else None,
            until=self._time(period.to_latest) if period else None,
            before=value_before(period, wanted) if period else MISSING,
            change=self._change_of(period.begun_by) if period else None,
            ended_by=self._change_of(period.ended_by) if period else None,
            earlier=tuple((self._time(one.from_earliest), self._time(one.to_latest)) for one in spell.earlier),
            completeness=_completeness(facts, caveats, period),
            caveats=caveats,
            reason=_why_unknown(spell, finding),
            origin=self._origin(facts),
            notices=tuple(notices([wanted], (), names)),
        )

    def blame(self, key: Any, time: Any = "now", *, paths: Sequence[str] | str | None = None) -> ResultFrame:
        """Which change last set each value of an item, as it was at a time; those removed until then, too.

        Args:
            key, time: as for :meth:`state_at`.
            paths: only these paths, each as a whole.

        Returns:
            A DataFrame in order of path: ``keys``, ``keys.<name>`` and :data:`histlib.rules.lineage.COLUMNS`. Maps and
            lists are told by what is in them.

        Raises:
            KeyNotValidError, TimeNotValidError, PathNotValidError: as for :meth:`since`.
            SourceError: the history cannot be read.
        """
        from histlib.answers.frames import answer_frame

        facts = self._facts()
        whole = self._whole_key(key, facts)
        moment = parse_state_time(time, self._tz)
        item, names = self._item_up_to(whole, facts, moment, self._paths(paths or ()))
        wanted = tuple(dict.fromkeys(meant(self._paths(paths or ()), names)))
        finding = state_at(item.steps, whole.text, moment, facts.coverage, item.sightings)
        image = Image.NONE if finding.image is None else finding.image
        last = facts.coverage.last_instant(moment)
        known = build_stretches(item, facts.coverage)
        if not is_told(known, last):
            known = build_stretches(self._items([whole.text], facts)[whole.text], facts.coverage)
        stretches = up_to(known, last, Image.UNSEEN if finding.reason else image)
        columns = blame_columns(whole.text, stretches, wanted, self._actor_attribute)
        heading = f"blame of {whole.text} at {format_time(moment, self._tz)}: {finding.status}"
        caveats = [*finding.caveats, *doubt.of_rows(Counter(columns["caveats"]))]
        attrs = self._answer_attrs(facts, heading, caveats, attested=finding.completeness == "attested")
        attrs |= as_attrs(notices(wanted, (), names))
        return answer_frame(columns, facts.key_names, self._tz, attrs)

    def _item_up_to(self, key: Key, facts: Facts, moment: int, paths: Sequence[Path]) -> tuple[ItemHistory, ItemNames]:
        """An item up to a moment and what came next, and the names in its images; all of it where that does not show a
        path."""
        items = self._items([key.text], facts, None, second_of(moment)[1])
        names = names_of(items if paths else {})
        if not names.have(paths):
            items = self._items([key.text], facts)
            names = names_of(items)
        return items[key.text], names

    def _change_of(self, step: Step | None) -> StateChange | None:
        item: Item | None = decode_image(step.after) if step is not None and isinstance(step.after, str) else None
        return self._state_change(step, item)


def _whole_path(path: str) -> Path:
    parsed = parse_path(path)
    if not parsed:
        raise PathNotValidError("an empty path is the whole item; expected one like price", path)
    return parsed


def _completeness(facts: Facts, caveats: Sequence[Caveat], period: Period | None) -> str:
    """Attested where nothing may be missing since the period began."""
    if period is None or period.from_earliest is None:
        return doubt.completeness(caveats, proven=False)
    stream = period.begun_by.change.stream if period.begun_by else None
    end = period.from_latest if period.to_earliest is None else period.to_earliest
    return doubt.completeness(caveats, proven=facts.coverage.attests(period.from_earliest, end, stream))


def _why_unknown(spell: Spell, finding: Finding) -> str:
    if spell.status == "held" or "unknown" not in (spell.status, finding.status):
        return ""
    return finding.reason or "the stream's view does not hold all images of this item, and what it shows does not tell"
