"""Why a query did not succeed, by what Athena says (``StateChangeReason``), as our errors in one line.

Sources of the texts: docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html and error-reference.html;
github.com/trinodb/trino/issues/19225 (an object's name in HIVE_CURSOR_ERROR, and the sentence about the manifest that
follows), /15267 (HIVE_CANNOT_OPEN_SPLIT by a denied object); docs.aws.amazon.com/athena/latest/ug/hive-json-serde.html
(a line that is no JSON); github.com/aws-solutions/workload-discovery-on-aws/issues/228 (Lake Formation);
docs.aws.amazon.com/AmazonS3/latest/userguide/s3-tables-integrating-athena.html (no privilege on the resource);
github.com/dbt-labs/dbt-adapters/issues/1820 (exhausted resources);
docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html (the cutoff cancels a query).
"""

from __future__ import annotations

import re
from typing import Final

from histlib.engines.athena.running.costs import Query, amount
from histlib.engines.athena.running.refusals import Place, command, denial, plain, refusal
from histlib.errors import HistlibError, RequestError, SourceError

#: What Athena says when a workgroup's BytesScannedCutoffPerQuery struck.
_CUTOFF: Final = "Bytes scanned limit was exceeded"
_URI: Final = re.compile(r"s3[an]?://[^\s'\"(),;\]]+")
_LANDING: Final = re.compile(r"(?:^|/)(changes/\d{4}/\d{2}/\d{2}/.+)$")
_OBJECT_CODES: Final = re.compile(r"HIVE_(BAD_DATA|CURSOR_ERROR|CANNOT_OPEN_SPLIT|INVALID_\w+|UNKNOWN_ERROR)\b")
_DENIED: Final = re.compile(r"access ?denied|permission denied|not authorized|Status Code: 403", re.IGNORECASE)
_MANIFEST: Final = re.compile(r"\.? ?If a data manifest file was generated at .*", re.DOTALL)
_POSTSCRIPT: Final = re.compile(r"\s*This query ran against the .*", re.DOTALL)


def failure(query: Query, place: Place, cutoff: int | None = None) -> HistlibError:
    """The error for a query that ended and did not succeed. ``cutoff``: the workgroup's, where known, in bytes."""
    reason = _POSTSCRIPT.sub("", _MANIFEST.sub("", query.reason))
    if was_cut_off(query):
        return _cut_off(query, place, cutoff)
    for rule in (_no_permission, _missing, _elsewhere, _unreadable_object, _too_much, _busy, _internal):
        if told := rule(reason, query, place):
            return told
    if query.state == "CANCELLED":
        return SourceError(
            f"{place}: someone else cancelled the query {query.id}{_because(reason)}; {_billed(query)}; ask again",
            query.id,
        )
    return SourceError(f"{place}: the query {query.id} failed: {plain(reason) or 'Athena gives no reason'}", query.id)


def was_cut_off(query: Query) -> bool:
    """Whether the workgroup's limit of bytes ended it."""
    return _CUTOFF in query.reason


def _cut_off(query: Query, place: Place, cutoff: int | None) -> HistlibError:
    workgroup = place.address.workgroup
    limit = f" of {cutoff:,} bytes a query" if cutoff else ""
    return SourceError(
        f"{place}: the workgroup {workgroup} cut the query {query.id} off at its limit{limit} "
        f"(BytesScannedCutoffPerQuery); {_billed(query)}. Ask for fewer days or keys, raise that limit, or name "
        "another workgroup with workgroup=",
        cutoff,
    )


def _no_permission(reason: str, _: Query, place: Place) -> HistlibError | None:
    if told := refusal(reason, place):
        return told
    if "Lake Formation" in reason or "does not have any privilege" in reason:
        needed = re.search(r"Required ([\w ]+ on [\w.-]+)", reason)
        wanted = needed[1] if needed else f"SELECT and DESCRIBE on {place.address.database}.{place.address.table}"
        return SourceError(f"{place}: Lake Formation denies it; have it grant {wanted} to you", wanted)
    if not _DENIED.search(reason):
        return None
    if "not authorized to perform" in reason:
        return denial(reason, place)
    where = _uri(reason) or place.location or "the table's objects"
    action = "kms:Decrypt" if "kms" in reason.lower() else "s3:GetObject or s3:ListBucket"
    return SourceError(
        f"{place}: {action} is denied on {where}; allow it (for a bucket or key of another account, in its own policy "
        "too), or name another profile",
        where,
    )


def _missing(reason: str, _: Query, place: Place) -> HistlibError | None:
    address = place.address
    if re.search(r"CATALOG_NOT_FOUND|Catalog \S+ does not exist", reason):
        return RequestError(f"{place}: there is no data catalog {address.catalog}; check catalog=", address.catalog)
    if re.search(r"SCHEMA_NOT_FOUND|(Schema|Database) .*does not exist", reason):
        return RequestError(
            f"{place}: there is no database {address.database}; check its name and the Region", address.database
        )
    if re.search(r"TABLE_NOT_FOUND|Table .*(does not exist|not found)", reason):
        return RequestError(
            f"{place}: there is no table {address.table} in {address.database}; check its name and the Region",
            address.table,
        )
    return None


def _elsewhere(reason: str, _: Query, place: Place) -> HistlibError | None:
    if "PermanentRedirect" in reason or "Status Code: 301" in reason:
        return SourceError(
            f"{place}: a bucket, of the table or of the results, is in another Region; ask there, by region=",
            place.region,
        )
    return None


def _unreadable_object(reason: str, query: Query, place: Place) -> HistlibError | None:
    if not _OBJECT_CODES.search(reason) or re.search(r"SlowDown|Slow Down|Status Code: 503", reason):
        return None
    uri = _uri(reason)
    why = plain(reason.replace(uri or "\0", "it"))
    if re.search(r"NoSuchKey|Status Code: 404|does not exist", reason):
        return SourceError(f"{place}: {uri or 'an object'} was removed while it was read; ask again", uri)
    if uri is None:
        return SourceError(
            f"{place}: a landing object cannot be read, and Athena does not say which: {why}. To find it, ask the S3 "
            f"location itself for its coverage (histlib coverage --source {place.location or 's3://…'}); it names the "
            f"object; then, from a clone of histlib: {command(place.location or 's3://…', 'OBJECT')}",
            query.id,
        )
    name = relative(uri, place.location)
    return SourceError(
        f"{place}: the landing object {name} cannot be read: {why}. To set it aside, as a hole that answers tell "
        f"of, from a clone of histlib: {command(uri.removesuffix(name), name)}",
        name,
    )


def _too_much(reason: str, query: Query, place: Place) -> HistlibError | None:
    if re.search(r"EXCEEDED_TIME_LIMIT|tim(ed|e) ?out", reason, re.IGNORECASE):
        what = "took longer than Athena lets one query run (30 minutes, by default)"
    elif re.search(r"EXCEEDED_\w+|exhausted resources", reason, re.IGNORECASE):
        what = "takes more memory or space than Athena gives one query"
    else:
        return None
    return SourceError(
        f"{place}: the query {query.id} {what}; ask for fewer days, keys or columns. Athena says: {plain(reason)}",
        query.id,
    )


def _busy(reason: str, query: Query, place: Place) -> HistlibError | None:
    if re.search(r"SlowDown|Slow Down|Status Code: 503|Rate exceeded|Throttl|TOO_MANY", reason):
        return SourceError(
            f"{place}: the query {query.id} was throttled while it read ({plain(reason)}); ask again in a minute",
            query.id,
        )
    return None


def _internal(reason: str, query: Query, place: Place) -> HistlibError | None:
    if re.search(r"INTERNAL_ERROR|INTERNAL ERROR|HIVE_FILESYSTEM_ERROR|Internal error", reason):
        return SourceError(
            f"{place}: the query {query.id} failed inside Athena: {plain(reason)}. Ask again; where it fails again, "
            "this id is what AWS support asks for",
            query.id,
        )
    return None


def relative(uri: str, location: str) -> str:
    """An object's name below the history: from ``changes/`` on, or from the table's location; else whole."""
    if found := _LANDING.search(uri):
        return found[1]
    base = location.rstrip("/") + "/"
    return uri.removeprefix(base) if location else uri


def _uri(reason: str) -> str | None:
    """The object that a reason names, as ``s3://…``."""
    found = _URI.search(reason)
    return re.sub(r"^s3[an]://", "s3://", found[0].rstrip(".:")) if found else None


def _because(reason: str) -> str:
    return f" ({plain(reason)})" if reason else ""


def _billed(query: Query) -> str:
    return f"{amount(query.scanned)} scanned, about ${query.cost:.4f} billed"
