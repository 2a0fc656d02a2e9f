"""A run of the attester against moto: what it writes, and what histlib then says."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import histlib
from pipeline.functions.attester import app
from pipeline.functions.attester.app import NotAttestedError, attest
from pipeline.functions.attester.writing import DamagedError, append, read_day
from tests.support.pipeline.attester.attesting import BUCKET, REGION, Deployed, deployed

#: Two days ago, at two.
NOW = time.time() // 86_400 * 86_400 - 2 * 86_400 + 7_200.0


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    with deployed() as made:
        made.working(NOW)
        yield made


def runs(made: Deployed, *moments: float) -> list[dict[str, Any]]:
    """A run at each of these times, of a pipeline that works until then."""
    for moment in moments:
        made.working(moment)
        attest(made.clients, made.settings, moment)
    return made.attested()


def test_a_run_adds_a_line_and_tells_the_metrics_of_alarms(pipeline, capsys):
    """One object a day, a line a run, in order; metrics for alarms and dashboard; a log line of counts."""
    said = runs(pipeline, NOW, NOW + 900, NOW + 86_400)
    assert [one["attested_at"] for one in said] == [int(at * 1e6) for at in (NOW, NOW + 900, NOW + 86_400)]
    assert all(one["healthy"] for one in said)
    keys = [one["Key"] for one in pipeline.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    days = [time.strftime("%Y/%m/%d", time.gmtime(at)) for at in (NOW, NOW + 86_400)]
    assert keys == [f"coverage/{day}/attestations.json" for day in days]
    metrics = pipeline.clients.cloudwatch.list_metrics(Namespace="histlib")["Metrics"]
    assert {(one["MetricName"], one["Dimensions"][0]["Value"]) for one in metrics} == {
        ("Healthy", "things-stack"),
        ("Undelivered", "things-stack"),
        ("AttestedAge", "things-stack"),
    }
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["healthy"] is True


def test_how_far_back_all_is_captured_is_told_only_while_it_is_whole(pipeline, monkeypatch):
    """AttestedAge: seconds between captured_through and the attestation; none while anything waits."""
    told: list[dict[str, float]] = []

    def keep(*, MetricData: list[dict[str, Any]], **_: Any) -> None:
        told.append({one["MetricName"]: one["Value"] for one in MetricData})

    monkeypatch.setattr(pipeline.clients.cloudwatch, "put_metric_data", keep)
    said = attest(pipeline.clients, pipeline.settings, NOW)
    pipeline.put("failed/records/1")
    attest(pipeline.clients, pipeline.settings, NOW + 60)
    assert told[0]["AttestedAge"] == said["iterator_age_ms"] / 1_000 + said["firehose_freshness_s"] > 0
    assert "AttestedAge" not in told[1]


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData"])
def test_a_metric_that_cloudwatch_does_not_tell_in_full_is_not_taken_for_nothing(pipeline, monkeypatch, status):
    """GetMetricData succeeds and says by StatusCode that a metric's values are missing: not healthy, not observed."""
    cloudwatch = pipeline.clients.cloudwatch
    paginator = cloudwatch.get_paginator("get_metric_data")
    paginate = paginator.paginate

    def without_dropped(**asked: Any) -> Any:
        for page in paginate(**asked):
            for one in page["MetricDataResults"]:
                one.update({"StatusCode": status, "Timestamps": [], "Values": []} if one["Id"] == "dropped" else {})
            yield page

    monkeypatch.setattr(paginator, "paginate", without_dropped)
    monkeypatch.setattr(cloudwatch, "get_paginator", lambda name: paginator)
    with pytest.raises(NotAttestedError, match="CloudWatch cannot be asked"):
        attest(pipeline.clients, pipeline.settings, NOW)
    assert [(one["healthy"], one["observed"]) for one in pipeline.attested()] == [(False, False)]


def test_what_is_undelivered_is_counted_until_it_is_done_or_a_known_hole(pipeline):
    """Below failed/ and Lambda's own prefixes; not what was redriven or set aside, nor what another table's mapping
    gave up. That of a mapping which was replaced is this table's, and so is what does not say whose it is."""
    mapping = pipeline.settings.mapping
    for key in ("failed/records/1", "failed/firehose/x", f"aws/lambda/{mapping}/s/2026/01/01/x", "aws/lambda/what/x"):
        pipeline.put(key)
    table = pipeline.settings.table_arn
    for mapping, of in (("replaced", table), ("another", f"{table}-2")):
        told = {"requestContext": {}, "DDBStreamBatchInfo": {"streamArn": f"{of}/stream/2025-01-01T00:00:00.000"}}
        for name in ("a", "b"):
            pipeline.put(f"aws/lambda/{mapping}/s/{name}", json.dumps(told | {"payload": "x" * 10_000}).encode())
    for key in (
        "failed/done/a",
        "failed/unreadable/changes/2026/01/01/x.gz",
        "aws/lambda/async/x",
        "changes/a",
        "failed/",
    ):
        pipeline.put(key)
    (said,) = runs(pipeline, NOW)
    assert (said["undelivered"], said["healthy"]) == (6, True)


def test_losses_stay_counted_over_days_and_damage_stops_the_run(pipeline):
    """A loss is seen once, kept by all later attestations; where it cannot be read what was, nothing is attested."""
    runs(pipeline, NOW)
    pipeline.metric("dropped", NOW + 300, 2)
    said = runs(pipeline, NOW + 900, NOW + 1_800, NOW + 3_600, NOW + 100_000)
    assert [one["losses"] for one in said] == [0, 1, 1, 1, 1]
    assert [one["healthy"] for one in said] == [True, False, True, True, True]
    assert said[1]["problems"] == ["Lambda dropped 2 changes"]
    newest = max(one["Key"] for one in pipeline.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"])
    pipeline.put(newest, b'{"attested_at": 1')
    with pytest.raises(DamagedError, match="coverage/"):
        attest(pipeline.clients, pipeline.settings, NOW + 101_000)


def test_a_loss_while_nothing_could_be_asked_is_found_later(pipeline, monkeypatch):
    """A run that was not answered writes that it is not healthy, fails, and leaves its time to the next one."""
    runs(pipeline, NOW)
    pipeline.metric("dropped", NOW + 600, 1)

    def denied(*_: object, **__: object) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetMetricData")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.clients.cloudwatch, "get_paginator", denied)
        with pytest.raises(NotAttestedError, match="CloudWatch cannot be asked: AccessDenied"):
            attest(pipeline.clients, pipeline.settings, NOW + 2_700)
    said = runs(pipeline, NOW + 7_200)
    assert [(one["healthy"], one["losses"]) for one in said] == [(True, 0), (False, 0), (False, 1)]


def test_two_runs_at_once_lose_no_line(pipeline):
    """The second to write finds that the object is another one than it read; its run then writes after the first."""

    def line(number: int) -> dict[str, Any]:
        return {"attested_at": number, "observed": True, "losses": 0, "stream": "s", "mapping": "m"}

    day = read_day(pipeline.clients.s3, pipeline.settings, NOW)
    assert append(pipeline.clients.s3, pipeline.settings, day, line(1))
    assert not append(pipeline.clients.s3, pipeline.settings, day, line(2))
    again = read_day(pipeline.clients.s3, pipeline.settings, NOW)
    assert append(pipeline.clients.s3, pipeline.settings, again, line(3))
    assert not append(pipeline.clients.s3, pipeline.settings, again, line(4))
    assert [one["attested_at"] for one in pipeline.attested()] == [1, 3]
    runs(pipeline, NOW)
    assert len(pipeline.attested()) == 3


def test_a_table_that_is_gone_is_not_healthy(pipeline):
    """Deleted, or made anew under its name: the attestation says so, and histlib covers nothing from then on."""
    runs(pipeline, NOW)
    pipeline.clients.dynamodb.delete_table(TableName="things")
    assert runs(pipeline, NOW + 900)[-1]["problems"] == ["the table things is not there"]


def test_the_handler_takes_its_settings_from_lambdas_environment(pipeline, monkeypatch):
    """As the template sets them; a prefix comes before all that it writes."""
    given = pipeline.settings
    environment = {
        "TABLE_NAME": given.table, "STREAM_ARN": given.stream_arn, "MAPPING_ID": given.mapping,
        "RECORDER_FUNCTION": given.function, "DELIVERY_STREAM_NAME": given.delivery_stream, "BUCKET": BUCKET,
        "STACK_NAME": "s", "PREFIX": "shop/", "REDACT": "", "RETENTION_DAYS": "30",
        "BUFFER_SECONDS": "60", "BATCHING_WINDOW_SECONDS": "5",
        "METRICS_NAMESPACE": "mine", "AWS_DEFAULT_REGION": REGION, "BUCKET_OWNER": "123456789012",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app.time, "time", lambda: NOW)
    said = app.lambda_handler({}, None)
    assert (said["retention_days"], said["firehose_freshness_s"]) == (30, 200 + 120)
    listed = pipeline.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [one["Key"].split("/")[:2] for one in listed] == [["shop", "coverage"]]
    assert pipeline.clients.cloudwatch.list_metrics(Namespace="mine")["Metrics"]


def test_histlib_reads_what_it_wrote(pipeline, tmp_path: Path):
    """Between two runs of a working pipeline silence is proven: completeness is attested."""
    from tests.support.history.landings import put, record

    settings = pipeline.settings
    seconds = int(NOW) + 3_600
    put(tmp_path, [record(1, seconds=seconds, table=settings.table_arn, stream=settings.stream_arn)])
    runs(pipeline, *(NOW + 900 * run for run in range(3, 12)))
    for one in pipeline.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        path = tmp_path / one["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pipeline.clients.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read())
    history = histlib.connect(tmp_path)
    state = history.state_at({"id": "a"}, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds + 600)))
    assert (state.status, state.completeness, state.caveats) == ("present", "attested", ())
