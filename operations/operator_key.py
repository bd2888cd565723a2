"""Operators: an API key of the form `operator.<random secret>`, which sees the days of all partners and sends no file."""

from .partner import OPERATOR, add_key, keys_of_plan
from .stack import Stack, api_url


def operator_key(stack: Stack, environment: str) -> None:
    """Makes a key for an operator and prints it, the only time that anything of ours does."""
    outputs = stack.require()
    gateway = stack.account.client("apigateway")
    plan_id = outputs["ApiUsagePlanId"]
    # Each operator may have one, so that one who leaves takes no other's away.
    earlier = [key["id"] for key in keys_of_plan(gateway, plan_id) if key["name"] == OPERATOR]
    value = add_key(gateway, plan_id, OPERATOR, environment)
    print(f"API key of an operator, shown this once:\n  {value}")
    url = f"{api_url(stack, outputs)}/days/$(date -u +%F)"
    print(f'With it in API_KEY of your shell, this shows what came today:\n  curl -sS -H "x-api-key: $API_KEY" {url}')
    for key_id in earlier:
        print(f"An earlier key still works. If nobody uses it: aws apigateway delete-api-key --api-key {key_id}")
