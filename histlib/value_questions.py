"""Questions about the values of one item: since when one holds, and which change set each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from histlib.baselines import ItemHistory
from histlib.caveats import Caveat, in_order
from histlib.chain import Image, Step
from histlib.errors import PathNotValidError
from histlib.facts import Facts
from histlib.item_questions import ItemQuestions, check_paths, have_paths
from histlib.keys import Key
from histlib.lineage import Sought, Spell, blame_columns, find_spell, is_spell_told, is_told, up_to, value_before
from histlib.paths import Path, get, parse_path
from histlib.reconstruct import Finding, state_at
from histlib.results import StateChange
from histlib.since import Since
from histlib.stretches import Period, Stretch, build_stretches
from histlib.times import format_time, from_micros, parse_state_time, second_of
from histlib.values import MISSING, Item, decode_image

if TYPE_CHECKING:
    from histlib.frames import ResultFrame

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
            A :class:`histlib.since.Since`: the period around ``time`` in which it held, or the last one before it.
            Deletes end a period. Where a change is missing, or the time of one is not known, the bounds widen.

        Raises:
            KeyNotValidError, TimeNotValidError: not a whole key of this table, not a time.
            PathNotValidError: not a path, or one that no image of the item has.
            SourceError: the history cannot be read.
        """
        facts = self._facts()
        whole = self._whole_key(key, facts)
        moment = parse_state_time(time, self._tz)
        wanted = _whole_path(path)
        item = self._item_up_to(whole, facts, moment, [wanted])
        finding = state_at(item.steps, whole.text, moment, facts.coverage, item.sightings)
        then = value is _THEN
        if then:
            value = MISSING if finding.image is None else get(decode_image(finding.image), wanted)
        sought = Sought(wanted, value, old_format=then and "old_format" in finding.caveats)
        last = facts.coverage.last_instant(moment)
        stretches = build_stretches(item, facts.coverage)
        spell = find_spell(stretches, sought, last)
        if not is_spell_told(stretches, spell, last):
            stretches = build_stretches(self._items([whole.text], facts)[whole.text], facts.coverage)
            spell = find_spell(stretches, sought, last)
        period = spell.period
        return Since(
            keys=dict(whole.values),
            path=path,
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
            completeness=_completeness(facts, finding, period),
            caveats=in_order([*finding.caveats, *_spell_caveats(spell, stretches)]),
            origin=self._origin(facts),
        )

    def blame(self, key: Any, time: Any = "now", *, paths: Sequence[str] | str | None = None) -> ResultFrame:
        """Which change last set each value of an item, as it was at a time; those removed until then, too.

        Args:
            key, time: as for :meth:`state_at`.
            paths: only these paths, each as a whole.

        Returns:
            A DataFrame in order of path: ``keys``, ``keys.<name>`` and :data:`histlib.lineage.COLUMNS`. Maps and lists
            are told by what is in them.

        Raises:
            KeyNotValidError, TimeNotValidError, PathNotValidError: as for :meth:`since`.
            SourceError: the history cannot be read.
        """
        from histlib.frames import answer_frame

        facts = self._facts()
        whole = self._whole_key(key, facts)
        moment = parse_state_time(time, self._tz)
        wanted = self._paths(paths or ())
        item = self._item_up_to(whole, facts, moment, wanted)
        finding = state_at(item.steps, whole.text, moment, facts.coverage, item.sightings)
        image = Image.NONE if finding.image is None else finding.image
        last = facts.coverage.last_instant(moment)
        known = build_stretches(item, facts.coverage)
        if not is_told(known, last):
            known = build_stretches(self._items([whole.text], facts)[whole.text], facts.coverage)
        stretches = up_to(known, last, Image.UNSEEN if finding.reason else image)
        columns = blame_columns(whole.text, stretches, wanted, self._actor_attribute)
        heading = f"blame of {whole.text} at {format_time(moment, self._tz)}: {finding.status}"
        caveats = [*finding.caveats, *map(Caveat, {name for cell in columns["caveats"] for name in cell.split()})]
        attrs = self._answer_attrs(facts, heading, caveats, attested=finding.completeness == "attested")
        return answer_frame(columns, facts.key_names, self._tz, attrs)

    def _item_up_to(self, key: Key, facts: Facts, moment: int, paths: Sequence[Path]) -> ItemHistory:
        """An item up to a moment and what came next; all of it where that does not show a path.

        Raises:
            PathNotValidError: a path that no image of the item has.
        """
        item = self._items([key.text], facts, None, second_of(moment)[1])[key.text]
        if not have_paths({key.text: item.steps}, paths, item.sightings):
            item = self._items([key.text], facts)[key.text]
            check_paths({key.text: item.steps}, paths, item.sightings)
        return item

    def _change_of(self, step: Step | None) -> StateChange | None:
        item: Item | None = decode_image(step.after) if step is not None and isinstance(step.after, str) else None
        return self._state_change(step, item)


def _whole_path(path: str) -> Path:
    parsed = parse_path(path)
    if not parsed:
        raise PathNotValidError("an empty path is the whole item; expected one like price", path)
    return parsed


def _completeness(facts: Facts, finding: Finding, period: Period | None) -> str:
    """Attested where the state is, and nothing may be missing since the period began."""
    if period is None or period.from_earliest is None or finding.completeness != "attested":
        return "observed"
    stream = period.begun_by.change.stream if period.begun_by else None
    end = period.from_latest if period.to_earliest is None else period.to_earliest
    doubtful = {"gap", "outside_coverage", "unreadable_files"} & period.caveats
    return "attested" if not doubtful and facts.coverage.attests(period.from_earliest, end, stream) else "observed"


def _spell_caveats(spell: Spell, stretches: Sequence[Stretch]) -> list[Caveat]:
    if spell.period is not None:
        found = [Caveat(name) for name in spell.period.caveats]
        if spell.period.from_earliest is None:
            found.append(Caveat("outside_coverage", "it was so already before the history tells"))
        return found
    if stretches and stretches[0].image is not Image.NONE:
        return [Caveat("outside_coverage", "what was before it is first known is not known")]
    return []
