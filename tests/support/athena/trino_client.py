"""A client of Trino's REST protocol: a statement is posted, then its pages are fetched until none is next."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from tests.support.athena.engines import Cancelled, EngineError

_POOL = urllib3.PoolManager(maxsize=16, retries=False, timeout=urllib3.Timeout(connect=5, read=60))


@dataclass
class Result:
    """What a statement came to.

    ``columns``: as the protocol has them (``name``, ``type``, ``typeSignature``); ``rows``: their values, integers and
    fractional numbers as the text that Trino wrote; ``stats``: of the whole query.
    """

    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)


def started(url: str) -> bool:
    """Whether the server says that it takes queries. Raises OSError, or urllib3's errors, where none answers."""
    try:
        return json.loads(_POOL.request("GET", f"{url}/v1/info").data)["starting"] is False
    except urllib3.exceptions.HTTPError as error:
        raise ConnectionError(str(error)) from None


def run(
    url: str,
    sql: str,
    *,
    catalog: str = "",
    schema: str = "",
    session: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
) -> Result:
    """Run a statement to its end. Session properties by their full names (``awsdatacatalog.compression_codec``).

    Raises:
        EngineError: the query failed.
        Cancelled: ``stop`` was set; the query is cancelled in Trino.
    """
    headers = {"X-Trino-User": "tests", "X-Trino-Time-Zone": "UTC"}
    headers["X-Trino-Client-Capabilities"] = "PARAMETRIC_DATETIME"
    headers |= {"X-Trino-Catalog": catalog} if catalog else {}
    headers |= {"X-Trino-Schema": schema} if schema else {}
    if session:
        headers["X-Trino-Session"] = ",".join(f"{name}={value}" for name, value in session.items())
    result = Result()
    page = _page("POST", f"{url}/v1/statement", headers, sql.encode())
    while True:
        result.columns = page.get("columns") or result.columns
        result.rows += page.get("data") or []
        result.stats = page["stats"]
        if error := page.get("error"):
            raise EngineError(f"{error['errorName']}: {error['message']}")
        following = page.get("nextUri")
        if following is None:
            return result
        if stop is not None and stop.is_set():
            _POOL.request("DELETE", following, headers=headers)
            raise Cancelled
        page = _page("GET", f"{following}?maxWait=200ms", headers)


def _page(method: str, address: str, headers: Mapping[str, str], body: bytes | None = None) -> dict[str, Any]:
    """One page; its numbers stay text, as Trino wrote them."""
    answer = _POOL.request(method, address, headers=headers, body=body)
    if answer.status != 200:
        raise EngineError(f"GENERIC_INTERNAL_ERROR: Trino answered {answer.status}: {answer.data[:300]!r}")
    page: dict[str, Any] = json.loads(answer.data, parse_float=str, parse_int=str, parse_constant=str)
    return page
