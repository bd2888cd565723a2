"""`up` and `down`: a local cloud that keeps running, for manual use."""

import json
import os
import shlex

from tools import handlers, paths, sam_relay
from tools.problem import Problem

from . import txn_profile
from .cloud import Cloud
from .deployment import Deployment

PORT_DEFAULT = "4566"
SUFFIX = "local"
# So that a day shows expected files.
SCHEDULES = "acme:daily,globex:mon-fri*2"


def up() -> None:
    """Starts the cloud, deploys one stack and shows how to use it."""
    cloud = cloud_of_up()
    if cloud.is_running():
        raise Problem(f"The local cloud already runs at {cloud.endpoint}. Use it, or stop it first: make down")
    handlers.require_built()
    relay, sentence = sam_relay.plan()
    cloud.start(_port(), relay)
    try:
        deployment = Deployment(cloud)
        stack = deployment.add_stack(SUFFIX, {"PartnerSchedules": SCHEDULES})
    except BaseException:
        cloud.stop()
        raise
    write_private(paths.STACK_FILE, stack)
    _introduce(stack, deployment.changes, sentence)


def down() -> None:
    """Stops the cloud of `up`."""
    cloud = cloud_of_up()
    was_running = cloud.is_running()
    cloud.stop()
    paths.STACK_FILE.unlink(missing_ok=True)
    txn_profile.FILE.unlink(missing_ok=True)
    print("The local cloud is stopped." if was_running else "The local cloud does not run: nothing to stop.")


def write_private(path, content: dict) -> None:
    """Writes JSON with keys, which only this user may read."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n")


def cloud_of_up() -> Cloud:
    """The cloud that keeps running."""
    return Cloud(paths.WORK / "up")


def _port() -> int:
    text = os.environ.get("PORT", PORT_DEFAULT)
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise Problem(f"PORT is {text!r}, which is not a port. Give a number from 1 to 65535: PORT=4567 make up")
    return int(text)


def _introduce(stack: dict, changes: list, relay_sentence: str) -> None:
    print("The local cloud is running.")
    _introduce_page(stack)
    print(txn_profile.write(stack))
    _introduce_api(stack)
    _introduce_webhooks(stack)
    print("\nDifferences from AWS:")
    for change in changes:
        print(f"  - {change}")
    print(relay_sentence)
    print("\nAll names and keys are in .local/stack.json. To stop the local cloud: make down")


def _introduce_page(stack: dict) -> None:
    print("\nOpen the page in a browser, enter the key, and upload a valid file and an invalid one:")
    print(f"  Page            {stack['page_url']}")
    print(f"  Key             {stack['api_key']}")
    print(f"  Valid file      {paths.SAMPLES / 'transactions.csv'}")
    print(f"  Invalid file    {paths.SAMPLES / 'transactions-with-errors.csv'}")
    print(f"  Operator's key  {stack['operator_key']}  (for the view of a day; expected files: {SCHEDULES})")


def _introduce_api(stack: dict) -> None:
    sample = shlex.quote(str(paths.SAMPLES / "transactions.csv"))
    print("\nOr use the API: upload a file, get its status by the status_path of the response, and show today's files:")
    print(f"  curl -sS -H 'x-api-key: {stack['api_key']}' -F file=@{sample} {stack['api_url']}/upload")
    print(f"  curl -sS '{stack['api_url']}<status_path>'")
    print(f"  curl -sS -H 'x-api-key: {stack['operator_key']}' {stack['api_url']}/days/$(date -u +%F)")


def _introduce_webhooks(stack: dict) -> None:
    variables = f"export WEBHOOK_URL={stack['webhook_url']} WEBHOOK_SECRET={stack['webhook_secret']}"
    shell, python = (shlex.quote(str(paths.SAMPLES / name)) for name in ("send-webhook.sh", "send_webhook.py"))
    print(f"\nWebhook URL       {stack['webhook_url']}")
    print(f"Webhook provider  {stack['webhook_provider']}")
    print(f"Webhook secret    {stack['webhook_secret']}")
    print("\nSign and send a webhook with an amount, with openssl and curl or in Python:")
    print(f"  {variables}\n  sh {shell} 129.90\n  python3 {python} 12000")
