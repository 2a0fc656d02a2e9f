"""Where a backfill writes: the history, where its exports lie meanwhile, and by which rules attributes are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from histlib.errors import RequestError
from histlib.format.exports.manifests import SUMMARY
from pipeline.common.aws import Aws
from pipeline.common.deployment import read_deployment
from pipeline.common.landing import Bucket, Folder, Place
from pipeline.functions.recorder.redact import Redaction

#: Below this of a history lie its exports until they are converted; no reader looks there.
EXPORTS: Final = "exports"


@dataclass(frozen=True)
class Asked:
    """Where a person wants it: in the table's deployment, or in a folder, with a bucket for the exports."""

    table: str
    stack: str | None = None
    into: Path | None = None
    export_bucket: str | None = None
    redact: str = ""


@dataclass(frozen=True)
class Target:
    """The history's place; exports go below ``prefix`` (without a slash at its end) of ``exports``.

    ``stream``: the ARN of the stream that the pipeline reads, empty where there is none.
    """

    place: Place
    exports: Bucket
    prefix: str
    redaction: Redaction
    kms_key: str = ""
    stream: str = ""

    def summary_key(self, id: str) -> str:
        """Where the summary of a finished export lies in the bucket of the exports."""
        return f"{self.prefix}/AWSDynamoDB/{id}/{SUMMARY}"


def find_target(aws: Aws, asked: Asked) -> Target:
    """Where to write.

    Raises:
        RequestError: what is asked for does not go together.
        HistlibError: nothing is deployed, or AWS cannot be asked.
    """
    if asked.into is not None:
        return _folder(aws, asked, asked.into)
    if asked.redact:
        raise RequestError("--redact is for --into: a deployment has its own rules, set when it is deployed")
    deployed = read_deployment(aws, asked.table, asked.stack)
    place = Bucket(aws, deployed.history_bucket, deployed.history_prefix)
    exports = Bucket(aws, asked.export_bucket) if asked.export_bucket else Bucket(aws, deployed.history_bucket)
    prefix = f"histlib-{EXPORTS}/{asked.table}" if asked.export_bucket else f"{deployed.history_prefix}{EXPORTS}"
    return Target(place, exports, prefix, _redaction(deployed.redact), deployed.kms_key_arn, deployed.stream_arn)


def _folder(aws: Aws, asked: Asked, folder: Path) -> Target:
    if not asked.export_bucket:
        raise RequestError("--into needs --export-bucket: DynamoDB exports into S3 only")
    if asked.stack:
        raise RequestError("--into and --stack: give one, the history is either in a folder or in a deployment")
    prefix = f"histlib-{EXPORTS}/{asked.table}"
    return Target(Folder(folder), Bucket(aws, asked.export_bucket), prefix, _redaction(asked.redact))


def _redaction(text: str) -> Redaction:
    try:
        return Redaction(text)
    except ValueError as error:
        raise RequestError(str(error), text) from error
