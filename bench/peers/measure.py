"""Measures one validator once: its time, its memory, and its verdict on every record."""

import json
import re
import sys
import time
from pathlib import Path


def main(validate) -> None:
    """Runs `validate(path, rules)`, which returns the number of records and the numbers of the invalid ones, from 1.

    Imports are over when the clock starts, and verdicts are written when it has stopped: neither is validation.
    """
    path, rules_path, *verdicts = sys.argv[1:]
    rules = json.loads(Path(rules_path).read_text())
    cpu_started, started = time.process_time(), time.perf_counter()
    rows, bad = validate(path, rules)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    peak = peak_kilobytes(Path("/proc/self/status").read_text())
    bad = set(bad)
    figures = {"seconds": seconds, "cpu_seconds": cpu_seconds, "rows": rows, "bad": len(bad), "peak_kilobytes": peak}
    print(json.dumps(figures))
    if verdicts:
        lines = (f"{record} {'bad' if record in bad else 'ok'}\n" for record in range(1, rows + 1))
        Path(verdicts[0]).write_text("".join(lines))


def peak_kilobytes(status: str) -> int:
    """The peak memory of this process, in units of 1,024 bytes, from /proc."""
    return int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)[1])
