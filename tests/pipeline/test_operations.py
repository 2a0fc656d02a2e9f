"""The operations page has what an engineer looks for at night."""

from __future__ import annotations

import re
from pathlib import Path

import pipeline.cli
from tests.support.athena.template import read_template

PAGE = Path(pipeline.cli.__file__).parent / "OPERATIONS.md"


def test_each_alarm_has_its_section_and_each_section_its_alarm():
    """By the alarm's name without the stack's; sections of other things stand behind the last one."""
    alarms = [one for one in read_template()["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    names = {one["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for one in alarms}
    text, _, _ = PAGE.read_text(encoding="utf-8").partition("## Without an alarm")
    assert set(re.findall(r"^## (.+)$", text, re.MULTILINE)) == names


def test_the_commands_that_it_names_are_there():
    """Every ``python -m pipeline COMMAND`` of the page and of the README is a command."""
    readme = PAGE.parents[1] / "README.md"
    named = set(re.findall(r"python -m pipeline ([a-z]+)", PAGE.read_text() + readme.read_text(encoding="utf-8")))
    commands = {module.__name__.rpartition(".")[2] for module in pipeline.cli.COMMANDS}
    assert named == commands - {"demo"}
