"""The template as CloudFormation sees it: after SAM's transform, and with its conditions decided. No network."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

import boto3
from cfnlint.api import ManualArgs, lint
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template
from samtranslator.yaml_helper import yaml_parse

from tests.support.athena.template import ACCOUNT, TEMPLATE, read_template, resolved

REGION: Final = "eu-central-1"
#: Where ``sam package`` would put the functions' code.
CODE: Final = {"Bucket": "packages", "Key": "pipeline.zip"}
NONE: Final = {"Ref": "AWS::NoValue"}
STREAM: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/products/stream/2026-11-01T00:00:00.000"
#: A value of each parameter that turns a condition the other way than its default does.
OTHER: Final = {
    "StreamArn": STREAM,
    "HistoryBucket": "histories",
    "CreateDatabase": "false",
    "RetentionDays": "90",
    "KmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f9d7a1e-0000-4000-8000-1234567890ab",
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "ReserveConcurrency": "true",
    "Versioning": "true",
    "ObjectLockDays": "400",
    "AccessLogBucket": "access-logs",
}
#: A row of Plackett and Burman's design: with its rotations and none, each two columns have each of their four states.
_ROW: Final = "11011100010"
PAIRS: Final = tuple(
    {name: value for name, value, turned in zip(OTHER, OTHER.values(), row, strict=True) if turned == "1"}
    for row in ("0" * len(_ROW), *(_ROW[-turns:] + _ROW[:-turns] for turns in range(len(_ROW))))
)


def packaged() -> dict[str, Any]:
    """The template as ``sam package`` leaves it: the code of its functions lies in S3."""
    template = read_template()
    template["Globals"]["Function"]["CodeUri"] = dict(CODE)
    return template


def translated(parameters: dict[str, str]) -> dict[str, Any]:
    """What CloudFormation makes of the template with these parameters: no resource of SAM is left in it."""
    return transformed(packaged(), parameters)


def transformed(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """SAM's transform of a template, as the service does it.

    Raises:
        samtranslator.model.exceptions.InvalidDocumentException: SAM refuses the template.
    """
    to_py27_compatible_template(template, parameters)
    session = boto3.session.Session(region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)
    answer = translator.translate(template, dict(parameters), get_managed_policy_map=dict)
    return undo_mark_unicode_str_in_template(answer)


def decided(parameters: dict[str, str]) -> dict[str, Any]:
    """The translated template with its conditions decided: only the resources and properties that there will be, and
    the parameters that these take, with their values as defaults."""
    template = with_conditions_decided(_translated(), parameters)
    used = set(references([template["Resources"], template["Outputs"]]))
    given = values(template, parameters)
    slots = {name: {**one, "Default": given[name]} for name, one in template["Parameters"].items() if name in used}
    return {**template, "Parameters": slots}


def with_conditions_decided(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """A template in which nothing hangs on a condition any more."""
    given, asked = values(template, parameters), template.get("Conditions", {})
    conditions = {name: resolved(condition, given, asked) for name, condition in asked.items()}
    made = {
        name: {part: value for part, value in resource.items() if part != "Condition"}
        for name, resource in template["Resources"].items()
        if conditions.get(resource.get("Condition", ""), True)
    }
    rest = {part: value for part, value in template.items() if part not in ("Conditions", "Resources")}
    return _decide({**rest, "Resources": made}, conditions)


def with_values(value: Any, given: dict[str, Any]) -> Any:
    """A part of a template with the values of parameters in the place of their names."""
    match value:
        case {"Ref": name} if name in given:
            return given[name]
        case {"Fn::Sub": [text, {**own}]}:
            return {"Fn::Sub": [_filled(text, given), with_values(own, given)]}
        case {"Fn::Sub": text}:
            return {"Fn::Sub": _filled(text, given)}
        case dict():
            return {name: with_values(member, given) for name, member in value.items()}
        case list():
            return [with_values(member, given) for member in value]
    return value


@cache
def _translated() -> dict[str, Any]:
    """It is the same for all parameters, as a test holds."""
    return translated({})


def values(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """The value of each parameter, a number where it is one."""
    slots = template["Parameters"]
    given = {name: parameters.get(name, slot.get("Default")) for name, slot in slots.items()}
    return {name: int(value) if slots[name]["Type"] == "Number" else value for name, value in given.items()}


def complaints(text: str) -> list[str]:
    """What cfn-lint says of a template, informational rules too."""
    found = lint(text, config=ManualArgs(include_checks=["I"], regions=[REGION]))
    return [f"line {one.linenumber}: {one.rule.id} {one.message}" for one in found]


def source() -> str:
    """The template's text."""
    return TEMPLATE.read_text(encoding="utf-8")


def references(value: Any) -> Iterator[str]:
    """The names of parameters and resources that a part of a template refers to; of a ``!Sub``, those in its text."""
    match value:
        case {"Ref": name}:
            yield str(name)
        case {"Fn::GetAtt": [name, _]}:
            yield str(name)
        case {"Fn::Sub": [text, {**own}]}:
            yield from (name for name in _names(text) if name not in own)
            yield from references(own)
        case {"Fn::Sub": text}:
            yield from _names(text)
        case dict():
            for member in value.values():
                yield from references(member)
        case list():
            for member in value:
                yield from references(member)


@contextmanager
def sam_in_moto() -> Iterator[None]:
    """Inside moto's ``mock_aws`` (or before its server): CloudFormation applies SAM's transform, follows
    parameters and conditions in changes, tells of each resource in its events, and makes the types that moto leaves
    out. See :mod:`moto_stacks`."""
    without_api_gateway()
    from tests.support.pipeline.template import moto_stacks

    with moto_stacks.as_the_service(_by_sam):
        yield


def without_api_gateway() -> None:
    """moto's CloudFormation imports an OpenAPI validator, which only API Gateway calls; it need not be installed."""
    if "openapi_spec_validator" in sys.modules or find_spec("openapi_spec_validator"):
        return
    top, errors = ModuleType("openapi_spec_validator"), ModuleType("openapi_spec_validator.validation.exceptions")
    top.validate = None
    errors.OpenAPIValidationError = type("OpenAPIValidationError", (Exception,), {})
    validation = ModuleType("openapi_spec_validator.validation")
    sys.modules.update({module.__name__: module for module in (top, validation, errors)})


def _by_sam(text: str, parameters: dict[str, str]) -> str:
    """The text of a template after the transform it asks for, with conditions decided and parameters put in."""
    template = yaml_parse(text)
    if template.get("Transform") != "AWS::Serverless-2016-10-31":
        return text
    template = with_conditions_decided(transformed(template, parameters), parameters)
    given = values(template, parameters)
    return json.dumps({**template, **{part: with_values(template[part], given) for part in ("Resources", "Outputs")}})


def _decide(value: Any, conditions: dict[str, bool]) -> Any:
    match value:
        case {"Fn::If": [name, yes, no]}:
            return _decide(yes if conditions[name] else no, conditions)
        case dict():
            decided = {name: _decide(member, conditions) for name, member in value.items()}
            return {name: member for name, member in decided.items() if member != NONE}
        case list():
            return [one for member in value if (one := _decide(member, conditions)) != NONE]
    return value


def _filled(text: str, given: dict[str, Any]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: str(given.get(match[1], match[0])), text)


def _names(text: str) -> list[str]:
    return [name.partition(".")[0] for name in re.findall(r"\$\{([\w:.]+)\}", text)]
