"""Providers: the secrets with which each signs its webhooks, in Secrets Manager."""

import base64
import json
import secrets

from tools.problem import Problem

from . import tags
from .partner import NAME
from .stack import Stack, webhook_url

# Standard Webhooks requires 24 to 64 bytes.
SECRET_BYTES = 32
# The current one, and the previous one during a rotation.
SECRETS_MAX = 2


def provider(stack: Stack, environment: str, name: str, rotate: bool, revoke: bool) -> None:
    """Creates a provider's secret and prints it, the only time that it is shown; or rotates or revokes it."""
    if not NAME.fullmatch(name):
        raise Problem(
            f"NAME is {name!r}. A provider's name has 1 to 63 lowercase letters, digits and hyphens, and does not begin "
            "with a hyphen: NAME=acme-pay"
        )
    if rotate and revoke:
        raise Problem("ROTATE=1 creates a new secret, and REVOKE=1 deletes the previous one later. Give one of them.")
    outputs = stack.require()
    vault = stack.account.client("secretsmanager")
    current = read(vault, environment, name)
    if revoke:
        _revoke(stack, vault, environment, name, current)
        return
    _check_room(stack, environment, name, current, rotate)
    value = add_secret(vault, environment, name)
    url = webhook_url(stack, outputs)
    print(f"Secret of {name}, shown only once:\n  {value}")
    print(f"Give it to the provider, who signs webhooks by Standard Webhooks and sends them to:\n  {url}")
    print("With the secret in WEBHOOK_SECRET of your shell, send a payment:")
    print(f"  WEBHOOK_URL={url} WEBHOOK_PROVIDER={name} sh local/samples/send-webhook.sh 129.90")
    if current:
        again = f"make provider ENV={environment} NAME={name} REVOKE=1"
        print(f"The previous secret still works. Delete it when the provider uses the new one: {again}")
    known = stack.parameters().get("WebhookProviders", "").split(",")
    if name not in known:
        names = ",".join([*filter(None, known), name])
        deploy = f"make deploy ENV={environment} PARAMETERS='WebhookProviders={names}'"
        print(f"{name} is not in WebhookProviders of {stack.name}. Its webhooks are rejected until you add it: {deploy}")


def _check_room(stack: Stack, environment: str, name: str, current: list, rotate: bool) -> None:
    if current and not rotate:
        raise Problem(f"The provider {name} has a secret in {stack.name} already. To create a new one beside it: ROTATE=1")
    if len(current) == SECRETS_MAX:
        raise Problem(
            f"The provider {name} has {SECRETS_MAX} secrets in {stack.name} already, and a new one would delete the "
            f"previous one. If nobody signs with that any more, delete it first: REVOKE=1. If the newer one was lost: "
            f"aws secretsmanager get-secret-value --secret-id {_id(environment, name)}"
        )


def add_secret(vault, environment: str, name: str) -> str:
    """Creates a secret, beside the previous one if there is one, and returns it."""
    value = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    _write(vault, environment, name, [value, *read(vault, environment, name)][:SECRETS_MAX])
    return value


def read(vault, environment: str, name: str) -> list:
    """A provider's secrets, newest first."""
    try:
        text = vault.get_secret_value(SecretId=_id(environment, name))["SecretString"]
    except vault.exceptions.ResourceNotFoundException:
        return []
    return json.loads(text)["secrets"]


def delete_all(vault, environment: str) -> int:
    """Deletes the secrets of all providers of an environment, without a recovery window. Returns their number."""
    pages = vault.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [_id(environment, "")]}])
    found = [secret["Name"] for page in pages for secret in page["SecretList"]]
    # The filter matches words, so that it also finds secrets of environments with similar names.
    ours = [secret for secret in found if secret.startswith(_id(environment, ""))]
    for secret in ours:
        vault.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    return len(ours)


def _revoke(stack: Stack, vault, environment: str, name: str, current: list) -> None:
    if len(current) < SECRETS_MAX:
        raise Problem(f"The provider {name} has no previous secret in {stack.name}. To create a new one: ROTATE=1")
    _write(vault, environment, name, current[:1])
    seconds = stack.parameters()["SecretsRefreshSeconds"]
    print(f"The previous secret of {name} stops working within {seconds} seconds, at the next reading of the secrets.")


def _write(vault, environment: str, name: str, values: list) -> None:
    text = json.dumps({"secrets": values})
    try:
        vault.create_secret(
            Name=_id(environment, name),
            SecretString=text,
            Tags=[{"Key": key, "Value": value} for key, value in tags.of(environment).items()],
        )
    except vault.exceptions.ResourceExistsException:
        vault.put_secret_value(SecretId=_id(environment, name), SecretString=text)


def _id(environment: str, name: str) -> str:
    """The name of a secret, as in SIGNING_SECRETS_PREFIX of the template."""
    return f"webhook-signing/{environment}/{name}"
