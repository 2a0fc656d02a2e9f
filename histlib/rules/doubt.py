"""Doubt: what a history cannot vouch for, told as caveats. The one place that decides which caveats an answer carries.

Pure. Statuses and images are decided elsewhere; here it is decided what may be wrong with them, from the items and the
time that an answer speaks of and what is known of the history. The laws are the design's, section 4 ("Doubt has one
home"). All times are epoch µs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from histlib.format.record import PRECISIONS
from histlib.format.streams import is_net, is_old_format, told_of
from histlib.markup import plural
from histlib.rules.caveats import Caveat, in_order
from histlib.rules.chain.chain import Link, Step
from histlib.rules.chain.images import Image
from histlib.rules.conditions import ItemCondition
from histlib.rules.coverage.baselines import Sighting, follows, inside_window
from histlib.rules.coverage.coverage import Coverage, Hole
from histlib.rules.coverage.net_windows import Window
from histlib.values.times import SECOND, TimeRange, end_of_second, format_time

#: What keeps an answer from being attested.
_NOT_ATTESTED: Final = frozenset({"outside_coverage", "unreadable_files", "gap", "not_settled", "net_change"})
#: What leaves open that an item was in another state than is known of it.
_OPEN: Final = frozenset({*_NOT_ATTESTED, "conflict"})
#: What of other items matters to an answer about changes: a change that it asks for may be missing, or another copy …
_OF_OTHERS: Final = frozenset({"gap", "conflict"})


@dataclass(frozen=True)
class Silence:
    """A time in which an item is taken not to have changed: [``start``, ``end``].

    ``stream``: whose span must cover it; None: any one's. ``seen``: the baseline that tells of it, whose clock may
    differ; ``after``: then the stream of the item's last change before it.
    """

    start: int
    end: int
    stream: str | None = None
    seen: Sighting | None = None
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a state rests on.

    ``silence``: the time in which nothing may have changed; ``steps``: the changes whose images tell; ``following``:
    the next change, which must have found what is told; ``seen``: the baseline that tells, ``rivals``: others that saw
    another state with no change between; ``unseen``: a change whose image the view does not hold.
    """

    silence: Silence
    steps: Sequence[Step] = ()
    following: Step | None = None
    seen: Sighting | None = None
    rivals: Sequence[Sighting] = ()
    unseen: Step | None = None


def completeness(caveats: Iterable[str], *, proven: bool) -> str:
    """``attested`` where attestations prove that all has landed and no caveat speaks against it, else ``observed``."""
    return "attested" if proven and not _NOT_ATTESTED & set(map(str, caveats)) else "observed"


def told(*groups: Iterable[Caveat]) -> tuple[Caveat, ...]:
    """Each caveat once, in the vocabulary's order, with all that is told of it."""
    details: dict[str, dict[str, None]] = {}
    for caveat in (one for group in groups for one in group):
        details.setdefault(str(caveat), {})[caveat.detail] = None
    return in_order(Caveat(name, "; ".join(some)) for name, some in details.items())


# --- what is known to be missing ---


def of_hole(hole: Hole) -> str:
    """The name of the caveat that something missing gives to what it may hide."""
    return "unreadable_files" if hole.kind == "unreadable" else "outside_coverage"


def of_holes(holes: Iterable[Hole]) -> Iterator[Caveat]:
    """A caveat for each kind of what is missing: the first of it, and how much more there is."""
    found: dict[str, list[Hole]] = {}
    for hole in holes:
        found.setdefault(of_hole(hole), []).append(hole)
    for name, some in found.items():
        yield Caveat(name, f"{some[0]}{f' and {len(some) - 1:,} more' if len(some) > 1 else ''}")


# --- one state of one item ---


def of_state(basis: Basis, keys: str, coverage: Coverage) -> tuple[Caveat, ...]:
    """The caveats of a state that rests on this."""
    found = [caveat for step in basis.steps for caveat in (*of_change(step), *_of_place(step))]
    if basis.seen is not None and basis.seen.image is not None:
        found += of_redaction(basis.seen.redaction)
    found += [Caveat("gap", f"the {one}, saw another state: a change between is missing") for one in basis.rivals]
    if basis.following is not None:
        found += _of_following(basis.following, basis.seen)
    if basis.unseen is not None:
        found += [*_of_copies(basis.unseen), *_of_place(basis.unseen)]
        found.append(Caveat("chain_unproven", no_image(basis.unseen)))
    return in_order([*found, *of_silence(basis.silence, keys, coverage)])


def of_moment(steps: Sequence[Step], moment: int, coverage: Coverage) -> Iterator[Caveat]:
    """The caveats of a moment itself; ``steps`` are the item's changes of its second."""
    if len(steps) > 1 or any(_coarser(step, moment) for step in steps):
        ids = ", ".join(step.change.event_id for step in steps)
        yield Caveat("same_second", f"changes in that second: {ids}; change=event_id asks for one")
    window = coverage.net_window(coverage.last_instant(moment))
    if window is not None:
        yield _of_window(window)


def of_change(step: Step) -> Iterator[Caveat]:
    """The caveats that a change carries whatever is around it."""
    yield from _of_copies(step)
    yield from of_redaction(step.change.redaction)
    if is_old_format(step.change.stream):
        yield Caveat("old_format", told_of(step.change.stream))


def of_silence(silence: Silence, keys: str | None, coverage: Coverage) -> Iterator[Caveat]:
    """Why it is not certain that an item (None: any) did not change all that time."""
    yield from of_holes(_hidden(silence, keys, coverage))
    if not coverage.settled(silence.end):
        yield _not_settled(coverage)
    if not _covered(silence, coverage):
        yield Caveat("outside_coverage", f"no one covered span holds {_utc(silence.start)} to {_utc(silence.end)}")


def is_outside(silence: Silence, keys: str, coverage: Coverage) -> bool:
    """Whether changes may be missing from that time, so that what comes after it does not tell what was before."""
    hidden = _hidden(silence, keys, coverage)
    return not _covered(silence, coverage) or any(of_hole(hole) == "outside_coverage" for hole in hidden)


def is_cut_off(silence: Silence, keys: str, coverage: Coverage) -> bool:
    """Whether changes may be missing from that time, in whatever way."""
    return not _covered(silence, coverage) or bool(_hidden(silence, keys, coverage))


# --- what lies between two things that are known of one item ---


def of_what_it_left(step: Step, coverage: Coverage, *, shared: bool) -> list[Caveat]:
    """The caveats of all states that a change began; ``shared``: the item has other changes of its second."""
    found = [*of_change(step), *_of_place(step)]
    if shared:
        found.append(Caveat("same_second", f"the item changed more than once in the second {_utc(step.effective)}"))
    if step.after is Image.UNSEEN:
        found.append(Caveat("chain_unproven", no_image(step)))
    if is_net(step.change.stream):
        found.append(_of_net(step, coverage))
    return found


def of_first(step: Step, coverage: Coverage) -> list[Caveat]:
    """The caveats of all states that only the change after them tells."""
    found = [*of_change(step), *_of_place(step)]
    if step.before is Image.UNSEEN:
        found.append(Caveat("chain_unproven", no_image(step)))
    return [*found, _of_net(step, coverage)] if is_net(step.change.stream) else found


def between(step: Step, following: Step, coverage: Coverage) -> list[Caveat]:
    """Why it is not certain that nothing came between two changes that follow each other."""
    way = step.effective, following.effective
    found = list(of_way(way, way, following.change.stream, step.change.keys, coverage))
    if following.new_stream:
        found.append(_of_boundary(following))
    return [*found, *of_link(following.link, following.effective)]


def of_link(link: Link | None, effective: int) -> Iterator[Caveat]:
    """Whether a change is missing before one, at this effective time, as far as images tell."""
    if link is Link.GAP:
        yield Caveat("gap", f"a change is missing before {_utc(effective)}: it started from another state")
    elif link is Link.UNPROVEN:
        yield Caveat("chain_unproven", f"what {_utc(effective)} started from cannot be compared with what was before")


def of_way(
    way: tuple[int, int], hidden: tuple[int, int], stream: str | None, keys: str, coverage: Coverage
) -> Iterator[Caveat]:
    """Why it is not certain that nothing came within ``way``; holes in ``hidden`` count."""
    yield from of_holes(coverage.holes_in(*hidden, keys))
    if not coverage.covers(*way, stream):
        yield Caveat("outside_coverage", f"no one covered span holds {_utc(way[0])} to {_utc(way[1])}")


def of_redaction(rules: str | None) -> Iterator[Caveat]:
    """The caveat of an image from which rules dropped attributes."""
    if rules is not None:
        yield Caveat("redacted", f"by the redaction rules {rules}")


def widened() -> Caveat:
    """The caveat of bounds that an image which is not seen leaves open."""
    return Caveat("chain_unproven", "an image beside it is not seen: it may have begun earlier, or ended later")


def edges(coverage: Coverage) -> list[int]:
    """All times that verdicts about a silence compare its times with, in order."""
    found = {time for span in coverage.spans for time in (span.start, span.end, coverage.last_of(span))}
    found |= {time for hole in coverage.holes for time in (hole.start, hole.end) if time is not None}
    found |= {time for window in coverage.windows for time in (window.start, window.end)}
    through = coverage.captured_through
    found |= {time for second in coverage.read_seconds for time in second}
    return sorted(found if through is None else found | {through})


def before_all() -> Caveat:
    """The caveat of what reaches back to before the history."""
    return Caveat("outside_coverage", "what was before it is first known is not known")


def no_image(step: Step) -> str:
    """Why an image of a change is not there."""
    return f"the stream's view {step.change.view} holds no such image"


def _hidden(silence: Silence, keys: str | None, coverage: Coverage) -> list[Hole]:
    first, last = silence.start, silence.end
    if silence.seen is not None:
        first, last = silence.seen.widen(first, last)
    return coverage.holes_in(first, end_of_second(last), keys)


def _covered(silence: Silence, coverage: Coverage) -> bool:
    if not coverage.covers(silence.start, silence.end, silence.stream):
        return False
    if silence.seen is None or silence.seen.image is None:
        return True
    window = inside_window(coverage, silence.seen)
    if window is None or silence.after == window.stream:
        return True  # an item that an export tells nothing of may have come and gone within its window
    return window.start < silence.start and silence.end < window.end


def _of_following(following: Step, seen: Sighting | None) -> Iterator[Caveat]:
    """Whether the next change found what is told."""
    link = following.link if seen is None else follows(following, seen)
    when = f"the next change, at {_utc(following.effective)},"
    if link is Link.GAP:
        yield Caveat("gap", f"{when} started from another state: a change between is missing")
    elif link is Link.UNPROVEN:
        yield Caveat("chain_unproven", f"{when} cannot be compared with the {seen or 'image before it'}")


def _of_place(step: Step) -> Iterator[Caveat]:
    """Whether a change may not be the last, or first, of its second."""
    if not step.sure:
        when = f"the item's changes of the second {_utc(step.effective)} do not tell their order"
        yield Caveat("chain_unproven" if Image.UNSEEN in (step.before, step.after) else "gap", when)


def _of_net(step: Step, coverage: Coverage) -> Caveat:
    """The caveat of a net change: when within its window things became so is not known."""
    window = next((one for one in coverage.windows if one.stream == step.change.stream), None)
    return Caveat("net_change", f"of {step.change.stream}") if window is None else _of_window(window)


def _of_boundary(step: Step) -> Caveat:
    return Caveat("outside_coverage", f"another stream began before {_utc(step.effective)}")


def _of_copies(step: Step) -> Iterator[Caveat]:
    if step.conflict:
        yield Caveat("conflict", f"the deliveries of change {step.change.event_id} differ")


def _of_window(window: Window) -> Caveat:
    return Caveat("net_change", f"inside the export {window.id}, {_utc(window.start)} to {_utc(window.end)}")


def _not_settled(coverage: Coverage) -> Caveat:
    through = coverage.captured_through
    known = "nothing is known to have landed" if through is None else f"captured through {_utc(through)}"
    return Caveat("not_settled", f"{known}: later changes may be missing")


def _coarser(step: Step, moment: int) -> bool:
    """Whether the moment is finer than the stamp, so that the two cannot be ordered."""
    unit = PRECISIONS[step.change.precision]
    return moment % unit != 0 and step.effective // unit == moment // unit


def _utc(micros: int) -> str:
    return format_time(micros, UTC)


def of_coverage(missing: Sequence[str], first: int, last: int, coverage: Coverage) -> Iterator[Caveat]:
    """The caveats of what is covered of [first, last]; ``missing``: the kinds of what is missing, as rows tell."""
    counts = Counter(missing)
    if counts["unreadable"]:
        many = plural(counts["unreadable"], "damaged file or line")
        yield Caveat("unreadable_files", f"{many}: changes of this time may be in them")
    others = [kind for kind in sorted(counts) if kind not in ("unreadable", "baseline", "net")]
    if others:
        yield Caveat("outside_coverage", ", ".join(f"{counts[kind]:,} {kind}" for kind in others))
    yield from of_windows(first, last, coverage)
    if not coverage.settled(last - last % SECOND):
        yield _not_settled(coverage)


def of_lines(holes: Iterable[Hole]) -> tuple[Caveat, ...]:
    """The caveats of raw lines, by what is known to be missing of the days that were read."""
    return in_order(of_holes(holes))


# --- a change as a row ---


def of_row(step: Step) -> list[Caveat]:
    """The caveats of a row that tells of a change, and of what it changed."""
    found = [*of_change(step), *_of_place(step), *of_link(step.link, step.effective)]
    if is_net(step.change.stream):
        found.append(Caveat("net_change", f"of {step.change.stream}"))
    if Image.UNSEEN in (step.before, step.after):
        found.append(Caveat("chain_unproven", no_image(step)))
    return found


def before_row(before: Step, step: Step, coverage: Coverage, start: int) -> list[Caveat]:
    """Why it is not certain that no change came, since ``start`` at the earliest, between one and the row before it."""
    way = max(before.effective, min(start, step.effective)), step.effective
    found = list(of_way(way, way, step.change.stream, step.change.keys, coverage))
    if step.new_stream and before.effective >= start:
        found.append(_of_boundary(step))
    return found


def after_window(step: Step) -> Iterator[Caveat]:
    """Whether the first change after a window shows that one is missing, which may lie in it."""
    if step.link is Link.GAP:
        yield Caveat("gap", f"the next change after the window, at {_utc(step.effective)}, shows that one is missing")


# --- an answer about a time, and about many items ---


def cuts_off(caveat: str) -> bool:
    """Whether a caveat says that changes may be missing from a time."""
    return caveat in ("outside_coverage", "unreadable_files")


def of_range(window: TimeRange, keys: Collection[str] | None, coverage: Coverage) -> Iterator[Caveat]:
    """What is not known of the changes of these items (None: of any) in a window of time."""
    last = window.end - 1
    if window.explicit_end and not coverage.settled(last - last % SECOND):
        yield _not_settled(coverage)
    start = window.start if window.explicit_start else coverage.earliest
    if start is None or not coverage.covers(start, last):
        spans = ", ".join(f"{_utc(span.start)} to {_utc(span.end)}" for span in coverage.spans) or "nothing"
        yield Caveat("outside_coverage", f"covered is only {spans}")
    own = None if keys is None else set(keys)
    holes = coverage.holes_in(start or 0, last, None)
    yield from of_holes(hole for hole in holes if own is None or hole.keys is None or hole.keys in own)
    yield from of_windows(start or 0, last, coverage)


def of_windows(first: int, last: int, coverage: Coverage) -> Iterator[Caveat]:
    """The caveat of a time that shares more than an end with an export's window."""
    windows = coverage.net_windows(first, last)
    if windows:
        more = f", and {len(windows) - 1:,} more" if len(windows) > 1 else ""
        yield Caveat("net_change", f"{_of_window(windows[0]).detail}{more}")


def leaves_open(cell: str) -> bool:
    """Whether the caveats of a state (a ``caveats`` cell) leave open that it was another."""
    return bool(_OPEN & set(cell.split()))


def is_redacted(caveats: Iterable[str]) -> bool:
    """Whether attributes of a state may have been dropped before it was stored."""
    return "redacted" in set(map(str, caveats))


def may_hold(condition: ItemCondition, keys: str, image: str | Image | None, *, redacted: bool) -> bool:
    """Whether a condition may hold of an item of which this image is known: of one that is not seen, or from which what
    is asked for may have been dropped, too."""
    if not condition.possible(keys) or not isinstance(image, str):
        return image is Image.UNSEEN and condition.possible(keys)
    return condition.item(keys, image) or (redacted and condition.lacking.item(keys, image))


def is_as_text(caveats: Iterable[str]) -> bool:
    """Whether an image is in format 0, so that what it holds compares as text."""
    return "old_format" in set(map(str, caveats))


def of_rows(
    shown: Mapping[str, int], left_out: Mapping[str, int] | None = None, wide: Iterable[str] = ()
) -> Iterator[Caveat]:
    """The caveats of an answer's rows, and of items that have none but may belong to it: from their ``caveats`` cells,
    each with a number; but for what is so of all items, ``wide``."""
    rows, items = _by_name(shown), _by_name(left_out or {})
    for name in map(str, wide):
        items.pop(name, None)
    for name in rows.keys() | items.keys():
        parts = [f"on {plural(rows[name], 'row')}"] if rows[name] else []
        parts += [f"of {plural(items[name], 'item')} left out, which may belong here"] if items[name] else []
        yield Caveat(name, "; ".join(parts))


def hides_changes(caveat: str) -> bool:
    """Whether a caveat of a change says that another one may be there."""
    return caveat in _OF_OTHERS


def of_changes(left_out: Mapping[str, int]) -> Iterator[Caveat]:
    """The caveats of changes in an answer's time that it does not show."""
    for name, count in _by_name(left_out).items():
        if hides_changes(name):
            yield Caveat(name, f"of {plural(count, 'change')} not shown")


def of_others(items: Mapping[str, int]) -> Iterator[Caveat]:
    """The caveats of items beside those of an answer about changes, with their number."""
    for name, count in items.items():
        if hides_changes(name):
            yield Caveat(name, f"of {plural(count, 'more item')}")


def of_counted(items: Mapping[str, int], *, streams: Iterable[str], redacted: bool, unseen: bool) -> Iterator[Caveat]:
    """The caveats of changes that were only counted: of ``items`` whose chains are not plain, by name; of these
    streams; some of them redacted, of some an image not in its view."""
    for name, count in items.items():
        yield Caveat(name, f"of {plural(count, 'item')}")
    for stream in streams:
        if is_net(stream):
            yield Caveat("net_change", f"of {stream}")
        if is_old_format(stream):
            yield Caveat("old_format", told_of(stream))
    if redacted:
        yield Caveat("redacted", "of some of the changes that are counted")
    if unseen:
        yield Caveat("chain_unproven", "of some of the changes that are counted an image is not in the stream's view")


def of_untold(*, unseen: bool, redacted: bool) -> Iterator[Caveat]:
    """What an answer about changes leaves out, since they do not show whether it is so: some of which an image that is
    asked for is not seen, or from which it was dropped."""
    if unseen:
        yield Caveat("chain_unproven", "of some changes left out the images do not show whether it is so")
    if redacted:
        yield Caveat("redacted", "of some changes left out, what is asked for may have been dropped")


def of_keys(*, known: bool, baselines: bool, unknown: int) -> Iterator[Caveat]:
    """What an answer about more than single keys does not know: whether all keys are ``known``, and the number of items
    whose state is ``unknown``; ``baselines``: there are complete ones, if not for this time."""
    parts = []
    if not known:
        why = "never changed are not known: no complete baseline reaches to this time"
        parts.append(f"items that {why if baselines else 'did not change since the capture began are not known'}")
    if unknown:
        parts.append(f"of {plural(unknown, 'known item')} the state is unknown")
    if parts:
        yield Caveat("unknown_keys", "; ".join(parts))


def of_text(*, old_format: bool, not_shown: str) -> Iterator[Caveat]:
    """What a condition must know of a history that is, or once was, in format 0; and what the table through which it is
    read does not show of its files."""
    if old_format:
        yield Caveat("old_format", "in the article's format numbers and sets are text: there '0' is found, not 0")
    if not_shown:
        yield Caveat("old_format", not_shown)


def _by_name(cells: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for cell, count in cells.items():
        found.update(dict.fromkeys(cell.split(), count))
    return found
