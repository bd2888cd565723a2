"""Polars: one lazy expression for each rule, on every core, which is its default.

A seventh column holds surplus fields. Bytes that are not UTF-8 are read as the replacement character, so that a
record with that character itself is rejected, too. It cannot detect a quote inside an unquoted field. """

import polars as pl

from . import measure, patterns

COLUMNS = ("transaction_id", "amount", "currency", "timestamp", "merchant", "status")
ASCII_BLANKS = " \t\n\r\x0c"


def records(path: str) -> pl.LazyFrame:
    """The records as text, with their numbers."""
    return pl.scan_csv(
        path,
        has_header=False,
        skip_rows=1,
        schema={name: pl.String for name in (*COLUMNS, "surplus")},
        encoding="utf8-lossy",
        missing_columns="insert",
        truncate_ragged_lines=True,
        null_values="",
        row_index_name="record",
        row_index_offset=1,
    )


def whole(column: str, pattern: str) -> pl.Expr:
    """Whether the whole value matches the pattern."""
    return pl.col(column).str.contains(f"^(?:{pattern})$")


def is_text(column: str, bytes_max: int) -> pl.Expr:
    """Whether a field is valid text."""
    value = pl.col(column)
    return (
        (value.str.strip_chars(ASCII_BLANKS) != "")
        & (value.str.len_bytes() <= bytes_max)
        & ~value.str.contains(patterns.FORBIDDEN)
        & ~value.str.contains("\ufffd", literal=True)
    )


def is_amount(rules: dict) -> pl.Expr:
    """Whether an amount is a plain decimal that its currency can have, and the currency is one."""
    amount = pl.col("amount")
    decimals_max = pl.col("currency").replace_strict(rules["currencies"], default=None, return_dtype=pl.UInt32)
    decimals = amount.str.extract(r"\.(.*)", 1).str.len_bytes().fill_null(0)
    digits = amount.str.replace_all(r"[-.]", "").str.strip_chars_start("0").str.len_bytes()
    return (
        whole("amount", patterns.AMOUNT)
        & ~whole("amount", patterns.NEGATIVE_ZERO)
        & (digits <= rules["amount_digits_max"])
        & (decimals <= decimals_max)
    )


def is_timestamp(rules: dict) -> pl.Expr:
    """Whether a timestamp is RFC 3339 with an offset, in the calendar and not in the future."""
    at = pl.col("timestamp").str.to_uppercase().str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    return whole("timestamp", patterns.TIMESTAMP) & (at.dt.epoch("s") <= rules["latest_unix_seconds"])


def validate(path: str, rules: dict) -> tuple:
    """Validates a file with one query."""
    is_whole = pl.col("status").is_not_null() & pl.col("surplus").is_null()
    is_id = whole("transaction_id", patterns.TRANSACTION_ID) & is_text("transaction_id", rules["field_bytes_max"])
    is_sound = (
        is_amount(rules)
        & is_timestamp(rules)
        & is_text("merchant", rules["field_bytes_max"])
        & pl.col("status").is_in(rules["statuses"])
    )
    judged = records(path).select(
        "record",
        is_new=pl.struct("transaction_id", is_counted=(is_whole & is_id).fill_null(False)).is_first_distinct(),
        is_sound=(is_whole & is_id & is_sound).fill_null(False),
    )
    table = judged.collect()
    bad = table.filter(~(pl.col("is_new") & pl.col("is_sound")))["record"].to_list()
    return table.height, bad


if __name__ == "__main__":
    measure.main(validate)
