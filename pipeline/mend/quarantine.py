"""Sets an object that cannot be read aside, as a hole of known extent that answers tell of.

Below ``failed/unreadable/`` it holds up neither questions nor attestations. What of it can be read stays in, or comes
into, the landing, so that only what is damaged is lost.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from histlib.engines.folder.landing import file_lines
from histlib.errors import RequestError
from histlib.format.article_lines import decode_old_lines, seems_old
from histlib.format.days import event_window
from histlib.format.problems import Problems
from histlib.format.rows import NotARecordError, decode_line
from histlib.format.undelivered import DONE, SET_ASIDE, hole
from histlib.stores.s3.address import split
from pipeline.common.aws import Aws
from pipeline.common.landing import REVISION, Bucket, Landing
from pipeline.functions.recorder.redact import Redaction
from pipeline.mend.redrive import History, examine, landing_name, move
from pipeline.mend.undelivered import LAMBDA, field_at_fault

#: A landing object below the history's root; the article's lie right there.
_OURS: Final = re.compile(r"(?P<root>(?:.*/)?)(?P<file>changes/\d{4}/\d{2}/\d{2}/.*[^/])")
_ARTICLES: Final = re.compile(r"(?P<root>(?:.*?/)?)(?P<file>\d{4}/\d{2}/\d{2}/.*[^/])")
#: Folders of a history that are none of its landing, and have days in them too.
_NO_ROOT: Final = re.compile(r"(^|/)(failed|coverage|baseline|aws/lambda)/")
_MAY_BE_SET_ASIDE: Final = re.compile(r"(changes|failed|aws/lambda|\d{4}/\d{2}/\d{2})/.*[^/]")
_TOLD: Final = 5


@dataclass(frozen=True)
class Aside:
    """An object that is to be set aside as ``to``.

    ``readable``: how many lines or changes of it can be read; ``kept``: landing objects that hold these; ``problems``
    tell what cannot be. ``start`` and ``end`` (epoch µs) bound the hole, None where not known. ``content`` is kept.
    """

    file: str
    size: int
    readable: int
    kept: dict[str, bytes]
    problems: tuple[str, ...]
    start: int | None
    end: int | None
    to: str
    content: bytes

    @property
    def loses(self) -> bool:
        """Whether anything is missing afterwards."""
        return self.to.startswith(SET_ASIDE)


def locate(aws: Aws, text: str, history: History | None) -> tuple[History, str]:
    """The history of an object, and its name there; ``text`` is a key or an ``s3://`` address.

    Raises:
        RequestError: it is none that can be set aside; without a history only the address of a landing object is.
    """
    if history is None:
        return _locate_alone(aws, text)
    root, place = history.root.address + "/", history.place.address + "/"
    file = text.removeprefix(place)
    if file == text:
        key = text.removeprefix(root)
        file = key.removeprefix(place.removeprefix(root))
    if "://" in file or not _may_be_set_aside(file):
        raise RequestError(
            f"{text}: expected an object below {place}changes/ or {place}failed/, or {root}{LAMBDA}…, that is not set "
            "aside or done yet",
            text,
        )
    return history, file


def look(history: History, file: str, *, force: bool = False) -> Aside | None:
    """What setting an object aside means; None where that has been done.

    Raises:
        RequestError: there is no such object, or it can be read and ``force`` is not given.
    """
    raw = history.holder(file).get(file)
    if raw is None:
        if any(history.place.get(f"{folder}{file}") is not None for folder in (SET_ASIDE, DONE)):
            return None
        raise RequestError(f"{history.holder(file).address}/{file}: there is no such object", file)
    found = _undelivered(history, file, raw) if _is_undelivered(file) else _landing(file, raw)
    if not found.problems and not force:
        instead = "redrive writes it into the history" if _is_undelivered(file) else "nothing is wrong"
        raise RequestError(
            f"{file} can be read, all {found.readable:,} of its changes: {instead}; to give it up even so: --force",
            file,
        )
    return found


def set_aside(history: History, aside: Aside) -> None:
    """Do it; safe to be killed and run again.

    Raises:
        HistlibError: AWS refuses.
    """
    with Landing(history.place) as landing:
        for name, data in aside.kept.items():
            landing.put(name, data)
        source = history.holder(aside.file) if _is_undelivered(aside.file) else landing
        move(source, aside.file, history.place, aside.to, aside.content)


def finish(history: History, file: str) -> None:
    """To be called where :func:`look` gives None: who was killed in the end may not have told readers."""
    with Landing(history.place) as landing:
        landing.remove(file)


def _is_undelivered(file: str) -> bool:
    return file.startswith(("failed/", LAMBDA))


def _locate_alone(aws: Aws, text: str) -> tuple[History, str]:
    bucket, key = split(text)
    found = _OURS.fullmatch(key) or _ARTICLES.fullmatch(key)
    if not text.startswith("s3://") or not found or _NO_ROOT.search(found["root"]):
        raise RequestError(
            f"{text}: without --table, expected the address of a landing object: s3://bucket/prefix/changes/yyyy/MM/dd/…",
            text,
        )
    return History(Bucket(aws, bucket, found["root"]), Bucket(aws, bucket), "", "", Redaction()), found["file"]


def _may_be_set_aside(file: str) -> bool:
    return file != REVISION and not file.startswith((SET_ASIDE, DONE)) and bool(_MAY_BE_SET_ASIDE.fullmatch(file))


def _undelivered(history: History, file: str, raw: bytes) -> Aside:
    found = examine(history, file)
    if found is None:
        raise RequestError(f"{file} is of another table than {history.table}", file)
    missing = hole("undelivered", file, found.done)
    kept = found.landings if found.problems else {}
    window = (missing["start"], missing["end"])
    problems = tuple(found.problems)
    return Aside(file, len(raw), len(found.changes), kept, problems, *window, SET_ASIDE + file, found.done)


def _landing(file: str, raw: bytes) -> Aside:
    lines, problems = _read_lines(file, raw)
    packaging = file.endswith(".gz") and not raw.startswith(b"\x1f\x8b")
    to = SET_ASIDE if problems or not packaging else DONE
    if packaging:
        problems = ("not gzip, though its name says so: Athena does not read it", *problems)
    name = landing_name(file.rpartition("/")[0] + "/", file, raw)
    kept = {name: gzip.compress(b"".join(lines), mtime=0)} if lines and problems else {}
    return Aside(file, len(raw), len(lines), kept, problems, *event_window(file), to + file, raw)


def _read_lines(file: str, raw: bytes) -> tuple[list[bytes], tuple[str, ...]]:
    """The lines that are changes, and what is wrong with the rest."""
    damage = Problems()
    with TemporaryDirectory() as folder:
        name = "object"
        (Path(folder) / name).write_bytes(raw)
        pieces = list(file_lines(Path(folder), name, damage))
    lines, wrong = [], []
    for number, line in _numbered(pieces):
        try:
            if not seems_old(line):
                decode_line(line)
            elif not decode_old_lines(line):
                continue
            lines.append(line + b"\n")
        except NotARecordError as error:
            wrong.append(f"line {number}: {field_at_fault(error)}")
    told = [*wrong[:_TOLD], *([f"{len(wrong) - _TOLD:,} more lines"] if len(wrong) > _TOLD else [])]
    return lines, (*(problem.detail for problem in damage.by_file.get(name, ())), *told)


def _numbered(pieces: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for first, raw in pieces:
        for number, line in enumerate(raw.split(b"\n")[:-1], start=first):
            if line.strip():
                yield number, line
