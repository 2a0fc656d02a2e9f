"""What a history has asked Athena so far, as a table for people, and in a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final

from histlib.engines.athena.running.costs import Query, amount
from histlib.values.times import to_micros

if TYPE_CHECKING:
    from histlib.answers.frames import ResultFrame

#: Columns of :attr:`histlib.History.queries`: name → what it holds.
QUERY_COLUMNS: Final[dict[str, str]] = {
    "started": "when it was sent, to the second, datetime64[us, tz of the history]",
    "state": "Athena's: QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED; STARTING before it has an id",
    "seconds": "from then until it had ended, or until now, float64",
    "scanned": "bytes that Athena read, int64",
    "cost": "dollars at 5 a terabyte, 10 MB at the least, float64; some Regions charge more",
    "reused": "bool: Athena took an earlier result, for nothing",
    "sql": "the statement with all values in place, to paste into the console",
    "id": "Athena's query execution id; empty before it has one",
}


def queries_frame(queries: Sequence[Query], tz: tzinfo, source: str) -> ResultFrame:
    """A row for each query, in the order in which they were started; columns are :data:`QUERY_COLUMNS`."""
    import numpy as np

    from histlib.answers.frames import ResultFrame, optional_times, texts

    asked = list(queries)
    data: dict[str, Any] = {
        "started": optional_times([to_micros(one.sent.replace(microsecond=0)) for one in asked], tz),
        "state": texts([one.state for one in asked]),
        "seconds": np.array([round(one.seconds, 3) for one in asked], dtype="float64"),
        "scanned": np.array([one.scanned for one in asked], dtype="int64"),
        "cost": np.array([one.cost for one in asked], dtype="float64"),
        "reused": np.array([one.reused for one in asked], dtype=bool),
        "sql": texts([one.sql for one in asked]),
        "id": texts([one.id for one in asked]),
    }
    frame = ResultFrame(data)
    frame.attrs["histlib"] = {"heading": f"{spent(asked)} · {source}", "caveats": []}
    return frame


def spent(queries: Sequence[Query]) -> str:
    """How many queries, what they scanned, and what that costs: for a person."""
    count = f"{len(queries):,} {'query' if len(queries) == 1 else 'queries'} of Athena"
    if not queries:
        return count
    scanned, cost = sum(one.scanned for one in queries), sum(one.cost for one in queries)
    reused = sum(one.reused for one in queries)
    more = f" · {reused:,} answered by earlier results" if reused else ""
    return f"{count} · {amount(scanned)} scanned · about ${cost:.4f}{more}"
