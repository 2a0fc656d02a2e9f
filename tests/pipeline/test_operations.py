"""The operations page has what an engineer looks for at night."""

from __future__ import annotations

import re

from pipeline.cli import build_parser
from tests.support.athena.template import read_template
from tests.support.places import ROOT

PAGE = ROOT / "docs" / "operations.md"


def test_each_alarm_has_its_section_and_each_section_its_alarm():
    """By the alarm's name without the stack's; sections of other things stand behind the last one."""
    alarms = [one for one in read_template()["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    names = {one["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for one in alarms}
    text, _, _ = PAGE.read_text(encoding="utf-8").partition("## Without an alarm")
    assert set(re.findall(r"^## (.+)$", text, re.MULTILINE)) == names


def test_the_commands_that_it_names_are_there():
    """Every ``python -m pipeline COMMAND`` of the pages is a command, and each command stands on one."""
    pages = [ROOT / "README.md", *PAGE.parent.glob("*.md")]
    named = {name for page in pages for name in re.findall(r"python -m pipeline ([a-z]+)", page.read_text("utf-8"))}
    assert named == {name for action in build_parser()._actions for name in action.choices or ()}
