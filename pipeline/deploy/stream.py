"""The table and its stream: what there is, who reads it, and turning it on."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Final

from pipeline.common.aws import Aws, RefusedError
from pipeline.common.errors import DeploymentError
from pipeline.common.person import Person

VIEW: Final = "NEW_AND_OLD_IMAGES"
#: Readers of a shard at once, else reads are throttled; of a global table's stream, whose replication reads as well,
#: one (Amazon DynamoDB developer guide, "Reading and processing a stream").
READERS: Final = 2
READERS_OF_GLOBAL: Final = 1
_PAUSE_SECONDS: Final = 3
_PATIENCE: Final = 200


@dataclass(frozen=True)
class Table:
    """A table as DescribeTable tells of it; ``stream_arn`` and ``view`` are None where its stream is off."""

    name: str
    status: str
    stream_arn: str | None
    view: str | None
    replicas: tuple[str, ...]


def read_table(aws: Aws, name: str) -> Table:
    """The table.

    Raises:
        DeploymentError: there is none of that name; the message has the Region, the account and names that are near.
        HistlibError: AWS cannot be asked.
    """
    found = aws.find("dynamodb", "describe_table", TableName=name)
    if found is None:
        raise DeploymentError(f"no table {name} in {aws.region} of account {aws.account}{_near(aws, name)}", name)
    table = found["Table"]
    stream = table.get("StreamSpecification", {})
    on = bool(stream.get("StreamEnabled"))
    replicas = tuple(one["RegionName"] for one in table.get("Replicas", ()))
    arn, view = (table.get("LatestStreamArn"), stream.get("StreamViewType")) if on else (None, None)
    return Table(name, table["TableStatus"], arn, view, replicas)


def _near(aws: Aws, name: str) -> str:
    try:
        names = {one.lower(): one for one in _tables(aws)}
    except RefusedError as error:
        return f"; which tables there are cannot be told either: {error}"
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    meant = f"; did you mean {', '.join(names[one] for one in near)}?" if near else ""
    return f" (it has {len(names):,} tables){meant} Name the table as it is, or another --region or --profile"


def _tables(aws: Aws) -> list[str]:
    names: list[str] = []
    page: dict[str, Any] = {}
    while not names or "LastEvaluatedTableName" in page:
        start = {"ExclusiveStartTableName": names[-1]} if names else {}
        page = aws.call("dynamodb", "list_tables", **start)
        if not page["TableNames"]:
            break
        names += page["TableNames"]
    return names


def check_view(aws: Aws, table: Table) -> None:
    """See that the stream, where it is on, has both images.

    Raises:
        DeploymentError: it has not; who reads it, and how to change it.
    """
    if table.view in (None, VIEW):
        return
    readers = [_reader(one) for one in mappings(aws, str(table.stream_arn))]
    who = f"Lambda reads it by {', '.join(readers)}" if readers else "no Lambda function reads it"
    off = f"aws dynamodb update-table --table-name {table.name} --stream-specification StreamEnabled=false"
    raise DeploymentError(
        f"the stream of table {table.name} has the view {table.view}; the history needs {VIEW}, and the view of a "
        f"stream cannot be changed: it has to be turned off and a new one turned on. {who} (readers that are no Lambda "
        "functions cannot be told); they would have to be pointed at the new stream, and what they have not read of "
        f"the old one is readable there for 24 hours. Nothing was done. Turn it off ({off} --region {aws.region}), "
        "then deploy again: it turns the new stream on",
        table.view,
    )


def mappings(aws: Aws, stream_arn: str) -> list[dict[str, Any]]:
    """Lambda's event source mappings that read a stream, as Lambda lists them."""
    return list(aws.each("lambda", "list_event_source_mappings", "EventSourceMappings", EventSourceArn=stream_arn))


def _reader(mapping: dict[str, Any]) -> str:
    return f"{mapping['FunctionArn'].rpartition(':')[2]} (mapping {mapping['UUID']}, {mapping['State']})"


def check_readers(aws: Aws, table: Table, own: str | None) -> str:
    """See that the stream has room for one more reader; ``own`` is the mapping that is ours already.

    Returns a note to show, empty where nobody else reads.

    Raises:
        DeploymentError: it has none.
    """
    if table.stream_arn is None:
        return ""
    others = [one for one in mappings(aws, table.stream_arn) if one["UUID"] != own]
    reading = [_reader(one) for one in others if one["State"] not in ("Disabled", "Disabling", "Deleting")]
    room = READERS_OF_GLOBAL if table.replicas else READERS
    kind = f"a global table's stream (replicas in {', '.join(table.replicas)})" if table.replicas else "a stream"
    rule = f"{kind} serves {room} reader{'s' if room > 1 else ''} a shard, more are throttled"
    if len(reading) >= room:
        raise DeploymentError(
            f"the stream of table {table.name} is read by {', '.join(reading)}; {rule}, so the history would lag and "
            "lose what waits longer than 24 hours, and so might they. Nothing was done. Let one function do the work "
            "of two, or disable a mapping that is not needed, then deploy again",
            reading,
        )
    return f"the stream is also read by {', '.join(map(_reader, others))}; {rule}" if others else ""


def turn_on(aws: Aws, table: Table, person: Person) -> Table:
    """Turn the stream on with both images; returns the table once its stream is ready.

    Raises:
        DeploymentError: it does not become ready.
        HistlibError: AWS refuses.
    """
    _settled(aws, table.name, person)
    specification = {"StreamEnabled": True, "StreamViewType": VIEW}
    aws.call("dynamodb", "update_table", TableName=table.name, StreamSpecification=specification)
    ready = _settled(aws, table.name, person)
    for _ in range(_PATIENCE):
        stream = aws.call("dynamodbstreams", "describe_stream", StreamArn=ready.stream_arn, Limit=1)
        if (status := stream["StreamDescription"]["StreamStatus"]) == "ENABLED":
            return ready
        person.pause(_PAUSE_SECONDS)
    raise DeploymentError(f"the stream of table {table.name} stays {status}: look at it, then deploy again", status)


def _settled(aws: Aws, name: str, person: Person) -> Table:
    """The table once it is ACTIVE: until then it takes no update, and its stream may not be there."""
    for _ in range(_PATIENCE):
        table = read_table(aws, name)
        if table.status == "ACTIVE":
            return table
        person.pause(_PAUSE_SECONDS)
    raise DeploymentError(f"table {name} stays {table.status}: wait until it is ACTIVE, then deploy again", name)
