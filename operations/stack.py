"""One CloudFormation stack: its outputs, parameters, resources and operations."""

import re
import time

from botocore.exceptions import ClientError

from tools.problem import Problem

from .account import Account

# As in template.yaml, where names end with it.
ENVIRONMENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,26}[a-z0-9])?")
PREFIX = "transaction-processing-"
WAIT_SECONDS_MAX = 30 * 60
WAIT_SECONDS_LONGEST = 5
# The status of a stack when an operation begins. Events before that belong to previous operations.
OPERATIONS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
# After a first deployment or a deletion that failed. CloudFormation cannot update such a stack.
DEAD_ENDS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")


class Stack:
    """A stack by its name, whether it exists or not."""

    def __init__(self, account: Account, name: str):
        self.account = account
        self.name = name
        self._formation = account.client("cloudformation")

    def description(self):
        """Its description by CloudFormation, or None if it does not exist."""
        try:
            found = self._formation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            # The service has no error code for this.
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
        return None if not found or found[0]["StackStatus"] == "DELETE_COMPLETE" else found[0]

    def outputs(self) -> dict:
        """Its outputs by name, none if it does not exist."""
        return {o["OutputKey"]: o["OutputValue"] for o in (self.description() or {}).get("Outputs", [])}

    def parameters(self) -> dict:
        """Its parameters by name, none if it does not exist."""
        return {p["ParameterKey"]: p["ParameterValue"] for p in (self.description() or {}).get("Parameters", [])}

    def require(self) -> dict:
        """Its outputs, for a command that needs the stack."""
        description = self.description()
        again = f"make deploy ENV={self.name.removeprefix(PREFIX)}"
        if description is None:
            raise Problem(
                f"There is no stack {self.name} in {self.account}. Deploy it first ({again}), or check ENV and "
                "AWS_REGION."
            )
        outputs = self.outputs()
        if not outputs:
            status = description["StackStatus"]
            raise Problem(f"The stack {self.name} is {status} and has no outputs yet. After the operation: {again}")
        return outputs

    def resources(self, kind: str) -> list:
        """The physical IDs of its existing resources of one type."""
        pages = self._formation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [
            summary["PhysicalResourceId"]
            for page in pages
            for summary in page["StackResourceSummaries"]
            if summary["ResourceType"] == kind
            and summary.get("PhysicalResourceId")
            and summary["ResourceStatus"] != "DELETE_COMPLETE"
        ]

    def delete(self) -> None:
        """Deletes it and waits until it is deleted."""
        self._formation.delete_stack(StackName=self.name)
        status = self.wait()
        if status is not None:
            raise Problem(f"The stack {self.name} could not be deleted and is {status}: {self._reasons()}")

    def wait(self):
        """Waits while an operation is in progress. Returns the status after it, or None if the stack is deleted."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        pause = 0.2
        while time.monotonic() < deadline:
            description = self.description()
            if description is None:
                return None
            if not description["StackStatus"].endswith("_IN_PROGRESS"):
                return description["StackStatus"]
            time.sleep(pause)
            pause = min(pause * 1.5, WAIT_SECONDS_LONGEST)
        raise Problem(f"The stack {self.name} is still changing after 30 minutes. See its events in the console.")

    def create_or_update(self, template: str, parameters: list) -> str:
        """Creates or updates it with a template. Returns its final status."""
        arguments = {"StackName": self.name, "TemplateBody": template, "Parameters": parameters}
        arguments["Capabilities"] = ["CAPABILITY_IAM"]
        try:
            if self.description() is None:
                self._formation.create_stack(**arguments)
            else:
                self._formation.update_stack(**arguments)
        except ClientError as error:
            if "No updates are to be performed" not in error.response["Error"]["Message"]:
                raise
        status = self.wait()
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Problem(f"The stack {self.name} is {status}: {self._reasons()}")
        return status

    def _reasons(self) -> str:
        """The reasons of the resources that failed in the last operation, newest first, as a sentence."""
        try:
            events = self._formation.describe_stack_events(StackName=self.name)["StackEvents"]
        except ClientError:
            events = []
        reasons = []
        for event in events:
            is_own = event["LogicalResourceId"] == self.name
            if is_own and event["ResourceStatus"] in OPERATIONS:
                break
            reason = event.get("ResourceStatusReason", "no reason given").rstrip(".")
            # The stack's own event only counts the others, and a canceled resource failed because of another one.
            if event["ResourceStatus"].endswith("_FAILED") and not is_own and "cancelled" not in reason:
                reasons.append(f"{event['LogicalResourceId']}: {reason}")
        return ("; ".join(reasons[:3]) or "no reason given") + "."


def stack_of(account: Account, environment: str) -> Stack:
    """The stack of an environment."""
    if not ENVIRONMENT.fullmatch(environment):
        raise Problem(
            f"ENV is {environment!r}. An environment's name has 1 to 28 lowercase letters, digits and inner hyphens: "
            "ENV=dev"
        )
    return Stack(account, PREFIX + environment)


def api_url(stack: Stack, outputs: dict) -> str:
    """The base URL of the upload API, on AWS or on the local cloud."""
    return _local_url(stack, outputs["ApiId"]) or outputs["ApiEndpoint"]


def webhook_url(stack: Stack, outputs: dict) -> str:
    """The URL for webhooks, on AWS or on the local cloud."""
    base = _local_url(stack, outputs["WebhookApiId"])
    return f"{base}/webhook" if base else outputs["WebhookUrl"]


def _local_url(stack: Stack, api_id: str) -> str:
    """The base URL of an API on the local cloud, which has all APIs under one address; empty on AWS."""
    return f"{stack.account.endpoint}/_aws/execute-api/{api_id}/prod" if stack.account.endpoint else ""


def curl_line(stack: Stack, outputs: dict) -> str:
    """A command to paste, which reads the key from the shell, so that it appears on no screen and in no history."""
    url = f"{api_url(stack, outputs)}/upload"
    return f'curl -sS -H "x-api-key: $API_KEY" -F file=@local/samples/transactions.csv {url}'
