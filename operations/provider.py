"""Providers: the secrets that each signs its webhooks with, in Secrets Manager."""

import base64
import json
import secrets

from tools.problem import Problem

from . import tags
from .partner import NAME
from .stack import Stack, webhook_url

# Standard Webhooks asks for 24 to 64 bytes.
SECRET_BYTES = 32
# The present one, and the one before it while it is being changed.
SECRETS_MAX = 2


def provider(stack: Stack, environment: str, name: str, rotate: bool, revoke: bool) -> None:
    """Makes a provider's secret and prints it, the only time that anything of ours does; or changes it."""
    if not NAME.fullmatch(name):
        raise Problem(
            f"NAME is {name!r}. A provider's name has 1 to 63 small letters, digits and hyphens, and begins with no "
            "hyphen: NAME=acme-pay"
        )
    if rotate and revoke:
        raise Problem("ROTATE=1 makes a new secret, and REVOKE=1 ends the earlier one later. Give one of them.")
    outputs = stack.require()
    vault = stack.account.client("secretsmanager")
    present = read(vault, environment, name)
    if revoke:
        _revoke(stack, vault, environment, name, present)
        return
    _check_room(stack, environment, name, present, rotate)
    value = add_secret(vault, environment, name)
    url = webhook_url(stack, outputs)
    print(f"Secret of {name}, shown this once:\n  {value}")
    print(f"Give it to the provider, who signs by Standard Webhooks and sends to:\n  {url}")
    print("With the secret in WEBHOOK_SECRET of your shell, this sends a payment:")
    print(f"  WEBHOOK_URL={url} WEBHOOK_PROVIDER={name} sh local/samples/send-webhook.sh 129.90")
    if present:
        again = f"make provider ENV={environment} NAME={name} REVOKE=1"
        print(f"The one before still works. End it when the provider has changed: {again}")
    known = stack.parameters().get("WebhookProviders", "").split(",")
    if name not in known:
        names = ",".join([*filter(None, known), name])
        deploy = f"make deploy ENV={environment} PARAMETERS='WebhookProviders={names}'"
        print(f"{name} is not among the WebhookProviders of {stack.name}, and is refused until it is: {deploy}")


def _check_room(stack: Stack, environment: str, name: str, present: list, rotate: bool) -> None:
    if present and not rotate:
        raise Problem(f"The provider {name} has a secret in {stack.name} already. For a new one beside it: ROTATE=1")
    if len(present) == SECRETS_MAX:
        raise Problem(
            f"The provider {name} has {SECRETS_MAX} secrets in {stack.name} already, and a new one would end the "
            f"earlier. If nobody signs with that any more, end it first: REVOKE=1. If the newer one was lost: "
            f"aws secretsmanager get-secret-value --secret-id {_id(environment, name)}"
        )


def add_secret(vault, environment: str, name: str) -> str:
    """Makes a secret, beside the one before if there is one, and returns it."""
    value = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    _write(vault, environment, name, [value, *read(vault, environment, name)][:SECRETS_MAX])
    return value


def read(vault, environment: str, name: str) -> list:
    """A provider's secrets, the newest first."""
    try:
        text = vault.get_secret_value(SecretId=_id(environment, name))["SecretString"]
    except vault.exceptions.ResourceNotFoundException:
        return []
    return json.loads(text)["secrets"]


def delete_all(vault, environment: str) -> int:
    """Deletes the secrets of all providers of an environment, at once. Returns how many there were."""
    pages = vault.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [_id(environment, "")]}])
    found = [secret["Name"] for page in pages for secret in page["SecretList"]]
    # The filter is by words; what only resembles is another environment's.
    ours = [secret for secret in found if secret.startswith(_id(environment, ""))]
    for secret in ours:
        vault.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    return len(ours)


def _revoke(stack: Stack, vault, environment: str, name: str, present: list) -> None:
    if len(present) < SECRETS_MAX:
        raise Problem(f"The provider {name} has no earlier secret in {stack.name} to end. For a new one: ROTATE=1")
    _write(vault, environment, name, present[:1])
    seconds = stack.parameters()["SecretsRefreshSeconds"]
    print(f"The earlier secret of {name} ends within {seconds} seconds, when the secrets are read again.")


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
    """As the template names them in SIGNING_SECRETS_PREFIX."""
    return f"webhook-signing/{environment}/{name}"
