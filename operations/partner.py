"""Partners: an API key of the form `<name>.<random secret>` in the stack's usage plan for each."""

import re
import secrets

from tools.problem import Problem

from . import tags
from .stack import Stack, curl_line

# As domain/src/identity.rs has it. A key of another name would be taken for one without a name.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# As domain/src/identity.rs has it too: in the keys of operators, who are no partner.
OPERATOR = "operator"
# In hexadecimal digits 48. With the longest name a key has 112 characters; API Gateway takes 20 to 128.
SECRET_BYTES = 24


def partner(stack: Stack, environment: str, name: str, again: bool) -> None:
    """Makes a key for a partner and prints it, the only time that anything of ours does."""
    if not NAME.fullmatch(name):
        raise Problem(
            f"NAME is {name!r}. A partner's name has 1 to 63 small letters, digits and hyphens, and begins with no "
            "hyphen: NAME=acme"
        )
    if name == OPERATOR:
        raise Problem(
            f"No partner is called {name}: a key of that name sees all partners. To make one: make operator "
            f"ENV={environment}"
        )
    outputs = stack.require()
    gateway = stack.account.client("apigateway")
    plan_id = outputs["ApiUsagePlanId"]
    earlier = [key["id"] for key in keys_of_plan(gateway, plan_id) if key["name"] == name]
    if earlier and not again:
        raise Problem(f"The partner {name} has a key in {stack.name} already. For one more, to change over: AGAIN=1")
    value = add_key(gateway, plan_id, name, environment)
    print(f"API key of {name}, shown this once:\n  {value}")
    print(f"Give it to the partner, who sends a file so:\n  {curl_line(stack, outputs)}")
    for key_id in earlier:
        print(f"An earlier key still works. End it after the change: aws apigateway delete-api-key --api-key {key_id}")


def add_key(gateway, plan_id: str, name: str, environment: str) -> str:
    """Makes a key in the usage plan and returns its value."""
    # The handler takes the partner's name from the part before the dot.
    value = f"{name}.{secrets.token_hex(SECRET_BYTES)}"
    key_id = gateway.create_api_key(name=name, value=value, enabled=True, tags=tags.of(environment))["id"]
    try:
        gateway.create_usage_plan_key(usagePlanId=plan_id, keyId=key_id, keyType="API_KEY")
    except BaseException:
        # A key outside the plan opens nothing and would be found by nobody.
        gateway.delete_api_key(apiKey=key_id)
        raise
    return value


def keys_of_plan(gateway, plan_id: str) -> list:
    """The keys in a usage plan, each with `id` and `name`."""
    pages = gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan_id)
    return [{"id": key["id"], "name": key["name"]} for page in pages for key in page["items"]]
