"""Buckets that are given: are they fit for what the stack does with them?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from pipeline.common.aws import Aws, RefusedError
from pipeline.common.errors import DeploymentError

#: What there is where a bucket has no such setting.
_NO_POLICY: Final = "NoSuchBucketPolicy"
_NO_ENCRYPTION: Final = "ServerSideEncryptionConfigurationNotFoundError"


def check_history_bucket(aws: Aws, bucket: str, key: str) -> list[str]:
    """See that a bucket can hold the history; ``key`` is the ARN of the key that is to encrypt it, or empty.

    Returns notes to show: what may be in the way, and what could not be asked.

    Raises:
        DeploymentError: it cannot; what to do.
        HistlibError: it is another account's, or AWS cannot be asked.
    """
    _check_place(aws, bucket, "the history")
    default = _default_key(aws, bucket)
    if isinstance(default, RefusedError):
        encryption = [f"how {bucket} encrypts by default could not be asked: {default}"]
    else:
        encryption = _check_encryption(bucket, default, key)
    return [*encryption, *_denials(aws, bucket)]


def check_log_bucket(aws: Aws, bucket: str) -> None:
    """See that S3 can write access logs to a bucket; raises as :func:`check_history_bucket`.

    The rule is S3's (user guide, "Enabling Amazon S3 server access logging"): its Region, and no KMS by default.
    """
    _check_place(aws, bucket, "access logs")
    default = _default_key(aws, bucket)
    if isinstance(default, str) and default:
        raise DeploymentError(
            f"bucket {bucket} encrypts by KMS by default, and S3 writes no access logs to such a bucket: name another",
            bucket,
        )


def _check_place(aws: Aws, bucket: str, what: str) -> None:
    found = aws.find("s3", "head_bucket", Bucket=bucket)
    if found is None:
        raise DeploymentError(
            f"there is no bucket {bucket} for {what}: name one that is there, or none, then the stack makes one", bucket
        )
    region = found.get("BucketRegion", aws.region)
    if region != aws.region:
        raise DeploymentError(
            f"bucket {bucket} for {what} is in {region}, the table in {aws.region}: name one of the table's Region, or "
            "none, then the stack makes one",
            region,
        )


def _default_key(aws: Aws, bucket: str) -> str | RefusedError:
    """The key that a bucket encrypts by when nobody says: ``aws/s3`` where it is S3's own, empty where it is none."""
    try:
        answer = aws.call("s3", "get_bucket_encryption", Bucket=bucket)
    except RefusedError as error:
        return "" if error.code == _NO_ENCRYPTION else error
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    defaults: list[dict[str, str]] = [one.get("ApplyServerSideEncryptionByDefault", {}) for one in rules]
    by_kms = [one.get("KMSMasterKeyID", "aws/s3") for one in defaults if one.get("SSEAlgorithm", "").startswith("aws:")]
    return by_kms[0] if by_kms else ""


def _check_encryption(bucket: str, default: str, key: str) -> list[str]:
    """What functions write goes by the bucket's default; they may use only the key that the stack is given."""
    if key and default in (key, key.rpartition("/")[2]):
        return []
    if not default or default.endswith("aws/s3"):
        without = (
            f"{bucket} encrypts by default without it: what functions write, attestations and long lines, is then not"
        )
        return [f"{without} encrypted by {key}; make it the bucket's default"] if key else []
    if ":alias/" in default or default.startswith("alias/"):
        return [f"{bucket} encrypts by default with {default}: --kms-key has to be the ARN of that very key"]
    told = f"the stack is given {key}" if key else "the stack is given none"
    raise DeploymentError(
        f"bucket {bucket} encrypts by default with key {default}, and {told}: its functions could write nothing there. "
        "Give --kms-key with the ARN of that key, or let the bucket encrypt otherwise",
        default,
    )


def _denials(aws: Aws, bucket: str) -> Iterator[str]:
    """What a bucket's policy denies, but for access without TLS, which nothing here has."""
    try:
        policy = json.loads(aws.call("s3", "get_bucket_policy", Bucket=bucket)["Policy"])
    except RefusedError as error:
        if error.code != _NO_POLICY:
            yield f"the policy of {bucket} could not be asked: {error}"
        return
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement.get("Effect") == "Deny" and not _only_without_tls(statement):
            denied, sid = statement.get("Action", statement.get("NotAction")), statement.get("Sid", "no Sid")
            where = json.dumps(statement.get("Condition", {}))
            yield (
                f"the policy of {bucket} denies {denied} ({sid}) if {where}: see that this does not meet the stack's "
                "roles, which write without naming an encryption"
            )


def _only_without_tls(statement: dict[str, Any]) -> bool:
    return statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
