"""What Athena refuses, as our errors in one line: what it was about, and what to do.

The texts are Athena's own, as its users met them: no output location (github.com/aws/aws-sdk-js-v3/issues/3589), an
output bucket that it cannot see (github.com/pyathena-dev/PyAthena/issues/67), one in another Region
(docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html), no such workgroup
(github.com/ColeMurray/aws-athena-mcp/issues/23). :mod:`histlib.engines.athena.running.failures` has those of queries
that ran.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Final

from histlib.engines.athena.table.address import Address
from histlib.errors import HistlibError, RequestError, SourceError
from histlib.markup import one_line
from histlib.stores.aws.errors import THROTTLES, code_of, connection_error, is_denied, message_of

#: Athena takes no longer text (docs.aws.amazon.com/athena/latest/ug/service-limits.html).
LONGEST: Final = 262_144

_DENIED: Final = re.compile(r"not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+))?")
_ACCOUNT: Final = re.compile(r"(arn:[\w-]*:[\w-]*:[\w-]*:)\d{12}")
_OUTPUT: Final = "name one that is there with output=s3://bucket/prefix in the source, or in the workgroup's settings"


@dataclass(frozen=True)
class Place:
    """Where Athena is asked, and as whom: what errors speak of. ``location`` is the table's, ``s3://bucket/prefix``."""

    address: Address
    region: str
    profile: str | None = None
    location: str = ""

    def __str__(self) -> str:
        return f"{self.address} in {self.region}"


def request_error(error: BaseException, place: Place) -> HistlibError:
    """The error for a request to Athena that failed."""
    action = f"athena:{getattr(error, 'operation_name', 'StartQueryExecution')}"
    code, message = code_of(error), message_of(error)
    if code in THROTTLES:
        return SourceError(
            f"{place}: Athena throttles ({code}): every one of several tries was refused; ask again in a minute", code
        )
    if code == "InvalidRequestException":
        return refusal(message, place) or SourceError(f"{place}: Athena refuses: {plain(message)}", message)
    if is_denied(error):
        return denial(message, place, action)
    told = connection_error(error, place.profile)
    return type(told)(f"{place}: {action} failed: {told}", told.value)


def refusal(message: str, place: Place) -> HistlibError | None:
    """The error for what Athena says of workgroup or output, before a query runs or when it fails; None for others."""
    workgroup, output = place.address.workgroup, place.address.output or "the workgroup's output location"
    if re.search(r"workgroup .*not found", message, re.IGNORECASE):
        return RequestError(f"{place}: there is no workgroup {workgroup}; check workgroup= and Region", workgroup)
    if re.search(r"workgroup .*disabled", message, re.IGNORECASE):
        return SourceError(f"{place}: the workgroup {workgroup} is disabled; enable it, or name another", workgroup)
    if "No output location provided" in message:
        return no_output(place)
    if "Unable to verify/create output bucket" in message:
        return SourceError(
            f"{place}: Athena sees no bucket for results at {output} (it is not there, or s3:GetBucketLocation on it "
            f"is denied); {_OUTPUT}",
            output,
        )
    if "S3 location provided to save your query results is invalid" in message:
        return SourceError(f"{place}: {output} is no place for results, or lies in another Region; {_OUTPUT}", output)
    if found := re.search(r"Access denied when writing (?:output )?to (?:location|url): ?(\S+)", message):
        return SourceError(
            f"{place}: s3:PutObject is denied on {found[1]}; allow it (and kms:GenerateDataKey where the bucket is "
            f"encrypted with KMS), or {_OUTPUT}",
            found[1],
        )
    return None


def no_output(place: Place) -> HistlibError:
    """The error for a workgroup without an output location."""
    return RequestError(f"{place}: the workgroup has no output location for results; {_OUTPUT}", str(place.address))


def denial(message: str, place: Place, action: str = "") -> HistlibError:
    """The error for a missing permission: which action, on which resource, as far as the message says."""
    found = _DENIED.search(message)
    action = found["action"] if found else action
    resource = _resource(found["resource"] or "") if found else ""
    where = f" on {resource}" if resource else ""
    return SourceError(f"{place}: {action} is denied{where}; allow it, or name another profile", action)


def too_long(size: int, place: Place) -> HistlibError:
    """The error for a statement longer than Athena takes."""
    return RequestError(
        f"{place}: the statement has {size:,} bytes, and Athena takes {LONGEST:,}; give fewer keys, paths or "
        "conditions at once",
        size,
    )


def plain(message: str) -> str:
    """A message in one line, without account ids."""
    return one_line(_ACCOUNT.sub(r"\1…", message)).strip()


def _resource(arn: str) -> str:
    """What a resource's ARN names, without partition, Region and account."""
    return arn.split(":", 5)[-1] if arn.startswith("arn:") else arn


def command(location: str, file: str) -> str:
    """The command for an object, to be run in a clone: ``location`` is the history's, ``file`` the object below it.

    What of the object can be read stays in the landing; the rest is a hole to every answer of its time.
    """
    return shlex.join(["python", "-m", "pipeline", "quarantine", f"{location.rstrip('/')}/{file}"])
