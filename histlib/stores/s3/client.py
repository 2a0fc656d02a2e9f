"""boto3's client for S3, made once a source is opened."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from histlib.stores.aws.errors import connection_error, errors
from histlib.stores.aws.session import client_config, make_session

#: Requests at once.
THREADS: Final = 16


def make_client(profile: str | None, region: str | None, session: Any) -> Any:
    """A client for S3 that retries as botocore's standard mode does.

    Raises:
        RequestError: both a profile and a session, or a profile or Region that there is not.
    """
    made = make_session(profile, region, session)
    try:
        return made.client("s3", region_name=region, config=client_config(THREADS))
    except errors() as error:
        raise connection_error(error, profile) from error


def endpoint_of(client: Any) -> str:
    """What tells one S3 from another: for AWS its domain, whatever the Region; else the whole endpoint."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    aws = next((domain for domain in ("amazonaws.com", "amazonaws.com.cn") if host.endswith(f".{domain}")), None)
    return aws or str(client.meta.endpoint_url)
