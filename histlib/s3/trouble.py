"""botocore's errors as ours, in one line: what was refused, where, and what to do. None says more than that."""

from __future__ import annotations

import os
from typing import Any, Final

from histlib.errors import HistlibError, RequestError, SourceError
from histlib.s3.address import Address

_SSO: Final = {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError", "SSOError"}
_NO_CREDENTIALS: Final = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
_EXPIRED: Final = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_WRONG_CREDENTIALS: Final = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId"}
_ELSEWHERE: Final = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
_DENIED: Final = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccessDeniedException"}
#: Codes of an object that was listed and is not, or no longer as it was.
CHANGED: Final = {"NoSuchKey", "404", "PreconditionFailed", "412"}


def errors() -> tuple[type[Exception], ...]:
    """All that botocore raises."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return BotoCoreError, ClientError, ResponseParserError


def code_of(error: Exception) -> str:
    """The service's code of an error, or the error's own name."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def connection_error(error: Exception, profile: str | None) -> HistlibError:
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
    if code in _EXPIRED:
        return SourceError(f"the AWS credentials have expired ({code}); renew them, with SSO by: {login}", code)
    if code in _WRONG_CREDENTIALS:
        return SourceError(f"AWS does not accept these credentials ({code}); name another profile or renew them", code)
    if code == "RequestTimeTooSkewed":
        return SourceError("AWS refuses requests since this machine's clock is wrong; set it", code)
    if name in {"InvalidRegionError", "NoRegionError", "ParamValidationError"}:
        return RequestError(f"AWS cannot be asked like this ({name}); check Region, bucket and prefix", name)
    return SourceError(f"AWS cannot be asked ({code}); check network, endpoint and settings, then ask again", code)


def request_error(error: Exception, address: Address, action: str, profile: str | None) -> HistlibError:
    """The error for a request that failed: it names the place, the action, and what to do."""
    code = code_of(error)
    if code == "NoSuchBucket":
        return SourceError(f"there is no bucket {address.bucket}; check the name in the source", address.bucket)
    if code in _ELSEWHERE:
        return SourceError(
            f"{address}: the bucket is in another Region ({code}); name it with region= or --region", str(address)
        )
    if is_denied(error):
        needed = "kms:Decrypt" if "kms:" in _message(error) else action
        return SourceError(f"{address}: {needed} is denied ({code}); allow it, or name another profile", str(address))
    told = connection_error(error, profile)
    return type(told)(f"{address}: {action} failed: {told}", told.value)


def unreadable(error: Exception) -> str | None:
    """Why one object cannot be had, where that is a matter of this object; None where it is not."""
    code, message = code_of(error), _message(error)
    if code == "InvalidObjectState":
        return "archived (InvalidObjectState): restore it in S3, then ask again"
    if code.startswith("KMS") or "kms:" in message:
        return f"encrypted with a key that is denied or disabled ({code}): allow kms:Decrypt on its key"
    if is_denied(error):
        return f"s3:GetObject is denied ({code}): allow it"
    if code == "InvalidRequest" and "encryption" in message.lower():
        return "encrypted with a key that its writer kept (SSE-C): copy it without, then ask again"
    return None


def is_denied(error: Exception) -> bool:
    """Whether a permission is missing (and not: the credentials are no good)."""
    status = (getattr(error, "response", None) or {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = code_of(error)
    return code in _DENIED or (status == 403 and code not in _EXPIRED | _WRONG_CREDENTIALS | {"RequestTimeTooSkewed"})


def _message(error: Exception) -> str:
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message", ""))
