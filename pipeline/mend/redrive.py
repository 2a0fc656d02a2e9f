"""What lies undelivered is written to the landing day of its event, and only then moved to ``failed/done/``.

An object's changes land under a name made of the object's own name and content. So whatever kills this, run again it
writes the same objects once more, and goes on.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from histlib.format.exports import convert as exports
from histlib.format.undelivered import DONE, SET_ASIDE
from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment
from pipeline.common.errors import DeploymentError
from pipeline.common.landing import CHANGES, Bucket, Landing, Place
from pipeline.functions.recorder.redact import Redaction
from pipeline.mend.undelivered import LAMBDA, Content, Converted, read_content, redacted

#: Below this lies nothing that waits, though it begins as what does.
_ELSEWHERE: Final = (DONE, SET_ASIDE, exports.HOLES, f"{LAMBDA}async/")
#: Objects that are written before readers are told; each holds 6 MB at most where Lambda wrote it.
_TOGETHER: Final = 16


@dataclass(frozen=True)
class History:
    """Where a table's history lies: ``place``, and ``root`` (its bucket), below which Lambda keeps failed batches of
    the event source mapping ``mapping``. ``table`` is the ARN."""

    place: Place
    root: Place
    mapping: str
    table: str
    redaction: Redaction

    def holder(self, file: str) -> Place:
        """Where an undelivered object lies."""
        return self.root if file.startswith(LAMBDA) else self.place


@dataclass(frozen=True)
class Waiting:
    """An undelivered object: what its changes become, by name of the landing object, and why others become none.

    ``done`` is what is kept of it below ``failed/done/``.
    """

    file: str
    size: int
    changes: Sequence[Converted]
    landings: dict[str, bytes]
    problems: Sequence[str]
    done: bytes

    @property
    def done_file(self) -> str:
        """Where it is kept when its changes have landed."""
        return f"{DONE}{self.file}"


def history_of(aws: Aws, deployment: Deployment) -> History:
    """The history of a deployment.

    Raises:
        DeploymentError: its redaction is none.
    """
    try:
        redaction = Redaction(deployment.redact)
    except ValueError as error:
        raise DeploymentError(
            f"stack {deployment.stack}: {error}; deploy it with another", deployment.redact
        ) from error
    bucket = deployment.history_bucket
    return History(
        Bucket(aws, bucket, deployment.history_prefix),
        Bucket(aws, bucket),
        deployment.mapping_id,
        deployment.table_arn,
        redaction,
    )


def undelivered_files(history: History) -> list[str]:
    """All objects that may wait: below ``failed/``, and what Lambda keeps in this bucket, whosesoever."""
    found = [*history.place.names("failed/"), *history.root.names(LAMBDA)]
    return [file for file in found if not file.startswith(_ELSEWHERE) and not file.endswith("/")]


def examine(history: History, file: str) -> Waiting | None:
    """What would become of an object; None where it is gone, or one that Lambda keeps for another table."""
    raw = history.holder(file).get(file)
    if raw is None:
        return None
    content = read_content(raw, history.table, history.redaction)
    if _is_anothers(history, file, content):
        return None
    done = raw
    if file.startswith(LAMBDA) and history.redaction.id:
        done = redacted(raw, content.records, history.redaction)
    return Waiting(file, len(raw), content.changes, dict(_landings(file, raw, content)), content.problems, done)


def redrive(history: History, files: Sequence[str]) -> Iterator[Waiting]:
    """Do it, for each of these objects that still waits; yields each when it is done.

    What cannot be converted stays where it is, with the object around it; the other changes of that object land.

    Raises:
        HistlibError: AWS refuses; so far all is whole, and can be run again.
    """
    for at in range(0, len(files), _TOGETHER):
        examined = (examine(history, file) for file in files[at : at + _TOGETHER])
        found = [one for one in examined if one is not None]
        with Landing(history.place) as landing:
            for waiting in found:
                for name, data in waiting.landings.items():
                    landing.put(name, data)
        for waiting in found:
            if not waiting.problems:
                move(history.holder(waiting.file), waiting.file, history.place, waiting.done_file, waiting.done)
            yield waiting


def move(source: Place | Landing, file: str, target: Place, name: str, content: bytes) -> None:
    """Put what is kept of an object elsewhere, look whether it is there, and only then take the object away.

    Raises:
        DeploymentError: the copy is not what was written; the object is still there.
    """
    target.put(name, content)
    if target.get(name) != content:
        raise DeploymentError(f"{target.address}/{name} is not what was just written there; run it again", name)
    source.remove(file)


def landing_name(folder: str, file: str, raw: bytes) -> str:
    """The landing object, in a day's folder, for changes out of an object: always the same for the same object."""
    digest = hashlib.sha256(file.encode() + b"\0" + raw).hexdigest()
    return f"{folder}redrive-{digest[:32]}.gz"


def _is_anothers(history: History, file: str, content: Content) -> bool:
    """Objects of other mappings lie in the same bucket: an earlier mapping's of this table count, other tables' not."""
    own = not file.startswith(LAMBDA) or file.startswith(f"{LAMBDA}{history.mapping}/")
    return not own and bool(content.tables) and history.table not in content.tables


def _landings(file: str, raw: bytes, content: Content) -> Iterator[tuple[str, bytes]]:
    days: dict[str, list[bytes]] = {}
    for change in content.changes:
        days.setdefault(f"{datetime.fromtimestamp(change.seconds, UTC):%Y/%m/%d}", []).append(change.line)
    for day, lines in sorted(days.items()):
        yield landing_name(f"{CHANGES}{day}/", file, raw), gzip.compress(b"".join(lines), mtime=0)
