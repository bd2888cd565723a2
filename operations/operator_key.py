"""Operators: an API key of the form `operator.<random secret>`, which sees the days of all partners and cannot
upload."""

from .partner import OPERATOR, add_key, keys_of_plan
from .stack import Stack, api_url


def operator_key(stack: Stack, environment: str) -> None:
    """Creates a key for an operator and prints it, the only time that it is shown."""
    outputs = stack.require()
    gateway = stack.account.client("apigateway")
    plan_id = outputs["ApiUsagePlanId"]
    # Each operator may have one, so that one can be deleted without the others.
    earlier = [key["id"] for key in keys_of_plan(gateway, plan_id) if key["name"] == OPERATOR]
    value = add_key(gateway, plan_id, OPERATOR, environment)
    print(f"API key of an operator, shown only once:\n  {value}")
    url = f"{api_url(stack, outputs)}/days/$(date -u +%F)"
    print("With the key in API_KEY of your shell, show today's files of all partners:")
    print(f'  curl -sS -H "x-api-key: $API_KEY" {url}')
    for key_id in earlier:
        print("A previous key still works. If nobody uses it, delete it:")
        print(f"  aws apigateway delete-api-key --api-key {key_id}")
