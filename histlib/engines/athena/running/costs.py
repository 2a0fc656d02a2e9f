"""What queries cost: one record each, as Athena tells of it, and the money by its price list."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any, Final

#: Dollars for a terabyte scanned; some Regions charge more (aws.amazon.com/athena/pricing).
PRICE: Final = 5.0
_TERABYTE: Final = 10**12
_MEGABYTE: Final = 10**6
#: A query is billed for at least so many bytes.
_LEAST: Final = 10 * _MEGABYTE
#: States of a query that has ended.
ENDED: Final = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass
class Query:
    """One query: what was asked, and what Athena said of it when it was last asked.

    ``sql`` can be pasted into the console. ``state`` is Athena's, ``STARTING`` before it has an id. ``scanned`` are
    bytes; ``seconds`` are those that passed here until it ended, from ``sent``
    on (aware). ``reused``: an earlier result was taken, for nothing.
    ``reason``: why it did not succeed. ``trouble``: why Athena cannot be asked of it just now.
    ``throttled``: codes of requests that were refused as too many, and were sent again.
    """

    sql: str
    id: str = ""
    state: str = "STARTING"
    scanned: int = 0
    reused: bool = False
    throttled: list[str] = field(default_factory=list)
    reason: str = ""
    trouble: str = ""
    sent: datetime = field(default_factory=lambda: datetime.now(UTC))
    execution: Any = field(default=None, repr=False)
    stopping: Event = field(default_factory=Event, repr=False)
    _begun: float = field(default_factory=time.monotonic, repr=False)
    _ended: float | None = field(default=None, repr=False)

    def started(self, query_id: str) -> None:
        """Take in that Athena has it."""
        self.id, self.state = query_id, "QUEUED"

    def heard(self, execution: Any) -> None:
        """Take in what Athena tells (a ``pyathena.model.AthenaQueryExecution``)."""
        self.execution = execution
        self.id, self.state = execution.query_id, execution.state
        self.scanned = execution.data_scanned_in_bytes or 0
        self.reused = bool(execution.reused_previous_result)
        self.reason = execution.state_change_reason or ""
        if self.state in ENDED and self._ended is None:
            self._ended = time.monotonic()

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ENDED

    @property
    def seconds(self) -> float:
        """From its start until it ended, or until now."""
        return (self._ended or time.monotonic()) - self._begun

    @property
    def cost(self) -> float:
        """Dollars, about: what has been scanned, by the megabyte begun, and at least ten of them.

        Nothing for results reused and queries that failed; a cancelled query is billed for what it had scanned.
        """
        if self.reused or self.state in ("STARTING", "FAILED") or (self.state != "SUCCEEDED" and not self.scanned):
            return 0.0
        return dollars(self.scanned)

    def __str__(self) -> str:
        """What a person who waits wants to know."""
        text = f"{self.state.lower()} · {self.seconds:.1f} s · {amount(self.scanned)} scanned · about ${self.cost:.4f}"
        text += f" · throttled {len(self.throttled)} times, asked again" if self.throttled else ""
        return f"{text} · {self.trouble}" if self.trouble else text


def dollars(scanned: int) -> float:
    """The price of a query that scans so many bytes."""
    billed = max(_LEAST, -(-scanned // _MEGABYTE) * _MEGABYTE)
    return billed * PRICE / _TERABYTE


def amount(size: int) -> str:
    """Bytes, to be read by a person."""
    value, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1_000 or unit == "TB":
            break
        value /= 1_000
    return f"{value:,.0f} B" if unit == "B" else f"{value:,.1f} {unit}"
