"""For shops with their own deployment: the template, the package, and what to do with them. No AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.common.deployment import stack_name
from pipeline.deploy.package import make_package
from pipeline.deploy.parameters import check_given, glue_name
from pipeline.deploy.stack.changes import capabilities
from pipeline.deploy.stack.standing import TABLE_TAG
from pipeline.deploy.stack.template import TEMPLATE, Parameter, parameters_of, read_template, with_code
from pipeline.deploy.stream import VIEW

PACKAGE: Final = "functions.zip"
STEPS: Final = "DEPLOY.md"


def write_template(folder: Path, table: str, given: Mapping[str, str], template: Path = TEMPLATE) -> list[Path]:
    """Write template, package and steps into the folder; returns the files.

    Raises:
        RequestError: parameters are wrong.
        OSError: they cannot be written.
    """
    text = read_template(template)
    known = parameters_of(text)
    values = {"TableName": glue_name(table), **check_given(given, known)}
    package = make_package()
    ready = with_code(text, PACKAGE)
    files = {
        "template.yaml": ready.encode(),
        PACKAGE: package.data,
        STEPS: steps(table, values, known, capabilities(ready), package.sha256).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def steps(table: str, values: Mapping[str, str], known: list[Parameter], allowed: list[str], sha256: str) -> str:
    """The text of ``DEPLOY.md``."""
    stack = stack_name(table)
    shown = " ".join(f"{name}={_quoted(value)}" for name, value in {"StreamArn": "<stream ARN>", **values}.items())
    rows = [f"| {one.name} | {_cell(values.get(one.name, one.default))} | {one.description} |" for one in known]
    return f"""# The history of table {table}: deployment by hand

`{PACKAGE}` (sha256 `{sha256}`) is what Lambda runs; `template.yaml` names it as `CodeUri`.

1. Turn the table's stream on, with both images, and note its ARN (LatestStreamArn):
   `aws dynamodb update-table --table-name {table} --stream-specification StreamEnabled=true,StreamViewType={VIEW}`
   At most two readers may read a stream at once, one that of a global table. A stream of another view has to be turned
   off first.
2. Upload the package to a bucket of yours in the table's Region:
   `aws cloudformation package --template-file template.yaml --s3-bucket <bucket> --output-template-file packaged.yaml`
3. Deploy it. The tag lets `python -m pipeline` find whose stack it is; the commands look for the name `{stack}` unless
   `--stack` is given:
   `aws cloudformation deploy --template-file packaged.yaml --stack-name {stack} --capabilities {" ".join(allowed)} \\
   --tags {TABLE_TAG}={table} --parameter-overrides {shown}`
4. Add the stack's output `Source` to `histlib.toml` as `source` below `[history.{table}]`, with `region`.

| parameter | value | meaning |
|---|---|---|
{chr(10).join(rows)}
"""


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w./:-]+", value) else f"'{value}'"


def _cell(value: str | None) -> str:
    return "(must be given)" if value is None else f"`{value}`" if value else "(empty)"
