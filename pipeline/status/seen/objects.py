"""What the history's bucket tells. Each ``read_…`` is one question; times are epoch µs.

All raise HistlibError where S3 cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from histlib.format.undelivered import DONE, SET_ASIDE
from histlib.rules.coverage.baselines import Manifest, read_manifest
from histlib.rules.coverage.coverage import Attestation
from histlib.rules.coverage.coverage import read_attestations as attestations_in
from histlib.values.times import DAY, from_micros, to_micros
from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment
from pipeline.functions.attester.observing import HEAD_BYTES, LAMBDA, table_in

#: So many days with attestations are read backwards for one that is whole.
ATTESTED_DAYS: Final = 7


@dataclass(frozen=True)
class Objects:
    """How many objects there are, and when the oldest was written; None where there is none."""

    count: int
    oldest: int | None


@dataclass(frozen=True)
class Landed:
    """An object of the landing, and when it was written."""

    key: str
    at: int


@dataclass(frozen=True)
class Baselines:
    """The manifests of full pictures, and the keys of those that cannot be read, with why."""

    manifests: tuple[Manifest, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class Attestations:
    """The last attestation, and the last that is whole (of some days back); None where there is none."""

    last: Attestation | None
    last_whole: Attestation | None


def read_landed(aws: Aws, deployment: Deployment, now: int) -> Landed | None:
    """The newest of what the capture brought to today's or yesterday's dateday; None where both have nothing.

    Baselines and what is delivered again lie there too, and tell nothing of the capture.
    """
    names = (deployment.delivery_stream, "oversize-")
    for moment in (now, now - DAY):
        day = f"{deployment.history_prefix}changes/{from_micros(moment, UTC):%Y/%m/%d}/"
        found = [Landed(one["Key"], _written(one)) for one in _each(aws, deployment, day)]
        ours = [one for one in found if one.key.removeprefix(day).startswith(names)]
        if ours:
            return max(ours, key=lambda one: one.at)
    return None


def read_undelivered(aws: Aws, deployment: Deployment) -> Objects:
    """What waits to be delivered again."""
    failed = f"{deployment.history_prefix}failed/"
    folders = aws.each(
        "s3", "list_objects_v2", "CommonPrefixes", Bucket=deployment.history_bucket, Prefix=failed, Delimiter="/"
    )
    settled = [f"{deployment.history_prefix}{name}" for name in (DONE, SET_ASIDE)]
    waiting = [one["Prefix"] for one in folders if one["Prefix"] not in settled]
    found = list(_each(aws, deployment, failed, Delimiter="/"))
    for prefix in (*waiting, *read_lambda_prefixes(aws, deployment)):
        found += _each(aws, deployment, prefix)
    return _objects(found)


def read_lambda_prefixes(aws: Aws, deployment: Deployment) -> tuple[str, ...]:
    """Below which Lambda keeps what mappings gave up that read this table: the one of now, and those it replaced. What
    does not say whose it is counts as this table's, as it does in ``redrive``."""
    own = f"{LAMBDA}{deployment.mapping_id}/"
    folders = aws.each(
        "s3", "list_objects_v2", "CommonPrefixes", Bucket=deployment.history_bucket, Prefix=LAMBDA, Delimiter="/"
    )
    others = sorted({one["Prefix"] for one in folders} - {own, f"{LAMBDA}async/"})
    return own, *(one for one in others if _table_below(aws, deployment, one) in (deployment.table_arn, ""))


def _table_below(aws: Aws, deployment: Deployment, prefix: str) -> str:
    first = next(_each(aws, deployment, prefix), None)
    if first is None:
        return ""
    asked = {"Bucket": deployment.history_bucket, "Key": first["Key"], "Range": f"bytes=0-{HEAD_BYTES - 1}"}
    return table_in(aws.call("s3", "get_object", **asked)["Body"].read())


def read_quarantined(aws: Aws, deployment: Deployment) -> Objects:
    """What was set aside for good."""
    return _objects(list(_each(aws, deployment, f"{deployment.history_prefix}{SET_ASIDE}")))


def read_baselines(aws: Aws, deployment: Deployment) -> Baselines:
    """All baselines that have a manifest."""
    folder = f"{deployment.history_prefix}baseline/"
    keys = [one["Key"] for one in _each(aws, deployment, folder) if one["Key"].endswith(".json")]
    manifests, unreadable = [], []
    for key in keys:
        if key.removeprefix(folder).startswith(("backfill-", "_")):  # an incremental export's window, the progress
            continue
        try:
            manifest = read_manifest(_text(aws, deployment, key))
        except ValueError as error:
            unreadable.append(f"{key} ({error})")
        else:
            manifests += [] if manifest is None else [manifest]
    return Baselines(tuple(manifests), tuple(unreadable))


def read_attestations(aws: Aws, deployment: Deployment) -> Attestations:
    """The last attestation, and backwards from it the last that is whole."""
    keys = sorted((one["Key"] for one in _each(aws, deployment, f"{deployment.history_prefix}coverage/")), reverse=True)
    seen: list[Attestation] = []
    for key in keys[:ATTESTED_DAYS]:
        seen += attestations_in(_text(aws, deployment, key))
        if any(one.whole for one in seen):
            break
    in_time = sorted(seen, key=lambda one: one.attested_at)
    whole = [one for one in in_time if one.whole]
    return Attestations(in_time[-1] if in_time else None, whole[-1] if whole else None)


def _each(aws: Aws, deployment: Deployment, prefix: str, **how: str) -> Iterator[dict[str, Any]]:
    """The objects below a prefix."""
    return aws.each("s3", "list_objects_v2", "Contents", Bucket=deployment.history_bucket, Prefix=prefix, **how)


def _objects(found: list[dict[str, Any]]) -> Objects:
    return Objects(len(found), min(map(_written, found), default=None))


def _written(listed: dict[str, Any]) -> int:
    return to_micros(listed["LastModified"])


def _text(aws: Aws, deployment: Deployment, key: str) -> str:
    body = aws.call("s3", "get_object", Bucket=deployment.history_bucket, Key=key)["Body"].read()
    return bytes(body).decode("utf-8", "replace")
