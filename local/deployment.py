"""Deploys the template to the emulator, once for each suffix."""

import json
import time

from . import handlers, paths, rest_api, rewrites
from .cloud import REGION, Cloud
from .problem import Problem

PARTNERS = ("acme", "globex")
ARTIFACT_BUCKET = "deployment-artifacts"
DEPLOY_SECONDS_MAX = 120


class Deployment:
    """What is uploaded once and used by the stacks of all suffixes."""

    def __init__(self, cloud: Cloud):
        self._cloud = cloud
        # Comes with the emulator's SAM transform, so that both read the template in the same way.
        from samtranslator.yaml_helper import yaml_parse

        self._template = yaml_parse(paths.TEMPLATE.read_text())
        self._definition = _only(self._template, "AWS::Serverless::Api")["Properties"]["DefinitionBody"]
        self.changes = rewrites.apply_all(self._template, self._upload_artifacts())

    def add_stack(self, suffix: str, parameters: dict) -> dict:
        """Deploys one stack with keys for two partners, and returns its description."""
        name = f"transaction-processing-{suffix}"
        self._create_stack(name, {"EnvironmentSuffix": suffix, "BucketPartners": ",".join(PARTNERS), **parameters})
        outputs = self._outputs(name)
        gateway = self._cloud.client("apigateway")
        change = rest_api.complete(gateway, outputs["ApiId"], self._definition)
        if change not in self.changes:
            self.changes.append(change)
        # Here, because the command line must start on a Python that has no boto3.
        from operations.partner import add_key

        keys = [add_key(gateway, outputs["ApiUsagePlanId"], partner, suffix) for partner in PARTNERS]
        return self._describe(suffix, name, outputs, keys)

    def _upload_artifacts(self) -> dict:
        store = self._cloud.client("s3")
        store.create_bucket(Bucket=ARTIFACT_BUCKET)
        artifacts = {"bucket": ARTIFACT_BUCKET, "handlers": {}, "definitions": {}}
        for name in handlers.NAMES:
            package = self._cloud.directory / "tmp" / f"{name}.zip"
            handlers.pack(name, package)
            store.upload_file(str(package), ARTIFACT_BUCKET, package.name)
            package.unlink()
            artifacts["handlers"][name] = f"{name}.zip"
        for path in _definition_paths(self._template):
            store.upload_file(str(paths.ROOT / path), ARTIFACT_BUCKET, path)
            artifacts["definitions"][path] = path
        return artifacts

    def _create_stack(self, name: str, parameters: dict) -> None:
        formation = self._cloud.client("cloudformation")
        # By URL, because a template in the call itself may have 51,200 bytes only.
        store = self._cloud.client("s3")
        key = f"{name}.template.json"
        store.put_object(Bucket=ARTIFACT_BUCKET, Key=key, Body=json.dumps(self._template).encode())
        formation.create_stack(
            StackName=name,
            TemplateURL=f"{self._cloud.endpoint}/{ARTIFACT_BUCKET}/{key}",
            Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        self._wait_for_stack(formation, name)

    def _wait_for_stack(self, formation, name: str) -> None:
        deadline = time.monotonic() + DEPLOY_SECONDS_MAX
        status = "CREATE_IN_PROGRESS"
        while status == "CREATE_IN_PROGRESS" and time.monotonic() < deadline:
            time.sleep(0.1)
            status = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if status != "CREATE_COMPLETE":
            raise Problem(f"The stack {name} is {status}, not CREATE_COMPLETE.\n{_failures(formation, name)}")

    def _outputs(self, name: str) -> dict:
        stack = self._cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def _describe(self, suffix: str, name: str, outputs: dict, keys: list) -> dict:
        """All that a client of the stack, a test or a person needs to know."""
        resources = self._cloud.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        by_kind = {}
        for resource in resources:
            kind = by_kind.setdefault(resource["ResourceType"], {})
            kind[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]
        return {
            "suffix": suffix,
            "stack_name": name,
            "endpoint": self._cloud.endpoint,
            "region": REGION,
            **self._cloud.credentials,
            "api_url": f"{self._cloud.endpoint}/_aws/execute-api/{outputs['ApiId']}/{rest_api.STAGE}",
            "api_key": keys[0],
            "api_key_2": keys[1],
            "partner": PARTNERS[0],
            "partner_2": PARTNERS[1],
            "rest_api_id": outputs["ApiId"],
            "usage_plan_id": outputs["ApiUsagePlanId"],
            "bucket": outputs["BucketName"],
            "status_table": outputs["StatusTableName"],
            "transactions_table": outputs["TransactionsTableName"],
            "topic_arn": outputs["NotificationTopicArn"],
            "dlq_url": outputs["DeadLetterQueueUrl"],
            "state_machine_arn": outputs["StateMachineArn"],
            # By logical id, as the template has them.
            "functions": by_kind["AWS::Lambda::Function"],
            "roles": by_kind["AWS::IAM::Role"],
        }


def _definition_paths(template: dict) -> list:
    machines = template["Resources"].values()
    return [m["Properties"]["DefinitionUri"] for m in machines if m["Type"] == "AWS::Serverless::StateMachine"]


def _only(template: dict, kind: str) -> dict:
    (resource,) = [resource for resource in template["Resources"].values() if resource["Type"] == kind]
    return resource


def _failures(formation, name: str) -> str:
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    )
