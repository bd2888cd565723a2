"""frictionless: a Table Schema, and a custom check for the rules that a schema cannot express.

It stops at the first byte that is not UTF-8, so it reads bytes as Latin-1, and the check decodes what is not ASCII.
"""

import re
from datetime import datetime, timezone
from decimal import Decimal

from frictionless import Check, Checklist, Dialect, Resource, Schema, errors, system

from . import measure, patterns

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
ASCII_BLANKS = " \t\n\r\x0c"


def schema(rules: dict) -> Schema:
    """The rules for columns that a Table Schema can express."""
    constraints = {
        "transaction_id": {"pattern": patterns.TRANSACTION_ID, "unique": True},
        "amount": {"pattern": patterns.AMOUNT},
        "currency": {"enum": list(rules["currencies"])},
        "timestamp": {"pattern": patterns.TIMESTAMP},
        "merchant": {},
        "status": {"enum": rules["statuses"]},
    }
    fields = [
        {"name": name, "type": "string", "constraints": {"required": True, **of_column}}
        for name, of_column in constraints.items()
    ]
    return Schema.from_descriptor({"fields": fields})


class TransactionCheck(Check):
    """The rules for records that a schema cannot express."""

    type = "transaction"
    Errors = [errors.RowError]

    def __init__(self, rules: dict):
        super().__init__()
        self.rules = rules
        self.latest = datetime.fromtimestamp(rules["latest_unix_seconds"], timezone.utc)

    def validate_row(self, row):
        """Yields an error if a record breaks a rule that the schema did not check."""
        sound = not row.valid or (
            all(map(self.is_text, (row["transaction_id"], row["merchant"])))
            and self.is_amount(row["amount"], row["currency"])
            and self.is_timestamp(row["timestamp"])
        )
        if not sound:
            yield errors.RowError.from_row(row, note="a value breaks the rules")

    def is_text(self, value: str) -> bool:
        """Whether a field is valid text."""
        if not value.isascii():
            try:
                value = value.encode("latin-1").decode("utf-8")
            except UnicodeError:
                return False
        is_short = len(value) * 4 <= self.rules["field_bytes_max"] or len(value.encode()) <= self.rules["field_bytes_max"]
        return bool(value.strip(ASCII_BLANKS)) and is_short and not FORBIDDEN.search(value)

    def is_amount(self, value: str, currency: str) -> bool:
        """Whether the currency can have an amount."""
        amount = Decimal(value)
        _, digits, exponent = amount.as_tuple()
        is_negative_zero = not amount and value.startswith("-")
        has_decimals = -exponent <= self.rules["currencies"][currency]
        return has_decimals and len(digits) <= self.rules["amount_digits_max"] and not is_negative_zero

    def is_timestamp(self, value: str) -> bool:
        """Whether the calendar has a timestamp's day, and the instant is not in the future."""
        try:
            return datetime.fromisoformat(value.upper()).astimezone(timezone.utc) <= self.latest
        except (ValueError, OverflowError):
            return False


def validate(path: str, rules: dict) -> tuple:
    """Validates a file with the schema and the check."""
    checklist = Checklist(checks=[TransactionCheck(rules)])
    resource = Resource(path, schema=schema(rules), encoding="latin-1", dialect=Dialect(skip_blank_rows=True))
    # Without trust it accepts no absolute path.
    with system.use_context(trusted=True):
        report = resource.validate(checklist, limit_errors=1_000_000)
    [task] = report.tasks
    # The header is the first row.
    bad = {error.row_number - 1 for error in task.errors if hasattr(error, "row_number")}
    return task.stats["rows"], sorted(bad)


if __name__ == "__main__":
    measure.main(validate)
