"""The demo of files: a valid one from the upload to the notification, and an invalid one that is rejected."""

import json
import time
from decimal import Decimal

from tools import client, paths
from tools.problem import Problem

from .cloud import Cloud
from .demo_steps import Inbox, step

VALID_FILE = paths.SAMPLES / "transactions.csv"
INVALID_FILE = paths.SAMPLES / "transactions-with-errors.csv"
COMPLETION_SECONDS_MAX = 120


def show_files(cloud: Cloud, stack: dict) -> tuple:
    """Shows both. Returns the ID of the valid file and the number of its rows."""
    with step("subscribe to the notifications"):
        inbox = Inbox(cloud, "demo-notifications")
        # Before anything is published, so that no message is missed.
        inbox.subscribe(stack["topic_arn"])
    with step("upload a file"):
        accepted = _upload_valid_file(stack)
    with step("wait until the file is completed"):
        finished = _wait_for_completion(stack, accepted["status_path"])
    _show_timeline(finished)
    with step("read the rows"):
        rows = _show_rows(cloud, stack, accepted)
    with step("receive the notification"):
        _show_notification(inbox, accepted["file_id"])
    with step("upload an invalid file"):
        _show_rejection(stack)
    return accepted["file_id"], rows


def _upload_valid_file(stack: dict) -> dict:
    print(f"POST {stack['api_url']}/upload  {VALID_FILE.relative_to(paths.ROOT)}")
    status, response = client.upload(stack, VALID_FILE)
    if status != 200:
        raise Problem(f"The API returned {status} for a valid file: {json.dumps(response)}")
    print(f"200 {response['message']}")
    print(f"file_id {response['file_id']}, {response['row_count']} rows, totals {_totals(response['totals'])}")
    return response


def _wait_for_completion(stack: dict, status_path: str) -> dict:
    """Prints each new status, and every 5 seconds that the status is unchanged."""
    started, shown, printed = time.monotonic(), 0, 0.0
    while (waited := time.monotonic() - started) < COMPLETION_SECONDS_MAX:
        status, response = client.follow(stack, status_path)
        if status != 200:
            raise Problem(f"The API returned {status} for the status path: {json.dumps(response)}")
        for entry in response["history"][shown:]:
            print(f"{waited:5.1f} s  {entry['status']}", flush=True)
            shown, printed = shown + 1, waited
        if response["status"] == "completed":
            return response
        if response["status"].endswith("_failed"):
            raise Problem(f"The file is {response['status']}: {response['history'][-1]['message']}")
        if waited - printed >= 5:
            print(f"{waited:5.1f} s  still {response['status']}", flush=True)
            printed = waited
        time.sleep(0.25)
    raise Problem(f"The file is {response['status']} after {COMPLETION_SECONDS_MAX} s, not completed.")


def _show_timeline(finished: dict) -> None:
    print("\n== The file's history")
    for entry in finished["history"]:
        print(f"{entry['at']}  attempt {entry['attempt']}  {entry['status']:<12} {entry['message']}")


def _show_rows(cloud: Cloud, stack: dict, accepted: dict) -> int:
    """Counts and sums the rows in the table, and compares them with the response to the upload."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=stack["transactions_table"])
    amounts = {}
    for item in (item for page in pages for item in page["Items"]):
        if item["file_id"]["S"] == accepted["file_id"]:
            amounts.setdefault(item["currency"]["S"], []).append(Decimal(item["amount"]["N"]))
    print(f"{'currency':<8}  {'rows':>4}  {'sum':>18}")
    for currency, values in sorted(amounts.items()):
        # DynamoDB drops trailing zeros; the total in the response has the currency's decimals.
        total = accepted["totals"].get(currency, "nothing")
        print(f"{currency:<8}  {len(values):>4}  {total:>18}")
        if total == "nothing" or sum(values) != Decimal(total):
            raise Problem(f"The rows in {currency} add up to {sum(values)}; the response to the upload says {total}.")
    count = sum(len(values) for values in amounts.values())
    if count != accepted["row_count"]:
        raise Problem(f"The table has {count} rows of the file, the response to the upload says {accepted['row_count']}.")
    return count


def _show_notification(inbox: Inbox, file_id: str) -> None:
    envelope = next(inbox.messages())
    notification = json.loads(envelope["Message"])
    if notification["file_id"] != file_id:
        raise Problem(f"The subscriber received a notification of another file: {envelope['Message']}")
    print(json.dumps(notification, indent=2))
    attributes = envelope.get("MessageAttributes", {})
    print("attributes", ", ".join(f"{name}={value['Value']}" for name, value in sorted(attributes.items())))


def _show_rejection(stack: dict) -> None:
    print(f"POST {stack['api_url']}/upload  {INVALID_FILE.relative_to(paths.ROOT)}")
    status, response = client.upload(stack, INVALID_FILE)
    if status != 400 or not response.get("errors"):
        raise Problem(f"The API returned {status} for an invalid file: {json.dumps(response)}")
    print(f"400 {response['error']}: {response['message']}")
    for error in response["errors"]:
        print(f"line {error['line']:<3} {error['column'] or '-':<15} {error['code']:<26} {error['reason']}")


def _totals(totals: dict) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(totals.items()))
