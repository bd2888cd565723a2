"""The demo of files: one from the upload to the notification, and one that is refused."""

import json
import time
from decimal import Decimal

from tools import client, paths
from tools.problem import Problem

from .cloud import Cloud
from .demo_steps import Inbox, step

GOOD_FILE = paths.SAMPLES / "transactions.csv"
BAD_FILE = paths.SAMPLES / "transactions-with-errors.csv"
COMPLETION_SECONDS_MAX = 120


def show_files(cloud: Cloud, stack: dict) -> tuple:
    """Shows the way of both. Returns the good one's id and the number of its rows."""
    with step("subscribe to the notifications"):
        inbox = Inbox(cloud, "demo-notifications")
        # Before anything is published.
        inbox.subscribe(stack["topic_arn"])
    with step("upload a file"):
        accepted = _upload_good_file(stack)
    with step("wait for the file's completion"):
        finished = _wait_for_completion(stack, accepted["status_path"])
    _show_timeline(finished)
    with step("read the rows"):
        rows = _show_rows(cloud, stack, accepted)
    with step("receive the notification"):
        _show_notification(inbox, accepted["file_id"])
    with step("upload a bad file"):
        _show_refusal(stack)
    return accepted["file_id"], rows


def _upload_good_file(stack: dict) -> dict:
    print(f"POST {stack['api_url']}/upload  {GOOD_FILE.relative_to(paths.ROOT)}")
    status, answer = client.upload(stack, GOOD_FILE)
    if status != 200:
        raise Problem(f"The API answered {status} to a good file: {json.dumps(answer)}")
    print(f"200 {answer['message']}")
    print(f"file_id {answer['file_id']}, {answer['row_count']} rows, totals {_totals(answer['totals'])}")
    return answer


def _wait_for_completion(stack: dict, status_path: str) -> dict:
    """Shows each status as it comes, and when nothing comes, that we still wait."""
    started, shown, told = time.monotonic(), 0, 0.0
    while (waited := time.monotonic() - started) < COMPLETION_SECONDS_MAX:
        status, answer = client.follow(stack, status_path)
        if status != 200:
            raise Problem(f"The API answered {status} to the status path: {json.dumps(answer)}")
        for entry in answer["history"][shown:]:
            print(f"{waited:5.1f} s  {entry['status']}", flush=True)
            shown, told = shown + 1, waited
        if answer["status"] == "completed":
            return answer
        if answer["status"].endswith("_failed"):
            raise Problem(f"The file is {answer['status']}: {answer['history'][-1]['message']}")
        if waited - told >= 5:
            print(f"{waited:5.1f} s  still {answer['status']}", flush=True)
            told = waited
        time.sleep(0.25)
    raise Problem(f"The file is not completed after {COMPLETION_SECONDS_MAX} s, but {answer['status']}.")


def _show_timeline(answer: dict) -> None:
    print("\n== The file's history")
    for entry in answer["history"]:
        print(f"{entry['at']}  attempt {entry['attempt']}  {entry['status']:<12} {entry['message']}")


def _show_rows(cloud: Cloud, stack: dict, accepted: dict) -> int:
    """Counts and sums the rows in the table, and holds them against what the upload answered."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=stack["transactions_table"])
    amounts = {}
    for item in (item for page in pages for item in page["Items"]):
        if item["file_id"]["S"] == accepted["file_id"]:
            amounts.setdefault(item["currency"]["S"], []).append(Decimal(item["amount"]["N"]))
    print(f"{'currency':<8}  {'rows':>4}  {'sum':>18}")
    for currency, values in sorted(amounts.items()):
        # DynamoDB drops the zeros at a number's end; the announced total has the currency's decimals.
        total = accepted["totals"].get(currency, "nothing")
        print(f"{currency:<8}  {len(values):>4}  {total:>18}")
        if total == "nothing" or sum(values) != Decimal(total):
            raise Problem(f"The rows in {currency} add up to {sum(values)}, the upload announced {total}.")
    count = sum(len(values) for values in amounts.values())
    if count != accepted["row_count"]:
        raise Problem(f"The table has {count} rows of the file, the upload announced {accepted['row_count']}.")
    return count


def _show_notification(inbox: Inbox, file_id: str) -> None:
    envelope = next(inbox.messages())
    notification = json.loads(envelope["Message"])
    if notification["file_id"] != file_id:
        raise Problem(f"The subscriber got a notification of another file: {envelope['Message']}")
    print(json.dumps(notification, indent=2))
    attributes = envelope.get("MessageAttributes", {})
    print("attributes", ", ".join(f"{name}={value['Value']}" for name, value in sorted(attributes.items())))


def _show_refusal(stack: dict) -> None:
    print(f"POST {stack['api_url']}/upload  {BAD_FILE.relative_to(paths.ROOT)}")
    status, answer = client.upload(stack, BAD_FILE)
    if status != 400 or not answer.get("errors"):
        raise Problem(f"The API answered {status} to a bad file: {json.dumps(answer)}")
    print(f"400 {answer['error']}: {answer['message']}")
    for error in answer["errors"]:
        print(f"line {error['line']:<3} {error['column'] or '-':<15} {error['code']:<26} {error['reason']}")


def _totals(totals: dict) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(totals.items()))
