"""The part `validation`: the speed and memory of validation, and whether other validators give the same verdicts.

`python3 -m bench.run_validation`, when the crate `validation` is built and the environment `bench` is made.
"""

import sys
from dataclasses import asdict, dataclass

from tools.problem import Problem, exit_code, report

from . import data, large_file, rounds, verdicts
from .paths import OUT, VALIDATION
from .part import Bound, Result, write
from .subjects import LADDER, PEERS, TITLES, of_size

SIZES = (1_000, 50_000, 1_000_000)
PEERS_PYTHON_MIN = (3, 11)
CSV_SPEED_SHARE_MIN = 0.5
DICTREADER_TIMES_MIN = 20


@dataclass(frozen=True)
class Measured:
    """A subject and a file: medians of the seconds, the peak memory, and the number of invalid records."""

    set: str
    rows: int
    bytes: int
    subject: str
    # From memory for a rung of the ladder, from the file for a peer.
    seconds: float
    file_seconds: float
    peak_kilobytes: int
    bad: int

    @property
    def megabytes_a_second(self) -> float:
        return self.bytes / self.seconds / 1e6


def main() -> int:
    """Measures everything and writes the result."""
    if sys.version_info < PEERS_PYTHON_MIN:
        raise Problem("The peers need Python 3.11 or later. Name it: make PYTHON=python3.12 bench")
    measured, differences = {}, {}
    for rows in SIZES:
        for set_name in data.SETS:
            for one in measure(set_name, rows):
                measured[set_name, rows, one.subject] = one
            for peer in PEERS:
                if rows <= peer.rows_max:
                    differences[peer.name, set_name, rows] = difference(peer, set_name, rows)
    large = large_file.measure()
    result = Result("validation", "Validation of generated files", columns())
    result.rows = [*table(measured, differences), *large_file.rows(large, len(result.columns))]
    result.bounds = [*speed_bounds(measured), *large_file.bounds(large)]
    result.notes = [*notes(measured, differences), *large_file.notes(large)]
    result.data = {
        "measured": [asdict(one) for one in measured.values()],
        "differing": sorted({peer for (peer, _, _), found in differences.items() if found.records}),
        "large_file": large,
    }
    write(result)
    return 0


def measure(set_name: str, rows: int) -> list:
    """Measures all subjects on one file, in turns."""
    path, rules = data.file(set_name, rows), data.rules()
    report(f"measuring {set_name}, {rows:,} rows")
    subjects = of_size(rows)
    figures = rounds.interleave([run for subject in subjects for run in subject.runs(path, rules, rows)])
    return [summed_up(set_name, rows, path.stat().st_size, subject.name, figures) for subject in subjects]


def summed_up(set_name: str, rows: int, size: int, subject: str, figures: dict) -> Measured:
    """The summary of the runs of one subject."""
    from_file = figures[f"{subject}/file"]
    timed = figures.get(f"{subject}/memory", from_file)
    return Measured(
        set=set_name,
        rows=rows,
        bytes=size,
        subject=subject,
        seconds=rounds.median(timed, "seconds"),
        file_seconds=rounds.median(from_file, "seconds"),
        peak_kilobytes=max(figure["peak_kilobytes"] for figure in from_file),
        bad=from_file[0]["bad"],
    )


def difference(peer, set_name: str, rows: int) -> verdicts.Difference:
    """Compares a peer's verdict on every record of a file with ours."""
    path = data.file(set_name, rows)
    own, their = OUT / "verdicts-ours", OUT / f"verdicts-{peer.name}"
    rounds.once((VALIDATION, "run", "ours", "file", path, own))
    rounds.once((*peer.command(path, data.rules()), their))
    return verdicts.compare(own, their, data.errors(set_name, rows))


def columns() -> list:
    """The column headings of the table."""
    speeds = [f"{name}, MB/s" for name in data.SETS]
    return ["rows", "subject", *speeds, "rows/s, clean", "peak MB, clean", "time, ours = 1", "verdicts"]


def table(measured: dict, differences: dict) -> list:
    """A row for each size and subject."""
    rows_of_table = []
    for rows in SIZES:
        for subject in of_size(rows):
            clean = measured["clean", rows, subject.name]
            speeds = [speed(measured[name, rows, subject.name].megabytes_a_second) for name in data.SETS]
            rows_a_second = f"{rows / clean.seconds:,.0f}"
            peak = f"{clean.peak_kilobytes * 1024 / 1e6:,.1f}"
            ratio = f"{times_ours(measured, clean):,.2f}"
            verdict = verdict_cell(subject, rows, differences)
            rows_of_table.append([f"{rows:,}", subject.title, *speeds, rows_a_second, peak, ratio, verdict])
    return rows_of_table


def speed(megabytes_a_second: float) -> str:
    """A speed with about three digits."""
    return f"{megabytes_a_second:,.0f}" if megabytes_a_second >= 100 else f"{megabytes_a_second:.1f}"


def times_ours(measured: dict, one: Measured) -> float:
    """The time of a subject divided by ours: both from memory, or both from the file."""
    ours = measured[one.set, one.rows, "ours"]
    if any(one.subject == rung.name for rung in LADDER):
        return one.seconds / ours.seconds
    return one.file_seconds / ours.file_seconds


def verdict_cell(subject, rows: int, differences: dict) -> str:
    """Whether the verdicts of a subject differ from ours, in all sets of a size."""
    if subject in LADDER:
        return "ours" if subject.name.startswith("ours") else "none"
    differing = sum(differences[subject.name, name, rows].records for name in data.SETS)
    return f"{differing:,} of {rows * len(data.SETS):,} differ" if differing else "the same"


def speed_bounds(measured: dict) -> list:
    """The bounds on speed, on each set."""
    bounds = []
    for name in data.SETS:
        ours, csv = (measured[name, SIZES[-1], subject] for subject in ("ours", "csv"))
        share = csv.seconds / ours.seconds
        what = f"ours compared with csv's ByteRecord, {name}, {SIZES[-1]:,} rows"
        bounds.append(Bound(what, f"≥ {CSV_SPEED_SHARE_MIN} ×", f"{share:.2f} ×", share >= CSV_SPEED_SHARE_MIN))
    for name in data.SETS:
        ours, python = (measured[name, 50_000, subject].file_seconds for subject in ("ours", "dictreader"))
        what = f"ours compared with {TITLES['dictreader']}, {name}, 50,000 rows"
        times = python / ours
        bounds.append(Bound(what, f"≥ {DICTREADER_TIMES_MIN} ×", f"{times:.1f} ×", times >= DICTREADER_TIMES_MIN))
    return bounds


def notes(measured: dict, differences: dict) -> list:
    """Notes for readers of the table, and all differences between verdicts with their reasons."""
    kept = [
        "MB are 10^6 bytes. Medians of interleaved runs, each a process of its own: 5 rounds, 3 of the slow peers above 1,000 "
        "rows.",
        "Newlines, csv and ours read bytes in memory, and chunks of 64 KiB from the file for the peak; the peers, and ours "
        "compared with them, read the file from the page cache. Imports of the peers are not counted.",
        "Polars and DuckDB use every core; all others use one.",
        "IDs are unordered in the sets clean and long, and ascend in bad and quoted. Where IDs repeat, as in bad, ours reads "
        "the file twice, and both passes count.",
    ]
    for peer in PEERS:
        for (name, set_name, rows), found in differences.items():
            if name == peer.name and found.records:
                reasons = "; ".join(f"{reason}: {count:,}" for reason, count in found.reasons.most_common())
                file = f"{set_name}, {rows:,} rows"
                kept.append(f"{peer.title} differs on {found.records:,} records of {file}: {reasons}.")
    return kept


if __name__ == "__main__":
    sys.exit(exit_code(main, "Interrupted."))
