"""One CloudFormation stack: what it has, and how it ends."""

import re
import time

from botocore.exceptions import ClientError

from tools.problem import Problem

from .account import Account

# As in template.yaml, whose names end in it.
ENVIRONMENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,26}[a-z0-9])?")
PREFIX = "transaction-processing-"
WAIT_SECONDS_MAX = 30 * 60
WAIT_SECONDS_LONGEST = 5
# What a stack is when an operation begins. Its events before that tell of earlier ones.
OPERATIONS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
# What a first deployment leaves that failed, and a removal that did. CloudFormation updates no such stack.
DEAD_ENDS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")


class Stack:
    """A stack by its name, whether it is there or not."""

    def __init__(self, account: Account, name: str):
        self.account = account
        self.name = name
        self._formation = account.client("cloudformation")

    def description(self):
        """What CloudFormation says about it, or None if it is not there."""
        try:
            found = self._formation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            # The service has no code of its own for this.
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
        return None if not found or found[0]["StackStatus"] == "DELETE_COMPLETE" else found[0]

    def outputs(self) -> dict:
        """Its outputs by name, none if it is not there."""
        return {o["OutputKey"]: o["OutputValue"] for o in (self.description() or {}).get("Outputs", [])}

    def parameters(self) -> dict:
        """Its parameters by name, none if it is not there."""
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
            raise Problem(f"The stack {self.name} is {status} and has no outputs yet. When that is over: {again}")
        return outputs

    def resources(self, kind: str) -> list:
        """The names of its resources of one type that are there."""
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
        """Deletes it and waits until it is gone."""
        self._formation.delete_stack(StackName=self.name)
        status = self.wait()
        if status is not None:
            raise Problem(f"The stack {self.name} could not be deleted and is {status}: {self._reasons()}")

    def wait(self):
        """Waits while something is in progress. Returns the status then, or None if the stack is gone."""
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
        raise Problem(f"The stack {self.name} was not done within 30 minutes. See its events in the console.")

    def create_or_update(self, template: str, parameters: list) -> str:
        """Brings it to what the template says. Returns how it ended."""
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
        """Why resources failed in the last operation, newest first, as a sentence."""
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
            # Its own event only counts the others, and what was cancelled failed only because another one did.
            if event["ResourceStatus"].endswith("_FAILED") and not is_own and "cancelled" not in reason:
                reasons.append(f"{event['LogicalResourceId']}: {reason}")
        return ("; ".join(reasons[:3]) or "it tells no reason") + "."


def stack_of(account: Account, environment: str) -> Stack:
    """The stack of an environment."""
    if not ENVIRONMENT.fullmatch(environment):
        raise Problem(
            f"ENV is {environment!r}. An environment's name has 1 to 28 small letters, digits and inner hyphens: "
            "ENV=dev"
        )
    return Stack(account, PREFIX + environment)


def api_url(stack: Stack, outputs: dict) -> str:
    """The base of the API, on AWS or on the local cloud."""
    return _local_url(stack, outputs["ApiId"]) or outputs["ApiEndpoint"]


def webhook_url(stack: Stack, outputs: dict) -> str:
    """Where providers send their webhooks, on AWS or on the local cloud."""
    base = _local_url(stack, outputs["WebhookApiId"])
    return f"{base}/webhook" if base else outputs["WebhookUrl"]


def _local_url(stack: Stack, api_id: str) -> str:
    """The base of an API on the local cloud, which has all APIs under one address; nothing on AWS."""
    return f"{stack.account.endpoint}/_aws/execute-api/{api_id}/prod" if stack.account.endpoint else ""


def curl_line(stack: Stack, outputs: dict) -> str:
    """A line to paste, which takes the key from the shell, so that no screen and no history has it."""
    url = f"{api_url(stack, outputs)}/upload"
    return f'curl -sS -H "x-api-key: $API_KEY" -F file=@local/samples/transactions.csv {url}'
