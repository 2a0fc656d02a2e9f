"""From the first dry run to the end: the commands as a person types them, and answers equal to what was seen."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import boto3
import pytest

from tests.aws.app import Key
from tests.aws.rig import Aws, Pipeline

ANNA, BOB, EVE = Key("anna", Decimal(1)), Key("bob", Decimal("2.5")), Key("eve", Decimal(-3))
DIGITS = Decimal("1234567890123456789.0123456789012345678")


@pytest.fixture(scope="module")
def orders(aws: Aws) -> Iterator[Pipeline]:
    """A table with items from before."""
    orders = Pipeline.make(aws, "orders")
    orders.app.put(Key("old", Decimal(7)), total=7)
    orders.given_up += orders.app.changes()
    yield orders


def stacks() -> list[str]:
    return [one["StackName"] for one in boto3.client("cloudformation").describe_stacks()["Stacks"]]


def test_a_dry_run_changes_nothing(orders):
    """It shows the plan, and that is all."""
    said = orders.command("deploy", "--dry-run")
    assert "turn on the stream of table orders" in said.out
    assert stacks() == []
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert "LatestStreamArn" not in orders.app.dynamodb.describe_table(TableName="orders")["Table"]


def test_deploy_makes_a_pipeline_that_captures(orders):
    """The mapping calls the recorder with what the application writes, and it lands compressed below its day."""
    orders.deploy()
    assert stacks() == ["histlib-orders"]
    assert "[history.orders]" in (orders.aws.folder / "histlib.toml").read_text()
    orders.app.put(Key("first", Decimal(0)), total=1)
    day = time.strftime("changes/%Y/%m/%d/", time.gmtime())
    orders.until(lambda: orders.lines() == 1)
    assert orders.objects("changes/")[0].startswith(day)
    orders.go_on(3)


def test_answers_are_what_was_seen(orders):
    """Values of all kinds, an update that makes its item, writes that change nothing, transactions, deletes, writes of
    one second: at each moment the history answers what was read then, attested."""
    since, app = time.time(), orders.app
    app.put(ANNA, total=DIGITS, tags={"a", "b"}, numbers={Decimal(1), DIGITS}, blob=b"\x00\xff", blobs={b"a", b"b"})
    app.update(BOB, total=Decimal("-1E+30"), nested={"list": [1, "ü", None, {"deep": True}], "empty": {}})
    app.update(ANNA, total=DIGITS)
    app.transact({EVE: {"total": 1}, ANNA: {"total": 2}}, [BOB])
    orders.aws.clock.sleep(3)
    app.update(ANNA, total=3)
    app.update(ANNA, total=4)
    app.delete(EVE)
    app.delete(EVE)
    app.put(EVE, text="again", long="\x01" * 90_000)
    app.put(EVE, text="again", long="\x02" * 90_000)
    orders.finish()
    assert len(app.changes(since)) < sum(one.second >= int(since) for one in app.seen)
    assert [key for key in orders.objects("changes/") if "oversize" in key]
    orders.prove_whole(since)


def test_a_baseline_makes_known_what_never_changed(orders):
    """Before it, what was in the table from before is not known; after it, status finds all whole."""
    old = ["old", 7]
    assert orders.history().state_at(old, "now").status == "unknown"
    orders.command("baseline", "--yes")
    orders.go_on(2)
    state = orders.history().state_at(old, "-10m")
    assert (state.status, state.item) == ("present", {"customer": "old", "number": 7, "total": 7})
    said = json.loads(orders.command("status", "--json").out)
    assert said["whole"] is True


def test_histlib_answers_from_the_command_line(orders):
    """By the bucket that deploy named."""
    location = orders.deployment.location
    said = orders.aws.run("histlib", "state-at", '{"customer": "anna", "number": 1}', "-20m", "--source", location)
    assert "total" in said.out and "attested" in said.out


def test_deploying_again_changes_nothing(orders):
    """Nor does it ask for anything to be done."""
    assert "nothing to change" in orders.deploy().out


def test_a_stream_turned_off_and_on(orders):
    """Status says so; deploy moves to the new stream; what was written meanwhile is unknown until the item changes or a
    baseline shows it, and then all is attested again."""
    app, since = orders.app, time.time()
    mapping = orders.deployment.mapping_id
    specification = {"TableName": "orders", "StreamSpecification": {"StreamEnabled": False}}
    app.dynamodb.update_table(**specification)
    app.put(ANNA, total=5)
    assert "stream" in orders.command("status", code=1).out
    orders.aws.clock.sleep(5)
    app.dynamodb.update_table(
        TableName="orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    )
    orders.go_on()
    orders.deploy()
    assert orders.deployment.mapping_id != mapping
    app.put(BOB, total=6)
    orders.given_up += [one for one in app.changes(since) if one.key == ANNA]
    orders.finish()
    orders.prove_not_wrong(since)
    orders.command("baseline", "--yes")
    shown = datetime.fromtimestamp(time.time() + 60, UTC).isoformat()
    orders.go_on(2)
    state = orders.history().state_at(list(ANNA), shown)
    assert (state.item, state.completeness, list(state.caveats)) == (app.read(ANNA), "attested", [])


def test_a_poisoned_change_is_set_aside_and_given_up(orders):
    """It lies under failed/records and holds up attestations; redrive says why it stays, quarantine makes a hole of it,
    and later times are attested again."""
    app, since = orders.app, time.time()
    app.put(ANNA, total=8, poison=1)
    app.put(BOB, total=8)
    orders.until(lambda: bool(orders.undelivered()))
    orders.go_on()
    (key,) = orders.undelivered()
    assert key.startswith("failed/records/")
    assert orders.history().captured_through.timestamp() < since
    said = orders.command("redrive", "--yes", code=1)
    assert "not converted" in said.out
    orders.command("quarantine", "--yes", key)
    assert orders.undelivered() == []
    orders.given_up += [one for one in app.changes(since) if one.key == ANNA]
    orders.aws.clock.sleep(60)
    app.put(ANNA, total=9)
    later = time.time()
    app.put(EVE, total=9)
    orders.finish()
    orders.prove_not_wrong(since)
    orders.prove_whole(later)


def test_permissions_are_held_to(orders):
    """Each command above ran with those that docs/permissions.md names for it; with another one's, it is denied and
    says what."""
    said = orders.aws.run("pipeline", "status", "--table", "orders", code=3, key=orders.aws.key_of("elsewhere"))
    assert "cloudformation:DescribeStacks" in said.err and "denied" in said.err


def test_destroy_lets_what_is_on_the_way_land_and_keeps_the_history(orders):
    """The stack goes, the bucket stays, and answers from it as before."""
    location = orders.deployment.location
    orders.app.put(ANNA, total=10)
    assert "delete stack histlib-orders" in orders.command("destroy", "--dry-run").out
    assert stacks() == ["histlib-orders"]
    said = orders.command("destroy", "--yes")
    assert stacks() == []
    assert location in said.out
    answer = orders.aws.run("histlib", "timeline", '{"customer": "anna", "number": 1}', "--source", location)
    assert re.search(r"MODIFY +total +9 +10 ", answer.out)
