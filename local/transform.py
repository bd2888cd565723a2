"""`transform`: the template as CloudFormation gets it, after the SAM transform, in `.local/transformed.json`.

SAM adds roles, permissions, stages and deployments that nobody has written down. What is proven about the template is
proven about this, by the tests (`tests/acceptance/template.rs`) and by the scanner (`scan`).
"""

import hashlib
import json
import logging
import os

from . import paths
from .cloud import REGION

# Where `sam package` would put an image and a definition. The definition keeps its path, by which the tests find it.
IMAGE = f"000000000000.dkr.ecr.{REGION}.amazonaws.com/image:placeholder"
BUCKET = "placeholder"


def write() -> None:
    """Transforms template.yaml with the transform that the emulator and cfn-lint use too."""
    # Here, because the command line must start on a Python that has none of these.
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    # It warns of a switch that only AWS's own service has.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    text = paths.TEMPLATE.read_text()
    template = yaml_parse(text)
    _package(template)
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=REGION))
    # With the metadata, where the reasons stand for which a finding of the scanner is passed over.
    transformed = translator.translate(template, parameter_values={}, passthrough_metadata=True)
    # The tests refuse what was made of another template.
    transformed.setdefault("Metadata", {})["TemplateSha256"] = hashlib.sha256(text.encode()).hexdigest()
    _replace(json.dumps(transformed, indent=2, sort_keys=True) + "\n")


def _package(template: dict) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["ImageUri"] = IMAGE
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            path = resource["Properties"]["DefinitionUri"]
            resource["Properties"]["DefinitionUri"] = {"Bucket": BUCKET, "Key": path}


def _replace(text: str) -> None:
    """At once, because a test of another run may be reading it."""
    paths.WORK.mkdir(exist_ok=True)
    partial = paths.WORK / f"transformed-{os.getpid()}.json"
    partial.write_text(text)
    partial.replace(paths.TRANSFORMED)
