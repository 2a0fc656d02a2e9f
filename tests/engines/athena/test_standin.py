"""The stand-in for Athena, asked by the unmodified clients that histlib uses."""

from __future__ import annotations

import os
import signal
import threading

import awswrangler as wr
import boto3
import botocore.exceptions
import pyathena
import pytest
from pyathena.pandas.cursor import PandasCursor
from pyathena.util import RetryConfig

from tests.support.athena.aws import OUTPUT
from tests.support.athena.histories import put_history
from tests.support.history.landings import put, record

DAYS = "dateday BETWEEN '2026/01/01' AND '2026/01/02'"
NASTY = "quo\"te, comma's, 日本 😀\nline\ttab % ? \\ "


@pytest.fixture
def things(athena, tmp_path):
    """A history of two days: three changes, then 1,500 of another item."""
    put(tmp_path, [record(1, actor=NASTY), record(2, actor=""), record(3, actor=None)])
    put(tmp_path, [record(n, "b") for n in range(10, 1_510)], day="2026/01/02")
    put_history(tmp_path, "histories", "things/", "histories", "things")
    return athena


def cursor(kind=pyathena.cursor.Cursor, **settings):
    """A cursor as histlib would have it, with few retries."""
    settings = {"s3_staging_dir": OUTPUT, "poll_interval": 0.02, "work_group": "primary", **settings}
    once = RetryConfig(attempt=2, multiplier=0, max_delay=0)
    return pyathena.connect(schema_name="histories", retry_config=once, cursor_class=kind, **settings).cursor()


def ask(sql, parameters=None, **settings):
    """The rows of a query with execution parameters."""
    return cursor(**settings).execute(sql, parameters, paramstyle="qmark").fetchall()


def test_parameters_null_and_empty(things):
    """Execution parameters arrive as literals; NULL, the empty text and any other come back as they were."""
    sql = f"SELECT actor FROM things WHERE {DAYS} AND event_id IN (?, ?, ?) ORDER BY event_id"
    assert ask(sql, ["'event-1'", "'event-2'", "'event-3'"]) == [(NASTY,), ("",), (None,)]
    assert things.standin.queries[0].parameters == ["'event-1'", "'event-2'", "'event-3'"]
    assert ask(f"SELECT event_id FROM things WHERE {DAYS} AND actor = ?", ["'" + NASTY.replace("'", "''") + "'"]) == [
        ("event-1",)
    ]


def test_result_file(things):
    """The CSV in S3: values quoted, quotes doubled, NULL without quotes; its metadata beside it."""
    run = cursor()
    run.execute("SELECT actor, timestamp_utc FROM things WHERE dateday = '2026/01/01' ORDER BY event_id")
    bucket, key = run.output_location.removeprefix("s3://").split("/", 1)
    assert key.endswith(f"/{run.query_id}.csv")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    time = '"2026-01-01 12:00:00.000"'
    quoted = NASTY.replace('"', '""')
    assert body == f'"actor","timestamp_utc"\n"{quoted}",{time}\n"",{time}\n,{time}\n'
    assert boto3.client("s3").get_object(Bucket=bucket, Key=f"{key}.metadata")["Body"].read() == b""


def test_pages(things):
    """More than 1,000 rows come in pages, of which only the first begins with the names."""
    rows = ask(f"SELECT event_id FROM things WHERE {DAYS} AND keys = ? ORDER BY timestamp", ["""'{"id":"b"}'"""])
    assert rows == [(f"event-{n}",) for n in range(10, 1_510)]
    pages = things.standin.asked("GetQueryResults")
    assert len(pages) == 2
    assert "NextToken" in pages[1]


def test_scanned_bytes_follow_the_days(things):
    """Only the objects of the days that the WHERE admits count as scanned."""
    sizes = {one["Key"]: one["Size"] for one in boto3.client("s3").list_objects_v2(Bucket="histories")["Contents"]}
    first = sizes["things/changes/2026/01/01/a.gz"]
    for where, scanned in [
        ("dateday = '2026/01/01'", first),
        ("dateday <= '2026/01/01' AND keys LIKE '{%'", first),
        ("(dateday IN ('2026/01/01') OR dateday < '2020/01/01')", first),
        ("dateday > '2027/01/01'", 0),
        ("keys = 'x' OR dateday = '2026/01/01'", sum(sizes.values())),
        ("TRUE", sum(sizes.values())),
    ]:
        run = cursor()
        run.execute(f"SELECT count(*) FROM things WHERE {where}")
        assert run.data_scanned_in_bytes == scanned, where


def test_days_beyond_projection_are_silent(things):
    """Of days before the range and after today nothing is read, and nothing said: as Athena does."""
    raw = boto3.client("s3").get_object(Bucket="histories", Key="things/changes/2026/01/01/a.gz")["Body"].read()
    for day in ("2011/12/31", "2099/01/01"):
        boto3.client("s3").put_object(Bucket="histories", Key=f"things/changes/{day}/a.gz", Body=raw)
    boto3.client("s3").put_object(Bucket="histories", Key="things/changes/2026/01/01/_hidden.gz", Body=b"no gzip")
    assert ask("SELECT count(*) FROM things") == [(1_503,)]


def test_on_start_and_poll(things):
    """The id is told before the first poll."""
    seen = []
    sql = "SELECT 1"
    run = cursor()
    run.execute(sql, on_start_query_execution=seen.append)
    assert seen == [run.query_id] == [things.standin.queries[0].id]
    assert [one.state for one in things.standin.queries] == ["SUCCEEDED"]


def test_cancel(things):
    """StopQueryExecution ends a held query as CANCELLED."""
    with things.standin.faults.hold("SELECT 2") as hold:
        run = cursor(on_poll=lambda told: hold.started.is_set() and run.cancel())
        with pytest.raises(pyathena.error.OperationalError, match="cancelled"):
            run.execute("SELECT 2")
    assert things.standin.queries[0].state == "CANCELLED"
    assert things.standin.asked("StopQueryExecution")[0] == {"QueryExecutionId": things.standin.queries[0].id}


def test_interrupt_stops_the_query(things):
    """Ctrl-C while the client waits: the client stops the query in Athena."""
    with things.standin.faults.hold() as hold:
        threading.Thread(target=lambda: (hold.started.wait(20), os.kill(os.getpid(), signal.SIGINT))).start()
        run = cursor(kill_on_interrupt=True)
        with pytest.raises((KeyboardInterrupt, pyathena.error.OperationalError)):
            run.execute("SELECT 3")
        assert things.standin.queries[0].ended.wait(20)
    assert things.standin.queries[0].state == "CANCELLED"


def test_stop_interrupts_a_running_engine(things):
    """A query that computes for long ends soon after it is stopped."""
    client = boto3.client("athena")
    many = "UNNEST(sequence(1, 1000000))"
    sql = f"SELECT count(*) FROM {many} a(x) CROSS JOIN {many} b(y) WHERE x % 7 = y % 5"
    id_ = client.start_query_execution(QueryString=sql, ResultConfiguration={"OutputLocation": OUTPUT})[
        "QueryExecutionId"
    ]
    query = things.standin.query(id_)
    assert not query.ended.wait(0.3), query.reason
    client.stop_query_execution(QueryExecutionId=id_)
    assert query.ended.wait(20)
    assert query.state == "CANCELLED"


def test_pyathena_unload(things):
    """PyAthena's own UNLOAD mode: it finds the files by the manifest; NULL and '' are kept."""
    run = cursor(PandasCursor, cursor_kwargs={"unload": True})
    frame = run.execute(f"SELECT event_id, actor FROM things WHERE {DAYS}").as_pandas()
    actors = frame.set_index("event_id")["actor"]
    assert len(actors) == 1_503
    assert (actors["event-1"], actors["event-2"]) == (NASTY, "")
    assert actors.isna()["event-3"]
    assert things.standin.queries[0].kind == "UNLOAD"


def test_wrangler_unload_approach(things):
    """awswrangler's read by UNLOAD: all rows, NULL and '' kept, and nothing left of its files."""
    sql = f"SELECT event_id, actor, timestamp_micros FROM things WHERE {DAYS}"
    target = f"{OUTPUT}unloaded/"
    frame = wr.athena.read_sql_query(
        sql, "histories", ctas_approach=False, unload_approach=True, s3_output=target, keep_files=False,
        dtype_backend="pyarrow", athena_query_wait_polling_delay=0.02,
    )  # fmt: skip
    assert len(frame) == 1_503
    actors = frame.set_index("event_id")["actor"]
    assert (actors["event-1"], actors["event-2"]) == (NASTY, "")
    assert actors.isna()["event-3"]
    assert boto3.client("s3").list_objects_v2(Bucket="query-results", Prefix="athena/unloaded/")["KeyCount"] == 0
    assert things.standin.queries[0].update_count == 1_503


def test_wrangler_unload(things):
    """awswrangler.athena.unload: structs stay structs; a second one into the same place is refused."""
    packed = "CAST(ROW(keys, size_bytes) AS ROW(keys VARCHAR, size BIGINT)) AS packed"
    sql = f"SELECT {packed} FROM things WHERE dateday = '2026/01/01'"
    target = f"{OUTPUT}packed/"
    unload = {"path": target, "database": "histories", "athena_query_wait_polling_delay": 0.02}
    told = wr.athena.unload(sql, **unload)
    assert told.manifest_location.endswith("-manifest.csv")
    body = boto3.client("s3").get_object(Bucket="query-results", Key=told.manifest_location.split("/", 3)[3])["Body"]
    rows = wr.s3.read_parquet(body.read().decode().split())["packed"].tolist()
    assert rows == [{"keys": '{"id":"a"}', "size": 10}] * 3
    with pytest.raises(wr.exceptions.QueryFailed, match="HIVE_PATH_ALREADY_EXISTS"):
        wr.athena.unload(sql, **unload)


def test_wrangler_unload_of_nothing(things):
    """No rows: no files and an empty manifest, which awswrangler takes for an error of its own."""
    sql = "SELECT keys FROM things WHERE dateday = '2020/01/01'"
    with pytest.raises(wr.exceptions.EmptyDataFrame):
        wr.athena.read_sql_query(
            sql, "histories", ctas_approach=False, unload_approach=True, s3_output=f"{OUTPUT}none/",
            athena_query_wait_polling_delay=0.02,
        )  # fmt: skip
    query = things.standin.queries[0]
    assert (query.state, query.update_count) == ("SUCCEEDED", 0)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT keys FROM nothing", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.histories.nothing' does not"),
        ("SELECT keys FROM nowhere.things", "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist"),
        ("SELECT nothing FROM things", "SYNTAX_ERROR"),
        ("SELECT FROM WHERE", "SYNTAX_ERROR"),
        ("SELECT keys FROM things WHERE keys = ?", "Incorrect number of parameters: expected 1 but found 0"),
        ("SELECT json_extract_scalar(keys, 'x') FROM things", "INVALID_FUNCTION_ARGUMENT: Invalid JSON path: 'x'"),
        ("INSERT INTO things VALUES (1)", "NOT_SUPPORTED"),
    ],
)
def test_failed_queries(things, sql, reason):
    """A query that cannot run ends as FAILED with the engine's reason."""
    with pytest.raises(pyathena.error.OperationalError, match=reason.split(":")[0]) as raised:
        cursor().execute(sql)
    assert reason in str(raised.value)
    assert things.standin.queries[0].state == "FAILED"


@pytest.mark.parametrize("body", [b"no gzip at all", b'{"format": 1'])
def test_unreadable_object_is_named(things, body):
    """A damaged object or a broken line fails the query, and the reason names the object."""
    name = "a.gz" if body.startswith(b"no") else "broken.json"
    key = f"things/changes/2026/01/01/{name}"
    boto3.client("s3").put_object(Bucket="histories", Key=key, Body=body)
    with pytest.raises(pyathena.error.OperationalError, match=f"HIVE_CURSOR_ERROR: .*s3://histories/{key}"):
        ask("SELECT count(*) FROM things WHERE dateday = '2026/01/01'")


def refused(**request):
    """The code and message with which StartQueryExecution refuses a request."""
    request = {"ResultConfiguration": {"OutputLocation": OUTPUT}, **request}
    client = boto3.client("athena", config=botocore.config.Config(parameter_validation=False))
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.start_query_execution(**request)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def test_refused_requests(things):
    """What Athena refuses before a query begins."""
    sql = "SELECT 1 WHERE 'x' = ?"
    for parameter in ("", "'" + "x" * 1_023 + "'"):
        code, message = refused(QueryString=sql, ExecutionParameters=[parameter])
        assert code == "ValidationException"
        assert "executionParameters" in message
    assert refused(QueryString="SELECT '" + "x" * 262_144 + "'")[0] == "ValidationException"
    assert refused(QueryString=sql, WorkGroup="none") == ("InvalidRequestException", "WorkGroup is not found.")
    assert "No output location provided" in refused(QueryString=sql, ResultConfiguration={})[1]
    assert things.standin.queries == []
    assert ask("SELECT 1 WHERE length(?) = 1022", ["'" + "x" * 1_022 + "'"]) == [(1,)]


def test_unknown_and_unfinished_queries(things):
    """GetQueryResults of a query that is unknown, still runs, or failed."""
    client = boto3.client("athena")
    with pytest.raises(client.exceptions.InvalidRequestException, match="QueryExecution 12345678 was not found"):
        client.get_query_execution(QueryExecutionId="12345678")
    with things.standin.faults.hold() as hold:
        started = client.start_query_execution(QueryString="SELECT 1", ResultConfiguration={"OutputLocation": OUTPUT})
        started.pop("ResponseMetadata")
        hold.started.wait(20)
        with pytest.raises(client.exceptions.InvalidRequestException, match="Current state: RUNNING"):
            client.get_query_results(**started)
    assert things.standin.query(started["QueryExecutionId"]).ended.wait(20)
    told = client.batch_get_query_execution(QueryExecutionIds=[started["QueryExecutionId"], "x"])
    assert [one["Status"]["State"] for one in told["QueryExecutions"]] == ["SUCCEEDED"]
    assert told["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"] == "x"
    assert client.list_query_executions()["QueryExecutionIds"] == [started["QueryExecutionId"]]


def test_workgroup(things):
    """A workgroup that enforces its settings keeps results where it says; its cutoff cancels a greedy query."""
    things.standin.add_workgroup("team", output="s3://query-results/team/", enforce=True, cutoff=500)
    run = cursor(work_group="team")
    run.execute("SELECT 1")
    assert run.output_location == f"s3://query-results/team/{run.query_id}.csv"
    with pytest.raises(pyathena.error.OperationalError, match="Bytes scanned limit was exceeded"):
        run.execute("SELECT count(*) FROM things")
    assert things.standin.queries[1].state == "CANCELLED"
    assert things.standin.queries[1].scanned > 500


def test_reuse_does_not_see_new_data(things, tmp_path):
    """A reused result is the old one although the data have changed; without reuse the new is seen."""
    sql = "SELECT count(*) FROM things WHERE dateday = '2026/01/03'"
    reuse = {"result_reuse_enable": True, "result_reuse_minutes": 60}
    assert ask(sql, **reuse) == [(0,)]
    put(tmp_path, [record(5)], day="2026/01/03")
    put_history(tmp_path)
    again = cursor(**reuse)
    assert again.execute(sql).fetchall() == [(0,)]
    assert again.reused_previous_result
    assert again.data_scanned_in_bytes == 0
    assert ask(sql) == [(1,)]
    assert ask(sql.replace("03", "02"), **reuse) == [(1_500,)]


def test_throttled_calls_are_tried_again(things):
    """Throttling of each call that a query needs: the clients try again and succeed."""
    for operation in ("StartQueryExecution", "GetQueryExecution", "GetQueryResults"):
        things.standin.faults.throttle(operation, 1)
    assert ask("SELECT 4") == [(4,)]
    assert len(things.standin.asked("StartQueryExecution")) == 2
    things.standin.faults.throttle("StartQueryExecution", 100, "TooManyRequestsException")
    with pytest.raises(pyathena.error.DatabaseError, match="Rate exceeded"):
        ask("SELECT 5")


def test_expired_token(things):
    """An expired token in mid-query is an error of the client; the query goes on, and its result can be fetched."""
    things.standin.faults.expire_token("GetQueryExecution", 1)
    seen = []
    with pytest.raises(pyathena.error.OperationalError, match="ExpiredTokenException"):
        cursor().execute("SELECT 6", on_start_query_execution=seen.append)
    query = things.standin.query(seen[0])
    assert query.ended.wait(20)
    rows = boto3.client("athena").get_query_results(QueryExecutionId=query.id)["ResultSet"]["Rows"]
    assert rows == [{"Data": [{"VarCharValue": "_col0"}]}, {"Data": [{"VarCharValue": "6"}]}]


def test_failed_by_fault(things):
    """A query fails for a reason of the test's choice, once."""
    things.standin.faults.fail("Query exhausted resources at this scale factor", "SELECT 7")
    with pytest.raises(pyathena.error.OperationalError, match="exhausted resources"):
        ask("SELECT 7")
    assert ask("SELECT 7") == [(7,)]


def test_pages_cut_off(things, monkeypatch):
    """Pages damaged: a lost token loses rows in silence, a wrong one and half a body are errors."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    sql = "SELECT event_id FROM things WHERE dateday = '2026/01/02'"
    things.standin.faults.cut("token")
    assert len(ask(sql)) == 999
    things.standin.faults.cut("repeat")
    assert len(ask(sql)) > 1_500
    for kind in ("wrong_token", "body"):
        things.standin.faults.cut(kind)
        with pytest.raises(pyathena.error.Error):
            ask(sql)
    assert len(ask(sql)) == 1_500


def test_views(things):
    """A view is made, made anew, listed, asked with its days bounded from outside, and dropped."""
    view = "CREATE OR REPLACE VIEW few AS SELECT event_id, keys, dateday FROM things"
    cursor().execute(view)
    cursor().execute(f"{view} WHERE action = 'MODIFY'")
    assert ask("SHOW VIEWS") == [("few",)]
    run = cursor()
    rows = run.execute("SELECT event_id FROM few WHERE dateday = '2026/01/01' ORDER BY 1").fetchall()
    assert rows == [("event-1",), ("event-2",), ("event-3",)]
    assert run.data_scanned_in_bytes < 1_000
    cursor().execute("DROP VIEW few")
    assert ask("SHOW VIEWS") == []


def test_pruning_is_never_too_much(things):
    """Days are left out only where the condition is of that very table, and NULLs of an outer join stay."""
    first = "SELECT count(*) FROM things a JOIN things b ON a.table = b.table WHERE a.dateday = '2026/01/01'"
    assert ask(first) == [(3 * 1_503,)]
    outer = "SELECT count(*) FROM things a LEFT JOIN things b ON a.event_id = b.event_id WHERE b.dateday IS NULL"
    assert ask(outer) == [(0,)]
    shadow = "WITH things AS (SELECT '2026/01/01' AS dateday, t.* FROM (SELECT event_id FROM things) t)"
    assert ask(f"{shadow} SELECT count(*) FROM things WHERE dateday = '2026/01/01'") == [(1_503,)]
    cursor().execute("CREATE VIEW moved AS SELECT '2026/01/01' AS dateday FROM (SELECT dateday FROM things) t")
    assert ask("SELECT count(*) FROM moved WHERE dateday = '2026/01/01'") == [(1_503,)]


def test_article_table(athena):
    """A table without partitions and with nested columns: structs, arrays, and names in any case."""
    line = b'{"Action":"INSERT","timestamp":5,"new_image":{"Title":"iPhone 12","qty":2,"tags":["a",null]}}\n'
    boto3.client("s3").put_object(Bucket=athena.bucket("article"), Key="2020/10/26/13/a", Body=line)
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "histories"})
    kinds = {
        "action": "string", "timestamp": "bigint", "new_image": "struct<title:string,qty:int,tags:array<string>>",
    }  # fmt: skip
    columns = [{"Name": name, "Type": kind} for name, kind in kinds.items()]
    storage = {"Location": "s3://article/", "Columns": columns}
    glue.create_table(DatabaseName="histories", TableInput={"Name": "article", "StorageDescriptor": storage})
    sql = "SELECT new_image, new_image.qty + 1, \"$path\" FROM article WHERE new_image.title LIKE '%iPhone%'"
    run = cursor()
    run.execute(sql)
    assert athena.standin.queries[0].answer.rows == [
        ("{title=iPhone 12, qty=2, tags=[a, null]}", "3", "s3://article/2020/10/26/13/a")
    ]
    assert [one[1] for one in run.description] == ["row", "integer", "varchar"]
