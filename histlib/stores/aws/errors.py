"""botocore's errors as ours, in one line, where they are no matter of one service: credentials, Region, network."""

from __future__ import annotations

import os
from typing import Any, Final

from histlib.errors import HistlibError, RequestError, SourceError

_SSO: Final = {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError", "SSOError"}
_NO_CREDENTIALS: Final = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
#: Codes of credentials that were good once.
EXPIRED: Final = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_WRONG_CREDENTIALS: Final = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId",
    "UnrecognizedClientException", "InvalidSignatureException",
}  # fmt: skip
_DENIED: Final = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccessDeniedException"}
#: Codes of requests refused as too many.
THROTTLES: Final = {"ThrottlingException", "TooManyRequestsException", "Throttling", "SlowDown"}


def errors() -> tuple[type[Exception], ...]:
    """All that botocore raises."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return BotoCoreError, ClientError, ResponseParserError


def code_of(error: BaseException) -> str:
    """The service's code of an error, or the error's own name."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def message_of(error: BaseException) -> str:
    """The service's message of an error, or none."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message", ""))


def connection_error(error: BaseException, profile: str | None) -> HistlibError:
    """The error for what is wrong with profile, Region or credentials, whatever was asked for."""
    name, code = type(error).__name__, code_of(error)
    profile = profile or os.environ.get("AWS_PROFILE")
    login = f"aws sso login --profile {profile}" if profile else "aws sso login"
    if name == "ProfileNotFound":
        return RequestError(f"AWS profile {profile!r} is in no AWS configuration here: name another one", profile)
    if name in _SSO:
        return SourceError(f"the AWS SSO session is not valid (it may have expired); run: {login}", name)
    if name in _NO_CREDENTIALS:
        return SourceError(
            "no AWS credentials found; name a profile (profile=, --profile or AWS_PROFILE) or sign in first", name
        )
    if code in EXPIRED:
        return SourceError(f"the AWS credentials have expired ({code}); renew them, with SSO by: {login}", code)
    if code in _WRONG_CREDENTIALS:
        return SourceError(f"AWS does not accept these credentials ({code}); name another profile or renew them", code)
    if code == "RequestTimeTooSkewed":
        return SourceError("AWS refuses requests since this machine's clock is wrong; set it", code)
    if name in {"InvalidRegionError", "NoRegionError", "ParamValidationError"}:
        return RequestError(f"AWS cannot be asked like this ({name}); check Region, bucket and prefix", name)
    return SourceError(f"AWS cannot be asked ({code}); check network, endpoint and settings, then ask again", code)


def is_expired(error: BaseException) -> bool:
    """Whether renewed credentials would mend it."""
    return code_of(error) in EXPIRED or type(error).__name__ in _SSO


def is_denied(error: BaseException) -> bool:
    """Whether a permission is missing (and not: the credentials are no good)."""
    status = (getattr(error, "response", None) or {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = code_of(error)
    return code in _DENIED or (status == 403 and code not in EXPIRED | _WRONG_CREDENTIALS | {"RequestTimeTooSkewed"})
