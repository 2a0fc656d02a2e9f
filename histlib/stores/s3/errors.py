"""S3's errors as ours, in one line: what was refused, where, and what to do. None says more than that."""

from __future__ import annotations

from typing import Final

from histlib.errors import HistlibError, SourceError
from histlib.stores.aws.errors import code_of, connection_error, is_denied, message_of
from histlib.stores.s3.address import Address

_ELSEWHERE: Final = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
#: Codes of an object that was listed and is not, or no longer as it was.
CHANGED: Final = {"NoSuchKey", "404", "PreconditionFailed", "412"}


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
        needed = "kms:Decrypt" if "kms:" in message_of(error) else action
        return SourceError(f"{address}: {needed} is denied ({code}); allow it, or name another profile", str(address))
    told = connection_error(error, profile)
    return type(told)(f"{address}: {action} failed: {told}", told.value)


def unreadable(error: Exception) -> str | None:
    """Why one object cannot be had, where that is a matter of this object; None where it is not."""
    code, message = code_of(error), message_of(error)
    if code == "InvalidObjectState":
        return "archived (InvalidObjectState): restore it in S3, then ask again"
    if code.startswith("KMS") or "kms:" in message:
        return f"encrypted with a key that is denied or disabled ({code}): allow kms:Decrypt on its key"
    if is_denied(error):
        return f"s3:GetObject is denied ({code}): allow it"
    if code == "InvalidRequest" and "encryption" in message.lower():
        return "encrypted with a key that its writer kept (SSE-C): copy it without, then ask again"
    return None
