"""The images around a change: what was there before and after it. Pure."""

from __future__ import annotations

from enum import Enum

from histlib.format.record import Change
from histlib.format.streams import is_net


class Image(Enum):
    """What stands in the place of an image that is not there."""

    NONE = "none"
    """No item: before an INSERT, after a REMOVE."""
    UNSEEN = "unseen"
    """An item, whose image the stream's view does not hold."""


def image_after(change: Change) -> str | Image:
    """The item's image right after a change."""
    if change.action == "REMOVE":
        return Image.NONE
    return Image.UNSEEN if change.new_image is None else change.new_image


def image_before(change: Change) -> str | Image:
    """The item's image right before a change."""
    if change.old_image is not None:
        return change.old_image
    return Image.NONE if change.action == "INSERT" else Image.UNSEEN


def says_nothing_before(change: Change) -> bool:
    """Whether not even that tells: an export without old images calls what came and what changed the same."""
    return change.view == "NEW_IMAGE" and change.action == "MODIFY" and is_net(change.stream)
