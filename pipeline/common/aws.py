"""Asking AWS: clients of one session, and every error of theirs as ours, in one line that names the action."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from histlib.errors import HistlibError, SourceError
from histlib.stores.aws.errors import code_of, connection_error, errors, is_denied, message_of
from histlib.stores.aws.session import client_config, make_session
from pipeline.functions.owned import require_owner

#: Codes for what there is not.
MISSING: Final = frozenset(
    (
        "ResourceNotFoundException",
        "TableNotFoundException",
        "EntityNotFoundException",
        "NoSuchKey",
        "NoSuchBucket",
        "404",
    )
)

#: Operations of S3 whose permission has another name.
_IAM_NAMES: Final = {
    "list_objects_v2": "ListBucket",
    "head_bucket": "ListBucket",
    "head_object": "GetObject",
    "get_bucket_encryption": "GetEncryptionConfiguration",
}


class RefusedError(SourceError):
    """AWS refused a call; ``code`` is the service's."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, code)
        self.code = code


def partition(region: str) -> str:
    """The part of AWS that a Region is of, as ARNs begin with it."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


@dataclass
class Aws:
    """One account and Region: ``call("s3", "put_object", Bucket=…)``; ``session`` is boto3's where one is given.

    S3 is asked for buckets of this account only.
    """

    profile: str | None = None
    region: str | None = None
    session: Any = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)
    _making: Lock = field(default_factory=Lock, repr=False)
    _account: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.session = make_session(self.profile if self.session is None else None, self.region, self.session)
        self.region = self.region or self.session.region_name

    def client(self, service: str) -> Any:
        """boto3's client, one for each service.

        Raises:
            HistlibError: profile, Region or credentials are no good.
        """
        with self._making:  # boto3's sessions are not made for several threads, its clients are
            if service not in self._clients:
                try:
                    made = self.session.client(service, region_name=self.region, config=client_config(16))
                except errors() as error:
                    raise connection_error(error, self.profile) from error
                if service == "s3":
                    require_owner(made, lambda: self.account)
                self._clients[service] = made
            return self._clients[service]

    def call(self, service: str, operation: str, **asked: Any) -> dict[str, Any]:
        """What an operation answers.

        Raises:
            RefusedError: the service refused; the message names the action and what was asked for.
            HistlibError: profile, Region, credentials or network are no good.
        """
        try:
            answer: dict[str, Any] = getattr(self.client(service), operation)(**asked)
        except errors() as error:
            raise self.trouble(error, service, operation, asked) from error
        return answer

    def find(self, service: str, operation: str, **asked: Any) -> dict[str, Any] | None:
        """What an operation answers; None where there is no such thing. Raises as :meth:`call`."""
        try:
            return self.call(service, operation, **asked)
        except RefusedError as error:
            if error.code in MISSING:
                return None
            raise

    def each(self, service: str, operation: str, part: str, **asked: Any) -> Iterator[dict[str, Any]]:
        """Each of what an operation lists, page by page. Raises as :meth:`call`."""
        try:
            for page in self.client(service).get_paginator(operation).paginate(**asked):
                yield from page.get(part, ())
        except errors() as error:
            raise self.trouble(error, service, operation, asked) from error

    @property
    def account(self) -> str:
        """The account's id, asked for once. Raises as :meth:`call`."""
        if not self._account:
            self._account = str(self.call("sts", "get_caller_identity")["Account"])
        return self._account

    def trouble(self, error: Exception, service: str, operation: str, asked: dict[str, Any]) -> HistlibError:
        """Our error for one of botocore's."""
        if not hasattr(error, "response"):
            return connection_error(error, self.profile)
        action = f"{service}:" + _IAM_NAMES.get(operation, "".join(word.capitalize() for word in operation.split("_")))
        names = [str(value) for name, value in asked.items() if isinstance(value, str) and len(value) < 200]
        what, code = f"{action} ({', '.join(names[:3])})" if names else action, code_of(error)
        if is_denied(error) and service == "s3":
            ours = f"allow it, or name another profile; and is the bucket one of account {self.account}?"
            return RefusedError(f"{what} is denied ({code}): {ours}", code)
        if is_denied(error):
            return RefusedError(f"{what} is denied ({code}): allow it, or name another profile", code)
        return RefusedError(f"{what} failed, {code}: {message_of(error)}", code)
