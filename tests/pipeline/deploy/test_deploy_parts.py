"""The parts of a deployment that need no AWS: package, template's text, change table, connection, files by hand."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from histlib.stores.config import find_connection
from pipeline.cli import main
from pipeline.common.errors import DeploymentError
from pipeline.deploy.connection import holds_account, keep_from_git, with_entry, write_connection
from pipeline.deploy.package import make_package
from pipeline.deploy.parameters import glue_name
from pipeline.deploy.stack import template
from pipeline.deploy.stack.changes import Change, capabilities, table_of
from pipeline.functions.recorder.redact import Redaction
from tests.support.athena.template import TEMPLATE, read_template

ENTRY = {"source": "athena://db/orders_changes?workgroup=histlib-orders", "region": "eu-west-1"}


def test_the_package_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Times, order of listing, ends of lines and what lies beside do not change it; a function's text does."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names in ((first, ("a.py", "b/c.py")), (second, ("b/c.py", "a.py"))):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"x = 1\r\n" if folder is second else b"x = 1\n")
    (second / "b" / "__pycache__").mkdir()
    (second / "b" / "__pycache__" / "c.cpython-311.pyc").write_bytes(b"compiled")
    (second / "notes.txt").write_text("beside")
    assert make_package(first) == make_package(second)
    (second / "a.py").write_text("x = 2\n")
    assert make_package(first).key != make_package(second).key


def test_the_package_holds_functions_and_nothing_else() -> None:
    """Every module of the functions, no test, no cache, nothing of histlib."""
    package = make_package()
    names = zipfile.ZipFile(io.BytesIO(package.data)).namelist()
    there = {path.relative_to("pipeline").as_posix() for path in Path("pipeline/functions").rglob("*.py")}
    assert set(names) == there == set(package.files)
    assert names == sorted(names)


def test_the_package_runs_by_itself(tmp_path: Path) -> None:
    """A fresh, isolated interpreter imports the recorder from the zip, with boto3 and the standard library alone."""
    (tmp_path / "functions.zip").write_bytes(make_package().data)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'functions.zip')!r}); "
        "import functions.recorder.app as app; "
        "print(app.lambda_handler.__name__, app.__file__, sorted(n for n in sys.modules if n.startswith('histlib')))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["lambda_handler", f"{tmp_path}/functions.zip/functions/recorder/app.py", "[]"]


def test_the_templates_parameters_are_read_as_yaml_reads_them() -> None:
    """Names, defaults and descriptions are those that a YAML parser finds."""
    found = {one.name: (one.default, one.description) for one in template.parameters_of(template.read_template())}
    parsed = read_template()["Parameters"]
    assert found == {name: (str(one["Default"]), one["Description"]) for name, one in parsed.items()}


def test_the_code_is_named_in_the_template() -> None:
    """Only the place of the code differs from the template in the repository."""
    before = TEMPLATE.read_text()
    after = template.with_code(before, "s3://bucket/functions/abc.zip")
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]
    assert changed == [("    CodeUri: .", "    CodeUri: s3://bucket/functions/abc.zip")]
    with pytest.raises(DeploymentError, match="names no CodeUri"):
        template.with_code("Resources: {}\n", "s3://b/k")


def test_a_template_too_long_for_a_call_is_sent_by_its_address() -> None:
    """CloudFormation takes 51,200 bytes of text; ours fits, and another would be uploaded."""
    assert len(template.read_template().encode()) < template.BODY_BYTES == 51_200
    assert template.Template("text").argument == {"TemplateBody": "text"}
    assert template.Template("text", "https://b/k").argument == {"TemplateURL": "https://b/k"}


@pytest.mark.parametrize(
    ("table", "name"),
    [("todo-sample-table", "todo_sample_table_changes"), ("Orders.EU", "orders_eu_changes"), ("a_1", "a_1_changes")],
)
def test_the_glue_table_is_named_after_the_table(table: str, name: str) -> None:
    """Lower case, and nothing but letters, digits and underscores."""
    assert glue_name(table) == name


def test_capabilities() -> None:
    """Names of IAM roles need one more; the names of inline policies do not."""
    allowed = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert capabilities("      Policies:\n        - PolicyName: record\n") == allowed
    assert capabilities("    Properties:\n      RoleName: fixed\n") == [*allowed, "CAPABILITY_NAMED_IAM"]


def test_changes_are_a_table() -> None:
    """Columns are aligned; what has no replacement shows a dash."""
    changes = (Change("Add", "Bucket", "AWS::S3::Bucket"), Change("Modify", "It", "AWS::Glue::Table", "Conditional"))
    assert table_of(changes) == [
        "  action  resource  type              replacement",
        "  Add     Bucket    AWS::S3::Bucket   -",
        "  Modify  It        AWS::Glue::Table  Conditional",
    ]
    assert table_of(()) == ["  no resource changes, only outputs or tags"]


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (Change("Remove", "Bucket", "AWS::S3::Bucket"), "Bucket (AWS::S3::Bucket) is REMOVED: the history goes on"),
        (
            Change("Modify", "M", "AWS::Lambda::EventSourceMapping", "True"),
            "M (AWS::Lambda::EventSourceMapping) is REPLACED: the stream is read from its oldest",
        ),
        (
            Change("Modify", "D", "AWS::KinesisFirehose::DeliveryStream", "Conditional"),
            "D (AWS::KinesisFirehose::DeliveryStream) may be REPLACED: what is in its buffer",
        ),
        (
            Change("Remove", "T", "AWS::DynamoDB::Table"),
            "T (AWS::DynamoDB::Table) is REMOVED: the table is deleted WITH",
        ),
        (Change("Modify", "Bucket", "AWS::S3::Bucket", "False"), ""),
        (Change("Add", "Bucket", "AWS::S3::Bucket"), ""),
        (Change("Remove", "Logs", "AWS::Logs::LogGroup"), ""),
    ],
)
def test_grave_changes_are_warned_of(change: Change, warning: str) -> None:
    """Replacing or removing what holds or carries the history says what it means; the rest is silent."""
    assert change.warning.startswith(warning) and bool(change.warning) == bool(warning)


def test_a_new_entry(tmp_path: Path) -> None:
    """The first entry makes the file; a name with a dot is quoted; each reads back, and again changes nothing."""
    assert write_connection(tmp_path, "orders", ENTRY)
    assert (tmp_path / "histlib.toml").read_text() == (
        '[history.orders]\nsource = "athena://db/orders_changes?workgroup=histlib-orders"\nregion = "eu-west-1"\n'
    )
    assert write_connection(tmp_path, "orders.eu", {**ENTRY, "profile": 'a "b" é'})
    found = find_connection("orders.eu", tmp_path)
    assert found is not None and (found.source, found.profile) == (ENTRY["source"], 'a "b" é')
    assert not write_connection(tmp_path, "orders", ENTRY)
    assert [path.name for path in tmp_path.iterdir()] == ["histlib.toml"]


def test_the_rest_of_the_file_stays() -> None:
    """Only source, region and profile of the entry are written; comments, other settings and entries stay."""
    before = (
        '# ours\n[history."orders"]  # by hand\nsource = "./old"  # gone\nactor_attribute = "by"\n'
        '\n[history.other]\nsource = "./other"\n'
    )
    assert with_entry(before, "orders", ENTRY) == (
        '# ours\n[history."orders"]  # by hand\n'
        'source = "athena://db/orders_changes?workgroup=histlib-orders"\nregion = "eu-west-1"\n'
        'actor_attribute = "by"\n\n[history.other]\nsource = "./other"\n'
    )


@pytest.mark.parametrize(
    "before",
    [
        '[history]\norders = { source = "./old" }\n',
        '[history.orders]\n"source" = "./old"\n',
        "[history.orders\n",
    ],
)
def test_a_file_that_cannot_be_kept_is_left_alone(tmp_path: Path, before: str) -> None:
    """Written otherwise, or no TOML: the file stays byte for byte, and the entry to write by hand is shown."""
    (tmp_path / "histlib.toml").write_text(before)
    with pytest.raises(DeploymentError, match=r'by hand:\n\[history.orders\]\nsource = "athena://'):
        write_connection(tmp_path, "orders", ENTRY)
    assert (tmp_path / "histlib.toml").read_text() == before


def test_an_account_id_is_kept_from_git(tmp_path: Path) -> None:
    """An entry that tells an account id has git ignore the file, once; one that tells none does not."""
    assert not holds_account(ENTRY)
    assert holds_account({"source": "s3://history-123456789012-eu"})
    assert holds_account({**ENTRY, "profile": "ReadOnly-123456789012"})
    assert not holds_account({"source": "s3://h/1234567890123"})
    assert keep_from_git(tmp_path) == ""
    assert not (tmp_path / ".gitignore").exists()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("out/")
    (tmp_path / "histlib.toml").write_text("")
    assert keep_from_git(tmp_path) == "histlib.toml holds an account id: added to .gitignore"
    assert (tmp_path / ".gitignore").read_text() == "out/\nhistlib.toml\n"
    assert keep_from_git(tmp_path) == ""
    subprocess.run(["git", "add", "-f", "histlib.toml"], cwd=tmp_path, check=True)
    assert "git rm --cached histlib.toml" in keep_from_git(tmp_path)


def test_template_only_asks_no_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Template, package and steps are written without credentials; the template names the package beside it."""
    monkeypatch.setattr("boto3.Session", None)
    folder = tmp_path / "out"
    arguments = ["deploy", "--table", "Orders", "--template-only", str(folder), "--redact", "email, a.b"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "".join(
        f"wrote {folder}/{name}\n" for name in ("template.yaml", "functions.zip", "DEPLOY.md")
    )
    assert "CodeUri: functions.zip\n" in (folder / "template.yaml").read_text()
    assert (folder / "functions.zip").read_bytes() == make_package().data
    steps = (folder / "DEPLOY.md").read_text()
    assert "--stack-name histlib-Orders --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND" in steps
    assert "StreamArn='<stream ARN>' TableName=orders_changes Redact='email, a.b'" in steps
    for name in read_template()["Parameters"]:
        assert f"| {name} | " in steps


def test_the_names_in_redaction_rules_are_checked_by_the_recorders_own_parser() -> None:
    """What deploy takes, the recorder takes."""
    assert Redaction("email, a.b").rules == ("a.b", "email")
    assert main(["deploy", "--table", "t", "--template-only", "never", "--redact", "a..b"]) == 2
    assert not Path("never").exists()
