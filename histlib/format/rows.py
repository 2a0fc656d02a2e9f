"""Rows of the index: a record's fields, the landing file it was read from, and the hash of its key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from histlib.errors import ValueNotValidError
from histlib.format.key_forms import ATTRIBUTE, FORM, PARTS, form_pattern, key_form
from histlib.format.record import ACTIONS, COLUMNS, EMPTY_IMAGE, FORMAT, NULLABLE, PRECISIONS, SEQUENCE_DIGITS, VIEWS
from histlib.values.image_json import decode_image, encode_image, encode_value

_ARROW: Final = {"int": pa.int64(), "bigint": pa.int64(), "string": pa.string(), "timestamp": pa.string()}

#: The record's fields as the landing gives them (``timestamp_utc`` stays text).
RECORD_SCHEMA: Final = pa.schema([(name, _ARROW[kind]) for name, kind in COLUMNS.items()])

#: Fields that others tell already, so that the index need not hold them.
_DERIVED: Final = ["format", "timestamp", "timestamp_utc"]

#: What a row of the index holds: the record, its landing file, and what it is sorted by.
ROW_SCHEMA: Final = pa.schema(
    [
        *(field for field in RECORD_SCHEMA if field.name not in _DERIVED),
        pa.field("file", pa.string()),
        pa.field("key_hash", pa.uint64()),
    ]
)

#: Columns of few different texts.
REPEATED: Final = ("table", "stream", "view", "action", "precision", "actor", "redaction", "file")

_REQUIRED: Final = [name for name in COLUMNS if name not in NULLABLE]
_ALLOWED: Final = {"action": ACTIONS, "view": VIEWS, "precision": tuple(PRECISIONS)}
_IMAGES: Final = ("keys", "new_image", "old_image")
#: A string without \\u escapes, or a number, as canonical text.
_SIMPLE_VALUE: Final = r'(?:"(?:[^"\\\x00-\x1f]|\\["\\bfnrt])*"|-?[1-9]\d*(?:\.\d*[1-9])?|-?0\.\d*[1-9]|0)'
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_PYTHON: Final = {pa.string(): str, pa.int64(): int}
_Line: Final = msgspec.defstruct(
    "_Line",
    [(name, _PYTHON[RECORD_SCHEMA.field(name).type]) for name in _REQUIRED]
    + [(name, _PYTHON[RECORD_SCHEMA.field(name).type] | None, None) for name in COLUMNS if name in NULLABLE],
)
_line_decoder: Final = msgspec.json.Decoder(_Line)


class NotARecordError(ValueError):
    """A line that is no record of format 1; the message says why."""


def key_hash(keys: str) -> int:
    """A hash of a canonical key text that is the same on every machine and in every version (64 bit)."""
    return int.from_bytes(hashlib.blake2b(keys.encode(), digest_size=8).digest(), "big")


def hash_column(keys: pa.ChunkedArray) -> pa.Array:
    """:func:`key_hash` of a column of key texts."""
    blake2b = hashlib.blake2b
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in keys.to_pylist()])
    return pa.array(np.frombuffer(digests, dtype=">u8").astype(np.uint64))


def acceptable(table: pa.Table) -> bool:
    """Whether every row is a record of format 1; vectorised, says only yes or no."""
    if any(table.column(name).null_count for name in _REQUIRED):
        return False
    if not pc.all(pc.equal(table.column("format"), FORMAT)).as_py():
        return False
    if any(not set(pc.unique(table.column(name)).to_pylist()) <= set(allowed) for name, allowed in _ALLOWED.items()):
        return False
    sequences = pc.drop_null(table.column("sequence_number"))
    digits = pc.and_(pc.equal(pc.binary_length(sequences), SEQUENCE_DIGITS), pc.ascii_is_decimal(sequences))
    return all(pc.all(check, min_count=0).as_py() for check in (digits, *_are_objects(table))) and _keys_canonical(
        table
    )


def _are_objects(table: pa.Table) -> Iterator[Any]:
    for name in _IMAGES:
        texts = pc.drop_null(table.column(name))
        yield pc.and_(pc.starts_with(texts, "{"), pc.ends_with(texts, "}"))


def _keys_canonical(table: pa.Table) -> bool:
    """Whether each key would be found by its text: those like the first at a glance, others one by one."""
    keys = table.column("keys")
    if not len(keys):
        return True
    usual = pc.match_substring_regex(keys, _like(keys[0].as_py()))
    return all(map(is_canonical, pc.unique(keys.filter(pc.invert(usual))).to_pylist()))


def _like(keys: str) -> str:
    """A pattern that only canonical keys with the same attributes match (none where this one cannot be read)."""
    try:
        names = list(map(encode_value, sorted(decode_image(keys))))
    except ValueNotValidError:
        names = []
    if not names:
        return r"^\b\B$"
    return (
        "^" + re.escape("{") + ",".join(f"{re.escape(name)}:{_SIMPLE_VALUE}" for name in names) + re.escape("}") + "$"
    )


def is_canonical(keys: str) -> bool:
    """Whether a key's text is the one by which it is asked for; one without attributes is none."""
    try:
        found = decode_image(keys)
        return bool(found) and encode_image(found) == keys
    except ValueNotValidError:
        return False


def key_forms(keys: pa.ChunkedArray) -> pa.Array:
    """:func:`histlib.format.key_forms.key_form` of a column of key texts: those like the first at a glance."""
    if not len(keys):
        return pa.array([], pa.string())
    first = keys[0].as_py()
    unlike = pc.invert(pc.match_substring_regex(keys, form_pattern(first))).combine_chunks()
    others = pc.replace_substring_regex(
        keys.filter(unlike), ATTRIBUTE, "".join(f"\\{part}" for part in PARTS)
    ).combine_chunks()
    others = pc.if_else(pc.match_substring_regex(others, FORM), others, "")
    return pc.replace_with_mask(pa.repeat(key_form(first), len(keys)), unlike, others)


def is_record(line: bytes) -> bool:
    """Whether a line is a record of format 1."""
    try:
        decode_line(line)
    except NotARecordError:
        return False
    return True


def decode_line(line: bytes) -> dict[str, Any]:
    """The fields of one line.

    Raises:
        NotARecordError: not JSON, not a record, or fields of another type; says which.
    """
    try:
        fields = msgspec.structs.asdict(_line_decoder.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotARecordError(str(error)) from error
    if fields["format"] != FORMAT:
        raise NotARecordError(f"format {fields['format']}, expected {FORMAT}")
    for name, allowed in _ALLOWED.items():
        if fields[name] not in allowed:
            raise NotARecordError(f"{name} {fields[name]!r}, expected one of {', '.join(allowed)}")
    number = fields["sequence_number"]
    if number is not None and not (len(number) == SEQUENCE_DIGITS and number.isascii() and number.isdecimal()):
        raise NotARecordError(f"sequence_number {number!r}, expected {SEQUENCE_DIGITS} digits")
    for name in _IMAGES:
        if fields[name] is not None and not (fields[name].startswith("{") and fields[name].endswith("}")):
            raise NotARecordError(f"{name} is no JSON object")
    if not is_canonical(fields["keys"]):
        raise NotARecordError(f"keys {fields['keys'][:200]} are not canonical image JSON, so no question finds them")
    return fields


def without_empty_images(records: pa.Table) -> pa.Table:
    """The records, an empty image being none."""
    for name in ("new_image", "old_image"):
        texts = records.column(name)
        empty = pc.match_substring_regex(texts, EMPTY_IMAGE)
        if pc.any(empty, min_count=0).as_py():
            kept = pc.if_else(empty, pa.scalar(None, texts.type), texts)
            records = records.set_column(records.schema.get_field_index(name), name, kept)
    return records


def rows_table(records: pa.Table, files: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Index rows from records and the file of each."""
    rows = records.drop_columns(_DERIVED).append_column("file", files)
    return rows.append_column("key_hash", hash_column(records.column("keys")))


def narrow(table: pa.Table, names: Sequence[str] = REPEATED) -> pa.Table:
    """The same rows with numbers for the texts of some columns: such rows are moved at half the cost."""
    for name in names:
        if not pa.types.is_dictionary(table.schema.field(name).type):
            table = table.set_column(table.schema.get_field_index(name), name, table.column(name).dictionary_encode())
    return table.unify_dictionaries()


def sort_rows(table: pa.Table) -> pa.Table:
    """The rows by key hash, then stream (whose ARN ends in its time), then sequence number.

    Keys that share a hash lie mixed: whoever reads by hash looks at the key too.
    """
    if not table.num_rows:
        return table
    table = narrow(table)
    return table.take(pa.array(row_order(table)))


def row_order(table: pa.Table) -> Any:
    """Where each row comes from when the rows are sorted so."""
    words = [word for word in _sequence_words(table) if len(word) and np.ptp(word)]
    return np.lexsort([*words, _stream_ranks(table), table.column("key_hash").to_numpy()])


def identity_hashes(table: pa.Table) -> Any:
    """A number for each row, the same for deliveries of one change (stream and sequence number, else the event id),
    whatever other rows stand beside it."""
    hashes = _stream_hashes(table)
    for word in _sequence_words(table):
        hashes = (hashes ^ word.astype(np.uint64)) * _MIX
        hashes ^= hashes >> np.uint64(29)
    nameless = pc.or_(pc.is_null(table.column("sequence_number")), pc.is_null(table.column("stream")))
    at = np.flatnonzero(nameless.to_numpy(zero_copy_only=False))
    if len(at):
        hashes[at] = hash_column(table.column("event_id").take(pa.array(at))).to_numpy()
    return hashes


def _stream_codes(table: pa.Table) -> pa.DictionaryArray:
    return pc.fill_null(table.column("stream").cast(pa.string()), "").combine_chunks().dictionary_encode()


def _stream_hashes(table: pa.Table) -> Any:
    codes = _stream_codes(table)
    hashes = np.array([key_hash(text) for text in codes.dictionary.to_pylist()], dtype=np.uint64)
    return hashes[codes.indices.to_numpy()]


def _stream_ranks(table: pa.Table) -> Any:
    codes = _stream_codes(table)
    ranks = pc.rank(codes.dictionary, tiebreaker="dense")
    return ranks.take(codes.indices).to_numpy(zero_copy_only=False)


def _sequence_words(table: pa.Table) -> list[Any]:
    """The sequence numbers as numbers of 8 digits each, the last digits first."""
    filled = pc.fill_null(table.column("sequence_number"), "0" * SEQUENCE_DIGITS)
    texts = filled.combine_chunks().cast(pa.binary(SEQUENCE_DIGITS))
    raw = np.frombuffer(texts.buffers()[1], dtype=">u8", offset=texts.offset * SEQUENCE_DIGITS)
    words = raw.reshape(-1, SEQUENCE_DIGITS // 8)[: len(texts)].T.astype(np.uint64)
    return list(words[::-1])


def empty_rows() -> pa.Table:
    """No rows."""
    return ROW_SCHEMA.empty_table()


def concat(tables: Iterable[pa.Table]) -> pa.Table:
    """All rows, in one table; an empty one where there are none."""
    found: Sequence[pa.Table] = list(tables)
    return pa.concat_tables(found) if found else empty_rows()
