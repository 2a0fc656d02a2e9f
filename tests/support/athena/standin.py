"""The stand-in: an HTTP server on the loopback that speaks Athena's JSON protocol to unmodified clients.

What it does not know of AWS: permissions, queues, prices. What runs the SQL is an engine
(:mod:`tests.support.athena.engines`).
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.athena.engines import Engine
from tests.support.athena.executions import Query, Runner, WorkGroup
from tests.support.athena.faults import Cut, Faults
from tests.support.athena.operations import JSON, OPERATIONS, ApiError, invalid


@dataclass(frozen=True)
class Request:
    """A call that came in, refused or not."""

    operation: str
    body: JSON


class StandIn:
    """The running server.

    ``queries``: all :class:`Query`, in order of their start. ``requests``: all calls. ``faults``: what shall go wrong.
    ``workgroups`` by name: put any :class:`WorkGroup` there; ``primary`` is there, without an output location.
    """

    def __init__(self, engine: Engine, s3: Any) -> None:
        self.faults = Faults()
        self.runner = Runner(engine, s3, self.faults)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.standin = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._forget()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _forget(self) -> None:
        self.queries: list[Query] = []
        self.requests: list[Request] = []
        self.tokens: dict[str, tuple[str, JSON]] = {}
        self.workgroups = {"primary": WorkGroup("primary")}

    def reset(self) -> None:
        """Stop what runs; forget queries, requests, faults and workgroups."""
        self.faults.clear()
        for query in self.queries:
            query.stop.set()
        for query in self.queries:
            assert query.ended.wait(30), f"this query does not stop: {query.sql}"
        self._forget()

    def close(self) -> None:
        """Stop what runs, and the server."""
        self.reset()
        self._server.shutdown()
        self._server.server_close()

    def add_workgroup(self, name: str, **settings: Any) -> WorkGroup:
        """Make a workgroup (settings: see :class:`WorkGroup`)."""
        self.workgroups[name] = WorkGroup(name, **settings)
        return self.workgroups[name]

    def query(self, id_: str) -> Query:
        """A query by its id."""
        found = next((one for one in self.queries if one.id == id_), None)
        if found is None:
            raise invalid(f"QueryExecution {id_} was not found")
        return found

    def asked(self, operation: str) -> list[JSON]:
        """What was asked of an operation, in order."""
        return [one.body for one in list(self.requests) if one.operation == operation]

    def answer(self, operation: str, body: JSON) -> tuple[int, JSON, Cut | None]:
        """Status, JSON and damage of the answer to a call."""
        self.requests.append(Request(operation, body))
        try:
            return self._answer(operation, body)
        except ApiError as error:
            return error.status, {"__type": error.code, "Message": error.message, **error.fields}, None

    def _answer(self, operation: str, body: JSON) -> tuple[int, JSON, Cut | None]:
        if refusal := self.faults.refusal(operation):
            raise ApiError(refusal.code, refusal.message, refusal.status)
        if operation not in OPERATIONS:
            raise ApiError("UnknownOperationException", f"the stand-in has no {operation}")
        told = OPERATIONS[operation](self, body)
        cut = self.faults.cut_of(self._page(body)) if operation == "GetQueryResults" else None
        return 200, self._damaged(told, cut, body), cut

    def _page(self, body: JSON) -> int:
        """Which page this was: 0 for the first."""
        return int(body.get("NextToken", ":0").rpartition(":")[2]) // body.get("MaxResults", 1_000)

    def _damaged(self, told: JSON, cut: Cut | None, body: JSON) -> JSON:
        if cut is None or cut.kind == "body":
            return told
        without = {name: value for name, value in told.items() if name != "NextToken"}
        start = self._page(body) * body.get("MaxResults", 1_000)
        token = {"wrong_token": "no-such-token", "repeat": f"{body['QueryExecutionId']}:{start}"}.get(cut.kind)
        return {**without, "NextToken": token} if token else without


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    standin: StandIn


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        operation = self.headers.get("X-Amz-Target", "").removeprefix("AmazonAthena.")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        status, told, cut = self.server.standin.answer(operation, body)
        self._send(status, json.dumps(told, ensure_ascii=False).encode(), cut)

    def _send(self, status: int, raw: bytes, cut: Cut | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        half = cut is not None and cut.kind == "body"
        self.wfile.write(raw[: len(raw) // 2] if half else raw)
        if half:
            self.wfile.flush()
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
