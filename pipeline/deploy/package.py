"""The functions as a zip, the same bytes whenever and wherever it is made, and the bucket that it lies in."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline import functions
from pipeline.common.aws import Aws, RefusedError, partition
from pipeline.common.errors import DeploymentError

#: The earliest time that a zip can hold: no file's own time is told.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_TAGS: Final = [{"Key": "histlib", "Value": "artifacts"}]


@dataclass(frozen=True)
class Package:
    """A zip by its content: ``key`` is its name in the artifacts bucket, ``files`` the names within."""

    data: bytes
    files: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Of the zip, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def key(self) -> str:
        """Where it lies: equal functions have an equal name, so an update of nothing changes nothing."""
        return f"functions/{self.sha256}.zip"


def make_package(folder: Path = Path(functions.__file__).parent) -> Package:
    """The Python files below ``folder`` as ``functions/…``; stored, since compressed bytes differ with the zlib."""
    held = {f"functions/{file.relative_to(folder).as_posix()}": file for file in folder.rglob("*.py")}
    names = tuple(sorted(held))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            # A checkout on Windows may have other ends of lines; the bytes must not.
            package.writestr(entry, held[name].read_bytes().replace(b"\r\n", b"\n"))
    return Package(data.getvalue(), names)


def default_bucket(account: str, region: str) -> str:
    """The artifacts bucket of an account and Region, unless another is named."""
    return f"histlib-artifacts-{account}-{region}"


def is_there(aws: Aws, bucket: str, key: str | None = None) -> bool:
    """Whether a bucket of this account is there, or an object in it.

    Raises:
        HistlibError: it is another account's, or AWS cannot be asked.
    """
    if key is None:
        return aws.find("s3", "head_bucket", Bucket=bucket) is not None
    return aws.find("s3", "head_object", Bucket=bucket, Key=key) is not None


def is_made(aws: Aws, bucket: str) -> bool:
    """Whether :func:`make_bucket` came to its end: the tag is the last that it does. Raises as :func:`is_there`."""
    if not is_there(aws, bucket):
        return False
    try:
        tags = aws.call("s3", "get_bucket_tagging", Bucket=bucket)["TagSet"]
    except RefusedError as error:
        if error.code == "NoSuchTagSet":
            return False
        raise
    return all(tag in tags for tag in _TAGS)


def make_bucket(aws: Aws, bucket: str) -> None:
    """A bucket that is private, encrypted, reached by TLS only, and tagged; goes on with one that was begun.

    Raises:
        HistlibError: the name is taken by another account, or AWS refuses.
    """
    if not is_there(aws, bucket):
        where = {} if aws.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
        aws.call("s3", "create_bucket", Bucket=bucket, **where)
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    closed = dict.fromkeys(names, True)
    aws.call("s3", "put_public_access_block", Bucket=bucket, PublicAccessBlockConfiguration=closed)
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    aws.call("s3", "put_bucket_encryption", Bucket=bucket, ServerSideEncryptionConfiguration=encryption)
    aws.call("s3", "put_bucket_policy", Bucket=bucket, Policy=json.dumps(tls_only(bucket, aws.region or "")))
    aws.call("s3", "put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": _TAGS})


def tls_only(bucket: str, region: str) -> dict[str, Any]:
    """The bucket policy that refuses whatever does not come by TLS."""
    arn = f"arn:{partition(region)}:s3:::{bucket}"
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def upload(aws: Aws, bucket: str, key: str, data: bytes) -> None:
    """Put an object into the artifacts bucket, and see that it arrived whole.

    Raises:
        DeploymentError: what lies there is not what was sent.
        HistlibError: AWS refuses.
    """
    aws.call("s3", "put_object", Bucket=bucket, Key=key, Body=data)
    head = aws.call("s3", "head_object", Bucket=bucket, Key=key)
    if head["ContentLength"] != len(data):
        message = f"s3://{bucket}/{key} holds {head['ContentLength']} bytes of {len(data)}; deploy again"
        raise DeploymentError(message, key)
