"""The Markdown of a result has its bounds and notes below its table."""

import unittest

from bench.part import Bound, Result, as_markdown


class Markdown(unittest.TestCase):
    def test_marks_an_exceeded_bound(self):
        result = Result("x", "Title", ["who"], [["ours"]], [Bound("speed", "≥ 2", "1", False)], ["a note"])
        parts = as_markdown(result).split("\n\n")
        self.assertEqual((parts[0], len(parts)), ("## Title", 4))
        self.assertIn("NO", parts[2])
        self.assertEqual(parts[3], "- a note")


if __name__ == "__main__":
    unittest.main()
