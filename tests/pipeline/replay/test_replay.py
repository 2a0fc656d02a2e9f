"""Replay: the same handler, into a history on disk that lacks nothing, the same whenever it is made."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import histlib
from histlib import samples
from histlib.errors import NotAHistoryError
from pipeline.cli import main
from pipeline.events.files import read_events
from pipeline.functions.recorder.redact import Redaction
from pipeline.replay.local import Faults
from pipeline.replay.replay import ReplayError, ReplayOptions, replay
from tests.support.pipeline.capture import EVENTS, STREAM, event, lines_in, record


def tree(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def days(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder / "changes").as_posix() for path in folder.glob("changes/*/*/*"))


def numbered(sequence: int, second: float = 1603679304.0, **attributes: Any) -> dict[str, Any]:
    one = record(sequence, **attributes)
    one["dynamodb"]["ApproximateCreationDateTime"] = second
    return one


def test_sample_is_captured_whole_and_twice_is_once(tmp_path: Path) -> None:
    """Every record of a bundled incident lands; a second replay leaves every file as it is, _revision included."""
    sent = [one["eventID"] for event in samples.events("orders") for one in event["Records"]]
    first = replay(samples.events("orders"), tmp_path)
    assert sorted(line["event_id"] for line in lines_in(tmp_path)) == sorted(sent)
    assert (first.records, first.unchanged, first.whole) == (len(sent), 0, True)
    before = tree(tmp_path)
    second = replay(samples.events("orders"), tmp_path)
    assert tree(tmp_path) == before
    assert (second.objects, second.unchanged) == (0, first.objects)


@pytest.mark.parametrize(
    ("event", "delay", "arrived"),
    [
        ({"Records": [numbered(1)]}, 60, "02-29-24"),
        ({"Records": [numbered(1)]}, 0, "02-28-24"),
        ({"Records": [numbered(1), numbered(2, 1603679334)]}, 60, "02-29-24"),
        ({"Records": [numbered(1), numbered(2, 1603679604)]}, 60, "02-33-24"),
        ({"Records": [numbered(1)], "arrival": "2020-10-26T05:00:01Z"}, 60, "05-00-01"),
        ({"Records": [numbered(1)], "arrival": "2020-10-26T05:00:01"}, 60, "05-00-01"),
        ({"Records": [numbered(1)], "arrival": "2020-10-26T14:00:01+09:00"}, 60, "05-00-01"),
    ],
)
def test_arrival(tmp_path: Path, event: dict[str, Any], delay: float, arrived: str) -> None:
    """A batch arrives a delay after its first change, never before its last, or when the event says."""
    replay([event], tmp_path, ReplayOptions(delay=delay))
    (name,) = [file.name for file in tmp_path.glob("changes/2020/10/26/*")]
    assert name.startswith(f"replay-1-2020-10-26-{arrived}-")


def test_late_delivery_lies_in_the_day_of_arrival(tmp_path: Path) -> None:
    """A change of one day that arrives on the next is found under the next, with its own time."""
    replay([{"Records": [numbered(1)], "arrival": "2020-10-27T00:10:00Z"}], tmp_path)
    assert days(tmp_path) == ["2020/10/27"]
    assert [line["timestamp_utc"] for line in lines_in(tmp_path)] == ["2020-10-26 02:28:24"]


def test_writing_into_a_past_day_replaces_revision(tmp_path: Path) -> None:
    """What an index or a result cache knew of a day that is over no longer holds, and _revision says so."""
    replay([{"Records": [numbered(1)]}], tmp_path)
    before = (tmp_path / "changes" / "_revision").read_text()
    replay([{"Records": [numbered(2)]}], tmp_path)
    assert (tmp_path / "changes" / "_revision").read_text() != before


faults = st.builds(
    Faults,
    throttle=st.floats(0, 0.9),
    refuse=st.floats(0, 0.9),
    s3=st.floats(0, 0.9),
    seed=st.integers(0, 10**6),
)


@given(faults, st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_troubles_lose_nothing(tmp_path_factory: pytest.TempPathFactory, faults: Faults, sizes: list[int]) -> None:
    """Under throttling, partial failures and S3's refusals each change is in the landing, or in what is set aside."""
    folder = tmp_path_factory.mktemp("history")
    numbers = iter(range(95, 200))
    events = [{"Records": [numbered(next(numbers), big={"S": "x" * 300_000}) for _ in range(size)]} for size in sizes]
    result = replay(events, folder, ReplayOptions(faults=faults))
    found = {line["event_id"] for line in lines_in(folder)}
    found |= {one["eventID"] for event in read_events(map(str, result.set_aside)) for one in event["Records"]}
    assert found == {one["eventID"] for event in events for one in event["Records"]}
    assert result.whole == (not result.set_aside)


def test_what_cannot_be_delivered_is_kept_and_can_be_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A batch that fails for good is set aside in Lambda's own shape, said; replayed later, it lands."""
    history = tmp_path / "history"
    result = replay([event("modify")], history, ReplayOptions(faults=Faults(throttle=1)))
    assert lines_in(history) == []
    (aside,) = result.set_aside
    assert aside.relative_to(history).as_posix().startswith("aws/lambda/local/shardId-0/2020/10/26/2020-10-26T02.")
    assert list(read_events([str(aside)])) == [event("modify")]
    assert not result.whole
    assert main(["replay", str(aside), "--into", str(history)]) == 0
    assert [line["event_id"] for line in lines_in(history)] == [event("modify")["Records"][0]["eventID"]]
    assert "1 new object in" in capsys.readouterr().out


def test_batches_go_on_from_the_checkpoint(tmp_path: Path) -> None:
    """After a failure only what is at or after the lowest failed number is sent again, by number and not by text."""
    events = [{"Records": [numbered(99), numbered(100), numbered(101)]}]
    for one in events[0]["Records"][1:]:
        one["dynamodb"]["NewImage"]["big"] = {"S": '"' * 520_000}
    result = replay(events, tmp_path, ReplayOptions(faults=Faults(s3=0.99, seed=5)))
    landed = [int(line["sequence_number"]) for line in lines_in(tmp_path)]
    aside = [one for event in read_events(map(str, result.set_aside)) for one in event["Records"]]
    assert landed.count(99) == 1
    assert {*landed, *(int(one["dynamodb"]["SequenceNumber"]) for one in aside)} == {99, 100, 101}


def test_redaction_reaches_every_file(tmp_path: Path) -> None:
    """Nothing that REDACT names is on disk: not in the landing, not under failed/, not in what is set aside."""
    records = [numbered(1, email={"S": "SECRET"}), numbered(2, email={"S": "SECRET"}, bad={"Q": 1})]
    replay([{"Records": records}], tmp_path, ReplayOptions(redact="email"))
    replay([{"Records": records}], tmp_path, ReplayOptions(redact="email", faults=Faults(throttle=1, s3=1)))
    found = tree(tmp_path)
    assert {name.split("/")[0] for name in found} == {"changes", "failed", "aws"}
    for name, data in found.items():
        assert b"SECRET" not in (gzip.decompress(data) if name.endswith(".gz") else data)


def test_one_table_to_a_folder(tmp_path: Path) -> None:
    """Events of another table are refused, within a replay and against what the folder holds."""
    other = record(8)
    other["eventSourceARN"] = other["eventSourceARN"].replace("todo-sample-table", "other")
    with pytest.raises(ReplayError, match=r"event 2 is of .*table/other, but .* is of .*table/todo-sample-table"):
        replay([event("insert"), {"Records": [other]}], tmp_path)
    assert len(lines_in(tmp_path)) == 1  # what came before is delivered
    with pytest.raises(ReplayError, match="event 1 is of"):
        replay([{"Records": [other]}], tmp_path)


def test_other_events_are_refused(tmp_path: Path) -> None:
    """An event of another service is an error that says which event."""
    with pytest.raises(ReplayError, match=r"event 2: eventSource 'aws:kinesis'"):
        replay([event("insert"), event("kinesis")], tmp_path)
    with pytest.raises(ReplayError, match="arrival is no ISO 8601 time"):
        replay([{**event("insert"), "arrival": "soon"}], tmp_path)


def test_command_tells_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One closing line, in words and numbers; a second run says that all was there."""
    command = ["replay", str(EVENTS / "insert.json"), str(EVENTS / "remove.json"), "--into", str(tmp_path / "h")]
    assert main(command) == 0
    assert capsys.readouterr().out == f"2 changes in 2 events: 2 new objects in {tmp_path / 'h'}/changes\n"
    assert main(command) == 0
    assert capsys.readouterr().out.endswith("/changes, 2 there already\n")


def test_command_takes_its_options(tmp_path: Path) -> None:
    """Delay, buffers and redaction do what they say."""
    command = ["replay", str(EVENTS / "insert.json"), str(EVENTS / "remove.json"), "--into", str(tmp_path)]
    options = ["--delay", "0", "--buffer-seconds", "3600", "--buffer-mib", "1", "--redact", "title"]
    assert main(command + options) == 0
    (name,) = [file.name for file in tmp_path.glob("changes/2020/10/26/*")]
    assert name.startswith("replay-1-2020-10-26-02-28-24-")
    assert all("title" not in (line["old_image"] or "") for line in lines_in(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "required: EVENTS, --into"),
        (["x.json", "--into", "h", "--delay", "-1"], 2, "expected a number from 0"),
        (["x.json", "--into", "h", "--delay", "soon"], 2, "invalid"),
        ([str(EVENTS / "insert.json"), "--into", "h", "--redact", "a..b"], 2, "no path at character"),
        ([str(EVENTS / "kinesis.json"), "--into", "h"], 2, "aws:kinesis"),
        (["x.json", "--into", "h"], 3, "x.json: cannot be read: No such file or directory"),
        ([str(EVENTS / "insert.json"), "--into", "file/h"], 3, "Not a directory"),
    ],
)
def test_errors_are_one_line(arguments: list[str], code: int, message: str, tmp_path: Path) -> None:
    """A wrong request exits 2, what cannot be read or written 3, each with one line that says why."""
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "pipeline", "replay", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    got, error = done.returncode, done.stderr
    assert (got, error.count("\n")) == (code, 1)
    assert message in error


def test_views_without_both_images_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A KEYS_ONLY stream is captured, and it is said that it will not tell states."""
    assert main(["replay", str(EVENTS / "view_keys_only.json"), "--into", str(tmp_path)]) == 0
    assert "3 changes of view KEYS_ONLY" in capsys.readouterr().err
    assert [line["new_image"] for line in lines_in(tmp_path)] == [None] * 3


def test_unconverted_are_said_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Changes that could not be converted are counted and named as kept; the exit code tells scripts."""
    for _ in range(2):
        assert main(["replay", str(EVENTS / "poison.json"), "--into", str(tmp_path)]) == 1
        assert f"4 changes could not be converted: kept in {tmp_path}/failed/records" in capsys.readouterr().err
    assert len(list((tmp_path / "failed" / "records").iterdir())) == 4


def test_damage_does_not_take_what_was_read_before(tmp_path: Path) -> None:
    """Events before a damaged line are delivered, though the command fails."""
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(event("insert")) + "\n{half")
    assert main(["replay", str(file), "--into", str(tmp_path / "h")]) == 3
    assert len(lines_in(tmp_path / "h")) == 1


GET_RECORDS = {
    "Records": [
        {
            "eventID": "e8",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "ap-northeast-1",
            "dynamodb": {
                "ApproximateCreationDateTime": "2020-10-26T11:28:24+09:00",
                "Keys": {"todoId": {"S": "t8"}},
                "NewImage": {"todoId": {"S": "t8"}, "n": {"N": 1.50}},
                "SequenceNumber": "100000000000000000008",
                "SizeBytes": 10,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }
    ],
    "NextShardIterator": "arn:aws:dynamodb:…",
}


def get_records(tmp_path: Path) -> Path:
    file = tmp_path / "get-records.json"
    file.write_text(json.dumps(GET_RECORDS, indent=4))
    return file


def test_what_get_records_prints_wants_its_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --stream-arn the reason is told and what to give; with it, into the same folder, all is as if it had been
    given at once: nothing waits any more."""
    command = ["replay", str(get_records(tmp_path)), "--into", str(tmp_path / "h")]
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "eventSourceARN is missing (1): give --stream-arn" in told
    assert f"{tmp_path}/get-records.json line 1 record 1 (eventID e8): eventSourceARN is missing" in told
    assert main([*command, "--stream-arn", STREAM]) == 0
    assert "1 change of before, not converted then, now there" in capsys.readouterr().out
    (line,) = lines_in(tmp_path / "h")
    assert (line["stream"], line["timestamp_utc"], line["precision"]) == (STREAM, "2020-10-26 02:28:24", "s")
    assert line["new_image"] == '{"n":1.5,"todoId":"t8"}'
    assert not (tmp_path / "h/failed/_unconverted.jsonl").exists()
    state = histlib.connect(tmp_path / "h").state_at("t8", "2020-10-26T02:28:24")
    assert (state.status, state.caveats) == ("present", ())
    before = tree(tmp_path / "h")
    assert main([*command, "--stream-arn", STREAM]) == 0
    assert {k: v for k, v in tree(tmp_path / "h").items() if ".histlib" not in k} == {
        k: v for k, v in before.items() if ".histlib" not in k
    }


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        ("todo", 2, "--stream-arn todo: expected arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL"),
        (STREAM.replace("ap-northeast-1", "eu-west-1"), 2, "is of Region ap-northeast-1, but --stream-arn names"),
        (STREAM.partition("/stream/")[0], 1, "eventSourceARN is missing (1)"),
    ],
)
def test_stream_arns_that_cannot_be(
    arn: str, code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """None, of another Region, a table's: nothing is made up from them."""
    assert main(["replay", str(get_records(tmp_path)), "--into", str(tmp_path / "h"), "--stream-arn", arn]) == code
    assert message in capsys.readouterr().err
    assert (tmp_path / "h").exists() == (code == 1)


def test_a_stream_that_records_name_counts(tmp_path: Path) -> None:
    """--stream-arn is for those that name none; another table's is another table's."""
    named, unnamed = numbered(1), numbered(2)
    del unnamed["eventSourceARN"]
    other = STREAM.replace("2020-10-26T02:20:31.328", "2020-10-27T00:00:00.000")
    replay([{"Records": [named, unnamed]}], tmp_path, ReplayOptions(stream=other))
    assert {line["event_id"]: line["stream"] for line in lines_in(tmp_path)} == {"event-1": STREAM, "event-2": other}
    with pytest.raises(ReplayError, match="event 1 is of .*table/others, but"):
        replay([{"Records": [unnamed]}], tmp_path, ReplayOptions(stream=other.replace("todo-sample-table", "others")))


def lacking(sequence: int, *fields: str, **dynamodb: Any) -> dict[str, Any]:
    made = numbered(sequence)
    made["dynamodb"] |= dynamodb
    for name in fields:
        made.pop(name, None)
        made["dynamodb"].pop(name, None)
    return made


def test_reasons_are_told_by_field_and_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing or wrong, of how many; ten of each on the terminal, all in a file, and no value of an item."""
    records = [lacking(number, "SequenceNumber", "StreamViewType") for number in range(1, 13)]
    records += [lacking(20, "eventID"), lacking(21, Keys={"todoId": {"S": "t21", "N": "1"}})]
    records += [lacking(22, ApproximateCreationDateTime="2020-10-26T11:28:24"), lacking(23, NewImage=None)]
    records += [numbered(30)]
    file = tmp_path / "in.json"
    file.write_text(json.dumps({"Records": records}))
    assert main(["replay", str(file), "--into", str(tmp_path / "h")]) == 1
    told = capsys.readouterr().err
    for line in (
        f"16 changes could not be converted: kept in {tmp_path}/h/failed/records",
        "  dynamodb.SequenceNumber is missing (12)",
        "  dynamodb.StreamViewType is missing (12)",
        "  eventID is missing (1)",
        "  dynamodb.Keys.todoId: no attribute as DynamoDB writes it (1)",
        "  dynamodb.ApproximateCreationDateTime is no time with its offset, like 2026-01-01T12:00:00Z or …+01:00 (1)",
        "  an image that the stream's view promises is missing: dynamodb.NewImage (1)",
        "  and 6 more changes",
        f"  all of them, with their reasons: {tmp_path}/h/failed/_unconverted.jsonl",
    ):
        assert f"pipeline: {line}\n" in told
    assert told.count(" record ") == 10
    kept = [json.loads(line) for line in (tmp_path / "h/failed/_unconverted.jsonl").read_text().splitlines()]
    assert [one["place"] for one in kept] == [f"{file} line 1 record {number}" for number in range(1, 17)]
    assert all((tmp_path / "h" / one["kept"]).is_file() and one["reasons"] for one in kept)
    assert "t21" not in (tmp_path / "h/failed/_unconverted.jsonl").read_text()
    assert len(lines_in(tmp_path / "h")) == 1


def test_changes_of_one_number_are_all_kept(tmp_path: Path) -> None:
    """In one event, in several, in several runs: what could not be converted is overwritten by nothing."""
    records = [lacking(5, "eventName", SizeBytes=size) for size in range(4)]
    replay([{"Records": records[:2]}, {"Records": records[2:3]}], tmp_path)
    result = replay([{"Records": records[3:]}], tmp_path)
    kept = [json.loads(file.read_bytes()) for file in (tmp_path / "failed/records").iterdir()]
    assert sorted(one["dynamodb"]["SizeBytes"] for one in kept) == [0, 1, 2, 3]
    assert (result.unconverted, len((tmp_path / "failed/_unconverted.jsonl").read_text().splitlines())) == (1, 4)


def test_what_is_mended_waits_no_longer(tmp_path: Path) -> None:
    """By the change that it is; others wait on, and are told on."""
    replay([{"Records": [lacking(1, "SequenceNumber"), lacking(2, "eventName"), lacking(3, "eventName")]}], tmp_path)
    result = replay([{"Records": [numbered(1), numbered(2), lacking(4, "eventName")]}], tmp_path)
    assert result.settled == 2
    waiting = {json.loads(file.read_bytes())["eventID"] for file in (tmp_path / "failed/records").iterdir()}
    assert waiting == {"event-3", "event-4"}
    told = [json.loads(line)["event_id"] for line in (tmp_path / "failed/_unconverted.jsonl").read_text().splitlines()]
    assert told == ["event-3", "event-4"]
    holes = histlib.connect(tmp_path).coverage().holes
    assert list(holes["kind"]) == ["unconverted"] * 2


def test_a_folder_just_written_is_a_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where every change failed: a question names what did, and why."""
    assert main(["replay", str(get_records(tmp_path)), "--into", str(tmp_path / "h")]) == 1
    with pytest.raises(NotAHistoryError) as told:
        histlib.connect(tmp_path / "h")
    assert "holds no change yet: what lies below failed/ or aws/lambda/ could not be converted" in str(told.value)
    assert "eventSourceARN is missing (1)" in str(told.value)
    assert "no history" not in str(told.value)
    replay([{"Records": []}], tmp_path / "empty")
    with pytest.raises(NotAHistoryError, match="holds no change yet: no files below changes/"):
        histlib.connect(tmp_path / "empty")


@pytest.mark.parametrize("given", [{"Records": [{"eventSource": "aws:sqs"}]}, {"a": 1}, {"Item": {}}])
def test_a_refused_run_leaves_nothing(tmp_path: Path, given: Any) -> None:
    """Neither the folder nor anything in it."""
    (tmp_path / "in.json").write_text(json.dumps(given))
    for into in (tmp_path / "new", tmp_path / "there"):
        (tmp_path / "there").mkdir(exist_ok=True)
        assert main(["replay", str(tmp_path / "in.json"), "--into", str(into)]) in (2, 3)
    assert not (tmp_path / "new").exists()
    assert not any((tmp_path / "there").iterdir())


def test_an_error_says_what_came_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written stays, and is said."""
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(event("insert")) + "\n" + json.dumps(event("modify")) + "\n{half")
    assert main(["replay", str(file), "--into", str(tmp_path / "h")]) == 3
    assert capsys.readouterr().err.endswith(f"; the 2 changes before it are in {tmp_path / 'h'}\n")
    assert len(lines_in(tmp_path / "h")) == 2


def test_changes_far_apart_arrive_apart(tmp_path: Path) -> None:
    """An event put together of months, as no stream has it, lies by days: a reader finds each change where it looks."""
    stamps = [1603679304, 1603679304 + 86_400, 1603679304 + 86_401, 1603679304 + 90 * 86_400, 1603679304]
    replay([{"Records": [numbered(number, stamp) for number, stamp in enumerate(stamps)]}], tmp_path)
    assert days(tmp_path) == ["2020/10/26", "2020/10/27", "2021/01/24"]
    assert len(lines_in(tmp_path)) == 5


def test_what_failed_is_replayed_from_where_it_is_kept(tmp_path: Path) -> None:
    """The folder of what failed, into the very history that it is in."""
    command = ["replay", str(get_records(tmp_path)), "--into", str(tmp_path / "h")]
    assert main(command) == 1
    command[1] = str(tmp_path / "h/failed/records")
    assert main([*command, "--stream-arn", STREAM]) == 0
    assert [line["event_id"] for line in lines_in(tmp_path / "h")] == ["e8"]
    assert not any((tmp_path / "h/failed/records").iterdir())


def test_a_record_redacted_before_says_so(tmp_path: Path) -> None:
    """Without the name of those rules its image would pass for whole."""
    kept = Redaction("title").apply_to_raw(numbered(1, title={"S": "SECRET"}))
    replay([{"Records": [kept]}], tmp_path)
    replay([{"Records": [{**kept, "eventID": "2"}]}], tmp_path, ReplayOptions(redact="done"))
    before, now = Redaction("title").id, Redaction("done").id
    assert {line["redaction"] for line in lines_in(tmp_path)} == {before, f"{before}+{now}"}
