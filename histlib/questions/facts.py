"""What is known of a history as a whole: whose it is, its key, what is covered and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from histlib.engines.queries import (
    Attestations,
    Baselines,
    CompleteBaseline,
    Holes,
    Landing,
    NetWindows,
    Silent,
    Source,
    Streams,
)
from histlib.errors import NotAHistoryError
from histlib.format.key_forms import alike, check_forms, check_tables
from histlib.format.streams import BASELINE_PREFIX as STREAM_PREFIX
from histlib.format.streams import is_old_format, not_shown
from histlib.rules.coverage.baselines import NEAR, Manifest, all_keys_known, read_manifest, why_incomplete
from histlib.rules.coverage.coverage import (
    FOREVER,
    Attestation,
    Coverage,
    Hole,
    Stream,
    build_coverage,
    read_attestations,
)
from histlib.rules.coverage.net_windows import read_window
from histlib.values.keys import KeySchema, infer_schema, schema_of
from histlib.values.times import second_of

if TYPE_CHECKING:
    import pyarrow as pa

KeyDescription = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Facts:
    """The facts, and the engine's answers that they were read from.

    ``key_schemas``: the latest first; a table made anew may have had others. ``baselines`` are the complete ones;
    ``unfinished`` tells of manifests that are there but not complete.
    """

    tables: tuple[pa.Table, ...]
    arn: str
    key_schemas: tuple[KeySchema, ...]
    coverage: Coverage
    baselines: tuple[Manifest, ...] = ()
    unfinished: tuple[Hole, ...] = ()
    streams: tuple[Stream, ...] = ()
    attestations: tuple[Attestation, ...] = ()

    def counting(self, moment: int) -> tuple[CompleteBaseline, ...]:
        """The complete baselines that tell of a moment (epoch µs), as queries name them: one that was read within an
        export's window tells nothing of a time at or before its start."""
        told = []
        for one in self.baselines:
            windows = self.coverage.net_windows(one.read_begin, one.read_end)
            if not any(window.start >= moment for window in windows):
                told.append(CompleteBaseline(one.stream, one.read_begin, one.read_end, one.redaction))
        return tuple(told)

    @property
    def straddling(self) -> bool:
        """Whether a baseline was read partly within an export's window, so that its rows differ in what they tell."""
        windows = self.coverage.net_windows
        return any(
            not (window.start < one.read_begin and one.read_end < window.end)
            for one in self.baselines
            for window in windows(one.read_begin, one.read_end)
        )

    def silent(self, moment: int) -> tuple[Silent, ...]:
        """Around a moment, as queries name it, what of each stream is certain."""
        streams = {span.stream for span in self.coverage.spans}
        found = [Silent(stream, *self.coverage.silent_around(moment, stream)) for stream in sorted(streams)]
        within = any(self.coverage.net_windows(one.read_begin, one.read_end) for one in self.baselines)
        seen = (FOREVER, -FOREVER) if within else self.coverage.silent_around(moment, None, NEAR)
        return (*found, Silent(None, *seen))

    @property
    def key_schema(self) -> KeySchema:
        """The key that the table had last."""
        return self.key_schemas[0]

    @property
    def has_number_keys(self) -> bool:
        """Whether any attribute of its keys is a number."""
        return any("N" in schema.types.values() for schema in self.key_schemas)

    @property
    def key_types(self) -> dict[str, str]:
        """All attributes of its keys, the latest key's first, with their types; empty where keys differ in one's."""
        found: dict[str, str] = {}
        for name, kind in (pair for schema in self.key_schemas for pair in schema.types.items()):
            found[name] = kind if found.get(name, kind) == kind else ""
        return found

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of these attributes."""
        return tuple(self.key_types)

    def all_keys_known(self, *moments: int) -> bool:
        """Whether the keys of all items that were in the table at these moments (epoch µs) are known."""
        return all(all_keys_known(self.baselines, self.coverage, moment) for moment in moments)

    @property
    def table(self) -> str:
        """The table's name."""
        return self.arn.rpartition("/")[2]

    @property
    def account(self) -> str:
        """The table's AWS account id."""
        return self._arn_part(4)

    @property
    def region(self) -> str:
        """The table's Region."""
        return self._arn_part(3)

    @property
    def old_format(self) -> bool:
        """Whether any change is in format 0."""
        return any(map(is_old_format, self.tables[0].column("stream").to_pylist()))

    @property
    def blind(self) -> bool:
        """Whether any stream's view lacks images."""
        return any(view != "NEW_AND_OLD_IMAGES" for view in self.tables[0].column("view").to_pylist())

    @property
    def redacts(self) -> bool:
        """Whether attributes may have been dropped: where nothing attests what rules there were, they may."""
        told = [*(one.redaction for one in self.attestations), *(one.redaction for one in self.baselines)]
        return not self.attestations or any(rules is not None for rules in told)

    @property
    def not_shown(self) -> str:
        """What the table through which it is read does not show, in words; empty where it shows all."""
        return "; ".join(dict.fromkeys(filter(None, map(not_shown, self.tables[0].column("stream").to_pylist()))))

    def _arn_part(self, position: int) -> str:
        parts = self.arn.split(":") if self.arn.startswith("arn:") else []
        return parts[position] if len(parts) > position else ""


def current_facts(source: Source, known: Facts | None, key_description: KeyDescription = (), name: str = "") -> Facts:
    """The facts as of now; ``known`` again where the source's answers are the same objects.

    ``name`` is the table's where no change says it.

    Raises:
        MixedTablesError: changes of more than one table, or keys that one table cannot have had.
        NotAHistoryError: no change at all.
        SourceError: the history cannot be read.
    """
    queries = (Streams(), Attestations(), Holes(), Baselines(), Landing(), NetWindows())
    tables = tuple(source.fetch(query) for query in queries)
    if known is not None and all(new is old for new, old in zip(tables, known.tables, strict=True)):
        return known
    rows, attestations, holes, manifests, landing, net = (table.to_pylist() for table in tables)
    attested, streams = _read_attestations(attestations), _streams(rows)
    told = list(map(_told, manifests))
    coverage = build_coverage(
        streams,
        attested if attestations else None,
        tuple(map(_hole, holes)),
        landing[0]["first_day"],
        windows=tuple(filter(None, (read_window(row["manifest"]) for row in net))),
    )
    complete = tuple(one.manifest for one in told if one.manifest is not None and one.why is None)
    if coverage.captured_through is None and not attestations:  # baselines alone: all is known up to the last
        coverage = replace(coverage, captured_through=max((one.read_end for one in complete), default=None))
    if not attestations:
        coverage = replace(coverage, read_seconds=tuple(filter(None, map(_second_of_reading, complete))))
    described = (*(one.key_schema for one in reversed(attested)), *(one.key_schema for one in reversed(complete)))
    named = {one.manifest.table for one in told if one.manifest is not None}
    return Facts(
        tables,
        _only_table({row["table"] for row in rows} | {a.table for a in attested} | named, name),
        _key_schemas(rows, (*described, key_description)),
        coverage,
        complete,
        tuple(one.why for one in told if one.why is not None),
        tuple(streams),
        tuple(attested),
    )


def _only_table(tables: set[str], name: str) -> str:
    """The one table that changes and attestations name; those of format 0 name none."""
    check_tables(tables)
    return max(tables - {""}, default=name)


def _key_schemas(rows: Sequence[dict[str, Any]], descriptions: Sequence[KeyDescription]) -> tuple[KeySchema, ...]:
    """The keys that the table has had, the latest first. What format 0 tells of one, the others' types tell better."""
    described = next(filter(None, descriptions), None)
    if not rows and described:
        return (schema_of(described),)
    if not rows:
        raise NotAHistoryError("the history holds no change yet: nothing can be asked of it")
    check_forms(map(_with_stream, rows))
    groups: list[list[dict[str, Any]]] = []
    for row in sorted(rows, key=lambda row: (is_old_format(row["stream"]), row["keys"])):
        alike_ones = [some for some in groups if alike(_with_stream(some[0]), _with_stream(row))]
        if alike_ones:
            alike_ones[0].append(row)
        else:
            groups.append([row])
    groups.sort(key=lambda some: max(row["last_micros"] for row in some), reverse=True)
    return tuple(_key_schema(some, descriptions) for some in groups)


def _with_stream(row: dict[str, Any]) -> tuple[str | None, str]:
    return row["stream"], row["keys"]


def _key_schema(rows: Sequence[dict[str, Any]], descriptions: Sequence[KeyDescription]) -> KeySchema:
    """The schema of keys that are all alike, its order by the first description that is of these attributes."""
    known = [infer_schema(rows[0]["keys"], description) for description in descriptions]
    schema = next((one for one in known if one.ordered), known[0])
    return replace(schema, as_text=all(is_old_format(row["stream"]) for row in rows))


def _streams(rows: Sequence[dict[str, Any]]) -> list[Stream]:
    """One a stream ARN, over all its views (a stream has one; a file put there by hand may not).

    Baselines are no streams: they cover nothing.
    """
    by_arn: dict[str, Stream] = {}
    for row in rows:
        arn, first, last = row["stream"] or "", row["first_micros"], row["last_micros"]
        if arn.startswith(STREAM_PREFIX):
            continue
        known = by_arn.get(arn, Stream(arn, first, last))
        by_arn[arn] = Stream(arn, min(first, known.first), max(last, known.last))
    return list(by_arn.values())


def _second_of_reading(baseline: Manifest) -> tuple[int, int] | None:
    """The second in which a baseline was read, where it was one: without attestations it counts as covered."""
    begun, ended = second_of(baseline.read_begin), second_of(baseline.read_end)
    return begun if begun == ended else None


def _hole(row: dict[str, Any]) -> Hole:
    return Hole(row["kind"], row["start"], row["end"], row["detail"], row["file"], row["line"], row.get("keys"))


@dataclass(frozen=True)
class _Told:
    """A manifest, and why it is no complete baseline's; neither for one of another kind."""

    manifest: Manifest | None = None
    why: Hole | None = None


def _told(row: dict[str, Any]) -> _Told:
    try:
        manifest = read_manifest(row["manifest"])
    except ValueError as error:
        return _Told(why=Hole("baseline", None, None, f"not read: {error}", row["file"]))
    if manifest is None:
        return _Told()
    why = why_incomplete(manifest, row["missing"], row["damaged"], row["keys"])
    if row["file"] != f"baseline/{manifest.id}.json":
        why = f"its id is {manifest.id!r}, which belongs into baseline/{manifest.id}.json"
    begin, end, file = manifest.read_begin, manifest.read_end, row["file"]
    return _Told(manifest, Hole("baseline", begin, end, f"not complete: {why}", file) if why else None)


def _read_attestations(rows: Sequence[dict[str, Any]]) -> list[Attestation]:
    """The attestations in order of time; one that cannot be read attests nothing."""
    attested = [one for row in rows for one in read_attestations(row["attestation"])]
    return sorted(attested, key=lambda attestation: attestation.attested_at)
