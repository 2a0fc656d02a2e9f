"""boto3's client for S3, made once a source is opened."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from histlib.errors import RequestError
from histlib.s3.trouble import connection_error, errors

#: Requests at once.
THREADS: Final = 16


def make_client(profile: str | None, region: str | None, session: Any) -> Any:
    """A client for S3 that retries as botocore's standard mode does.

    Raises:
        RequestError: both a profile and a session, or a profile or Region that there is not.
    """
    import boto3
    from botocore.config import Config

    if profile is not None and session is not None:
        raise RequestError("profile and session: a session has its profile already; give one of them", profile)
    retries = {"mode": "standard", "max_attempts": 5}
    config = Config(retries=retries, max_pool_connections=THREADS, connect_timeout=10)
    try:
        session = session or boto3.Session(profile_name=profile, region_name=region)
        return session.client("s3", region_name=region, config=config)
    except errors() as error:
        raise connection_error(error, profile) from error


def endpoint_of(client: Any) -> str:
    """What tells one S3 from another: for AWS its domain, whatever the Region; else the whole endpoint."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    aws = next((domain for domain in ("amazonaws.com", "amazonaws.com.cn") if host.endswith(f".{domain}")), None)
    return aws or str(client.meta.endpoint_url)
