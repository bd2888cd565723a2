"""Compares the verdicts of two validators on every record of a file."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Difference:
    """The number of records with different verdicts, and the errors of those records as far as they are known."""

    records: int
    reasons: Counter


def compare(ours: Path, theirs: Path, errors: dict) -> Difference:
    """Compares two files of verdicts, whose lines are `<record> ok` or `<record> bad`. `errors` has the error of a
    record, by its number as text."""
    reasons = Counter()
    with ours.open() as own_lines, theirs.open() as their_lines:
        own, their = own_lines.readlines(), their_lines.readlines()
    if own == their:
        return Difference(0, reasons)
    own, their = _by_record(own), _by_record(their)
    for record in sorted(own.keys() | their.keys(), key=int):
        if own.get(record) != their.get(record):
            reasons[_reason(own.get(record), their.get(record), errors.get(record))] += 1
    return Difference(sum(reasons.values()), reasons)


def _by_record(lines: list) -> dict:
    return dict(line.split() for line in lines)


def _reason(own: str, their: str, error: str) -> str:
    if own is None or their is None:
        return "only one of them found the record"
    what = _words(error) if error else "a valid record"
    return f"accepts {what}" if their == "ok" else f"rejects {what}"


def _words(name: str) -> str:
    """MerchantEmpty → merchant empty."""
    return " ".join(re.findall(r"[A-Z]+[a-z0-9]*", name)).lower()
