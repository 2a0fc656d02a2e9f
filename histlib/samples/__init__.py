"""Bundled incidents: histories made by a seeded generator, the same on every machine and Python.

``sample:`` or ``sample:products``, ``sample:orders`` and ``sample:todo`` are read through these functions. Each
name has its stream as Lambda delivers it (:func:`events`, with the troubles of a real one), the whole truth to
compare with (:func:`truth`), and the facts worth quoting (:func:`story`). :mod:`histlib.samples.landing` makes a
history folder of it.

dice       chance, the same everywhere
schedule   what happens when
stream     a table, its changes, and the stream as Lambda delivers it
catalogue  the products of a shop
shop       a shop that sells them
story      the facts of a history worth quoting
products   prices set to 0 by a release
orders     orders, with composite keys
todo       the article's TODO list
landing    a history folder
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from histlib.errors import RequestError
from histlib.samples import orders, products, todo
from histlib.samples.story import Story
from histlib.samples.stream import Event, Image, Table, deliver, iso

__all__ = ["SAMPLES", "events", "initial_items", "key_schema", "story", "truth", "write_events"]

_MODULES: Final[dict[str, ModuleType]] = {"products": products, "orders": orders, "todo": todo}

#: Name → what it is about, in one line. ``""`` also names ``products``.
SAMPLES: Final[dict[str, str]] = {name: module.STORY.title for name, module in _MODULES.items()}


def events(name: str) -> Iterator[Event]:
    """The events ``{"Records": […]}`` that Lambda receives, in delivery order.

    With the troubles that :func:`story` tells of: batches delivered twice, a change that never came, and
    ``"arrival"`` (ISO text, UTC) on an event that came later than usual.

    Raises:
        RequestError: there is no sample of this name.
    """
    module = _module(name)
    return deliver(_build(module).changes, module.DELIVERY)


def key_schema(name: str) -> list[dict[str, str]]:
    """The table's key schema as DescribeTable gives it: ``AttributeName`` and ``KeyType`` each."""
    return [dict(part) for part in _module(name).KEY_SCHEMA]


def story(name: str) -> Story:
    """The facts of the incident: key, times to ask, what is true."""
    facts: Story = _module(name).STORY
    return facts


def truth(name: str) -> list[tuple[int, Image, Image | None]]:
    """Every change as it truly happened, in order, the one that was lost included.

    Each is (true time in epoch µs, key in DynamoDB JSON, item after it in DynamoDB JSON or None if removed).
    """
    changes = _build(_module(name)).changes
    return [(change.micros, change.keys, change.image) for change in changes]


def initial_items(name: str) -> list[Image]:
    """The items in DynamoDB JSON that were in the table before the capture began."""
    return _build(_module(name)).before


def write_events(name: str, folder: str | Path) -> list[Path]:
    """Write the events as gzip JSON lines, one file a day of the first record, and return the files in order.

    The names sort in delivery order: ``python -m pipeline replay FOLDER/*.gz --into HISTORY`` replays them.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for day, batch in groupby(events(name), key=_day):
        file = folder / f"{story(name).name}-{day}.jsonl.gz"
        lines = (json.dumps(event, ensure_ascii=False) + "\n" for event in batch)
        file.write_bytes(gzip.compress("".join(lines).encode(), compresslevel=5, mtime=0))
        files.append(file)
    return files


def _day(event: Event) -> str:
    stamp: float = event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"]
    return iso(int(stamp) * 1_000_000)[:10]


def _build(module: ModuleType) -> Table:
    table: Table = module.build()
    return table


def _module(name: Any) -> ModuleType:
    module = _MODULES.get(name or "products")
    if module is None:
        known = ", ".join(f"sample:{known}" for known in _MODULES)
        raise RequestError(f"there is no bundled incident {name!r}; expected one of {known}", name)
    return module
