"""Runs statements on Athena: small answers page by page with PyAthena, large ones by UNLOAD with awswrangler."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa

from histlib.engines.athena.running.costs import Query, amount, dollars
from histlib.engines.athena.running.failures import failure, was_cut_off
from histlib.engines.athena.running.paging import PAGE, check_whole, typed
from histlib.engines.athena.running.refusals import LONGEST, Place, request_error, too_long
from histlib.engines.athena.running.unloading import Written, listed, output_location, remove, unload_text
from histlib.engines.athena.running.watching import Pace, StoppedError, at_all_costs, attended
from histlib.engines.athena.statements.binding import bound
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.athena.table.address import Address
from histlib.errors import HistlibError, RequestError, SourceError
from histlib.progress import is_watched
from histlib.stores.aws.errors import THROTTLES, code_of, connection_error, errors, is_denied, is_expired
from histlib.stores.aws.session import client_config

#: Seconds that a query which goes on in Athena may be out of sight: while a person renews credentials, else.
_RENEWAL: Final = 600.0
_OUTAGE: Final = 30.0
#: Seconds between two tries meanwhile.
_RETRY: Final = 1.0
_CONNECTIONS: Final = 16


class Runner:
    """Asks Athena, and keeps what each query cost.

    ``session``: one of :func:`histlib.stores.aws.session.make_session`, with a Region. ``limit``: bytes that one
    question may scan (``max_scan_bytes``), None for any. ``location``: the table's, to name its objects by.
    ``queries``: all that were started, in order.
    """

    def __init__(
        self,
        session: Any,
        address: Address,
        *,
        limit: int | None = None,
        location: str = "",
        profile: str | None = None,
    ) -> None:
        self.place = Place(address, session.region_name or "no Region", profile or _profile(session), location)
        self.queries: list[Query] = []
        self._session = session
        self._limit = limit

    def refuse(self, expected: int) -> None:
        """To be called before a question that reads so many bytes of objects.

        Raises:
            RequestError: that is over the limit.
        """
        if self._limit is not None and expected > self._limit:
            raise RequestError(
                f"{self.place}: the days asked for hold {expected:,} bytes ({amount(expected)}, about "
                f"${dollars(expected):.4f}), over the limit of {self._limit:,}. Ask for fewer days, or allow it: "
                f"connect(…, max_scan_bytes={expected}), or --max-scan-bytes {expected}",
                expected,
            )

    def rows(self, statement: Statement, *, reuse_minutes: int = 0) -> pa.Table:
        """What a statement yields, typed as its columns; NULL and ``''`` stay what they are.

        ``reuse_minutes``: an answer to the same text may be so old. All values stand in the text then: Athena promises
        to compare texts, and says nothing of parameters.

        Raises:
            RequestError: the statement is too long, or something in the address is not there.
            SourceError: Athena cannot be asked, or the query did not succeed.
        """
        sql, parameters = bound(statement, inline=reuse_minutes > 0)
        query = self._begun(sql, statement.text)
        try:
            return attended(
                query,
                lambda: self._selected(query, sql, parameters, statement.columns, reuse_minutes),
                lambda: self._stop(query),
            )
        except BaseException:
            at_all_costs(lambda: self._tidy(query))
            raise

    def unload(self, statement: Statement) -> pa.Table:
        """As :meth:`rows`, for any number of rows, in no order."""
        assert statement.columns is not None
        return pa.concat_tables([statement.columns.empty_table(), *self.unload_chunks(statement)])

    def unload_chunks(self, statement: Statement) -> Iterator[pa.Table]:
        """As :meth:`unload`, table by table; what Athena wrote is removed when this ends, however it ends."""
        assert statement.columns is not None
        try:
            folder = f"{output_location(self._athena, self.place)}/histlib-{uuid4().hex}/"
        except errors() as error:
            raise request_error(error, self.place) from error
        select, parameters = bound(statement)
        sql = unload_text(select, f"{folder}rows/")
        query = self._begun(sql, unload_text(statement.text, f"{folder}rows/"))
        try:
            attended(query, lambda: self._unloaded(query, sql, parameters, folder), lambda: self._stop(query))
            manifest = query.execution.data_manifest_location
            yield from Written(self._s3, f"{folder}rows/", manifest, self.place.profile).tables(statement.columns)
        finally:
            at_all_costs(lambda: self._tidy(query, folder))

    def _begun(self, sql: str, text: str) -> Query:
        if (size := len(sql.encode())) > LONGEST:
            raise too_long(size, self.place)
        query = Query(text)
        self.queries.append(query)
        return query

    def _selected(
        self, query: Query, sql: str, parameters: list[str], columns: pa.Schema | None, reuse_minutes: int
    ) -> pa.Table:
        from pyathena.error import Error

        pace = Pace()

        def look(execution: Any) -> None:
            query.heard(execution)
            if not query.ended:
                pace.rest(query.stopping)
            elif query.stopping.is_set():
                raise StoppedError

        cursor = self._connection.cursor(on_poll=look)
        reuse = {"result_reuse_enable": True, "result_reuse_minutes": reuse_minutes} if reuse_minutes else {}
        try:
            cursor.execute(sql, parameters, paramstyle="qmark", on_start_query_execution=query.started, **reuse)
        except Error as error:
            if not query.id or query.ended or self._patience(error.__cause__) == 0.0:
                raise self._told(query, error) from error
            cursor = self._resumed(query)
        try:
            table = typed(cursor, columns, query)
            check_whole(table, query, self._athena, self._s3)
        except (Error, pa.ArrowException, ValueError) as error:
            raise self._told(query, error) from error
        return table

    def _unloaded(self, query: Query, sql: str, parameters: list[str], folder: str) -> None:
        import awswrangler as wr

        address = self.place.address
        try:
            query.started(
                wr.athena.start_query_execution(  # type: ignore[call-overload]  # its stub lacks the token
                    sql,
                    database=address.database,
                    data_source=address.catalog,
                    workgroup=address.workgroup,
                    s3_output=folder,
                    params=parameters or None,
                    paramstyle="qmark",
                    client_request_token=uuid4().hex,
                    boto3_session=self._session,
                )
            )
        except errors() as error:
            raise self._told(query, error) from error
        self._ended(query)

    def _resumed(self, query: Query) -> Any:
        """The rows of a query that was out of sight, by its id."""
        from pyathena.converter import DefaultTypeConverter
        from pyathena.error import Error
        from pyathena.result_set import AthenaResultSet
        from pyathena.util import RetryConfig

        self._ended(query)
        try:
            once = RetryConfig(attempt=1)
            return AthenaResultSet(self._connection, DefaultTypeConverter(), query.execution, PAGE, once)
        except Error as error:
            raise self._told(query, error) from error

    def _ended(self, query: Query) -> None:
        """Wait until a query has succeeded, also while it is out of sight for a time."""
        from pyathena.model import AthenaQueryExecution

        pace, lost = Pace(), None
        while not query.ended:
            try:
                query.heard(AthenaQueryExecution(self._athena.get_query_execution(QueryExecutionId=query.id)))
                lost, query.trouble = None, ""
            except errors() as error:
                lost = lost or time.monotonic()
                if query.stopping.is_set() or time.monotonic() - lost >= self._patience(error):
                    raise self._told(query, error) from error
                query.trouble = str(request_error(error, self.place))
                query.stopping.wait(_RETRY)
                continue
            if not query.ended:
                pace.rest(query.stopping)
        if query.stopping.is_set():
            raise StoppedError
        if query.state != "SUCCEEDED":
            raise self._failure(query)

    def _patience(self, error: BaseException | None) -> float:
        """Seconds to go on looking for a query, when asking of it failed like this."""
        if error is None or not isinstance(error, errors()):
            return 0.0
        if is_expired(error):
            return _RENEWAL if is_watched() else 0.0
        return _OUTAGE if code_of(error) in THROTTLES or not hasattr(error, "response") else 0.0

    def _told(self, query: Query, error: Exception) -> Exception:
        """The error to raise for what PyAthena or botocore raised."""
        if query.stopping.is_set():
            return StoppedError()
        cause = error if isinstance(error, errors()) else error.__cause__
        if isinstance(cause, errors()):
            told = request_error(cause, self.place)
            if query.id and not query.ended:
                told.add_note(self._stop(query))
            return told
        if query.ended and query.state != "SUCCEEDED":
            return self._failure(query)
        return SourceError(f"{self.place}: the answer of the query {query.id} cannot be read: {error}", query.id)

    def _failure(self, query: Query) -> HistlibError:
        cutoff = None
        if was_cut_off(query):
            try:
                found = self._athena.get_work_group(WorkGroup=self.place.address.workgroup)["WorkGroup"]
                cutoff = found.get("Configuration", {}).get("BytesScannedCutoffPerQuery")
            except errors() as error:
                if not is_denied(error):
                    raise request_error(error, self.place) from error
        return failure(query, self.place, cutoff)

    def _stop(self, query: Query) -> str:
        """Stop a query; says what became of it."""
        if not query.id:
            return "Athena had no query yet"
        if query.ended:
            return f"the query {query.id} had ended"
        try:
            self._athena.stop_query_execution(QueryExecutionId=query.id)
        except errors() as error:
            return (
                f"the query {query.id} may go on in Athena, where it could not be stopped ({code_of(error)}); to stop "
                f"it: aws athena stop-query-execution --query-execution-id {query.id}"
            )
        return f"the query {query.id} was stopped in Athena"

    def _tidy(self, query: Query, folder: str = "") -> None:
        """Remove what a query left in S3: all in the folder, and its own files in the workgroup's output location."""
        found = query.execution
        own = [found.output_location, found.data_manifest_location] if found is not None else []
        names = [f"{name}{end}" for name in own if name and query.id in name for end in ("", ".metadata")]
        try:
            names += listed(self._s3, folder) if folder else []
            left = remove(self._s3, names)
            if folder and not left and query.id and not query.ended:
                left = f"{folder} may be filled yet, since the query {query.id} was lost sight of; look, and remove it"
        except errors() as error:
            left = f"{folder} may be left behind in S3 ({code_of(error)}); allow s3:ListBucket, and remove it"
        if left:
            warnings.warn(left, stacklevel=2)

    @cached_property
    def _connection(self) -> Any:
        import pyathena
        from pyathena.util import RetryConfig

        logging.getLogger("pyathena").addHandler(logging.NullHandler())  # errors are raised, not printed as well
        address = self.place.address
        try:
            return pyathena.connect(
                session=self._session,
                region_name=self._session.region_name,
                s3_staging_dir=address.output or "",
                work_group=address.workgroup,
                schema_name=address.database,
                catalog_name=address.catalog,
                config=client_config(_CONNECTIONS),
                retry_config=RetryConfig(attempt=1),
                poll_interval=0,
                kill_on_interrupt=False,
            )
        except errors() as error:
            raise connection_error(error, self.place.profile) from error

    @property
    def _athena(self) -> Any:
        return self._connection.client

    @cached_property
    def _s3(self) -> Any:
        return self._session.client("s3", config=client_config(_CONNECTIONS))


def _profile(session: Any) -> str | None:
    """The session's profile, where it was named."""
    return None if session.profile_name == "default" else session.profile_name
