"""``status`` on moto's AWS: each fault shows in its own check and nowhere else, and the rest is shown all the same."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from moto import mock_aws

from histlib.values.times import now_micros, to_micros
from pipeline.cli import main
from pipeline.common.aws import Aws
from pipeline.status.checks import Commands
from pipeline.status.report import Report, as_json, look
from tests.support.pipeline.status_world import (
    ATTESTER,
    BUCKET,
    LOGS,
    PREFIX,
    RECORDER,
    REGION,
    STACK,
    STREAM,
    TABLE,
    World,
    before,
    denied,
)

COMMANDS = Commands(f"--table {TABLE}")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield World()


def look_at(world: World, aws: Aws | None = None) -> Report:
    return look(aws or world.aws, world.deployment, COMMANDS, now_micros())


def verdicts(report: Report) -> dict[str, str]:
    return {one.name: str(one.verdict) for one in report.checks}


def seen(world: World, name: str) -> dict[str, Any]:
    """One check, as JSON has it."""
    return next(one for one in as_json(look_at(world))["checks"] if one["name"] == name)


def delete_below(world: World, prefix: str) -> None:
    s3 = world.client("s3")
    for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + prefix).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=one["Key"])


def stack_is(status: str) -> Callable[[World], None]:
    def change(_: World) -> None:
        from moto.cloudformation.models import cloudformation_backends

        (stack,) = cloudformation_backends["123456789012"][REGION].stacks.values()
        stack.status = status

    return change


def make_anew(world: World) -> None:
    world.client("dynamodb").delete_table(TableName=TABLE)
    world.make_table()


def turn_stream_off(world: World) -> None:
    world.client("dynamodb").update_table(TableName=TABLE, StreamSpecification={"StreamEnabled": False})


def change_mapping(**settings: Any) -> Callable[[World], None]:
    return lambda world: world.client("lambda").update_event_source_mapping(UUID=world.mapping_id, **settings)


def metric(namespace: str, resource: str, name: str, value: float, **ago: float) -> Callable[[World], None]:
    return lambda world: world.put_metric(namespace, resource, name, value, **ago)


def write_into_nothing(world: World) -> None:
    delete_below(world, "changes/")
    world.put_metric("DynamoDB", TABLE, "ConsumedWriteCapacityUnits", 3, hours=2)


def leave(key: str) -> Callable[[World], None]:
    return lambda world: world.put_object(key.format(prefix=PREFIX, mapping=world.mapping_id))


def attest(**other: Any) -> Callable[[World], None]:
    return lambda world: world.put_attestation(**other)


def attested_before(**ago: float) -> Callable[[World], None]:
    return lambda world: world.put_attestation(attested_at=to_micros(before(**ago)))


FAULTS = [
    ("stack changing", stack_is("UPDATE_IN_PROGRESS"), {"stack": "warn"}),
    ("stack rolled back", stack_is("UPDATE_ROLLBACK_COMPLETE"), {"stack": "warn"}),
    ("stack broken", stack_is("UPDATE_ROLLBACK_FAILED"), {"stack": "bad"}),
    ("table gone", lambda w: w.client("dynamodb").delete_table(TableName=TABLE), {"table": "bad", "stream": "bad"}),
    ("stream off", turn_stream_off, {"stream": "bad"}),
    ("table made anew", make_anew, {"stream": "bad"}),
    (
        "mapping gone",
        lambda w: w.client("lambda").delete_event_source_mapping(UUID=w.mapping_id),
        {"mapping": "bad", "mapping_settings": "bad"},
    ),
    ("mapping off", change_mapping(Enabled=False), {"mapping": "bad"}),
    ("mapping to another function", change_mapping(FunctionName=ATTESTER), {"mapping_settings": "bad"}),
    ("behind", metric("Lambda", RECORDER, "IteratorAge", 1_801_000), {"iterator_age": "warn"}),
    ("far behind", metric("Lambda", RECORDER, "IteratorAge", 43_201_000), {"iterator_age": "bad"}),
    ("recorder failed always", metric("Lambda", RECORDER, "Errors", 5), {"recorder": "bad"}),
    ("recorder throttled", metric("Lambda", RECORDER, "Throttles", 1), {"recorder": "warn"}),
    ("attester failed always", metric("Lambda", ATTESTER, "Errors", 5), {"attester": "bad"}),
    (
        "delivery stream gone",
        lambda w: w.client("firehose").delete_delivery_stream(DeliveryStreamName=STREAM),
        {"delivery_stream": "bad"},
    ),
    ("waiting", metric("Firehose", STREAM, "DeliveryToS3.DataFreshness", 3_601), {"firehose_freshness": "warn"}),
    ("waiting long", metric("Firehose", STREAM, "DeliveryToS3.DataFreshness", 43_201), {"firehose_freshness": "bad"}),
    ("firehose full", metric("Firehose", STREAM, "ThrottledRecords", 1), {"firehose_throttled": "warn"}),
    ("nothing lands", write_into_nothing, {"landing": "warn"}),
    ("unconverted", leave("{prefix}failed/records/0001"), {"undelivered": "bad"}),
    ("undelivered", leave("{prefix}failed/firehose/processing-failed/2026/11/26/x"), {"undelivered": "bad"}),
    ("right below failed", leave("{prefix}failed/x"), {"undelivered": "bad"}),
    ("Lambda's own", leave("aws/lambda/{mapping}/shard/2026/11/26/x"), {"undelivered": "bad"}),
    ("not healthy", attest(healthy=False, problems=["no room"]), {"attestation": "bad"}),
    ("no attestation", lambda w: delete_below(w, "coverage/"), {"attestation": "bad", "losses": "unknown"}),
    ("attestation late", attested_before(minutes=31), {"attestation": "warn"}),
    ("attestation old", attested_before(hours=25), {"attestation": "bad"}),
    ("attested of another mapping", attest(mapping="other"), {"attestation": "bad"}),
    ("losses", attest(losses=1), {"losses": "warn"}),
    ("no baseline", lambda w: delete_below(w, "baseline/"), {"baseline": "warn"}),
    ("damaged manifest", leave("{prefix}baseline/b2.json"), {"baseline": "warn"}),
    ("alarm", lambda w: w.put_alarm("dropped", "ALARM"), {"alarms": "bad"}),
    (
        "alarm deleted",
        lambda w: w.client("cloudwatch").delete_alarms(AlarmNames=[f"{STACK}-dropped"]),
        {"alarms": "warn"},
    ),
]  # fmt: skip


def test_what_is_whole_is_ok(world: World) -> None:
    """A healthy deployment has nothing but ok, and says through when all is captured."""
    world.deploy()
    attested_at = to_micros(before(minutes=5))
    world.put_attestation(attested_at=attested_at)
    report = look_at(world)
    assert set(verdicts(report).values()) == {"ok"}
    assert report.whole
    assert report.captured_through == attested_at - 62_000_000
    assert report.headline.startswith("whole: captured through ")


@pytest.mark.parametrize(("fault", "changed"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_changes_its_own_check_only(
    world: World, fault: Callable[[World], None], changed: dict[str, str]
) -> None:
    """Each fault shows where it belongs, with what it means; bad and unknown make it not whole, a warning does not."""
    world.deploy()
    fault(world)
    report = look_at(world)
    assert {name: verdict for name, verdict in verdicts(report).items() if verdict != "ok"} == changed
    assert report.whole == (set(changed.values()) == {"warn"})
    assert all(one.meaning.endswith(".") for one in report.checks if one.verdict != "ok")


def test_what_was_delivered_again_or_given_up_does_not_wait(world: World) -> None:
    """failed/done/ counts nowhere, failed/unreadable/ is told as quarantined, and neither is a fault."""
    world.deploy()
    for key in ("done/failed/records/1", "unreadable/changes/2026/11/26/x.gz", "unreadable/failed/records/2"):
        world.put_object(f"{PREFIX}failed/{key}")
    assert look_at(world).whole
    assert seen(world, "undelivered")["value"] == 0
    assert seen(world, "quarantined")["value"] == 2


def test_undelivered_objects_are_counted_wherever_they_lie(world: World) -> None:
    """Ours and Lambda's own are one number, with those of a mapping that was replaced, and those that do not say whose
    they are; those of another table's mapping or another prefix are not among them."""
    world.deploy()
    ours = (f"{PREFIX}failed/records/1", f"{PREFIX}failed/x", f"aws/lambda/{world.mapping_id}/s/1")
    for key in (*ours, "aws/lambda/unknown/s/1", "failed/records/1", "aws/lambda/async/f/1"):
        world.put_object(key)
    table = world.table["TableArn"]
    for mapping, of in (("replaced", table), ("other", f"{table}-other")):
        told = {"DDBStreamBatchInfo": {"streamArn": f"{of}/stream/2025-01-01T00:00:00.000"}, "payload": "x" * 9_000}
        world.put_object(f"aws/lambda/{mapping}/s/1", json.dumps(told).encode())
    assert seen(world, "undelivered")["value"] == 5


def test_logs_are_where_the_functions_write_them(world: World) -> None:
    """CloudFormation gives functions names with a suffix, the template gives log groups names of their own: Lambda is
    asked for these, and where it does not say, no command is recommended that could not work."""
    world.deploy()
    world.put_metric("Lambda", RECORDER, "Errors", 5)
    assert f"logs tail {LOGS[RECORDER]} " in seen(world, "recorder")["command"]
    world.client("lambda").delete_function(FunctionName=RECORDER)
    assert seen(world, "recorder")["command"] is None


def test_errors_beside_calls_that_went_well_are_a_warning(world: World) -> None:
    """Only where every call failed nothing is recorded at all."""
    world.deploy()
    world.put_metric("Lambda", RECORDER, "Errors", 4)
    assert verdicts(look_at(world))["recorder"] == "warn"


def test_errors_of_hours_ago_are_told_and_are_no_warning(world: World) -> None:
    """What failed two hours ago was repeated since."""
    world.deploy()
    world.put_metric("Lambda", RECORDER, "Errors", 4, hours=2)
    check = seen(world, "recorder")
    assert (check["verdict"], check["value"], check["facts"]["errors_last_day"]) == ("ok", 0, 4)


def test_a_quiet_table_is_quiet(world: World) -> None:
    """Nothing landed for two days is no fault where nothing was written."""
    world.deploy()
    delete_below(world, "changes/")
    assert look_at(world).whole


def test_baselines_and_redriven_objects_tell_nothing_of_the_capture(world: World) -> None:
    """The newest object is the newest that the recorder's way brought."""
    world.deploy()
    delete_below(world, "changes/")
    world.put_landing("baseline-b1-0001.gz")
    assert seen(world, "landing")["facts"]["newest_key"] is None
    world.put_landing("oversize-0001.gz", days=1)
    assert seen(world, "landing")["facts"]["newest_key"].endswith("/oversize-0001.gz")


def test_captured_through_is_of_the_last_whole_attestation(world: World) -> None:
    """While it is not healthy, what was captured before stays known, from an earlier line or an earlier day."""
    world.deploy()
    whole = world.attestation(attested_at=to_micros(before(hours=30)))
    world.put_object(f"{PREFIX}coverage/2020/01/01/attestations.json", json.dumps(whole).encode())
    world.put_attestation(healthy=False)
    report = look_at(world)
    assert report.captured_through == whole["attested_at"] - 62_000_000
    assert report.headline.startswith("not whole: 1 problem; captured through ")


def test_alarms_of_a_stack_whose_name_begins_alike_are_not_ours(world: World) -> None:
    """histlib-todo-sample-table-archive is another stack, though its alarms have our prefix."""
    world.deploy()
    world.put_alarm("archive-dropped", "ALARM")
    assert verdicts(look_at(world))["alarms"] == "ok"


def test_objects_that_expire_want_a_baseline_in_time(world: World) -> None:
    """With five days of retention, a baseline of three days ago is to be renewed."""
    world.retention_days = "5"
    world.deploy()
    assert verdicts(look_at(world))["baseline"] == "warn"


def test_the_progress_of_a_baseline_under_way_is_no_manifest(world: World) -> None:
    """What ``baseline`` keeps of one under way, beside the manifests, is not taken for one that cannot be read."""
    world.deploy()
    told = verdicts(look_at(world))["baseline"]
    world.put_object(f"{PREFIX}baseline/_progress.json", b'{"format":1,"state":"running"}')
    assert verdicts(look_at(world))["baseline"] == told == "ok"


def test_the_window_of_an_export_is_no_baseline(world: World) -> None:
    """An incremental export's manifest does not make the table's items known."""
    world.deploy()
    delete_below(world, "baseline/")
    world.put_manifest("backfill-1")
    world.put_manifest("b3", kind="incremental")
    assert seen(world, "baseline")["value"] is None


DENIED = {
    "cloudformation:DescribeStacks": ["stack"],
    "dynamodb:DescribeTable": ["table", "stream"],
    "lambda:GetEventSourceMapping": ["mapping", "mapping_settings"],
    "firehose:DescribeDeliveryStream": ["delivery_stream"],
    "s3:ListObjectsV2": ["landing", "undelivered", "quarantined", "attestation", "losses", "baseline"],
    "s3:GetObject": ["attestation", "losses", "baseline"],
    "cloudwatch:GetMetricData": ["iterator_age", "recorder", "firehose_freshness", "firehose_throttled", "attester"],
    "cloudwatch:DescribeAlarms": ["alarms"],
}


@pytest.mark.parametrize("action", DENIED)
def test_what_is_denied_is_unknown_and_the_rest_is_shown(world: World, action: str) -> None:
    """A missing permission is named, and takes away only what it tells of."""
    world.deploy()
    report = look_at(world, denied(*action.split(":")))
    unknown = [one for one in report.checks if one.verdict == "unknown"]
    assert [one.name for one in unknown] == DENIED[action]
    assert {one.verdict for one in report.checks} == {"ok", "unknown"}
    permission = action.replace("ListObjectsV2", "ListBucket")
    assert all(f"{permission} (" in one.meaning or f"{permission} is denied" in one.meaning for one in unknown)
    assert all("is denied" in one.meaning for one in unknown)
    assert not report.whole
    assert report.headline.startswith("not known: ")


def test_the_command_tells_it_and_exits_0(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole, warnings included, is exit code 0, and what is piped has no colours."""
    world.deploy()
    world.put_attestation(losses=1)
    assert main(["status", "--table", TABLE]) == 0
    out = capsys.readouterr().out
    assert out.startswith("whole: 1 warning; captured through ")
    assert f"table {TABLE}, stack {STACK}, {REGION}" in out
    assert "\033" not in out


def test_the_command_exits_1_and_names_the_next_command_with_its_options(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Something bad is exit code 1; what to run is there to be copied, with the Region that was given."""
    world.deploy()
    world.put_object(f"{PREFIX}failed/records/1")
    assert main(["status", "--table", TABLE, "--region", REGION, "--stack", STACK]) == 1
    out = capsys.readouterr().out
    assert f"\n         $ python -m pipeline redrive --table {TABLE} --stack {STACK} --region {REGION}\n" in out


def test_nothing_deployed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, nothing on stdout, and what to do."""
    assert main(["status", "--table", TABLE, "--json"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"pipeline: no stack {STACK} in {REGION}; deploy it (python -m pipeline deploy --table {TABLE}), or name its "
        "stack by --stack and its Region by --region\n"
    )


def test_json_has_stable_names(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The same facts: names are these, times ISO 8601 in UTC, durations seconds."""
    world.deploy()
    world.put_metric("Lambda", RECORDER, "IteratorAge", 2_500)
    world.put_alarm("dropped", "ALARM")
    assert main(["status", "--table", TABLE, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert list(told) == [
        "format", "table", "stack", "region", "history", "dashboard", "checked_at", "whole", "headline",
        "captured_through", "checks",
    ]  # fmt: skip
    assert (told["format"], told["table"], told["stack"], told["region"]) == (1, TABLE, STACK, REGION)
    assert (told["history"], told["whole"]) == ("s3://history-bucket/todo", False)
    checks = {one["name"]: one for one in told["checks"]}
    assert list(checks) == [
        "stack", "table", "stream", "mapping", "mapping_settings", "iterator_age", "recorder", "delivery_stream",
        "firehose_freshness", "firehose_throttled", "landing", "undelivered", "quarantined", "attestation", "losses",
        "attester", "baseline", "alarms",
    ]  # fmt: skip
    assert {tuple(one) for one in checks.values()} == {
        ("name", "verdict", "value", "threshold", "facts", "meaning", "command")
    }
    assert checks["iterator_age"] == {
        "name": "iterator_age", "verdict": "ok", "value": 2.5,
        "threshold": {"warn_above": 1800, "bad_above": 43200, "unit": "seconds"},
        "facts": {}, "meaning": None, "command": None,
    }  # fmt: skip
    assert checks["alarms"]["facts"]["in_alarm"][0]["name"] == f"{STACK}-dropped"
    times = [told["checked_at"], told["captured_through"], *times_in(checks)]
    assert len(times) > 5
    assert all(datetime.fromisoformat(time).utcoffset().total_seconds() == 0 for time in times)


def times_in(checks: dict[str, Any]) -> Iterator[str]:
    for check in checks.values():
        for name, value in check["facts"].items():
            if name.endswith(("_at", "_through")) and value is not None:
                yield value


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("", True), ("1", False)])
def test_colours_are_for_terminals_and_those_who_want_them(
    world: World, monkeypatch: pytest.MonkeyPatch, no_color: str | None, coloured: bool
) -> None:
    """A terminal gets colours, unless NO_COLOR is set to something."""
    world.deploy()
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    assert main(["status", "--table", TABLE]) == 0
    assert ("\033[32mok\033[0m" in terminal.getvalue()) == coloured
