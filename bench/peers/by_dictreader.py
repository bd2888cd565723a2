"""Python's own `csv.DictReader` with `decimal` and `datetime`, with all rules of the format.

It cannot detect a quote inside an unquoted field, which the reader accepts as text.
"""

import csv
import re
from datetime import datetime, timezone
from decimal import Decimal

from . import measure, patterns

AMOUNT = re.compile(patterns.AMOUNT)
TIMESTAMP = re.compile(patterns.TIMESTAMP)
TRANSACTION_ID = re.compile(patterns.TRANSACTION_ID)
# The last range represents bytes that are not UTF-8.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\udc80-\udcff]")
ASCII_BLANKS = " \t\n\r\x0c"


class Validator:
    """Validates the records of one file."""

    def __init__(self, rules: dict):
        self.currencies = rules["currencies"]
        self.statuses = frozenset(rules["statuses"])
        self.digits_max = rules["amount_digits_max"]
        self.bytes_max = rules["field_bytes_max"]
        self.latest = datetime.fromtimestamp(rules["latest_unix_seconds"], timezone.utc)
        self.ids = set()

    def is_bad(self, row: dict) -> bool:
        """Whether a record has an error."""
        if None in row or None in row.values():
            return True
        is_bad = self.is_bad_id(row["transaction_id"])
        return (
            is_bad
            or not all(map(self.is_text, row.values()))
            or row["status"] not in self.statuses
            or not self.is_amount(row["amount"], row["currency"])
            or not self.is_timestamp(row["timestamp"])
        )

    def is_bad_id(self, value: str) -> bool:
        """Whether an ID is malformed or repeated. It is checked first, so that it is known even if another field is
        invalid."""
        if not TRANSACTION_ID.fullmatch(value) or not value.strip(ASCII_BLANKS) or value in self.ids:
            return True
        self.ids.add(value)
        return False

    def is_text(self, value: str) -> bool:
        """Whether a field is valid text."""
        # A character has at most four bytes.
        is_short = len(value) * 4 <= self.bytes_max or len(value.encode(errors="replace")) <= self.bytes_max
        return bool(value.strip(ASCII_BLANKS)) and is_short and not FORBIDDEN.search(value)

    def is_amount(self, value: str, currency: str) -> bool:
        """Whether an amount is a plain decimal that its currency can have, and the currency is one."""
        decimals_max = self.currencies.get(currency)
        if decimals_max is None or not AMOUNT.fullmatch(value):
            return False
        amount = Decimal(value)
        _, digits, exponent = amount.as_tuple()
        is_negative_zero = not amount and value.startswith("-")
        return -exponent <= decimals_max and len(digits) <= self.digits_max and not is_negative_zero

    def is_timestamp(self, value: str) -> bool:
        """Whether a timestamp is RFC 3339 with an offset, in the calendar and not in the future."""
        if not TIMESTAMP.fullmatch(value):
            return False
        try:
            at = datetime.fromisoformat(value.upper()).astimezone(timezone.utc)
        except (ValueError, OverflowError):
            return False
        return at <= self.latest


def validate(path: str, rules: dict) -> tuple:
    """Validates a file record by record."""
    validator, rows, bad = Validator(rules), 0, []
    with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        for rows, row in enumerate(csv.DictReader(file, strict=True), 1):
            if validator.is_bad(row):
                bad.append(rows)
    return rows, bad


if __name__ == "__main__":
    measure.main(validate)
