"""Which IAM actions a function's code needs, told by the code itself: the operations of boto3's clients it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import boto3
from botocore import xform_name

from tests.support.pipeline.template.sam import REGION
from tests.support.places import ROOT

FUNCTIONS: Final = ROOT / "pipeline" / "functions"
#: Where the action is not named as the operation is (service authorization reference, "Actions defined by Amazon S3").
ACTIONS: Final = {
    "dynamodbstreams:DescribeStream": ("dynamodb:DescribeStream",),
    "s3:AbortMultipartUpload": ("s3:AbortMultipartUpload",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:UploadPart": ("s3:PutObject",),
}
#: What an action needs beside it. Without s3:ListBucket, an object that is not there is 403 and not 404 (S3 API
#: reference, GetObject, "Permissions"); the rest is where a customer's key encrypts. Since 20 April 2026 that counts
#: for callers of Firehose as well (AWS's notice "Enhanced security controls for Amazon Data Firehose").
BESIDE: Final = {
    "s3:GetObject": ("s3:ListBucket", "kms:Decrypt"),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "firehose:PutRecordBatch": ("kms:GenerateDataKey", "kms:Decrypt"),
    "dynamodb:Scan": ("kms:Decrypt",),
}


def needed(function: str) -> set[str]:
    """The actions that the code of ``pipeline/functions/<function>`` needs, with all of the package that it imports."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules(FUNCTIONS / function / "app.py")]
    names = {name for tree in trees for name in _named(tree)}
    services = {name for tree in trees if _makes_clients(tree) for name in _texts(tree)} & _services()
    called = {
        f"{service}:{operation}"
        for service in services
        for method, operation in _operations(service).items()
        if method in names
    }
    actions = {action for one in called for action in ACTIONS.get(one, (one,))}
    return actions | {more for action in actions for more in BESIDE.get(action, ())}


def variables(function: str) -> set[str]:
    """The variables of its environment that a function's code asks for: upper-case names, looked up or handed on."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (FUNCTIONS / function).glob("*.py")]
    return {name for tree in trees for name in _looked_up(tree) if re.fullmatch(r"[A-Z]{3,}(_[A-Z]+)*", name)}


def modules(start: Path) -> set[Path]:
    """A module and all that it imports, and these in turn, by relative imports."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return found


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            candidates = [base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)]
            yield from (candidate for candidate in candidates if candidate.is_file())


def _named(tree: ast.AST) -> Iterator[str]:
    """Attributes that are taken of something (``s3.put_object``), and texts that are handed over (of a paginator)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            yield node.attr
        elif isinstance(node, ast.Call):
            yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _looked_up(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        asked = node.args if isinstance(node, ast.Call) else [node.slice] if isinstance(node, ast.Subscript) else []
        yield from (one.value for one in asked if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _makes_clients(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.Import) and node.names[0].name == "boto3" for node in ast.walk(tree))


def _texts(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


@cache
def _services() -> frozenset[str]:
    return frozenset(boto3.session.Session().get_available_services())


@cache
def _operations(service: str) -> dict[str, str]:
    """boto3's method → the operation."""
    model = boto3.client(
        service, region_name=REGION, aws_access_key_id="-", aws_secret_access_key="-"
    ).meta.service_model
    return {xform_name(operation): operation for operation in model.operation_names}
