"""The changes of a history on disk that could not be converted: why, from where, and those that by now could be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from histlib.format.undelivered import DONE, UNCONVERTED_TOLD
from pipeline.common.landing import write_whole

_RECORDS: Final = "failed/records"

Record = dict[str, Any]


@dataclass(frozen=True)
class Note:
    """A change that was not converted: ``kept`` is its file, below the history's folder; ``place`` where it was read;
    ``reasons`` name each field at fault, and no value of an item."""

    kept: str
    place: str
    event_id: str | None
    sequence_number: str | None
    reasons: tuple[str, ...]


@dataclass
class Unconverted:
    """What could not be converted in ``folder``. ``notes``: in this run, by file; ``settled``: earlier ones that this
    run has converted, by file."""

    folder: Path
    notes: dict[str, Note] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    _earlier: dict[tuple[str, str], list[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._earlier = {}
        for path in sorted(self.folder.glob(f"{_RECORDS}/*")):
            if (identity := _identity(_content(path))) is not None:
                self._earlier.setdefault(identity, []).append(f"{_RECORDS}/{path.name}")

    @property
    def file(self) -> Path:
        """Where all are told, one a line."""
        return self.folder / UNCONVERTED_TOLD

    @property
    def reasons(self) -> Counter[str]:
        """How many changes of this run each reason kept."""
        return Counter(reason for note in self.notes.values() for reason in note.reasons)

    def note(self, kept: str, place: str, record: Record, reasons: list[str]) -> None:
        """A change could not be converted, and is kept there."""
        change = record.get("dynamodb")
        number = change.get("SequenceNumber") if isinstance(change, dict) else None
        self.notes[kept] = Note(kept, place, _text(record.get("eventID")), _text(number), tuple(reasons))

    def converted(self, record: Record) -> None:
        """A change could be; so those that were kept of it before wait no longer."""
        if self._earlier and (identity := _identity(record)) is not None:
            for known in (identity, (identity[0], "")):  # a number that was missing may have been put in
                self.settled.update(self._earlier.get(known, ()))

    def close(self, kept: Collection[str]) -> None:
        """All that is converted has landed, and of the others these files are kept: put it down."""
        self.notes = {name: note for name, note in self.notes.items() if name in kept}
        self.settled -= self.notes.keys()
        for name in sorted(self.settled):
            done = self.folder / DONE / name
            done.parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).replace(done)
        self._tell()

    def _tell(self) -> None:
        lines = [line for line in _lines(self.file) if self._still_waits(line)]
        lines += [json.dumps(asdict(note), ensure_ascii=False) for note in self.notes.values()]
        if lines:
            write_whole(self.file, "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
        else:
            self.file.unlink(missing_ok=True)

    def _still_waits(self, line: str) -> bool:
        try:
            kept = json.loads(line)["kept"]
        except (ValueError, LookupError, TypeError):
            return False
        return kept not in self.notes and (self.folder / str(kept)).is_file()


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.is_file() else []


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _identity(record: Any) -> tuple[str, str] | None:
    """What says that two records tell of one change."""
    try:
        found = record["eventID"], record["dynamodb"].get("SequenceNumber", "")
    except (LookupError, TypeError, AttributeError):
        return None
    return found if all(isinstance(one, str) for one in found) else None


def _text(value: Any) -> str | None:
    return value[:100] if isinstance(value, str) else None
