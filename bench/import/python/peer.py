"""The usual implementation: a file read with `csv`, amounts with `decimal`, rows written with boto3's `batch_writer`.

Prints the time from the first row to the last, the processor time, and the number of rows. It has no conditions, so
that a file that is sent again, or late, overwrites the current rows.
"""

import csv
import json
import resource
import sys
import time
from decimal import Decimal

import boto3


def main(path: str) -> None:
    table = boto3.resource("dynamodb").Table("transactions")
    began, used = time.monotonic(), _processor_seconds()
    rows = 0
    with open(path, encoding="utf-8", newline="") as file, table.batch_writer() as batch:
        for rows, record in enumerate(csv.DictReader(file), start=1):
            record["amount"] = Decimal(record["amount"])
            record.update(partner="acme", day=record["timestamp"][:10], file_id="a", received_at=1, record=rows)
            batch.put_item(Item=record)
    seconds, processor_seconds = time.monotonic() - began, _processor_seconds() - used
    print(json.dumps({
        "rows": rows,
        "microseconds": int(seconds * 1_000_000),
        "processor_microseconds": int(processor_seconds * 1_000_000),
        "memory_kilobytes_max": _memory_kilobytes_max(),
    }))


def _memory_kilobytes_max() -> int:
    """The peak memory, from /proc, because `ru_maxrss` includes the memory before the exec."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


main(sys.argv[1])
