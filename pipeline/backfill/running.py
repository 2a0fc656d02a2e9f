"""The whole of a backfill: exports started, some at once, waited for, converted as they finish. Safe to run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from histlib.progress import progress
from pipeline.backfill.conversion import Converted, ExportError, clear, convert
from pipeline.backfill.exports import Description, Exports, export_id, failure
from pipeline.backfill.plan import Plan
from pipeline.backfill.windows import Window
from pipeline.common.landing import Landing

#: Seconds between looks at the exports: they take minutes at least.
POLL_SECONDS: Final = 15.0


@dataclass
class Outcome:
    """What has become of the windows; ``failed`` says why."""

    written: dict[Window, Converted] = field(default_factory=dict)
    failed: dict[Window, str] = field(default_factory=dict)


@dataclass
class Backfill:
    """One run of a plan. ``running`` are exports that go on in AWS, also when this is interrupted."""

    plan: Plan
    exports: Exports
    at_once: int
    keep_exports: bool = False
    sleep: Callable[[float], None] = time.sleep
    running: dict[Window, Description] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)

    def run(self) -> Outcome:
        """Do it.

        Raises:
            HistlibError: AWS cannot be asked, or refuses. What is written is whole, and running again goes on.
        """
        self._tidy()
        waiting = list(self.plan.windows)
        with progress("exporting", len(waiting), " windows") as bar:
            while waiting or self.running:
                self._start(waiting)
                ended = dict(self._ended())
                for window, export in ended.items():
                    self._take(window, export)
                    bar.update(1)
                if not ended:
                    self.sleep(POLL_SECONDS)
        return self.outcome

    def _tidy(self) -> None:
        """Take away what a run before left half done."""
        with Landing(self.plan.target.place) as landing:
            for name in self.plan.half_written:
                landing.remove(name)
        for id in self.plan.unclear:
            clear(self.plan.target.exports, self.plan.target.summary_key(id))

    def _start(self, waiting: list[Window]) -> None:
        while waiting and len(self.running) < self.at_once:
            window = waiting[0]
            export = self.exports.running(window) or self.exports.start(window)
            if export is None:  # too many of the account are running: later
                return
            self.running[waiting.pop(0)] = export

    def _ended(self) -> Iterator[tuple[Window, Description]]:
        for window, export in self.running.items():
            now = self.exports.look(export)
            if now["ExportStatus"] != "IN_PROGRESS":
                yield window, now

    def _take(self, window: Window, export: Description) -> None:
        target = self.plan.target
        if export["ExportStatus"] == "FAILED":
            self.outcome.failed[window] = f"export {export['ExportArn']} failed, {failure(export)}"
        else:
            try:
                self.outcome.written[window] = convert(self.plan.table, target, window, export)
            except ExportError as error:
                self.outcome.failed[window] = str(error)
            else:
                if not self.keep_exports:
                    clear(target.exports, target.summary_key(export_id(export)))
        del self.running[window]
