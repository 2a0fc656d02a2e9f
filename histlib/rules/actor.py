"""Who made a change, as far as it says."""

from __future__ import annotations

import json
from typing import Any

from histlib.format.record import Change
from histlib.values.image_json import MISSING, encode_value
from histlib.values.paths import get

_TTL = "dynamodb.amazonaws.com"


def actor_of(change: Change, after: Any, attribute: str | None) -> str | None:
    """Who made a change: ``ttl``, the service named by the stream, or what an attribute of the item after it says.

    A REMOVE leaves no image to say, so its actor is not known unless the stream names a service.
    """
    return actor_name(change.actor, after, attribute)


def actor_name(actor: str | None, after: Any, attribute: str | None) -> str | None:
    """The same from the record's ``actor`` text."""
    if actor is not None:
        identity = json.loads(actor)
        principal = str(identity.get("principalId", actor))
        return "ttl" if principal == _TTL else principal
    written_by = get(after, (attribute,)) if attribute is not None else None
    if written_by is MISSING or written_by is None:
        return None
    return written_by if isinstance(written_by, str) else encode_value(written_by)
