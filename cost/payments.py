"""The cost of payments, and the fixed cost of the stack."""

import re
from fractions import Fraction

from tools.paths import ROOT

from .model import (
    DAYS_A_MONTH,
    FRAUD_MS,
    GB,
    PLATFORM_LOG_BYTES,
    PUBLISH_MS,
    STATE_MS,
    STEP_LOG_BYTES,
    WEBHOOK_FUNCTION_GB,
    WEBHOOK_MS,
    Bill,
    Inputs,
    add_api,
    add_execution,
    add_function,
    add_logs,
    limit,
    traced_share,
)

# The items of the payments' table (estimated from their attributes). An item, a customer's profile, a tombstone and an
# entry of an index are one write each; an analysis is two.
PAYMENT_BYTES, TOMBSTONE_BYTES = 750, 300
INDEXES = 3
# The indexes that a payment leaves when it is archived. It leaves the third one when its processing has ended.
LASTING_INDEXES = 2
ANALYSIS_WRITES, PROFILE_WRITES = 2, 1
# Of 150 bytes for each key, read at half the price.
INDEX_READS = Fraction(150, 2 * 4096)
# A compressed line of the archive (estimated), stored for a year, at the price of S3 Standard.
ARCHIVED_BYTES, ARCHIVED_MONTHS = 120, 12
LOW_VALUE_LOG_BYTES = 700
# The archival replaces 64 items at a time, with a few calls (estimated).
ARCHIVAL_MS = Fraction(1, 2)
# By the states of webhook.asl.json (estimated). Their data is never logged.
EXECUTION_LOG_ENTRIES = 18
LOG_MONTHS = {"months_kept": Fraction(1)}
# The hourly check makes sixteen sequential queries, each with the time of the stubs, and 5 ms (estimated).
HOURS_A_MONTH = 24 * DAYS_A_MONTH
CHECK_MS = 16 * 5 + 5
# The size of a base image with one binary (estimated).
IMAGES, IMAGE_BYTES = 6, 60 * 10**6

# The service and the price of each type of resource with a fixed cost.
FIXED = {
    "AWS::CloudWatch::Dashboard": ("CloudWatch", "dashboard"),
    "AWS::Logs::MetricFilter": ("CloudWatch", "own_metric"),
    "AWS::KMS::Key": ("KMS", "key"),
}


def payments_bill(inputs: Inputs) -> Bill:
    """The cost of the payments of a month."""
    bill = Bill(Fraction(inputs.webhooks_a_day * DAYS_A_MONTH))
    add_api(bill, 1, inputs.webhooks_a_day, **LOG_MONTHS)
    add_function(bill, "webhook-validator", WEBHOOK_MS, WEBHOOK_FUNCTION_GB)
    add_logs(bill, "webhook-validator", PLATFORM_LOG_BYTES + STEP_LOG_BYTES, **LOG_MONTHS)
    # Stored with an entry in each index. Then marked as published, or analyzed if it is high-value, which removes one
    # entry.
    bill.add("DynamoDB", "payments and their indexes", "dynamodb_write", 1 + INDEXES + 1 + (INDEXES - LASTING_INDEXES))
    bill.add("EventBridge", "payments published", "event", 1)
    bill.add("SNS", "payments of medium value", "publish", inputs.medium_share)
    low_share = 1 - inputs.medium_share - inputs.high_share
    add_logs(bill, "payments of low value", low_share * LOW_VALUE_LOG_BYTES, **LOG_MONTHS)
    _high(bill, inputs)
    _archive(bill)
    return bill


def _high(bill: Bill, inputs: Inputs) -> None:
    share, alerted = inputs.high_share, inputs.high_share * inputs.alerted_share
    milliseconds = max(FRAUD_MS, PUBLISH_MS) + 2 * STATE_MS
    add_execution(bill, milliseconds, EXECUTION_LOG_ENTRIES, False, share, **LOG_MONTHS)
    add_function(bill, "fraud-detector", FRAUD_MS, each=share)
    add_logs(bill, "fraud-detector", share * (PLATFORM_LOG_BYTES + STEP_LOG_BYTES), **LOG_MONTHS)
    bill.add("DynamoDB", "payment, profile and recent payments", "dynamodb_read", share * 3)
    bill.add("DynamoDB", "analysis and profile", "dynamodb_write", share * (ANALYSIS_WRITES + PROFILE_WRITES))
    bill.add("DynamoDB", "alerted", "dynamodb_write", alerted * ANALYSIS_WRITES)
    bill.add("SNS", "payments of high value, and alerts", "publish", share + alerted)
    a_day = int(inputs.webhooks_a_day * share)
    bill.add("X-Ray", "traces of executions", "trace", share * traced_share(a_day))


def _archive(bill: Bill) -> None:
    # Each item is read to archive it and again before it is replaced. The tombstone is one write, and removes the
    # entries of the indexes. Objects have thousands of lines, so their requests are not counted.
    bill.add("DynamoDB", "archival", "dynamodb_read", 2 + INDEX_READS)
    bill.add("DynamoDB", "archival", "dynamodb_write", 1 + LASTING_INDEXES)
    bill.add("Lambda", "transaction-archival: time", "lambda_gb_second", ARCHIVAL_MS / 1000 / 2)
    row_months = Fraction(PAYMENT_BYTES, DAYS_A_MONTH) + TOMBSTONE_BYTES
    bill.add("DynamoDB storage", "payments of a day, tombstones of 30", "dynamodb_gb_month", row_months / GB)
    bill.add("DynamoDB recovery", "the same", "recovery_gb_month", row_months / GB)
    bill.add("S3 storage", "archive of a year", "s3_gb_month", Fraction(ARCHIVED_BYTES * ARCHIVED_MONTHS, GB))


def fixed_bill(inputs: Inputs) -> Bill:
    """The cost of an idle month."""
    bill = Bill(Fraction(1))
    template = (ROOT / "template.yaml").read_text()
    for kind, (service, price) in FIXED.items():
        bill.add(service, kind, price, len(resources(template, kind)))
    bill.add("CloudWatch", "alarms", "alarm_metric", alarm_metrics(template))
    bill.add("Secrets Manager", "one secret for each provider", "secret", inputs.providers)
    add_hourly_checks(bill)
    bill.add("ECR", "images", "image_gb_month", Fraction(IMAGES * IMAGE_BYTES, GB))
    return bill


def add_hourly_checks(bill: Bill) -> None:
    """Adds the hourly checks for unfinished files and payments: a query of each shard of both tables, which finds
    nothing."""
    for what in ("notification-sender", "transaction-archival"):
        add_function(bill, f"{what}, hourly", CHECK_MS, each=Fraction(HOURS_A_MONTH))
        add_logs(bill, f"{what}, hourly", HOURS_A_MONTH * (PLATFORM_LOG_BYTES + STEP_LOG_BYTES))
        # A query that finds nothing costs half a read.
        reads = Fraction(HOURS_A_MONTH * limit("UNFINISHED_SHARDS"), 2)
        bill.add("DynamoDB", f"{what}, hourly", "dynamodb_read", reads)


def resources(template: str, kind: str) -> list:
    """The text of each resource of a type in the template."""
    blocks = re.split(r"^  (?=\w+:$)", template, flags=re.MULTILINE)
    return [block for block in blocks if re.search(rf"^    Type: {re.escape(kind)}$", block, re.MULTILINE)]


def alarm_metrics(template: str) -> int:
    """The number of metrics of the alarms, which is what AWS charges: alone or in metric math."""
    alarms = resources(template, "AWS::CloudWatch::Alarm")
    return sum(len(re.findall(r"^\s+MetricName: ", block, re.MULTILINE)) for block in alarms)
