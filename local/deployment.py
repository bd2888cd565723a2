"""Deploys the template to the emulator, once for each suffix."""

import json
import time

from tools import handlers, paths
from tools.paths import REGION
from tools.problem import Problem

from . import rest_api, rewrites
from .cloud import Cloud

PARTNERS = ("acme", "globex")
PROVIDERS = ("acme-pay", "globex-pay")
ARTIFACT_BUCKET = "deployment-artifacts"
DEPLOY_SECONDS_MAX = 120


class Deployment:
    """The artifacts, which are uploaded once, and the stacks that use them."""

    def __init__(self, cloud: Cloud):
        self._cloud = cloud
        # The parser of the emulator's SAM transform, so that both read the template in the same way.
        from samtranslator.yaml_helper import yaml_parse

        self._template = yaml_parse(paths.TEMPLATE.read_text())
        apis = self._template["Resources"].items()
        self._definitions = {
            name: api["Properties"]["DefinitionBody"] for name, api in apis if api["Type"] == "AWS::Serverless::Api"
        }
        self.changes = rewrites.apply_all(self._template, self._upload_artifacts())

    def add_stack(self, suffix: str, parameters: dict) -> dict:
        """Deploys a stack, creates keys for two partners and an operator and secrets for two providers, and describes
        it."""
        name = f"transaction-processing-{suffix}"
        lists = {"BucketPartners": ",".join(PARTNERS), "WebhookProviders": ",".join(PROVIDERS)}
        page = {"PageOrigins": self._cloud.page_origin}
        self._create_stack(name, {"EnvironmentSuffix": suffix, **lists, **page, **parameters})
        gateway, vault = self._cloud.client("apigateway"), self._cloud.client("secretsmanager")
        physical = self._resources(name)
        for api, definition in self._definitions.items():
            change = rest_api.complete(gateway, physical["AWS::ApiGateway::RestApi"][api], definition)
            if change not in self.changes:
                self.changes.append(change)
        # Here, because the command line must start on a Python that has no boto3.
        from operations.partner import OPERATOR, add_key
        from operations.provider import add_secret

        outputs = self._outputs(name)
        keys = [add_key(gateway, outputs["ApiUsagePlanId"], partner, suffix) for partner in PARTNERS]
        operator_key = add_key(gateway, outputs["ApiUsagePlanId"], OPERATOR, suffix)
        secrets = [add_secret(vault, suffix, provider) for provider in PROVIDERS]
        return {
            **self._describe(suffix, name, outputs, physical, keys),
            "operator_key": operator_key,
            **self._describe_webhooks(outputs, secrets),
        }

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
        # By URL, because a template in the call itself is limited to 51,200 bytes.
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

    def _resources(self, name: str) -> dict:
        """The physical IDs of a stack's resources, by type and then by logical ID."""
        resources = self._cloud.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        by_kind = {}
        for resource in resources:
            kind = by_kind.setdefault(resource["ResourceType"], {})
            kind[resource["LogicalResourceId"]] = resource["PhysicalResourceId"]
        return by_kind

    def _describe(self, suffix: str, name: str, outputs: dict, physical: dict, keys: list) -> dict:
        """What a test or a person needs to use the stack."""
        return {
            "suffix": suffix,
            "stack_name": name,
            "endpoint": self._cloud.endpoint,
            "region": REGION,
            **self._cloud.credentials,
            "api_url": self._api_url(outputs["ApiId"]),
            # The same API under another name of this machine, so that its origin differs from the bucket's.
            "page_url": self._api_url(outputs["ApiId"]).replace(self._cloud.endpoint, self._cloud.page_origin, 1),
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
            # By logical ID, as in the template.
            "functions": physical["AWS::Lambda::Function"],
            "roles": physical["AWS::IAM::Role"],
        }

    def _describe_webhooks(self, outputs: dict, secrets: list) -> dict:
        """The same for payments."""
        return {
            "webhook_url": f"{self._api_url(outputs['WebhookApiId'])}/webhook",
            "webhook_api_id": outputs["WebhookApiId"],
            "webhook_provider": PROVIDERS[0],
            "webhook_secret": secrets[0],
            "webhook_provider_2": PROVIDERS[1],
            "webhook_secret_2": secrets[1],
            "webhook_table": outputs["PaymentsTableName"],
            "customers_table": outputs["CustomersTableName"],
            "event_bus": outputs["EventBusName"],
            "alerts_topic_arn": outputs["AlertsTopicArn"],
            "audit_bucket": outputs["AuditBucketName"],
            "webhook_dlq_url": outputs["PaymentDeadLetterQueueUrl"],
            "archival_function": outputs["ArchivalFunctionName"],
            "webhook_state_machine_arn": outputs["WebhookStateMachineArn"],
        }

    def _api_url(self, api_id: str) -> str:
        return f"{self._cloud.endpoint}/_aws/execute-api/{api_id}/{rest_api.STAGE}"


def _definition_paths(template: dict) -> list:
    machines = template["Resources"].values()
    return [m["Properties"]["DefinitionUri"] for m in machines if m["Type"] == "AWS::Serverless::StateMachine"]


def _failures(formation, name: str) -> str:
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    )
