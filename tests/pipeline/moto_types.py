"""The types of the template that moto's CloudFormation leaves out without a word, made by moto's own services.

Each is made by the service's client, which refuses a property that its API does not have. What moto's services do not
keep of it (encryption of Firehose, for one) is checked in the template itself, by ``test_template_promises``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import boto3
from moto.core.common_models import CloudFormationModel

Properties = dict[str, Any]


@dataclass
class Made:
    """A resource: what ``!Ref`` gives, and what its delete needs."""

    physical_resource_id: str
    properties: Properties
    account: str
    region: str
    cf_resource_type: str = ""
    logical_resource_id: str = ""

    def get_cfn_attribute(self, attribute: str) -> str:
        assert attribute == "Arn", attribute
        kind = "deliverystream"
        return f"arn:aws:firehose:{self.region}:{self.account}:{kind}/{self.physical_resource_id}"

    def is_created(self) -> bool:
        return True
