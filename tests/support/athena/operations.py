"""Athena's operations: from the JSON of a request to the JSON of the answer, or the error that Athena gives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.support.athena.executions import Query, WorkGroup
from tests.support.athena.results import column_info, row_of

if TYPE_CHECKING:
    from tests.support.athena.standin import StandIn

JSON = dict[str, Any]


class ApiError(Exception):
    """An error of the API: its code, message, HTTP status and other fields."""

    def __init__(self, code: str, message: str, status: int = 400, **fields: str) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.fields = code, message, status, fields


def invalid(message: str) -> ApiError:
    """What Athena says of most wrong requests."""
    return ApiError("InvalidRequestException", message, AthenaErrorCode="INVALID_INPUT")


def start_query_execution(server: StandIn, body: JSON) -> JSON:
    """Begin a query; its id."""
    sql, parameters = body["QueryString"], body.get("ExecutionParameters", [])
    check_request(sql, body.get("ExecutionParameters"))
    token = body.get("ClientRequestToken")
    if token in server.tokens:
        if server.tokens[token][1] != {**body}:
            raise invalid("Idempotent parameters do not match")
        return {"QueryExecutionId": server.tokens[token][0]}
    workgroup = _workgroup(server, body.get("WorkGroup", "primary"))
    if workgroup.state != "ENABLED":
        raise invalid(f"WorkGroup {workgroup.name} is disabled.")
    context = body.get("QueryExecutionContext", {})
    query = Query(
        sql=sql,
        parameters=parameters,
        database=context.get("Database", "default"),
        catalog=context.get("Catalog", "AwsDataCatalog"),
        workgroup=workgroup.name,
        output=_output(workgroup, body),
        reuse_minutes=_reuse_minutes(body),
    )
    earlier = _reusable(server, query)
    server.queries.append(query)
    server.tokens[token] = (query.id, {**body})
    server.runner.start(query, workgroup, earlier)
    return {"QueryExecutionId": query.id}


def check_request(sql: str, parameters: list[str] | None) -> None:
    """Refuse what the service's own model refuses: lengths of text and parameters."""
    wrong = []
    if not 1 <= len(sql.encode()) <= 262_144:
        bound = "less than or equal to 262144" if sql else "greater than or equal to 1"
        wrong.append(_constraint("queryString", f"length {bound}"))
    if parameters is not None and not parameters:
        wrong.append(_constraint("executionParameters", "length greater than or equal to 1"))
    if any(not 1 <= len(one) <= 1_024 for one in parameters or ()):
        inner = (
            "[Member must have length less than or equal to 1024, Member must have length greater than or equal to 1]"
        )
        wrong.append(
            f"Value at 'executionParameters' failed to satisfy constraint: Member must satisfy constraint: {inner}"
        )
    if wrong:
        many = f"{len(wrong)} validation error{'s' * (len(wrong) > 1)} detected: "
        raise ApiError("ValidationException", many + "; ".join(wrong))


def _constraint(name: str, rule: str) -> str:
    return f"Value at '{name}' failed to satisfy constraint: Member must have {rule}"


def _workgroup(server: StandIn, name: str) -> WorkGroup:
    if name not in server.workgroups:
        raise invalid("WorkGroup is not found.")
    return server.workgroups[name]


def _output(workgroup: WorkGroup, body: JSON) -> str:
    asked = body.get("ResultConfiguration", {}).get("OutputLocation")
    output = workgroup.output if workgroup.enforce else asked or workgroup.output
    if not output:
        raise invalid(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    if not output.startswith("s3://"):
        raise invalid(f"outputLocation is not a valid S3 path.: {output}")
    return output


def _reuse_minutes(body: JSON) -> int | None:
    asked = body.get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration", {})
    if not asked.get("Enabled"):
        return None
    minutes = asked.get("MaxAgeInMinutes", 60)
    if not 0 <= minutes <= 10_080:
        name = "resultReuseConfiguration.resultReuseByAgeConfiguration.maxAgeInMinutes"
        raise ApiError("ValidationException", f"1 validation error detected: {_constraint(name, 'value in 0..10080')}")
    return minutes


def _reusable(server: StandIn, query: Query) -> Query | None:
    """The last query with the same text that is young enough. Changed data do not matter to Athena."""
    if query.reuse_minutes is None or query.kind != "SELECT":
        return None
    oldest = time.time() - 60 * query.reuse_minutes
    found = [one for one in server.queries if query.repeats(one) and not one.reused and one.completed >= oldest]
    return found[-1] if found else None


def get_query_execution(server: StandIn, body: JSON) -> JSON:
    """All that is known of a query."""
    return {"QueryExecution": server.query(body["QueryExecutionId"]).described()}


def batch_get_query_execution(server: StandIn, body: JSON) -> JSON:
    """All that is known of some queries, and which are not known."""
    ids = body["QueryExecutionIds"]
    known = {one.id: one for one in server.queries}
    missing = [
        {"QueryExecutionId": id_, "ErrorCode": "INVALID_INPUT", "ErrorMessage": f"QueryExecution {id_} was not found"}
        for id_ in ids
        if id_ not in known
    ]
    found = [known[id_].described() for id_ in ids if id_ in known]
    return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}


def list_query_executions(server: StandIn, body: JSON) -> JSON:
    """Ids of a workgroup's queries, the newest first, at most 50 a page."""
    workgroup = _workgroup(server, body.get("WorkGroup", "primary"))
    ids = [one.id for one in reversed(server.queries) if one.workgroup == workgroup.name]
    start, size = int(body.get("NextToken", 0)), body.get("MaxResults") or 50
    more = {"NextToken": str(start + size)} if start + size < len(ids) else {}
    return {"QueryExecutionIds": ids[start : start + size], **more}


def stop_query_execution(server: StandIn, body: JSON) -> JSON:
    """Ask a query to end; one that has ended stays as it is."""
    server.query(body["QueryExecutionId"]).stop.set()
    return {}


def get_query_results(server: StandIn, body: JSON) -> JSON:
    """A page of rows; the first of a SELECT begins with the names of the columns."""
    query = server.query(body["QueryExecutionId"])
    if query.state in ("QUEUED", "RUNNING"):
        raise invalid(f"Query has not yet finished. Current state: {query.state}")
    if query.state != "SUCCEEDED":
        raise invalid(f"Query did not finish successfully. Final query state: {query.state}")
    size = body.get("MaxResults", 1_000)
    if not 1 <= size <= 1_000:
        raise invalid("MaxResults is more than maximum allowed length 1000.")
    start = _offset(query, body.get("NextToken"))
    header = [tuple(name for name, _ in query.answer.columns)] if query.kind == "SELECT" else []
    rows = [*header, *query.answer.rows]
    told: JSON = {
        "ResultSet": {
            "Rows": [row_of(row) for row in rows[start : start + size]],
            "ResultSetMetadata": {"ColumnInfo": [column_info(*column) for column in query.answer.columns]},
        },
        "UpdateCount": query.update_count or 0,
    }
    if start + size < len(rows):
        told["NextToken"] = f"{query.id}:{start + size}"
    return told


def _offset(query: Query, token: str | None) -> int:
    if token is None:
        return 0
    whose, _, at = token.partition(":")
    if whose != query.id or not at.isdigit():
        raise invalid("Invalid NextToken")
    return int(at)


def get_query_runtime_statistics(server: StandIn, body: JSON) -> JSON:
    """Rows and bytes of a query."""
    query = server.query(body["QueryExecutionId"])
    rows = {"InputBytes": query.scanned, "OutputRows": len(query.answer.rows) if query.answer else 0}
    return {"QueryRuntimeStatistics": {"Rows": rows}}


def get_work_group(server: StandIn, body: JSON) -> JSON:
    """A workgroup and its configuration."""
    return {"WorkGroup": _workgroup(server, body["WorkGroup"]).described()}


def list_work_groups(server: StandIn, body: JSON) -> JSON:
    """All workgroups."""
    return {"WorkGroups": [{"Name": one.name, "State": one.state} for one in server.workgroups.values()]}


def get_data_catalog(server: StandIn, body: JSON) -> JSON:
    """The one catalog that there is."""
    if body["Name"].lower() != "awsdatacatalog":
        raise invalid(f"Data catalog {body['Name']} was not found")
    return {"DataCatalog": {"Name": "AwsDataCatalog", "Type": "GLUE"}}


OPERATIONS = {
    "StartQueryExecution": start_query_execution,
    "GetQueryExecution": get_query_execution,
    "BatchGetQueryExecution": batch_get_query_execution,
    "ListQueryExecutions": list_query_executions,
    "StopQueryExecution": stop_query_execution,
    "GetQueryResults": get_query_results,
    "GetQueryRuntimeStatistics": get_query_runtime_statistics,
    "GetWorkGroup": get_work_group,
    "ListWorkGroups": list_work_groups,
    "GetDataCatalog": get_data_catalog,
}
