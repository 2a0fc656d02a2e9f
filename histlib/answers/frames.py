"""Result tables: pandas DataFrames that show what they speak of and how far to trust it.

A column ``x`` with a twin ``x_json`` holds Python values (and MISSING); the twin holds image JSON text.
``.attrs["histlib"]`` says of what table, account and Region the frame speaks, its completeness and its caveats.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from histlib import markup
from histlib.answers.display import is_answer, is_raw, is_twin, shown, terminal_width
from histlib.errors import RequestError
from histlib.rules.caveats import to_cell
from histlib.values.image_json import MISSING, decode_image, encode_image, encode_value
from histlib.values.paths import Path, format_path, get
from histlib.values.times import to_micros

if TYPE_CHECKING:
    import pyarrow as pa

    from histlib.answers.since import Since
    from histlib.answers.state import ItemState

#: Rows shown of a longer table.
SHOWN_ROWS = 60


class ResultFrame(pd.DataFrame):
    """A DataFrame whose repr shows values as image JSON, and the caveats below the rows."""

    @property
    def _constructor(self) -> type[ResultFrame]:
        return ResultFrame

    def __repr__(self) -> str:
        if not is_answer(self):
            return super().__repr__()
        table = shown(self, SHOWN_ROWS, terminal_width())
        rows = markup.text_table(table.names, table.rows) if len(self) else ["(no rows)"]
        return "\n".join([*_heading(self), *rows, *_footing(self, table.notes)])

    def _repr_html_(self) -> str:
        if not is_answer(self):
            return str(self.to_html(max_rows=SHOWN_ROWS))
        table = shown(self, SHOWN_ROWS)
        return markup.table(_heading(self), table.names, table.rows, _footing(self, table.notes))


#: Columns that hold times; NaT where there is none.
_TIMES: Final = frozenset({"time", "since", "until", "from_latest", "to_earliest"})


def answer_frame(
    columns: Mapping[str, Sequence[Any]], key_names: Sequence[str], tz: tzinfo, attrs: dict[str, Any]
) -> ResultFrame:
    """The DataFrame of an answer's columns: times in epoch µs become datetime64[us, tz], texts ``str``, values with a
    twin stay Python objects, and after ``keys`` stand its attributes."""
    data: dict[str, Any] = {"keys": texts(columns["keys"]), **_named(key_columns(columns["keys"], key_names))}
    for name, values in columns.items():
        if name in _TIMES:
            data[name] = optional_times(values, tz)
        elif name != "keys":
            data[name] = _answer_column(name, columns)
    frame = ResultFrame(data)
    frame.attrs["histlib"] = attrs
    return frame


def _named(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {f"keys.{name}": values for name, values in keys.items()}


def _answer_column(name: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    if f"{name}_json" in columns or name == "paths":
        return objects(columns[name])
    if name == "still":
        return np.array(columns[name], dtype=bool)
    return texts(columns[name])


#: Columns of a state's row after the key's: name → what it holds.
STATE_COLUMNS: Final[dict[str, str]] = {
    "status": "present, deleted, absent or unknown",
    "evidence": "change, next_change or baseline; NA where the status is unknown",
    "since": "when the state began, datetime64[us, tz]; NaT where not known",
    "until": "when it ended; NaT where open or not known",
    "item": "the item as a dict of Python values; MISSING unless present",
    "item_json": "the same as image JSON; NA where missing",
    "caveats": "names of caveats, space-separated; empty if none",
}


def state_frame(state: ItemState) -> ResultFrame:
    """One row: ``keys``, ``keys.<name>`` and :data:`STATE_COLUMNS`."""
    tz = state.time.tzinfo or UTC
    item = MISSING if state.item is None else state.item
    frame = ResultFrame(
        {
            "keys": texts([encode_image(state.keys)]),
            **{f"keys.{name}": objects([value]) for name, value in state.keys.items()},
            "status": texts([state.status]),
            "evidence": texts([state.evidence]),
            "since": _moments([state.since], tz),
            "until": _moments([state.until], tz),
            "item": objects([item]),
            "item_json": texts([None if state.item is None else encode_image(state.item)]),
            "caveats": texts([to_cell(state.caveats)]),
        }
    )
    frame.attrs["histlib"] = state.attrs()
    return frame


#: Columns of a since's row after the key's: name → what it holds.
SINCE_COLUMNS: Final[dict[str, str]] = {
    "path": "which value",
    "value": "Python value, or MISSING: nothing there",
    "value_json": "the same as image JSON; NA where missing",
    "status": "holds, held, never or unknown",
    "since": "when it began, datetime64[us, tz]; the earliest it may have; NaT: before the history tells",
    "until": "when it ended; the latest it may have; NaT: not ended",
    "from_latest": "it was so at the latest from then on; equal to since where that is exact",
    "before": "Python value before, or MISSING: nothing there, or not told",
    "before_json": "the same as image JSON; NA where missing",
    "set_by": "actor of the change that began it; NA where not known",
    "set_event": "that change's event_id; NA where it is missing, or came before the history",
    "ended_by": "actor of the change that ended it; NA where not known or not ended",
    "ended_event": "that change's event_id; NA likewise",
    "caveats": "names of caveats, space-separated; empty if none",
}


def since_frame(found: Since) -> ResultFrame:
    """One row: ``keys``, ``keys.<name>`` and :data:`SINCE_COLUMNS`."""
    told = {name: getattr(found, name) for name in ("path", "value", "status", "before")}
    told |= {name: _micros(getattr(found, name)) for name in ("since", "until", "from_latest")}
    told |= {f"{name}_json": _value_text(told[name]) for name in ("value", "before")}
    for name, change in (("set", found.change), ("ended", found.ended_by)):
        told |= {f"{name}_by": change and change.actor, f"{name}_event": change and change.event_id}
    told["caveats"] = to_cell(found.caveats)
    columns = {"keys": [encode_image(found.keys)], **{name: [told[name]] for name in SINCE_COLUMNS}}
    return answer_frame(columns, list(found.keys), found.time.tzinfo or UTC, found.attrs())


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _value_text(value: Any) -> str | None:
    return None if value is MISSING else encode_value(value)


def snapshot_frame(
    states: pa.Table, key_names: Sequence[str], columns: Sequence[Path], tz: tzinfo, attrs: dict[str, Any]
) -> ResultFrame:
    """A row a state (:data:`histlib.engines.bulk.states.SCHEMA`), with the values at some paths in columns of their
    own."""
    keys = states.column("keys").to_pylist()
    images = states.column("image").to_pylist()
    with collection_paused():
        items = [MISSING if image is None else decode_image(image) for image in images]
        data: dict[str, Any] = {"keys": arrow_texts(states.column("keys")), **key_objects(keys, key_names)}
        data |= {name: arrow_texts(states.column(name)) for name in ("status", "evidence")}
        data |= {name: arrow_times(states.column(name), tz) for name in ("since", "until")}
        data |= {"item": objects(items), "item_json": arrow_texts(states.column("image"))}
        data |= value_columns(items, columns)
        data["caveats"] = arrow_texts(states.column("caveats"))
        frame = ResultFrame(data)
    frame.attrs["histlib"] = attrs
    return frame


def affected_frame(
    columns: Mapping[str, Sequence[Any]],
    key_names: Sequence[str],
    paths: Sequence[Path],
    tz: tzinfo,
    attrs: dict[str, Any],
) -> ResultFrame:
    """The DataFrame of the columns of :func:`histlib.rules.hits.hit_columns`, with the values at some paths at
    since."""
    items = [decode_image(image) if isinstance(image, str) else MISSING for image in columns["image"]]
    plain = {name: values for name, values in columns.items() if name not in ("image", "caveats")}
    frame = answer_frame(plain, key_names, tz, attrs)
    for name, values in value_columns(items, paths).items():
        frame[name] = values
    frame["caveats"] = texts(columns["caveats"])
    return frame


#: Columns of activity: name → what it holds.
ACTIVITY_COLUMNS: Final[dict[str, str]] = {
    "period": "start of the period, datetime64[us, tz of the history]",
    "action": "INSERT, MODIFY or REMOVE",
    "path": "top-level attribute that changed; empty: the whole item, or not seen",
    "changes": "how many changes, int64",
    "items": "of how many items, int64",
}


def activity_frame(counts: pa.Table, tz: tzinfo, attrs: dict[str, Any]) -> ResultFrame:
    """The DataFrame of :class:`histlib.engines.queries.Activity`'s answer, in order of period, action and path."""
    ordered = counts.sort_by([(name, "ascending") for name in ("period", "action", "path")])
    data: dict[str, Any] = {"period": arrow_times(ordered.column("period"), tz)}
    data |= {name: arrow_texts(ordered.column(name)) for name in ("action", "path")}
    data |= {name: ordered.column(name).to_numpy() for name in ("changes", "items")}
    frame = ResultFrame(data)
    frame.attrs["histlib"] = attrs
    return frame


def sql_frame(answer: pa.Table, attrs: dict[str, Any]) -> ResultFrame:
    """The engine's columns: VARCHAR ``str`` · whole numbers ``Int64`` · DOUBLE ``float64`` (NULL is NaN) · BOOLEAN
    ``boolean`` · TIMESTAMP datetime64[us, UTC] · DATE ``str`` (``yyyy-MM-dd``) · DECIMAL ``str``, all its digits
    (without fraction digits and within 64 bits ``Int64``: what ``sum`` gives of whole numbers).

    Raises:
        RequestError: two columns of one name, or a type that a table cannot hold.
    """
    names = answer.column_names
    if len(set(names)) < len(names):
        twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
        raise RequestError(f"the answer has more than one column {twice}; name them with AS", twice)
    data = {name: _sql_column(name, answer.column(name)) for name in names}
    frame = ResultFrame(data, columns=names, index=range(answer.num_rows))
    frame.attrs["histlib"] = attrs
    return frame


def _sql_column(name: str, column: pa.ChunkedArray) -> Any:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_null(kind):
        return arrow_texts(column.cast(pa.string()))
    if pa.types.is_decimal(kind) and kind.scale == 0 and _fits(column):
        column, kind = column.cast(pa.int64()), pa.int64()
    if pa.types.is_integer(kind):
        return pd.array(column.cast(pa.int64()).to_pandas(integer_object_nulls=True), dtype="Int64")
    if pa.types.is_boolean(kind):
        return pd.array(column.to_pandas(), dtype="boolean")
    if pa.types.is_floating(kind):
        return column.cast(pa.float64()).to_numpy()
    if pa.types.is_timestamp(kind):
        return arrow_times(column.cast(pa.timestamp("us")).cast(pa.int64()), UTC)
    if pa.types.is_date(kind) or pa.types.is_decimal(kind):
        return texts([None if value is None else f"{value:f}" if kind != pa.date32() else value.isoformat()
                      for value in column.to_pylist()])  # fmt: skip
    raise RequestError(f"column {name} is {kind}, which a table cannot hold; CAST it AS VARCHAR", name)


def _fits(column: pa.ChunkedArray) -> bool:
    """Whether whole decimals, as the engine adds up whole numbers, are numbers of 64 bits."""
    return all(value is None or -(1 << 63) <= value < 1 << 63 for value in column.to_pylist())


def value_columns(items: Sequence[Any], columns: Sequence[Path]) -> dict[str, Any]:
    """``item.<path>`` and its twin for each path.

    Raises:
        RequestError: two columns would have one name.
    """
    data: dict[str, Any] = {}
    for path in columns:
        name = f"item.{format_path(path)}"
        if {name, f"{name}_json"} & data.keys():
            raise RequestError(f"two columns would be named {name}; ask for one of them, or for the item", name)
        values = [get(item, path) for item in items]
        data[name] = objects(values)
        data[f"{name}_json"] = texts(list(map(_value_text, values)))
    return data


@contextmanager
def collection_paused() -> Iterator[None]:
    """Without Python's garbage collector, which looks at a million new values again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def frame_json(frame: pd.DataFrame) -> str:
    """One JSON object: what the frame says of itself, and its ``rows``, see :func:`rows_json`."""
    attrs = json.dumps(frame.attrs.get("histlib", {}), ensure_ascii=False)
    return f'{attrs[:-1]}{", " if attrs != "{}" else ""}"rows":{rows_json(frame)}}}'


def rows_json(frame: pd.DataFrame) -> str:
    """A JSON array of the rows, values as image JSON and left out where missing, times as ISO 8601."""
    names = [name for name in frame.columns if not is_twin(frame, name)]
    columns = [_json_cells(frame, name) for name in names]
    labels = [json.dumps(name, ensure_ascii=False) for name in names]
    rows = (
        "{" + ",".join(f"{label}:{cell}" for label, cell in zip(labels, row, strict=True) if cell) + "}"
        for row in zip(*columns, strict=True)
    )
    return f"[{','.join(rows)}]"


def _json_cells(frame: pd.DataFrame, name: str) -> list[str]:
    """JSON texts; empty where missing."""
    if is_raw(frame):
        return [_json_cell(value) for value in frame[name]]
    if f"{name}_json" in frame.columns:
        return ["" if pd.isna(text) else text for text in frame[f"{name}_json"]]
    if name.startswith("keys."):
        return [_value_text(value) or "" for value in frame[name]]
    if name == "keys":
        return list(frame[name])
    return [_json_cell(value) for value in frame[name]]


def _json_cell(value: Any) -> str:
    if isinstance(value, datetime) and not pd.isna(value):
        return json.dumps(value.isoformat())
    if not isinstance(value, list) and pd.isna(value):
        return "null"
    return json.dumps(value.item() if isinstance(value, np.generic) else value, ensure_ascii=False)


def _moments(moments: Sequence[datetime | None], tz: tzinfo) -> pd.Series[Any]:
    """Aware times or None as datetime64[us, tz]."""
    micros = list(map(_micros, moments))
    return pd.Series(pd.array(np.array(micros, dtype="datetime64[us]"))).dt.tz_localize("UTC").dt.tz_convert(tz)


def times(micros: Sequence[int | None], tz: tzinfo) -> pd.DatetimeIndex:
    """Epoch µs as datetime64[us, tz]; None becomes NaT."""
    return pd.DatetimeIndex(np.array(micros, dtype="datetime64[us]")).tz_localize("UTC").tz_convert(tz)


def optional_times(micros: Sequence[int | None], tz: tzinfo) -> pd.DatetimeIndex:
    """Epoch µs as datetime64[us, tz]; None becomes NaT."""
    return times([np.iinfo(np.int64).min if at is None else at for at in micros], tz)


def objects(values: Sequence[Any]) -> pd.Series[Any]:
    """Python values as they are: texts stay objects, lists, dicts and sets stay whole."""
    return pd.Series(np.fromiter(values, dtype=object, count=len(values)), dtype=object)


def _heading(frame: pd.DataFrame) -> list[str]:
    attrs = frame.attrs.get("histlib", {})
    return [str(attrs["heading"])] if "heading" in attrs else []


def _footing(frame: pd.DataFrame, notes: Sequence[str]) -> list[str]:
    attrs = frame.attrs.get("histlib", {})
    lines = []
    if len(frame) > SHOWN_ROWS:
        lines.append(f"… {len(frame) - SHOWN_ROWS:,} more of {len(frame):,} rows")
    lines += notes
    if "completeness" in attrs:
        lines.append(f"{attrs['completeness']} · captured through {attrs['captured_through'] or 'not known'}")
    lines += attrs.get("notices", [])
    lines += [f"caveat {caveat['name']}: {caveat['detail']}" for caveat in attrs.get("caveats", [])]
    return lines


def arrow_texts(column: pa.ChunkedArray) -> Any:
    """A column of an engine's answer as pandas' ``str``, not copied."""
    return pd.Series(column, dtype=pd.StringDtype(na_value=np.nan)).array


def arrow_times(column: pa.ChunkedArray, tz: tzinfo) -> pd.DatetimeIndex:
    """Epoch µs of an engine's answer as datetime64[us, tz]; null becomes NaT."""
    nat = np.iinfo(np.int64).min
    micros = column.fill_null(nat).to_numpy().astype("datetime64[us]")
    return pd.DatetimeIndex(micros).tz_localize("UTC").tz_convert(tz)


def texts(values: Sequence[str | None]) -> Any:
    """Texts and None as pandas' ``str``."""
    return pd.array(list(values), dtype="str")


def key_objects(keys: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """The columns ``keys.<name>`` of canonical key texts that are all different."""
    decoded = [decode_image(text) for text in keys]
    return {f"keys.{name}": objects([key.get(name, MISSING) for key in decoded]) for name in names}


def key_columns(keys: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """The values of each key attribute, from canonical key texts."""
    decoded = {text: decode_image(text) for text in set(keys)}
    return {name: objects([decoded[text].get(name, MISSING) for text in keys]) for name in names}
