"""`transform`: writes the template after the SAM transform, as CloudFormation gets it, to `.local/transformed.json`.

SAM adds roles, permissions, stages and deployments that template.yaml does not show. So the tests of the template and
the scanner (`scan`) check this.
"""

import hashlib
import json
import logging
import os

from . import paths
from .paths import REGION

# Placeholders for what `sam package` fills in. The definition keeps its path, by which the tests find it.
IMAGE = f"000000000000.dkr.ecr.{REGION}.amazonaws.com/image:placeholder"
BUCKET = "placeholder"


def write() -> None:
    """Transforms template.yaml with the transform that the emulator and cfn-lint use."""
    # Here, because the command line must start on a Python without them.
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    # It warns about a setting that only AWS's own service has.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    text = paths.TEMPLATE.read_text()
    template = yaml_parse(text)
    _package(template)
    translator = Translator(None, Parser(), boto_session=boto3.Session(region_name=REGION))
    # With the metadata, which has the suppressions of the scanner.
    transformed = translator.translate(template, parameter_values={}, passthrough_metadata=True)
    # So that the tests reject a file made from another template.
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
    """Writes the file atomically, because a test of another run may be reading it."""
    paths.WORK.mkdir(exist_ok=True)
    partial = paths.WORK / f"transformed-{os.getpid()}.json"
    partial.write_text(text)
    partial.replace(paths.TRANSFORMED)
