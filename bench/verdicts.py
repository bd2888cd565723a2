"""Compares what two validators say of every record of a file."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Difference:
    """How many records two validators judge differently, and what is wrong with those, as far as it is known."""

    records: int
    reasons: Counter


def compare(ours: Path, theirs: Path, faults: dict) -> Difference:
    """Compares two files of verdicts, whose lines are `<record> ok` or `<record> bad`. `faults` names what is wrong with
    a record, by its number as text."""
    reasons = Counter()
    with ours.open() as own_lines, theirs.open() as their_lines:
        own, their = own_lines.readlines(), their_lines.readlines()
    if own == their:
        return Difference(0, reasons)
    own, their = _by_record(own), _by_record(their)
    for record in sorted(own.keys() | their.keys(), key=int):
        if own.get(record) != their.get(record):
            reasons[_reason(own.get(record), their.get(record), faults.get(record))] += 1
    return Difference(sum(reasons.values()), reasons)


def _by_record(lines: list) -> dict:
    return dict(line.split() for line in lines)


def _reason(own: str, their: str, fault: str) -> str:
    if own is None or their is None:
        return "only one of the two saw the record"
    what = _words(fault) if fault else "a sound record"
    return f"takes {what}" if their == "ok" else f"refuses {what}"


def _words(name: str) -> str:
    """MerchantEmpty → merchant empty."""
    return " ".join(re.findall(r"[A-Z]+[a-z0-9]*", name)).lower()
