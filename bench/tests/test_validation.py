"""The summary of a subject's runs, and the bounds."""

import unittest

from bench import large_file, run_validation
from bench.data import SETS
from bench.peers.set_aside import with_rejected
from bench.run_validation import Measured


def measured(subject: str, rows: int, seconds: float, file_seconds: float) -> dict:
    made = {}
    for name in SETS:
        made[name, rows, subject] = Measured(name, rows, 1_000_000, subject, seconds, file_seconds, 1000, 0)
    return made


class SummedUp(unittest.TestCase):
    def test_times_a_rung_in_memory_and_takes_its_peak_from_the_file(self):
        figures = {
            "ours/memory": [{"seconds": seconds, "peak_kilobytes": 99, "bad": 1} for seconds in (3, 1, 2)],
            "ours/file": [{"seconds": seconds, "peak_kilobytes": seconds, "bad": 1} for seconds in (6, 4, 5)],
        }
        one = run_validation.summed_up("clean", 10, 100, "ours", figures)
        self.assertEqual((one.seconds, one.file_seconds, one.peak_kilobytes), (2, 5, 6))

    def test_times_a_peer_from_the_file(self):
        one = run_validation.summed_up(
            "clean", 10, 100, "duckdb", {"duckdb/file": [{"seconds": 4, "peak_kilobytes": 7, "bad": 1}]}
        )
        self.assertEqual((one.seconds, one.file_seconds), (4, 4))


class Bounds(unittest.TestCase):
    def bounds(self, ours: float) -> list:
        made = {**measured("csv", 1_000_000, 1.0, 1.0), **measured("ours", 1_000_000, ours, ours)}
        made |= {**measured("dictreader", 50_000, 40.0, 40.0), **measured("ours", 50_000, 9.0, ours)}
        return [bound.holds for bound in run_validation.speed_bounds(made)]

    def test_a_bound_holds_at_its_value_and_fails_above(self):
        self.assertEqual(self.bounds(2.0), [True] * 8)
        self.assertEqual(self.bounds(2.001), [False] * 8)

    def test_allows_memory_for_the_check_of_ids(self):
        small = {"peak_kilobytes": 3000, "bytes": 10_000_000, "seconds": 1.0, "rows": large_file.SMALL_ROWS}
        allowed = 3000 + (16 * large_file.LARGE_ROWS + large_file.SLACK_BYTES) // 1024
        for peak, holds in ((allowed, True), (allowed + 1, False)):
            [bound] = large_file.bounds({"small": small, "large": {**small, "peak_kilobytes": peak}})
            self.assertEqual(bound.holds, holds)


class Rejected(unittest.TestCase):
    def test_numbers_records_including_rejected_ones(self):
        # Of seven records, 1, 4 and 5 were set aside, so that 2, 3, 6, 7 were numbered 1, 2, 3, 4.
        self.assertEqual(with_rejected(4, [2, 3], [1, 4, 5]), (7, [1, 3, 4, 5, 6]))
        self.assertEqual(with_rejected(4, [], []), (4, []))


if __name__ == "__main__":
    unittest.main()
