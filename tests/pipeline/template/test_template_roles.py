"""Roles: what the code needs, and nothing else."""

from __future__ import annotations

import pytest

from tests.support.athena.template import read_template, resolved
from tests.support.pipeline.template.code_actions import FUNCTIONS, needed, variables
from tests.support.pipeline.template.sam import OTHER, REGION, decided, source, with_values

#: Function → its role, and what its role needs beside what its code calls: Lambda's own calls with the role.
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
STREAM = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
ROLES = {
    # s3:ListBucket: what the mapping gives up goes to S3. kms:Decrypt: a stream is encrypted as its table is.
    "recorder": ("RecorderRole", LOGS | STREAM | {"s3:ListBucket", "kms:Decrypt"}),
    "attester": ("AttesterRole", LOGS),
    "baseline": ("BaselineRole", LOGS),
}
WRITTEN = [function for function in ROLES if (FUNCTIONS / function / "app.py").is_file()]


def test_there_is_a_role_for_each_function():
    """A function that is added has to be given a role here."""
    packages = {path.parent.name for path in FUNCTIONS.glob("*/app.py")}
    assert "recorder" in packages
    assert packages <= set(ROLES)


@pytest.mark.parametrize("function", WRITTEN)
def test_a_role_allows_what_the_code_calls_and_no_more(function):
    """Each operation that the code names is allowed, and each action that is allowed is needed."""
    role, by_lambda = ROLES[function]
    assert allowed(role) == needed(function) | by_lambda


@pytest.mark.parametrize("function", WRITTEN)
def test_variables_are_those_that_the_code_reads(function):
    """Each variable that the code asks for is set, and each that is set is asked for."""
    resource = decided(OTHER)["Resources"][f"{function.capitalize()}Function"]
    assert set(resource["Properties"]["Environment"]["Variables"]) == variables(function)


def test_what_the_recorder_needs_is_found_in_its_code():
    """The derivation itself: it sees calls, what is handed to a paginator, and what a call needs beside it."""
    assert needed("recorder") == {"firehose:PutRecordBatch", "s3:PutObject", "kms:GenerateDataKey", "kms:Decrypt"}


def test_whoever_calls_firehose_may_use_its_key():
    """Firehose refuses every record of a caller that may not use the stream's key. By which service that use then
    counts is not documented, so that no condition may narrow it."""
    [statement] = [one for one in statements("RecorderRole") if one["Resource"] == OTHER["KmsKeyArn"]]
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert "Condition" not in statement


def test_firehose_may_only_deliver():
    """Bucket actions are allowed of the bucket, and object actions of what lies below the two prefixes."""
    role = statements("DeliveryRole")
    bucket = "arn:aws:s3:::histories"
    assert reach(role, "s3:") == {
        "s3:GetBucketLocation": {bucket},
        "s3:ListBucket": {bucket},
        "s3:ListBucketMultipartUploads": {bucket},
        "s3:AbortMultipartUpload": {f"{bucket}/of/products/changes/*", f"{bucket}/of/products/failed/firehose/*"},
        "s3:GetObject": {f"{bucket}/of/products/changes/*", f"{bucket}/of/products/failed/firehose/*"},
        "s3:PutObject": {f"{bucket}/of/products/changes/*", f"{bucket}/of/products/failed/firehose/*"},
    }
    trust = decided(OTHER)["Resources"]["DeliveryRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust[0]["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("RecorderRole", {"PutObject": {"of/products/changes/*", "of/products/failed/records/*", "aws/lambda/*"}}),
        (
            "AttesterRole",
            {"GetObject": {"of/products/coverage/*", "aws/lambda/*"}, "PutObject": {"of/products/coverage/*"}},
        ),
        (
            "BaselineRole",
            {
                "GetObject": {"of/products/changes/*", "of/products/baseline/*", "of/products/coverage/*"},
                "PutObject": {"of/products/changes/*", "of/products/baseline/*"},
            },
        ),
    ],
)
def test_functions_reach_only_their_part_of_the_history(role, expected):
    """Objects may be read and written below these prefixes; nothing may be deleted."""
    bucket = "arn:aws:s3:::histories"
    objects = {f"s3:{action}": {f"{bucket}/{key}" for key in keys} for action, keys in expected.items()}
    assert reach(statements(role), "s3:") == objects | {"s3:ListBucket": {bucket}}


def test_no_action_is_open():
    """No action has a star, but in the Deny of the buckets' policies."""
    for statement in all_statements(decided(OTHER)["Resources"]):
        if statement["Effect"] == "Allow":
            assert not [action for action in listed(statement["Action"]) if "*" in action], statement
        else:
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_action_of_ours_deletes_or_administers():
    """Roles can neither delete nor change what is deployed; a grant on the key is only for AWS's own use."""
    verbs = ("Delete", "Update", "Create", "Attach", "Pass", "Assume")
    actions = {action for role in decided(OTHER)["Resources"] if role.endswith("Role") for action in allowed(role)}
    administering = {action for action in actions if action.partition(":")[2].startswith(verbs)}
    assert administering == {"logs:CreateLogStream", "kms:CreateGrant"}
    [grant] = [one for one in statements("DeliveryRole") if one["Action"] == "kms:CreateGrant"]
    assert grant["Resource"] == OTHER["KmsKeyArn"]
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_every_open_resource_says_why():
    """A resource that is a star has a comment above it with the reason; there are no others than these."""
    lines = source().splitlines()
    stars = [number for number, line in enumerate(lines) if line.strip() in ('Resource: "*"', "Resource: '*'", '- "*"')]
    assert len(stars) == 3
    for number in stars:
        assert lines[number - 1].strip().startswith("# "), lines[number]
        assert "IAM knows no resource" in lines[number - 1]
    open_ones = {
        action
        for statement in all_statements(decided(OTHER)["Resources"])
        if "*" in listed(statement.get("Resource", []))
        for action in listed(statement["Action"])
    }
    assert open_ones == {"dynamodb:ListStreams", "cloudwatch:GetMetricData", "cloudwatch:PutMetricData"}


def test_any_key_is_only_for_this_table():
    """Keys that the stack does not know may decrypt for DynamoDB, and for this very table, only."""
    found = [one for one in statements("RecorderRole") + statements("BaselineRole") if "key/*" in str(one["Resource"])]
    assert len(found) == 2
    for statement in found:
        condition = statement["Condition"]["StringEquals"]
        assert condition["kms:ViaService"] == f"dynamodb.{REGION}.amazonaws.com"
        assert "kms:EncryptionContext:aws:dynamodb:tableName" in condition
        assert "kms:EncryptionContext:aws:dynamodb:subscriberId" in condition


def test_what_lambda_keeps_goes_to_no_other_account():
    """What the mapping gives up may be written only to a bucket of this account."""
    found = [one for one in statements("RecorderRole") if "s3:ResourceAccount" in str(one.get("Condition"))]
    assert {action for one in found for action in listed(one["Action"])} == {"s3:PutObject", "s3:ListBucket"}


def test_every_role_has_the_boundary():
    """Where a permissions boundary is given, no role is without it; where none is, no role has one."""
    for parameters, boundary in ((OTHER, {"Ref": "PermissionsBoundaryArn"}), ({}, None)):
        resources = decided(parameters)["Resources"].values()
        roles = [one["Properties"] for one in resources if one["Type"] == "AWS::IAM::Role"]
        assert len(roles) == (4 if parameters else 3)
        assert {str(role.get("PermissionsBoundary")) for role in roles} == {str(boundary)}


def test_without_a_key_no_role_may_use_one():
    """kms: actions on the history's key are there only where a key is given."""
    parameters = {name: value for name, value in OTHER.items() if name != "KmsKeyArn"}
    assert "KmsKeyArn" not in str(decided(parameters)["Resources"])


def allowed(role):
    """The actions that a role allows."""
    return {action for statement in statements(role) for action in listed(statement["Action"])}


def statements(role):
    """A role's statements with everything given, and its names filled in."""
    parameters = OTHER | {"HistoryPrefix": "of/products/"}
    found = decided(parameters)["Resources"][role]["Properties"]["Policies"]
    template = read_template()
    names = {name: slot.get("Default") for name, slot in template["Parameters"].items()} | parameters
    names |= {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": "123456789012"}
    names |= {name: name for name in template["Resources"]}
    return [
        resolved(with_values(statement, parameters), names, {})
        for policy in found
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def all_statements(value):
    """Each statement of each policy below a part of the template."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for member in value.values():
            yield from all_statements(member)
    elif isinstance(value, list):
        for member in value:
            yield from all_statements(member)


def reach(found, service):
    """Action → the resources it is allowed on."""
    reached = {}
    for statement in found:
        for action in listed(statement["Action"]):
            if action.startswith(service):
                reached.setdefault(action, set()).update(listed(statement["Resource"]))
    return reached


def listed(value):
    """One or several, as several."""
    return value if isinstance(value, list) else [value]
