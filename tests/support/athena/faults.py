"""What can go wrong, on demand: refused calls, failed and slow queries, answers cut off."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

FOR_EVER = 1 << 30


@dataclass
class Refusal:
    """The error that the next calls of an operation get."""

    operation: str
    code: str
    message: str
    times: int
    status: int = 400


@dataclass
class Failure:
    """The reason for which the next queries fail."""

    reason: str
    matching: str
    times: int
    state: str = "FAILED"


@dataclass
class Hold:
    """Queries that stay in RUNNING until they are released or stopped."""

    matching: str
    started: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Let the held queries run, and all later ones."""
        self.released.set()

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass
class Cut:
    """What becomes of GetQueryResults answers: ``token`` (NextToken is left out), ``wrong_token`` (one that the server
    does not know), ``body`` (the connection closes in the middle of the body), ``repeat`` (the same page once more).
    """

    kind: str
    page: int
    times: int


class Faults:
    """The faults to come. Without any of these calls all goes well.

    ``matching`` is a piece of the SQL of the queries that are meant; ``""`` means all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refusals: list[Refusal] = []
        self._failures: list[Failure] = []
        self._cuts: list[Cut] = []
        self._holds: list[Hold] = []

    def refuse(self, operation: str, code: str, message: str = "", times: int = 1, status: int = 400) -> None:
        """The next calls of an operation get this error."""
        self._refusals.append(Refusal(operation, code, message, times, status))

    def throttle(self, operation: str, times: int = 1, code: str = "ThrottlingException") -> None:
        """The next calls of an operation are throttled (``ThrottlingException`` or ``TooManyRequestsException``)."""
        self.refuse(operation, code, "Rate exceeded", times)

    def expire_token(self, operation: str, times: int = FOR_EVER) -> None:
        """The next calls of an operation are told that the security token has expired."""
        message = "The security token included in the request is expired"
        self.refuse(operation, "ExpiredTokenException", message, times)

    def fail(self, reason: str, matching: str = "", times: int = 1, state: str = "FAILED") -> None:
        """The next queries end so, with this StateChangeReason."""
        self._failures.append(Failure(reason, matching, times, state))

    def hold(self, matching: str = "") -> Hold:
        """Queries stay in RUNNING until ``release()`` of what this returns, or StopQueryExecution."""
        self._holds.append(Hold(matching))
        return self._holds[-1]

    def cut(self, kind: str, page: int = 0, times: int = 1) -> None:
        """Damage the answers to GetQueryResults for that page (0 is the first): see :class:`Cut`."""
        assert kind in ("token", "wrong_token", "body", "repeat"), kind
        self._cuts.append(Cut(kind, page, times))

    def clear(self) -> None:
        """No more faults; what is held goes on."""
        for hold in self._holds:
            hold.release()
        for faults in (self._refusals, self._failures, self._cuts, self._holds):
            faults.clear()

    def refusal(self, operation: str) -> Refusal | None:
        """The error for a call that came in."""
        return self._take(self._refusals, lambda one: one.operation == operation)

    def failure(self, sql: str) -> Failure | None:
        """How a query shall end."""
        return self._take(self._failures, lambda one: one.matching in sql)

    def cut_of(self, page: int) -> Cut | None:
        """The damage to a page."""
        return self._take(self._cuts, lambda one: one.page == page)

    def hold_of(self, sql: str) -> Hold | None:
        """What holds a query."""
        return next((one for one in self._holds if one.matching in sql), None)

    def _take(self, faults, meant):
        with self._lock:
            found = next((one for one in faults if one.times > 0 and meant(one)), None)
            if found:
                found.times -= 1
            return found
