"""The deployed table, read by real Trino: the SerDe gives the record back, the projection finds the days."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from histlib.format.record import COLUMNS
from tests.support.athena.engines import Answer, EngineError
from tests.support.athena.trino_engine import TrinoEngine
from tests.support.history.landings import lines, record
from tests.trino.trino_histories import DATABASE, TABLE, land, make_table

DAY = "2026/01/01"
AWKWARD = (
    """it's "quoted" \\ back""",
    "100% of ? or :name",
    "two\nlines\r\tand a tab",
    "日本語テスト",
    "👍🏽 𠮷野家",
    "null",
    "",
    "\u0001\u007f\u2028",
    "1" * 38,
    "-0.00000000000000000000000000000000000001",
    "e\u0301 is not \u00e9",
    '{"a":{"$B":"AAE="}}',
    "x" * 200_000,
)


@pytest.fixture
def ask(trino: TrinoEngine):
    """Ask the table, over no objects yet."""
    make_table()

    def asked(sql: str, *parameters: str) -> Answer:
        return trino.select(sql, parameters, DATABASE, threading.Event())

    return asked


def test_each_field_comes_back_as_it_was_written(ask):
    """Every column of the record, null ones too; the time text is a timestamp."""
    written = record(1, old_image=None, timestamp_utc="2026-01-01 12:00:01")
    land([written])
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    answer = ask(f"SELECT {names} FROM {TABLE} WHERE dateday = ?", f"'{DAY}'")
    expected = {name: None if value is None else str(value) for name, value in written.items()}
    assert dict(zip(COLUMNS, answer.rows[0], strict=True)) == expected | {"timestamp_utc": "2026-01-01 12:00:01.000"}
    glue = {"string": "varchar", "int": "integer", "timestamp": "timestamp(3)"}
    assert answer.columns == [(name, glue.get(kind, kind)) for name, kind in COLUMNS.items()]


def test_text_is_kept_whatever_is_in_it(ask):
    """Quotes, line ends, controls, Japanese, emoji, 38 digits, '' and null: each comes back, and is found by value."""
    land([record(number, actor=text) for number, text in enumerate(AWKWARD)] + [record(99, actor=None)])
    answer = ask(f"SELECT actor FROM {TABLE} WHERE dateday = '{DAY}' ORDER BY sequence_number")
    assert [actor for (actor,) in answer.rows] == [*AWKWARD, None]
    for number, text in enumerate(AWKWARD):
        literal = "'" + text.replace("'", "''") + "'"
        found = ask(f"SELECT event_id FROM {TABLE} WHERE dateday = '{DAY}' AND actor = ?", literal)
        assert found.rows == [(f"event-{number}",)]


def test_images_are_text_with_every_digit(ask):
    """The image is a string in the record, so no SerDe re-renders it."""
    image = '{"id":"a","n":12345678901234567890123456789012345678,"s":"a\\"b\\\\c","z":0.10}'
    land([record(1, new_image=image)])
    assert ask(f"SELECT new_image FROM {TABLE} WHERE dateday = '{DAY}'").rows == [(image,)]


def test_a_new_day_shows_with_no_action(ask):
    """An object in a day's prefix is seen at once, today's and that of a day which had none; no partition is added."""
    today = datetime.now(UTC)
    days = [f"{today - timedelta(days=ago):%Y/%m/%d}" for ago in (2, 1, 0)]
    sql = f"SELECT event_id, dateday FROM {TABLE} WHERE dateday BETWEEN '{days[0]}' AND '{days[2]}' ORDER BY 1"
    seen = []
    for number, day in enumerate(days):
        land([record(number)], day)
        seen.append((f"event-{number}", day))
        assert ask(sql).rows == seen


def test_only_the_days_asked_for_are_read(ask):
    """Both bounds hold, and the bytes scanned are those of the objects in the days between, as they lie there."""
    sizes = [land([record(number, actor="x" * number * 100)], f"2026/01/0{number}")[1] for number in (1, 2, 3, 4)]
    answer = ask(
        f"SELECT event_id, new_image FROM {TABLE} WHERE dateday >= ? AND dateday <= ? ORDER BY 1",
        "'2026/01/02'",
        "'2026/01/03'",
    )
    assert [event for event, _ in answer.rows] == ["event-2", "event-3"]
    assert answer.scanned == sizes[1] + sizes[2]


def test_a_row_tells_its_object(ask):
    """``"$path"`` is the object's address."""
    addresses = [land([record(number)], name=f"{number} 日+%.gz")[0] for number in (1, 2)]
    answer = ask(f"SELECT event_id, \"$path\" FROM {TABLE} WHERE dateday = '{DAY}' ORDER BY 1")
    assert answer.rows == [("event-1", addresses[0]), ("event-2", addresses[1])]


def test_hidden_files_are_no_data(ask):
    """``_revision`` and the like, in ``changes/`` or in a day, are not read."""
    land([record(1)])
    land(b"no json", name="_revision")
    land(b"no json", name=".hidden.gz")
    assert ask(f"SELECT event_id FROM {TABLE} WHERE dateday = '{DAY}'").rows == [("event-1",)]


MALFORMED = (
    b'{"format":1,"event_id":"cut',
    b"no json\n",
    b"[1]\n",
    b"\n",
    b'{"event_id":"\xff"}\n',
    b'{"event_id":{"a":1}}\n',
    b'{"timestamp":"x"}\n',
    b'{"timestamp":99999999999999999999}\n',
    b'{"timestamp_utc":"x"}\n',
)


@pytest.mark.parametrize("malformed", MALFORMED)
def test_a_malformed_line_fails_the_query(ask, malformed):
    """A line that is no object, an empty line, a value of another type: an error that names the object."""
    address, _ = land(lines([record(1)]) + malformed)
    with pytest.raises(EngineError) as error:
        ask(f"SELECT event_id, timestamp, timestamp_utc FROM {TABLE} WHERE dateday = '{DAY}'")
    assert error.value.reason == f"HIVE_CURSOR_ERROR: Failed to read file at {address}"


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b'{"event_id":"a"}{"event_id":"b"}', "a"),  # the second record is lost: records must end in a line end
        (b'{"event_id":"a","event_id":"b"}', "b"),
        (b'{"EVENT_ID":"a"}', "a"),
        (b'{"event_id":7.10}', "7.10"),
        (b'{"event_id":"\\ud83d"}', "?"),
        (b"\xef\xbb\xbf" + b'{"event_id":"a"}', "a"),
        (b"{}", None),
    ],
)
def test_what_is_taken_without_a_word(ask, line, event):
    """Lines that no recorder writes, and of which Trino says nothing: what it makes of them is known."""
    land(line + b"\n")
    assert ask(f"SELECT event_id FROM {TABLE} WHERE dateday = '{DAY}'").rows == [(event,)]
