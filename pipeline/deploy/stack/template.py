"""The template's text: which parameters it has, and where it says that its code lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.common.errors import DeploymentError

TEMPLATE: Final = Path(__file__).parents[2] / "template.yaml"
#: Bytes of a template that a call may carry (AWS CloudFormation quotas, "Template body size in a request").
BODY_BYTES: Final = 51_200

_SECTION: Final = re.compile(r"^Parameters:\n((?:[ #].*\n|\n)*)", re.MULTILINE)
_PARAMETER: Final = re.compile(r"^  (\w+):[^\n]*\n((?: {3,}.*\n|\n|  #.*\n)*)", re.MULTILINE)
_CODE: Final = re.compile(r"^(\s*CodeUri:\s*).*$", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """A parameter of the template; ``default`` is None where one has to be given."""

    name: str
    default: str | None
    description: str


@dataclass(frozen=True)
class Template:
    """A template as a call takes it: its text, or where it lies when that is too long for a call."""

    text: str
    url: str = ""

    @property
    def argument(self) -> dict[str, str]:
        """CloudFormation's argument for it."""
        return {"TemplateURL": self.url} if self.url else {"TemplateBody": self.text}


def read_template(file: Path = TEMPLATE) -> str:
    """The template's text."""
    return file.read_text(encoding="utf-8")


def parameters_of(text: str) -> list[Parameter]:
    """The parameters of a template that is written as ours is: block style, two spaces deep."""
    section = _SECTION.search(text)
    return [_parameter(*match.groups()) for match in _PARAMETER.finditer(section.group(1) if section else "")]


def _parameter(name: str, body: str) -> Parameter:
    return Parameter(name, _field(body, "Default"), _field(body, "Description") or "")


def _field(body: str, name: str) -> str | None:
    found = re.search(rf"^ +{name}: *(.*?) *\n((?: {{6,}}.*\n)*)", body, re.MULTILINE)
    if found is None:
        return None
    value, folded = found.groups()
    if value == ">-":
        return " ".join(folded.split())
    return value[1:-1] if value[:1] in ('"', "'") and value[-1:] == value[:1] else value


def with_code(text: str, place: str) -> str:
    """The template whose functions' code lies at ``place``: an ``s3://`` address, or a file beside it.

    Raises:
        DeploymentError: it has no function.
    """
    written, count = _CODE.subn(lambda found: found.group(1) + place, text)
    if not count:
        raise DeploymentError("the template names no CodeUri: expected one for its functions; is it ours?", place)
    return written
