"""The prices of AWS in us-east-1, without free tiers and without discounts for volume.

READ: the figure was read in a stored copy of the page, of the date behind it. UNVERIFIED: the figure is from memory of
AWS's price page, which could not be read. Verify both before you rely on them.
"""

from dataclasses import dataclass
from fractions import Fraction

READ, UNVERIFIED = "read", "not verified"
MILLION = 10**6


@dataclass(frozen=True)
class Price:
    """A price in US dollars for a number of units."""

    dollars: str
    units: int
    unit: str
    how: str
    source: str

    def of(self, quantity) -> Fraction:
        """The exact cost of a number of units."""
        return Fraction(self.dollars) * Fraction(quantity) / self.units


_DYNAMODB = "airbyte.com/data-engineering-resources/dynamodb-pricing, July 2025"
_LAMBDA = "cloudchipr.com/blog/aws-lambda-pricing, 2024; it says the same as notes of May 2026 at git.mcrn.ar"
_CLOUDWATCH = "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, June 2026"
_SECRETS = "hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms"

PRICES = {
    "api_request": Price(
        "3.50", MILLION, "REST request", READ,
        "docs.aws.amazon.com/whitepapers/latest/best-practices-api-gateway-private-apis-integration/cost-optimization.html",
    ),
    "transfer_out_gb": Price(
        "0.09", 1, "GB to the internet", READ, "awsforengineers.com/blog/aws-api-gateway-pricing-explained, May 2025"
    ),
    "lambda_request": Price("0.20", MILLION, "Lambda request", READ, _LAMBDA),
    "lambda_gb_second": Price("0.0000133334", 1, "GB-second on arm64", READ, _LAMBDA),
    "express_request": Price(
        "1.00", MILLION, "Express execution", READ,
        "aws.amazon.com/blogs/compute/building-cost-effective-aws-step-functions-workflows",
    ),
    "express_gb_second": Price(
        "0.00001667", 1, "GB-second of an Express execution", READ,
        "wring.co/blog/aws-step-functions-pricing-guide; rounding (100 ms, 64 MB): aws.amazon.com/step-functions/pricing",
    ),
    "dynamodb_write": Price("0.625", MILLION, "write of 1 KB, on demand", READ, _DYNAMODB),
    "dynamodb_read": Price("0.125", MILLION, "consistent read of 4 KB, on demand", READ, _DYNAMODB),
    "dynamodb_gb_month": Price(
        "0.25", 1, "GB of a table or index for a month", UNVERIFIED, "aws.amazon.com/dynamodb/pricing"
    ),
    "recovery_gb_month": Price(
        "0.20", 1, "GB of a table with point-in-time recovery for a month", UNVERIFIED, "aws.amazon.com/dynamodb/pricing"
    ),
    "s3_put": Price("0.005", 1000, "PUT", UNVERIFIED, "aws.amazon.com/s3/pricing"),
    "s3_get": Price("0.0004", 1000, "GET", UNVERIFIED, "aws.amazon.com/s3/pricing"),
    "s3_gb_month": Price(
        "0.023", 1, "GB in S3 Standard for a month", READ, "cloudburn.io/blog/amazon-s3-pricing, March 2026"
    ),
    "event": Price(
        "1.00", MILLION, "custom event", READ, "cloudburn.io/blog/amazon-eventbridge-pricing, March 2026"
    ),
    "data_event": Price(
        "1.00", MILLION, "event of S3, which is enabled for the bucket", UNVERIFIED,
        "aws.amazon.com/eventbridge/pricing, which mentions these events, without the figure in the stored copy",
    ),
    "publish": Price(
        "0.50", MILLION, "message to a topic", READ,
        "factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols, 2026; the cost of subscribers is not counted",
    ),
    "log_gb": Price("0.50", 1, "GB of log ingested", READ, _CLOUDWATCH),
    "log_gb_month": Price("0.03", 1, "GB of log stored for a month", UNVERIFIED, "aws.amazon.com/cloudwatch/pricing"),
    "alarm_metric": Price("0.10", 1, "metric of an alarm for a month", UNVERIFIED, "aws.amazon.com/cloudwatch/pricing"),
    "own_metric": Price(
        "0.30", 1, "custom metric for a month", READ, "signoz.io/guides/cloudwatch-pricing, February 2026"
    ),
    "dashboard": Price("3.00", 1, "dashboard for a month", READ, _CLOUDWATCH),
    "trace": Price("5.00", MILLION, "trace recorded", UNVERIFIED, "aws.amazon.com/xray/pricing"),
    "key": Price("1.00", 1, "key of KMS for a month", UNVERIFIED, "aws.amazon.com/kms/pricing"),
    "secret": Price("0.40", 1, "secret for a month", READ, _SECRETS),
    "image_gb_month": Price("0.10", 1, "GB of images for a month", UNVERIFIED, "aws.amazon.com/ecr/pricing"),
}
