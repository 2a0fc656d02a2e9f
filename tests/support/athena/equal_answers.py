"""One set of questions, asked of any history, and answers in a form in which two engines' can be compared.

The questions are made from what a history holds: its keys, its times, its attributes and their values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pandas as pd

import histlib
from histlib.answers.coverage import CoverageReport
from histlib.answers.since import Since
from histlib.answers.state import ItemState
from histlib.engines.queries import Attributes, MatchingKeys
from histlib.errors import HistlibError
from histlib.values.image_json import decode_image

Question = tuple[str, Callable[[histlib.History], Any]]


def differences(one: histlib.History, other: histlib.History, questions: list[Question]) -> list[tuple[str, Any, Any]]:
    """The questions that two histories answer differently, with both answers as far as they differ."""
    found = []
    for name, ask in questions:
        answers = told(one, ask), told(other, ask)
        if answers[0] != answers[1]:
            found.append((name, *_where_unlike(*answers)))
    return found


def told(history: histlib.History, ask: Callable[[histlib.History], Any]) -> dict[str, Any]:
    """An answer, or its error, as texts: all columns, dtypes, caveats and attributes, but for where it was read."""
    try:
        answer = ask(history)
    except HistlibError as error:
        return {"error": f"{type(error).__name__}: {_placeless(history, str(error))}"}
    return {name: _placeless(history, text) for name, text in _fields(answer)}


def _fields(answer: Any) -> Iterator[tuple[str, str]]:
    match answer:
        case pd.DataFrame():
            yield "dtypes", repr([(name, str(dtype)) for name, dtype in answer.dtypes.items()])
            for name in answer.columns:
                yield f"column {name}", repr(answer[name].tolist())
            yield from ((f"attrs {name}", repr(value)) for name, value in answer.attrs.get("histlib", {}).items())
        case CoverageReport():
            yield from ((f"spans {name}", text) for name, text in _fields(answer.spans))
            yield from ((f"holes {name}", text) for name, text in _fields(answer.holes))
            for name in ("start", "end", "complete", "completeness", "captured_through", "caveats"):
                yield name, repr(getattr(answer, name))
        case ItemState() | Since():
            for field in dataclasses.fields(answer):
                yield field.name, repr(getattr(answer, field.name))
            yield "caveat details", repr([str(getattr(one, "detail", "")) for one in answer.caveats])
        case _:
            yield "answer", repr(answer)


def _placeless(history: histlib.History, text: str) -> str:
    return text.replace(history._opened.name, "SOURCE")


def _where_unlike(one: dict[str, str], other: dict[str, str]) -> tuple[Any, Any]:
    unlike = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return tuple({name: answer.get(name) for name in unlike} for answer in (one, other))  # type: ignore[return-value]


def questions_of(history: histlib.History, *, few: bool = False) -> list[Question]:
    """All questions that a history's own keys, times, attributes and values make; with ``few`` a part of them."""
    source = history._opened.source
    keys = sorted(source.fetch(MatchingKeys(())).column("keys").to_pylist())
    some = [decode_image(text) for text in keys[:: max(1, len(keys) // (2 if few else 5))]][:6]
    covered = history.coverage()
    begin, end = covered.start, covered.end
    length = (end - begin) or timedelta(seconds=1)
    times = [begin + length * part for part in ((0.4, 1) if few else (0, 0.25, 0.5, 0.75, 1))]
    times += [times[0].replace(microsecond=0), begin - timedelta(days=1)]
    names = sorted(source.fetch(Attributes(True)).column("name").to_pylist())
    frame = history.snapshot_at(times[0])
    images = [item for item in frame["item"].tolist() if isinstance(item, dict)]
    asked: list[Question] = [("coverage", lambda h: h.coverage()), ("captured", lambda h: h.captured_through)]
    asked.append(("coverage in between", lambda h: h.coverage(times[0], times[1])))
    for key in some:
        asked += list(_of_item(key, times, names))
    asked += list(_of_table(times, some, list(_conditions(names, images))[: 3 if few else 12]))
    return asked


def _of_item(key: Any, times: list[Any], names: list[str]) -> Iterator[Question]:
    for time in times:
        yield f"state_at {key} {time}", lambda h, t=time: h.state_at(key, t)
        yield f"blame {key} {time}", lambda h, t=time: h.blame(key, t)
    yield f"timeline {key}", lambda h: h.timeline(key)
    yield f"timeline {key} in between", lambda h: h.timeline(key, times[0], times[1])
    for name in names[:4]:
        path = name if name.isidentifier() else '"' + name.replace('"', '""') + '"'
        yield f"since {key} {path}", lambda h, p=path: h.since(key, p, time=times[1])
        yield f"timeline {key} of {path}", lambda h, p=path: h.timeline(key, times[0], paths=p)


def _of_table(times: list[Any], keys: list[Any], conditions: list[tuple[str, dict[str, Any]]]) -> Iterator[Question]:
    first, later = times[0], max(times)
    for time in times:
        yield f"snapshot {time}", lambda h, t=time: h.snapshot_at(t)
    yield "snapshot of keys", lambda h: h.snapshot_at(first, keys=keys)
    yield "diff", lambda h: h.diff(first, later)
    yield "changes", lambda h: h.changes(first, later, limit=100_000)
    yield "too many changes", lambda h: h.changes(first, later, limit=1)
    yield "activity", lambda h: h.activity(first, later, by="1h")
    for text, params in conditions:
        change = text.replace("item.", "new_image.")
        yield f"snapshot where {text} {params}", lambda h, w=text, p=params: h.snapshot_at(first, where=w, params=p)
        yield f"affected {text} {params}", lambda h, w=text, p=params: h.affected(w, first, later, params=p)
        yield f"diff where {text} {params}", lambda h, w=text, p=params: h.diff(first, later, where=w, params=p)
        yield (
            f"changes where {change} {params}",
            lambda h, w=change, p=params: h.changes(first, later, where=w, params=p, limit=100_000),
        )
        yield (
            f"activity where {change} {params}",
            lambda h, w=change, p=params: h.activity(first, later, by="1h", where=w, params=p),
        )


def _conditions(names: list[str], images: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in names[:6]:
        path = f'item."{name.replace(chr(34), chr(34) * 2)}"'
        values = [image[name] for image in images if name in image]
        simple = [value for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
        if simple:
            yield f"{path} = :value", {"value": simple[0]}
        if any(isinstance(value, str) for value in simple):
            yield f"{path} LIKE '%a%'", {}
        yield f"{path} IS MISSING", {}
