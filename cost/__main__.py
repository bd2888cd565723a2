"""The command line: `python3 -m cost`. Prints the cost in US dollars a month by service."""

import argparse
import json
import sys
from dataclasses import replace
from fractions import Fraction

from tools import picture
from tools.paths import ROOT

from .model import Inputs, Measured, calls_of, files_bill, minimum_dollars, kept_bill, ranges_of
from .payments import payments_bill, fixed_bill
from .prices import PRICES, READ

# All times are measured at the share of a core that a function of 512 MB has.
CORE_PERCENT = 29
LATENCY = ROOT / "target/bench/latency.json"
IMPORT = ROOT / "target/bench/import.json"
# The slower of the tables that `bench/import` simulates.
TABLE = "14 ms"
PRICES_OF = "2026-11-20"
FILES_A_DAY = (10_000, 100_000, 1_000_000)
# The parts of a bar in the picture; the last part is everything else.
DRAWN = {
    "DynamoDB": ("DynamoDB",),
    "storage": ("DynamoDB storage", "DynamoDB recovery", "S3 storage"),
    "logs and traces": ("CloudWatch Logs", "X-Ray"),
    "API": ("API Gateway",),
}
BEGIN, END = (f"<!-- {edge} of what `python3 -m cost --publish` writes -->" for edge in ("begin", "end"))
DOCUMENT, PICTURE = ROOT / "docs/operators/cost.md", ROOT / "docs/operators/cost.svg"

LISTED_BYTES = len("unfinished") + len("07") + len("unfinished_since_ms") + 8
# By `target/release/latency --full`, and by `bench/import` with 14 ms a write.
MEASURED = Measured(
    when="2026-11-21",
    upload_small=(80_000, Fraction("32.525")),
    upload_large=(1_000_000, Fraction("38.106")),
    upload_log_bytes=515,
    # As measured before unfinished files were indexed, and what DynamoDB adds for the two attributes of that index:
    # their names, two characters, and a number of 13 digits.
    status_item_small=(2, 822 + LISTED_BYTES),
    status_item_large=(14, 1_591 + LISTED_BYTES),
    rows_a_second=3_561,
)


class Deviation(Exception):
    """The function makes other calls than the model counts."""


def main() -> int:
    """The command line."""
    arguments = _parse()
    measured = MEASURED
    if arguments.latest:
        measured = latest(measured, *(json.loads(path.read_text()) for path in (LATENCY, IMPORT)))
    inputs = Inputs(
        files_a_day=arguments.files,
        rows_a_file=arguments.rows,
        row_bytes=arguments.row_bytes,
        webhooks_a_day=arguments.webhooks,
        months_kept=arguments.months,
        providers=arguments.providers,
    )
    scales = FILES_A_DAY if arguments.publish or arguments.all else (inputs.files_a_day,)
    part = result(inputs, measured, scales)
    if arguments.publish:
        publish(part, inputs)
    print(json.dumps(part, indent=1) if arguments.json else markdown(part))
    return 0


def _parse() -> argparse.Namespace:
    usual = Inputs()
    parser = argparse.ArgumentParser(prog="python3 -m cost", description="Print the cost in US dollars a month.")
    parser.add_argument("--files", type=int, default=usual.files_a_day, help="files a day")
    parser.add_argument("--rows", type=int, default=usual.rows_a_file, help="rows of a file")
    parser.add_argument("--row-bytes", type=int, default=usual.row_bytes, help="bytes of a row in the file")
    parser.add_argument("--webhooks", type=int, default=usual.webhooks_a_day, help="payments a day")
    parser.add_argument("--months", type=int, default=usual.months_kept, help="months for which files and rows are kept")
    parser.add_argument("--providers", type=int, default=usual.providers, help="payment providers")
    parser.add_argument("--all", action="store_true", help="print 10,000, 100,000 and 1,000,000 files a day")
    parser.add_argument("--latest", action="store_true", help="use the last measurements in target/bench")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--publish", action="store_true", help="write docs/operators/cost.md and cost.svg")
    return parser.parse_args()


def latest(measured: Measured, latency: dict, rows: dict) -> Measured:
    """The figures of the last runs of `bench/latency` and `bench/import`. Fails if an upload makes other calls than the
    model counts."""
    by_file = {row["file"]: row for row in latency["data"] if row["core_percent"] == CORE_PERCENT}
    for row in by_file.values():
        if row["calls"] != calls_of("upload"):
            raise Deviation(f"an upload of {row['file']} makes {row['calls']}; bench/calls.json says {calls_of('upload')}")
    small, middle, large = by_file["80 KB"], by_file["1 MB"], by_file["4 MB"]
    ours = {"importer": "data-transformer", "table": TABLE, "core_percent": CORE_PERCENT}
    rate = next(row["rows_per_second"] for row in rows["data"]["measured"] if ours.items() <= row.items())
    milliseconds = {name: Fraction(row["p50_microseconds"], 1000) for name, row in by_file.items()}
    return replace(
        measured,
        upload_small=(80_000, milliseconds["80 KB"]),
        upload_large=(1_000_000, milliseconds["1 MB"]),
        upload_log_bytes=middle["log_bytes"],
        status_item_small=(ranges_of(small["rows"]), small["status_item_bytes"]),
        status_item_large=(ranges_of(large["rows"]), large["status_item_bytes"]),
        rows_a_second=rate,
    )


def result(inputs: Inputs, measured: Measured, scales: tuple) -> dict:
    """The result of the model, in the form of a part of the benchmark."""
    fixed, payments = fixed_bill(inputs), payments_bill(inputs)
    scaled = [replace(inputs, files_a_day=files) for files in scales]
    processed = [files_bill(one, measured) for one in scaled]
    kept = [kept_bill(one, measured) for one in scaled]
    bills = [[fixed]] + [[one, other] for one, other in zip(processed, kept)] + [[payments]]
    services = list(dict.fromkeys(line.service for of_column in bills for bill in of_column for line in bill.lines))
    amounts = {name: [sum(bill.dollars(name) for bill in column) for column in bills] for name in services}
    services.sort(key=lambda name: -sum(amounts[name]))
    rows = [[name, *map(dollars, amounts[name])] for name in services]
    rows.append(["**all**", *(dollars(sum(bill.dollars() for bill in column)) for column in bills)])
    floors = [minimum_dollars(one) for one in scaled]
    rows.append(["minimum: writing rows and index", "", *map(dollars, floors), ""])
    both = [one.dollars() + other.dollars() for one, other in zip(processed, kept)]
    for what, spent in [("processing files", [one.dollars() for one in processed]), ("processing and storing files", both)]:
        rows.append([f"{what}, relative to the minimum", "", *map(_ratio, spent, floors), ""])
    columns = ["dollars a month", "idle", *(f"{files:,} files a day" for files in scales)]
    columns.append(f"{inputs.webhooks_a_day:,} payments a day")
    groups = {files: {name: str(amounts[name][index + 1]) for name in services} for index, files in enumerate(scales)}
    return {
        "part": "cost",
        "title": "Cost: dollars a month by service",
        "columns": columns,
        "rows": rows,
        "bounds": [],
        "notes": [
            f"Prices of us-east-1 as of {PRICES_OF}, without free tiers. Files of {inputs.rows_a_file:,} rows with "
            f"{inputs.row_bytes} bytes each.",
            f"Files and rows of {inputs.months_kept} month(s) are stored. Times measured on {measured.when}."
        ],
        "data": {"floor": {files: str(floor) for files, floor in zip(scales, floors)}, "services": groups},
    }


def dollars(amount: Fraction) -> str:
    """An amount in cents, rounded half up."""
    cents = (amount * 200 + 1) // 2
    return f"{cents // 100:,}.{cents % 100:02}"


def _ratio(amount: Fraction, floor: Fraction) -> str:
    hundredths = (amount / floor * 200 + 1) // 2
    return f"{hundredths // 100}.{hundredths % 100:02} ×"


def markdown(part: dict) -> str:
    """The table, and its assumptions."""
    rows = [part["columns"], ["---", *["---:"] * (len(part["columns"]) - 1)], *part["rows"]]
    return "\n".join([*("| " + " | ".join(row) + " |" for row in rows), "", *part["notes"]])


def prices_table() -> str:
    """Every price, with its source."""
    lines = []
    for price in PRICES.values():
        units = "1" if price.units == 1 else f"{price.units:,}"
        lines += [f"- {price.dollars} dollars for {units} {price.unit} ({price.how}):", f"  {price.source}"]
    return "\n".join(lines)


def drawing(part: dict, inputs: Inputs) -> str:
    """A bar with the cost of 1,000 files for each number of files a day, and one for the minimum."""
    groups = []
    for files, services in part["data"]["services"].items():
        a_thousand = {name: Fraction(amount) * 1000 / (files * 30) for name, amount in services.items()}
        parts = [sum(a_thousand.get(name, Fraction(0)) for name in names) for names in DRAWN.values()]
        total = sum(a_thousand.values())
        others = total - sum(parts)
        groups.append((f"{files:,} files a day", [float(value) for value in (*parts, others)], f"{dollars(total)} $"))
    files, floor = next(iter(part["data"]["floor"].items()))
    floor = Fraction(floor) * 1000 / (files * 30)
    groups.append(("minimum: rows and index", [float(floor), *[0.0] * len(DRAWN)], f"{dollars(floor)} $"))
    subtitle = f"{inputs.rows_a_file:,} rows a file, stored for {inputs.months_kept} month(s); us-east-1, {PRICES_OF}"
    series = [*DRAWN, "everything else"]
    return picture.stacked_bars("Cost of 1,000 files", subtitle, groups, series, "US dollars for 1,000 files")


def publish(part: dict, inputs: Inputs) -> None:
    """Writes the picture, and the generated part of the document."""
    written = document(DOCUMENT.read_text(), part)
    PICTURE.write_text(drawing(part, inputs))
    DOCUMENT.write_text(written)


def document(text: str, part: dict) -> str:
    """The document with its generated part replaced."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    image = f"![Cost of 1,000 files]({PICTURE.name})"
    return before + "\n\n".join([BEGIN, markdown(part), image, "### Prices", prices_table(), END]) + after


if __name__ == "__main__":
    sys.exit(main())
