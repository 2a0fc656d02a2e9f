"""Statements run by the real clients over the stand-in: right rows or the right error, and nothing left behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from histlib import progress
from histlib.engines.athena.running.runner import Runner
from histlib.engines.athena.statements.statement import Statement
from histlib.engines.athena.table.address import Address
from histlib.errors import RequestError, SourceError
from histlib.stores.aws.session import make_session
from tests.support.athena.aws import OUTPUT, OUTPUT_BUCKET, entered, serving
from tests.support.athena.plain_engine import PlainEngine
from tests.support.places import ROOT

ADDRESS = Address("histories", "products", output=OUTPUT.rstrip("/"))
TEXTS = [
    None,
    "",
    "it's 'quoted' \"twice\"",
    "100 % of ?",
    "two\nlines\r\nand\ttab",
    "日本語のキー",
    "🛒🧨",
    "\\ backslash",
    "',?--",
    "x" * 1_100,
    "🛒" * 600,
    "'" * 600 + "?\n%",
]
SCHEMA = pa.schema([("number", pa.int64()), ("text", pa.string()), ("flag", pa.bool_())])


@pytest.fixture(scope="module")
def server():
    with serving(PlainEngine) as aws:
        yield aws


@pytest.fixture
def aws(server):
    """An empty AWS with one table ``t`` of all kinds of texts."""
    with entered(server):
        server.engine.reset()
        flags = [None, True, False]
        rows = [{"number": at, "text": text, "flag": flags[at % 3]} for at, text in enumerate(TEXTS)]
        server.engine.tables["t"] = pa.Table.from_pylist(rows, SCHEMA)
        yield server


@pytest.fixture
def runner(aws):
    return made()


def made(address: Address = ADDRESS, **given) -> Runner:
    """A runner as a source has it."""
    return Runner(make_session(None, None, None), address, **given)


def everything(where: str = "", parameters: tuple = ()) -> Statement:
    return Statement(f"SELECT number, text, flag FROM t {where}", SCHEMA, parameters)


def by_number(table: pa.Table) -> list[dict]:
    return table.sort_by("number").to_pylist()


def objects(aws) -> list[str]:
    """Keys of all that lies among the results."""
    return [one["Key"] for one in aws.client("s3").list_objects_v2(Bucket=OUTPUT_BUCKET).get("Contents", [])]


def many(aws, rows: int) -> Statement:
    """A statement that yields so many rows of three lines each."""
    numbers = pa.array(range(rows), pa.int64())
    texts = pa.array([f"row\n{number},\n\"'" for number in range(rows)])
    aws.engine.tables["many"] = pa.table({"number": numbers, "text": texts})
    return Statement("SELECT number, text FROM many", aws.engine.tables["many"].schema)


BOTH = pytest.mark.parametrize("how", ["rows", "unload"])


@BOTH
def test_rows_come_as_they_are(how, aws, runner):
    """NULL and '' differ, quotes, lines, percent signs, Japanese and emoji stay; columns have their types."""
    found = getattr(runner, how)(everything())
    assert found.schema == SCHEMA
    assert by_number(found) == aws.engine.tables["t"].to_pylist()


@BOTH
@pytest.mark.parametrize("text", TEXTS[1:])
def test_a_value_finds_the_row_that_has_it(how, text, aws, runner):
    """Whatever it holds and however long it is; Athena gets no parameter that it would refuse."""
    found = getattr(runner, how)(everything("WHERE text = ? AND number >= ?", (text, 0)))
    assert [row["text"] for row in found.to_pylist()] == [text]
    (query,) = aws.standin.queries
    assert len(query.parameters) == 1 + (0 < len(text.replace("'", "''").encode("utf-16-le")) // 2 <= 1_022)


@BOTH
def test_nothing_found_has_columns_all_the_same(how, runner):
    """And their types."""
    found = getattr(runner, how)(everything("WHERE number < ?", (0,)))
    assert (found.num_rows, found.schema) == (0, SCHEMA)


@pytest.mark.parametrize("rows", [998, 999, 1_000, 1_001, 1_999, 2_000, 5_000])
def test_rows_over_pages(rows, aws, runner):
    """None is lost and none comes twice where pages meet."""
    found = runner.rows(many(aws, rows))
    assert found.equals(aws.engine.tables["many"])


def test_a_wide_answer_comes_in_tables(aws, runner):
    """File by file, each typed."""
    aws.engine.files = 7
    tables = list(runner.unload_chunks(many(aws, 5_000)))
    assert len(tables) == 7
    assert pa.concat_tables(tables).sort_by("number").equals(aws.engine.tables["many"])


def test_an_unload_leaves_nothing(aws, runner):
    """Neither files, nor manifest, nor metadata."""
    assert runner.unload(everything()).num_rows == len(TEXTS)
    assert objects(aws) == []


def test_a_workgroup_that_enforces_its_output(aws):
    """Its place is used, whatever the address says, and tidied; a space in it does no harm."""
    aws.bucket("elsewhere")
    aws.standin.add_workgroup("team", output="s3://elsewhere/of my/team/", enforce=True)
    runner = made(Address("histories", "products", "team", ADDRESS.output))
    assert runner.unload(everything()).num_rows == len(TEXTS)
    assert "s3://elsewhere/of my/team/histlib-" in aws.standin.queries[0].sql
    assert runner.rows(everything()).num_rows == len(TEXTS)
    assert objects(aws) == []
    left = aws.client("s3").list_objects_v2(Bucket="elsewhere")["Contents"]
    assert {one["Key"].partition(".csv")[0] for one in left} == {f"of my/team/{aws.standin.queries[1].id}"}


@BOTH
def test_no_output_location_is_an_error_that_says_so(how, aws):
    """Nobody makes a bucket."""
    with pytest.raises(RequestError, match=r"no output location.*output=s3://bucket/prefix"):
        getattr(made(Address("histories", "products")), how)(everything())
    assert [one["Name"] for one in aws.client("s3").list_buckets()["Buckets"]] == [OUTPUT_BUCKET]


@BOTH
def test_no_such_workgroup(how, aws):
    """Named, with the Region that was asked."""
    with pytest.raises(RequestError, match="in eu-west-1: there is no workgroup nobody"):
        getattr(made(Address("histories", "products", "nobody", ADDRESS.output)), how)(everything())


def test_results_are_reused_by_text_alone(aws, runner):
    """Another value is another text, so no answer of another question is taken; what is reused costs nothing."""
    aws.engine.scanned = 50_000_000
    texts = [runner.rows(everything("WHERE text = ?", (text,)), reuse_minutes=60)["text"].to_pylist()
             for text in ("日本語のキー", "🛒🧨", "日本語のキー")]  # fmt: skip
    assert texts == [["日本語のキー"], ["🛒🧨"], ["日本語のキー"]]
    assert [query.parameters for query in aws.standin.queries] == [[], [], []]
    assert [(query.reused, query.cost) for query in runner.queries] == [(False, 0.00025), (False, 0.00025), (True, 0.0)]


def test_what_queries_cost_is_kept(aws, runner):
    """With SQL to paste, the values in place; a megabyte begun counts, and at least ten."""
    aws.engine.scanned = 12_000_001
    runner.rows(everything("WHERE text = ?", ("it's",)))
    aws.engine.scanned = 5
    runner.unload(everything())
    small, large = runner.queries[1], runner.queries[0]
    assert large.sql == "SELECT number, text, flag FROM t WHERE text = 'it''s'"
    assert (large.state, large.scanned, large.id) == ("SUCCEEDED", 12_000_001, aws.standin.queries[0].id)
    assert (large.cost, small.cost) == (pytest.approx(13e6 * 5 / 1e12), pytest.approx(10e6 * 5 / 1e12))
    assert large.seconds > 0
    assert large.seconds == large.seconds


def test_more_than_the_limit_is_refused(aws):
    """Before anything is asked: both numbers, and how to allow it."""
    runner = made(limit=1_000_000)
    runner.refuse(1_000_000)
    with pytest.raises(RequestError) as caught:
        runner.refuse(2_500_001)
    for text in ("2,500,001 bytes", "limit of 1,000,000", "max_scan_bytes=2500001", "--max-scan-bytes 2500001"):
        assert text in str(caught.value)
    assert aws.standin.queries == []
    made().refuse(1 << 60)


def test_the_cutoff_of_the_workgroup(aws):
    """Its number is looked up."""
    aws.standin.add_workgroup("small", output=OUTPUT, cutoff=10_000_000)
    aws.engine.scanned = 11_000_000
    with pytest.raises(SourceError, match=r"small cut the query .* at its limit of 10,000,000 bytes"):
        made(Address("histories", "products", "small")).rows(everything())


@BOTH
def test_a_statement_that_is_too_long(how, aws, runner):
    """Is refused here, with both sizes; nothing is asked."""
    with pytest.raises(RequestError, match="Athena takes 262,144"):
        getattr(runner, how)(everything("WHERE text = ?", ("é" * 131_072,)))
    assert aws.standin.queries == []


THROTTLED = ["StartQueryExecution", "GetQueryExecution", "GetQueryResults", "GetWorkGroup"]


@pytest.mark.parametrize("operation", THROTTLED)
@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
def test_throttling_is_sat_out(operation, code, aws, runner, monkeypatch):
    """Two refusals change nothing, and are counted; the query runs once."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    aws.standin.faults.throttle(operation, 2, code)
    how = "unload" if operation == "GetWorkGroup" else "rows"
    assert getattr(runner, how)(everything()).num_rows == len(TEXTS)
    assert len(aws.standin.queries) == 1
    if operation != "GetWorkGroup":
        assert runner.queries[0].throttled == [code] * 2
        assert "throttled 2 times, asked again" in str(runner.queries[0])


def test_throttling_without_end_is_an_error(aws, runner, monkeypatch):
    """That says what to do."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    aws.standin.faults.throttle("StartQueryExecution", 100)
    with pytest.raises(SourceError, match=r"Athena throttles \(ThrottlingException\).*ask again in a minute"):
        runner.rows(everything())


@BOTH
def test_a_failed_query(how, aws, runner):
    """Its reason as an error, and nothing left behind."""
    name = "changes/2026/01/01/a.gz"
    aws.standin.faults.fail(f"HIVE_CURSOR_ERROR: Failed to read file at s3://landing/products/{name}")
    with pytest.raises(SourceError, match=f"python -m pipeline quarantine s3://landing/products/{name}"):
        getattr(runner, how)(everything())
    assert objects(aws) == []
    assert (runner.queries[0].state, runner.queries[0].cost) == ("FAILED", 0.0)


@BOTH
def test_a_query_cancelled_by_someone_else(how, aws, runner):
    """Is said to be."""
    with aws.standin.faults.hold() as hold:

        def cancel():
            hold.started.wait(20)
            aws.client("athena").stop_query_execution(QueryExecutionId=aws.standin.queries[0].id)

        threading.Thread(target=cancel).start()
        with pytest.raises(SourceError, match="someone else cancelled the query"):
            getattr(runner, how)(everything())
    assert objects(aws) == []


@pytest.mark.parametrize("kind", ["token", "wrong_token", "repeat"])
@pytest.mark.parametrize("page", [0, 1, 2])
def test_pages_cut_off_are_never_an_answer(kind, page, aws, runner):
    """A missing mark, a wrong one, a page that comes twice."""
    aws.standin.faults.cut(kind, page)
    with pytest.raises(SourceError, match=r"cannot be read|refuses: Invalid NextToken"):
        runner.rows(many(aws, 3_500))


@pytest.mark.parametrize("page", [0, 1])
def test_a_page_that_breaks_off_is_fetched_again(page, aws, runner):
    """The connection closes in the middle of its body."""
    aws.standin.faults.cut("body", page)
    assert runner.rows(many(aws, 3_500)).num_rows == 3_500


@pytest.mark.filterwarnings("ignore:.*is left behind in S3")
def test_pages_are_counted_by_statistics_where_the_file_is_denied(aws, runner, monkeypatch):
    """And where those do not come either, there is no answer."""
    statement = many(aws, 1_500)
    runner.rows(statement)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert made().rows(statement).num_rows == 1_500
    aws.standin.faults.refuse("GetQueryRuntimeStatistics", "AccessDeniedException")
    with pytest.raises(SourceError, match="allow s3:GetObject"):
        made().rows(statement)


def credentials(token: str) -> None:
    """Write what ``aws sso login`` or a tool like it leaves in the shared file."""
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        f"[default]\naws_access_key_id=testing\naws_secret_access_key=testing\naws_session_token={token}\n"
    )


@pytest.fixture
def shared_credentials(aws, monkeypatch):
    """Credentials from the file, not from the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    credentials("first")


@BOTH
@pytest.mark.parametrize("operation", ["GetQueryExecution", "StartQueryExecution"])
def test_renewed_credentials_are_taken_up(how, operation, aws, shared_credentials):
    """A token that expires in the middle of a query, with another in the file by then: nobody notices."""
    runner = made()
    runner._session.get_credentials()
    credentials("second")
    aws.standin.faults.expire_token(operation, 1)
    assert getattr(runner, how)(everything()).num_rows == len(TEXTS)
    assert len(aws.standin.queries) == 1
    assert runner._session.get_credentials().token == "second"


@BOTH
@pytest.mark.filterwarnings("ignore:.*may be filled yet")
def test_an_expired_token_says_how_to_renew_it(how, aws, runner):
    """Nobody watches, so nobody would renew it: the query, started once, is stopped where that is still allowed."""
    aws.standin.faults.expire_token("GetQueryExecution")
    with pytest.raises(SourceError, match="aws sso login") as caught:
        getattr(runner, how)(everything())
    assert len(aws.standin.asked("StartQueryExecution")) == 1
    (query,) = aws.standin.queries
    assert caught.value.__notes__ == [f"the query {query.id} was stopped in Athena"]


def test_a_query_that_cannot_be_stopped(aws, runner):
    """Is told, with the command that stops it."""
    aws.standin.faults.expire_token("GetQueryExecution")
    aws.standin.faults.expire_token("StopQueryExecution")
    with aws.standin.faults.hold(), pytest.raises(SourceError, match="aws sso login") as caught:
        runner.rows(everything())
    (query,) = aws.standin.queries
    assert f"aws athena stop-query-execution --query-execution-id {query.id}" in caught.value.__notes__[0]


class Terminal(io.StringIO):
    """A terminal's standard error."""

    def isatty(self) -> bool:
        return True


@BOTH
def test_a_person_may_renew_a_token_in_the_middle(how, aws, shared_credentials, monkeypatch):
    """The query is found again by its id, and was started once; meanwhile the terminal says what to do."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    runner = made()
    aws.standin.faults.expire_token("GetQueryExecution")

    def renew():
        while "aws sso login" not in terminal.getvalue():
            time.sleep(0.02)
        aws.standin.faults.clear()

    thread = threading.Thread(target=renew)
    thread.start()
    assert getattr(runner, how)(everything()).num_rows == len(TEXTS)
    thread.join()
    assert len(aws.standin.asked("StartQueryExecution")) == 1


def test_a_person_who_waits_sees_how_it_stands(aws, runner, monkeypatch):
    """State, seconds, bytes and money."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    with aws.standin.faults.hold() as hold:
        thread = threading.Thread(target=runner.rows, args=[everything()])
        thread.start()
        while "running · " not in terminal.getvalue():
            time.sleep(0.02)
        hold.release()
        thread.join()
    assert "Athena: running · " in terminal.getvalue()
    assert "0 B scanned · about $0.0000" in terminal.getvalue()


CUT = [lambda content: content[:-9], lambda content: content[:99] + b"?" * 99 + content[198:]]


@pytest.mark.parametrize("damage", CUT)
def test_a_damaged_file_of_an_unload(damage, aws, runner):
    """Is an error, and all is tidied."""
    aws.engine.damage = damage
    with pytest.raises(SourceError, match="cannot be read"):
        runner.unload(many(aws, 5_000))
    assert objects(aws) == []


def test_an_unload_that_is_given_up_is_tidied(aws, runner):
    """By who took the first table and no other."""
    tables = runner.unload_chunks(many(aws, 5_000))
    next(tables)
    tables.close()
    assert objects(aws) == []


def test_what_cannot_be_removed_is_told(aws, runner, monkeypatch):
    """By name, as a warning: the answer stands."""
    asked = []

    def refuse(**_):
        asked.append(1)
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObject")

    monkeypatch.setattr(runner._s3, "delete_object", refuse)
    with pytest.warns(UserWarning, match=r"s3://query-results/.* is left behind in S3 \(AccessDenied\)"):
        assert runner.unload(everything()).num_rows == len(TEXTS)
    assert asked


PROGRAM = """
from tests.engines.athena.test_running import everything, made

made().{how}(everything())
"""


@BOTH
def test_ctrl_c_stops_the_query_in_athena(how, aws):
    """The process ends, says what was billed, and leaves nothing: neither a query nor objects."""
    aws.engine.sticks = how == "unload"
    with aws.standin.faults.hold() as hold:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(how=how)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert hold.started.wait(60)
        if how == "unload":
            hold.release()
            assert aws.engine.stuck.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    (query,) = aws.standin.queries
    assert query.state == "CANCELLED"
    assert "KeyboardInterrupt: interrupted after" in said
    assert f"the query {query.id} was stopped in Athena; 0 B scanned, about $0.0000 billed" in said
    assert objects(aws) == []


class TimesUpError(Exception):
    """What a signal handler raises."""


@BOTH
def test_whatever_interrupts_stops_the_query(how, aws, runner):
    """A handler of a signal may raise anything; it comes out as it was, with a note of what was billed."""

    def raise_it(*_):
        raise TimesUpError

    before = signal.signal(signal.SIGUSR1, raise_it)
    try:
        with aws.standin.faults.hold() as hold:

            def interrupt():
                hold.started.wait(20)
                os.kill(os.getpid(), signal.SIGUSR1)

            threading.Thread(target=interrupt).start()
            with pytest.raises(TimesUpError) as caught:
                getattr(runner, how)(everything())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert aws.standin.queries[0].ended.wait(20)
    assert aws.standin.queries[0].state == "CANCELLED"
    assert any("was stopped in Athena" in note and "billed" in note for note in caught.value.__notes__)
    assert objects(aws) == []
