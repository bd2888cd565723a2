"""A count of instructions may grow by the allowed percentage, and no further."""

import unittest

from bench import run_instructions


class Counts(unittest.TestCase):
    def test_a_bound_holds_at_its_value_and_fails_above(self):
        self.assertTrue(run_instructions.bound("clean", 10.5, 10.0).holds)
        self.assertFalse(run_instructions.bound("clean", 10.501, 10.0).holds)
        self.assertTrue(run_instructions.bound("clean", 2.0, 10.0).holds)

    def test_compares_every_accepted_set(self):
        counted = {"clean": {"ours": 9.0, "csv": 3.0}, "bad": {"ours": 11.0, "csv": 3.0}}
        result = run_instructions.result(counted, {"clean": 9.0, "bad": 10.0}, "x86_64")
        self.assertEqual([bound.holds for bound in result.bounds], [True, False])

    def test_notes_an_architecture_without_accepted_counts(self):
        result = run_instructions.result({"clean": {"ours": 9.0, "csv": 3.0}}, {}, "riscv64")
        self.assertEqual(result.bounds, [])
        self.assertIn("riscv64", result.notes[0])

    def test_reads_the_count_from_callgrind(self):
        self.assertEqual(run_instructions.collected("==7== Collected : 12345\n==7== I   refs:      99\n"), 12345)


if __name__ == "__main__":
    unittest.main()
