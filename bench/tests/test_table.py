"""Tables are valid Markdown, and a part's bounds and notes stand below its table."""

import unittest

from bench import table
from bench.part import Bound, Result


class Markdown(unittest.TestCase):
    def test_columns_have_one_width_and_numbers_end_at_the_right(self):
        text = table.markdown(["who", "MB/s"], [["ours", "1,234"], ["a|b", "–"], ["c", "5.1"]])
        self.assertEqual(
            text.splitlines(),
            ["| who  |  MB/s |", "| ---- | ----: |", "| ours | 1,234 |", "| a\\|b |     – |", "| c    |   5.1 |"],
        )

    def test_a_row_of_another_length_is_a_mistake(self):
        with self.assertRaises(ValueError):
            table.markdown(["who", "MB/s"], [["ours"]])

    def test_a_table_may_have_no_rows(self):
        self.assertEqual(table.markdown(["who"], []).splitlines(), ["| who |", "| --- |"])

    def test_a_broken_bound_is_plain_to_see(self):
        result = Result("x", "Title", ["who"], [["ours"]], [Bound("speed", "≥ 2", "1", False)], ["a note"])
        parts = table.of_result(result).split("\n\n")
        self.assertEqual((parts[0], len(parts)), ("## Title", 4))
        self.assertIn("NO", parts[2])
        self.assertEqual(parts[3], "- a note")


if __name__ == "__main__":
    unittest.main()
