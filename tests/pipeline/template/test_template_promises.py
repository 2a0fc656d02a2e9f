"""What the template promises of each resource, in the translated template: moto keeps little of it."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks.costs import ALARM_METRICS
from pipeline.functions.attester.judging import KEPT
from pipeline.functions.attester.reach import CALL
from tests.support.pipeline.template.sam import NONE, OTHER, decided, references

EVERYTHING = decided(OTHER)["Resources"]
DEFAULTS = decided({})["Resources"]
#: All given but the bucket, which is the stack's then.
OWN_BUCKET = decided({name: value for name, value in OTHER.items() if name != "HistoryBucket"})["Resources"]


def properties(name, resources=EVERYTHING):
    """A resource's properties."""
    return resources[name]["Properties"]


def test_no_change_is_missed_or_blocks_for_ever():
    """The mapping begins at the oldest change, tries for a bounded time, and then keeps the whole payload in S3."""
    mapping = properties("RecorderMapping", DEFAULTS)
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 10_000
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": ["Bucket", "Arn"]}}}
    assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}


def test_by_its_age_a_change_is_set_aside_only_just_before_the_stream_lets_it_go():
    """Lambda sets changes aside by age before it calls, healthy ones too: not before the attester, which looks at the
    iterator's age, counts a loss, and yet while the stream, which keeps a change for 24 h, still has them."""
    limit = properties("RecorderMapping", DEFAULTS)["MaximumRecordAgeInSeconds"]
    assert KEPT < limit <= 24 * 3600 - 600


def test_the_recorder_has_time_for_more_than_one_call():
    """A call may take 15 s; the recorder gives up before Lambda does, so there has to be far more than that."""
    assert properties("RecorderFunction")["Timeout"] >= 60
    assert properties("BaselineFunction")["Timeout"] == 900


@pytest.mark.parametrize("function", ["RecorderFunction", "AttesterFunction", "BaselineFunction"])
def test_functions_run_where_they_are_meant_to(function):
    """On a current runtime and arm64; each logs into a group of its own, which forgets."""
    its = properties(function)
    assert its["Runtime"] in ("python3.13", "python3.14")
    assert its["Architectures"] == ["arm64"]
    name = function.removesuffix("Function")
    assert its["Handler"] == f"functions.{name.lower()}.app.lambda_handler"
    assert its["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
    assert its["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert properties(f"{name}Logs")["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize(("function", "rate"), [("AttesterFunction", None), ("BaselineFunction", "rate(15 minutes)")])
def test_scheduled_functions_run_by_their_rule(function, rate):
    """What is scheduled is called by its own rule only, and a call that found no room is not kept. An execution is
    reserved only where it is asked for: small accounts have none to reserve, and two at once do no harm."""
    assert properties(function)["ReservedConcurrentExecutions"] == 1
    every = decided({"RetentionDays": "90"})["Resources"][function]["Properties"]
    assert "ReservedConcurrentExecutions" not in every
    waiting = properties(f"{function}EventInvokeConfig")
    assert (waiting["MaximumRetryAttempts"], waiting["MaximumEventAgeInSeconds"]) == (0, 60)
    [rule] = [
        one["Properties"] for one in EVERYTHING.values() if function in str(one) and "Events::Rule" in one["Type"]
    ]
    assert rule["ScheduleExpression"] == (rate or {"Fn::Sub": "rate(${AttestMinutes} minutes)"})


def test_baselines_are_taken_only_where_changes_expire():
    """With a retention of 0 there is no baseline function, nor anything of it."""
    assert not [name for name in DEFAULTS if name.startswith("Baseline")]
    assert [name for name in EVERYTHING if name.startswith("Baseline")]


def test_firehose_writes_what_the_landing_is():
    """Gzip objects by day below changes/, what fails below failed/firehose/; encrypted while it waits; logged."""
    for resources, kind in ((DEFAULTS, "AWS_OWNED_CMK"), (EVERYTHING, "CUSTOMER_MANAGED_CMK")):
        its = properties("DeliveryStream", resources)
        assert its["DeliveryStreamType"] == "DirectPut"
        assert its["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] == kind
        to = its["ExtendedS3DestinationConfiguration"]
        assert to["CompressionFormat"] == "GZIP"
        assert to["Prefix"] == {"Fn::Sub": "${HistoryPrefix}changes/!{timestamp:yyyy/MM/dd}/"}
        failed = "${HistoryPrefix}failed/firehose/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
        assert to["ErrorOutputPrefix"] == {"Fn::Sub": failed}
        assert to["BufferingHints"] == {
            "SizeInMBs": {"Ref": "BufferMiB"},
            "IntervalInSeconds": {"Ref": "BufferSeconds"},
        }
        assert to["CloudWatchLoggingOptions"]["Enabled"] is True
    key = EVERYTHING["DeliveryStream"]["Properties"]["ExtendedS3DestinationConfiguration"]["EncryptionConfiguration"]
    assert key == {"KMSEncryptionConfig": {"AWSKMSKeyARN": {"Ref": "KmsKeyArn"}}}


@pytest.mark.parametrize("bucket", ["Bucket", "ResultsBucket"])
@pytest.mark.parametrize(("resources", "algorithm"), [(DEFAULTS, "AES256"), (OWN_BUCKET, "aws:kms")])
def test_buckets_are_closed_and_outlive_the_stack(bucket, resources, algorithm):
    """No public access by any way, TLS only, encrypted, kept when the stack goes."""
    assert set(properties(bucket, resources)["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties(bucket, resources)["PublicAccessBlockConfiguration"]) == 4
    [rule] = properties(bucket, resources)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == algorithm
    [deny] = properties(f"{bucket}Policy", resources)["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}]
    for name in (bucket, f"{bucket}Policy"):
        policies = (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"])
        assert policies == ("RetainExceptOnCreate", "Retain")


def test_the_record_of_an_incident_can_be_made_tamper_evident():
    """Versions, a lock and access logs are there where they are asked for, and only there."""
    given = properties("Bucket", OWN_BUCKET)
    assert given["VersioningConfiguration"] == {"Status": "Enabled"}
    assert given["ObjectLockEnabled"] is True
    retention = {"Mode": {"Ref": "ObjectLockMode"}, "Days": {"Ref": "ObjectLockDays"}}
    assert given["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    logs = {"DestinationBucketName": {"Ref": "AccessLogBucket"}, "LogFilePrefix": {"Fn::Sub": "${AWS::StackName}/"}}
    assert given["LoggingConfiguration"] == logs
    named = {"VersioningConfiguration", "ObjectLockEnabled", "ObjectLockConfiguration", "LoggingConfiguration"}
    assert not named & set(properties("Bucket", DEFAULTS))


def test_a_lock_turns_versions_on():
    """Object Lock needs versions (S3 user guide, "Configuring S3 Object Lock")."""
    bucket = decided({"ObjectLockDays": "1"})["Resources"]["Bucket"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "ObjectLockEnabled" not in decided({"Versioning": "true"})["Resources"]["Bucket"]["Properties"]


def test_old_versions_expire():
    """90 days after they were replaced or deleted, with the marks of deletion that then mark nothing; a lock that lasts
    longer holds them (S3 user guide, "Object Lock considerations")."""
    for resources in (DEFAULTS, OWN_BUCKET):
        rules = properties("Bucket", resources)["LifecycleConfiguration"]["Rules"]
        [rule] = [one for one in rules if "NoncurrentVersionExpiration" in one]
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
        assert rule["ExpiredObjectDeleteMarker"] is True
        assert not {"Prefix", "Filter", "ExpirationInDays"} & set(rule)


def test_nothing_expires_unless_it_was_asked_for():
    """With a retention of 0 only copies of what is in the landing expire, exports, and uploads that never ended."""
    assert expirations(DEFAULTS) == {"${HistoryPrefix}failed/done/": 90, "${HistoryPrefix}exports/": 7}


def test_the_only_copy_of_a_change_outlives_its_place_in_the_landing():
    """With a retention, what is undelivered expires when the landing does, never sooner; attestations never do."""
    days = {"Ref": "RetentionDays"}
    assert expirations(OWN_BUCKET) == {
        "${HistoryPrefix}failed/done/": 90,
        "${HistoryPrefix}exports/": 7,
        "${HistoryPrefix}changes/": days,
        "${HistoryPrefix}failed/": days,
        "aws/lambda/": days,
    }


def test_nothing_of_a_given_bucket_is_touched():
    """Where the bucket is given, no resource is made of it: neither a policy nor a lifecycle."""
    assert not {"Bucket", "BucketPolicy"} & set(EVERYTHING)
    buckets = [name for name, one in EVERYTHING.items() if one["Type"].startswith("AWS::S3::")]
    assert buckets == ["ResultsBucket", "ResultsBucketPolicy"]


def test_queries_are_bounded_and_their_results_expire():
    """The workgroup decides where results lie and how much is scanned; results are encrypted and go after 7 days."""
    for resources, option in ((DEFAULTS, "SSE_S3"), (EVERYTHING, "SSE_KMS")):
        settings = properties("Workgroup", resources)["WorkGroupConfiguration"]
        assert settings["EnforceWorkGroupConfiguration"] is True
        assert settings["BytesScannedCutoffPerQuery"] == {"Ref": "ScanCutoffBytes"}
        results = settings["ResultConfiguration"]
        assert results["OutputLocation"] == {"Fn::Sub": "s3://${ResultsBucket}/results/"}
        assert results["EncryptionConfiguration"]["EncryptionOption"] == option
        [rule] = properties("ResultsBucket", resources)["LifecycleConfiguration"]["Rules"]
        assert rule["ExpirationInDays"] == 7
    assert properties("Workgroup")["RecursiveDeleteOption"] is True


def test_a_database_that_others_may_use_is_never_deleted():
    """It is retained; only a first deployment that failed takes it back, or the next would find it made."""
    database = DEFAULTS["HistoryDatabase"]
    assert database["DeletionPolicy"] == "RetainExceptOnCreate"
    assert database["UpdateReplacePolicy"] == "Retain"
    assert "HistoryDatabase" not in EVERYTHING


def test_the_sample_table_is_that_of_the_article():
    """Its name, its key, and a stream of both images."""
    table = properties("SampleTable", DEFAULTS)
    assert table["TableName"] == "todo-sample-table"
    assert table["KeySchema"] == [{"AttributeName": "todoId", "KeyType": "HASH"}]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "SampleTable" not in EVERYTHING


def test_each_alarm_says_what_it_means_and_what_to_do():
    """Named by the stack; one sentence, of which the second half, behind a semicolon, begins with what to do."""
    for name, alarm in alarms(EVERYTHING).items():
        assert name.startswith("${AWS::StackName}-")
        assert re.fullmatch(r"[A-Z][^;.]+; (look|raise|redrive|run|find|ask)[^.]+\.", alarm["AlarmDescription"]), name
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopicArn"}]
    assert not [name for name, alarm in alarms(DEFAULTS).items() if "AlarmActions" in alarm]


def test_what_is_watched():
    """Each metric that an alarm looks at, what it is of, and what it rings at; silence of the attester rings too."""
    seen = {
        name.removeprefix("${AWS::StackName}-"): (
            alarm.get("MetricName"),
            alarm["ComparisonOperator"],
            alarm["Threshold"],
            alarm["TreatMissingData"],
        )
        for name, alarm in alarms(EVERYTHING).items()
    }
    more, less, quiet = "GreaterThanThreshold", "LessThanThreshold", "notBreaching"
    assert seen == {
        "iterator-age": ("IteratorAge", more, 1_800_000, quiet),
        "recorder-errors": ("Errors", more, 0, quiet),
        "recorder-throttles": ("Throttles", more, 0, quiet),
        "unrecorded": ("Unrecorded", more, 0, quiet),
        "failing": ("FailedInvokeEventCount", more, 0, quiet),
        "dropped": (None, more, 0, quiet),
        "set-aside": ("OnFailureDestinationDeliveredEventCount", more, 0, quiet),
        "firehose-freshness": ("DeliveryToS3.DataFreshness", more, 3600, quiet),
        "firehose-throttled": ("ThrottledRecords", more, 0, quiet),
        "undelivered": ("Undelivered", more, 0, quiet),
        "unhealthy": ("Healthy", less, 1, quiet),
        "attestation-missing": ("Healthy", less, 1, "missing"),
        "attester-errors": ("Errors", more, 0, quiet),
        "baseline-errors": ("Errors", more, 0, quiet),
    }
    lost = {one["MetricStat"]["Metric"]["MetricName"] for one in dropped()["Metrics"] if "MetricStat" in one}
    assert lost == {"DroppedEventCount", "DestinationDeliveryFailures"}


@pytest.mark.parametrize("parameters", [{}, OTHER], ids=["defaults", "everything"])
def test_the_dashboard_shows_every_alarm_and_how_capture_goes(parameters):
    """All alarms there are, and five charts of metrics of this stack; its body is JSON whatever the parameters."""
    resources = decided(parameters)["Resources"]
    text, names = properties("Dashboard", resources)["DashboardBody"]["Fn::Sub"]
    baseline = names["Baseline"] and names["Baseline"]["Fn::Sub"]
    body = json.loads(text.replace("${Baseline}", baseline))
    shown = [one["properties"] for one in body["widgets"]]
    ours = {f"${{{name}.Arn}}" for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(shown[0]["alarms"]) == ours
    assert {one["title"]: one["metrics"][0][1] for one in shown[1:]} == {
        "Changes a minute": "PolledEventCount",
        "Iterator age, ms": "IteratorAge",
        "Firehose freshness, s": "DeliveryToS3.DataFreshness",
        "Undelivered objects": "Undelivered",
        "Attested through, s ago": "AttestedAge",
    }
    assert {one["region"] for one in shown[1:]} == {"${AWS::Region}"}


def test_what_is_said_to_cost_is_what_there_is():
    """The arithmetic of costs counts the metrics that alarms look at, and those of the attester."""
    watched = [len([one for one in alarm.get("Metrics", [0]) if one == 0 or "MetricStat" in one])
               for alarm in alarms(EVERYTHING).values()]  # fmt: skip
    assert sum(watched) == ALARM_METRICS
    assert len([one for one in EVERYTHING.values() if one["Type"] == "AWS::CloudWatch::Dashboard"]) == 1


def test_a_dashboard_is_named_with_its_region():
    """Dashboards of all Regions of an account are in one list: a stack of the same name elsewhere has another."""
    assert properties("Dashboard")["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_what_was_not_recorded_rings_within_ten_minutes():
    """A batch that Firehose refused is no error of the function's: the recorder's own metric tells of it."""
    alarm = alarms(EVERYTHING)["${AWS::StackName}-unrecorded"]
    assert (alarm["Namespace"], alarm["Statistic"]) == ("histlib", "Sum")
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 300


def test_a_dead_attester_rings_and_a_new_one_does_not():
    """A new alarm has no data and is in INSUFFICIENT_DATA, which is no change of state, so that it tells nobody; an
    attester that fell silent brings it back there, and that is told."""
    alarm = alarms(EVERYTHING)["${AWS::StackName}-attestation-missing"]
    assert alarm["InsufficientDataActions"] == alarm["AlarmActions"] == [{"Ref": "AlarmTopicArn"}]
    breaching = [name for name, one in alarms(EVERYTHING).items() if one["TreatMissingData"] == "breaching"]
    assert breaching == []


def test_the_attester_believes_no_call_longer_than_there_can_be():
    """What is captured hangs on how long a call of the recorder may take at most."""
    assert properties("RecorderFunction")["Timeout"] <= CALL


def test_alarms_look_at_what_is_deployed():
    """Each metric of an alarm is of a resource of this stack, or of the stack in our own namespace."""
    for alarm in alarms(EVERYTHING).values():
        metrics = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]
        for metric in metrics:
            [dimension] = metric["Dimensions"]
            of = {"histlib": "StackName", "AWS/Firehose": "DeliveryStreamName"}.get(metric["Namespace"])
            assert dimension["Name"] in ((of,) if of else ("FunctionName", "EventSourceMappingUUID"))
            assert set(references(dimension["Value"])) <= set(EVERYTHING) | {"AWS::StackName"}


def test_no_condition_is_left():
    """What these tests look at is decided: neither If nor NoValue."""
    assert "Fn::If" not in str(EVERYTHING)
    assert str(NONE) not in str(EVERYTHING)


def expirations(resources):
    """Prefix → after how many days its objects expire, in the history's bucket."""
    rules = properties("Bucket", resources)["LifecycleConfiguration"]["Rules"]
    assert [rule["AbortIncompleteMultipartUpload"] for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    expiring = [rule for rule in rules if "ExpirationInDays" in rule]
    return {
        rule["Prefix"]["Fn::Sub"] if isinstance(rule["Prefix"], dict) else rule["Prefix"]: rule["ExpirationInDays"]
        for rule in expiring
    }


def alarms(resources):
    """Name → properties of each alarm."""
    found = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    return {one["AlarmName"]["Fn::Sub"]: one for one in found}


def dropped():
    """The alarm on what is lost."""
    return alarms(EVERYTHING)["${AWS::StackName}-dropped"]
