"""What is known of a history as a whole: whose it is, its key, what is covered and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from histlib.baselines import STREAM_PREFIX, Manifest, all_keys_known, read_manifest, why_incomplete
from histlib.coverage import (
    Attestation,
    Coverage,
    Hole,
    Stream,
    build_coverage,
    read_attestations,
)
from histlib.errors import MixedTablesError, NotAHistoryError
from histlib.format0 import is_old_format, not_shown
from histlib.keys import KeySchema, infer_schema, schema_of
from histlib.net_windows import read_window
from histlib.queries import Attestations, Baselines, CompleteBaseline, Holes, Landing, NetWindows, Source, Streams

if TYPE_CHECKING:
    import pyarrow as pa

KeyDescription = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Facts:
    """The facts, and the engine's answers that they were read from.

    ``baselines`` are the complete ones; ``unfinished`` tells of manifests that are there but not complete.
    """

    tables: tuple[pa.Table, ...]
    arn: str
    key_schema: KeySchema
    coverage: Coverage
    baselines: tuple[Manifest, ...] = ()
    unfinished: tuple[Hole, ...] = ()
    streams: tuple[Stream, ...] = ()
    attestations: tuple[Attestation, ...] = ()

    @property
    def counting(self) -> tuple[CompleteBaseline, ...]:
        """The complete baselines, as queries name them."""
        return tuple(
            CompleteBaseline(one.stream, one.read_begin, one.read_end, one.redaction) for one in self.baselines
        )

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
        MixedTablesError: changes of more than one table.
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
    described = (*(one.key_schema for one in reversed(attested)), *(one.key_schema for one in reversed(complete)))
    schema = _key_schema(rows, next(filter(None, described), key_description))
    named = {one.manifest.table for one in told if one.manifest is not None}
    return Facts(
        tables,
        _only_table({row["table"] for row in rows} | {a.table for a in attested} | named, name),
        schema,
        coverage,
        complete,
        tuple(one.why for one in told if one.why is not None),
        tuple(streams),
        tuple(attested),
    )


def _only_table(tables: set[str], name: str) -> str:
    """The one table that changes and attestations name; those of format 0 name none."""
    tables = tables - {""} or {name}
    if len(tables) > 1:
        raise MixedTablesError(
            f"changes of {len(tables)} tables in one place: {', '.join(sorted(tables))}; "
            "keep each table's history in its own folder or prefix",
            sorted(tables),
        )
    return tables.pop()


def _key_schema(streams: Sequence[dict[str, Any]], description: KeyDescription) -> KeySchema:
    if not streams and description:
        return schema_of(description)
    if not streams:
        raise NotAHistoryError("the history holds no change yet: nothing can be asked of it")
    latest = max(streams, key=lambda row: row["last_micros"])
    schema = infer_schema(latest["keys"], description)
    return replace(schema, as_text=all(is_old_format(row["stream"]) for row in streams))


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
