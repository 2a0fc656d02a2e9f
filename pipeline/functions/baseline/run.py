"""One baseline by one runner: segments in parallel, each part written and then noted, at last the manifest."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from .progress import ABANDONED, COMPLETE, Progress, Segment
from .rows import Window
from .scan import Part, Scan
from .storage import BusyError, Storage

#: For so long after a save nobody else takes up the baseline.
LEASE_SECONDS = 300.0


class AbandonedError(RuntimeError):
    """The baseline can never be whole; says why. The next run begins a new one."""


@dataclass
class Run:
    """Works on ``progress`` until ``deadline`` (epoch seconds); ``read`` hears how many items a part has."""

    storage: Storage
    scan: Scan
    progress: Progress
    clock: Callable[[], float]
    deadline: float
    read: Callable[[int], None]
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        """Make it ours. Raises BusyError where another was faster."""
        self._save()

    def scan_all(self) -> None:
        """Read on while the time lasts. When stopped by an error or Ctrl-C, what is read is written before."""
        todo = [number for number, segment in enumerate(self.progress.segments) if not segment.done]
        with ThreadPoolExecutor(max(1, len(todo))) as pool:
            try:
                for segment in as_completed([pool.submit(self._scan_segment, number) for number in todo]):
                    segment.result()
            except BaseException:
                self._stopped.set()
                raise

    def finish(self, identity: str) -> None:
        """Write the manifest, if the table has still this ``identity`` and all parts are there.

        Raises:
            AbandonedError: they are not.
        """
        if identity != self.progress.table.identity:
            self._abandon(f"the table {self.progress.table.arn} was deleted and made anew while it was read")
        if missing := self.storage.missing(self.progress):
            self._abandon(f"{missing}, written by it, is not there any more")
        self.storage.put_manifest(self.progress.manifest())
        self._save(state=COMPLETE, owner="", lease_until=0.0)

    def release(self) -> None:
        """Let others go on at once."""
        self._save(owner="", lease_until=0.0)

    def release_if_possible(self) -> None:
        """The same after an error, which it must not hide: without it, others wait until the lease is over."""
        with suppress(BusyError, ClientError, BotoCoreError):
            self.release()

    def _scan_segment(self, number: int) -> None:
        while not (segment := self.progress.segments[number]).done:
            part = self.scan.read_part(number, segment, self._goes_on)
            if part.window is None:
                return
            self._write(number, segment, part, part.window)

    def _write(self, number: int, segment: Segment, part: Part, window: Window) -> None:
        """Write a part, be it empty: one of this name that an earlier runner left must not stay."""
        name = self.progress.part_name(number)
        self.storage.put_part(name, gzip.compress(b"".join(part.lines), 6, mtime=0), self._prove)
        following = Segment(today(self.clock()), part.after, part.done, (*segment.files, name))
        with self._lock:
            self.progress = self.progress.with_part(number, len(part.lines), window, following)
            self._save()
            self.read(len(part.lines))

    def _prove(self) -> None:
        with self._lock:
            self._save()

    def _goes_on(self, seconds: float) -> bool:
        return not self._stopped.is_set() and self.clock() + seconds < self.deadline

    def _abandon(self, reason: str) -> None:
        self._save(state=ABANDONED, owner="", lease_until=0.0)
        raise AbandonedError(f"baseline {self.progress.id} is abandoned: {reason}; run again to begin a new one")

    def _save(self, **fields: object) -> None:
        fields = {"lease_until": self.clock() + LEASE_SECONDS, "saves": self.progress.saves + 1, **fields}
        self.progress = replace(self.progress, **fields)  # type: ignore[arg-type]
        self.storage.save(self.progress)


def today(seconds: float) -> str:
    """The dateday of a time (epoch seconds)."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y/%m/%d}"
