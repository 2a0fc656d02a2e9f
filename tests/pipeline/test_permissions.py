"""What docs/permissions.md says that each command needs is what its code calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.places import ROOT

PIPELINE = ROOT / "pipeline"
#: The code of each row of the table.
CODE = {
    "deploy": ("deploy", "common/deployment.py", "common/aws.py"),
    "status": ("status", "common/deployment.py"),
    "baseline": ("baseline", "functions/baseline", "common/deployment.py"),
    "backfill": ("backfill", "common/landing.py", "common/deployment.py"),
    "redrive": ("mend", "common/landing.py", "common/deployment.py"),
}
#: Operations whose IAM action has another name, or another service's.
ACTIONS = {
    "download_file": "GetObject",
    "get_bucket_encryption": "GetEncryptionConfiguration",
    "head_bucket": "ListBucket",
    "head_object": "GetObject",
    "list_objects_v2": "ListBucket",
    "put_bucket_encryption": "PutEncryptionConfiguration",
    "put_public_access_block": "PutBucketPublicAccessBlock",
}
_CALL = re.compile(r'\.(?:call|find|each)\(\s*"[a-z0-9-]+",\s*"([a-z_0-9]+)"')
_CLIENT = re.compile(r"\b(?:s3|dynamodb)\.(scan|describe_table|get_object|put_object|list_objects_v2)\(")


def called(command: str) -> set[str]:
    files = [file for name in CODE[command] for file in _files(PIPELINE / name)]
    operations = {
        name for file in files for name in _CALL.findall(file.read_text()) + _CLIENT.findall(file.read_text())
    }
    return {ACTIONS.get(one, "".join(word.capitalize() for word in one.split("_"))) for one in operations}


def _files(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


@pytest.mark.parametrize("command", CODE)
def test_each_action_that_a_command_calls_is_in_its_row(command: str):
    """By IAM's name of it; backfill's row refers to that of a baseline by export."""
    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    text = page.partition("## The commands of the pipeline")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)`(.*)$", text, re.MULTILINE))
    row = rows[command] + (rows["baseline"] if command == "backfill" else "")
    assert called(command) - set(re.findall(r"\b[A-Z]\w+\b", row)) == set()
