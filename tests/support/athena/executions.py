"""Queries: what Athena knows of each, and how one runs from QUEUED to its end."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.support.athena.engines import Answer, Cancelled, Engine, EngineError
from tests.support.athena.faults import Faults
from tests.support.athena.results import csv_of, text_of

_UNLOAD = re.compile(
    r"^\s*UNLOAD\s*\((?P<select>.*)\)\s*TO\s*'(?P<to>[^']*)'\s*(?:WITH\s*\((?P<with>.*)\))?\s*$", re.S | re.I
)
_OPTION = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|(ARRAY\s*\[[^\]]*\]|[^,\s]+))", re.I)
#: A held query fails after so many seconds: a mistake in a test shall not hang it.
_LONGEST_HOLD = 60
#: StateChangeReason of a query that scanned more than its workgroup allows.
CUTOFF = "Bytes scanned limit was exceeded"


@dataclass
class WorkGroup:
    """A workgroup: ``output`` and ``cutoff`` (bytes, any number here; AWS asks for 10,000,000 or more) may be None."""

    name: str
    output: str | None = None
    enforce: bool = False
    cutoff: int | None = None
    state: str = "ENABLED"

    def described(self) -> dict[str, Any]:
        """As GetWorkGroup tells it."""
        engine = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
        configuration: dict[str, Any] = {
            "ResultConfiguration": {"OutputLocation": self.output} if self.output else {},
            "EnforceWorkGroupConfiguration": self.enforce,
            "PublishCloudWatchMetricsEnabled": False,
            "RequesterPaysEnabled": False,
            "EngineVersion": engine,
        }
        if self.cutoff is not None:
            configuration["BytesScannedCutoffPerQuery"] = self.cutoff
        return {"Name": self.name, "State": self.state, "Configuration": configuration, "CreationTime": 1_700_000_000.0}


@dataclass
class Query:
    """A query execution. ``parameters`` are SQL literal texts, ``scanned`` bytes, times in epoch seconds."""

    sql: str
    parameters: list[str]
    database: str
    workgroup: str
    output: str
    reuse_minutes: int | None = None
    catalog: str = "AwsDataCatalog"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    scanned: int = 0
    answer: Answer | None = None
    update_count: int | None = None
    manifest: str | None = None
    reused: bool = False
    submitted: float = field(default_factory=time.time)
    completed: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def kind(self) -> str:
        """``SELECT``, ``UNLOAD``, or the first words of a statement that defines or shows."""
        word = re.sub(r"^(\s|\(|--[^\n]*\n|/\*.*?\*/)*", "", self.sql, flags=re.S).split(None, 1)[0].upper()
        return "SELECT" if word in ("SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN") else word

    @property
    def location(self) -> str:
        """OutputLocation: where the result lies."""
        base = self.output if self.output.endswith("/") else f"{self.output}/"
        return f"{base}{self.id}" + {"SELECT": ".csv", "UNLOAD": ""}.get(self.kind, ".txt")

    def repeats(self, other: Query) -> bool:
        """Whether Athena may answer this one with the result of the other."""
        same = ("sql", "parameters", "database", "catalog", "workgroup")
        return other.state == "SUCCEEDED" and all(getattr(self, name) == getattr(other, name) for name in same)

    def described(self) -> dict[str, Any]:
        """As GetQueryExecution tells it."""
        told: dict[str, Any] = {
            "QueryExecutionId": self.id,
            "Query": self.sql,
            "StatementType": {"SELECT": "DML", "UNLOAD": "DML", "SHOW": "UTILITY"}.get(self.kind, "DDL"),
            "SubstatementType": self.kind,
            "ResultConfiguration": {"OutputLocation": self.location},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": self.reuse_minutes is not None}},
            "QueryExecutionContext": {"Database": self.database, "Catalog": self.catalog.lower()},
            "Status": {"State": self.state, "SubmissionDateTime": self.submitted},
            "Statistics": self._statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": {
                "SelectedEngineVersion": "AUTO",
                "EffectiveEngineVersion": "Athena engine version 3",
            },
        }
        if self.parameters:
            told["ExecutionParameters"] = self.parameters
        if self.completed:
            told["Status"]["CompletionDateTime"] = self.completed
        if self.reason:
            told["Status"]["StateChangeReason"] = self.reason
        if self.state == "FAILED":
            told["Status"]["AthenaError"] = {
                "ErrorCategory": 2,
                "ErrorType": 1006,
                "Retryable": False,
                "ErrorMessage": self.reason,
            }
        return told

    def _statistics(self) -> dict[str, Any]:
        total = int(1_000 * ((self.completed or time.time()) - self.submitted))
        told: dict[str, Any] = {
            "EngineExecutionTimeInMillis": total,
            "DataScannedInBytes": self.scanned,
            "TotalExecutionTimeInMillis": total,
            "QueryQueueTimeInMillis": 0,
            "QueryPlanningTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": self.reused},
        }
        if self.manifest:
            told["DataManifestLocation"] = self.manifest
        return told


@dataclass
class Runner:
    """Runs queries on an engine, each in a thread of its own, and writes their results to S3."""

    engine: Engine
    s3: Any
    faults: Faults

    def start(self, query: Query, workgroup: WorkGroup, earlier: Query | None) -> None:
        """Run a query; with ``earlier``, take that one's result."""
        threading.Thread(target=self._run, args=(query, workgroup, earlier), daemon=True).start()

    def _run(self, query: Query, workgroup: WorkGroup, earlier: Query | None) -> None:
        try:
            query.state = "RUNNING"
            self._delay(query)
            self._fail(query)
            if earlier is not None:
                query.answer, query.reused = earlier.answer, True
                self._write(query)
            else:
                self._execute(query)
            if workgroup.cutoff is not None and query.scanned > workgroup.cutoff:
                raise Cancelled(CUTOFF)
            end = ("SUCCEEDED", None)
        except EngineError as error:
            end = ("FAILED", error.reason)
        except Cancelled as cancelled:
            end = ("CANCELLED", str(cancelled) or "Query cancelled by user")
        except Exception as error:  # noqa: BLE001 - a fault of the stand-in must not look like a slow query
            end = ("FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}")
        query.completed = time.time()
        query.reason = end[1]
        query.state = end[0]
        query.ended.set()

    def _delay(self, query: Query) -> None:
        if hold := self.faults.hold_of(query.sql):
            hold.started.set()
            deadline = time.monotonic() + _LONGEST_HOLD
            while not hold.released.wait(0.01):
                if query.stop.is_set():
                    raise Cancelled
                if time.monotonic() > deadline:
                    raise EngineError(
                        f"the test held this query for {_LONGEST_HOLD} s and neither let it run nor stopped it"
                    )

    def _fail(self, query: Query) -> None:
        if failure := self.faults.failure(query.sql):
            raise Cancelled(failure.reason) if failure.state == "CANCELLED" else EngineError(failure.reason)

    def _execute(self, query: Query) -> None:
        run: dict[str, Callable[[Query], None]] = {"SELECT": self._select, "UNLOAD": self._unload}
        run.get(query.kind, self._define)(query)

    def _select(self, query: Query) -> None:
        query.answer = self.engine.select(query.sql, query.parameters, query.database, query.stop)
        query.scanned = query.answer.scanned
        if query.stop.is_set():
            raise Cancelled
        self._write(query)

    def _define(self, query: Query) -> None:
        query.answer = self.engine.define(query.sql, query.database)
        self._write(query)

    def _write(self, query: Query) -> None:
        """Write the result file and its metadata."""
        self._put(query.location, csv_of(query.answer) if query.kind == "SELECT" else text_of(query.answer))
        self._put(f"{query.location}.metadata", b"")

    def _unload(self, query: Query) -> None:
        select, location, options = parse_unload(query.sql)
        bucket, prefix = bucket_and_key(location)
        if self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"]:
            raise EngineError(
                f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{location}' already exists: {location}. "
                "You may need to manually clean the data at location before retrying. "
                "Athena will not delete data in your account."
            )
        files, rows, query.scanned = self.engine.unload(
            select, query.parameters, query.database, location, options, query.stop
        )
        query.update_count = rows
        query.answer = Answer([("rows", "bigint")], [])
        self._put(f"{query.location}.metadata", b"")
        self._put(f"{query.location}-manifest.csv", "".join(f"{file}\n" for file in files).encode())
        query.manifest = f"{query.location}-manifest.csv"

    def _put(self, address: str, body: bytes) -> None:
        bucket, key = bucket_and_key(address)
        try:
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        except self.s3.exceptions.NoSuchBucket:
            raise EngineError(f"Unable to verify/create output bucket {bucket}") from None


def parse_unload(sql: str) -> tuple[str, str, dict[str, str]]:
    """The SELECT of an UNLOAD, its target (ends in ``/``) and its options, names in lower case."""
    found = _UNLOAD.match(sql)
    if found is None:
        raise EngineError("SYNTAX_ERROR: line 1:1: expected UNLOAD (SELECT …) TO 's3://…' WITH (format = '…')")
    options = {name.lower(): text or bare for name, text, bare in _OPTION.findall(found["with"] or "")}
    to = found["to"]
    return found["select"], to if to.endswith("/") else f"{to}/", options


def bucket_and_key(address: str) -> tuple[str, str]:
    """The parts of ``s3://bucket/key``."""
    parts = urlsplit(address, allow_fragments=False)
    return parts.netloc, address.split(parts.netloc, 1)[1].lstrip("/")
