"""A file of a gibibyte: memory must not grow beyond what the check of IDs needs."""

from tools.problem import report

from . import data, rounds
from .part import Bound
from .paths import VALIDATION

SET = "long"
SMALL_ROWS = 50_000
LARGE_ROWS = 5_000_000
# The validator keeps eight bytes for each ID, and twice as many while their list grows.
ID_CHECK_BYTES_PER_ROW_MAX = 16
# Allowance for the allocator.
SLACK_BYTES = 2 * 1024 * 1024


def measure() -> dict:
    """Validates a small and a large file once, as the service does: in chunks, with the digest."""
    figures = {}
    for name, rows in (("small", SMALL_ROWS), ("large", LARGE_ROWS)):
        path = data.file(SET, rows)
        report(f"measuring {SET}, {rows:,} rows")
        figure = rounds.once((VALIDATION, "run", "ours-sha256", "file", path))
        figures[name] = {**figure, "bytes": path.stat().st_size}
    return figures


def rows(figures: dict, columns: int) -> list:
    """The row of the large file in the table of `run_validation`."""
    large = figures["large"]
    speed = f"{large['bytes'] / large['seconds'] / 1e6:,.0f}"
    rows_a_second = f"{large['rows'] / large['seconds']:,.0f}"
    cells = [f"{LARGE_ROWS:,}", "ours, all rules + SHA-256, from the file"]
    cells += [speed if name == SET else "–" for name in data.SETS]
    cells += [rows_a_second, megabytes(peak(large)), "–", "ours"]
    assert len(cells) == columns
    return [cells]


def bounds(figures: dict) -> list:
    """The bound on memory."""
    small, large = figures["small"], figures["large"]
    allowed = peak(small) + ID_CHECK_BYTES_PER_ROW_MAX * LARGE_ROWS + SLACK_BYTES
    what = (
        f"peak memory at {megabytes(large['bytes'])} MB: that at {megabytes(small['bytes'])} MB "
        f"({megabytes(peak(small))} MB) and {ID_CHECK_BYTES_PER_ROW_MAX} bytes a row"
    )
    return [Bound(what, f"≤ {megabytes(allowed)} MB", f"{megabytes(peak(large))} MB", peak(large) <= allowed)]


def notes(figures: dict) -> list:
    """How the large file was measured."""
    large = figures["large"]
    return [
        f"The file of {LARGE_ROWS:,} rows (set {SET}, {large['bytes']:,} bytes) is validated once, in "
        f"{large['seconds']:.1f} s; its rows/s and peak are of that set."
    ]


def peak(figure: dict) -> int:
    """The peak memory of a run, in bytes."""
    return figure["peak_kilobytes"] * 1024


def megabytes(number: int) -> str:
    """Bytes in units of 10^6."""
    return f"{number / 1e6:,.1f}"
