"""What several tests ask of the bundled incidents, each made once."""

from __future__ import annotations

from functools import cache
from typing import Any

from histlib import samples
from histlib.values.image_json import encode_image, item_from_dynamodb

NAMES = list(samples.SAMPLES)
LOST = "2026-11-08T07:05:13.481516"

events = cache(lambda name: list(samples.events(name)))
truth = cache(samples.truth)
initial = cache(samples.initial_items)


def records(name: str) -> list[dict[str, Any]]:
    return [record for event in events(name) for record in event["Records"]]


def number(record: dict[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


def delivered_once(name: str) -> list[dict[str, Any]]:
    return sorted({number(record): record for record in records(name)}.values(), key=number)


def text(key: dict[str, Any]) -> str:
    return encode_image(item_from_dynamodb(key))


def key_of(name: str, role: str) -> str:
    return encode_image(dict(samples.story(name).keys[role]))


def broken_chains(name: str) -> list[str]:
    """The keys of delivered changes whose old image is not the image before them."""
    state = {text({part["AttributeName"]: item[part["AttributeName"]] for part in samples.key_schema(name)}): item
             for item in initial(name)}  # fmt: skip
    broken = []
    for record in delivered_once(name):
        change, key = record["dynamodb"], text(record["dynamodb"]["Keys"])
        if change.get("OldImage") != state.get(key):
            broken.append(key)
        state[key] = change.get("NewImage")
    return broken
