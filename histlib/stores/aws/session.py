"""boto3's session: made once a source is opened, and kept alive when its credentials expire and can be read anew."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from histlib.errors import RequestError
from histlib.stores.aws.errors import EXPIRED, THROTTLES, connection_error, errors

#: Counts how often what is asked in this context was throttled and asked again: a list that grows by each code.
THROTTLED: ContextVar[list[str] | None] = ContextVar("histlib_throttled", default=None)

_ATTEMPTS: Final = 5


def make_session(profile: str | None, region: str | None, session: Any) -> Any:
    """A session, whose expired credentials are read anew where the place they came from has others by then.

    Raises:
        RequestError: both a profile and a session, or a profile that there is not.
    """
    import boto3

    if profile is not None and session is not None:
        raise RequestError("profile and session: a session has its profile already; give one of them", profile)
    try:
        made = session or boto3.Session(profile_name=profile, region_name=region)
    except errors() as error:
        raise connection_error(error, profile) from error

    def renew(response: Any = None, **_: Any) -> float | None:
        return 0.0 if _code(response) in EXPIRED and _renewed(made) else None

    made.events.register_first("needs-retry", renew, unique_id="histlib-renew")
    made.events.register_first("needs-retry.athena", _again_when_cut_off, unique_id="histlib-cut-off")
    made.events.register("needs-retry", _note_throttling, unique_id="histlib-throttling")
    return made


def client_config(connections: int) -> Any:
    """How clients ask: they retry as botocore's standard mode does, which waits longer each time it is throttled."""
    from botocore.config import Config

    retries = {"mode": "standard", "max_attempts": _ATTEMPTS}
    return Config(retries=retries, max_pool_connections=connections, connect_timeout=10)


def _again_when_cut_off(response: Any = None, attempts: int = 0, **_: Any) -> float | None:
    """Ask again where the connection broke within an answer's body: botocore takes what came for all of it."""
    if response is None or attempts > _ATTEMPTS:
        return None
    promised = response[0].headers.get("Content-Length", "")
    return 0.0 if promised.isdigit() and len(response[0].content) < int(promised) else None


def _note_throttling(response: Any = None, **_: Any) -> None:
    throttled = THROTTLED.get()
    if throttled is not None and (code := _code(response)) in THROTTLES:
        throttled.append(code)


def _renewed(session: Any) -> bool:
    """Whether other credentials are where the session's came from; it has them from now on.

    Those that botocore refreshes itself (SSO, roles) are left to it, and those that were given are all there are.
    """
    import boto3
    from botocore.credentials import Credentials

    held = session.get_credentials()
    if type(held) is not Credentials:
        return False
    profile = session.profile_name if session.profile_name in session.available_profiles else None
    fresh = boto3.Session(profile_name=profile).get_credentials()
    if fresh is None or fresh.method != held.method or fresh.token == held.token:
        return False
    held.access_key, held.secret_key, held.token = fresh.access_key, fresh.secret_key, fresh.token
    return True


def _code(response: Any) -> str:
    """The code of an error in what botocore's ``needs-retry`` is told: the HTTP response and its parsed body."""
    return str(response[1].get("Error", {}).get("Code", "")) if response is not None else ""
