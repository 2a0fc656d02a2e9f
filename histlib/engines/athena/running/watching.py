"""While a query runs: a person sees how it stands, and whatever interrupts here stops it in Athena."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Event, Thread
from typing import Final, TypeVar

from histlib.engines.athena.running.costs import Query, amount
from histlib.progress import status
from histlib.stores.aws.session import THROTTLED

#: Seconds between two looks at a query: at first, by which factor more each time, at most.
_FIRST: Final = 0.05
_GROWTH: Final = 1.05
_MOST: Final = 1.0
#: Seconds between two lines of progress.
_TICK: Final = 0.2
#: Seconds that stopping a query may take before this process goes on without it.
_PATIENCE: Final = 20.0

_T = TypeVar("_T")


class StoppedError(Exception):
    """The query is to be stopped: nobody waits for its answer."""


class Pace:
    """How long to rest between two looks: about a twentieth of the time that has passed."""

    def __init__(self) -> None:
        self._pause = _FIRST

    def rest(self, stopping: Event) -> None:
        """Wait until it is time to look again, or until the query is to be stopped."""
        if stopping.is_set():
            time.sleep(2 * _FIRST)
        elif stopping.wait(self._pause):
            self._pause = _FIRST
        else:
            self._pause = min(self._pause * _GROWTH, _MOST)


def attended(query: Query, work: Callable[[], _T], stop: Callable[[], str]) -> _T:
    """Do the work of a query in another thread, while this one shows how it stands.

    ``work`` gives up with :class:`StoppedError` once ``query.stopping`` is set and the query has ended. ``stop``,
    called when this thread is interrupted by whatever, asks Athena to stop it and says what became of it; that
    happens once the query has its id, also where the interrupt came while it was being started. The interruption
    carries what it says, and what was billed.
    """
    job: Future[_T] = Future()
    context = copy_context()
    context.run(THROTTLED.set, query.throttled)

    def run() -> None:
        try:
            job.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 — it is raised where the answer is waited for
            job.set_exception(error)

    try:
        Thread(target=run, name="histlib-athena", daemon=True).start()
        with status("Athena") as show:
            while wait([job], _TICK).not_done:
                show(query)
        return job.result()
    except BaseException as interruption:
        if not job.done() or job.exception() is not interruption:
            _tell(interruption, at_all_costs(lambda: _stopped(query, job, stop)))
        raise


def at_all_costs(work: Callable[[], _T]) -> _T:
    """Work that another interrupt does not break off: it stops the waiting only, and the process waits for its end."""
    job: Future[_T] = Future()

    def run() -> None:
        try:
            job.set_result(work())
        except BaseException as error:  # noqa: BLE001 — it is raised where the work is waited for
            job.set_exception(error)

    Thread(target=run, name="histlib-tidying").start()
    return job.result()


def _stopped(query: Query, job: Future[_T], stop: Callable[[], str]) -> str:
    query.stopping.set()
    give_up = time.monotonic() + _PATIENCE
    while not query.id and not job.done() and time.monotonic() < give_up:
        wait([job], _FIRST)
    said = stop()
    wait([job], max(0.0, give_up - time.monotonic()))
    billed = f"{amount(query.scanned)} scanned, about ${query.cost:.4f} billed"
    return f"interrupted after {query.seconds:.1f} s; {said}; {billed}"


def _tell(interruption: BaseException, said: str) -> None:
    if isinstance(interruption, KeyboardInterrupt) and not interruption.args:
        interruption.args = (said,)
    else:
        interruption.add_note(said)
