"""Errors of ``python -m pipeline``, beside those of ``histlib.errors``."""

from __future__ import annotations

from histlib.errors import HistlibError


class DeploymentError(HistlibError):
    """What is deployed, or was to be, is not as it has to be: says which resource, why, and what to do next."""


class NotAgreedError(HistlibError):
    """The person did not agree to what would have been changed; nothing was."""


class EventsError(Exception):
    """A file that cannot be read, or holds something else than events; names file and line."""
