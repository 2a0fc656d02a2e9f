"""Reading the landing: every good line counts, and what is not good is told by file and line."""

from __future__ import annotations

import errno
import gzip
import os
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histlib.engines.folder import landing
from histlib.engines.folder.source import EmbeddedSource
from histlib.engines.queries import Streams
from histlib.format.problems import Problems
from histlib.values.image_json import encode_image
from tests.support.effort import examples
from tests.support.history.landings import NOON, holes, ids, lines, numbers, put, record
from tests.support.values import items


def test_a_truncated_file_gives_its_readable_lines(tmp_path):
    """Of a truncated gzip the whole lines count, and the rest is told by file and line."""
    records = [record(number) for number in range(1, 200)]
    raw = gzip.compress(lines(records), mtime=0)
    put(tmp_path, [record(0)], name="good.gz")
    path = tmp_path / "changes/2026/01/01/torn.gz"
    path.write_bytes(raw[: len(raw) // 2])
    source = EmbeddedSource(tmp_path)
    found = numbers(source)
    (hole,) = holes(source)
    assert 10 < len(found) < 199
    assert (hole["kind"], hole["file"], hole["line"]) == ("unreadable", "changes/2026/01/01/torn.gz", None)
    assert f"line {len(found)}" in hole["detail"]
    assert hole["start"] == (NOON - 43_200 - 2 * 86_400) * 1_000_000
    assert hole["end"] == (NOON + 43_200 + 3_600) * 1_000_000


@pytest.mark.parametrize("name", ["a.gz", "a"])
def test_a_byte_order_mark_hides_no_change(tmp_path, name):
    """What an editor puts before the first line is no part of it."""
    put(tmp_path, b"\xef\xbb\xbf" + lines([record(1), record(2)]), name=name)
    source = EmbeddedSource(tmp_path)
    assert (numbers(source), holes(source)) == (ids(1, 2), [])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{not json\n", "malformed"),
        (b"17\n", "Expected `object`"),
        (b'{"format":1}\n', "missing required field"),
        (lines([record(9, format=2)]), "format 2"),
        (lines([record(9, action="UPDATE")]), "action 'UPDATE'"),
        (lines([record(9, sequence_number="17")]), "sequence_number '17'"),
        (lines([record(9, timestamp_micros="17")]), "timestamp_micros"),
        (lines([record(9, keys={})]), "keys {} are not"),
        (lines([record(9)]).replace(b'"{', b"{").replace(b'}"', b"}").replace(b'\\"', b'"'), "keys"),
        (lines([record(9)]).replace(b"event-9", b"\xff\xfe"), "utf-8"),
    ],
)
def test_a_bad_line_is_told_and_hides_no_other(tmp_path, line, why):
    """A line that is no record is told by file, line and reason; the lines around it count."""
    put(tmp_path, lines([record(1)]) + line + lines([record(2)]))
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1, 2)
    (hole,) = holes(source)
    assert (hole["file"], hole["line"]) == ("changes/2026/01/01/a.gz", 2)
    assert why.lower() in hole["detail"].lower()


def test_damage_inside_a_gzip_member_is_told(tmp_path):
    """A flipped byte never passes for sound: the lines before it count, the file is told."""
    records = [record(number) for number in range(2_000)]
    path = put(tmp_path, records)
    raw = bytearray(path.read_bytes())
    raw[len(raw) * 2 // 3] ^= 0xFF
    path.write_bytes(bytes(raw))
    source = EmbeddedSource(tmp_path)
    assert 100 < len(numbers(source)) <= 2_000
    assert any(hole["file"] == "changes/2026/01/01/a.gz" for hole in holes(source))


def test_members_blank_lines_and_plain_files_are_read(tmp_path):
    """Gzip of several members, plain text, blank lines, CRLF and a last line without its end are all fine."""
    one = gzip.compress(lines([record(1)])) + gzip.compress(lines([record(2)]))
    path = tmp_path / "changes/2026/01/01/members.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(one)
    put(tmp_path, b"\n" + lines([record(3)]).rstrip(b"\n") + b"\r\n\n" + lines([record(4)]).rstrip(b"\n"), name="plain")
    put(tmp_path, b"", name="empty.gz")
    put(tmp_path, b"", name="empty")
    source = EmbeddedSource(tmp_path)
    assert (numbers(source), holes(source)) == (ids(1, 2, 3, 4), [])


def test_a_foreign_file_is_told_once(tmp_path):
    """A file with no record at all is one entry, however long it is."""
    put(tmp_path, [record(1)])
    put(tmp_path, b"hello\n" * 10_000, name="notes.txt")
    put(tmp_path, b"x\n" * 500 + lines([record(2)]), name="half.gz")
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1, 2)
    found = holes(source)
    assert [hole["line"] for hole in found if hole["file"].endswith("notes.txt")] == [None]
    assert len([hole for hole in found if hole["file"].endswith("half.gz")]) == 101
    assert "400 more lines" in found[-1]["detail"] or any("400 more lines" in hole["detail"] for hole in found)


def test_keys_that_no_question_would_find_are_told(tmp_path):
    """A key that is not canonical text would be in no answer: it is told instead, whatever the lines around it are."""
    odd = [{"keys": text} for text in ('{"id": "a"}', '{"id":1.0}', '{"id":"a","id":"b"}', '{"z":1,"id":2}', "{]}")]
    put(tmp_path, [record(1), *(record(2 + at, **fields) for at, fields in enumerate(odd)), record(9)])
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1, 9)
    assert [hole["line"] for hole in holes(source)] == [2, 3, 4, 5, 6]


@given(st.lists(items, min_size=1, max_size=6), st.data())
def test_reading_in_bulk_and_line_by_line_agree(images, data):
    """Both ways of reading make the same rows of any sound lines."""
    nullable = st.none() | st.just("x")
    records = [
        record(
            number,
            keys=encode_image({"id": "k", "n": number}),
            new_image=data.draw(st.none() | st.just(image)),
            old_image=image,
            actor=data.draw(nullable),
            sequence_number=data.draw(st.none() | st.just(f"{number:040}")),
        )
        for number, image in enumerate(images)
    ]
    raw = lines(records)
    piece = landing.Piece(raw, [("changes/x", 1, raw)])
    table, problems = landing.parse_piece(piece)
    assert landing._parse_fast(raw) is not None
    slow, more = landing._parse_lines(piece)
    assert table.combine_chunks().equals(slow.combine_chunks())
    assert problems == more == Problems()


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32))
def test_no_damage_to_a_file_is_silent(tmp_path_factory, seed):
    """A gzip file with any bytes flipped, cut off or put in: either nothing is lost, or the file is told."""
    folder = tmp_path_factory.mktemp("history")
    put(folder, [record(0)], name="good.gz")
    path = put(folder, [record(number) for number in range(1, 60)])
    raw, dice = bytearray(path.read_bytes()), random.Random(seed)
    at = dice.randrange(len(raw))
    match dice.randrange(4):
        case 0:
            raw[at] ^= 1 << dice.randrange(8)
        case 1:
            del raw[at:]
        case 2:
            del raw[at : at + dice.randrange(1, 40)]
        case 3:
            raw[at:at] = dice.randbytes(dice.randrange(1, 40))
    path.write_bytes(raw)
    source = EmbeddedSource(folder)
    found = numbers(source)
    assert "event-0" in found
    assert found == ids(*range(60)) or [hole["file"] for hole in holes(source)][:1] == ["changes/2026/01/01/a.gz"]


def test_a_damaged_file_casts_doubt_as_far_as_its_changes_claim(tmp_path):
    """Of a damaged file any digit may be wrong: the hole reaches to the last stamp read from it, wherever that is."""
    path = put(tmp_path, [record(1), record(2, seconds=NOON + 90 * 86_400)])
    raw = bytearray(path.read_bytes())
    raw[-8] ^= 1
    path.write_bytes(raw)
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1, 2)
    (hole,) = holes(source)
    assert (hole["line"], hole["end"]) == (None, (NOON + 90 * 86_400) * 1_000_000)


def test_a_file_without_ends_of_lines_is_given_up(tmp_path, monkeypatch):
    """What has no end of a line for far longer than any record is told, and not gathered in memory."""
    monkeypatch.setattr(landing, "MAX_LINE_BYTES", 10_000)
    monkeypatch.setattr(landing, "PIECE_BYTES", 1_000)
    put(tmp_path, lines([record(1)]) + b"x" * 1_000_000 + b"\n" + lines([record(2)]), name="blob")
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1)
    (hole,) = holes(source)
    assert "from line 2 on: no end of a line" in hole["detail"]


def test_what_cannot_be_opened_is_told_and_tried_again(tmp_path):
    """A link to nowhere, or a pipe, is told; once it can be read, its lines are in the answer and nothing is told."""
    put(tmp_path, [record(1)])
    day = tmp_path / "changes/2026/01/01"
    (day / "link.gz").symlink_to(tmp_path / "later")
    os.mkfifo(day / "pipe")
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1)
    assert [hole["file"].rpartition("/")[2] for hole in holes(source)] == ["link.gz", "pipe"]
    (day / "pipe").unlink()
    (tmp_path / "later").write_bytes(lines([record(2)]))
    assert (numbers(source), holes(source)) == (ids(1, 2), [])


def test_a_file_that_fails_to_read_is_read_at_the_next_question(tmp_path, monkeypatch):
    """A disk or share that fails for a moment hides nothing for longer than that."""
    put(tmp_path, [record(1)])
    source = EmbeddedSource(tmp_path)
    source.fetch(Streams())
    put(tmp_path, [record(2)], name="b.gz")

    def failing(path):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(landing, "_uncompressed", failing)
        assert numbers(source) == ids(1)
        assert [hole["detail"] for hole in holes(source)] == ["cannot be read: Input/output error"]
    assert (numbers(source), holes(source)) == (ids(1, 2), [])


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no names that are not UTF-8")
def test_a_name_that_is_no_text_is_told(tmp_path):
    """A file or folder whose name is not UTF-8 breaks nothing, and is told."""
    put(tmp_path, [record(1)])
    (tmp_path / "changes/2026" / os.fsdecode(b"\xff")).mkdir()
    (tmp_path / "changes/2026/01/01" / os.fsdecode(b"\xfe.gz")).write_bytes(b"")
    source = EmbeddedSource(tmp_path)
    assert numbers(source) == ids(1)
    assert sorted(hole["file"] for hole in holes(source)) == ["changes/2026/01/01/\\xfe.gz", "changes/2026/\\xff"]
