"""The quantities that AWS charges for files, payments and an idle month.

Each count names the code or the setting that it follows from. Quantities are fractions, never floats, so that costs are
exact until they are printed.
"""

import json
import re
from dataclasses import dataclass, field
from fractions import Fraction

from tools.paths import ROOT

from .prices import PRICES

DAYS_A_MONTH = 30
SECONDS_A_DAY = 24 * 60 * 60
GB = 2**30
KB = 1024
WRITE_BYTES, READ_BYTES = KB, 4 * KB
FUNCTION_GB = Fraction(512, 1024)
WEBHOOK_FUNCTION_GB = Fraction(1024, 1024)
# Express rounds the time up to 100 ms and the memory up to 64 MB, which the state data never exceeds.
EXPRESS_STEP_MILLISECONDS = 100
EXPRESS_GB = Fraction(64, 1024)
# X-Ray's default rule: the first request of each second, and 5 % of the others.
TRACES_A_SECOND, TRACED_SHARE = 1, Fraction(5, 100)


@dataclass(frozen=True)
class Measured:
    """Measured figures. Those of uploads come from `bench/latency`."""

    when: str
    upload_small: tuple
    upload_large: tuple
    upload_log_bytes: int
    # After an upload: the ranges that the item names, and its bytes.
    status_item_small: tuple
    status_item_large: tuple
    rows_a_second: int


@dataclass(frozen=True)
class Inputs:
    """The load, and how long files and rows are stored."""

    files_a_day: int = 10_000
    rows_a_file: int = 1_000
    row_bytes: int = 80
    webhooks_a_day: int = 100_000
    # Shares of all payments (the rest is of low value), and the share of high-value payments that cause an alert.
    medium_share: Fraction = Fraction(20, 100)
    high_share: Fraction = Fraction(5, 100)
    alerted_share: Fraction = Fraction(10, 100)
    status_reads_a_file: int = 1
    months_kept: int = 1
    providers: int = 2
    execution_data_logged: bool = True


@dataclass(frozen=True)
class Line:
    """A quantity with a price."""

    service: str
    what: str
    price: str
    quantity: Fraction

    @property
    def dollars(self) -> Fraction:
        """The cost."""
        return PRICES[self.price].of(self.quantity)


@dataclass
class Bill:
    """The lines of a month."""

    times: Fraction
    lines: list = field(default_factory=list)

    def add(self, service: str, what: str, price: str, each) -> None:
        """Adds the quantity for each file, payment or month."""
        self.lines.append(Line(service, what, price, Fraction(each) * self.times))

    def dollars(self, service: str | None = None) -> Fraction:
        """The cost of everything, or of one service."""
        return sum((line.dollars for line in self.lines if service in (None, line.service)), Fraction(0))


def units(size: int, unit: int) -> int:
    """The number of units that DynamoDB counts for an item of this size."""
    return max(1, -(-size // unit))


def limit(name: str) -> int:
    """A limit of `domain/src/limits.rs`."""
    text = (ROOT / "domain/src/limits.rs").read_text()
    return int(re.search(rf"pub const {name}: \w+ = ([\d_]+);", text)[1].replace("_", ""))


def ranges_of(rows: int) -> int:
    """The number of ranges of a file, as planned by the domain's range.rs."""
    marks = -(-rows // limit("RANGE_ROWS_MIN"))
    marks_a_range = max(1, -(-marks // limit("FILE_RANGES_MAX")))
    return -(-marks // marks_a_range)


def calls_of(what: str) -> dict:
    """The calls that `bench/latency` requires of the function."""
    return json.loads((ROOT / "bench/calls.json").read_text())[what]


# A row of the transactions table, with the lengths of `local/samples/transactions.csv`; DynamoDB adds 100 bytes to each
# item.
ROW_BYTES = 300
ITEM_OVERHEAD_BYTES = 100
# The indexes of the status table: by day, by partner, and of unfinished files, which a file enters with its first
# transition and leaves with its last.
STATUS_INDEXES = 3
# A history entry in the status table: status, time, attempt, message.
HISTORY_ENTRY_BYTES = 130
# Lines of Lambda around an invocation (START, END, REPORT) and of the API (the access log's format), with 26 bytes each
# that CloudWatch adds.
PLATFORM_LOG_BYTES, ACCESS_LOG_BYTES = 420, 300
STEP_LOG_BYTES = 500
# An entry of an execution's log (estimated): its own members, and the state's data if they are logged.
EXECUTION_LOG_BYTES, EXECUTION_DATA_BYTES = 500, 1_000
RESPONSE_BYTES = 1_200
# Steps that make a few calls and compute almost nothing: the times of the calls in the stubs, and 5 ms.
VALIDATION_MS, NOTIFICATION_MS = 5 + 5, 3 * 5 + 15 + 5
WEBHOOK_MS, FRAUD_MS, PUBLISH_MS = 2 * 5 + 15 + 5, 5 * 5 + 5, 15
# The time that a state and its call of a function add to an execution (estimated).
STATE_MS = 50


def files_bill(inputs: Inputs, measured: Measured) -> Bill:
    """The cost of processing the files of a month."""
    bill = Bill(Fraction(inputs.files_a_day * DAYS_A_MONTH))
    ranges = ranges_of(inputs.rows_a_file)
    add_api(bill, 1 + inputs.status_reads_a_file, inputs.files_a_day)
    _file_functions(bill, inputs, measured, ranges)
    _file_tables(bill, inputs, measured, ranges)
    calls = calls_of("upload")
    bill.add("S3", "file stored", "s3_put", calls["s3:PUT"])
    bill.add("S3", "ranges read", "s3_get", ranges)
    bill.add("EventBridge", "object created", "data_event", calls["s3:PUT"])
    bill.add("SNS", "notification of the outcome", "publish", 1)
    return bill


def add_api(bill: Bill, requests: int, a_day: int, **kept) -> None:
    """Adds the API requests of each file or payment."""
    bill.add("API Gateway", "requests", "api_request", requests)
    bill.add("API Gateway", "responses", "transfer_out_gb", Fraction(requests * RESPONSE_BYTES, GB))
    add_logs(bill, "access log", requests * ACCESS_LOG_BYTES, **kept)
    bill.add("X-Ray", "traces of requests", "trace", requests * traced_share(requests * a_day))


def traced_share(a_day: int) -> Fraction:
    """The share of so many requests a day that is traced, if they arrive evenly."""
    a_second = Fraction(a_day, SECONDS_A_DAY)
    if a_second <= TRACES_A_SECOND:
        return Fraction(1)
    return (TRACES_A_SECOND + (a_second - TRACES_A_SECOND) * TRACED_SHARE) / a_second


def add_logs(bill: Bill, what: str, size, months_kept=Fraction(7, DAYS_A_MONTH)) -> None:
    """Adds bytes of log."""
    gigabytes = Fraction(size, GB)
    bill.add("CloudWatch Logs", what, "log_gb", gigabytes)
    bill.add("CloudWatch Logs", f"{what}, stored", "log_gb_month", gigabytes * months_kept)


def add_function(bill: Bill, what: str, milliseconds, gigabytes=FUNCTION_GB, each=Fraction(1)) -> None:
    """Adds calls of a function."""
    bill.add("Lambda", f"{what}: requests", "lambda_request", each)
    # Lambda rounds up to whole milliseconds.
    duration = Fraction(-(-Fraction(milliseconds) // 1), 1000)
    bill.add("Lambda", f"{what}: time", "lambda_gb_second", duration * gigabytes * each)


def upload_milliseconds(inputs: Inputs, measured: Measured) -> Fraction:
    """The function's time for an upload, by linear interpolation of two measurements."""
    (small, small_ms), (large, large_ms) = measured.upload_small, measured.upload_large
    size = inputs.rows_a_file * inputs.row_bytes
    slope = Fraction(large_ms - small_ms) / (large - small)
    return max(Fraction(0), small_ms + slope * (size - small))


def _file_functions(bill: Bill, inputs: Inputs, measured: Measured, ranges: int) -> None:
    # The measured rate includes that a range's function reads its part of the object and writes its rows.
    range_ms = Fraction(inputs.rows_a_file, ranges) * 1000 / measured.rows_a_second + 2 * 5 + 20
    add_function(bill, "csv-validator, upload", upload_milliseconds(inputs, measured))
    for _ in range(inputs.status_reads_a_file):
        add_function(bill, "csv-validator, status", VALIDATION_MS)
    add_function(bill, "csv-validator, workflow", VALIDATION_MS)
    add_function(bill, "data-transformer", range_ms, each=Fraction(ranges))
    add_function(bill, "notification-sender", NOTIFICATION_MS)
    invocations = 3 + inputs.status_reads_a_file + ranges
    add_logs(bill, "functions", invocations * (PLATFORM_LOG_BYTES + STEP_LOG_BYTES) + measured.upload_log_bytes)
    milliseconds = VALIDATION_MS + range_ms + NOTIFICATION_MS + 3 * STATE_MS
    # By the states of workflow.asl.json: 20 entries, and 7 for each range.
    add_execution(bill, milliseconds, 20 + 7 * ranges, inputs.execution_data_logged)
    bill.add("X-Ray", "traces of executions", "trace", traced_share(inputs.files_a_day))


def add_execution(bill: Bill, milliseconds, log_entries: int, data_logged: bool, each=Fraction(1), **kept) -> None:
    """Adds executions of a workflow, and their logs."""
    steps = -(-Fraction(milliseconds) // EXPRESS_STEP_MILLISECONDS)
    seconds = Fraction(steps * EXPRESS_STEP_MILLISECONDS, 1000)
    bill.add("Step Functions", "executions", "express_request", each)
    bill.add("Step Functions", "their time", "express_gb_second", seconds * EXPRESS_GB * each)
    entry = EXECUTION_LOG_BYTES + (EXECUTION_DATA_BYTES if data_logged else 0)
    add_logs(bill, "executions", log_entries * entry * each, **kept)


def _file_tables(bill: Bill, inputs: Inputs, measured: Measured, ranges: int) -> None:
    row = units(ROW_BYTES, WRITE_BYTES)
    bill.add("DynamoDB", "rows and their index", "dynamodb_write", 2 * inputs.rows_a_file * row)
    bill.add("DynamoDB", "status", "dynamodb_write", status_writes(measured, ranges))
    # The validation step reads it, and so does a status request.
    after_upload = status_bytes(measured, ranges, 2)
    bill.add("DynamoDB", "status", "dynamodb_read", (1 + inputs.status_reads_a_file) * units(after_upload, READ_BYTES))


def status_bytes(measured: Measured, ranges: int, transitions: int) -> int:
    """The size of a file's item after so many transitions. An upload makes two."""
    (few, small), (many, large) = measured.status_item_small, measured.status_item_large
    after_upload = small + Fraction(large - small, many - few) * (ranges - few)
    return int(after_upload) + (transitions - 2) * HISTORY_ENTRY_BYTES


def status_writes(measured: Measured, ranges: int) -> int:
    """The writes of a file's six transitions. Each range attempts the third one, and a failed conditional write costs
    as much as a successful one. The first transition writes the keys of the indexes; the last removes the file from one
    of them."""
    sizes = [status_bytes(measured, ranges, transitions) for transitions in (2, 2, 3, 4, 5, 6)]
    written = [units(size, WRITE_BYTES) for size in sizes]
    written[0] = 1
    return sum(written) + (ranges - 1) * written[2] + STATUS_INDEXES + 1


def minimum_dollars(inputs: Inputs) -> Fraction:
    """The cost of writing the rows and their index, which no design with these tables can avoid."""
    rows = inputs.files_a_day * DAYS_A_MONTH * inputs.rows_a_file
    return PRICES["dynamodb_write"].of(2 * rows * units(ROW_BYTES, WRITE_BYTES))


def kept_bill(inputs: Inputs, measured: Measured) -> Bill:
    """The cost of storing the files of the last `months_kept` months, with their rows, for a month."""
    bill = Bill(Fraction(inputs.files_a_day * DAYS_A_MONTH * inputs.months_kept))
    rows = Fraction(inputs.rows_a_file * (ROW_BYTES + ITEM_OVERHEAD_BYTES), GB)
    status = Fraction(status_bytes(measured, ranges_of(inputs.rows_a_file), 6) + ITEM_OVERHEAD_BYTES, GB)
    bill.add("DynamoDB storage", "rows and their index", "dynamodb_gb_month", 2 * rows)
    bill.add("DynamoDB storage", "status", "dynamodb_gb_month", status)
    bill.add("DynamoDB recovery", "tables", "recovery_gb_month", rows + status)
    bill.add("S3 storage", "files", "s3_gb_month", Fraction(inputs.rows_a_file * inputs.row_bytes, GB))
    return bill
