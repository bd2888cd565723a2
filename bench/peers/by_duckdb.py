"""DuckDB: one statement over its CSV reader, on every core, which is its default.

A seventh column holds surplus fields, and null padding replaces missing ones. Lines that are not UTF-8 are rejected
with their numbers; with these, every record keeps its number as long as none contains a line break.
"""

import duckdb

from . import measure, patterns
from .set_aside import with_rejected

QUERY = """
WITH file AS (
    SELECT row_number() OVER () AS record, *
    FROM read_csv($path, header = false, skip = 1, delim = ',', quote = '"', escape = '"', null_padding = true,
        auto_detect = false, strict_mode = false, nullstr = '', store_rejects = true, max_line_size = 1000000,
        columns = {'transaction_id': 'VARCHAR', 'amount': 'VARCHAR', 'currency': 'VARCHAR', 'timestamp': 'VARCHAR',
                   'merchant': 'VARCHAR', 'status': 'VARCHAR', 'surplus': 'VARCHAR'})
),
judged AS (
    SELECT record, transaction_id,
        status IS NULL OR surplus IS NOT NULL AS is_ragged,
        NOT coalesce(
            regexp_full_match(transaction_id, $transaction_id) AND trim(transaction_id) <> '', false) AS is_bad_id,
        NOT coalesce(
            regexp_full_match(amount, $amount)
            AND NOT regexp_full_match(amount, $negative_zero)
            AND length(ltrim(regexp_replace(amount, '[-.]', '', 'g'), '0')) <= $digits_max
            AND length(regexp_extract(amount, '[.](.*)', 1)) <= $currencies[currency]
            AND regexp_full_match(timestamp, $timestamp)
            AND try_cast(timestamp AS TIMESTAMPTZ) <= to_timestamp($latest)
            AND trim(merchant, E' \\t\\n\\r\\f') <> ''
            AND strlen(merchant) <= $bytes_max
            AND NOT regexp_matches(merchant, $forbidden)
            AND list_contains($statuses, status), false) AS is_bad_value
    FROM file
),
numbered AS (
    SELECT record, is_ragged OR is_bad_id OR is_bad_value
        OR row_number() OVER (PARTITION BY transaction_id, is_ragged OR is_bad_id ORDER BY record) > 1 AS is_bad
    FROM judged
)
SELECT count(*), list(record) FILTER (is_bad) FROM numbered
"""


def validate(path: str, rules: dict) -> tuple:
    """Validates a file with one statement."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # Everything is fetched, because the table of rejected lines is complete only after the statement.
        [(rows, bad)] = connection.execute(
            QUERY,
            {
                "path": path,
                "transaction_id": patterns.TRANSACTION_ID,
                "amount": patterns.AMOUNT,
                "negative_zero": patterns.NEGATIVE_ZERO,
                "timestamp": patterns.TIMESTAMP,
                "forbidden": patterns.FORBIDDEN,
                "currencies": duckdb_map(rules["currencies"]),
                "statuses": rules["statuses"],
                "digits_max": rules["amount_digits_max"],
                "bytes_max": rules["field_bytes_max"],
                "latest": rules["latest_unix_seconds"],
            },
        ).fetchall()
        rejected = connection.execute("SELECT DISTINCT line - 1 AS record FROM reject_errors ORDER BY record").fetchall()
    return with_rejected(rows, bad or [], [record for (record,) in rejected])


def duckdb_map(pairs: dict) -> dict:
    """A dictionary in the form that DuckDB reads as a map."""
    return {"key": list(pairs), "value": list(pairs.values())}


if __name__ == "__main__":
    measure.main(validate)
