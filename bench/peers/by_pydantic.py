"""pydantic: a model of a record, over Python's `csv.DictReader`, which accepts a quote inside an unquoted field as
text."""

import csv
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, ValidationInfo
from pydantic import field_validator, model_validator

from . import measure, patterns


ASCII_BLANKS = " \t\n\r\x0c"


def whole(pattern: str) -> StringConstraints:
    """Requires that the whole value matches the pattern."""
    return StringConstraints(pattern=f"^(?:{pattern})$")


NOTHING_FORBIDDEN = whole(patterns.FORBIDDEN.replace("[", "[^", 1) + "*")


class Transaction(BaseModel):
    """A record. The lists and numbers of the rules are the context."""

    model_config = ConfigDict(extra="forbid")

    transaction_id: Annotated[str, whole(patterns.TRANSACTION_ID)]
    amount: Annotated[str, whole(patterns.AMOUNT)]
    currency: str
    timestamp: Annotated[str, whole(patterns.TIMESTAMP)]
    merchant: Annotated[str, NOTHING_FORBIDDEN]
    status: Literal["completed", "pending", "failed"]

    @field_validator("transaction_id", "merchant")
    @classmethod
    def is_text(cls, value: str, info: ValidationInfo) -> str:
        """Requires that a field is not blank and not too long. A character has at most four bytes."""
        bytes_max = info.context["field_bytes_max"]
        if not value.strip(ASCII_BLANKS):
            raise ValueError("the field is empty")
        if len(value) * 4 > bytes_max and len(value.encode()) > bytes_max:
            raise ValueError("the field is too long")
        return value

    @field_validator("timestamp")
    @classmethod
    def is_past(cls, value: str, info: ValidationInfo) -> str:
        """Requires a day of the calendar and an instant that is not in the future."""
        if datetime.fromisoformat(value.upper()).astimezone(timezone.utc) > info.context["latest"]:
            raise ValueError("the timestamp is in the future")
        return value

    @model_validator(mode="after")
    def fits_currency(self, info: ValidationInfo) -> "Transaction":
        """Requires a known currency that can have the amount."""
        decimals_max = info.context["currencies"].get(self.currency)
        amount = Decimal(self.amount)
        _, digits, exponent = amount.as_tuple()
        if decimals_max is None or -exponent > decimals_max or len(digits) > info.context["amount_digits_max"]:
            raise ValueError("the amount does not fit its currency")
        if not amount and self.amount.startswith("-"):
            raise ValueError("zero has no sign")
        return self


def has_sound_id(error: ValidationError) -> bool:
    """Whether the ID of a rejected record counts: the record has all fields, and the ID is valid."""
    return not any(
        detail["type"] in ("string_type", "invalid_key") or detail["loc"][:1] == ("transaction_id",)
        for detail in error.errors(include_url=False, include_context=False)
    )


def validate(path: str, rules: dict) -> tuple:
    """Validates a file record by record."""
    context = {**rules, "latest": datetime.fromtimestamp(rules["latest_unix_seconds"], timezone.utc)}
    rows, bad, ids = 0, [], set()
    with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        for rows, row in enumerate(csv.DictReader(file, strict=True), 1):
            try:
                Transaction.model_validate(row, context=context)
                is_sound = has_id = True
            except ValidationError as error:
                is_sound, has_id = False, has_sound_id(error)
            if not is_sound or row["transaction_id"] in ids:
                bad.append(rows)
            if has_id:
                ids.add(row["transaction_id"])
    return rows, bad


if __name__ == "__main__":
    measure.main(validate)
