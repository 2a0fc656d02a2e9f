"""Asking the Glue catalog, and its errors as ours: what was refused, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from histlib.errors import HistlibError, SourceError
from histlib.stores.aws.errors import code_of, connection_error, errors, is_denied
from histlib.stores.aws.session import client_config, make_session

_MISSING: Final = "EntityNotFoundException"


def make_glue(profile: str | None, region: str | None, session: Any) -> Any:
    """A client for the Glue catalog.

    Raises:
        HistlibError: the profile, the Region or the credentials are no good.
    """
    made = make_session(profile, region, session)
    try:
        return made.client("glue", region_name=region, config=client_config(1))
    except errors() as error:
        raise connection_error(error, profile) from error


def get(glue: Any, operation: str, part: str, place: str, profile: str | None, **asked: Any) -> dict[str, Any] | None:
    """A part of what an operation answers; None where there is no such thing.

    Raises:
        HistlibError: the catalog cannot be asked; names the operation and the place.
    """
    try:
        found: dict[str, Any] = getattr(glue, operation)(**asked)[part]
    except errors() as error:
        if code_of(error) == _MISSING:
            return None
        raise _trouble(error, operation, place, profile) from error
    return found


def each(
    glue: Any, operation: str, part: str, place: str, profile: str | None, **asked: Any
) -> Iterator[dict[str, Any]]:
    """Each of what an operation lists, page by page.

    Raises:
        HistlibError: the catalog cannot be asked; names the operation and the place.
    """
    try:
        for page in glue.get_paginator(operation).paginate(**asked):
            yield from page[part]
    except errors() as error:
        raise _trouble(error, operation, place, profile) from error


def _trouble(error: Exception, operation: str, place: str, profile: str | None) -> HistlibError:
    action = "glue:" + "".join(word.capitalize() for word in operation.split("_"))
    message = str((getattr(error, "response", None) or {}).get("Error", {}).get("Message", ""))
    if "Lake Formation" in message:
        return SourceError(
            f"{place}: Lake Formation denies {action}; grant SELECT and DESCRIBE on it there, or name another profile",
            place,
        )
    if is_denied(error):
        return SourceError(f"{place}: {action} is denied ({code_of(error)}); allow it, or name another profile", place)
    told = connection_error(error, profile)
    return type(told)(f"{place}: {action} failed: {told}", told.value)
