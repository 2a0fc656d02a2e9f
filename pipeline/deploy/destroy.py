"""Removing what captures a table's changes, and nothing of what was captured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipeline.common.aws import Aws
from pipeline.common.deployment import Deployment
from pipeline.common.errors import DeploymentError
from pipeline.common.person import Person
from pipeline.deploy.stack.events import Following, why
from pipeline.deploy.stack.standing import Standing, delete_stack, read_standing
from pipeline.deploy.stream import mappings
from pipeline.status.seen.objects import read_lambda_prefixes, read_undelivered

#: Types that the template retains when its stack is deleted.
RETAINED: Final = ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::Glue::Database")
#: Seconds beyond Firehose's buffer until what it held is in S3.
MARGIN_SECONDS: Final = 60
_PAUSE_SECONDS: Final = 5
_PATIENCE: Final = 60


@dataclass(frozen=True)
class Removal:
    """What would be done: ``deleted`` and ``kept`` are resources; ``undelivered`` counts the objects that lie
    ``undelivered_below`` some prefixes."""

    standing: Standing
    deployment: Deployment
    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    undelivered: int
    undelivered_below: tuple[str, ...]
    buffer_seconds: int
    readers: tuple[str, ...]

    @property
    def table_goes(self) -> bool:
        """Whether the stack made the table, a sample, and deletes it."""
        return any(what.startswith("AWS::DynamoDB::Table ") for what in self.deleted)

    @property
    def wait_seconds(self) -> int:
        """From the mapping's end until nothing is left in Firehose."""
        return self.buffer_seconds + MARGIN_SECONDS


def plan_removal(aws: Aws, table: str, stack: str) -> Removal:
    """What would be done. Nothing is changed.

    Raises:
        DeploymentError: there is no such stack, it is not that table's, or CloudFormation is at work on it.
        HistlibError: AWS cannot be asked.
    """
    standing = read_standing(aws, stack, table)
    if standing.arn is None:
        raise DeploymentError(f"no stack {stack} in {aws.region}: nothing to destroy; is it another --region?", stack)
    if standing.is_moving and standing.status != "DELETE_IN_PROGRESS":
        raise DeploymentError(f"stack {stack} is in {standing.status}: wait until it rests, then ask again", stack)
    if standing.deployment is None:
        raise DeploymentError(
            f"stack {stack} ({standing.status}) never captured anything: python -m pipeline deploy deletes it before "
            f"it makes a new one; or: aws cloudformation delete-stack --stack-name {stack} --region {aws.region}",
            stack,
        )
    listed = aws.each("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=standing.arn)
    resources = [(one["ResourceType"], one.get("PhysicalResourceId") or one["LogicalResourceId"]) for one in listed]
    deployment = standing.deployment
    others = [one for one in mappings(aws, deployment.stream_arn) if one["UUID"] != deployment.mapping_id]
    return Removal(
        standing,
        deployment,
        tuple(sorted(f"{kind} {name}" for kind, name in resources if kind not in RETAINED)),
        tuple(sorted(f"{kind} {name}" for kind, name in resources if kind in RETAINED)),
        read_undelivered(aws, deployment).count,
        (f"{deployment.history_prefix}failed/", *read_lambda_prefixes(aws, deployment)),
        int(standing.parameters.get("BufferSeconds", "300")),
        tuple(one["FunctionArn"].rpartition(":")[2] for one in others),
    )


def removal_lines(aws: Aws, removal: Removal, *, now: bool) -> list[str]:
    """The plan for people."""
    deployment = removal.deployment
    wait = "no wait (--now)" if now else f"wait {removal.wait_seconds} s, until Firehose has delivered what it holds"
    lies = f"{removal.undelivered:,} undelivered below {' and '.join(removal.undelivered_below)}"
    return [
        f"table      {deployment.table_name} in {aws.region}",
        f"stack      {removal.standing.name} ({removal.standing.status})",
        f"step       disable mapping {deployment.mapping_id}: no change is captured from then on",
        f"step       {wait}",
        f"step       delete stack {removal.standing.name}:",
        *(f"  deleted  {what}" for what in removal.deleted),
        *(f"  kept     {what}" for what in removal.kept),
        f"kept       the history in {deployment.location}, with {lies}",
        *([] if removal.table_goes else ["kept       the table and its stream, which stays on"]),
        "kept       the artifacts bucket",
    ]


def destroy(aws: Aws, removal: Removal, person: Person, *, now: bool) -> None:
    """Disable the mapping, let Firehose deliver, delete the stack. Safe to run again after an interruption.

    Raises:
        DeploymentError: Firehose still holds changes, or the stack could not be deleted; what to do.
        KeyboardInterrupt: with what is already done.
        HistlibError: AWS refuses.
    """
    name, arn = removal.standing.name, str(removal.standing.arn)
    if removal.standing.status == "DELETE_IN_PROGRESS":
        _follow_deletion(aws, name, arn, person)
        return
    stop_mapping(aws, removal.deployment, person)
    if not now:
        _drain(aws, removal, person)
    following = delete_stack(aws, name, arn, person)
    for kept in following.kept():
        person.say(f"kept: {kept}")


def _follow_deletion(aws: Aws, name: str, arn: str, person: Person) -> None:
    following = Following(aws, arn, begun=True)
    if (status := following.until_rest(person)) != "DELETE_COMPLETE":
        raise DeploymentError(f"stack {name} is in {status}. {why(following.first_failure())}. Run this again", name)


def stop_mapping(aws: Aws, deployment: Deployment, person: Person) -> None:
    """Disable the mapping, and wait until no call of the recorder runs for it; one that is gone is stopped.

    Raises:
        DeploymentError: it does not stop.
        HistlibError: AWS refuses.
    """
    asked = {"UUID": deployment.mapping_id}
    mapping = aws.find("lambda", "get_event_source_mapping", **asked)
    if mapping is not None and mapping["State"] not in ("Disabled", "Disabling"):
        aws.call("lambda", "update_event_source_mapping", Enabled=False, **asked)
    for _ in range(_PATIENCE):
        mapping = aws.find("lambda", "get_event_source_mapping", **asked)
        if mapping is None or mapping["State"] == "Disabled":
            person.say(f"mapping {deployment.mapping_id} is disabled")
            return
        person.pause(_PAUSE_SECONDS)
    raise DeploymentError(
        f"mapping {deployment.mapping_id} is {mapping and mapping['State']}, not Disabled; run this again", asked
    )


def _drain(aws: Aws, removal: Removal, person: Person) -> None:
    """Wait for one buffer's time, and see that Firehose holds nothing that it could not deliver."""
    deployment, mapping = removal.deployment, removal.deployment.mapping_id
    try:
        for left in range(removal.wait_seconds, 0, -_PAUSE_SECONDS):
            if left % MARGIN_SECONDS == 0:
                person.say(f"Firehose delivers what it holds: {left} s left")
            person.pause(min(left, _PAUSE_SECONDS))
    except KeyboardInterrupt:
        on = f"aws lambda update-event-source-mapping --uuid {mapping} --enabled --region {aws.region}"
        message = f"interrupted; mapping {mapping} is disabled, nothing is deleted. Run this again to go on, or {on}"
        raise KeyboardInterrupt(message) from None
    age = freshness(aws, deployment)
    if age is not None and age > removal.wait_seconds:
        raise DeploymentError(
            f"Firehose still holds changes that are {age:,.0f} s old ({deployment.delivery_stream}, "
            "DeliveryToS3.DataFreshness): S3 does not take them, and they are lost if it is deleted. Nothing is "
            f"deleted; mapping {mapping} is disabled. Mend the delivery (bucket, key, role) and run this again, or "
            "give --now to lose them",
            age,
        )


def freshness(aws: Aws, deployment: Deployment) -> float | None:
    """The age in seconds of the oldest record that Firehose lately had not delivered; None where it told nothing."""
    until = datetime.now(UTC)
    answer: dict[str, Any] = aws.call(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="AWS/Firehose",
        MetricName="DeliveryToS3.DataFreshness",
        Dimensions=[{"Name": "DeliveryStreamName", "Value": deployment.delivery_stream}],
        StartTime=until - timedelta(minutes=10),
        EndTime=until,
        Period=60,
        Statistics=["Maximum"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return float(points[-1]["Maximum"]) if points else None


def farewell(aws: Aws, removal: Removal, *, now: bool) -> list[str]:
    """What is left, and how it is read, used again and removed."""
    deployment = removal.deployment
    table, place = deployment.table_name, f"--bucket {deployment.history_bucket}"
    prefix = f" --prefix {deployment.history_prefix}" if deployment.history_prefix else ""
    off = f"aws dynamodb update-table --table-name {table} --stream-specification StreamEnabled=false"
    readers = f"; but it is also read by {', '.join(removal.readers)}" if removal.readers else ""
    lost = " What Firehose held is not in the history, but is in the stream as well." if now else ""
    return [
        f"read the history:   histlib timeline --source {deployment.location} …; set source = "
        f'"{deployment.location}" below [history.{table}] in histlib.toml (its Athena table is gone)',
        f"capture again:      python -m pipeline deploy --table {table} {place}{prefix}; within 24 hours nothing is "
        f"missed, since it begins with the oldest change that the stream holds.{lost}",
        f"turn the stream off: {off} --region {aws.region}{readers}",
    ]
