"""The deployment template: SAM takes it, cfn-lint has nothing against it, whatever the parameters."""

from __future__ import annotations

import json
from dataclasses import fields
from itertools import combinations, product

import pytest

from pipeline.common.deployment import Deployment
from tests.support.athena.template import read_template
from tests.support.pipeline.template.sam import OTHER, PAIRS, complaints, decided, references, source, translated


def test_nothing_is_against_the_source():
    """cfn-lint, with its informational rules, has no complaint about the template as it lies in the repository."""
    assert complaints(source()) == []


def test_nothing_is_against_what_sam_makes_of_it():
    """Nor about the template after the transform, whatever the parameters: they are left to CloudFormation."""
    assert complaints(json.dumps(translated({}))) == []
    assert all(translated(parameters) == translated({}) for parameters in PAIRS)


@pytest.mark.parametrize("parameters", PAIRS, ids=lambda turned: "+".join(turned) or "defaults")
def test_nothing_is_against_what_is_deployed(parameters):
    """Nor about what there will be with these parameters, their values included."""
    assert complaints(json.dumps(decided(parameters))) == []


def test_a_mistake_in_what_is_deployed_is_complained_of():
    """The two tests above can fail: a property that there is not, and a value that is none, are found."""
    template = decided({})
    template["Resources"]["RecorderMapping"]["Properties"]["StartingPosition"] = "MIDDLE"
    template["Resources"]["HistoryTable"]["Properties"]["Colour"] = "blue"
    told = "\n".join(complaints(json.dumps(template)))
    assert "MIDDLE" in told
    assert "Colour" in told


def test_the_pairs_are_all_pairs():
    """Each two parameters that turn a condition are tried in each of their four states."""
    for one, other in combinations(OTHER, 2):
        states = {(one in parameters, other in parameters) for parameters in PAIRS}
        assert states == set(product((False, True), repeat=2)), (one, other)


def test_each_condition_is_turned():
    """No condition is left that the combinations do not turn."""
    template = read_template()
    assert len(template["Conditions"]) == len(OTHER)
    turned = {name for condition in template["Conditions"].values() for name in references(condition)}
    assert turned == set(OTHER)


def test_whatever_is_referred_to_is_made():
    """With each combination of parameters, no resource or output refers to one that the conditions leave out."""
    for turned in range(2 ** len(OTHER)):
        parameters = {name: value for bit, (name, value) in enumerate(OTHER.items()) if turned >> bit & 1}
        template = decided(parameters)
        known = {*template["Resources"], *template["Parameters"]}
        named = {name for name in references([template["Resources"], template["Outputs"]]) if "::" not in name}
        assert named <= known, parameters


def test_outputs_are_what_the_commands_begin_from():
    """Each field of a deployment is an output, and there is no other."""
    names = {"".join(part.capitalize() for part in field.name.split("_")) for field in fields(Deployment)[2:]}
    assert set(read_template()["Outputs"]) == names


def test_the_template_can_be_sent_as_it_is():
    """CloudFormation takes a template in the request up to 51,200 bytes; a larger one has to go to S3 first."""
    assert len(source().encode()) < 51_200


def test_no_yaml_that_cloudformation_does_not_take():
    """It knows no aliases and no merges (CloudFormation user guide, "YAML")."""
    assert not [line for line in source().splitlines() if " &" in line or ": *" in line or "<<" in line]
