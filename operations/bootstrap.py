"""Deploys bootstrap.yaml: what all environments of an account and region share."""

import re

from tools import paths
from tools.problem import Problem

from .account import Account
from .stack import Stack

STACK_NAME = "transaction-bootstrap"
TEMPLATE = paths.ROOT / "bootstrap.yaml"
GITHUB_ISSUER = "token.actions.githubusercontent.com"


def bootstrap(account: Account, github: str) -> None:
    """Creates or updates the stack, and prints the outputs that the next steps need."""
    if github and not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", github):
        raise Problem(f"GITHUB is {github!r}. Write the repository as GitHub shows it: GITHUB=owner/name")
    stack = Stack(account, STACK_NAME)
    description = stack.description()
    if description is not None and description["StackStatus"] == "ROLLBACK_COMPLETE":
        # A first creation failed. CloudFormation cannot update such a stack.
        stack.delete()
        description = None
    parameters = _chosen(account, github) if description is None else _kept(account, stack.parameters(), github)
    print(f"deploying {STACK_NAME} to {account}", flush=True)
    stack.create_or_update(
        TEMPLATE.read_text(), [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    )
    for name, value in stack.outputs().items():
        print(f"{name} = {value}")


def _chosen(account: Account, github: str) -> dict:
    """The parameters of the first deployment: what the account already has stays as it is."""
    has_log_role = bool(account.client("apigateway").get_account().get("cloudwatchRoleArn"))
    if has_log_role:
        print("API Gateway already has a role for its logs in this region, which is kept.")
    return {
        "ManageApiGatewayAccount": "false" if has_log_role else "true",
        "GitHubRepository": github,
        "GitHubOidcProviderArn": _provider(account) if github else "",
    }


def _kept(account: Account, parameters: dict, github: str) -> dict:
    """The parameters of a later deployment: the same, with GitHub added or changed."""
    if github and not parameters.get("GitHubRepository"):
        parameters["GitHubOidcProviderArn"] = _provider(account)
    if github:
        parameters["GitHubRepository"] = github
    return parameters


def _provider(account: Account) -> str:
    """The ARN of the account's OIDC provider for GitHub, or an empty text."""
    providers = account.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    return next((p["Arn"] for p in providers if p["Arn"].endswith(f"/{GITHUB_ISSUER}")), "")
