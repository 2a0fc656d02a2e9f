"""The deployment of one table: planned by reading only, shown, agreed to, and carried out so that it can run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.common.aws import Aws, partition
from pipeline.common.deployment import Deployment, read_deployment
from pipeline.common.errors import DeploymentError, NotAgreedError
from pipeline.common.person import Person
from pipeline.deploy.connection import holds_account, keep_from_git, write_connection
from pipeline.deploy.load import load_lines
from pipeline.deploy.package import Package, default_bucket, is_made, is_there, make_bucket, make_package, upload
from pipeline.deploy.parameters import NEW_STREAM, check_buckets, check_given, check_location, parameter_lines, settle
from pipeline.deploy.stack.changes import Wanted, discard, execute, make_change_set, table_of
from pipeline.deploy.stack.standing import TABLE_TAG, Standing, delete_stack, read_standing, wait_for_rest
from pipeline.deploy.stack.template import BODY_BYTES, TEMPLATE, Template, parameters_of, read_template, with_code
from pipeline.deploy.stream import VIEW, Table, check_readers, check_view, read_table, turn_on


@dataclass(frozen=True)
class Request:
    """What is wanted: ``given`` are parameters of the template, ``folder`` is where ``histlib.toml`` is written."""

    table: str
    stack: str
    given: Mapping[str, str] = field(default_factory=dict)
    artifacts_bucket: str | None = None
    folder: Path = Path()
    template: Path = TEMPLATE


@dataclass(frozen=True)
class Plan:
    """What would be done, as far as reading tells."""

    request: Request
    account: str
    table: Table
    readers: str
    notes: tuple[str, ...]
    standing: Standing
    package: Package
    bucket: str
    bucket_is_there: bool
    package_is_there: bool
    parameters: Mapping[str, str | None]
    template: str
    is_same_template: bool

    @property
    def first_steps(self) -> list[str]:
        """What is changed before there can be a change set."""
        steps = {
            f"turn on the stream of table {self.table.name} with {VIEW}": self.table.stream_arn is None,
            f"delete stack {self.standing.name}, which is in {self.standing.status}": self.standing.is_debris,
            f"make bucket {self.bucket} (private, encrypted, TLS only)": not self.bucket_is_there,
            f"upload s3://{self.bucket}/{self.package.key}": not self.package_is_there,
        }
        return [step for step, is_needed in steps.items() if is_needed]


def make_plan(aws: Aws, request: Request) -> Plan:
    """What would be done. Nothing is changed.

    Raises:
        RequestError: parameters are wrong.
        DeploymentError: table, stream, stack or names are in the way; what to do.
        HistlibError: AWS cannot be asked.
    """
    text = read_template(request.template)
    known = parameters_of(text)
    given = check_given(request.given, known)
    _check_region(aws.region or "")
    account, table = aws.account, read_table(aws, request.table)
    check_view(aws, table)
    standing = read_standing(aws, request.stack, request.table)
    if standing.is_moving:
        message = f"stack {standing.name} is in {standing.status}: what would be done is known once it rests"
        raise DeploymentError(f"{message}; wait, then ask again", standing.status)
    readers = check_readers(aws, table, standing.deployment.mapping_id if standing.deployment else None)
    package = make_package()
    bucket = request.artifacts_bucket or default_bucket(account, aws.region or "")
    bucket_is_there = is_there(aws, bucket) if request.artifacts_bucket else is_made(aws, bucket)
    if not bucket_is_there and request.artifacts_bucket:
        raise DeploymentError(f"there is no artifacts bucket {bucket} in account {account}: name one, or none", bucket)
    if standing.before.get("StreamArn") != "":  # else the stack made the table
        given = {"StreamArn": table.stream_arn or NEW_STREAM, **given}
    parameters = settle(aws, request.table, standing, given, known)
    check_location(aws, request.table, parameters, standing)
    ready = with_code(text, f"s3://{bucket}/{package.key}")
    return Plan(
        request,
        account,
        table,
        readers,
        _notes(aws, table, parameters, standing),
        standing,
        package,
        bucket,
        bucket_is_there,
        bucket_is_there and is_there(aws, bucket, package.key),
        parameters,
        ready,
        standing.is_updatable and _deployed_template(aws, standing) == ready.strip(),
    )


def _notes(aws: Aws, table: Table, parameters: Mapping[str, str | None], standing: Standing) -> tuple[str, ...]:
    """What a person should know before agreeing: the table's load, and what may be wrong with a given bucket."""
    is_read = standing.deployment is not None and standing.deployment.stream_arn == table.stream_arn
    about_bucket = check_buckets(aws, parameters, standing)
    return (*load_lines(aws, table, is_read=is_read), *(f"bucket   {note}" for note in about_bucket))


def _check_region(region: str) -> None:
    if partition(region) == "aws-cn":
        raise DeploymentError(
            f"{region}: Regions of China are not supported. There the services that KMS sees have other names "
            "(…amazonaws.com.cn), which the template's roles do not know, and nothing of it was ever tried there",
            region,
        )


def _deployed_template(aws: Aws, standing: Standing) -> str:
    body = aws.call("cloudformation", "get_template", StackName=standing.arn, TemplateStage="Original")["TemplateBody"]
    return body.strip() if isinstance(body, str) else ""


def plan_lines(aws: Aws, plan: Plan) -> list[str]:
    """The plan for people."""
    table, standing = plan.table, plan.standing
    stream = f"on with {VIEW}: {table.stream_arn}" if table.stream_arn else "off"
    what = "update" if standing.is_updatable else "make"
    code = "as deployed" if plan.is_same_template else "differ from what is deployed"
    return [
        f"table    {table.name} in {aws.region} of account {plan.account}",
        f"stream   {stream}",
        *([f"readers  {plan.readers}"] if plan.readers else []),
        *plan.notes,
        f"package  functions, {len(plan.package.files)} files, sha256 {plan.package.sha256}",
        f"stack    {standing.name}: {what} it" + (f"; template and functions {code}" if standing.is_updatable else ""),
        *parameter_lines(plan.parameters, standing),
        *(f"step     {step}" for step in plan.first_steps),
        f"step     make a change set for stack {standing.name}, show it, and ask before it is executed",
        f"step     write [history.{table.name}] into histlib.toml",
    ]


def deploy(aws: Aws, request: Request, person: Person) -> Deployment:
    """Deploy the pipeline of a table, or bring it up to date; safe to run again at any point.

    Raises:
        NotAgreedError: the person did not agree; what was done before is said, and is taken up by the next run.
        RequestError, DeploymentError, HistlibError: as :func:`make_plan`, and where AWS fails or refuses.
    """
    wait_for_rest(aws, read_standing(aws, request.stack, request.table), person)
    plan = make_plan(aws, request)
    for line in plan_lines(aws, plan):
        person.say(line)
    if plan.first_steps:
        person.agree(f"Do this ({'; '.join(plan.first_steps)})?")
    standing, stream_arn = _first_steps(aws, plan, person)
    _change_stack(aws, plan, standing, stream_arn, person)
    deployment = read_deployment(aws, request.table, request.stack)
    _check_mapping(aws, deployment, person)
    _connect(aws, request, deployment, person)
    return deployment


def _first_steps(aws: Aws, plan: Plan, person: Person) -> tuple[Standing, str]:
    """Do what comes before the change set; returns the stack and the stream's ARN as they then are."""
    table, standing = plan.table, plan.standing
    if table.stream_arn is None:
        table = turn_on(aws, table, person)
        person.say(f"the stream is on: {table.stream_arn}")
    if standing.is_debris:
        delete_stack(aws, standing.name, str(standing.arn), person)
        standing = Standing(standing.name)
    if not plan.bucket_is_there:
        make_bucket(aws, plan.bucket)
    if not plan.package_is_there:
        upload(aws, plan.bucket, plan.package.key, plan.package.data)
        person.say(f"uploaded s3://{plan.bucket}/{plan.package.key}")
    return standing, str(table.stream_arn)


def _change_stack(aws: Aws, plan: Plan, standing: Standing, stream_arn: str, person: Person) -> None:
    template = Template(plan.template, _upload_template(aws, plan))
    tags = {**standing.tags, TABLE_TAG: plan.table.name}
    is_new = plan.parameters["StreamArn"] == NEW_STREAM
    parameters = {**plan.parameters, "StreamArn": stream_arn} if is_new else plan.parameters
    change_set = make_change_set(aws, standing, Wanted(template, parameters, tags), person)
    if change_set is None:
        person.say(f"stack {standing.name} is as it should be: nothing to change")
        return
    person.say(f"change set for stack {standing.name}:")
    for line in table_of(change_set.changes):
        person.say(line)
    for change in change_set.changes:
        if change.warning:
            person.warn(change.warning)
    try:
        person.agree("Execute this change set?")
    except (NotAgreedError, KeyboardInterrupt):
        discard(aws, change_set, standing)
        raise
    execute(aws, change_set, standing, person)


def _upload_template(aws: Aws, plan: Plan) -> str:
    """Where the template lies when it is too long for a call; empty when it is not."""
    data = plan.template.encode()
    if len(data) <= BODY_BYTES:
        return ""
    key = f"templates/{plan.package.sha256}.yaml"
    upload(aws, plan.bucket, key, data)
    return f"https://{plan.bucket}.s3.{aws.region}.amazonaws.com/{key}"


def _check_mapping(aws: Aws, deployment: Deployment, person: Person) -> None:
    """A mapping that was disabled beside the template, as an interrupted destroy does it, is no change to a stack."""
    mapping = deployment.mapping_id
    if aws.call("lambda", "get_event_source_mapping", UUID=mapping)["State"] in ("Disabled", "Disabling"):
        on = f"aws lambda update-event-source-mapping --uuid {mapping} --enabled --region {aws.region}"
        person.warn(f"mapping {mapping} is disabled: NOTHING IS CAPTURED; turn it on within 24 hours: {on}")


def _connect(aws: Aws, request: Request, deployment: Deployment, person: Person) -> None:
    entry = {"source": deployment.source, "region": str(aws.region)}
    if aws.profile:
        entry["profile"] = aws.profile
    if write_connection(request.folder, request.table, entry):
        person.say(f"wrote [history.{request.table}] into {request.folder / 'histlib.toml'}")
    if holds_account(entry) and (note := keep_from_git(request.folder)):
        person.say(note)
    person.say(f"the history lies in {deployment.location}; read it by histlib.connect({request.table!r})")
