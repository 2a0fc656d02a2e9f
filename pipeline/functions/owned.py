"""S3, but only in buckets of an account that is named: the name of a bucket that is gone may be anyone's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def require_owner(s3: Any, owner: Callable[[], str]) -> Any:
    """boto3's S3 client, whose calls S3 refuses where the bucket is of another account than ``owner`` (its id)."""

    def with_owner(params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any] | None:
        takes = "ExpectedBucketOwner" in model.input_shape.members
        return {"ExpectedBucketOwner": owner(), **params} if takes else None

    s3.meta.events.register("provide-client-params.s3", with_owner)
    return s3
