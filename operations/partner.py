"""Partners: each has an API key of the form `<name>.<random secret>` in the stack's usage plan."""

import re
import secrets

from tools.problem import Problem

from . import tags
from .stack import Stack, curl_line

# As in the domain's identity.rs. A key with another name would count as one without a name.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# As in the same file: the name in the keys of operators, who are not partners.
OPERATOR = "operator"
# 48 hexadecimal digits. With the longest name a key has 112 characters; API Gateway accepts 20 to 128.
SECRET_BYTES = 24


def partner(stack: Stack, environment: str, name: str, again: bool) -> None:
    """Creates a key for a partner and prints it, the only time that it is shown."""
    if not NAME.fullmatch(name):
        raise Problem(
            f"NAME is {name!r}. A partner's name has 1 to 63 lowercase letters, digits and hyphens, and does not begin "
            "with a hyphen: NAME=acme"
        )
    if name == OPERATOR:
        raise Problem(
            f"A partner cannot be called {name}: a key of that name sees all partners. To create one: make operator "
            f"ENV={environment}"
        )
    outputs = stack.require()
    gateway = stack.account.client("apigateway")
    plan_id = outputs["ApiUsagePlanId"]
    earlier = [key["id"] for key in keys_of_plan(gateway, plan_id) if key["name"] == name]
    if earlier and not again:
        raise Problem(f"The partner {name} has a key in {stack.name} already. To create one more: AGAIN=1")
    value = add_key(gateway, plan_id, name, environment)
    print(f"API key of {name}, shown only once:\n  {value}")
    print(f"Give it to the partner, who uploads a file with:\n  {curl_line(stack, outputs)}")
    for key_id in earlier:
        print("A previous key still works. Delete it when the partner uses the new one:")
        print(f"  aws apigateway delete-api-key --api-key {key_id}")


def add_key(gateway, plan_id: str, name: str, environment: str) -> str:
    """Creates a key in the usage plan and returns its value."""
    # The function reads the partner's name from the part before the dot.
    value = f"{name}.{secrets.token_hex(SECRET_BYTES)}"
    key_id = gateway.create_api_key(name=name, value=value, enabled=True, tags=tags.of(environment))["id"]
    try:
        gateway.create_usage_plan_key(usagePlanId=plan_id, keyId=key_id, keyType="API_KEY")
    except BaseException:
        # A key outside the plan grants nothing, and no command here would find it.
        gateway.delete_api_key(apiKey=key_id)
        raise
    return value


def keys_of_plan(gateway, plan_id: str) -> list:
    """The keys of a usage plan, each with `id` and `name`."""
    pages = gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan_id)
    return [{"id": key["id"], "name": key["name"]} for page in pages for key in page["items"]]
